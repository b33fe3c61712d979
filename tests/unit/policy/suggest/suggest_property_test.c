/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated traffic in report mode, learned and then enforced: whatever was let pass is permitted,
 * but for what the suggestion says it leaves out, and nothing else in the small world of the test
 * is, but for what the two groupings admit. The judge of that is written anew here, host by host. */
#include <criterion/criterion.h>

#include "tests/unit/policy/policy_network_fixture.h"
#include "rules/network/shared_domain.h"
#include "rules/network/url_target.h"
#include "tests/unit/policy/suggest/suggest_fixture.h"

enum { ROUNDS = 120, REQUESTS = 14, SIBLINGS = 3, PATHS_MAX = 8, METHOD_SETS_MAX = 3 };

static uint32_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

#define PICK(state, array) ((array)[next(state) % ARRAY_LEN(array)])

/* ---- network ---- */

enum what { NAMED, NAMELESS, OTHER, SEEN, WHAT_COUNT };

struct use {
    const char *host;
    unsigned port;
    enum what what;
    const char *method, *path; /* SEEN */
    const char *address;       /* dialled; NULL = a public one */
};

static const char *const hosts[] = {
    "a.example.com", "b.example.com", "c.example.com", "x.y.example.com", "example.com",
    "a.github.io",   "b.github.io",   "c.github.io",   "a.x.co.uk",       "b.x.co.uk",
    "c.x.co.uk",     "x.co.uk",       "8.8.8.8"};
static const unsigned ports[] = {80, 443, 8443};
static const char *const methods[] = {"GET", "POST", "HEAD"};
static const char *const paths[] = {"/", "/a", "/b/c", "/%41", "/a/../b", "/x*"};
static const char *const addresses[] = {NULL, NULL, NULL, NULL, "10.0.0.1", "10.0.0.2"};

static bool is_literal(const char *host)
{
    return host[0] >= '0' && host[0] <= '9';
}

static struct use any_use(uint64_t *state)
{
    struct use use = {
        PICK(state, hosts),   PICK(state, ports), (enum what)(next(state) % WHAT_COUNT),
        PICK(state, methods), PICK(state, paths), PICK(state, addresses)};
    if (next(state) % 2 == 0)
        use.what = NAMED; /* mostly what a browser does */
    if (is_literal(use.host)) {
        use.address = NULL;
        use.what = use.what == NAMED ? NAMELESS : use.what;
    }
    return use;
}

static struct network_verdict decide(const struct policy *policy, const struct use *use)
{
    struct network_question question;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer canonical = BUFFER_EMPTY;
    struct network_verdict verdict;
    if (use->what == SEEN)
        buffer_printf(&text, "GET %s:%u/", use->host, use->port);
    else
        buffer_printf(&text, "tunnel %s:%u%s%s", use->host, use->port,
                      use->what == NAMED      ? " sni="
                      : use->what == NAMELESS ? " sni=-"
                                              : " speaks=other",
                      use->what == NAMED ? use->host : "");
    buffer_printf(&text, " at=%s",
                  is_literal(use->host)  ? use->host
                  : use->address != NULL ? use->address
                                         : "93.184.216.34");
    network_question_parse(&question, buffer_text(&text));
    if (use->what == SEEN) {
        question.request.method = http_method_from_name(slice_from_text(use->method));
        question.request.path_ambiguous =
            !url_path_canonical(slice_from_text(use->path), &canonical);
        question.request.path = buffer_slice(&canonical);
    }
    policy_decide_network(policy, policy_client_find(policy, SLICE_LITERAL("default")),
                          &question.request, NULL, &verdict);
    return verdict;
}

/* The record that the gate would write. Whether it is evidence. */
static bool record(struct suggest_fixture *fixture, const struct policy *report,
                   const struct use *use)
{
    AUTO_BUFFER struct buffer words = BUFFER_EMPTY;
    struct network_verdict verdict = decide(report, use);
    bool allowed = verdict.result == VERDICT_ALLOW;
    buffer_printf(&words, "host=%s port=%u method=%s decision=%s reason=%s bytes_in=9", use->host,
                  use->port, use->what == SEEN ? use->method : "CONNECT",
                  allowed ? "allow" : "deny", verdict.reason);
    if (verdict.would_deny)
        buffer_printf(&words, " would_deny=%s", verdict.reason);
    else
        buffer_append_literal(&words, " -would_deny");
    if (use->what == SEEN)
        buffer_printf(&words, " path=%s", use->path);
    if (use->what == NAMED)
        buffer_printf(&words, " sni=%s", use->host);
    if (use->address != NULL)
        buffer_printf(&words, " address=%s", use->address);
    suggest_fixture_add(fixture, buffer_text(&words));
    return allowed;
}

static bool same_address(const struct use *a, const struct use *b)
{
    return a->address == b->address ||
           (a->address != NULL && b->address != NULL && strcmp(a->address, b->address) == 0);
}

static bool same_place(const struct use *a, const struct use *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

/* Whether plain HTTP at this place is narrow enough to go by paths, by the rule in the manual. */
static bool goes_by_paths(const struct use *used, size_t count, const struct use *place)
{
    unsigned sets[ARRAY_LEN(paths)] = {0};
    unsigned different[ARRAY_LEN(paths)];
    size_t set_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!same_place(&used[i], place) || used[i].what != SEEN)
            continue;
        if (strstr(used[i].path, "..") != NULL)
            return false;
        for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
            for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
                if (same_address(&used[i], place) && strcmp(paths[p], used[i].path) == 0 &&
                    strcmp(methods[m], used[i].method) == 0)
                    sets[p] |= 1u << m;
            }
        }
    }
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        size_t at = 0;
        while (at < set_count && different[at] != sets[p])
            at++;
        if (sets[p] != 0 && at == set_count)
            different[set_count++] = sets[p];
    }
    return set_count <= METHOD_SETS_MAX;
}

/* Whether what was used at exactly this host permits the request. */
static bool is_like_used(const struct use *used, size_t count, const struct use *asked)
{
    for (size_t i = 0; i < count; i++) {
        const struct use *one = &used[i];
        if (!same_place(one, asked))
            continue;
        /* A list of addresses holds for all tunnels to the place that were alike. */
        bool tunnel = one->what != SEEN;
        bool address = same_address(one, asked);
        for (size_t n = 0; tunnel && n < count; n++)
            address = address || (one->address != NULL && same_place(&used[n], asked) &&
                                  used[n].what != SEEN && same_address(&used[n], asked));
        if (!address)
            continue;
        if (tunnel && (asked->port != 443 || one->what == asked->what))
            return true;
        if (tunnel && asked->port == 443 &&
            ((one->what == OTHER && asked->what != NAMELESS) ||
             (one->what == NAMELESS && asked->what == NAMED)))
            return true;
        if (!tunnel && asked->what == SEEN && strcmp(one->method, asked->method) == 0 &&
            (!goes_by_paths(used, count, one) || strcmp(one->path, asked->path) == 0))
            return true;
        if (is_literal(asked->host) && tunnel && asked->port == 443 && asked->what != SEEN &&
            one->what == NAMELESS && asked->what == NAMED)
            return true;
    }
    return false;
}

/* … or what was used at three siblings below one domain does. */
static bool is_gathered(const struct use *used, size_t count, const struct use *asked)
{
    for (const char *domain = strchr(asked->host, '.');
         domain != NULL && strchr(domain + 1, '.') != NULL && asked->address == NULL;
         domain = strchr(domain + 1, '.')) {
        size_t siblings = 0;
        if (shared_domain_is(slice_from_text(domain + 1)))
            continue;
        for (size_t h = 0; h < ARRAY_LEN(hosts); h++) {
            struct use sibling = *asked;
            sibling.host = hosts[h];
            const char *parent = strchr(hosts[h], '.');
            siblings += strcmp(parent, domain) == 0 && is_like_used(used, count, &sibling);
        }
        if (siblings >= SIBLINGS)
            return true;
    }
    return false;
}

/* A path with two readings is malformed wherever a rule goes by paths, and never more. */
static void check_world(const struct policy *policy, const struct use *used, size_t count,
                        const char *text, unsigned *permitted, unsigned *refused)
{
    for (size_t n = 0; n < ARRAY_LEN(hosts) * ARRAY_LEN(ports) * WHAT_COUNT * 3; n++) {
        struct use asked = {.host = hosts[n % ARRAY_LEN(hosts)],
                            .port = ports[n / ARRAY_LEN(hosts) % ARRAY_LEN(ports)],
                            .what =
                                (enum what)(n / ARRAY_LEN(hosts) / ARRAY_LEN(ports) % WHAT_COUNT),
                            .method = methods[n % ARRAY_LEN(methods)],
                            .path = paths[n / 3 % ARRAY_LEN(paths)]};
        asked.address = is_literal(asked.host) ? NULL : addresses[3 + n % 3];
        if (is_literal(asked.host) && asked.what == NAMED)
            continue;
        if (decide(policy, &asked).result != VERDICT_ALLOW) {
            ++*refused;
            continue;
        }
        ++*permitted;
        cr_assert(is_like_used(used, count, &asked) || is_gathered(used, count, &asked),
                  "%s:%u %d %s %s at %s was never used:\n%s", asked.host, asked.port,
                  (int)asked.what, asked.method, asked.path,
                  asked.address == NULL ? "-" : asked.address, text);
    }
}

Test(suggest_property, what_was_let_pass_is_permitted_and_nothing_else)
{
    struct policy_fixture report;
    uint64_t state = 20261121;
    unsigned learned = 0, permitted = 0, refused = 0;
    cr_assert(policy_fixture_text(
        &report, "version: 1\nmode: report\nnetwork:\n"
                 "  - {allow: \"*\", addresses: [10.0.0.0/8], methods: [OPTIONS]}\n"));
    for (unsigned round = 0; round < ROUNDS; round++) {
        CLEANUP(suggest_fixture_clear) struct suggest_fixture fixture = {0};
        CLEANUP(policy_fixture_clear) struct policy_fixture enforced;
        struct use used[REQUESTS];
        size_t count = 0;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        for (unsigned i = 0; i < REQUESTS; i++) {
            used[count] = any_use(&state);
            if (next(&state) % 4 != 0)
                used[count].host = hosts[next(&state) % 3]; /* so that siblings meet */
            if (is_literal(used[count].host) && used[count].what == NAMED)
                used[count].what = NAMELESS;
            count += record(&fixture, report.policy, &used[count]);
        }
        suggest_fixture_make(&fixture);
        suggest_fixture_write(&fixture, &text);
        cr_assert(policy_fixture_text(&enforced, buffer_text(&text)), "%s", buffer_text(&text));
        for (size_t i = 0; i < count; i++) {
            struct network_verdict verdict = decide(enforced.policy, &used[i]);
            cr_assert(verdict.result == VERDICT_ALLOW, "%s:%u %d %s %s at %s: %s\n%s", used[i].host,
                      used[i].port, (int)used[i].what, used[i].method, used[i].path,
                      used[i].address == NULL ? "-" : used[i].address, verdict.reason,
                      buffer_text(&text));
        }
        learned += (unsigned)count;
        check_world(enforced.policy, used, count, buffer_text(&text), &permitted, &refused);
    }
    policy_fixture_clear(&report);
    cr_assert(learned > ROUNDS * REQUESTS / 2 && permitted > ROUNDS && refused > permitted,
              "%u %u %u", learned, permitted, refused);
}

/* ---- operations ---- */

struct call {
    enum docker_operation operation;
    const char *object;
};

static const char *const names[] = {"web", "app", "cafe", "0123456789ab"};

static void write_path(const struct call *call, struct buffer *out)
{
    const char *at = docker_operation_info(call->operation)->path;
    for (; *at != '\0'; at++) {
        if (*at == '{') {
            buffer_append_text(out, call->object);
            at = strchr(at, '}');
        } else {
            buffer_append_byte(out, *at);
        }
    }
}

static bool has_one_name(enum docker_object_kind kind)
{
    return kind == DOCKER_OBJECT_CONTAINER || kind == DOCKER_OBJECT_NETWORK ||
           kind == DOCKER_OBJECT_VOLUME;
}

static bool is_permitted(const struct policy_fixture *fixture, const struct call *call)
{
    const struct docker_operation_info *info = docker_operation_info(call->operation);
    CLEANUP(docker_object_clear) struct docker_object object = {.kind = info->object};
    AUTO_BUFFER struct buffer line = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    struct error error;
    buffer_printf(&line, "%s ", http_method_name(info->method));
    write_path(call, &line);
    buffer_printf(&json, "{\"Id\":\"0123456789ab\",\"Name\":\"%s%s\",\"Labels\":{}%s}",
                  info->object == DOCKER_OBJECT_CONTAINER ? "/" : "", call->object,
                  info->object == DOCKER_OBJECT_CONTAINER
                      ? ",\"Image\":\"sha256:00\",\"Config\":{\"Image\":\"x\",\"Labels\":{}},"
                        "\"NetworkSettings\":{\"Networks\":{}},\"Mounts\":[]"
                      : "");
    bool known = has_one_name(info->object) &&
                 docker_object_read(&object, info->object, buffer_slice(&json), NULL, &error);
    struct verdict verdict = policy_fixture_ask(fixture, "default", buffer_text(&line),
                                                known ? DOCKER_OBJECT_KNOWN : DOCKER_OBJECT_UNKNOWN,
                                                known ? &object : NULL);
    return verdict.result == VERDICT_ALLOW;
}

/* Narrowed as the manual says: what changes a container, network or volume, while it was only
 * called by names. */
static bool is_used(const struct call *used, size_t count, const struct call *asked)
{
    const struct docker_operation_info *info = docker_operation_info(asked->operation);
    bool operation = false, object = false, nameable = true;
    for (size_t i = 0; i < count; i++) {
        if (used[i].operation != asked->operation)
            continue;
        operation = true;
        object = object || strcmp(used[i].object, asked->object) == 0;
        nameable =
            nameable && (strcmp(used[i].object, "web") == 0 || strcmp(used[i].object, "app") == 0);
    }
    bool narrowed = nameable && has_one_name(info->object) && !http_method_is_read(info->method);
    return operation && (object || !narrowed);
}

Test(suggest_property, operations_that_were_used_are_permitted_and_no_others)
{
    uint64_t state = 4;
    unsigned permitted = 0, refused = 0;
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        CLEANUP(suggest_fixture_clear) struct suggest_fixture fixture = {0};
        CLEANUP(policy_fixture_clear) struct policy_fixture enforced;
        struct call used[60];
        size_t count = 1 + next(&state) % ARRAY_LEN(used);
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        for (size_t i = 0; i < count; i++) {
            AUTO_BUFFER struct buffer words = BUFFER_EMPTY;
            unsigned spread = round % 2 == 0 ? DOCKER_CONTAINER_WAIT : DOCKER_LIBPOD - 1;
            used[i] = (struct call){(enum docker_operation)(1 + next(&state) % spread),
                                    names[next(&state) % (1 + next(&state) % ARRAY_LEN(names))]};
            const struct docker_operation_info *info = docker_operation_info(used[i].operation);
            buffer_printf(&words, "kind=docker method=%s operation=%s path=",
                          http_method_name(info->method), info->name);
            write_path(&used[i], &words);
            if (info->object != DOCKER_OBJECT_NONE)
                buffer_printf(&words, " object=%s", used[i].object);
            suggest_fixture_add(&fixture, buffer_text(&words));
        }
        suggest_fixture_make(&fixture);
        suggest_fixture_write(&fixture, &text);
        cr_assert(policy_fixture_text(&enforced, buffer_text(&text)), "%s", buffer_text(&text));
        for (size_t i = 0; i < count; i++)
            cr_assert(is_permitted(&enforced, &used[i]), "%s of %s\n%s",
                      docker_operation_info(used[i].operation)->name, used[i].object,
                      buffer_text(&text));
        for (unsigned n = 0; n < (DOCKER_LIBPOD - 1) * ARRAY_LEN(names); n++) {
            const struct call asked = {(enum docker_operation)(1 + n / ARRAY_LEN(names)),
                                       names[n % ARRAY_LEN(names)]};
            bool always = asked.operation == DOCKER_SYSTEM_PING ||
                          asked.operation == DOCKER_SYSTEM_PING_HEAD ||
                          asked.operation == DOCKER_SYSTEM_VERSION;
            bool is = is_permitted(&enforced, &asked);
            permitted += is;
            refused += !is;
            cr_assert(is == (always || is_used(used, count, &asked)), "%s of %s is %spermitted\n%s",
                      docker_operation_info(asked.operation)->name, asked.object, is ? "" : "not ",
                      buffer_text(&text));
        }
    }
    cr_assert(permitted > ROUNDS && refused > ROUNDS, "%u %u", permitted, refused);
}

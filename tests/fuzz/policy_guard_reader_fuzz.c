/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a value of `binds`, `publish`, `memory`, `cpus` or `pids`. Property: a policy with it
 * loads when a model of that form takes it, and then permits what the model says: of binds the
 * folder or what stands right in it, of publish its ports at its address, of limits that number. The
 * first byte chooses which, two more what is asked for. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/document/policy_load.h"
#include "policy/snapshot/policy.h"
#include "rules/guard/guard_judge.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 3 };

/* ---- the policy with that value; NULL = it is none ---- */

static struct policy *load(const char *line, struct slice value)
{
    AUTO_CLOSE int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    AUTO_BUFFER struct buffer document = BUFFER_EMPTY;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    buffer_printf(&document,
                  "version: 1\nclients:\n  a:\n    listen: unix:/run/a.sock\nguard:\n  %s: \"",
                  line);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            buffer_append_byte(&document, '\\');
        buffer_append_byte(&document, value.ptr[i]);
    }
    buffer_append_literal(&document, "\"\n");
    require(write(fd, document.data, document.len) == (ssize_t)document.len);
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    CLEANUP(policy_messages_free)
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    require((policy == NULL) == (errors.count > 0));
    return policy;
}

static bool is_there(void *, struct slice, struct slice, const char **)
{
    return true;
}

static bool permits(const struct policy *policy, const char *text)
{
    struct error error;
    struct guard_finding finding;
    AUTO_BODY struct body body;
    require(body_read(&body, DOCKER_CONTAINER_CREATE, 0, slice_from_text(text), &error));
    struct guard_case c = {&policy_client_find(policy, SLICE_LITERAL("a"))->guard, &body, is_there,
                           NULL, &finding};
    guard_judge(&c);
    return finding.count == 0;
}

/* ---- binds ---- */

/* A folder, perhaps with a star behind it, perhaps with :ro behind that. */
struct bind {
    char folder[256];
    bool inside, read_only;
};

static bool model_bind(const char *text, struct bind *bind)
{
    *bind = (struct bind){.inside = false};
    char *end = stpcpy(bind->folder, text);
    bind->read_only = end - bind->folder >= 3 && strcmp(end - 3, ":ro") == 0;
    if (bind->read_only)
        *(end -= 3) = '\0';
    bind->inside = end - bind->folder >= 2 && strcmp(end - 2, "/*") == 0;
    if (bind->inside)
        *(end -= 2) = '\0';
    AUTO_BUFFER struct buffer closed = BUFFER_EMPTY;
    buffer_printf(&closed, "%s/", bind->folder);
    const char *whole = buffer_text(&closed);
    return bind->folder[0] == '/' && bind->folder[1] != '\0' && strpbrk(whole, ":*") == NULL &&
           strstr(whole, "//") == NULL && strstr(whole, "/./") == NULL &&
           strstr(whole, "/../") == NULL;
}

static void check_bind(const char *text, uint8_t ask)
{
    static const char *const behind[] = {"", "/b", "/b/c", "b", "/", "/..", "/.", "/b/"};
    static const bool folder[] = {true}, inside[] = {false, true};
    unsigned which = ask % ARRAY_LEN(behind);
    bool reads = (ask & 64) != 0;
    struct bind bind;
    CLEANUP(policy_unref) struct policy *policy = load("binds", slice_from_text(text));
    require((policy != NULL) == model_bind(text, &bind));
    if (policy == NULL || strpbrk(bind.folder, "\"\\") != NULL)
        return;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    buffer_printf(&body, "{\"HostConfig\":{\"Binds\":[\"%s%s:/x%s\"]}}", bind.folder, behind[which],
                  reads ? ":ro" : "");
    bool covered = bind.inside ? which < ARRAY_LEN(inside) && inside[which]
                               : which < ARRAY_LEN(folder) && folder[which];
    require(permits(policy, buffer_text(&body)) == (covered && (reads || !bind.read_only)));
}

/* ---- publish ---- */

/* Whether the text is one port or a range; those are set. */
static bool model_range(char *text, bool ports[65536])
{
    long bounds[2] = {0, 0};
    char *dash = strchr(text, '-');
    if (dash != NULL)
        *dash++ = '\0';
    char *const parts[] = {text, dash == NULL ? text : dash};
    for (unsigned i = 0; i < 2; i++) {
        size_t len = strlen(parts[i]);
        if (len < 1 || len > 5 || strspn(parts[i], "0123456789") != len || parts[i][0] == '0')
            return false;
        bounds[i] = strtol(parts[i], NULL, 10);
    }
    for (long port = bounds[0]; port <= bounds[1] && port < 65536; port++)
        ports[port] = true;
    return bounds[0] <= bounds[1] && bounds[1] < 65536;
}

/* An IP address and a colon, or nothing; a star, or ranges with commas between them. */
static bool model_publish(const char *text, char address[256], bool ports[65536])
{
    char copy[256], binary[16];
    strcpy(copy, text);
    char *colon = strrchr(copy, ':'), *list = colon == NULL ? copy : colon + 1;
    address[0] = '\0';
    if (colon != NULL) {
        *colon = '\0';
        strcpy(address, copy);
        if (inet_pton(AF_INET, copy, binary) != 1 && inet_pton(AF_INET6, copy, binary) != 1)
            return false;
    }
    memset(ports, strcmp(list, "*") == 0, 65536);
    if (strcmp(list, "*") == 0)
        return true;
    for (char *comma = list; comma != NULL; list = comma) {
        comma = strchr(list, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (!model_range(list, ports))
            return false;
    }
    return true;
}

static void check_publish(const char *text, unsigned asked)
{
    static bool ports[65536];
    char address[256];
    bool with_address = (asked & 1) != 0, chosen = asked < 2;
    CLEANUP(policy_unref) struct policy *policy = load("publish", slice_from_text(text));
    bool taken = model_publish(text, address, ports);
    unsigned ranges = 1;
    for (const char *comma = text; (comma = strchr(comma, ',')) != NULL; comma++)
        ranges++;
    require(policy == NULL || taken);
    require(policy != NULL || !taken || ranges > 16); /* the most that a list may have */
    if (policy == NULL)
        return;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    const char *star = strrchr(text, '*');
    buffer_printf(&body,
                  "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"%s\",\"HostPort\":"
                  "\"",
                  with_address ? address : "");
    if (!chosen)
        buffer_printf(&body, "%u", asked);
    buffer_append_literal(&body, "\"}]}}}");
    require(permits(policy, buffer_text(&body)) ==
            ((address[0] == '\0' || with_address) && (chosen ? star != NULL : ports[asked])));
}

/* ---- limits ---- */

/* Digits, perhaps a point and digits, perhaps one of `units`, each 1024 times the one before. The
 * number is rounded down; -1 = none, or one that is too large to be meant. */
static int64_t model_number(const char *text, const char *units, int64_t one)
{
    long double number = 0, scale = (long double)one, place = 1;
    size_t whole = strspn(text, "0123456789"), part = 0;
    const char *at = text + whole;
    for (size_t i = 0; i < whole; i++)
        number = number * 10 + (text[i] - '0');
    if (*at == '.') {
        part = strspn(at + 1, "0123456789");
        for (size_t i = 1; i <= part; i++)
            number += (at[i] - '0') / (place *= 10);
        at += part + 1;
        if (part == 0)
            return -1;
    }
    for (const char *unit = units; *at != '\0' && *unit != '\0'; unit++) {
        scale *= 1024;
        if (*unit == *at && at[1] == '\0')
            at++;
    }
    if (*at != '\0' || whole == 0 || number * scale > 0x1p62L)
        return -1;
    return (int64_t)(number * scale + 1e-6L);
}

static void check_limit(const char *text, unsigned which)
{
    static const struct {
        const char *key, *field, *units;
        int64_t one;
    } limits[] = {{"memory", "Memory", "kmgt", 1},
                  {"cpus", "NanoCpus", "", 1000000000},
                  {"pids", "PidsLimit", "", 1}};
    CLEANUP(policy_unref)
    struct policy *policy = load(limits[which].key, slice_from_text(text));
    int64_t number = model_number(text, limits[which].units, limits[which].one);
    require(policy == NULL || number > 0);
    bool usual = number > 0 && strlen(text) < 6 && strchr(text, '.') == NULL;
    require(policy != NULL || !usual);
    for (int64_t more = 0; policy != NULL && more < 2; more++) {
        AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
        buffer_printf(&body, "{\"HostConfig\":{\"%s\":%lld}}", limits[which].field,
                      (long long)(number + more));
        require(permits(policy, buffer_text(&body)) == (more == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[200];
    if (size <= HEAD || size - HEAD >= sizeof(text))
        return 0;
    size_t len = size - HEAD;
    memcpy(text, data + HEAD, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') /* lists of words, and YAML, do not take it */
            return 0;
    }
    unsigned which = data[0] % 5, asked = (unsigned)data[1] << 8 | data[2];
    if (which == 0)
        check_bind(text, data[1]);
    else if (which == 1)
        check_publish(text, asked);
    else
        check_limit(text, which - 2);
    return 0;
}

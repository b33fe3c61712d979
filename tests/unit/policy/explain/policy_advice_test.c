/* SPDX-License-Identifier: Apache-2.0
 *
 * The property behind "to permit it, …": whoever follows the advice sees the verdict turn. Policies
 * are generated, advice is followed as a person would: a command by what it writes into
 * policy.d/90-cli.yaml, a line by putting it there, a place by taking the rule at it away. */
#include "policy/explain/policy_advice.h"
#include "policy/explain/policy_explain.h"
#include "policy/explain/policy_obstacles.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "policy/explain/command_request.h"
#include "policy/snapshot/policy_list.h"
#include "tests/unit/policy/policy_network_fixture.h"

enum { POLICIES = 100, QUESTIONS = 6, RULES_MAX = 32 };

/* One rule on one line of one of the two documents. */
struct rule {
    bool in_cli, network, of_client;
    char text[256]; /* behind the "- " */
};

struct draft {
    struct rule rules[RULES_MAX];
    unsigned count;
    bool inherit, report, docker_allow, network_allow;
    unsigned line[RULES_MAX]; /* where each stands, once written */
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

#define PICK(state, array) ((array)[next_random(state) % ARRAY_LEN(array)])

/* ---- documents ---- */

static void write_list(struct draft *draft, bool in_cli, bool network, bool of_client,
                       unsigned *line, struct buffer *out)
{
    buffer_printf(out, "%s%s:\n", of_client ? "    " : "", network ? "network" : "docker");
    ++*line;
    bool any = false;
    for (unsigned i = 0; i < draft->count; i++) {
        const struct rule *rule = &draft->rules[i];
        if (rule->in_cli != in_cli || rule->network != network || rule->of_client != of_client)
            continue;
        any = true;
        draft->line[i] = ++*line;
        buffer_printf(out, "%s  - %s\n", of_client ? "    " : "", rule->text);
    }
    if (!any) { /* an empty list on the line of its key */
        out->len--;
        buffer_append_literal(out, " []\n");
    }
}

static void write_document(struct draft *draft, bool in_cli, struct buffer *out)
{
    unsigned line = 1;
    buffer_append_literal(out, "version: 1\n");
    if (!in_cli) {
        buffer_printf(out, "default: {docker: %s, network: %s}\n",
                      draft->docker_allow ? "allow" : "deny",
                      draft->network_allow ? "allow" : "deny");
        line++;
    }
    write_list(draft, in_cli, false, false, &line, out);
    write_list(draft, in_cli, true, false, &line, out);
    buffer_append_literal(out, "clients:\n  ci:\n");
    line += 2;
    if (!in_cli) {
        buffer_printf(out, "    inherit: %s\n    mode: %s\n", draft->inherit ? "true" : "false",
                      draft->report ? "report" : "enforce");
        line += 2;
    }
    write_list(draft, in_cli, false, true, &line, out);
    write_list(draft, in_cli, true, true, &line, out);
    if (!in_cli)
        buffer_append_literal(out, "  default: {}\n");
}

static bool load(struct policy_fixture *fixture, struct draft *draft)
{
    AUTO_BUFFER struct buffer main_text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer cli_text = BUFFER_EMPTY;
    write_document(draft, false, &main_text);
    write_document(draft, true, &cli_text);
    policy_fixture_write(fixture, "policy.yaml", buffer_text(&main_text));
    policy_fixture_write(fixture, "policy.d/" POLICY_CLI_NAME, buffer_text(&cli_text));
    return policy_fixture_load(fixture);
}

/* ---- generating ---- */

static void add_rule(struct draft *draft, bool in_cli, bool network, bool of_client,
                     const char *text)
{
    cr_assert_lt(draft->count, RULES_MAX);
    struct rule *rule = &draft->rules[draft->count++];
    *rule = (struct rule){.in_cli = in_cli, .network = network, .of_client = of_client};
    snprintf(rule->text, sizeof(rule->text), "%s", text);
}

static void generate(uint64_t *state, struct draft *draft)
{
    static const char *const docker[] = {
        "{deny: ContainerStop}",
        "{deny: \"Container*\", where: {name: web}}",
        "{allow: \"@lifecycle\"}",
        "{allow: ContainerStop, where: {label: \"a=b\"}}",
        "{deny: {method: POST, path: \"/images/**\"}}",
        "{allow: \"@all\", name: everything}",
        "{deny: \"@build\", name: no builds}",
        "{allow: ImageCreate}",
        "{allow: \"@read\"}",
        "{deny: \"System*\"}",
    };
    static const char *const network[] = {
        "{allow: a.test}",
        "{deny: \"*.a.test\"}",
        "{deny: a.test, name: not this}",
        "{allow: \"*.a.test:*\"}",
        "{allow: \"*\", methods: [GET]}",
        "{allow: x.test, paths: /a}",
        "{deny: x.test, methods: [POST]}",
        "{allow: x.test, addresses: 10.0.0.0/8}",
        "{deny: \"10.0.0.0/8\"}",
        "{allow: \"*:443\", require_sni: true}",
        "{deny: \"*:22\"}",
        "{allow: x.test, protocols: [tls]}",
    };
    *draft = (struct draft){.inherit = next_random(state) % 3 != 0,
                            .report = next_random(state) % 5 == 0,
                            .docker_allow = next_random(state) % 3 == 0,
                            .network_allow = next_random(state) % 3 == 0};
    for (unsigned left = 2 + (unsigned)next_random(state) % 8; left > 0; left--) {
        bool is_network = next_random(state) % 2 == 0;
        add_rule(draft, next_random(state) % 2 == 0, is_network, next_random(state) % 3 == 0,
                 is_network ? PICK(state, network) : PICK(state, docker));
    }
}

/* ---- following advice ---- */

static void remove_rule(struct draft *draft, unsigned index)
{
    memmove(&draft->rules[index], &draft->rules[index + 1],
            (draft->count - index - 1) * sizeof(draft->rules[0]));
    memmove(&draft->line[index], &draft->line[index + 1],
            (draft->count - index - 1) * sizeof(draft->line[0]));
    draft->count--;
}

static void remove_at(struct draft *draft, bool in_cli, unsigned line, const char *advice)
{
    for (unsigned i = 0; i < draft->count; i++) {
        if (draft->rules[i].in_cli == in_cli && draft->line[i] == line) {
            remove_rule(draft, i);
            return;
        }
    }
    cr_assert_fail("nothing stands there: %s", advice);
}

/* What `dockreeve policy rm ID` takes away: rules of the command line's document alone. */
static void remove_id(struct draft *draft, const struct policy *policy, const char *id,
                      const char *advice)
{
    unsigned lines[RULES_MAX], count = 0;
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(policy); number++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        if (strncmp(rule.id, id, 8) == 0 && strncmp(rule.label, "policy.d/", 9) == 0)
            lines[count++] = rule.line;
    }
    cr_assert_gt(count, 0, "no rule has the id: %s", advice);
    for (unsigned i = count; i > 0; i--) /* from below, so that the lines above still hold */
        remove_at(draft, true, lines[i - 1], advice);
}

/* `dockreeve policy allow docker X --client ci …` */
static void run_command(struct draft *draft, const struct policy *policy, const char *command)
{
    char verb[16], kind[16], word[128], text[256];
    const char *words = command + strlen("run `dockreeve policy ");
    bool of_client = strstr(words, " --client ci") != NULL;
    const char *method = strstr(words, " --method ");
    const char *address = strstr(words, " --address ");
    cr_assert_not_null(strstr(words, " --config "), "%s", command);
    if (strncmp(words, "rm ", 3) == 0) {
        remove_id(draft, policy, words + 3, command);
        return;
    }
    cr_assert_eq(sscanf(words, "%15s %15s %127s", verb, kind, word), 3, "%s", command);
    int len = snprintf(text, sizeof(text), "{%s: %s", verb, word);
    if (address != NULL)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ", addresses: [\"%.*s\"]",
                        (int)strcspn(address + 11, " `"), address + 11);
    if (method != NULL)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ", methods: [%.*s]",
                        (int)strcspn(method + 10, " `"), method + 10);
    snprintf(text + len, sizeof(text) - (size_t)len, "}");
    add_rule(draft, true, strcmp(kind, "network") == 0, of_client, text);
}

/* "add `- RULE` under `docker:` of client `ci` in FILE" */
static void add_line(struct draft *draft, const char *advice)
{
    char text[256];
    const char *rule = advice + strlen("add `- ");
    const char *end = strstr(rule, "` under `");
    cr_assert_not_null(end, "%s", advice);
    snprintf(text, sizeof(text), "%.*s", (int)(end - rule), rule);
    add_rule(draft, false, strncmp(end + 9, "network:", 8) == 0,
             strstr(end, " of client `ci` in ") != NULL, text);
}

/* Follows each part, those that take rules away last: they change where the others stand. */
static void follow(struct draft *draft, const struct policy *policy, const char *advice)
{
    static const char *const permits[] = {"to permit it, ", "to deny it, "};
    const char *rest = advice;
    for (size_t i = 0; i < ARRAY_LEN(permits); i++) {
        if (strncmp(rest, permits[i], strlen(permits[i])) == 0)
            rest += strlen(permits[i]);
    }
    while (rest != NULL) {
        char part[512];
        const char *more = strstr(rest, ", and ");
        snprintf(part, sizeof(part), "%.*s", more == NULL ? (int)strlen(rest) : (int)(more - rest),
                 rest);
        rest = more == NULL ? NULL : more + 6;
        const char *at = strstr(part, " at policy");
        if (strncmp(part, "run `", 5) == 0)
            run_command(draft, policy, part);
        else if (strncmp(part, "add `", 5) == 0)
            add_line(draft, part);
        else if (at != NULL)
            remove_at(draft, at[10] == '.' && at[11] == 'd', (unsigned)atoi(strrchr(at, ':') + 1),
                      part);
        else
            cr_assert_fail("%s: %s", advice, part);
    }
}

/* ---- asking ---- */

/* +1 permitted, -1 refused, or refused but for report mode. */
static int ask_docker(const struct policy *policy, const char *client, const char *text,
                      struct buffer *advice)
{
    static struct docker_request request;
    struct error error;
    struct verdict verdict;
    const struct policy_client *who = policy_client_find(policy, slice_from_text(client));
    cr_assert(command_request_parse(text, false, &request, &error), "%s", error.text);
    policy_decide_docker(policy, who, &request, DOCKER_OBJECT_UNKNOWN, NULL, NULL, &verdict);
    if (advice != NULL)
        policy_obstacles_docker(policy, who, &request, DOCKER_OBJECT_UNKNOWN, NULL, &verdict,
                                advice);
    return verdict.result == VERDICT_ALLOW && !verdict.would_deny ? 1 : -1;
}

static int ask_network(const struct policy *policy, const char *client, const char *text,
                       struct buffer *advice)
{
    struct network_question question;
    struct network_verdict verdict;
    const struct policy_client *who = policy_client_find(policy, slice_from_text(client));
    network_question_parse(&question, text);
    policy_decide_network(policy, who, &question.request, NULL, &verdict);
    if (advice != NULL)
        policy_obstacles_network(policy, who, &question.request, &verdict, advice);
    return verdict.result == VERDICT_ALLOW && !verdict.would_deny ? 1 : -1;
}

static int ask(const struct policy *policy, const char *client, const char *text,
               struct buffer *advice)
{
    bool network = strncmp(text, "net ", 4) == 0;
    return network ? ask_network(policy, client, text + 4, advice)
                   : ask_docker(policy, client, text, advice);
}

Test(policy_advice, who_follows_it_sees_the_verdict_turn, .timeout = 300)
{
    static const char *const questions[] = {
        "POST /containers/web/stop",
        "POST /containers/db/kill",
        "GET /containers/json",
        "POST /images/create?fromImage=a",
        "POST /images/create?fromSrc=http://a.test/",
        "POST /build?remote=http://a.test/",
        "GET /info",
        "GET /libpod/info",
        "POST /containers/create",
        "net tunnel a.test:443",
        "net tunnel b.a.test:8443",
        "net tunnel x.test:443 at=10.0.0.1",
        "net tunnel x.test:443 at=127.0.0.1 sni=x.test",
        "net tunnel x.test:443 at=93.184.216.34 sni=-",
        "net tunnel x.test:443 at=93.184.216.34 speaks=ssh",
        "net tunnel x.test:22",
        "net tunnel 10.0.0.1:22",
        "net tunnel [fd00::1]:443",
        "net tunnel localhost:5432",
        "net POST x.test:80/a",
        "net GET a.test:80/b at=93.184.216.34",
        "net GET x.test:443/b",
        "net tunnel x.test:443 at=fd00::1",
    };
    uint64_t state = 20261121;
    unsigned turned = 0, permitted = 0;
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    struct draft draft, changed;
    policy_fixture_init(&fixture);
    for (unsigned policy = 0; policy < POLICIES; policy++) {
        generate(&state, &draft);
        for (unsigned i = 0; i < QUESTIONS; i++) {
            AUTO_BUFFER struct buffer advice = BUFFER_EMPTY;
            AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
            const char *client = next_random(&state) % 2 == 0 ? "ci" : "default";
            const char *question = PICK(&state, questions);
            if (!load(&fixture, &draft))
                break; /* a `default` that makes a rule pointless and the like */
            int before = ask(fixture.policy, client, question, &advice);
            cr_assert_gt(advice.len, 0, "%s", question);
            cr_assert_eq(strncmp(buffer_text(&advice), "to deny it", 10) == 0, before > 0, "%s",
                         buffer_text(&advice));
            changed = draft;
            follow(&changed, fixture.policy, buffer_text(&advice));
            cr_assert(load(&fixture, &changed), "%s\n%s", buffer_text(&advice),
                      policy_fixture_show(&fixture, &fixture.errors, &shown));
            AUTO_BUFFER struct buffer document = BUFFER_EMPTY;
            write_document(&draft, false, &document);
            buffer_append_literal(&document, "90-cli.yaml:\n");
            write_document(&draft, true, &document);
            cr_assert_neq(ask(fixture.policy, client, question, NULL), before,
                          "%s on %s: following `%s` changes nothing under\n%s", question, client,
                          buffer_text(&advice), buffer_text(&document));
            turned++;
            permitted += before < 0;
        }
    }
    cr_expect_gt(turned, POLICIES * QUESTIONS / 2);
    cr_expect_gt(permitted, turned / 4);
}

/* ---- its words ---- */

static void expect_words(const struct policy_fixture *fixture, const char *name, const char *client,
                         const char *question, const char *says)
{
    AUTO_BUFFER struct buffer advice = BUFFER_EMPTY;
    (void)ask(fixture->policy, client, question, &advice);
    cr_expect(strstr(buffer_text(&advice), says) != NULL, "%s: %s", name, buffer_text(&advice));
}

Test(policy_advice, a_command_is_named_where_it_reaches_the_policy)
{
    static const char *const image[] = {"PATH=/", "DOCKREEVE_COMPAT=", NULL};
    static const struct {
        const char *name, *config; /* below the fixture's folder */
        const char *const *environment;
        const char *client, *question, *says;
    } rows[] = {
        {"a command", "policy.yaml", NULL, "default", "ImageBuild",
         "to permit it, run `dockreeve policy allow docker ImageBuild --client default --config /"},
        {"for a client", "policy.yaml", NULL, "ci", "ImageBuild", "docker ImageBuild --client ci "},
        {"a path that a shell reads in another way", "my policy.yaml", NULL, "default",
         "ImageBuild", "add `- allow: ImageBuild` under `docker:` in /"},
        {"our image", "policy.yaml", image, "default", "ImageBuild",
         "add `- allow: ImageBuild` under `docker:` in /"},
        {"our image, of the network", "policy.yaml", image, "ci", "net GET a.test:80/",
         "add `- allow: \"a.test:80\"` under `network:` in /"},
        {"our image, denied on the command line", "policy.yaml", image, "default",
         "POST /containers/x/kill", "change or remove the rule at policy.d/90-cli.yaml:3"},
        {"denied on the command line", "policy.yaml", NULL, "default", "POST /containers/x/kill",
         "run `dockreeve policy rm "},
        {"a host that is", "policy.yaml", NULL, "default", "net tunnel no.test:443",
         "run `dockreeve policy rm "},
        {"a private address", "policy.yaml", NULL, "default", "net tunnel x.test:443 at=10.0.0.1",
         "run `dockreeve policy allow network \"x.test:443\" --address 10.0.0.1 --client default "},
        {"our image, a private address", "policy.yaml", image, "default",
         "net tunnel x.test:443 at=10.0.0.1",
         "add `- {allow: \"x.test:443\", addresses: [10.0.0.1]}` under `network:` in /"},
        {"what a command cannot say", "policy.yaml", NULL, "default",
         "net tunnel x.test:443 speaks=ssh",
         "add `- {allow: \"x.test:443\", protocols: [ssh]}` under `network:` in /"},
        {"podman's own API", "policy.yaml", NULL, "default", "GET /libpod/info",
         "add `- allow: {path: \"/libpod/**\"}` under `docker:` in /"},
    };
    static const char document[] = "version: 1\nnetwork: [{allow: x.test}]\nclients:\n  default: "
                                   "{}\n  ci: {}\n";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        char path[256];
        policy_fixture_init(&fixture);
        policy_fixture_write(&fixture, rows[i].config, document);
        policy_fixture_write(&fixture, "policy.d/" POLICY_CLI_NAME,
                             "version: 1\ndocker:\n  - deny: ContainerKill\nnetwork:\n"
                             "  - deny: no.test\n");
        snprintf(path, sizeof(path), "%s/%s", fixture.folder, rows[i].config);
        const struct policy_inputs inputs = {.config_path = path,
                                             .environment = (char *const *)rows[i].environment};
        fixture.policy = policy_load(&inputs, &fixture.errors, &fixture.notices);
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        cr_assert_not_null(fixture.policy, "%s: %s", rows[i].name,
                           policy_fixture_show(&fixture, &fixture.errors, &shown));
        expect_words(&fixture, rows[i].name, rows[i].client, rows[i].question, rows[i].says);
    }
}

Test(policy_advice, a_denial_by_a_rule_of_the_command_line_names_the_command)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    static struct docker_request request;
    struct error error;
    struct verdict verdict;
    AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "policy.yaml", "version: 1\n");
    policy_fixture_write(&fixture, "policy.d/" POLICY_CLI_NAME,
                         "version: 1\ndocker:\n  - deny: ContainerKill\n");
    cr_assert(policy_fixture_load(&fixture));
    const struct policy_client *client = policy_client_at(fixture.policy, 0);
    cr_assert(command_request_parse("POST /containers/x/kill", false, &request, &error));
    policy_decide_docker(fixture.policy, client, &request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                         &verdict);
    policy_explain_denial(fixture.policy, client, &request, &verdict, &said);
    cr_expect(strstr(buffer_text(&said), "(policy.d/90-cli.yaml:3). To permit it, run `dockreeve "
                                         "policy rm ") != NULL,
              "%s", buffer_text(&said));
}

Test(policy_advice, a_rule_of_the_commands_is_removed_by_its_own_id)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    policy_fixture_write(
        &fixture, "policy.yaml",
        "version: 1\ndocker:\n  - deny: SystemInfo\nnetwork:\n  - deny: a.example\n");
    policy_fixture_write(
        &fixture, "policy.d/90-cli.yaml",
        "version: 1\ndocker:\n  - deny: ContainerKill\nnetwork:\n  - deny: b.example\n"
        "clients:\n  x:\n    docker:\n      - deny: ContainerStop\n    network:\n"
        "      - deny: c.example\n      - deny: d.example\n");
    cr_assert(policy_fixture_load(&fixture));
    size_t seen = 0;
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(fixture.policy);
         number++) {
        AUTO_BUFFER struct buffer advice = BUFFER_EMPTY;
        struct policy_listed_rule rule;
        policy_rule_at(fixture.policy, number, &rule);
        bool removes = policy_advice_remove(fixture.policy, rule.label, number, &advice);
        cr_expect_eq(removes, strncmp(rule.label, "policy.d/", 9) == 0, "%s", rule.label);
        cr_expect_eq(removes, advice.len > 0 && strstr(buffer_text(&advice), rule.id) != NULL);
        seen += removes;
    }
    cr_expect_eq(seen, 5);
    AUTO_BUFFER struct buffer none = BUFFER_EMPTY;
    cr_expect_not(policy_advice_remove(fixture.policy, "policy.d/90-cli.yaml.yaml:3",
                                       POLICY_NUMBER_RULES, &none));
    cr_expect_not(policy_advice_remove(fixture.policy, "built-in", POLICY_NUMBER_NONE, &none));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check` and `policy explain`: the gate's own decision about a request that was not made;
 * destinations are in command_network.c. Without --object nothing is known of the object, and a
 * verdict that depends on it is given as "denied", which is what the gate does with an unknown one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/command.h"
#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/command_considered.h"
#include "policy/command_network.h"
#include "policy/command_policy.h"
#include "policy/command_request.h"
#include "policy/commands.h"

enum { CONFIG, CLIENT, OBJECT, METHOD, ADDRESS, SNI, JSON, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [CLIENT] = {"client", 0, OPTION_TEXT, "NAME", "default", 0, 0, NULL, "ask as this client"},
    [OBJECT] = {"object", 0, OPTION_LIST, "KEY=VALUE", NULL, 0, 0, NULL,
                "pretend a fact of the object (id, name, image, label, network, volume)"},
    [METHOD] = {"method", 0, OPTION_TEXT, "METHOD", NULL, 0, 0, NULL,
                "network: the method of an http:// target, GET unless said"},
    [ADDRESS] = {"address", 0, OPTION_TEXT, "ADDRESS", NULL, 0, 0, NULL,
                 "network: pretend that the name resolves to this"},
    [SNI] = {"sni", 0, OPTION_TEXT, "NAME", NULL, 0, 0, NULL,
             "network: pretend a ClientHello with this server name (- for none)"},
    [JSON] = {"json", 0, OPTION_FLAG, NULL, NULL, 0, 0, NULL, "one JSON object"},
};

const struct option_table policy_check_option_table = {
    "policy check",
    "docker \"METHOD PATH?QUERY\"|OPERATION, or network HOST[:PORT]|URL",
    "Say whether the policy permits a request; exit code 0 or 6.",
    options,
    OPTION_COUNT,
    "  dockreeve policy check docker \"POST /containers/web/stop\" --object name=web\n"
    "  dockreeve policy check network github.com:22\n"};

const struct option_table policy_explain_option_table = {
    "policy explain",
    "docker \"METHOD PATH?QUERY\"|OPERATION, or network HOST[:PORT]|URL",
    "Show every rule that was considered for a request, and what would change the verdict.",
    options,
    OPTION_COUNT,
    "  dockreeve policy explain docker ContainerCreate --client ci\n"
    "  dockreeve policy explain network http://deb.example.org/debian --address 10.0.0.1\n"};

/* What is asked, and what came of it. */
struct question {
    struct policy *policy; /* owned */
    const struct policy_client *client;
    struct docker_request request; /* owned */
    struct docker_object object;   /* owned */
    bool object_known, depends, malformed;
    struct error error;
    struct verdict verdict;
    struct considered considered; /* owned */
    struct buffer fix;            /* owned */
    bool json;
};

static void question_clear(struct question *question)
{
    policy_unref(&question->policy);
    docker_request_clear(&question->request);
    docker_object_clear(&question->object);
    considered_clear(&question->considered);
    buffer_free(&question->fix);
}

static void decide(struct question *question, bool explain)
{
    const struct policy_observer observer = {considered_add, &question->considered};
    enum docker_object_state state =
        question->object_known ? DOCKER_OBJECT_KNOWN : DOCKER_OBJECT_NOT_ASKED;
    policy_decide_docker(question->policy, question->client, &question->request, state,
                         &question->object, explain ? &observer : NULL, &question->verdict);
    if (question->verdict.result != VERDICT_NEEDS_OBJECT)
        return;
    question->depends = true;
    policy_decide_docker(question->policy, question->client, &question->request,
                         DOCKER_OBJECT_UNKNOWN, NULL, NULL, &question->verdict);
}

/* The one line that would turn the verdict. */
static void write_fix(struct question *question)
{
    struct buffer *fix = &question->fix;
    if (question->verdict.result == VERDICT_ALLOW && !question->verdict.would_deny) {
        buffer_printf(fix, "to deny it, add `- deny: %s` under `docker:`",
                      docker_operation_info(question->request.operation)->name);
        return;
    }
    if (strcmp(question->verdict.reason, "rule") == 0) {
        buffer_append_literal(fix, "to permit it, change or remove the rule at ");
        buffer_append_text(fix, question->verdict.source);
        return;
    }
    policy_explain_denial(question->policy, question->client, &question->request,
                          &question->verdict, fix);
    const char *text = buffer_text(fix);
    const char *advice = strstr(text, "To permit it, ");
    if (advice != NULL) {
        size_t at = (size_t)(advice - text);
        memmove(fix->data, fix->data + at, fix->len - at);
        fix->len -= at;
        fix->data[0] = 't';
    }
}

static bool is_allowed(const struct question *question)
{
    return !question->malformed && question->verdict.result == VERDICT_ALLOW;
}

static void write_json(const struct question *question, bool explain, struct buffer *out)
{
    buffer_append_byte(out, '{');
    json_write_key_text(out, "decision", is_allowed(question) ? "allow" : "deny");
    json_write_key_text(out, "client", question->client->name);
    json_write_key_text(out, "operation", docker_operation_info(question->request.operation)->name);
    if (question->malformed) {
        json_write_key_text(out, "reason",
                            question->error.reason == NULL ? "malformed" : question->error.reason);
        json_write_key_u64(out, "status", (uint64_t)question->error.code);
        json_write_key_text(out, "message", question->error.text);
    } else {
        json_write_key_text(out, "rule", question->verdict.rule);
        json_write_key_text(out, "source", question->verdict.source);
        json_write_key_text(out, "reason", question->verdict.reason);
        json_write_key_bool(out, "would_deny", question->verdict.would_deny);
        json_write_key_bool(out, "depends_on_object", question->depends);
        json_write_key_string(out, "fix", buffer_slice(&question->fix));
    }
    if (explain)
        considered_write(&question->considered, out);
    buffer_append_literal(out, "}\n");
}

static void write_text(struct question *question, bool explain, struct buffer *out)
{
    const char *operation = docker_operation_info(question->request.operation)->name;
    if (question->malformed) {
        buffer_printf(out, "deny: %s (%s)\n", question->error.text,
                      question->error.reason == NULL ? "malformed" : question->error.reason);
        return;
    }
    if (explain)
        considered_write(&question->considered, out);
    buffer_printf(out, "%s: %s on client %s by ", is_allowed(question) ? "allow" : "deny",
                  operation, question->client->name);
    if (strcmp(question->verdict.reason, "default") == 0) {
        buffer_append_literal(out, "default");
    } else {
        buffer_append_literal(out, "rule ");
        terminal_text_append(out, slice_from_text(question->verdict.rule));
        buffer_append_literal(out, " (");
        terminal_text_append(out, slice_from_text(question->verdict.source));
        buffer_append_byte(out, ')');
    }
    buffer_append_text(
        out, question->verdict.would_deny ? "; report mode: it would be denied otherwise\n" : "\n");
    if (question->depends)
        buffer_append_literal(
            out, "it depends on the object, of which nothing is known here: say more with --object "
                 "KEY=VALUE\n");
    terminal_text_append(out, buffer_slice(&question->fix));
    buffer_append_byte(out, '\n');
}

static int fail(const char *command, const struct error *error)
{
    fprintf(stderr, "dockreeve %s: %s\n", command, error->text);
    return COMMAND_USAGE;
}

static int print_answer(struct buffer *out, bool allowed)
{
    if (!command_policy_print(out))
        return COMMAND_FAILED;
    return allowed ? COMMAND_DONE : COMMAND_DENIED;
}

static int answer_docker(struct question *question, const char *command, const char *request,
                         bool explain)
{
    if (!command_request_parse(request, question->client->strict, &question->request,
                               &question->error)) {
        if (question->error.code == 2)
            return fail(command, &question->error);
        question->malformed = true;
    } else {
        question->object.kind = docker_operation_info(question->request.operation)->object;
        decide(question, explain);
        write_fix(question);
    }
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (question->json)
        write_json(question, explain, &out);
    else
        write_text(question, explain, &out);
    return print_answer(&out, is_allowed(question));
}

static int answer_network(const struct question *question, const char *command, const char *target,
                          const struct option_value *values, bool explain)
{
    const struct command_network_words words = {
        .target = target,
        .method = values[METHOD].text,
        .address = values[ADDRESS].text,
        .sni = values[SNI].text,
    };
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct error error;
    bool allowed;
    if (!command_network_answer(question->policy, question->client, &words, explain, question->json,
                                &out, &allowed, &error))
        return fail(command, &error);
    return print_answer(&out, allowed);
}

/* Options that the kind of question has no use for. */
static bool check_options(bool network, const struct option_value *values, struct error *error)
{
    static const unsigned of_network[] = {METHOD, ADDRESS, SNI};
    if (network && values[OBJECT].list_count > 0)
        return error_set(error, 2, "--object is for `docker`");
    for (size_t i = 0; !network && i < ARRAY_LEN(of_network); i++) {
        if (values[of_network[i]].given)
            return error_set(error, 2, "--%s is for `network`", options[of_network[i]].name);
    }
    return true;
}

static int answer(struct question *question, const char *command, int argc, char **argv,
                  const struct option_value *values, bool explain)
{
    struct error error = {0};
    bool network = argc == 2 && strcmp(argv[0], "network") == 0;
    if (argc != 2 || (!network && strcmp(argv[0], "docker") != 0)) {
        error_set(&error, 2,
                  "write `docker` and one request, or `network` and one target: docker \"GET "
                  "/containers/json\", network example.com:443");
        return fail(command, &error);
    }
    if (!check_options(network, values, &error))
        return fail(command, &error);
    question->json = question->considered.json = values[JSON].flag;
    for (unsigned i = 0; i < values[OBJECT].list_count; i++) {
        if (!command_object_add(&question->object, values[OBJECT].list[i], &error))
            return fail(command, &error);
        question->object_known = true;
    }
    question->policy = command_policy_load(command, &values[CONFIG], NULL);
    if (question->policy == NULL)
        return COMMAND_USAGE;
    question->client = policy_client_find(question->policy, slice_from_text(values[CLIENT].text));
    if (question->client == NULL) {
        char quoted[120];
        error_set(&error, 2, "the policy has no client %s",
                  error_quote(slice_from_text(values[CLIENT].text), quoted, sizeof(quoted)));
        return fail(command, &error);
    }
    return network ? answer_network(question, command, argv[1], values, explain)
                   : answer_docker(question, command, argv[1], explain);
}

static int ask(const struct option_table *table, bool explain, int argc, char **argv)
{
    struct option_value values[OPTION_COUNT];
    int code = command_begin(table, values, &argc, argv);
    if (code >= 0)
        return code;
    CLEANUP(question_clear) struct question question = {0};
    return answer(&question, table->command, argc, argv, values, explain);
}

int command_policy_check(int argc, char **argv)
{
    return ask(&policy_check_option_table, false, argc, argv);
}

int command_policy_explain(int argc, char **argv)
{
    return ask(&policy_explain_option_table, true, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check` and `policy explain`: the gate's own decision about a request that was not made.
 * What is asked comes from here, the answers' words from command_answer.c. */
#include "policy/command/command_policy_check.h"

#include <stdio.h>
#include <string.h>

#include "base/near_word.h"
#include "base/cli/command.h"
#include "policy/command/command_answer.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"

enum {
    CONFIG,
    CLIENT,
    SANDBOX,
    OBJECT,
    BODY,
    CONTENT_TYPE,
    METHOD,
    ADDRESS,
    SNI,
    RESOLVE,
    RESOLVER,
    RESOLVER_TIMEOUT,
    HOSTS,
    VERBOSE,
    QUIET,
    JSON,
    OPTION_COUNT
};

static int run(const struct command_call *call);

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [CLIENT] =
        OPTION_TEXT_ROW(OPTION_TEXT, "client", "NAME", "ask as this client", .initial = "default"),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_TEXT, "sandbox", "NAME", "the same as --client"),
    [OBJECT] =
        OPTION_TEXT_ROW(OPTION_LIST, "object", "KEY=VALUE",
                        "pretend a fact of the object (id, name, image, label, network, volume)"),
    [BODY] = OPTION_TEXT_ROW(OPTION_TEXT, "body", "FILE",
                             "docker: the request's body (- is standard input)"),
    [CONTENT_TYPE] = OPTION_TEXT_ROW(OPTION_TEXT, "content-type", "TYPE",
                                     "docker: the body's media type, instead of what clients send"),
    [METHOD] = OPTION_TEXT_ROW(OPTION_TEXT, "method", "METHOD",
                               "network: the method of an http:// target, GET unless said"),
    [ADDRESS] = OPTION_TEXT_ROW(OPTION_LIST, "address", "ADDRESS",
                                "network: pretend that the name resolves to this"),
    [SNI] = OPTION_TEXT_ROW(OPTION_TEXT, "sni", "NAME",
                            "network: pretend a ClientHello with this server name (- for none)"),
    [RESOLVE] = OPTION_FLAG_ROW("resolve", "network: resolve the name and judge every address"),
    [RESOLVER] = OPTION_TEXT_ROW(OPTION_LIST, "resolver", "ADDR[:PORT]",
                                 "name server to ask, as given to serve"),
    [RESOLVER_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "resolver-timeout", "TIME", "5s", 10,
                                           600000, "time for the name to be resolved"),
    [HOSTS] = OPTION_TEXT_ROW(OPTION_TEXT, "hosts", "FILE",
                              "table of names asked before DNS, as given to serve"),
    [VERBOSE] = OPTION_FLAG_ROW("verbose", "say how the request was read, too", .letter = 'v'),
    [QUIET] = OPTION_FLAG_ROW("quiet", "print allow or deny only", .letter = 'q'),
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
};

const struct option_table policy_check_option_table = {
    .command = "policy check",
    .arguments = "docker \"METHOD PATH?QUERY\"|OPERATION, or network HOST[:PORT]|URL",
    .summary = "Say whether the policy permits a request; exit code 0 or 6.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy check docker \"POST /containers/web/stop\" --object name=web\n"
                "  dockreeve policy check docker ContainerCreate --body create.json\n"
                "  dockreeve policy check network --sandbox web github.com:22 --resolve\n",
    .run = run,
};

const struct option_table policy_explain_option_table = {
    .command = "policy explain",
    .arguments = "docker \"METHOD PATH?QUERY\"|OPERATION, or network HOST[:PORT]|URL",
    .summary =
        "Show every rule that was considered for a request, and what would change the verdict.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy explain docker ContainerCreate --client ci\n"
                "  dockreeve policy explain network http://example.org/debian --address 10.0.0.1\n",
    .run = run,
};

/* One run of a command. */
struct run {
    const struct command_call *call;
    const struct option_value *values;
    const struct command_lookup *lookup;
    const struct network_own_host *own_host; /* owned; NULL = not open */
    struct policy *policy;                   /* owned */
    const struct policy_client *client;
    struct command_answer_form form;
};

static void run_clear(struct run *run)
{
    if (run->own_host != NULL)
        run->lookup->close_own_host(run->own_host);
    policy_unref(&run->policy);
}

static int fail(const struct run *run, const struct error *error)
{
    return command_fail(run->call->table->command, COMMAND_USAGE, "%s", error->text);
}

static int print_answer(struct buffer *out, int code)
{
    return command_policy_print(out) ? code : COMMAND_FAILED;
}

/* ---- docker ---- */

static int answer_docker(const struct run *run, const char *request)
{
    const struct option_value *values = run->values;
    CLEANUP(asked_docker_clear) struct asked_docker asked = {0};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct error error;
    if (!asked_docker_read(&asked, run->policy, run->client, request, &error))
        return fail(run, &error);
    for (unsigned i = 0; i < values[OBJECT].list_count; i++) {
        if (!asked_docker_add_fact(&asked, values[OBJECT].list[i], &error))
            return fail(run, &error);
    }
    if (values[BODY].given &&
        !asked_docker_read_body(&asked, values[BODY].text, values[CONTENT_TYPE].text, &error))
        return fail(run, &error);
    asked_docker_decide(&asked);
    command_answer_docker(&asked, &run->form, &out);
    return print_answer(&out, asked_docker_is_allowed(&asked) ? COMMAND_DONE : COMMAND_DENIED);
}

/* ---- network ---- */

static int decide_network(const struct run *run, struct asked_network *asked, struct error *error)
{
    const struct option_value *values = run->values;
    const struct command_lookup_words words = {
        .resolver = &values[RESOLVER],
        .hosts = values[HOSTS].text,
        .timeout_ms = values[RESOLVER_TIMEOUT].number,
    };
    struct asked_lookup lookup;
    if (!values[RESOLVE].flag) {
        asked_network_decide(asked, NULL);
    } else if (!run->lookup->open(&words, &lookup, error)) {
        return COMMAND_USAGE;
    } else {
        asked_network_decide(asked, &lookup);
        run->lookup->close(&lookup);
    }
    if (asked->unresolved)
        return COMMAND_UNAVAILABLE;
    return asked_network_is_allowed(asked) ? COMMAND_DONE : COMMAND_DENIED;
}

static int answer_network(struct run *run, const char *target)
{
    const struct option_value *values = run->values;
    run->own_host = run->lookup->open_own_host();
    const struct asked_network_words words = {
        .target = target,
        .method = values[METHOD].text,
        .sni = values[SNI].text,
        .addresses = values[ADDRESS].list,
        .address_count = values[ADDRESS].list_count,
        .own_host = run->own_host,
    };
    CLEANUP(asked_network_clear) struct asked_network asked = {0};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct error error;
    if (!asked_network_read(&asked, run->policy, run->client, &words, &error))
        return fail(run, &error);
    int code = decide_network(run, &asked, &error);
    if (code == COMMAND_USAGE)
        return fail(run, &error);
    command_answer_network(&asked, &run->form, &out);
    return print_answer(&out, code);
}

/* ---- options ---- */

/* Options that the kind of question, or other options, have no use for. */
static bool check_options(bool network, const struct option_value *values, struct error *error)
{
    static const struct {
        unsigned option;
        bool network;
    } kinds[] = {
        {OBJECT, false},          {BODY, false},    {CONTENT_TYPE, false},
        {METHOD, true},           {ADDRESS, true},  {SNI, true},
        {RESOLVE, true},          {RESOLVER, true}, {HOSTS, true},
        {RESOLVER_TIMEOUT, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct option_value *value = &values[kinds[i].option];
        if ((value->given || value->list_count > 0) && kinds[i].network != network)
            return error_set(error, COMMAND_USAGE, "--%s is for `%s`",
                             options[kinds[i].option].name,
                             kinds[i].network ? "network" : "docker");
    }
    if (values[SANDBOX].given && values[CLIENT].given &&
        strcmp(values[SANDBOX].text, values[CLIENT].text) != 0)
        return error_set(error, COMMAND_USAGE,
                         "--sandbox and --client mean the same: give one of them");
    if (values[CONTENT_TYPE].given && !values[BODY].given)
        return error_set(error, COMMAND_USAGE, "--content-type is of a --body");
    if (values[RESOLVE].flag && values[ADDRESS].list_count > 0)
        return error_set(error, COMMAND_USAGE,
                         "--address says what --resolve would find: give one of them");
    if (!values[RESOLVE].flag &&
        (values[RESOLVER].list_count > 0 || values[HOSTS].given || values[RESOLVER_TIMEOUT].given))
        return error_set(error, COMMAND_USAGE,
                         "--resolver, --resolver-timeout and --hosts are for --resolve");
    return true;
}

static int answer(struct run *run)
{
    const struct option_value *values = run->values;
    const int argc = run->call->argc;
    char *const *argv = run->call->argv;
    const char *name = values[values[SANDBOX].given ? SANDBOX : CLIENT].text;
    struct error error = {0};
    bool network = argc == 2 && strcmp(argv[0], "network") == 0;
    if (argc != 2 || (!network && strcmp(argv[0], "docker") != 0)) {
        struct near_word near;
        near_word_init(&near, slice_from_text(argc == 0 ? "" : argv[0]));
        near_word_offer(&near, "network");
        near_word_offer(&near, "docker");
        if (near.best != NULL && strcmp(near.best, argv[0]) == 0)
            near.best = NULL;
        error_set(&error, COMMAND_USAGE,
                  "write `docker` and one request, or `network` and one target: docker \"GET "
                  "/containers/json\", network example.com:443%s",
                  near_word_hint(&near).text);
        return fail(run, &error);
    }
    if (!check_options(network, values, &error))
        return fail(run, &error);
    run->policy = command_policy_load(run->call->table->command, &values[CONFIG], NULL);
    if (run->policy == NULL)
        return COMMAND_USAGE;
    run->client = command_policy_client(run->policy, name, &error);
    if (run->client == NULL)
        return fail(run, &error);
    return network ? answer_network(run, argv[1]) : answer_docker(run, argv[1]);
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    CLEANUP(run_clear)
    struct run run = {
        .call = call,
        .values = values,
        .lookup = call->context,
        .form = {.json = values[JSON].flag,
                 .quiet = values[QUIET].flag,
                 .verbose = values[VERBOSE].flag,
                 .explain = call->table == &policy_explain_option_table},
    };
    return answer(&run);
}

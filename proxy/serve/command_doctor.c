/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve doctor`: looks at the installation as the user who runs it and says, a line a thing,
 * what is wrong and how to mend it. It changes nothing. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "policy/environment/environment.h"
#include "policy/document/policy_load.h"
#include "policy/document/policy_paths.h"
#include "proxy/serve/commands.h"
#include "proxy/serve/common_options.h"
#include "proxy/operator/control_client.h"
#include "proxy/docker/docker_version.h"
#include "proxy/serve/engine_advice.h"
#include "proxy/serve/forwarding.h"
#include "proxy/io/own_host.h"
#include "proxy/serve/probe.h"
#include "proxy/resolve/name_finder.h"
#include "proxy/serve/serve_options.h"
#include "rules/docker/api_version.h"
#include "rules/reason.h"

extern char **environ;

enum { UPSTREAM, CONFIG, RESOLVER, STATE, JSON, OPTION_COUNT };
enum { PROBE_TIMEOUT_MS = 3000 };

static const struct option options[OPTION_COUNT] = {
    [UPSTREAM] = COMMON_OPTION_UPSTREAM,
    [CONFIG] = COMMON_OPTION_CONFIG,
    [RESOLVER] = OPTION_TEXT_ROW(
        OPTION_LIST, "resolver", "ADDR[:PORT]",
        "name server to ask, as given to serve, instead of those of /etc/resolv.conf"),
    [STATE] = COMMON_OPTION_STATE,
    [JSON] = OPTION_FLAG_ROW("json", "print one JSON object a line"),
};

static int run(const struct command_call *call);

const struct option_table doctor_option_table = {
    .command = "doctor",
    .arguments = "",
    .summary = "Says what is wrong with this installation and how to mend it.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve doctor\n"
                "  dockreeve doctor | grep ^wrong\n",
    .run = run,
};

enum finding { FINDING_OK, FINDING_NOTE, FINDING_WRONG };

struct report {
    bool json;
    int exit_code;
};

static void say(struct report *report, enum finding finding, const char *topic, const char *format,
                ...) PRINTF_LIKE(4, 5);
static void say(struct report *report, enum finding finding, const char *topic, const char *format,
                ...)
{
    static const char *const words[] = {
        [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_WRONG] = "wrong"};
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (report->json) {
        AUTO_BUFFER struct buffer line = BUFFER_EMPTY;
        json_write_object_begin(&line);
        json_write_key_text(&line, "finding", words[finding]);
        json_write_key_text(&line, "topic", topic);
        json_write_key_text(&line, "text", text);
        json_write_object_end(&line);
        puts(buffer_text(&line));
    } else {
        printf("%-5s  %-8s %s\n", words[finding], topic, text);
    }
    if (finding == FINDING_WRONG && report->exit_code == COMMAND_DONE)
        report->exit_code = COMMAND_FAILED;
}

/* What clients can agree on with the gate before the engine. */
static void check_api(struct report *report, const char *engine, const struct probe_api *api)
{
    AUTO_BUFFER struct buffer note = BUFFER_EMPTY;
    if (docker_version_note_of(engine, api->minimum, &note))
        say(report, FINDING_WRONG, "engine-api", "%s", buffer_text(&note));
    else if (api_version_is_newer(slice_from_text(api->version)))
        say(report, FINDING_OK, "engine-api",
            "the engine is of API %s; the gate is an engine of API 1.%d to its clients",
            api->version, DOCKER_API_NEWEST);
}

static void check_engine(struct report *report, const char *upstream)
{
    struct endpoint endpoint;
    struct error error = {0};
    struct probe_api api;
    unsigned status;
    if (!endpoint_parse(&endpoint, slice_from_text(upstream), &error)) {
        say(report, FINDING_WRONG, "engine", "--upstream %s: %s", upstream, error.text);
        return;
    }
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    endpoint_write(&endpoint, &name);
    if (probe_ping(&endpoint, PROBE_TIMEOUT_MS, &status, &error) && status == 200) {
        say(report, FINDING_OK, "engine", "%s answers", buffer_text(&name));
        if (probe_api_ask(&endpoint, PROBE_TIMEOUT_MS, &api, &error))
            check_api(report, buffer_text(&name), &api);
    } else {
        AUTO_BUFFER struct buffer advice = BUFFER_EMPTY;
        engine_advice_write(&endpoint, &error, &advice);
        report->exit_code = COMMAND_UNAVAILABLE;
        say(report, FINDING_WRONG, "engine", "%s", buffer_text(&advice));
    }
}

/* A file that is itself a mount point never shows a rename, and with it no change of policy. */
static void check_mount(struct report *report, const char *config)
{
    AUTO_FCLOSE FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[4096], mount_point[2048];
    while (mounts != NULL && fgets(line, sizeof(line), mounts) != NULL) {
        if (sscanf(line, "%*d %*d %*s %*s %2047s", mount_point) == 1 &&
            strcmp(mount_point, config) == 0)
            say(report, FINDING_WRONG, "policy",
                "%s is mounted as a single file, so a changed policy is never seen: mount its "
                "folder",
                config);
    }
}

static void check_request(struct report *report, const struct policy *policy,
                          const struct policy_client *client, const char *what,
                          enum http_method method, const char *target)
{
    struct docker_request *request = calloc(1, sizeof(*request));
    struct verdict verdict;
    struct error error;
    if (request != NULL &&
        docker_request_parse(request, method, slice_from_text(target), false, &error)) {
        request->now_us = timestamp_now_us();
        policy_decide_docker(policy, client, request, DOCKER_OBJECT_UNKNOWN, NULL, NULL, &verdict);
        say(report, FINDING_OK, "client", "%s: %s (%s) is %s by %s (%s)", client->name, what,
            docker_operation_info(request->operation)->name,
            verdict.result == VERDICT_ALLOW ? "allowed" : "refused", verdict.rule, verdict.source);
        if (request->operation == DOCKER_CONTAINER_CREATE && verdict.result == VERDICT_ALLOW)
            say(report, FINDING_NOTE, "client",
                "%s may create containers: where guards only report or permit privileged ones, "
                "that is root on the host",
                client->name);
    }
    if (request != NULL)
        docker_request_clear(request);
    free(request);
}

/* Where a listener that everybody can connect to is no mistake only if nobody else is on its
 * network. One for Docker clients is named on loopback too: any user of the machine can use it. */
static void check_from(struct report *report, const struct policy_client *client,
                       const struct policy_listen *listen_at)
{
    struct endpoint endpoint;
    if (listen_at->kind != POLICY_LISTEN_TCP || client->from_count > 0)
        return;
    endpoint_from_ip(&endpoint, &listen_at->address, listen_at->port);
    if (listen_at->role == POLICY_ROLE_DOCKER)
        say(report, FINDING_NOTE, "client",
            "%s listens on %s without `from`: whoever reaches the port is this client",
            client->name, listen_at->text);
    else if (!endpoint_is_loopback(&endpoint))
        say(report, FINDING_NOTE, "client",
            "%s is served to the internet at %s without `from`: an open proxy for whoever reaches "
            "the port; set `from`, or give it a network that only this client is on",
            client->name, listen_at->text);
}

static bool listens_for_docker(const struct policy_client *client)
{
    size_t i = 0;
    while (i < client->listen_count && client->listens[i].role != POLICY_ROLE_DOCKER)
        i++;
    return i < client->listen_count;
}

static void check_own_addresses(struct report *report, const struct policy *policy)
{
    if (policy_listens_for_network(policy) && !policy_says_own_addresses(policy) &&
        own_host_is_container())
        say(report, FINDING_NOTE, "network", "%s", own_host_container_note);
}

static void check_clients(struct report *report, const struct policy *policy)
{
    for (size_t i = 0; i < policy_client_count(policy); i++) {
        const struct policy_client *client = policy_client_at(policy, i);
        if (client->listen_count == 0)
            say(report, FINDING_NOTE, "client",
                "%s has no listener: nobody can connect as it unless serve has --listen or "
                "--egress or the service manager passes a socket",
                client->name);
        for (size_t j = 0; j < client->listen_count; j++)
            check_from(report, client, &client->listens[j]);
        if (client->listen_count > 0 && !listens_for_docker(client))
            continue;
        check_request(report, policy, client, "docker ps", HTTP_METHOD_GET, "/containers/json");
        check_request(report, policy, client, "docker run", HTTP_METHOD_POST, "/containers/create");
    }
}

/* ---- the resolver ---- */

/* A name that exists nowhere (RFC 2606 section 2): a name server that says so works. */
static void ask_resolver(struct report *report, struct name_finder *finder)
{
    static const struct host_name nowhere = {.text = "dockreeve.invalid", .len = 17};
    const struct resolver_answer *answer = name_finder_ask(finder, &nowhere);
    if (answer->count > 0 || strcmp(answer->error.reason, REASON_DNS_NOT_FOUND) == 0 ||
        strcmp(answer->error.reason, REASON_DNS_NO_ADDRESS) == 0)
        say(report, FINDING_OK, "resolver", "names can be resolved");
    else
        say(report, FINDING_WRONG, "resolver",
            "%s (%s): no name can be reached; give serve a --resolver that answers from here",
            answer->error.text, answer->error.reason);
}

static void check_resolver(struct report *report, const struct option_value *servers)
{
    struct resolver_options asking = {.timeout_ms = PROBE_TIMEOUT_MS, .cache_entries = 1};
    struct error error;
    struct name_finder *finder = NULL;
    if (serve_options_read_resolvers(servers, &asking, &error))
        finder = name_finder_new(&asking, &error);
    if (finder == NULL)
        say(report, FINDING_WRONG, "resolver", "%s", error.text);
    else
        ask_resolver(report, finder);
    name_finder_free(&finder);
}

/* A gate that runs is asked how it is. That none answers is no fault: it may run elsewhere, or be
 * content without a state folder. */
static void check_gate(struct report *report, const char *folder)
{
    AUTO_JSON_TREE struct json_tree status;
    struct error error;
    if (!control_client_ask(folder, "status", PROBE_TIMEOUT_MS, &status, &error)) {
        say(report, FINDING_NOTE, "gate", "%s", error.text);
        return;
    }
    struct slice hash = json_tree_text(status.root, "policy.hash");
    say(report, FINDING_OK, "gate", "it answers in %s and obeys policy %.*s", folder, (int)hash.len,
        hash.ptr);
    if (json_tree_is(json_tree_at(status.root, "reload"), "ok", JSON_TREE_FALSE))
        say(report, FINDING_WRONG, "gate",
            "it refused the policy at the last reload and obeys an older one: `dockreeve policy "
            "status` says why");
    if (json_tree_is(json_tree_at(status.root, "log"), "failing", JSON_TREE_TRUE))
        say(report, FINDING_WRONG, "gate",
            "it cannot write its log: its standard error says why, and `dockreeve policy status` "
            "where the log is");
}

static void check_policy(struct report *report, const char *config, const struct policy *policy,
                         const struct policy_messages *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct error *error = &errors->items[i].error;
        char place[32] = ""; /* none when it is about the file as a whole */
        if (error->line > 0)
            snprintf(place, sizeof(place), ":%u:%u", error->line, error->column);
        say(report, FINDING_WRONG, "policy", "%s%s: %s",
            errors->items[i].file == NULL ? "-" : errors->items[i].file, place, error->text);
    }
    if (policy == NULL) {
        report->exit_code = COMMAND_USAGE;
    } else {
        say(report, FINDING_OK, "policy", "%s is valid (hash %s)",
            access(config, F_OK) == 0 ? config : "no policy file; the rest", policy_hash(policy));
        check_mount(report, config);
        check_clients(report, policy);
        const char *forwarding = forwarding_warning(policy);
        if (forwarding != NULL)
            say(report, FINDING_NOTE, "network", "%s", forwarding);
        check_own_addresses(report, policy);
    }
}

/* The engine and the resolver are asked where somebody needs them: a gate to the internet alone has
 * no engine. */
static void check(struct report *report, const struct option_value *values, const char *config)
{
    struct policy_inputs inputs = {.config_path = config,
                                   .config_required =
                                       values[CONFIG].given && !environment_is_compat(environ),
                                   .environment = environ,
                                   .check_owner = true};
    struct policy_messages errors = {0}, notices = {0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    bool network = policy != NULL && policy_listens_for_network(policy);
    if (!network || policy_listens_for_docker(policy) || values[UPSTREAM].given)
        check_engine(report, serve_options_upstream(&values[UPSTREAM]));
    check_policy(report, config, policy, &errors);
    if (network || values[RESOLVER].given)
        check_resolver(report, &values[RESOLVER]);
    policy_unref(&policy);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    struct report report = {.json = values[JSON].flag};
    AUTO_FREE char *config = option_text_or(&values[CONFIG], policy_path_config);
    AUTO_FREE char *state = option_text_or(&values[STATE], policy_path_state);
    check(&report, values, config);
    check_gate(&report, state);
    return report.exit_code;
}

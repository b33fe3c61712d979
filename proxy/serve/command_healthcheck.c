/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve healthcheck`: exit 0 when the gate answers and the engine behind it does. A gate to
 * the internet alone has no engine: there an answer of any kind is enough, for nothing outside may
 * be needed to say that the gate is well. For HEALTHCHECK in an image that has no shell, so it
 * finds by itself where the gate listens: it reads the same policy and environment. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "policy/environment/environment.h"
#include "policy/document/policy_load.h"
#include "policy/document/policy_paths.h"
#include "proxy/serve/commands.h"
#include "proxy/serve/common_options.h"
#include "proxy/serve/engine_advice.h"
#include "proxy/serve/health_client.h"
#include "proxy/serve/probe.h"
#include "proxy/serve/serve_options.h"

extern char **environ;

enum { LISTEN, EGRESS, UPSTREAM, CONFIG, TIMEOUT, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [LISTEN] = OPTION_TEXT_ROW(OPTION_LIST, "listen", "ADDRESS",
                               "where the gate listens, as given to serve; without it the policy "
                               "or the default of serve says so",
                               .letter = 'l'),
    [EGRESS] = OPTION_TEXT_ROW(OPTION_LIST, "egress", "ADDRESS",
                               "where the gate is a proxy, as given to serve; asked when nothing "
                               "says that it listens for the Docker API",
                               .letter = 'e'),
    [UPSTREAM] = COMMON_OPTION_UPSTREAM,
    [CONFIG] = COMMON_OPTION_CONFIG,
    [TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "timeout", "TIME", "3s", 10, 600000,
                                  "how long to wait for an answer"),
};

static int run(const struct command_call *call);

const struct option_table healthcheck_option_table = {
    .command = "healthcheck",
    .arguments = "",
    .summary = "Exits 0 when the gate and the engine answer.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve healthcheck\n"
                "  dockreeve healthcheck --listen tcp:127.0.0.1:2375 --timeout 1s\n",
    .run = run,
};

static bool listener_endpoint(const struct policy_listen *listen_at, struct endpoint *endpoint)
{
    if (listen_at->kind == POLICY_LISTEN_UNIX)
        return endpoint_from_path(endpoint, slice_from_text(listen_at->path));
    endpoint_from_ip(endpoint, &listen_at->address, listen_at->port);
    return true;
}

/* A client's `from` may leave out this machine: the gate then takes the connection and closes it,
 * which is an answer too. */
static bool ask_listener(const struct policy_client *client, const struct endpoint *endpoint,
                         uint64_t timeout_ms, unsigned *status_out, struct error *error)
{
    if (probe_ping(endpoint, timeout_ms, status_out, error))
        return true;
    *status_out = 403;
    return client->from_count > 0 && !endpoint_is_unix(endpoint) &&
           (error->system_error == ECONNRESET || error->system_error == EPIPE);
}

static bool ask_default_listener(uint64_t timeout_ms, unsigned *status_out, struct error *error)
{
    char text[256];
    struct endpoint endpoint;
    serve_options_default_listen(text, sizeof(text));
    if (endpoint_parse(&endpoint, slice_from_text(text), error) &&
        probe_ping(&endpoint, timeout_ms, status_out, error))
        return true;
    return error_set(error, 1,
                     "%s, where it listens when nothing else is said: %s; if serve has --listen, "
                     "healthcheck needs it too",
                     text, strerror(error->system_error));
}

/* Asks one listener of the Docker API after the other, until one answers at all. */
static bool ask_gate(const struct policy *policy, uint64_t timeout_ms, unsigned *status_out,
                     struct error *error)
{
    struct policy_listen_walk walk = {0};
    if (!policy_listens_for_docker(policy))
        return ask_default_listener(timeout_ms, status_out, error);
    while (policy_listen_next(policy, &walk)) {
        struct endpoint endpoint;
        if (walk.listen->role == POLICY_ROLE_DOCKER && listener_endpoint(walk.listen, &endpoint) &&
            ask_listener(walk.client, &endpoint, timeout_ms, status_out, error))
            return true;
    }
    return false;
}

/* A proxy refuses what is no absolute URI, a transparent listener for HTTP a host that is not
 * allowed. Those for TLS and DNS are only asked to take a connection. */
static bool answers_http(enum policy_role role)
{
    return role == POLICY_ROLE_EGRESS || role == POLICY_ROLE_HTTP;
}

static bool ask_network_listener(const struct policy_client *client,
                                 const struct policy_listen *listen_at, uint64_t timeout_ms,
                                 struct error *error)
{
    struct endpoint endpoint;
    struct error why = {.system_error = ENAMETOOLONG};
    unsigned status;
    bool answers =
        listener_endpoint(listen_at, &endpoint) &&
        (answers_http(listen_at->role) ? ask_listener(client, &endpoint, timeout_ms, &status, &why)
                                       : probe_connect(&endpoint, timeout_ms, &why));
    return answers || error_set(error, 1, "%s: %s", listen_at->text, strerror(why.system_error));
}

/* Those first that have to think before they answer. One is enough, as one loop serves them all and
 * each question leaves a record. */
static bool ask_network(const struct policy *policy, uint64_t timeout_ms, bool http,
                        struct error *error)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        if (answers_http(walk.listen->role) == http &&
            ask_network_listener(walk.client, walk.listen, timeout_ms, error))
            return true;
    }
    return false;
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "dockreeve: %s: %s\n", what, why);
    return COMMAND_FAILED;
}

static int check_network(const struct policy *policy, uint64_t timeout_ms)
{
    struct error error = {0};
    if (ask_network(policy, timeout_ms, true, &error))
        return COMMAND_DONE;
    if (error.exit_code == 0 && ask_network(policy, timeout_ms, false, &error))
        return COMMAND_DONE;
    return complain("the gate does not answer", error.text);
}

/* What is wrong with the engine as it looks from here; `said` where it looks well from here. */
static int complain_of_engine(const struct option_value *values, const char *said)
{
    AUTO_BUFFER struct buffer advice = BUFFER_EMPTY;
    struct error error = {0};
    struct endpoint engine;
    unsigned status;
    const char *upstream = serve_options_upstream(&values[UPSTREAM]);
    if (endpoint_parse(&engine, slice_from_text(upstream), &error) &&
        !probe_ping(&engine, values[TIMEOUT].number, &status, &error))
        engine_advice_write(&engine, &error, &advice);
    return complain("the gate answers, the Docker Engine does not",
                    advice.len > 0 ? buffer_text(&advice) : said);
}

static int check_docker(const struct option_value *values, const struct policy *policy)
{
    struct error error = {0};
    struct endpoint engine;
    unsigned status;
    char said[32];
    const char *upstream = serve_options_upstream(&values[UPSTREAM]);
    if (!ask_gate(policy, values[TIMEOUT].number, &status, &error))
        return complain("the gate does not answer", error.text);
    if (status == 200)
        return COMMAND_DONE;
    if (status == 403 && endpoint_parse(&engine, slice_from_text(upstream), &error) &&
        probe_ping(&engine, values[TIMEOUT].number, &status, &error) && status == 200)
        return COMMAND_DONE;
    snprintf(said, sizeof(said), "status %u", status);
    return complain_of_engine(values, said);
}

/* The listener that tells most about the gate: of the Docker API, else of HTTP. */
static bool find_listener(const struct policy *policy, struct endpoint *endpoint)
{
    struct policy_listen_walk walk = {0};
    const struct policy_listen *found = NULL;
    while (policy_listen_next(policy, &walk)) {
        if (walk.listen->role == POLICY_ROLE_DOCKER)
            return listener_endpoint(walk.listen, endpoint);
        if (found == NULL || (answers_http(walk.listen->role) && !answers_http(found->role)))
            found = walk.listen;
    }
    if (found != NULL)
        return listener_endpoint(found, endpoint);
    char text[256];
    struct error ignored;
    serve_options_default_listen(text, sizeof(text));
    return endpoint_parse(endpoint, slice_from_text(text), &ignored);
}

/* The gate is asked beside its listeners, which makes the question nobody's request; one that cannot
 * be asked so is asked as by any client. */
static int check(const struct option_value *values, const struct policy *policy)
{
    struct error error = {0};
    struct endpoint endpoint;
    bool docker = policy_listens_for_docker(policy) || !policy_listens_for_network(policy);
    enum health health = HEALTH_IS_UNKNOWN;
    if (find_listener(policy, &endpoint))
        health = health_client_ask(&endpoint, values[TIMEOUT].number, &error);
    switch (health) {
    case HEALTH_IS_WELL:
        return COMMAND_DONE;
    case HEALTH_IS_SICK:
        return docker ? complain_of_engine(values, error.text)
                      : complain("the gate is not well", error.text);
    case HEALTH_IS_UNKNOWN:
        break;
    }
    return docker ? check_docker(values, policy) : check_network(policy, values[TIMEOUT].number);
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    int code;
    AUTO_FREE char *config = option_text_or(&values[CONFIG], policy_path_config);
    struct policy_input_listen egress[OPTION_LIST_MAX];
    for (size_t i = 0; i < values[EGRESS].list_count; i++)
        egress[i] =
            (struct policy_input_listen){POLICY_ROLE_EGRESS, values[EGRESS].list[i], "--egress"};
    struct policy_inputs inputs = {
        .network = egress,
        .network_count = values[EGRESS].list_count,
        .config_path = config,
        .config_required = values[CONFIG].given && !environment_is_compat(environ),
        .listen = values[LISTEN].list,
        .listen_count = values[LISTEN].list_count,
        .environment = environ,
    };
    struct policy_messages errors = {0}, notices = {0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    if (policy == NULL) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        policy_messages_write_as(&errors, POLICY_ERROR, &text);
        fputs(buffer_text(&text), stderr);
        code = COMMAND_USAGE;
    } else {
        code = check(values, policy);
    }
    policy_unref(&policy);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    return code;
}

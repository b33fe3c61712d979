/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table of `serve` and its translation. */
#include "proxy/serve_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/environment.h"
#include "policy/policy_paths.h"
#include "proxy/commands.h"
#include "proxy/common_options.h"

extern char **environ;

enum {
    LISTEN,
    UPSTREAM,
    CONFIG,
    LOG,
    STATE,
    ADMIN,
    USER,
    LOG_MAX_SIZE,
    LOG_KEEP,
    LOG_QUEUE,
    LOG_REQUIRED,
    HEADER_TIMEOUT,
    BODY_TIMEOUT,
    UPLOAD_TIMEOUT,
    CONNECT_TIMEOUT,
    DRAIN_TIMEOUT,
    MAX_CONNECTIONS,
    MAX_HEAD,
    MAX_TARGET,
    MAX_FIELDS,
    MAX_JSON_BODY,
    UPSTREAM_IDLE,
    DENIAL_RATE,
    NO_SECCOMP,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [LISTEN] = {.name = "listen",
                .letter = 'l',
                .type = OPTION_LIST,
                .argument = "ADDRESS",
                .help = "listen for the client `default`: unix:PATH or tcp:ADDR:PORT; may be given "
                        "many times"},
    [UPSTREAM] = COMMON_OPTION_UPSTREAM,
    [CONFIG] = COMMON_OPTION_CONFIG,
    [LOG] = {.name = "log",
             .type = OPTION_TEXT,
             .argument = "FILE",
             .environment = "DOCKREEVE_LOG",
             .help = "the request log; - is standard output"},
    [STATE] = {.name = "state",
               .type = OPTION_TEXT,
               .argument = "DIR",
               .environment = "DOCKREEVE_STATE",
               .help = "the state folder; this version keeps nothing in it"},
    [ADMIN] = {.name = "admin",
               .type = OPTION_TEXT,
               .argument = "ADDRESS",
               .environment = "DOCKREEVE_ADMIN",
               .help =
                   "serve /healthz, /readyz and /metrics at a unix socket or a loopback address"},
    [USER] = {.name = "user",
              .type = OPTION_TEXT,
              .argument = "USER",
              .environment = "DOCKREEVE_USER",
              .help = "become this user (NAME, UID or UID:GID) once everything is open; keeps the "
                      "group of the engine's socket"},
    [LOG_MAX_SIZE] = {.name = "log-max-size",
                      .type = OPTION_BYTES,
                      .argument = "BYTES",
                      .initial = "64m",
                      .help = "rotate the log before it grows beyond this; 0 never rotates"},
    [LOG_KEEP] = {.name = "log-keep",
                  .type = OPTION_NUMBER,
                  .argument = "COUNT",
                  .initial = "8",
                  .min = 1,
                  .max = 1000,
                  .help = "rotated log files that are kept"},
    [LOG_QUEUE] = {.name = "log-queue",
                   .type = OPTION_BYTES,
                   .argument = "BYTES",
                   .initial = "1m",
                   .min = 4096,
                   .max = 1 << 30,
                   .help = "log bytes that may wait for a slow reader before requests are refused"},
    [LOG_REQUIRED] = {.name = "log-required",
                      .type = OPTION_TEXT,
                      .argument = "yes|no",
                      .initial = "yes",
                      .help = "refuse requests that cannot be logged"},
    [HEADER_TIMEOUT] = {.name = "header-timeout",
                        .type = OPTION_DURATION,
                        .argument = "TIME",
                        .initial = "10s",
                        .min = 10,
                        .max = 3600000,
                        .help = "time for a request head to arrive, from its first byte"},
    [BODY_TIMEOUT] = {.name = "body-timeout",
                      .type = OPTION_DURATION,
                      .argument = "TIME",
                      .initial = "30s",
                      .min = 10,
                      .max = 3600000,
                      .help = "longest silence within a JSON or dropped body"},
    [UPLOAD_TIMEOUT] = {.name = "upload-timeout",
                        .type = OPTION_DURATION,
                        .argument = "TIME",
                        .initial = "10m",
                        .max = 86400000,
                        .help = "longest silence within an uploaded archive; 0 waits for ever"},
    [CONNECT_TIMEOUT] = {.name = "connect-timeout",
                         .type = OPTION_DURATION,
                         .argument = "TIME",
                         .initial = "5s",
                         .min = 10,
                         .max = 600000,
                         .help = "time for the engine to take a connection"},
    [DRAIN_TIMEOUT] = {.name = "drain-timeout",
                       .type = OPTION_DURATION,
                       .argument = "TIME",
                       .initial = "8s",
                       .max = 3600000,
                       .help = "time that open requests and streams are given at SIGTERM"},
    [MAX_CONNECTIONS] =
        {.name = "max-connections",
         .type = OPTION_NUMBER,
         .argument = "COUNT",
         .initial = "8192",
         .min = 1,
         .max = 1000000,
         .help = "client connections at once; beyond it the longest idle one is closed"},
    [MAX_HEAD] = {.name = "max-head",
                  .type = OPTION_BYTES,
                  .argument = "BYTES",
                  .initial = "32k",
                  .min = 512,
                  .max = HTTP_HEAD_LEN_MAX,
                  .help = "longest request head"},
    [MAX_TARGET] = {.name = "max-target",
                    .type = OPTION_BYTES,
                    .argument = "BYTES",
                    .initial = "8k",
                    .min = 64,
                    .max = HTTP_HEAD_TARGET_MAX,
                    .help = "longest path with query"},
    [MAX_FIELDS] = {.name = "max-fields",
                    .type = OPTION_NUMBER,
                    .argument = "COUNT",
                    .initial = "100",
                    .min = 8,
                    .max = HTTP_HEAD_FIELDS_MAX,
                    .help = "most header fields of a request"},
    [MAX_JSON_BODY] = {.name = "max-json-body",
                       .type = OPTION_BYTES,
                       .argument = "BYTES",
                       .initial = "16m",
                       .min = 1024,
                       .max = UINT64_C(1) << 32,
                       .help = "longest JSON body"},
    [UPSTREAM_IDLE] = {.name = "upstream-idle",
                       .type = OPTION_NUMBER,
                       .argument = "COUNT",
                       .initial = "256",
                       .max = 65536,
                       .help = "engine connections kept for the next request"},
    [DENIAL_RATE] = {.name = "denial-rate",
                     .type = OPTION_NUMBER,
                     .argument = "COUNT",
                     .initial = "1000",
                     .max = 1000000000,
                     .help = "refusals a second and client that are logged one by one, the rest "
                             "gets 429 and is counted; 0 logs all"},
    [NO_SECCOMP] = {.name = "no-seccomp",
                    .type = OPTION_FLAG,
                    .help = "run without the system call filter"},
};

const struct option_table serve_option_table = {
    .command = "serve",
    .arguments = "",
    .summary = "Runs the gate in front of a Docker Engine.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve serve --listen unix:/run/dockreeve/ci/docker.sock\n"
                "  DOCKREEVE_COMPAT=tecnativa CONTAINERS=1 dockreeve serve --log -\n",
};

/* SOCKET_PATH is the replaced images' word for the upstream; --upstream and DOCKREEVE_UPSTREAM are
 * ours and win. */
const char *serve_options_upstream(const struct option_value *value)
{
    bool compat = !value->given && environment_is_compat(environ);
    return compat ? environment_socket_path(environ) : value->text;
}

void serve_options_default_listen(char *text, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (geteuid() != 0 && runtime != NULL && runtime[0] == '/')
        snprintf(text, size, "unix:%s/dockreeve/default/docker.sock", runtime);
    else
        snprintf(text, size, "unix:/run/dockreeve/default/docker.sock");
}

static bool read_yes_no(const struct option_value *value, bool *yes_out, struct error *error)
{
    *yes_out = strcmp(value->text, "yes") == 0;
    return *yes_out || strcmp(value->text, "no") == 0 ||
           error_set(error, 2, "--log-required takes yes or no");
}

static void read_limits(struct gate_options *gate, const struct option_value *values)
{
    gate->header_timeout_ms = values[HEADER_TIMEOUT].number;
    gate->body_timeout_ms = values[BODY_TIMEOUT].number;
    gate->upload_timeout_ms = values[UPLOAD_TIMEOUT].number;
    gate->drain_timeout_ms = values[DRAIN_TIMEOUT].number;
    gate->engine.connect_timeout_ms = values[CONNECT_TIMEOUT].number;
    gate->engine.max_idle = (unsigned)values[UPSTREAM_IDLE].number;
    gate->engine.idle_timeout_ms = 30000;
    gate->max_connections = (unsigned)values[MAX_CONNECTIONS].number;
    gate->head.head_len = values[MAX_HEAD].number;
    gate->head.target_len = values[MAX_TARGET].number;
    gate->head.field_count = values[MAX_FIELDS].number;
    gate->json_body_max = values[MAX_JSON_BODY].number;
    gate->denial_rate = (unsigned)values[DENIAL_RATE].number;
    gate->log.rotate_bytes = values[LOG_MAX_SIZE].number;
    gate->log.keep = (unsigned)values[LOG_KEEP].number;
    gate->log.queue_bytes = values[LOG_QUEUE].number;
}

static char *text_or(const struct option_value *value, char *(*fallback)(void))
{
    return value->given ? slice_to_text(slice_from_text(value->text)) : fallback();
}

bool serve_options_read(struct serve_options *serve, int argc, char **argv, bool *help_out,
                        struct error *error)
{
    struct option_value values[OPTION_COUNT];
    *serve = (struct serve_options){0};
    if (!option_parse(&serve_option_table, values, argc, argv, &argc, help_out, error) || *help_out)
        return *help_out;
    if (argc > 0)
        return error_set(error, 2, "serve takes no arguments; see dockreeve serve --help");
    struct gate_options *gate = &serve->gate;
    read_limits(gate, values);
    if (!read_yes_no(&values[LOG_REQUIRED], &gate->log_required, error) ||
        !endpoint_parse(&gate->engine.address,
                        slice_from_text(serve_options_upstream(&values[UPSTREAM])), error))
        return false;
    serve->config_path = text_or(&values[CONFIG], policy_path_config);
    serve->log_path = text_or(&values[LOG], policy_path_log);
    serve->user = values[USER].given ? values[USER].text : NULL;
    serve->system_call_filter = !values[NO_SECCOMP].flag;
    serve->compat = environment_is_compat(environ);
    gate->admin = values[ADMIN].given ? values[ADMIN].text : NULL;
    gate->log.path = serve->log_path;
    memcpy(serve->listens, values[LISTEN].list, sizeof(serve->listens));
    gate->inputs = (struct policy_inputs){
        .config_path = serve->config_path,
        .config_required =
            values[CONFIG].given && !serve->compat, /* there the environment is the policy */
        .listen = serve->listens,
        .listen_count = values[LISTEN].list_count,
        .environment = environ,
        .check_owner = true,
    };
    return true;
}

void serve_options_clear(struct serve_options *serve)
{
    free(serve->config_path);
    free(serve->log_path);
    *serve = (struct serve_options){0};
}

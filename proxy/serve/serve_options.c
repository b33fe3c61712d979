/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table of `serve` and its translation. */
#include "proxy/serve/serve_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/environment/environment.h"
#include "policy/document/policy_paths.h"
#include "proxy/serve/commands.h"
#include "proxy/serve/common_options.h"

extern char **environ;

/* Of the resolver. */
enum { CACHE_ENTRIES = 4096, TTL_MAX_S = 3600 };

enum {
    LISTEN,
    UPSTREAM,
    CONFIG,
    LOG,
    STATE,
    ADMIN,
    ADMIN_FROM,
    USER,
    LOG_MAX_SIZE,
    LOG_KEEP,
    LOG_QUEUE,
    LOG_REQUIRED,
    SEAL_INTERVAL,
    HEADER_TIMEOUT,
    BODY_TIMEOUT,
    UPLOAD_TIMEOUT,
    CONNECT_TIMEOUT,
    DRAIN_TIMEOUT,
    MAX_CONNECTIONS,
    MAX_HEAD,
    MAX_ANSWER_HEAD,
    MAX_ANSWER_FIELDS,
    MAX_TARGET,
    MAX_FIELDS,
    MAX_JSON_BODY,
    LOOKUP_TIMEOUT,
    UPSTREAM_IDLE,
    DENIAL_RATE,
    EGRESS,
    TRANSPARENT_TLS,
    TRANSPARENT_HTTP,
    DNS,
    DNS_ANSWER,
    RESOLVER,
    RESOLVER_TIMEOUT,
    HOSTS,
    UPSTREAM_PROXY,
    UPSTREAM_PROXY_AUTH,
    NO_PROXY,
    DIAL_TIMEOUT,
    HELLO_TIMEOUT,
    MAX_CLIENT_CONNECTIONS,
    MAX_TUNNELS,
    TUNNEL_IDLE,
    TUNNEL_LIFETIME,
    TUNNEL_RATE,
    NO_SECCOMP,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [LISTEN] = OPTION_TEXT_ROW(
        OPTION_LIST, "listen", "[NAME=]ADDRESS",
        "listen for the client NAME, or `default`: unix:PATH or tcp:ADDR:PORT; may be repeated",
        .letter = 'l'),
    [UPSTREAM] = COMMON_OPTION_UPSTREAM,
    [CONFIG] = COMMON_OPTION_CONFIG,
    [LOG] = OPTION_TEXT_ROW(OPTION_TEXT, "log", "FILE", "the request log; - is standard output",
                            .environment = "DOCKREEVE_LOG"),
    [STATE] = OPTION_TEXT_ROW(OPTION_TEXT, "state", "DIR",
                              "the state folder, for the control socket, the counts of rules and "
                              "the key that seals the log; none keeps nothing",
                              .environment = "DOCKREEVE_STATE"),
    [ADMIN] = OPTION_TEXT_ROW(OPTION_TEXT, "admin", "ADDRESS",
                              "serve /healthz, /readyz and /metrics here: unix:PATH, ADDR:PORT",
                              .environment = "DOCKREEVE_ADMIN"),
    [ADMIN_FROM] = OPTION_TEXT_ROW(OPTION_LIST, "admin-from", "CIDR",
                                   "who may ask there, and only they: needed beyond loopback"),
    [USER] = OPTION_TEXT_ROW(OPTION_TEXT, "user", "USER",
                             "become this user (NAME, UID or UID:GID) once everything is open; "
                             "keeps the group of the engine's socket",
                             .environment = "DOCKREEVE_USER"),
    [LOG_MAX_SIZE] =
        OPTION_NUMBER_ROW(OPTION_BYTES, "log-max-size", "BYTES", "64m", 0, 0,
                          "rotate the log before it grows beyond this; 0 never rotates"),
    [LOG_KEEP] = OPTION_NUMBER_ROW(OPTION_NUMBER, "log-keep", "COUNT", "8", 1, 1000,
                                   "rotated log files that are kept"),
    [LOG_QUEUE] =
        OPTION_NUMBER_ROW(OPTION_BYTES, "log-queue", "BYTES", "1m", 4096, 1 << 30,
                          "log bytes that may wait for a slow reader before requests are refused"),
    [LOG_REQUIRED] = OPTION_TEXT_ROW(OPTION_CHOICE, "log-required", "yes|no",
                                     "refuse requests that cannot be logged", .initial = "yes"),
    [SEAL_INTERVAL] =
        OPTION_NUMBER_ROW(OPTION_DURATION, "seal-interval", "TIME", "10s", 100, 86400000,
                          "of a sealed log: time after which records can no longer be forged with "
                          "what is on this host"),
    [HEADER_TIMEOUT] =
        OPTION_NUMBER_ROW(OPTION_DURATION, "header-timeout", "TIME", "10s", 10, 3600000,
                          "time for a request head to arrive, from its first byte"),
    [BODY_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "body-timeout", "TIME", "30s", 10, 3600000,
                                       "time for a JSON or dropped body to arrive, as a whole"),
    [UPLOAD_TIMEOUT] = OPTION_NUMBER_ROW(
        OPTION_DURATION, "upload-timeout", "TIME", "10m", 0, 86400000,
        "longest silence within an uploaded archive, or a body to the internet; 0 waits for ever"),
    [CONNECT_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "connect-timeout", "TIME", "5s", 10,
                                          600000, "time for the engine to take a connection"),
    [DRAIN_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "drain-timeout", "TIME", "8s", 0, 3600000,
                                        "time that open requests and streams are given at SIGTERM"),
    [MAX_CONNECTIONS] =
        OPTION_NUMBER_ROW(OPTION_NUMBER, "max-connections", "COUNT", "8192", 1, 1000000,
                          "client connections at once, of which each client and peer has a share"),
    [MAX_HEAD] = OPTION_NUMBER_ROW(OPTION_BYTES, "max-head", "BYTES", "64k", 512, HTTP_HEAD_LEN_MAX,
                                   "longest request head"),
    [MAX_TARGET] = OPTION_NUMBER_ROW(OPTION_BYTES, "max-target", "BYTES", "48k", 64,
                                     HTTP_HEAD_TARGET_MAX, "longest path with query"),
    [MAX_FIELDS] = OPTION_NUMBER_ROW(OPTION_NUMBER, "max-fields", "COUNT", "100", 8,
                                     HTTP_HEAD_FIELDS_MAX, "most header fields of a request"),
    [MAX_ANSWER_HEAD] =
        OPTION_NUMBER_ROW(OPTION_BYTES, "max-answer-head", "BYTES", "64k", 512, HTTP_HEAD_LEN_MAX,
                          "longest head of an answer of the engine or an origin"),
    [MAX_ANSWER_FIELDS] =
        OPTION_NUMBER_ROW(OPTION_NUMBER, "max-answer-fields", "COUNT", "1000", 8,
                          HTTP_HEAD_FIELDS_MAX, "most header fields of such an answer"),
    [MAX_JSON_BODY] = OPTION_NUMBER_ROW(OPTION_BYTES, "max-json-body", "BYTES", "16m", 1024,
                                        UINT64_C(1) << 32, "longest JSON body"),
    [LOOKUP_TIMEOUT] = OPTION_NUMBER_ROW(
        OPTION_DURATION, "lookup-timeout", "TIME", "30s", 10, 3600000,
        "time for the engine to say what a request names, waiting for a turn included"),
    [UPSTREAM_IDLE] = OPTION_NUMBER_ROW(OPTION_NUMBER, "upstream-idle", "COUNT", "256", 0, 65536,
                                        "engine connections kept for the next request"),
    [DENIAL_RATE] = OPTION_NUMBER_ROW(OPTION_NUMBER, "denial-rate", "COUNT", "1000", 0, 1000000000,
                                      "refusals a second and client that are logged one by one, "
                                      "the rest gets 429 and is counted; 0 logs all"),
    [EGRESS] = OPTION_TEXT_ROW(OPTION_LIST, "egress", "[NAME=]ADDRESS",
                               "be a proxy to the internet for the client NAME, or `default`, at "
                               "ADDR:PORT or unix:PATH; may be repeated",
                               .letter = 'e'),
    [TRANSPARENT_TLS] = OPTION_TEXT_ROW(OPTION_LIST, "transparent-tls", "ADDRESS",
                                        "take TLS for port 443 here, by its server name"),
    [TRANSPARENT_HTTP] = OPTION_TEXT_ROW(OPTION_LIST, "transparent-http", "ADDRESS",
                                         "take plain HTTP for port 80 here, by its Host"),
    [DNS] = OPTION_TEXT_ROW(OPTION_LIST, "dns", "ADDRESS",
                            "answer DNS here, by UDP and TCP, for names that the policy allows"),
    [DNS_ANSWER] = OPTION_TEXT_ROW(OPTION_TEXT, "dns-answer", "WHAT",
                                   "what --dns answers: gate (the address asked; the default), "
                                   "real, or addresses with commas"),
    [RESOLVER] =
        OPTION_TEXT_ROW(OPTION_LIST, "resolver", "ADDR[:PORT]",
                        "name server to ask instead of those of /etc/resolv.conf; at most four"),
    [RESOLVER_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "resolver-timeout", "TIME", "5s", 10,
                                           600000, "time for one name to be resolved"),
    [HOSTS] = OPTION_TEXT_ROW(OPTION_TEXT, "hosts", "FILE",
                              "table of names asked before DNS, in the form of /etc/hosts"),
    [UPSTREAM_PROXY] =
        OPTION_TEXT_ROW(OPTION_TEXT, "upstream-proxy", "URL",
                        "http://HOST:PORT of a proxy that everything allowed goes through"),
    [UPSTREAM_PROXY_AUTH] = OPTION_TEXT_ROW(OPTION_TEXT, "upstream-proxy-auth", "FILE",
                                            "file with user:password for the upstream proxy"),
    [NO_PROXY] = OPTION_TEXT_ROW(OPTION_TEXT, "no-proxy", "PATTERNS",
                                 "hosts, with commas, that are dialled without the upstream proxy"),
    [DIAL_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "dial-timeout", "TIME", "10s", 10, 600000,
                                       "time for a destination to take a connection"),
    [HELLO_TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "hello-timeout", "TIME", "5s", 10, 600000,
                                        "time for a TLS ClientHello to arrive in a tunnel"),
    [MAX_CLIENT_CONNECTIONS] =
        OPTION_NUMBER_ROW(OPTION_NUMBER, "max-client-connections", "COUNT", "0", 0, 1000000,
                          "connections of one client at once, its tunnels to the internet not "
                          "counted; 0 = no such limit"),
    [MAX_TUNNELS] = OPTION_NUMBER_ROW(OPTION_NUMBER, "max-tunnels", "COUNT", "0", 0, 1000000,
                                      "tunnels of one client at once; 0 = no such limit"),
    [TUNNEL_IDLE] =
        OPTION_NUMBER_ROW(OPTION_DURATION, "tunnel-idle", "TIME", "0", 0, UINT64_C(31536000000),
                          "close a tunnel after so long a silence; 0 = never"),
    [TUNNEL_LIFETIME] =
        OPTION_NUMBER_ROW(OPTION_DURATION, "tunnel-lifetime", "TIME", "0", 0, UINT64_C(31536000000),
                          "close a tunnel after so long a life; 0 = never"),
    [TUNNEL_RATE] =
        OPTION_NUMBER_ROW(OPTION_BYTES, "tunnel-rate", "BYTES", "0", 0, UINT64_C(1) << 40,
                          "bytes a second that one tunnel may move; 0 = no such limit"),
    [NO_SECCOMP] = OPTION_FLAG_ROW("no-seccomp", "run without the system call filter"),
};

const struct option_table serve_option_table = {
    .command = "serve",
    .arguments = "",
    .summary = "Runs the gates: in front of a Docker Engine, and to the internet.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve serve --listen unix:/run/dockreeve/ci/docker.sock\n"
                "  dockreeve serve --egress 127.0.0.1:3128 --log -\n"
                "  DOCKREEVE_COMPAT=tecnativa CONTAINERS=1 dockreeve serve --log -\n",
    .reads_itself = true,
    .run = command_serve,
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

static struct http_head_limits answer_head(const struct option_value *values)
{
    return (struct http_head_limits){.head_len = values[MAX_ANSWER_HEAD].number,
                                     .target_len = HTTP_HEAD_TARGET_MAX,
                                     .field_count = values[MAX_ANSWER_FIELDS].number};
}

static void read_limits(struct loop_options *loop, const struct option_value *values)
{
    loop->header_timeout_ms = values[HEADER_TIMEOUT].number;
    loop->body_timeout_ms = values[BODY_TIMEOUT].number;
    loop->upload_timeout_ms = values[UPLOAD_TIMEOUT].number;
    loop->drain_timeout_ms = values[DRAIN_TIMEOUT].number;
    loop->lookup_timeout_ms = values[LOOKUP_TIMEOUT].number;
    loop->max_connections = (unsigned)values[MAX_CONNECTIONS].number;
    loop->head.head_len = values[MAX_HEAD].number;
    loop->head.target_len = values[MAX_TARGET].number;
    loop->head.field_count = values[MAX_FIELDS].number;
    loop->answer_head = answer_head(values);
    loop->json_body_max = values[MAX_JSON_BODY].number;
    loop->denial_rate = (unsigned)values[DENIAL_RATE].number;
    loop->log.rotate_bytes = values[LOG_MAX_SIZE].number;
    loop->log.keep = (unsigned)values[LOG_KEEP].number;
    loop->log.queue_bytes = values[LOG_QUEUE].number;
    loop->seal_interval_ms = values[SEAL_INTERVAL].number;
}

static void read_engine_limits(struct engine_options *engine, const struct option_value *values)
{
    engine->connect_timeout_ms = values[CONNECT_TIMEOUT].number;
    engine->max_idle = (unsigned)values[UPSTREAM_IDLE].number;
    engine->idle_timeout_ms = 30000;
    engine->answer_head = answer_head(values);
}

static void read_egress_limits(struct egress_options *egress, const struct option_value *values)
{
    egress->dial_timeout_ms = values[DIAL_TIMEOUT].number;
    egress->hello_timeout_ms = values[HELLO_TIMEOUT].number;
    egress->max_client_connections = (unsigned)values[MAX_CLIENT_CONNECTIONS].number;
    egress->max_tunnels = (unsigned)values[MAX_TUNNELS].number;
    egress->tunnel_idle_ms = values[TUNNEL_IDLE].number;
    egress->tunnel_lifetime_ms = values[TUNNEL_LIFETIME].number;
    egress->tunnel_rate = values[TUNNEL_RATE].number;
    egress->resolver.timeout_ms = values[RESOLVER_TIMEOUT].number;
    egress->resolver.cache_entries = CACHE_ENTRIES;
    egress->resolver.ttl_max_s = TTL_MAX_S;
    egress->resolver.hosts_path = values[HOSTS].given ? values[HOSTS].text : NULL;
    egress->upstream_proxy.url = values[UPSTREAM_PROXY].given ? values[UPSTREAM_PROXY].text : NULL;
    egress->upstream_proxy.exceptions = values[NO_PROXY].given ? values[NO_PROXY].text : NULL;
}

/* "9.9.9.9", "127.0.0.1:5353", "2620:fe::fe" or "[::1]:5353". */
static bool read_resolver(const char *text, struct endpoint *server, struct error *error)
{
    struct slice host = slice_from_text(text), port = {NULL, 0};
    struct ip_address address;
    uint64_t number = 53;
    if (!ip_address_parse(host, &address)) {
        const char *colon = strrchr(text, ':');
        port = slice_from_text(colon == NULL ? "" : colon + 1);
        host.len = colon == NULL ? host.len : (size_t)(colon - text);
        bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
        if (brackets)
            host = slice_of(host.ptr + 1, host.len - 2);
        if (!slice_to_u64(port, &number) || number == 0 || number > UINT16_MAX ||
            !ip_address_parse(host, &address))
            return error_set(error, 2,
                             "--resolver takes an address, with :PORT if it is not 53; %s is none",
                             text);
    }
    endpoint_from_ip(server, &address, (uint16_t)number);
    return true;
}

bool serve_options_read_resolvers(const struct option_value *value,
                                  struct resolver_options *resolver, struct error *error)
{
    if (value->list_count > RESOLVER_SERVERS_MAX)
        return error_set(error, 2, "--resolver may be given %d times", RESOLVER_SERVERS_MAX);
    for (size_t i = 0; i < value->list_count; i++) {
        if (!read_resolver(value->list[i], &resolver->servers[i], error))
            return false;
    }
    resolver->server_count = (unsigned)value->list_count;
    return true;
}

static bool read_admin_from(struct admin_options *admin, const struct option_value *value,
                            struct error *error)
{
    for (size_t i = 0; i < value->list_count; i++) {
        if (!ip_range_parse(slice_from_text(value->list[i]), &admin->from[i]))
            return error_set(error, 2,
                             "--admin-from takes an address or a CIDR, such as 172.16.0.0/12; %s "
                             "is none",
                             value->list[i]);
        admin->from_count++;
    }
    return true;
}

/* Kept out of the command line, which everybody on the host can read. */
static bool read_credentials(struct serve_options *serve, const struct option_value *value,
                             struct error *error)
{
    if (!value->given)
        return true;
    FILE *file = fopen(value->text, "re");
    char line[1024] = "";
    bool read = file != NULL && fgets(line, sizeof(line), file) != NULL;
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    if (!read || strchr(line, ':') == NULL)
        return error_set(error, 2, "--upstream-proxy-auth: %s does not hold user:password",
                         value->text);
    serve->proxy_credentials = slice_to_text(slice_from_text(line));
    explicit_bzero(line, sizeof(line));
    serve->gates.egress.upstream_proxy.credentials = serve->proxy_credentials;
    return true;
}

static void read_network_listeners(struct serve_options *serve, const struct option_value *values)
{
    static const struct {
        int option;
        enum policy_role role;
        const char *source;
    } rows[] = {
        {EGRESS, POLICY_ROLE_EGRESS, "--egress"},
        {TRANSPARENT_TLS, POLICY_ROLE_TLS, "--transparent-tls"},
        {TRANSPARENT_HTTP, POLICY_ROLE_HTTP, "--transparent-http"},
        {DNS, POLICY_ROLE_DNS, "--dns"},
    };
    struct policy_inputs *inputs = &serve->gates.loop.inputs;
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        const struct option_value *value = &values[rows[row].option];
        for (size_t i = 0; i < value->list_count; i++)
            serve->network[inputs->network_count++] =
                (struct policy_input_listen){rows[row].role, value->list[i], rows[row].source};
    }
    inputs->network = serve->network;
    inputs->dns_answer = values[DNS_ANSWER].given ? values[DNS_ANSWER].text : NULL;
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
    struct gates_options *gates = &serve->gates;
    struct loop_options *loop = &gates->loop;
    read_limits(loop, values);
    read_engine_limits(&gates->engine, values);
    read_egress_limits(&gates->egress, values);
    loop->log_required = strcmp(values[LOG_REQUIRED].text, "yes") == 0;
    if (!serve_options_read_resolvers(&values[RESOLVER], &gates->egress.resolver, error) ||
        !read_admin_from(&gates->admin, &values[ADMIN_FROM], error) ||
        !read_credentials(serve, &values[UPSTREAM_PROXY_AUTH], error) ||
        !endpoint_parse(&gates->engine.address,
                        slice_from_text(serve_options_upstream(&values[UPSTREAM])), error))
        return false;
    serve->config_path = option_text_or(&values[CONFIG], policy_path_config);
    serve->log_path = option_text_or(&values[LOG], policy_path_log);
    if (!values[LOG].given)
        serve->log_folder = slice_to_text(
            slice_of(serve->log_path, (size_t)(strrchr(serve->log_path, '/') - serve->log_path)));
    serve->state_path = option_text_or(&values[STATE], policy_path_state);
    serve->user = values[USER].given ? values[USER].text : NULL;
    serve->system_call_filter = !values[NO_SECCOMP].flag;
    serve->compat = environment_is_compat(environ);
    gates->admin.text = values[ADMIN].given ? values[ADMIN].text : NULL;
    loop->log.path = serve->log_path;
    loop->state = serve->state_path;
    memcpy(serve->listens, values[LISTEN].list, sizeof(serve->listens));
    loop->inputs = (struct policy_inputs){
        .config_path = serve->config_path,
        .config_required =
            values[CONFIG].given && !serve->compat, /* there the environment is the policy */
        .listen = serve->listens,
        .listen_count = values[LISTEN].list_count,
        .environment = environ,
        .check_owner = true,
    };
    read_network_listeners(serve, values);
    return true;
}

void serve_options_clear(struct serve_options *serve)
{
    free(serve->config_path);
    free(serve->log_path);
    free(serve->log_folder);
    free(serve->state_path);
    free(serve->proxy_credentials);
    *serve = (struct serve_options){0};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve serve`: reads options and policy, opens everything, gives up what it no longer needs,
 * runs. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/cli/help.h"
#include "policy/document/policy_paths.h"
#include "policy/environment/environment_variables.h"
#include "policy/document/policy_files.h"
#include "proxy/loop/confine.h"
#include "proxy/serve/engine_advice.h"
#include "proxy/serve/forwarding.h"
#include "proxy/operator/control.h"
#include "proxy/docker/docker_version.h"
#include "proxy/egress/egress.h"
#include "proxy/loop/loop_limits.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_sealing.h"
#include "proxy/io/own_host.h"
#include "proxy/serve/probe.h"
#include "proxy/loop/reload.h"
#include "proxy/loop/rule_counter.h"
#include "proxy/serve/serve_options.h"
#include "proxy/loop/state_folder.h"
#include "proxy/loop/worker.h"
#include "rules/reason.h"

extern char **environ;

static int complain(const struct error *error, int code)
{
    fprintf(stderr, "dockreeve: %s\n", error->text);
    return error->exit_code != 0 ? error->exit_code : code;
}

/* Prints errors and notices; NULL when there is no policy. */
static struct policy *load_policy(const struct policy_inputs *inputs, bool quiet)
{
    struct policy_messages errors = {0}, notices = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct policy *policy = policy_load(inputs, &errors, &notices);
    policy_messages_write_as(&errors, POLICY_ERROR, &text);
    if (!quiet)
        policy_messages_write_as(&notices, POLICY_NOTE, &text);
    fputs(buffer_text(&text), stderr);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    return policy;
}

static struct policy *load_with_listeners(struct serve_options *options)
{
    struct policy *policy = load_policy(&options->gates.loop.inputs, environment_is_quiet(environ));
    if (policy == NULL || policy_listens_for_docker(policy) || policy_listens_for_network(policy) ||
        getenv("LISTEN_FDS") != NULL)
        return policy;
    policy_unref(&policy);
    serve_options_default_listen(options->default_listen, sizeof(options->default_listen));
    options->listens[0] = options->default_listen;
    options->gates.loop.inputs.listen_count = 1;
    return load_policy(&options->gates.loop.inputs, true);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void note_fewer_connections(const struct loop_options *options)
{
    unsigned most = loop_limits_connections(options->max_connections);
    if (most < options->max_connections && !environment_is_quiet(environ))
        fprintf(stderr,
                "dockreeve: there are descriptors for %u connections of clients, each with one to "
                "the other side: fewer than --max-connections %u (see ulimit -n)\n",
                most, options->max_connections);
}

/* Something about the start that the log keeps, too. */
static void note(struct loop *loop, const char *reason, const char *text)
{
    loop_log_event(loop, LOG_START, true, reason, text);
    if (!environment_is_quiet(environ))
        fprintf(stderr, "dockreeve: %s\n", text);
}

/* A read-only mount of a socket protects the file, not the engine: connecting and writing work as
 * ever. */
static void note_read_only_socket(struct loop *loop)
{
    const struct endpoint *endpoint = engine_endpoint(loop->engine);
    struct statvfs status;
    if (!endpoint_is_unix(endpoint) || statvfs(endpoint->address.un.sun_path, &status) != 0 ||
        !(status.f_flag & ST_RDONLY))
        return;
    loop_log_event(loop, LOG_START, true, REASON_NOTE_READ_ONLY_SOCKET,
                   "the engine's socket is mounted read-only: that keeps nobody who can reach it "
                   "from any request; only this "
                   "gate's policy does");
}

static void note_forwarding(struct loop *loop)
{
    const char *warning = forwarding_warning(loop->policy);
    if (warning != NULL)
        note(loop, REASON_NOTE_FORWARDING, warning);
}

enum { ENGINE_PROBE_MS = 1000 };

/* Asks the engine for its version, if it is there: requests need it, and one that serves nothing as
 * old as this gate's table is of no use. */
static void note_engine(struct loop *loop)
{
    const struct endpoint *engine = engine_endpoint(loop->engine);
    struct probe_api api;
    struct error error = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (!listener_any_docker(loop))
        return;
    if (!probe_api_ask(engine, ENGINE_PROBE_MS, &api, &error)) {
        engine_advice_write(engine, &error, &text);
        note(loop, REASON_NOTE_ENGINE_AWAY, buffer_text(&text));
        return;
    }
    if (api.status < 500) /* else what answers stands in front of an engine that is not there */
        engine_learn_no_api(loop->engine);
    if (api.version[0] != '\0')
        engine_learn_api(loop->engine, slice_from_text(api.version));
    engine_set_api_minimum(loop->engine, api.minimum);
    if (!docker_version_note(loop->engine, &text))
        return;
    fprintf(stderr, "dockreeve: %s\n", buffer_text(&text));
    loop_log_event(loop, LOG_START, true, REASON_NOTE_API_VERSION, buffer_text(&text));
}

static void note_container(struct loop *loop)
{
    if (policy_listens_for_network(loop->policy) && !policy_says_own_addresses(loop->policy) &&
        own_host_is_container())
        note(loop, REASON_NOTE_OWN_ADDRESSES, own_host_container_note);
}

/* The groups that keep the engine's socket reachable under another user. */
static size_t engine_groups(const struct endpoint *endpoint, gid_t groups[1])
{
    struct stat status;
    if (!endpoint_is_unix(endpoint) || stat(endpoint->address.un.sun_path, &status) != 0)
        return 0;
    groups[0] = status.st_gid;
    return 1;
}

/* On a busy or single processor the loop goes first. */
enum { LOADER_NICE = 10 };

static bool confine(const struct serve_options *options, struct loop *loop, struct error *error)
{
    gid_t groups[1];
    size_t group_count = engine_groups(&options->gates.engine.address, groups);
    if (options->user != NULL && !confine_drop_user(options->user, groups, group_count, error))
        return false;
    /* Capabilities belong to a thread: the workers inherit what is left. */
    if (!confine_capabilities(error) ||
        (loop->worker = worker_start(loop->base, LOADER_NICE, "loads policies", error)) == NULL)
        return false;
    reload_start(loop);
    if (!log_sealing_start(loop->sealing, error))
        return false;
    error->text[0] = '\0';
    if (!confine_lock(options->system_call_filter, error))
        return false;
    if (error->text[0] != '\0')
        fprintf(stderr, "dockreeve: %s\n", error->text);
    return true;
}

static bool keeps_state(const struct serve_options *options)
{
    return strcmp(options->state_path, STATE_FOLDER_NONE) != 0;
}

/* A gate that cannot keep state does its work all the same. `made` and `error` are what
 * state_folder_make() said, which is asked while there are privileges to make it with. */
static void open_state(const struct serve_options *options, struct gates *gates, bool made,
                       struct error *error)
{
    const char *folder = options->state_path;
    if (!keeps_state(options))
        return;
    if (made && state_folder_check(folder, error) &&
        (gates->control = control_open(gates->loop, folder, error)) != NULL) {
        gates->loop->counter = rule_counter_open(folder, gates->loop->policy);
        return;
    }
    if (!environment_is_quiet(environ))
        fprintf(stderr,
                "dockreeve: state folder %s: %s; so there is no `policy status`, no "
                "`policy reload` and no count of what rules decide (another folder: --state DIR; "
                "content without: --state " STATE_FOLDER_NONE ")\n",
                folder, error->text);
}

/* Makes the folder of a log that was not named; that it could not be made is said when the log is
 * opened. A user without a home has no folder to make. */
static void make_log_folder(struct serve_options *options)
{
    const char *folder = options->log_folder;
    struct error ignored;
    if (folder == NULL)
        return;
    bool usable = state_folder_make(folder, options->user, &ignored) && access(folder, W_OK) == 0;
    if (usable || policy_path_state_is_own())
        return;
    fprintf(stderr,
            "dockreeve: this user has no home of its own, and %s is closed to it: the log goes to "
            "standard output (elsewhere: --log FILE)\n",
            folder);
    options->gates.loop.log.path = "-";
}

static int run(struct serve_options *options)
{
    struct error error = {0}, state_error = {0};
    CLEANUP(policy_files_free) struct policy_files *files = policy_files_new();
    options->gates.loop.inputs.files = files;
    struct policy *policy = load_with_listeners(options);
    if (policy == NULL)
        return COMMAND_USAGE;
    gid_t group;
    make_log_folder(options);
    struct log_rotation_user *owner = &options->gates.loop.log.user;
    owner->is_set = options->user != NULL &&
                    confine_find_user(options->user, &owner->uid, &group, &state_error);
    struct gates *gates = gates_new(&options->gates, policy, &error);
    if (gates == NULL)
        return complain(&error, COMMAND_FAILED);
    struct loop *loop = gates->loop;
    int code = COMMAND_FAILED;
    note_engine(loop);
    note_fewer_connections(&options->gates.loop);
    note_read_only_socket(loop); /* these ask for what the confined process may not */
    note_forwarding(loop);
    note_container(loop);
    bool has_folder =
        keeps_state(options) && state_folder_make(options->state_path, options->user, &state_error);
    if (confine(options, loop, &error)) {
        open_state(options, gates, has_folder, &state_error);
        code = gates_run(gates);
    } else {
        code = complain(&error, COMMAND_FAILED);
    }
    gates_free(&gates);
    return code;
}

int command_serve(const struct command_call *call)
{
    struct serve_options options;
    struct error error = {0};
    bool help = false;
    if (!serve_options_read(&options, call->argc, call->argv, &help, &error)) {
        serve_options_clear(&options);
        return complain(&error, COMMAND_USAGE);
    }
    if (help) {
        help_print_command(call->table, stdout);
        return COMMAND_DONE;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    raise_descriptor_limit();
    int code = run(&options);
    serve_options_clear(&options);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy validate`, and the loading that all commands on policies share. */
#include <stdio.h>
#include <string.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/near_word.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"
#include "policy/environment/environment.h"
#include "base/cli/output_file.h"
#include "policy/snapshot/policy_list.h"
#include "policy/document/policy_paths.h"

extern char **environ;

enum { CONFIG, JSON, QUIET, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [JSON] = OPTION_FLAG_ROW("json", "errors and notices as one JSON object"),
    [QUIET] = OPTION_FLAG_ROW("quiet", "print errors only", .letter = 'q'),
};

static int run(const struct command_call *call);

const struct option_table policy_validate_option_table = {
    .command = "policy validate",
    .arguments = "[FILE]",
    .summary = "Check the policy files and say everything that is wrong with them.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy validate ./policy.yaml\n",
    .run = run,
};

/* `path` keeps the text that the inputs point to. */
static struct policy_inputs inputs_for(const struct option_value *config, char **path)
{
    *path = option_text_or(config, policy_path_config);
    return (struct policy_inputs){
        .config_path = *path,
        .config_required = config->given,
        .environment = environ, /* what the gate would read, so that a check agrees with it */
        .check_owner = true,
    };
}

struct policy *command_policy_load(const char *command, const struct option_value *config,
                                   struct policy_messages *notices)
{
    AUTO_FREE char *path = NULL;
    const struct policy_inputs inputs = inputs_for(config, &path);
    CLEANUP(policy_messages_free) struct policy_messages errors = {NULL, 0, 0};
    CLEANUP(policy_messages_free) struct policy_messages unseen = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, notices == NULL ? &unseen : notices);
    if (policy == NULL) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        policy_messages_write_as(&errors, POLICY_ERROR, &out);
        (void)command_fail(command, COMMAND_USAGE, "the policy is not valid");
        fputs(buffer_text(&out), stderr);
    }
    return policy;
}

struct near_word_hint command_policy_near_client(const struct policy *policy, const char *name)
{
    struct near_word near;
    near_word_init(&near, slice_from_text(name));
    for (size_t i = 0; i < policy_client_count(policy); i++)
        near_word_offer(&near, policy_client_at(policy, i)->name);
    return near_word_hint(&near);
}

const struct policy_client *command_policy_client(const struct policy *policy, const char *name,
                                                  struct error *error)
{
    const struct policy_client *client = policy_client_find(policy, slice_from_text(name));
    if (client != NULL)
        return client;
    error_set(error, COMMAND_USAGE, "the policy has no client %s%s", quote_text(name).text,
              command_policy_near_client(policy, name).text);
    return NULL;
}

void command_policy_write_json(const struct policy_messages *messages, struct buffer *out)
{
    json_write_array_begin(out);
    for (size_t i = 0; i < messages->count; i++) {
        const struct policy_message *message = &messages->items[i];
        json_write_object_begin(out);
        if (message->file != NULL)
            json_write_key_text(out, "file", message->file);
        if (message->error.line > 0)
            json_write_key_u64(out, "line", message->error.line);
        if (message->error.column > 0)
            json_write_key_u64(out, "column", message->error.column);
        json_write_key_text(out, "text", message->error.text);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

bool command_policy_print(struct buffer *out)
{
    if (out->failed)
        fputs("dockreeve: out of memory\n", stderr);
    return !out->failed && (out->len == 0 || (fwrite(out->data, 1, out->len, stdout) == out->len &&
                                              fflush(stdout) == 0));
}

bool command_policy_write_file(const char *command, const char *path, const struct buffer *document)
{
    struct error error = {0};
    if (!document->failed && output_file_write(path, buffer_slice(document), 0644, &error))
        return true;
    (void)command_fail(command, COMMAND_FAILED, "%s",
                       document->failed ? "out of memory" : error.text);
    return false;
}

static void write_count(size_t count, const char *what, struct buffer *out)
{
    buffer_printf(out, ", %zu %s%s", count, what, count == 1 ? "" : "s");
}

/* The last line: whether it is good. */
static void write_verdict(const struct policy *policy, const char *path,
                          const struct policy_messages *errors,
                          const struct policy_messages *notices, struct buffer *out)
{
    buffer_printf(out, "%s: %s", path, policy == NULL ? "not valid" : "valid");
    if (policy == NULL) {
        write_count(errors->count, "error", out);
    } else {
        write_count(policy_rule_count(policy) + policy_network_rule_count(policy), "rule", out);
        write_count(policy_client_count(policy), "client", out);
        buffer_printf(out, ", policy %s", policy_hash(policy));
    }
    if (notices->count > 0)
        write_count(notices->count, "note", out);
    buffer_append_byte(out, '\n');
}

static void write_json(const struct policy *policy, const char *path,
                       const struct policy_messages *errors, const struct policy_messages *notices,
                       struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_bool(out, "valid", policy != NULL);
    json_write_key_text(out, "file", path);
    if (policy != NULL)
        json_write_key_text(out, "policy", policy_hash(policy));
    json_write_key(out, "errors");
    command_policy_write_json(errors, out);
    json_write_key(out, "notices");
    command_policy_write_json(notices, out);
    json_write_line_end(out);
}

/* What is wrong goes to standard error, together with the verdict then. */
static bool say(const struct policy *policy, const char *path, const struct policy_messages *errors,
                const struct policy_messages *notices, bool quiet)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, wrong = BUFFER_EMPTY;
    policy_messages_write_as(errors, POLICY_ERROR, &wrong);
    if (!quiet) {
        policy_messages_write_as(notices, POLICY_NOTE, &out);
        write_verdict(policy, path, errors, notices, policy == NULL ? &wrong : &out);
    }
    bool good = command_policy_print(&out);
    fputs(buffer_text(&wrong), stderr);
    return good;
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    struct option_value config = values[CONFIG];
    if (call->argc > 1 ||
        (call->argc == 1 && config.flag && strcmp(config.text, call->argv[0]) != 0))
        return command_fail(call->table->command, COMMAND_USAGE,
                            "name one file: what stands in policy.d beside it is read too");
    if (call->argc == 1) { /* instead of --config */
        config.text = call->argv[0];
        config.given = true;
    }
    AUTO_FREE char *path = NULL;
    struct policy_inputs inputs = inputs_for(&config, &path);
    if (!environment_is_compat(environ))
        inputs.config_required = true; /* there is nothing to validate without it */
    CLEANUP(policy_messages_free) struct policy_messages errors = {NULL, 0, 0};
    CLEANUP(policy_messages_free) struct policy_messages notices = {NULL, 0, 0};
    CLEANUP(policy_unref) struct policy *policy = policy_load(&inputs, &errors, &notices);
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    if (values[JSON].flag)
        write_json(policy, path, &errors, &notices, &json);
    if (!(values[JSON].flag ? command_policy_print(&json)
                            : say(policy, path, &errors, &notices, values[QUIET].flag)))
        return COMMAND_FAILED;
    return policy == NULL ? COMMAND_USAGE : COMMAND_DONE;
}

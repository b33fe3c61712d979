/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The gate is asked what it runs with before it is asked for anything else: the one
 * that listens in the usual folder may be another one's. */
#include "policy/command/command_policy_apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "policy/document/policy_paths.h"

enum { TIMEOUT_MS = 10000 };

/* Two names of one file are one file, as seen from here. */
static bool is_same_file(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    AUTO_FREE char *real_a = realpath(a, NULL);
    AUTO_FREE char *real_b = realpath(b, NULL);
    return real_a != NULL && real_b != NULL && strcmp(real_a, real_b) == 0;
}

static bool runs_with(const struct json_tree_node *status, const struct policy *policy)
{
    struct slice config = json_tree_text(status, "policy.config");
    if (config.len == 0 || policy_config_path(policy) == NULL)
        return false;
    AUTO_FREE char *theirs = slice_to_text(config);
    return is_same_file(theirs, policy_config_path(policy));
}

void command_policy_read_open(const struct json_tree_node *answer, struct policy_applied *applied)
{
    applied->streams = json_tree_u64(answer, "no_longer_allowed.streams");
    applied->tunnels = json_tree_u64(answer, "no_longer_allowed.tunnels");
    applied->cut = json_tree_is(answer, "cut", JSON_TREE_TRUE);
}

void command_policy_apply(const struct policy_gate *gate, const struct option_value *state,
                          const struct policy *policy, bool cut, struct policy_applied *applied)
{
    AUTO_JSON_TREE struct json_tree status = {.root = NULL}, answer = {.root = NULL};
    AUTO_FREE char *folder = option_text_or(state, policy_path_state);
    *applied = (struct policy_applied){0};
    if (!gate->ask(folder, "status", TIMEOUT_MS, &status, &applied->error))
        return;
    if (!runs_with(status.root, policy)) {
        error_set(&applied->error, COMMAND_FAILED, "the gate of %s runs with another policy file",
                  folder);
        return;
    }
    if (!gate->ask(folder, cut ? "reload cut" : "reload", TIMEOUT_MS, &answer, &applied->error))
        return;
    applied->asked = json_tree_is(answer.root, "ok", JSON_TREE_TRUE);
    if (applied->asked)
        command_policy_read_open(answer.root, applied);
    else
        error_set(&applied->error, COMMAND_FAILED,
                  "the gate of %s refuses the policy: see `dockreeve policy status`", folder);
}

static void write_number(uint64_t number, const char *what, struct buffer *out)
{
    buffer_printf(out, "%llu %s%s", (unsigned long long)number, what, number == 1 ? "" : "s");
}

void command_policy_write_open(const struct policy_applied *applied, struct buffer *out)
{
    if (applied->streams + applied->tunnels == 0)
        return;
    if (applied->cut)
        buffer_append_literal(out, "ended: ");
    if (applied->streams > 0)
        write_number(applied->streams, "open stream", out);
    if (applied->streams > 0 && applied->tunnels > 0)
        buffer_append_literal(out, " and ");
    if (applied->tunnels > 0)
        write_number(applied->tunnels, "open tunnel", out);
    buffer_append_text(out, applied->cut
                                ? " that the policy does not allow any more\n"
                                : " would not be allowed any more; what is open goes on until it "
                                  "ends by itself, or `dockreeve policy reload --cut` ends it\n");
}

void command_policy_write_open_json(const struct policy_applied *applied, struct buffer *out)
{
    json_write_key(out, "open");
    if (!applied->asked) {
        buffer_append_literal(out, "null");
        return;
    }
    json_write_object_begin(out);
    json_write_key_u64(out, "streams", applied->streams);
    json_write_key_u64(out, "tunnels", applied->tunnels);
    json_write_key_bool(out, "cut", applied->cut);
    json_write_object_end(out);
}

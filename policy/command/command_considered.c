/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A policy may have a million hosts; those that a question is not about are
 * counted. */
#include "policy/command/command_considered.h"

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/snapshot/policy_network.h"

void considered_add(void *context, const struct policy_considered *rule)
{
    struct considered *considered = context;
    struct buffer *out = &considered->output;
    if (rule->why == policy_network_other_hosts && considered->others++ >= considered->others_max)
        return;
    if (considered->json) {
        json_write_object_begin(out);
        json_write_key_text(out, "rule", rule->rule);
        json_write_key_text(out, "source", rule->source);
        json_write_key_text(out, "decision", rule->allows ? "allow" : "deny");
        json_write_key_bool(out, "matched", rule->matched);
        json_write_key_text(out, "why", rule->why);
        json_write_object_end(out);
        return;
    }
    buffer_printf(out, "  %s  ", rule->matched ? "*" : " ");
    terminal_text_append(out, slice_from_text(rule->source));
    buffer_append_literal(out, "  ");
    terminal_text_append(out, slice_from_text(rule->rule));
    buffer_append_literal(out, ": ");
    terminal_text_append(out, slice_from_text(rule->why));
    buffer_append_byte(out, '\n');
}

void considered_write(const struct considered *considered, struct buffer *out)
{
    size_t hidden = considered->others > considered->others_max
                        ? considered->others - considered->others_max
                        : 0;
    if (considered->json) {
        json_write_key_array(out, "considered");
        buffer_append_slice(out, buffer_slice(&considered->output));
        json_write_array_end(out);
        if (hidden > 0)
            json_write_key_u64(out, "more_for_other_hosts", hidden);
        return;
    }
    if (considered->output.len == 0)
        return;
    buffer_append_literal(out, "rules considered (* matches):\n");
    buffer_append_slice(out, buffer_slice(&considered->output));
    if (hidden > 0)
        buffer_printf(out, "     and %zu more that are for other hosts\n", hidden);
}

void considered_clear(struct considered *considered)
{
    buffer_free(&considered->output);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suggest/suggest_diff.h"

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/suggest/suggest_write.h"

/* Where the lines go. */
struct diff {
    bool json, colour, some;
    struct buffer *out;
};

static void begin_line(struct diff *diff, bool adds)
{
    if (diff->json)
        json_write_object_begin(diff->out);
    else if (diff->colour)
        buffer_append_text(diff->out, adds ? "\033[32m+ " : "\033[31m- ");
    else
        buffer_append_text(diff->out, adds ? "+ " : "- ");
    diff->some = true;
}

static void end_line(struct diff *diff)
{
    if (diff->json)
        json_write_object_end(diff->out);
    else
        buffer_append_text(diff->out, diff->colour ? "\033[0m\n" : "\n");
}

/* ---- what would be added ---- */

static void write_added(struct diff *diff, const struct suggest_rule *rule,
                        const struct suggest_item *item)
{
    struct buffer *out = diff->out;
    begin_line(diff, true);
    if (diff->json) {
        suggest_write_rule_keys_json(rule, out);
        json_write_key(out, "allow");
        suggest_write_item_json(item, out);
    } else {
        buffer_printf(out, "%s %s allow %s", rule->client, rule->network ? "network" : "docker",
                      item->text);
        suggest_keys_write(&rule->keys, " ", out);
        buffer_append_literal(out, "  # ");
        suggest_write_span(&item->span, out);
        if (item->warning != NULL)
            buffer_printf(out, "; WARNING: %s", item->warning);
    }
    end_line(diff);
}

static void write_all_added(struct diff *diff, const struct suggestion *suggestion)
{
    for (size_t i = 0; i < suggestion->rule_count; i++) {
        const struct suggest_rule *rule = &suggestion->rules[i];
        for (size_t n = 0; n < rule->item_count; n++) {
            if (!rule->items[n].permitted)
                write_added(diff, rule, &rule->items[n]);
        }
    }
}

/* ---- what was never used ---- */

static void write_unused(struct diff *diff, const struct policy_listed_rule *rule,
                         struct slice source)
{
    AUTO_BUFFER struct buffer resource = BUFFER_EMPTY;
    struct buffer *out = diff->out;
    policy_listed_write_resource(rule, &resource);
    begin_line(diff, false);
    if (diff->json) {
        json_write_key_text(out, "id", rule->id);
        json_write_key_text(out, "client", rule->scope);
        json_write_key_text(out, "kind", rule->kind);
        json_write_key_string(out, "resource", buffer_slice(&resource));
        if (rule->where[0] != '\0')
            json_write_key_text(out, "where", rule->where);
        json_write_key_string(out, "source", source);
    } else {
        buffer_printf(out, "%s %s allow ", rule->scope, rule->kind);
        terminal_text_append(out, buffer_slice(&resource));
        buffer_append_text(out, rule->where[0] != '\0' ? " where " : "");
        terminal_text_append(out, slice_from_text(rule->where));
        buffer_append_literal(out, "  # never used, ");
        terminal_text_append(out, source);
    }
    end_line(diff);
}

static void write_all_unused(struct diff *diff, const struct suggest_evidence *evidence,
                             const struct policy *policy)
{
    const uint32_t end = policy_number_end(policy);
    for (uint32_t number = POLICY_NUMBER_RULES; number < end; number++) {
        struct policy_listed_rule rule;
        AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        policy_rule_at(policy, number, &rule);
        suggest_write_rule_key(&rule, &key);
        policy_listed_write_source(&rule, &source);
        if (rule.allows && text_map_find(&evidence->used, buffer_slice(&key)) == NULL &&
            !slice_starts_with(buffer_slice(&source), SLICE_LITERAL("preset/negotiate")))
            write_unused(diff, &rule, buffer_slice(&source));
    }
}

bool suggest_write_diff(const struct suggestion *suggestion,
                        const struct suggest_evidence *evidence, const struct policy *policy,
                        bool json, bool colour, struct buffer *out)
{
    struct diff diff = {.json = json, .colour = colour, .out = out};
    if (json)
        json_write_key_array(out, "add");
    write_all_added(&diff, suggestion);
    bool adds = diff.some;
    if (json) {
        json_write_array_end(out);
        json_write_key_array(out, "unused");
        diff.some = false;
    }
    write_all_unused(&diff, evidence, policy);
    if (json)
        json_write_array_end(out);
    return adds;
}

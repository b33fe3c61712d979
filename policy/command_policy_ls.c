/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy ls`: every rule with where it comes from and whom it is for. */
#include <stdio.h>
#include <unistd.h>

#include "base/command.h"
#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/command_policy.h"
#include "policy/commands.h"
#include "policy/policy_list.h"

enum { CONFIG, JSON, QUIET, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [JSON] = {"json", 0, OPTION_FLAG, NULL, NULL, 0, 0, NULL, "one JSON array"},
    [QUIET] = {"quiet", 'q', OPTION_FLAG, NULL, NULL, 0, 0, NULL, "print the rules' ids only"},
};

const struct option_table policy_ls_option_table = {
    "policy ls", "",           "Show the rules of the policy, those that always hold included.",
    options,     OPTION_COUNT, "  dockreeve policy ls\n  dockreeve policy ls --json\n"};

enum { COLUMNS = 6 };

static void fill_cells(const struct policy_listed_rule *rule, struct buffer cells[COLUMNS])
{
    const char *texts[COLUMNS] = {rule->source,   rule->scope,
                                  rule->kind,     rule->allows ? "allow" : "deny",
                                  rule->selector, rule->id};
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_clear(&cells[i]);
        terminal_text_append(&cells[i], slice_from_text(texts[i]));
    }
    if (rule->where[0] != '\0') {
        buffer_append_literal(&cells[4], " where ");
        terminal_text_append(&cells[4], slice_from_text(rule->where));
    }
}

static void write_row(struct buffer cells[COLUMNS], const size_t widths[COLUMNS], bool aligned,
                      struct buffer *out)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_append_slice(out, buffer_slice(&cells[i]));
        if (i + 1 == COLUMNS)
            break;
        if (!aligned) {
            buffer_append_byte(out, '\t');
            continue;
        }
        size_t width = terminal_text_columns(buffer_slice(&cells[i]));
        for (; width < widths[i] + 2; width++)
            buffer_append_byte(out, ' ');
    }
    buffer_append_byte(out, '\n');
}

static void write_table(const struct policy *policy, bool aligned, struct buffer *out)
{
    static const char *const titles[COLUMNS] = {"SOURCE",   "SCOPE",    "KIND",
                                                "DECISION", "RESOURCE", "ID"};
    struct buffer cells[COLUMNS] = {BUFFER_EMPTY};
    size_t widths[COLUMNS];
    struct policy_listed_rule rule;
    for (size_t i = 0; i < COLUMNS; i++)
        widths[i] = strlen(titles[i]);
    for (size_t n = 0; aligned && n < policy_rule_count(policy); n++) {
        policy_rule_at(policy, n, &rule);
        fill_cells(&rule, cells);
        for (size_t i = 0; i < COLUMNS; i++) {
            size_t width = terminal_text_columns(buffer_slice(&cells[i]));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_clear(&cells[i]);
        buffer_append_text(&cells[i], titles[i]);
    }
    if (aligned)
        write_row(cells, widths, aligned, out);
    for (size_t n = 0; n < policy_rule_count(policy); n++) {
        policy_rule_at(policy, n, &rule);
        fill_cells(&rule, cells);
        write_row(cells, widths, aligned, out);
    }
    for (size_t i = 0; i < COLUMNS; i++)
        buffer_free(&cells[i]);
}

static void write_json(const struct policy *policy, struct buffer *out)
{
    buffer_append_byte(out, '[');
    for (size_t n = 0; n < policy_rule_count(policy); n++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, n, &rule);
        buffer_append_text(out, n > 0 ? ",{" : "{");
        json_write_key_text(out, "id", rule.id);
        json_write_key_text(out, "source", rule.source);
        json_write_key_text(out, "scope", rule.scope);
        json_write_key_text(out, "kind", rule.kind);
        json_write_key_text(out, "decision", rule.allows ? "allow" : "deny");
        json_write_key_text(out, "resource", rule.selector);
        if (rule.where[0] != '\0')
            json_write_key_text(out, "where", rule.where);
        if (rule.name != NULL)
            json_write_key_text(out, "name", rule.name);
        buffer_append_byte(out, '}');
    }
    buffer_append_literal(out, "]\n");
}

int command_policy_ls(int argc, char **argv)
{
    struct option_value values[OPTION_COUNT];
    int code = command_begin(&policy_ls_option_table, values, &argc, argv);
    if (code >= 0)
        return code;
    CLEANUP(policy_unref)
    struct policy *policy = command_policy_load("policy ls", &values[CONFIG], NULL);
    if (policy == NULL)
        return COMMAND_USAGE;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (values[JSON].flag) {
        write_json(policy, &out);
    } else if (values[QUIET].flag) {
        for (size_t n = 0; n < policy_rule_count(policy); n++) {
            struct policy_listed_rule rule;
            policy_rule_at(policy, n, &rule);
            buffer_printf(&out, "%s\n", rule.id);
        }
    } else {
        write_table(policy, isatty(STDOUT_FILENO), &out);
    }
    return command_policy_print(&out) ? COMMAND_DONE : COMMAND_FAILED;
}

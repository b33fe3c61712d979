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

enum { COLUMNS = 6, CHUNK = 1024 * 1024 };

/* Rules of both kinds, one after the other. */
struct walk {
    const struct policy *policy;
    size_t docker;
    struct policy_network_cursor network;
};

/* One row's texts; what was made for it belongs to the buffers. */
struct row {
    const char *scope, *kind, *name, *where, *id;
    bool allows;
    struct slice source, resource;
    struct buffer source_text, resource_text; /* owned */
    struct policy_listed_network listed;
};

static void row_clear(struct row *row)
{
    buffer_free(&row->source_text);
    buffer_free(&row->resource_text);
}

static bool next_row(struct walk *walk, struct row *row)
{
    struct policy_listed_rule rule;
    struct policy_listed_network *network = &row->listed;
    if (walk->docker < policy_rule_count(walk->policy)) {
        policy_rule_at(walk->policy, walk->docker++, &rule);
        row->scope = rule.scope;
        row->kind = rule.kind;
        row->name = rule.name;
        row->where = rule.where;
        row->id = rule.id;
        row->allows = rule.allows;
        row->source = slice_from_text(rule.source);
        row->resource = slice_from_text(rule.selector);
        return true;
    }
    if (!policy_network_next(walk->policy, &walk->network, network))
        return false;
    buffer_clear(&row->source_text);
    buffer_clear(&row->resource_text);
    buffer_append_text(&row->source_text, network->label);
    buffer_append_byte(&row->source_text, ':');
    buffer_append_u64(&row->source_text, network->line);
    policy_listed_network_write(network, &row->resource_text);
    row->scope = network->scope;
    row->kind = "network";
    row->name = network->name;
    row->where = network->where;
    row->id = network->id;
    row->allows = network->allows;
    row->source = buffer_slice(&row->source_text);
    row->resource = buffer_slice(&row->resource_text);
    return true;
}

static void fill_cells(const struct row *row, struct buffer cells[COLUMNS])
{
    const struct slice texts[COLUMNS] = {row->source,
                                         slice_from_text(row->scope),
                                         slice_from_text(row->kind),
                                         slice_from_text(row->allows ? "allow" : "deny"),
                                         row->resource,
                                         slice_from_text(row->id)};
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_clear(&cells[i]);
        terminal_text_append(&cells[i], texts[i]);
    }
    if (row->where[0] != '\0') {
        buffer_append_literal(&cells[4], " where ");
        terminal_text_append(&cells[4], slice_from_text(row->where));
    }
}

/* Writes what there is once it is much, so that a million rules need no gigabyte. */
static bool pass_on(struct buffer *out, size_t above)
{
    if (out->len <= above)
        return true;
    bool good = command_policy_print(out);
    buffer_clear(out);
    return good;
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

static void measure(const struct policy *policy, struct row *row, struct buffer cells[COLUMNS],
                    size_t widths[COLUMNS])
{
    struct walk walk = {.policy = policy};
    while (next_row(&walk, row)) {
        fill_cells(row, cells);
        for (size_t i = 0; i < COLUMNS; i++) {
            size_t width = terminal_text_columns(buffer_slice(&cells[i]));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
}

static bool write_table(const struct policy *policy, struct row *row, bool aligned,
                        struct buffer *out)
{
    static const char *const titles[COLUMNS] = {"SOURCE",   "SCOPE",    "KIND",
                                                "DECISION", "RESOURCE", "ID"};
    struct buffer cells[COLUMNS] = {BUFFER_EMPTY};
    size_t widths[COLUMNS];
    bool good = true;
    for (size_t i = 0; i < COLUMNS; i++)
        widths[i] = strlen(titles[i]);
    if (aligned)
        measure(policy, row, cells, widths);
    for (size_t i = 0; i < COLUMNS; i++) {
        buffer_clear(&cells[i]);
        buffer_append_text(&cells[i], titles[i]);
    }
    if (aligned)
        write_row(cells, widths, aligned, out);
    struct walk walk = {.policy = policy};
    while (good && next_row(&walk, row)) {
        fill_cells(row, cells);
        write_row(cells, widths, aligned, out);
        good = pass_on(out, CHUNK);
    }
    for (size_t i = 0; i < COLUMNS; i++)
        buffer_free(&cells[i]);
    return good;
}

static bool write_json(const struct policy *policy, struct row *row, struct buffer *out)
{
    struct walk walk = {.policy = policy};
    bool first = true, good = true;
    buffer_append_byte(out, '[');
    while (good && next_row(&walk, row)) {
        buffer_append_text(out, first ? "{" : ",{");
        first = false;
        json_write_key_text(out, "id", row->id);
        json_write_key_string(out, "source", row->source);
        json_write_key_text(out, "scope", row->scope);
        json_write_key_text(out, "kind", row->kind);
        json_write_key_text(out, "decision", row->allows ? "allow" : "deny");
        json_write_key_string(out, "resource", row->resource);
        if (row->where[0] != '\0')
            json_write_key_text(out, "where", row->where);
        if (row->name != NULL)
            json_write_key_text(out, "name", row->name);
        buffer_append_byte(out, '}');
        good = pass_on(out, CHUNK);
    }
    buffer_append_literal(out, "]\n");
    return good;
}

static bool write_ids(const struct policy *policy, struct row *row, struct buffer *out)
{
    struct walk walk = {.policy = policy};
    bool good = true;
    while (good && next_row(&walk, row)) {
        buffer_append_text(out, row->id);
        buffer_append_byte(out, '\n');
        good = pass_on(out, CHUNK);
    }
    return good;
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
    CLEANUP(row_clear) struct row row = {0};
    bool good;
    if (values[JSON].flag)
        good = write_json(policy, &row, &out);
    else if (values[QUIET].flag)
        good = write_ids(policy, &row, &out);
    else
        good = write_table(policy, &row, isatty(STDOUT_FILENO), &out);
    return good && command_policy_print(&out) ? COMMAND_DONE : COMMAND_FAILED;
}

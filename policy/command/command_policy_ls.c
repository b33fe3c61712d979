/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy ls`: everything that decides, a row each. The rows are walked, twice where columns are
 * aligned, and never kept: a million rules need the memory of the policy and a row. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/near_word.h"
#include "base/json_write.h"
#include "base/table.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command/command_policy.h"
#include "policy/command/command_rule.h"
#include "policy/command/commands.h"

enum {
    CONFIG,
    ALL,
    CLIENT,
    DECISION,
    JSON,
    QUIET,
    SANDBOX,
    SHADOWED,
    SOURCE,
    STATE,
    TYPE,
    UNUSED,
    WIDE,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [ALL] = OPTION_FLAG_ROW("all", "what is built in, too", .letter = 'a'),
    [CLIENT] = OPTION_TEXT_ROW(OPTION_TEXT, "client", "NAME",
                               "what decides for this client: its own rules and those it inherits"),
    [DECISION] = OPTION_TEXT_ROW(OPTION_CHOICE, "decision", "allow|deny",
                                 "only what allows, or only what denies"),
    [JSON] = OPTION_FLAG_ROW("json", "one JSON array"),
    [QUIET] = OPTION_FLAG_ROW("quiet", "print the rules' ids only", .letter = 'q'),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_TEXT, "sandbox", "NAME", "the same as --client"),
    [SHADOWED] =
        OPTION_FLAG_ROW("shadowed", "only rules that can never decide, with the rule to blame"),
    [SOURCE] =
        OPTION_TEXT_ROW(OPTION_TEXT, "source", "TEXT",
                        "only rules whose source has this text in it: preset/npm, 90-cli.yaml"),
    [STATE] = COMMAND_RULE_STATE,
    [TYPE] = OPTION_TEXT_ROW(OPTION_CHOICE, "type", "docker|network", "only rules of this kind",
                             .letter = 't'),
    [UNUSED] = OPTION_FLAG_ROW("unused", "only rules that never decided a request"),
    [WIDE] = OPTION_FLAG_ROW("wide", "more columns: name, conditions, expiry and comment",
                             .letter = 'w'),
};

static int run(const struct command_call *call);

const struct option_table policy_ls_option_table = {
    .command = "policy ls",
    .arguments = "[CLIENT]",
    .summary = "Show what decides: rules, presets and defaults, with --all what is built in.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy ls\n"
                "  dockreeve policy ls agents --type network --decision allow\n"
                "  dockreeve policy ls --unused --source 90-cli.yaml\n"
                "  dockreeve policy ls --shadowed --wide\n",
    .run = run,
};

enum { CHUNK = 1024 * 1024 };

enum column {
    COLUMN_SOURCE,
    COLUMN_SCOPE,
    COLUMN_KIND,
    COLUMN_DECISION,
    COLUMN_RESOURCE,
    COLUMN_PORTS,
    COLUMN_HITS,
    COLUMN_LAST_HIT,
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_WHERE,
    COLUMN_EXPIRES,
    COLUMN_COMMENT,
    COLUMN_SHADOWED,
    COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    {"SOURCE", 0}, {"SCOPE", 0},   {"KIND", 0},     {"DECISION", 0},   {"RESOURCE", 0},
    {"PORTS", 0},  {"HITS", 0},    {"LAST-HIT", 0}, {"ID", 0},         {"NAME", 0},
    {"WHERE", 0},  {"EXPIRES", 0}, {"COMMENT", 0},  {"SHADOWED-BY", 0}};

/* One listing: what is asked for, and what it takes to answer. */
struct listing {
    const struct policy *policy;          /* borrowed */
    const struct policy_client *client;   /* NULL = of all */
    const char *kind, *decision, *source; /* NULL = any */
    bool all, unused, shadowed, wide, with_covers;
    bool colour;
    struct rule_hits *hits; /* owned; NULL = no counts */
    int64_t now_us;
    struct rule_row row;       /* the present one */
    struct policy_cover cover; /* of the present one */
    struct policy_cover_scope scope;
    struct rule_walk walk;
    struct table table;
    struct buffer out;
};

static void listing_clear(struct listing *listing)
{
    rule_row_clear(&listing->row);
    rule_hits_free(&listing->hits);
    table_clear(&listing->table);
    buffer_free(&listing->out);
}

/* ---- which rows ---- */

static void rewind_walk(struct listing *listing)
{
    listing->walk = (struct rule_walk){.policy = listing->policy};
    listing->scope.policy = listing->policy;
    listing->scope.ready = false;
}

static bool is_wanted(struct listing *listing)
{
    const struct rule_row *row = &listing->row;
    struct rule_hit hit;
    if (row->origin == RULE_ORIGIN_BUILTIN && !listing->all)
        return false;
    if (listing->client != NULL && !rule_row_concerns(row, listing->policy, listing->client))
        return false;
    if (listing->kind != NULL && strcmp(row->rule.kind, listing->kind) != 0)
        return false;
    if (listing->decision != NULL &&
        strcmp(row->rule.allows ? "allow" : "deny", listing->decision) != 0)
        return false;
    if (listing->source != NULL &&
        memmem(row->source.ptr, row->source.len, listing->source, strlen(listing->source)) == NULL)
        return false;
    if (listing->unused &&
        (row->rule.key == RULE_HITS_DEFAULT_DOCKER || row->rule.key == RULE_HITS_DEFAULT_NETWORK ||
         !command_rule_count(row, listing->hits, &hit) || hit.count > 0))
        return false;
    listing->cover.kind = POLICY_COVER_NONE;
    if (listing->with_covers)
        rule_row_cover(row, &listing->scope, listing->now_us, &listing->cover);
    return !listing->shadowed || listing->cover.kind != POLICY_COVER_NONE;
}

static bool next_row(struct listing *listing)
{
    while (rule_walk_next(&listing->walk, &listing->row)) {
        if (is_wanted(listing))
            return true;
    }
    return false;
}

/* ---- table ---- */

static void fill_hits(struct listing *listing)
{
    struct buffer *count = &listing->table.cells[COLUMN_HITS],
                  *last = &listing->table.cells[COLUMN_LAST_HIT];
    struct rule_hit hit;
    if (!command_rule_count(&listing->row, listing->hits, &hit))
        return;
    buffer_append_u64(count, hit.count);
    if (hit.count > 0 && listing->table.aligned)
        command_rule_write_age(hit.last_us, listing->now_us, last);
    else if (hit.count > 0)
        timestamp_write_seconds(hit.last_us, last);
}

static void fill_cover(struct listing *listing)
{
    struct buffer *cell = &listing->table.cells[COLUMN_SHADOWED];
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (listing->cover.kind == POLICY_COVER_EXPIRED)
        buffer_append_literal(cell, "expired");
    if (listing->cover.kind == POLICY_COVER_EXPIRED || listing->cover.kind == POLICY_COVER_NONE)
        return;
    policy_cover_write_rule(&listing->cover, &text);
    buffer_append_literal(&text, " (");
    policy_cover_write_source(&listing->cover, &text);
    buffer_append_byte(&text, ')');
    terminal_text_append(cell, buffer_slice(&text));
}

static void fill_cells(struct listing *listing)
{
    const struct rule_row *row = &listing->row;
    struct buffer *cells = listing->table.cells;
    terminal_text_append(&cells[COLUMN_SOURCE], row->source);
    terminal_text_append(&cells[COLUMN_SCOPE], slice_from_text(row->rule.scope));
    buffer_append_text(&cells[COLUMN_KIND], row->rule.kind);
    buffer_append_text(&cells[COLUMN_DECISION], row->rule.allows ? "allow" : "deny");
    terminal_text_append(&cells[COLUMN_RESOURCE], row->resource);
    terminal_text_append(&cells[COLUMN_PORTS], row->ports);
    fill_hits(listing);
    buffer_append_text(&cells[COLUMN_ID], row->rule.id);
    if (listing->wide) {
        terminal_text_append(&cells[COLUMN_NAME], slice_from_text(row->rule.name));
        terminal_text_append(&cells[COLUMN_WHERE], row->where);
        if (row->rule.expires_us != 0)
            timestamp_write_seconds(row->rule.expires_us, &cells[COLUMN_EXPIRES]);
        terminal_text_append(&cells[COLUMN_COMMENT], slice_from_text(row->rule.comment));
    } else if (rule_row_has_conditions(row)) {
        /* A rule must not look wider than it is. */
        buffer_append_literal(&cells[COLUMN_RESOURCE], " where ");
        terminal_text_append(&cells[COLUMN_RESOURCE], row->where);
    }
    fill_cover(listing);
}

/* Writes what there is once it is much. */
static bool pass_on(struct buffer *out)
{
    if (out->len <= CHUNK)
        return true;
    bool good = command_policy_print(out);
    buffer_clear(out);
    return good;
}

static bool write_table(struct listing *listing)
{
    struct table *table = &listing->table;
    bool good = true;
    for (enum column i = COLUMN_NAME; i < COLUMN_COUNT; i++)
        table->hidden[i] = i == COLUMN_SHADOWED ? !listing->shadowed : !listing->wide;
    rewind_walk(listing);
    while (table->aligned && next_row(listing)) {
        fill_cells(listing);
        table_measure(table);
    }
    table_write_titles(table, &listing->out);
    rewind_walk(listing);
    while (good && next_row(listing)) {
        fill_cells(listing);
        if (listing->colour && !listing->row.rule.allows)
            table->colours[COLUMN_DECISION] = TERMINAL_RED;
        table_write_row(table, &listing->out);
        good = pass_on(&listing->out);
    }
    return good;
}

static bool write_json(struct listing *listing)
{
    bool first = true, good = true;
    json_write_array_begin(&listing->out);
    rewind_walk(listing);
    while (good && next_row(listing)) {
        if (!first)
            json_write_next_line(&listing->out);
        first = false;
        json_write_object_begin(&listing->out);
        command_rule_write_json(&listing->row, listing->hits, &listing->cover, &listing->out);
        json_write_object_end(&listing->out);
        good = pass_on(&listing->out);
    }
    json_write_array_end(&listing->out);
    buffer_append_byte(&listing->out, '\n');
    return good;
}

static bool write_ids(struct listing *listing)
{
    bool good = true;
    rewind_walk(listing);
    while (good && next_row(listing)) {
        buffer_printf(&listing->out, "%s\n", listing->row.rule.id);
        good = pass_on(&listing->out);
    }
    return good;
}

/* ---- arguments ---- */

/* The client that is named in one of three ways. NULL with COMMAND_DONE when none is. */
static int find_client(const struct policy *policy, const struct command_call *call,
                       const struct policy_client **client_out)
{
    const char *names[] = {call->values[CLIENT].text, call->values[SANDBOX].text,
                           call->argc > 0 ? call->argv[0] : NULL};
    const char *name = NULL;
    bool several = call->argc > 1;
    *client_out = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        several |= name != NULL && names[i] != NULL && strcmp(name, names[i]) != 0;
        name = names[i] != NULL ? names[i] : name;
    }
    if (several)
        return command_fail("policy ls", COMMAND_USAGE, "one client at a time");
    if (name == NULL)
        return COMMAND_DONE;
    *client_out = policy_client_find(policy, slice_from_text(name));
    if (*client_out != NULL)
        return COMMAND_DONE;
    return command_fail("policy ls", COMMAND_NOT_FOUND, "there is no client %s%s",
                        quote_text(name).text, command_policy_near_client(policy, name).text);
}

static bool covers_are_cheap(const struct policy *policy)
{
    for (size_t scope = 0; scope <= policy_client_count(policy); scope++) {
        if (!policy_cover_is_cheap(policy, scope))
            return false;
    }
    return true;
}

/* Says what keeps the question from being answered. */
static int check_answerable(const struct listing *listing)
{
    if (listing->unused && listing->hits == NULL)
        return command_fail(
            "policy ls", COMMAND_NOT_FOUND,
            "nobody has counted: a gate that runs keeps counts in the folder of its "
            "state (--state)");
    if (listing->shadowed && !covers_are_cheap(listing->policy))
        return command_fail("policy ls", COMMAND_FAILED,
                            "too many expressions beside too many hosts to compare them all");
    return COMMAND_DONE;
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    CLEANUP(policy_unref)
    struct policy *policy = command_policy_load("policy ls", &values[CONFIG], NULL);
    if (policy == NULL)
        return COMMAND_USAGE;
    CLEANUP(listing_clear)
    struct listing listing = {
        .policy = policy,
        .kind = values[TYPE].text,
        .source = values[SOURCE].text,
        .decision = values[DECISION].text,
        .all = values[ALL].flag || values[SOURCE].given, /* which may ask for "built-in" */
        .unused = values[UNUSED].flag,
        .shadowed = values[SHADOWED].flag,
        .wide = values[WIDE].flag,
        .with_covers = values[SHADOWED].flag || (values[JSON].flag && covers_are_cheap(policy)),
        .colour = terminal_text_in_colour(stdout),
        .hits = command_rule_hits("policy ls", &values[STATE]),
        .now_us = timestamp_now_us(),
    };
    table_init(&listing.table, columns, COLUMN_COUNT, isatty(STDOUT_FILENO));
    int code = find_client(policy, call, &listing.client);
    if (code == COMMAND_DONE)
        code = check_answerable(&listing);
    if (code != COMMAND_DONE)
        return code;
    bool good = values[JSON].flag    ? write_json(&listing)
                : values[QUIET].flag ? write_ids(&listing)
                                     : write_table(&listing);
    return good && command_policy_print(&listing.out) ? COMMAND_DONE : COMMAND_FAILED;
}

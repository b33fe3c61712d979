/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy inspect`: one row of `policy ls` with everything that is known of it. The rule is found
 * by walking twice, first to see how many are meant, so that nothing is kept of the others. */
#include <stdio.h>
#include <string.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/near_word.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command/command_policy.h"
#include "policy/command/command_rule.h"
#include "policy/command/commands.h"
#include "policy/document/rule_place.h"

enum { CONFIG, JSON, STATE, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
    [STATE] = COMMAND_RULE_STATE,
};

static int run(const struct command_call *call);

const struct option_table policy_inspect_option_table = {
    .command = "policy inspect",
    .arguments = "RULE",
    .summary = "Show one rule with everything: its lines, what it selects, hits, how to remove it.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy inspect 3f2a91c0\n"
                "  dockreeve policy inspect 3f2\n"
                "  dockreeve policy inspect \"no exec here\" --json\n",
    .run = run,
};

enum { CANDIDATES_MAX = 20, TITLE_WIDTH = 15 };

/* ---- which rule ---- */

/* How well a row answers to what was typed. */
enum rank { RANK_NONE, RANK_PREFIX, RANK_NAME, RANK_ID };

struct search {
    struct slice wanted;
    enum rank rank; /* the best */
    size_t count;   /* rows of that rank */
    uint64_t key;   /* of the first of them */
    bool many_keys;
    struct near_word near;
    char near_text[80]; /* what near.best points to */
};

static enum rank rank_of(const struct search *search, const struct rule_row *row)
{
    const struct slice wanted = search->wanted, id = slice_from_text(row->rule.id);
    char key[17]; /* where two rules have one id */
    snprintf(key, sizeof(key), "%016llx", (unsigned long long)row->rule.key);
    if (slice_equal_nocase(wanted, id) || slice_equal_text(wanted, key))
        return RANK_ID;
    if (row->rule.name != NULL && slice_equal_text(wanted, row->rule.name))
        return RANK_NAME;
    if (wanted.len > 0 && wanted.len < id.len && slice_equal_folded(wanted.ptr, id.ptr, wanted.len))
        return RANK_PREFIX;
    return RANK_NONE;
}

static void offer(struct search *search, const char *word)
{
    if (word == NULL || strlen(word) >= sizeof(search->near_text))
        return;
    near_word_offer(&search->near, word);
    if (search->near.best != word)
        return;
    snprintf(search->near_text, sizeof(search->near_text), "%s", word);
    search->near.best = search->near_text;
}

static void search_all(struct search *search, const struct policy *policy, struct rule_row *row)
{
    struct rule_walk walk = {.policy = policy};
    near_word_init(&search->near, search->wanted);
    while (rule_walk_next(&walk, row)) {
        enum rank rank = rank_of(search, row);
        if (rank > search->rank) {
            search->rank = rank;
            search->count = 0;
            search->many_keys = false;
            search->key = row->rule.key;
        }
        if (rank == search->rank && rank != RANK_NONE) {
            search->count++;
            search->many_keys |= row->rule.key != search->key;
        } else if (search->rank == RANK_NONE) {
            offer(search, row->rule.name);
            offer(search, row->rule.id);
        }
    }
}

static void say_none(const struct search *search)
{
    const struct quoted quoted = quote(search->wanted);
    if (search->near.best == NULL)
        fprintf(stderr,
                "dockreeve policy inspect: there is no rule %s; `dockreeve policy ls` shows all\n",
                quoted.text);
    else
        fprintf(stderr, "dockreeve policy inspect: there is no rule %s; did you mean %s?\n",
                quoted.text, quote_text(search->near.best).text);
}

/* Appends "allow *.npmjs.org:80,443 where ...". */
static void write_text(const struct rule_row *row, struct buffer *out)
{
    buffer_append_text(out, row->rule.allows ? "allow " : "deny ");
    rule_row_write_resource(row, out);
    if (rule_row_has_conditions(row)) {
        buffer_append_literal(out, " where ");
        buffer_append_slice(out, row->where);
    }
}

static void say_candidates(const struct search *search, const struct policy *policy,
                           struct rule_row *row)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    size_t said = 0;
    struct rule_walk walk = {.policy = policy};
    while (said < CANDIDATES_MAX && rule_walk_next(&walk, row)) {
        if (rank_of(search, row) != search->rank)
            continue;
        said++;
        buffer_clear(&text);
        write_text(row, &text);
        buffer_printf(&out, "  %s  ", row->rule.id);
        terminal_text_append(&out, row->source);
        buffer_append_literal(&out, "  ");
        terminal_text_append(&out, buffer_slice(&text));
        buffer_append_byte(&out, '\n');
    }
    if (search->count > said)
        buffer_printf(&out, "  and %zu more\n", search->count - said);
    fprintf(stderr, "dockreeve policy inspect: %s could be any of %zu rules:\n%s",
            quote(search->wanted).text, search->count, buffer_text(&out));
}

/* ---- what is shown ---- */

/* The rule that was found, and what was found out about it. */
struct finding {
    const struct policy *policy; /* borrowed */
    struct rule_row *row;        /* borrowed */
    struct rule_hits *hits;      /* borrowed; NULL = no counts */
    struct policy_cover cover;
    struct rule_place place;
    struct buffer also; /* other places with the very same rule, a line each */
};

static void title(struct buffer *out, const char *text)
{
    buffer_printf(out, "%s:", text);
    for (size_t i = strlen(text) + 1; i < TITLE_WIDTH; i++)
        buffer_append_byte(out, ' ');
}

static void write_line(struct buffer *out, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    title(out, name);
    terminal_text_append(out, value);
    buffer_append_byte(out, '\n');
}

static void write_text_line(struct buffer *out, const char *name, const char *value)
{
    write_line(out, name, slice_from_text(value));
}

static const char *scope_text(const struct finding *finding)
{
    if (strcmp(finding->row->rule.scope, "*") != 0)
        return finding->row->rule.scope;
    return rule_row_is_shared(finding->row) ? "every client that inherits" : "every client";
}

static const char *sni_in_force(const struct network_rule *rule)
{
    return rule->require_sni == NETWORK_UNSET ? "required on port 443"
           : rule->require_sni == NETWORK_YES ? "required"
                                              : "not required";
}

static void write_protocols(const struct network_rule *rule, struct buffer *out)
{
    static const char *const names[] = {"tls", "http", "ssh"};
    const size_t begin = out->len;
    if (rule->protocols == 0)
        buffer_append_literal(out, "tls on port 443, any elsewhere");
    else if (rule->protocols == NETWORK_PROTOCOLS_ANY)
        buffer_append_literal(out, "any");
    else
        for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
            if ((rule->protocols >> i & 1) == 0)
                continue;
            buffer_printf(out, "%s%s", out->len > begin ? ", " : "", names[i]);
        }
}

/* Calls for each operation that a Docker rule selects. */
static void write_operations(const struct docker_rule *rule, bool json, struct buffer *out)
{
    struct docker_operation_set selected;
    bool first = true;
    docker_rule_selected(rule, &selected);
    enum docker_operation operation = DOCKER_OPERATION_NONE;
    while (docker_operation_set_next(&selected, &operation)) {
        const char *name = docker_operation_info(operation)->name;
        if (json)
            json_write_string(out, slice_from_text(name));
        else
            buffer_printf(out, "%s%s", first ? "" : ", ", name);
        first = false;
    }
}

static void write_cover_line(const struct finding *finding, struct buffer *out)
{
    const struct policy_cover *cover = &finding->cover;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    switch (cover->kind) {
    case POLICY_COVER_NONE:
        return;
    case POLICY_COVER_EXPIRED:
        write_text_line(out, "Never decides", "it has expired");
        return;
    case POLICY_COVER_DENIED:
        buffer_append_literal(&text, "all of it is denied by ");
        break;
    case POLICY_COVER_EARLIER:
        buffer_append_literal(&text, "all of it is decided before by ");
        break;
    }
    policy_cover_write_rule(cover, &text);
    buffer_append_literal(&text, " (");
    policy_cover_write_source(cover, &text);
    buffer_printf(&text, ", %s)", cover->by.id);
    write_line(out, "Never decides", buffer_slice(&text));
}

static void write_hits_lines(const struct finding *finding, struct buffer *out)
{
    struct rule_hit hit;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (!command_rule_count(finding->row, finding->hits, &hit)) {
        write_text_line(out, "Hits", "not counted");
        return;
    }
    buffer_append_u64(&text, hit.count);
    write_line(out, "Hits", buffer_slice(&text));
    if (hit.count == 0)
        return;
    buffer_clear(&text);
    timestamp_write_seconds(hit.last_us, &text);
    buffer_append_literal(&text, ", ");
    command_rule_write_age(hit.last_us, timestamp_now_us(), &text);
    write_line(out, "Last hit", buffer_slice(&text));
}

static void write_network_lines(const struct finding *finding, struct buffer *out)
{
    const struct network_rule *rule = finding->row->rule.network;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (rule == NULL || !rule->allows)
        return;
    write_protocols(rule, &text);
    write_line(out, "Protocols", buffer_slice(&text));
    write_text_line(out, "Server name", sni_in_force(rule));
    write_text_line(out, "ECH", rule->ech == NETWORK_NO ? "deny" : "allow");
}

static void write_lines(const struct rule_place *place, struct buffer *out)
{
    if (place->line_count == 0)
        return;
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < place->line_count; i++) {
        const unsigned number = place->first + (unsigned)i;
        buffer_printf(out, "%s %6u  ", number == place->line ? ">" : " ", number);
        terminal_text_append(out, place->lines[i]);
        buffer_printf(out, "%s\n", place->is_cut[i] ? "..." : "");
    }
}

static void write_all(const struct finding *finding, struct buffer *out)
{
    const struct rule_row *row = finding->row;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    write_text(row, &text);
    write_line(out, "Rule", buffer_slice(&text));
    write_text_line(out, "Id", row->rule.id);
    write_text_line(out, "Name", row->rule.name);
    write_text_line(out, "Comment", row->rule.comment);
    write_text_line(out, "Kind", row->rule.kind);
    write_text_line(out, "Scope", scope_text(finding));
    write_line(out, "Resource", row->resource);
    write_line(out, "Ports", row->ports);
    write_line(out, "Where", row->where);
    buffer_clear(&text);
    if (row->rule.docker != NULL)
        write_operations(row->rule.docker, false, &text);
    write_line(out, "Operations", buffer_slice(&text));
    buffer_clear(&text);
    policy_builtin_write_ranges(row->class, &text);
    write_line(out, "Ranges", buffer_slice(&text));
    write_network_lines(finding, out);
    buffer_clear(&text);
    if (row->rule.expires_us != 0)
        timestamp_write_seconds(row->rule.expires_us, &text);
    write_line(out, "Expires", buffer_slice(&text));
    write_hits_lines(finding, out);
    write_cover_line(finding, out);
    write_line(out, "Source", row->source);
    buffer_clear(&text);
    rule_place_write(&finding->place, &text);
    write_line(out, "Place", buffer_slice(&text));
    struct slice also = buffer_slice(&finding->also);
    while (also.len > 0)
        write_line(out, "Also at", slice_cut(&also, '\n'));
    buffer_clear(&text);
    rule_place_write_removal(row, &text);
    write_line(out, "To remove", buffer_slice(&text));
    write_lines(&finding->place, out);
}

/* ---- JSON ---- */

static void write_json_network(const struct network_rule *rule, struct buffer *out)
{
    AUTO_BUFFER struct buffer lines = BUFFER_EMPTY;
    for (unsigned method = HTTP_METHOD_GET; method < HTTP_METHOD_COUNT; method++) {
        if ((rule->methods >> method & 1) != 0)
            buffer_printf(&lines, "%s\n", http_method_name((enum http_method)method));
    }
    json_write_key_list(out, "methods", buffer_slice(&lines), '\n');
    buffer_clear(&lines);
    for (size_t i = 0; i < rule->path_count; i++) {
        buffer_append_slice(&lines, rule->paths[i].text);
        buffer_append_byte(&lines, '\n');
    }
    json_write_key_list(out, "paths", buffer_slice(&lines), '\n');
    buffer_clear(&lines);
    for (size_t i = 0; i < rule->address_count; i++) {
        ip_range_write(&rule->addresses[i], &lines);
        buffer_append_byte(&lines, '\n');
    }
    json_write_key_list(out, "addresses", buffer_slice(&lines), '\n');
    if (!rule->allows)
        return;
    buffer_clear(&lines);
    write_protocols(rule, &lines);
    json_write_key_string(out, "protocols", buffer_slice(&lines));
    json_write_key_text(out, "require_sni", sni_in_force(rule));
    json_write_key_text(out, "ech", rule->ech == NETWORK_NO ? "deny" : "allow");
}

static void write_json_lines(const struct rule_place *place, struct buffer *out)
{
    json_write_key_array(out, "lines");
    for (size_t i = 0; i < place->line_count; i++) {
        json_write_object_begin(out);
        json_write_key_u64(out, "line", place->first + i);
        json_write_key_string(out, "text", place->lines[i]);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_json(const struct finding *finding, struct buffer *out)
{
    const struct rule_row *row = finding->row;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    json_write_object_begin(out);
    command_rule_write_json(row, finding->hits, &finding->cover, out);
    write_text(row, &text);
    json_write_key_string(out, "text", buffer_slice(&text));
    if (row->rule.column > 0)
        json_write_key_u64(out, "column", row->rule.column);
    if (row->rule.docker != NULL) {
        json_write_key_array(out, "operations");
        write_operations(row->rule.docker, true, out);
        json_write_array_end(out);
    }
    if (row->rule.network != NULL)
        write_json_network(row->rule.network, out);
    if (row->class != ADDRESS_PUBLIC) {
        buffer_clear(&text);
        policy_builtin_write_ranges(row->class, &text);
        json_write_key_string(out, "ranges", buffer_slice(&text));
    }
    json_write_key_list(out, "also_at", buffer_slice(&finding->also), '\n');
    buffer_clear(&text);
    rule_place_write_removal(row, &text);
    json_write_key_string(out, "remove", buffer_slice(&text));
    write_json_lines(&finding->place, out);
    json_write_line_end(out);
}

/* ---- the command ---- */

/* Walks to the first row that was meant, and notes where the same rule stands again. */
static void find_row(struct finding *finding, const struct search *search, struct rule_row *other)
{
    struct policy_cover_scope scope = POLICY_COVER_SCOPE(finding->policy);
    struct rule_walk walk = {.policy = finding->policy};
    size_t also = 0;
    while (rule_walk_next(&walk, finding->row) &&
           (rank_of(search, finding->row) != search->rank || finding->row->rule.key != search->key))
        ;
    rule_row_cover(finding->row, &scope, timestamp_now_us(), &finding->cover);
    rule_place_read(finding->row, &finding->place);
    while (also < CANDIDATES_MAX && rule_walk_next(&walk, other)) {
        if (other->rule.key != search->key)
            continue;
        buffer_append_slice(&finding->also, other->source);
        buffer_append_byte(&finding->also, '\n');
        also++;
    }
}

static int show(const struct policy *policy, const struct search *search,
                const struct option_value *values, struct rule_row *row)
{
    CLEANUP(rule_row_clear) struct rule_row other = {0};
    CLEANUP(rule_hits_free)
    struct rule_hits *hits = command_rule_hits("policy inspect", &values[STATE]);
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct finding finding = {.policy = policy, .row = row, .hits = hits};
    find_row(&finding, search, &other);
    if (values[JSON].flag)
        write_json(&finding, &out);
    else
        write_all(&finding, &out);
    rule_place_clear(&finding.place);
    buffer_free(&finding.also);
    return command_policy_print(&out) ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    if (call->argc != 1)
        return command_fail(
            call->table->command, COMMAND_USAGE,
            "name one rule, by its id, the beginning of one or its name; `dockreeve "
            "policy ls` shows them");
    CLEANUP(policy_unref)
    struct policy *policy = command_policy_load("policy inspect", &values[CONFIG], NULL);
    if (policy == NULL)
        return COMMAND_USAGE;
    CLEANUP(rule_row_clear) struct rule_row row = {0};
    struct search search = {.wanted = slice_from_text(call->argv[0])};
    search_all(&search, policy, &row);
    if (search.rank == RANK_NONE) {
        say_none(&search);
        return COMMAND_NOT_FOUND;
    }
    if (search.many_keys) {
        say_candidates(&search, policy, &row);
        return COMMAND_CONFLICT;
    }
    return show(policy, &search, values, &row);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing of the source reaches the document but patterns that were parsed: everything else that
 * stands in it is written here, in printable ASCII. */
#include "policy/import/import_draft.h"

#include <string.h>

#include "base/ascii_run.h"
#include "base/error.h"
#include "rules/network/address_class.h"
#include "rules/network/host_pattern.h"
#include "rules/pattern.h"

struct import_group {
    bool allows;
    const char *keys;      /* static or in the draft's arena */
    struct buffer entries; /* owned: lines of the YAML list */
};

void import_draft_free(struct import_draft *draft)
{
    for (size_t i = 0; i < draft->group_count; i++)
        buffer_free(&draft->groups[i].entries);
    free(draft->groups);
    draft->groups = NULL;
    draft->group_count = 0;
    buffer_free(&draft->asides);
    arena_free(&draft->arena);
}

/* ---- patterns ---- */

/* Whether special-purpose addresses are inside `range` beside others. */
static bool mixes_classes(const struct ip_range *range)
{
    size_t count;
    const struct address_class_row *rows = address_class_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct ip_range row;
        if (!ip_range_parse(slice_from_text(rows[i].range), &row))
            continue;
        if (row.prefix > range->prefix && ip_range_contains(range, &row.address) &&
            address_class_of(&row.address) != address_class_of(&range->address))
            return true;
    }
    return false;
}

/* The pattern with its ports: "example.com:80,443"; a deny of every port has none. */
static void write_pattern(bool allows, struct slice pattern, const struct port_set *ports,
                          struct buffer *out)
{
    const struct port_set every = import_ports_all();
    struct ip_range range;
    bool v6 = ip_range_parse(pattern, &range) && memchr(pattern.ptr, ':', pattern.len) != NULL;
    struct slice prefix = pattern;
    struct slice address = v6 ? slice_cut(&prefix, '/') : pattern;
    if (v6)
        buffer_append_byte(out, '[');
    buffer_append_slice(out, address);
    if (v6)
        buffer_append_byte(out, ']');
    if (v6 && prefix.ptr != NULL)
        buffer_printf(out, "/%.*s", (int)prefix.len, prefix.ptr);
    if (!allows && pattern.ptr[0] != '~' && port_set_equal(ports, &every))
        return;
    buffer_append_byte(out, ':');
    port_set_write(ports, out);
}

static bool looks_inside(const char *keys)
{
    return strstr(keys, "methods:") != NULL || strstr(keys, "paths:") != NULL;
}

static bool is_tls_port_alone(const struct port_set *ports)
{
    return ports->count == 1 && ports->ranges[0].first == 443 && ports->ranges[0].last == 443;
}

/* Whether the reader of policies takes the pattern; what to do when not is import_add()'s to say. */
static bool is_accepted(bool allows, const char *keys, struct slice text, struct error *error)
{
    struct host_pattern parsed;
    if (!ascii_run_is_printable(text))
        return error_set(error, 2, "a host is written in printable ASCII");
    if (!host_pattern_parse(text, allows, &parsed, error))
        return false;
    if (allows && parsed.kind == HOST_PATTERN_RANGE && mixes_classes(&parsed.range))
        return error_set(error, 2,
                         "special-purpose addresses are in this range, which a rule would open: "
                         "write the ranges you mean");
    if (allows && parsed.kind == HOST_PATTERN_SUBDOMAINS && host_name_is_local(&parsed.host))
        return error_set(error, 2, "names of this machine are written one by one");
    if (allows && looks_inside(keys) && is_tls_port_alone(&parsed.ports))
        return error_set(error, 2, "methods and paths are never seen in TLS on port 443");
    if (parsed.kind != HOST_PATTERN_REGEX)
        return true;
    struct pattern compiled;
    struct slice expression = slice_of(text.ptr, parsed.expression.len + 1); /* its `~` included */
    if (!pattern_compile(&compiled, PATTERN_VALUE, expression, error))
        return false;
    pattern_clear(&compiled);
    return true;
}

/* Text of foreign origin inside a comment. */
static void append_plain(struct slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++)
        buffer_append_byte(out, text.ptr[i] >= 0x20 && text.ptr[i] <= 0x7e ? text.ptr[i] : '?');
}

/* `before`, the pattern as YAML text, and where it is from. */
static void write_entry(struct import_place place, const char *before, struct slice text,
                        struct buffer *out)
{
    buffer_printf(out, "%s'", before);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buffer_append_byte(out, '\'');
        buffer_append_byte(out, text.ptr[i]);
    }
    buffer_append_literal(out, "'    # ");
    append_plain(slice_from_text(place.file), out);
    if (place.line > 0)
        buffer_printf(out, ":%u", place.line);
    buffer_append_byte(out, '\n');
}

static struct import_group *find_group(struct import_draft *draft, bool allows, const char *keys)
{
    for (size_t i = 0; i < draft->group_count; i++) {
        if (draft->groups[i].allows == allows && strcmp(draft->groups[i].keys, keys) == 0)
            return &draft->groups[i];
    }
    draft->groups = array_grow(draft->groups, draft->group_count, &draft->group_capacity,
                               sizeof(draft->groups[0]));
    draft->groups[draft->group_count] = (struct import_group){
        allows, arena_text(&draft->arena, slice_from_text(keys)), BUFFER_EMPTY};
    return &draft->groups[draft->group_count++];
}

void import_add(struct import_draft *draft, struct import_place place, bool allows,
                const char *keys, struct slice pattern, const struct port_set *ports)
{
    if (ports->count == 0 || pattern.len == 0)
        return;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error error;
    write_pattern(allows, pattern, ports, &text);
    if (is_accepted(allows, keys, buffer_slice(&text), &error)) {
        write_entry(place, "      - ", buffer_slice(&text),
                    &find_group(draft, allows, keys)->entries);
        return;
    }
    if (!allows && pattern.ptr[0] == '~')
        import_fail(draft, place, "%s is denied and cannot be said here: %s", quote(pattern).text,
                    error.text);
    else
        import_note(draft, place, "left out: %s: %s%s", quote(pattern).text, error.text,
                    allows ? "" : " (no request can name it)");
}

void import_add_split(struct import_draft *draft, struct import_place place, struct slice pattern,
                      const struct port_set *plain, const struct port_set *tunnel)
{
    bool cut = false;
    struct port_set both = import_ports_and(plain, tunnel, &cut);
    struct port_set not_plain = import_ports_not(plain, &cut);
    struct port_set not_tunnel = import_ports_not(tunnel, &cut);
    struct port_set plain_only = import_ports_and(plain, &not_tunnel, &cut);
    struct port_set tunnel_only = import_ports_and(tunnel, &not_plain, &cut);
    import_add(draft, place, true, IMPORT_KEYS_NONE, pattern, &both);
    import_add(draft, place, true, IMPORT_KEYS_SEEN, pattern, &plain_only);
    import_add(draft, place, true, IMPORT_KEYS_TLS, pattern, &tunnel_only);
    if (cut)
        import_note(draft, place,
                    "narrowed: more ranges of ports than a rule holds; the last are left out");
}

void import_aside(struct import_draft *draft, struct import_place place, struct slice pattern,
                  const struct port_set *ports, const char *why)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error error;
    write_pattern(true, pattern, ports, &text);
    if (ports->count == 0 || !is_accepted(true, IMPORT_KEYS_NONE, buffer_slice(&text), &error))
        return;
    if (draft->aside != why)
        buffer_printf(&draft->asides, "#  # %s:\n", why);
    draft->aside = why;
    write_entry(place, "#  - allow: ", buffer_slice(&text), &draft->asides);
}

bool import_names_machine(struct import_draft *draft, struct import_place place, struct slice host,
                          bool has_ports)
{
    static const char *const names[] = {"host.docker.internal", "gateway.docker.internal",
                                        "host.containers.internal"};
    if (!has_ports && slice_equal_nocase(host, SLICE_LITERAL("localhost"))) {
        import_note(draft, place, "left out: `localhost` needs its port");
        return true;
    }
    if (slice_find_nocase(host, names, ARRAY_LEN(names)) == ARRAY_LEN(names))
        return false;
    import_note(draft, place,
                "left out: %s is another name of this machine there: write `localhost:PORT`",
                quote(host).text);
    return true;
}

/* ---- ports ---- */

struct port_set import_ports_all(void)
{
    struct port_set ports = {.count = 1};
    ports.ranges[0].first = 1;
    ports.ranges[0].last = UINT16_MAX;
    return ports;
}

static void append_range(struct port_set *ports, unsigned first, unsigned last, bool *cut_out)
{
    if (ports->count == PORT_SET_RANGES_MAX) {
        if (cut_out != NULL)
            *cut_out = true;
        return;
    }
    ports->ranges[ports->count].first = (uint16_t)first;
    ports->ranges[ports->count].last = (uint16_t)last;
    ports->count++;
}

struct port_set import_ports_and(const struct port_set *a, const struct port_set *b, bool *cut_out)
{
    struct port_set both = {.count = 0};
    for (unsigned i = 0, j = 0; i < a->count && j < b->count;) {
        unsigned first = a->ranges[i].first, last = a->ranges[i].last;
        first = b->ranges[j].first > first ? b->ranges[j].first : first;
        last = b->ranges[j].last < last ? b->ranges[j].last : last;
        if (first <= last)
            append_range(&both, first, last, cut_out);
        if (a->ranges[i].last < b->ranges[j].last)
            i++;
        else
            j++;
    }
    return both;
}

struct port_set import_ports_or(const struct port_set *a, const struct port_set *b, bool *cut_out)
{
    struct port_set not_a = import_ports_not(a, cut_out), not_b = import_ports_not(b, cut_out);
    struct port_set neither = import_ports_and(&not_a, &not_b, cut_out);
    return import_ports_not(&neither, cut_out);
}

struct port_set import_ports_not(const struct port_set *a, bool *cut_out)
{
    struct port_set others = {.count = 0};
    unsigned next = 1;
    for (unsigned i = 0; i < a->count; i++) {
        if (a->ranges[i].first > next)
            append_range(&others, next, a->ranges[i].first - 1u, cut_out);
        next = a->ranges[i].last + 1u;
    }
    if (next <= UINT16_MAX)
        append_range(&others, next, UINT16_MAX, cut_out);
    return others;
}

/* ---- lines ---- */

struct import_lines import_lines(const char *file, struct slice text)
{
    return (struct import_lines){.rest = text, .place = {file, 0}};
}

bool import_lines_next(struct import_lines *lines)
{
    if (lines->rest.ptr == NULL)
        return false;
    lines->place.line++;
    lines->raw = slice_cut(&lines->rest, '\n');
    if (lines->raw.len > 0 && lines->raw.ptr[lines->raw.len - 1] == '\r')
        lines->raw.len--;
    lines->line = slice_trim_blanks(lines->raw);
    return true;
}

bool import_open_named(struct import_draft *draft, struct import_place place, struct slice name,
                       struct buffer *text, struct import_lines *lines_out)
{
    const struct policy_import_input *input = draft->input;
    if (input->read_file == NULL || !input->read_file(input->context, name, text)) {
        import_fail(draft, place, "the file %s cannot be read, neither there nor beside %s",
                    quote(name).text, input->file);
        return false;
    }
    *lines_out = import_lines(arena_text(&draft->arena, name), buffer_slice(text));
    return true;
}

bool import_next_word(struct slice *line, struct slice *word_out)
{
    *line = slice_trim_blanks(*line);
    size_t end = 0;
    while (end < line->len && line->ptr[end] != ' ' && line->ptr[end] != '\t')
        end++;
    *word_out = slice_of(line->ptr, end);
    *line = slice_of(line->ptr + end, line->len - end);
    return end > 0;
}

/* ---- document ---- */

static void write_comment(struct slice text, struct buffer *out)
{
    buffer_append_literal(out, "# ");
    append_plain(text, out);
    buffer_append_byte(out, '\n');
}

static void write_notes(const struct import_draft *draft, struct buffer *out)
{
    AUTO_BUFFER struct buffer lines = BUFFER_EMPTY;
    policy_messages_write(draft->notes, &lines);
    struct slice rest = buffer_slice(&lines);
    if (rest.len == 0)
        return;
    buffer_append_literal(out, "# Narrowed or left out:\n");
    while (rest.len > 0)
        write_comment(slice_cut(&rest, '\n'), out);
}

void import_draft_write(const struct import_draft *draft, const char *source, const char *file,
                        struct buffer *out)
{
    AUTO_BUFFER struct buffer title = BUFFER_EMPTY;
    buffer_printf(&title, "Made from %s by `dockreeve policy import --from %s`.", file, source);
    write_comment(buffer_slice(&title), out);
    write_notes(draft, out);
    buffer_printf(out, "version: 1\n%s", draft->group_count == 0 ? "network: []\n" : "network:\n");
    for (size_t i = 0; i < draft->group_count; i++) {
        const struct import_group *group = &draft->groups[i];
        buffer_printf(out, "  - %s:\n", group->allows ? "allow" : "deny");
        buffer_append_slice(out, buffer_slice(&group->entries));
        if (group->keys[0] != '\0')
            buffer_printf(out, "    %s\n", group->keys);
    }
    buffer_append_slice(out, buffer_slice(&draft->asides));
}

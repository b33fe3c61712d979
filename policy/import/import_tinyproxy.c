/* SPDX-License-Identifier: Apache-2.0
 *
 * tinyproxy: its tinyproxy.conf with the Filter file that it names, or a Filter file alone. The
 * settings turn a list's meaning about: by default it names what is refused, its lines are basic
 * expressions that are searched anywhere in the host, and letters match in either case. ConnectPort
 * limits tunnels; plain HTTP goes to any port, of which only 80 is taken over. */
#include "policy/import/import_draft.h"
#include "policy/import/policy_import.h"
#include "policy/import/posix_expression.h"

#include "base/error.h"
#include "rules/network/host_name.h"

/* tinyproxy reads lines into so many bytes and takes the rest for a line of its own. */
enum { FILTER_LINE_MAX = 510 };

struct tinyproxy {
    const struct policy_import_input *input;
    struct import_draft *draft;
    enum posix_expression_kind kind;
    bool allows, case_sensitive, urls;
    struct slice filter; /* name of the Filter file; ptr NULL = none */
    struct import_place filter_place;
    bool has_connect_ports;
    struct port_set connect_ports;
};

/* ---- the list ---- */

static bool has_capitals(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static void add(struct tinyproxy *proxy, struct import_place place, struct slice pattern)
{
    const struct port_set every = import_ports_all();
    struct port_set plain = {.count = 1};
    plain.ranges[0].first = plain.ranges[0].last = 80;
    if (!proxy->allows)
        import_add(proxy->draft, place, false, IMPORT_KEYS_NONE, pattern, &every);
    else if (proxy->has_connect_ports)
        import_add_split(proxy->draft, place, pattern, &plain, &proxy->connect_ports);
    else
        import_add(proxy->draft, place, true, IMPORT_KEYS_NONE, pattern, &every);
}

static void add_name(struct tinyproxy *proxy, struct import_place place, struct buffer *name,
                     bool apex, bool subdomains)
{
    AUTO_BUFFER struct buffer below = BUFFER_EMPTY;
    if (apex)
        add(proxy, place, buffer_slice(name));
    buffer_printf(&below, "*.%s", buffer_text(name));
    if (subdomains)
        add(proxy, place, buffer_slice(&below));
}

static void add_expression(struct tinyproxy *proxy, struct import_place place, struct slice text)
{
    AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
    struct error error;
    char quoted[120];
    error_quote(text, quoted, sizeof(quoted));
    /* hosts are lower case here: a deny that folds covers every spelling that was refused */
    bool fold = !proxy->allows || !proxy->case_sensitive;
    if (posix_expression_write(proxy->kind, text, fold && has_capitals(text), &pattern, &error))
        add(proxy, place, buffer_slice(&pattern));
    else if (proxy->allows)
        import_note(proxy->draft, place, "left out: %s: %s", quoted, error.text);
    else
        import_fail(proxy->draft, place, "%s is denied and cannot be said here: %s", quoted,
                    error.text);
}

static void read_filter_line(struct tinyproxy *proxy, struct import_place place, struct slice text)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    char quoted[120];
    bool apex, subdomains;
    bool exact_case = proxy->case_sensitive || proxy->kind == POSIX_EXPRESSION_FNMATCH;
    if (proxy->allows && exact_case && has_capitals(text)) {
        import_note(proxy->draft, place, "left out: %s asks for capitals, and a host has none here",
                    error_quote(text, quoted, sizeof(quoted)));
        return;
    }
    if (posix_expression_is_name(proxy->kind, text, &name, &apex, &subdomains))
        add_name(proxy, place, &name, apex, subdomains);
    else
        add_expression(proxy, place, text);
}

/* As tinyproxy cuts a line: the first word, up to a # that no backslash escapes. */
static struct slice cut_filter_line(struct slice line)
{
    struct slice word = import_next_word(&line);
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '#' && (i == 0 || word.ptr[i - 1] != '\\'))
            return slice_of(word.ptr, i);
    }
    return word;
}

static void read_filter(struct tinyproxy *proxy, const char *file, struct slice text)
{
    struct import_place place = {file, 0};
    while (text.ptr != NULL) {
        struct slice line = slice_cut(&text, '\n');
        bool too_long = line.len > FILTER_LINE_MAX;
        line = slice_cut(&line, '\r');
        place.line++;
        struct slice expression = cut_filter_line(line);
        if (too_long && proxy->allows)
            import_note(proxy->draft, place, "left out: the line is longer than tinyproxy reads");
        else if (too_long)
            import_fail(proxy->draft, place, "the line is longer than tinyproxy reads");
        else if (expression.len > 0)
            read_filter_line(proxy, place, expression);
    }
}

/* ---- tinyproxy.conf ---- */

enum directive {
    CONNECT_PORT,
    FILTER,
    FILTER_CASE_SENSITIVE,
    FILTER_DEFAULT_DENY,
    FILTER_EXTENDED,
    FILTER_TYPE,
    FILTER_URLS,
    ALLOW,
    DENY,
    DIRECTIVE_COUNT,
};

static enum directive find_directive(struct slice word)
{
    static const char *const names[DIRECTIVE_COUNT] = {
        [CONNECT_PORT] = "ConnectPort",
        [FILTER] = "Filter",
        [FILTER_CASE_SENSITIVE] = "FilterCaseSensitive",
        [FILTER_DEFAULT_DENY] = "FilterDefaultDeny",
        [FILTER_EXTENDED] = "FilterExtended",
        [FILTER_TYPE] = "FilterType",
        [FILTER_URLS] = "FilterURLs",
        [ALLOW] = "Allow",
        [DENY] = "Deny",
    };
    size_t i = 0;
    while (i < DIRECTIVE_COUNT && !slice_equal_nocase(word, slice_from_text(names[i])))
        i++;
    return (enum directive)i;
}

static struct slice unquoted(struct slice value)
{
    if (value.len < 2 || value.ptr[0] != '"')
        return value;
    struct slice inner = slice_of(value.ptr + 1, value.len - 1);
    return slice_cut(&inner, '"');
}

static bool read_switch(struct tinyproxy *proxy, struct import_place place, struct slice value)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    char quoted[80];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_equal_nocase(value, slice_from_text(words[i])))
            return i % 2 == 1;
    }
    import_fail(proxy->draft, place, "%s is neither yes nor no",
                error_quote(value, quoted, sizeof(quoted)));
    return false;
}

static void read_type(struct tinyproxy *proxy, struct import_place place, struct slice value)
{
    static const char *const names[] = {[POSIX_EXPRESSION_BASIC] = "bre",
                                        [POSIX_EXPRESSION_EXTENDED] = "ere",
                                        [POSIX_EXPRESSION_FNMATCH] = "fnmatch"};
    char quoted[80];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_equal_nocase(value, slice_from_text(names[i]))) {
            proxy->kind = (enum posix_expression_kind)i;
            return;
        }
    }
    import_fail(proxy->draft, place, "FilterType is bre, ere or fnmatch, not %s",
                error_quote(value, quoted, sizeof(quoted)));
}

static void read_connect_port(struct tinyproxy *proxy, struct import_place place,
                              struct slice value)
{
    struct port_set port, others;
    struct error error;
    bool cut = false;
    proxy->has_connect_ports = true;
    if (slice_equal_text(value, "0"))
        return; /* no port at all: no tunnels */
    if (!port_set_parse(value, &port, &error)) {
        import_fail(proxy->draft, place, "ConnectPort: %s", error.text);
        return;
    }
    /* the union, by way of what is in neither */
    others = import_ports_not(&proxy->connect_ports, &cut);
    port = import_ports_not(&port, &cut);
    others = import_ports_and(&others, &port, &cut);
    if (!cut)
        proxy->connect_ports = import_ports_not(&others, &cut);
    if (cut)
        import_note(proxy->draft, place, "left out: more ports than a rule holds");
}

static void read_directive(struct tinyproxy *proxy, struct import_place place, struct slice line)
{
    enum directive directive = find_directive(import_next_word(&line));
    struct slice value = unquoted(slice_trim_blanks(line));
    switch (directive) {
    case CONNECT_PORT:
        read_connect_port(proxy, place, value);
        return;
    case FILTER:
        proxy->filter = value;
        proxy->filter_place = place;
        return;
    case FILTER_CASE_SENSITIVE:
        proxy->case_sensitive = read_switch(proxy, place, value);
        return;
    case FILTER_DEFAULT_DENY:
        proxy->allows = read_switch(proxy, place, value);
        return;
    case FILTER_EXTENDED:
        if (read_switch(proxy, place, value))
            proxy->kind = POSIX_EXPRESSION_EXTENDED;
        return;
    case FILTER_TYPE:
        read_type(proxy, place, value);
        return;
    case FILTER_URLS:
        proxy->urls = read_switch(proxy, place, value);
        return;
    case ALLOW:
    case DENY:
        import_note(proxy->draft, place,
                    "left out: who may connect is `from` of a client, not a rule");
        return;
    case DIRECTIVE_COUNT:
        return; /* about the proxy itself, not about what may be reached */
    }
}

static void read_settings(struct tinyproxy *proxy)
{
    struct import_place place = {proxy->input->file, 0};
    struct slice rest = proxy->input->text;
    while (rest.ptr != NULL) {
        struct slice line = import_next_line(&rest);
        place.line++;
        if (line.len > 0 && line.ptr[0] != '#')
            read_directive(proxy, place, line);
    }
}

/* The first line that says anything is `Word value`: a Filter file's lines are one word. */
static bool is_settings(struct slice text)
{
    while (text.ptr != NULL) {
        struct slice line = import_next_line(&text);
        struct slice expression = cut_filter_line(line);
        if (expression.len == 0)
            continue;
        struct slice behind = line;
        import_next_word(&behind);
        char first = expression.ptr[0];
        return slice_trim_blanks(behind).len > 0 && behind.ptr != NULL &&
               slice_trim_blanks(behind).ptr[0] != '#' &&
               ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'));
    }
    return false;
}

static void read_named_filter(struct tinyproxy *proxy)
{
    AUTO_BUFFER struct buffer list = BUFFER_EMPTY;
    const struct policy_import_input *input = proxy->input;
    char quoted[200];
    error_quote(proxy->filter, quoted, sizeof(quoted));
    if (proxy->filter.ptr == NULL)
        import_fail(proxy->draft, (struct import_place){input->file, 0},
                    "there is no `Filter` line: this tinyproxy lets everything pass");
    else if (input->read_file == NULL || !input->read_file(input->context, proxy->filter, &list))
        import_fail(proxy->draft, proxy->filter_place,
                    "the Filter file %s cannot be read, neither there nor beside %s", quoted,
                    input->file);
    else
        read_filter(proxy, arena_text(&proxy->draft->arena, proxy->filter), buffer_slice(&list));
}

void import_tinyproxy(const struct policy_import_input *input, struct import_draft *draft)
{
    struct tinyproxy proxy = {.input = input, .draft = draft};
    struct import_place place = {input->file, 0};
    bool settings = is_settings(input->text);
    if (settings)
        read_settings(&proxy);
    else if (input->list == POLICY_IMPORT_LIST_UNKNOWN)
        import_fail(draft, place,
                    "a Filter file alone does not say whether it permits or refuses: import the "
                    "tinyproxy.conf that names it, or say --list allows or --list denies");
    else
        proxy.allows = input->list == POLICY_IMPORT_LIST_ALLOWS;
    if (proxy.urls)
        import_fail(draft, place, "FilterURLs matches whole URLs, which no rule here can say");
    if (draft->errors->count > 0)
        return;
    if (settings)
        read_named_filter(&proxy);
    else
        read_filter(&proxy, input->file, input->text);
    if (!proxy.allows)
        import_note(draft, place,
                    "the list refuses hosts and leaves all others open; this document permits "
                    "nothing by itself");
    else if (proxy.has_connect_ports)
        import_note(draft, place, "narrowed: plain HTTP went to any port, here to 80 alone");
}

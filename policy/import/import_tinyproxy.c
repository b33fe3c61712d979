/* SPDX-License-Identifier: Apache-2.0
 *
 * tinyproxy: its tinyproxy.conf with the Filter file that it names, or a Filter file alone. The
 * settings turn a list's meaning about: by default it names what is refused, its lines are basic
 * expressions that are searched anywhere in the host, and letters match in either case. ConnectPort
 * limits tunnels; plain HTTP goes to any port, of which only 80 is taken over. */
#include "policy/import/import_expression.h"

#include "base/error.h"
#include "rules/network/host_name.h"

/* tinyproxy reads lines into so many bytes and takes the rest for a line of its own. */
enum { FILTER_LINE_MAX = 510 };

struct tinyproxy {
    struct import_draft *draft;
    enum posix_expression_kind kind;
    bool allows, case_sensitive, urls;
    struct slice filter; /* name of the Filter file; ptr NULL = none */
    struct import_place filter_place;
    bool any_line, any_expression; /* of the list */
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

/* `example.com` or `*.example.com`, and nothing that only an expression has. */
static bool is_name(struct slice text)
{
    struct host_name host;
    struct error error;
    size_t star = slice_starts_with(text, SLICE_LITERAL("*.")) ? 2 : 0;
    return host_name_parse(slice_of(text.ptr + star, text.len - star), &host, &error);
}

static void read_filter_line(struct tinyproxy *proxy, struct import_place place, struct slice text)
{
    AUTO_POSIX_PATTERNS struct posix_expression_patterns patterns = {.count = 0};
    struct error error;
    proxy->any_line = true;
    proxy->any_expression = proxy->any_expression || !is_name(text);
    bool exact_case = proxy->case_sensitive || proxy->kind == POSIX_EXPRESSION_FNMATCH;
    /* hosts are lower case here: a deny that folds covers every spelling that was refused */
    bool fold = (!proxy->allows || !proxy->case_sensitive) && has_capitals(text);
    if (proxy->allows && exact_case && has_capitals(text))
        import_note(proxy->draft, place, "left out: %s asks for capitals, and a host has none here",
                    quote(text).text);
    else if (import_expression(proxy->draft, place, proxy->kind, text, fold, &patterns, &error))
        for (size_t i = 0; i < patterns.count; i++)
            add(proxy, place, buffer_slice(&patterns.items[i]));
    else if (proxy->allows)
        import_note(proxy->draft, place, "left out: %s: %s", quote(text).text, error.text);
    else
        import_fail(proxy->draft, place, "%s is denied and cannot be said here: %s",
                    quote(text).text, error.text);
}

/* As tinyproxy cuts a line: the first word, up to a # that no backslash escapes. */
static struct slice cut_filter_line(struct slice line)
{
    struct slice word;
    (void)import_next_word(&line, &word);
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '#' && (i == 0 || word.ptr[i - 1] != '\\'))
            return slice_of(word.ptr, i);
    }
    return word;
}

static void read_filter(struct tinyproxy *proxy, struct import_lines lines)
{
    while (import_lines_next(&lines)) {
        bool too_long = lines.raw.len > FILTER_LINE_MAX;
        struct slice expression = cut_filter_line(slice_cut(&lines.raw, '\r'));
        if (too_long && proxy->allows)
            import_note(proxy->draft, lines.place,
                        "left out: the line is longer than tinyproxy reads");
        else if (too_long)
            import_fail(proxy->draft, lines.place, "the line is longer than tinyproxy reads");
        else if (expression.len > 0)
            read_filter_line(proxy, lines.place, expression);
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
    return (enum directive)slice_find_nocase(word, names, ARRAY_LEN(names));
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
    size_t found = slice_find_nocase(value, words, ARRAY_LEN(words));
    if (found == ARRAY_LEN(words))
        import_fail(proxy->draft, place, "%s is neither yes nor no", quote(value).text);
    return found % 2 == 1;
}

static void read_type(struct tinyproxy *proxy, struct import_place place, struct slice value)
{
    static const char *const names[] = {[POSIX_EXPRESSION_BASIC] = "bre",
                                        [POSIX_EXPRESSION_EXTENDED] = "ere",
                                        [POSIX_EXPRESSION_FNMATCH] = "fnmatch"};
    size_t found = slice_find_nocase(value, names, ARRAY_LEN(names));
    if (found < ARRAY_LEN(names))
        proxy->kind = (enum posix_expression_kind)found;
    else
        import_fail(proxy->draft, place, "FilterType is bre, ere or fnmatch, not %s",
                    quote(value).text);
}

static void read_connect_port(struct tinyproxy *proxy, struct import_place place,
                              struct slice value)
{
    struct port_set port;
    struct error error;
    bool cut = false;
    proxy->has_connect_ports = true;
    if (slice_equal_text(value, "0"))
        return; /* no port at all: no tunnels */
    if (!port_set_parse(value, &port, &error)) {
        import_fail(proxy->draft, place, "ConnectPort: %s", error.text);
        return;
    }
    port = import_ports_or(&proxy->connect_ports, &port, &cut);
    if (cut)
        import_note(proxy->draft, place, "left out: more ports than a rule holds");
    else
        proxy->connect_ports = port;
}

static void read_directive(struct tinyproxy *proxy, struct import_place place, struct slice line)
{
    struct slice word;
    (void)import_next_word(&line, &word);
    enum directive directive = find_directive(word);
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
    struct import_lines lines = import_lines(proxy->draft->input->file, proxy->draft->input->text);
    while (import_lines_next(&lines)) {
        if (lines.line.len > 0 && lines.line.ptr[0] != '#')
            read_directive(proxy, lines.place, lines.line);
    }
}

/* The first line that says anything is `Word value`: a Filter file's lines are one word. */
static bool is_settings(struct import_lines lines)
{
    struct slice word, behind;
    while (import_lines_next(&lines)) {
        struct slice expression = cut_filter_line(lines.line);
        if (expression.len == 0)
            continue;
        char first = expression.ptr[0];
        return import_next_word(&lines.line, &word) && import_next_word(&lines.line, &behind) &&
               behind.ptr[0] != '#' &&
               ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'));
    }
    return false;
}

static void read_named_filter(struct tinyproxy *proxy)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    const struct import_place file = {proxy->draft->input->file, 0};
    struct import_lines lines;
    if (proxy->filter.ptr == NULL)
        import_fail(proxy->draft, file,
                    "there is no `Filter` line: this tinyproxy lets everything pass");
    else if (import_open_named(proxy->draft, proxy->filter_place, proxy->filter, &text, &lines))
        read_filter(proxy, lines);
}

void import_tinyproxy(struct import_draft *draft)
{
    const struct policy_import_input *input = draft->input;
    struct tinyproxy proxy = {.draft = draft,
                              .kind = input->extended ? POSIX_EXPRESSION_EXTENDED
                                                      : POSIX_EXPRESSION_BASIC};
    struct import_place place = {input->file, 0};
    const struct import_lines lines = import_lines(input->file, input->text);
    bool settings = is_settings(lines);
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
        read_filter(&proxy, lines);
    if (proxy.any_line && !proxy.any_expression && proxy.kind != POSIX_EXPRESSION_FNMATCH)
        import_note(draft, place,
                    "this looks like a list of names, and tinyproxy reads expressions, which match "
                    "anywhere in a name: --from domains takes them for names");
    if (!proxy.allows)
        import_note(draft, place,
                    "the list refuses hosts and leaves all others open; this document permits "
                    "nothing by itself");
    else if (proxy.has_connect_ports)
        import_note(draft, place, "narrowed: plain HTTP went to any port, here to 80 alone");
    else if (draft->group_count > 0)
        import_note(draft, place,
                    "every port is permitted, as without a ConnectPort line there: take `:*` away "
                    "for 80 and 443");
}

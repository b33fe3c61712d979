/* SPDX-License-Identifier: Apache-2.0
 *
 * sbx's network rules. What `*.example.com` covers differs between its generations: any depth up to
 * v0.34, just one label since v0.35. Where the generation is not known an allow takes the narrower
 * reading, with the other as a comment, and a deny the wider one. A name without port means every
 * port there, and so it does in the document. */
#include "policy/import_sbx.h"
#include "policy/policy_import.h"

#include "base/error.h"
#include "rules/host_name.h"
#include "rules/http_method.h"
#include "rules/pattern.h"
#include "rules/url_target.h"

/* One resource of a rule, while it is turned into patterns. */
struct resource {
    struct import_draft *draft;
    struct import_place place;
    unsigned generation;
    bool allows;
    const char *keys;
    struct port_set ports;
};

static void add(const struct resource *resource, struct slice pattern)
{
    import_add(resource->draft, resource->place, resource->allows, resource->keys, pattern,
               &resource->ports);
}

/* ---- hosts ---- */

static bool is_glob_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '*';
}

/* A glob as an expression: `*` is any run inside a label (a whole one where it stands alone), `**`
 * any run at all. A deny whose generation is not known takes every star for the wider one. */
static void add_glob(const struct resource *resource, struct slice host)
{
    AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
    bool wide = !resource->allows && resource->generation != 3;
    buffer_append_byte(&pattern, '~');
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.ptr[i];
        bool label =
            (i == 0 || host.ptr[i - 1] == '.') && (i + 1 == host.len || host.ptr[i + 1] == '.');
        if (!is_glob_byte(byte)) {
            add(resource, host); /* refused, with the reason */
            return;
        }
        if (byte == '*' && i + 1 < host.len && host.ptr[i + 1] == '*') {
            buffer_append_literal(&pattern, ".*");
            i++;
        } else if (byte == '*') {
            buffer_append_text(&pattern, wide ? ".*" : label ? "[^.]+" : "[^.]*");
        } else {
            if (byte == '.')
                buffer_append_byte(&pattern, '\\');
            buffer_append_byte(&pattern, (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte));
        }
    }
    add(resource, buffer_slice(&pattern));
}

/* "*.example.com" */
static void add_subdomains(const struct resource *resource, struct slice host)
{
    if (resource->generation == 2 || (resource->generation == 0 && !resource->allows)) {
        add(resource, host);
        return;
    }
    add_glob(resource, host);
    if (resource->generation != 0)
        return;
    import_note(resource->draft, resource->place,
                "narrowed: `*.` means one label to sbx since v0.35 and any depth before: one label "
                "is taken; --generation 2 takes the other");
    import_aside(resource->draft, resource->place, host, &resource->ports,
                 "any depth, as sbx read it up to v0.34");
}

static bool is_this_machine(const struct resource *resource, struct slice host, bool has_ports)
{
    char quoted[80];
    if (!resource->allows)
        return false;
    if (slice_equal_nocase(host, SLICE_LITERAL("localhost")) && !has_ports) {
        import_note(resource->draft, resource->place,
                    "left out: `localhost` needs its port, in sbx as well");
        return true;
    }
    if (!slice_equal_nocase(host, SLICE_LITERAL("host.docker.internal")) &&
        !slice_equal_nocase(host, SLICE_LITERAL("gateway.docker.internal")))
        return false;
    import_note(resource->draft, resource->place,
                "left out: %s is another name of this machine there: write `localhost:PORT`",
                error_quote(host, quoted, sizeof(quoted)));
    return true;
}

/* Whether what stands behind the stars is a domain's name and no glob. What is denied below
 * something else is a glob, too: it may be meant for addresses. */
static bool is_domain(const struct resource *resource, struct slice text)
{
    struct host_name host;
    struct error error;
    return memchr(text.ptr, '*', text.len) == NULL &&
           (resource->allows || host_name_parse_dns(text, &host, &error));
}

static void add_host(const struct resource *resource, struct slice host, bool has_ports)
{
    bool below = slice_starts_with(host, SLICE_LITERAL("*."));
    bool any_below = slice_starts_with(host, SLICE_LITERAL("**."));
    if (is_this_machine(resource, host, has_ports))
        return;
    if (slice_equal_text(host, "**") || (slice_equal_text(host, "*") && !resource->allows)) {
        add(resource, SLICE_LITERAL("*"));
    } else if (slice_equal_text(host, "*")) {
        import_note(resource->draft, resource->place,
                    "narrowed: `*` is taken for one label; every host is `**`");
        add_glob(resource, host);
    } else if (any_below && is_domain(resource, slice_of(host.ptr + 3, host.len - 3))) {
        add(resource, slice_of(host.ptr + 1, host.len - 1));
    } else if (below && is_domain(resource, slice_of(host.ptr + 2, host.len - 2))) {
        add_subdomains(resource, host);
    } else if (memchr(host.ptr, '*', host.len) != NULL) {
        add_glob(resource, host);
    } else {
        add(resource, host);
    }
}

/* Divides host and ports. */
static void add_resource(struct resource *resource, struct slice text)
{
    struct ip_range range;
    struct error error;
    struct slice host = text, ports = {NULL, 0};
    char quoted[120];
    resource->ports = import_ports_all();
    if (text.len == 0)
        return;
    if (text.ptr[0] == '[') {
        const char *bracket = memchr(text.ptr, ']', text.len);
        size_t end = bracket == NULL ? text.len : (size_t)(bracket - text.ptr);
        host = slice_of(text.ptr + 1, end - 1);
        struct slice behind = slice_of(text.ptr + end, text.len - end);
        (void)slice_cut(&behind, ':');
        ports = behind;
    } else if (!ip_range_parse(text, &range)) {
        ports = text;
        host = slice_cut(&ports, ':');
    }
    if (ports.ptr != NULL && !port_set_parse(ports, &resource->ports, &error)) {
        error_quote(text, quoted, sizeof(quoted));
        if (resource->allows)
            import_note(resource->draft, resource->place, "left out: %s: %s", quoted, error.text);
        else
            import_fail(resource->draft, resource->place, "%s is denied: %s", quoted, error.text);
        return;
    }
    if (host.len > 0)
        add_host(resource, host, ports.ptr != NULL);
}

/* ---- methods and paths ---- */

/* What a rule's `paths` may hold (rules/url_target.h), and no quote of the document's. */
static bool is_path(struct slice path)
{
    AUTO_BUFFER struct buffer canonical = BUFFER_EMPTY;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e ||
            memchr("\"#%'<>?\\^`{|}", path.ptr[i], 13) != NULL)
            return false;
    }
    struct pattern compiled;
    struct error error;
    if (path.ptr[0] != '/' || !url_path_canonical(path, &canonical) ||
        !slice_equal(buffer_slice(&canonical), path) ||
        !pattern_compile(&compiled, PATTERN_PATH, path, &error))
        return false;
    pattern_clear(&compiled);
    return true;
}

/* Appends the keys `methods` and `paths`. False when the rule is to be left out. */
static bool write_keys(const struct sbx_rule *rule, struct buffer *out)
{
    struct slice rest = rule->methods;
    AUTO_BUFFER struct buffer methods = BUFFER_EMPTY;
    bool any = rest.len == 0;
    while (rest.ptr != NULL) {
        struct slice word = slice_trim_blanks(slice_cut(&rest, ','));
        enum http_method method = http_method_from_name(word);
        if (slice_equal_nocase(word, SLICE_LITERAL("ANY")))
            any = true;
        else if (method != HTTP_METHOD_UNKNOWN && method != HTTP_METHOD_CONNECT &&
                 method != HTTP_METHOD_TRACE)
            buffer_printf(&methods, "%s%s", methods.len > 0 ? ", " : "", http_method_name(method));
        else if (!rule->allows)
            any = true; /* wider than what is denied there */
    }
    if (!any && methods.len == 0)
        return false;
    if (!any)
        buffer_printf(out, "methods: [%s]", buffer_text(&methods));
    if (rule->path.len == 0)
        return true;
    if (!is_path(rule->path))
        return !rule->allows; /* a deny without its path is wider */
    if (rule->allows && any)
        buffer_append_literal(out, IMPORT_KEYS_SEEN);
    buffer_printf(out, "%spaths: ['%.*s']", out->len > 0 ? "\n    " : "", (int)rule->path.len,
                  rule->path.ptr);
    return true;
}

static bool is_udp_alone(struct slice protocols)
{
    bool any = false;
    while (protocols.ptr != NULL) {
        struct slice word = slice_trim_blanks(slice_cut(&protocols, ','));
        if (word.len > 0 && !slice_equal_nocase(word, SLICE_LITERAL("udp")))
            return false;
        any |= word.len > 0;
    }
    return any;
}

void import_sbx_rule(struct import_draft *draft, struct import_place place, unsigned generation,
                     const struct sbx_rule *rule)
{
    AUTO_BUFFER struct buffer keys = BUFFER_EMPTY;
    char quoted[80];
    if (rule->allows && rule->sandbox.len > 0) {
        import_note(draft, place,
                    "left out: it permits in %s alone; put it under that client by hand",
                    error_quote(rule->sandbox, quoted, sizeof(quoted)));
        return;
    }
    if (rule->sandbox.len > 0)
        import_note(draft, place, "narrowed: a deny of %s alone is one for all here",
                    error_quote(rule->sandbox, quoted, sizeof(quoted)));
    if (is_udp_alone(rule->protocols)) {
        import_note(draft, place, "left out: UDP never passes here");
        return;
    }
    if (!write_keys(rule, &keys)) {
        import_note(draft, place, "left out: the methods or the path cannot be said here");
        return;
    }
    if (keys.len > 0)
        import_note(draft, place,
                    "narrowed: methods and paths are seen in plain HTTP alone; a "
                    "tunnel is %s",
                    rule->allows ? "not permitted by them" : "refused as a whole");
    struct resource resource = {.draft = draft,
                                .place = place,
                                .generation = generation,
                                .allows = rule->allows,
                                .keys = buffer_text(&keys)};
    struct slice rest = rule->resources;
    while (rest.ptr != NULL)
        add_resource(&resource, slice_trim_blanks(slice_cut(&rest, ',')));
}

/* ---- lines of commands ---- */

enum { WORDS_MAX = 64 };

struct command_line {
    struct import_draft *draft;
    struct import_place place;
    struct slice words[WORDS_MAX];
    size_t count, at;
};

/* Divides a line into words as a shell does, with both kinds of quotes and nothing else. */
static bool split_words(struct command_line *line, struct slice text)
{
    AUTO_BUFFER struct buffer word = BUFFER_EMPTY;
    bool open = false;
    char quote = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char byte = i < text.len ? text.ptr[i] : ' ';
        bool blank = byte == ' ' || byte == '\t';
        if (quote == 0 && byte == '#' && !open)
            i = text.len, byte = ' ', blank = true;
        if (quote == 0 && blank && open) {
            if (line->count == WORDS_MAX)
                return false;
            const char *copy = arena_text(&line->draft->arena, buffer_slice(&word));
            line->words[line->count++] = slice_of(copy, word.len);
            buffer_clear(&word);
            open = false;
        } else if (quote == 0 && (byte == '"' || byte == '\'')) {
            quote = byte;
            open = true;
        } else if (quote != 0 && byte == quote && i < text.len) {
            quote = 0;
        } else if ((quote != 0 && i < text.len) || (quote == 0 && !blank)) {
            if (quote != '\'' && strchr("$`\\;|&<>()", byte) != NULL)
                return false; /* a shell would do more than read it */
            buffer_append_byte(&word, byte);
            open = true;
        }
    }
    return quote == 0;
}

static bool take_word(struct command_line *line, const char *word)
{
    if (line->at == line->count || !slice_equal_text(line->words[line->at], word))
        return false;
    line->at++;
    return true;
}

/* Takes "--name VALUE" or "--name=VALUE". */
static bool take_option(struct command_line *line, const char *name, struct slice *value_out)
{
    struct slice value = line->words[line->at];
    struct slice before = slice_cut(&value, '=');
    if (!slice_equal_text(before, name))
        return false;
    bool apart = value.ptr == NULL;
    if (apart && line->at + 1 < line->count)
        value = line->words[line->at + 1];
    if (value.len == 0)
        return false; /* a limit without its value is no limit: the line is refused */
    *value_out = value;
    line->at += apart ? 2 : 1;
    return true;
}

static bool read_allow_or_deny(struct command_line *line, unsigned generation, bool allows)
{
    struct sbx_rule rule = {.allows = allows};
    struct slice plain[2] = {{NULL, 0}, {NULL, 0}};
    size_t plain_count = 0;
    while (line->at < line->count) {
        if (take_word(line, "-g") || take_word(line, "--global") || take_word(line, "--no-input") ||
            take_option(line, "--sandbox", &rule.sandbox) ||
            take_option(line, "--method", &rule.methods) ||
            take_option(line, "--path", &rule.path) ||
            take_option(line, "--protocol", &rule.protocols))
            continue;
        if (line->words[line->at].len == 0 || line->words[line->at].ptr[0] == '-' ||
            plain_count == ARRAY_LEN(plain))
            return false;
        plain[plain_count++] = line->words[line->at++];
    }
    if (plain_count == 0)
        return false;
    if (plain_count == 2)
        rule.sandbox = plain[0]; /* the second generation names it before the resources */
    rule.resources = plain[plain_count - 1];
    import_sbx_rule(line->draft, line->place, generation, &rule);
    return true;
}

static bool read_default(struct command_line *line)
{
    const struct sbx_rule everything = {.allows = true, .resources = SLICE_LITERAL("**")};
    if (take_word(line, "allow-all"))
        import_sbx_rule(line->draft, line->place, 0, &everything);
    else if (take_word(line, "balanced"))
        import_note(line->draft, line->place,
                    "left out: sbx's own list; preset/balanced is the nearest");
    else if (!take_word(line, "deny-all"))
        return false;
    return line->at == line->count;
}

static void read_command(struct command_line *line, unsigned generation)
{
    (void)(take_word(line, "docker") && take_word(line, "sandbox"));
    (void)take_word(line, "sbx");
    (void)take_word(line, "policy");
    bool good = false;
    if (take_word(line, "allow"))
        good = take_word(line, "network") && read_allow_or_deny(line, generation, true);
    else if (take_word(line, "deny"))
        good = take_word(line, "network") && read_allow_or_deny(line, generation, false);
    else if (take_word(line, "init") || take_word(line, "set-default"))
        good = read_default(line);
    if (!good)
        import_fail(line->draft, line->place,
                    "this is no line `sbx policy allow|deny network RESOURCES`; where rules were "
                    "removed again, import what `sbx policy ls` prints");
}

static bool has_listing(struct slice text)
{
    while (text.ptr != NULL) {
        if (import_sbx_is_listing_head(slice_cut(&text, '\n')))
            return true;
    }
    return false;
}

void import_sbx(const struct policy_import_input *input, struct import_draft *draft)
{
    if (has_listing(input->text)) {
        import_sbx_listing(draft, input->file, input->generation, input->text);
        return;
    }
    struct import_place place = {input->file, 0};
    struct slice rest = input->text;
    while (rest.ptr != NULL) {
        struct slice text = import_next_line(&rest);
        struct command_line line = {.draft = draft, .place = {place.file, ++place.line}};
        if (!split_words(&line, text))
            import_fail(draft, line.place, "the line is more than words and quotes");
        else if (line.count > 0)
            read_command(&line, input->generation);
    }
}

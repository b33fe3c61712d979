/* SPDX-License-Identifier: Apache-2.0
 *
 * sbx's network rules. What `*.example.com` covers differs between its generations: any depth up to
 * v0.34, just one label since v0.35. Where the generation is not known an allow takes the narrower
 * reading, with the other as a comment, and a deny the wider one. A name without port means every
 * port there, and so it does in the document. */
#include "policy/import/import_sbx_rule.h"

#include "base/error.h"
#include "rules/network/host_name.h"
#include "rules/http_method.h"
#include "rules/pattern.h"
#include "rules/network/url_target.h"

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
    if (resource->allows && import_names_machine(resource->draft, resource->place, host, has_ports))
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
        if (resource->allows)
            import_note(resource->draft, resource->place, "left out: %s: %s", quote(text).text,
                        error.text);
        else
            import_fail(resource->draft, resource->place, "%s is denied: %s", quote(text).text,
                        error.text);
        return;
    }
    if (host.len > 0)
        add_host(resource, host, ports.ptr != NULL);
}

/* ---- methods and paths ---- */

/* What a rule's `paths` may hold (rules/network/url_target.h), and no quote of the document's. */
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
    if (rule->allows && rule->sandbox.len > 0) {
        import_note(draft, place,
                    "left out: it permits in %s alone; put it under that client by hand",
                    quote(rule->sandbox).text);
        return;
    }
    if (rule->sandbox.len > 0)
        import_note(draft, place, "narrowed: a deny of %s alone is one for all here",
                    quote(rule->sandbox).text);
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

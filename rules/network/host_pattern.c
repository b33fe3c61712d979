/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of host patterns. The way of a good pattern is short, since policies hold them by the
 * hundred thousand; what is wrong with a bad one is found out afterwards, from the whole text, so
 * that the message can say what was meant. */
#include "rules/network/host_pattern.h"

static bool refuse(struct error *error, const char *text)
{
    return error_set(error, 2, "%s", text);
}

/* Reads what stands behind the colon; ptr NULL = there was none. */
static bool parse_ports(struct slice text, bool allows, struct host_pattern *pattern,
                        struct error *error)
{
    pattern->has_ports = text.ptr != NULL;
    if (pattern->has_ports)
        return port_set_parse(text, &pattern->ports, error);
    pattern->ports = port_set_default(allows);
    return true;
}

static bool has_unicode(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return true;
    }
    return false;
}

static bool refuse_unicode(struct error *error)
{
    return refuse(error, "a host is written in ASCII: write the A-label (xn--...) of an "
                         "international name");
}

/* Whether ports were meant, be they well written or not. */
static bool looks_like_ports(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("0123456789,-*", text.ptr[i], 13) == NULL)
            return false;
    }
    return true;
}

/* The last colon divides, if ports stand behind it: an expression may hold colons of its own. Bad
 * ports are not taken for a part of it, since it would then match nothing. */
static bool parse_expression(struct slice text, bool allows, struct host_pattern *pattern,
                             struct error *error)
{
    struct slice ports = {NULL, 0};
    pattern->kind = HOST_PATTERN_REGEX;
    pattern->expression = text;
    const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
    if (colon != NULL) {
        size_t before = (size_t)(colon - text.ptr);
        struct slice behind = slice_of(colon + 1, text.len - before - 1);
        if (looks_like_ports(behind)) {
            ports = behind;
            pattern->expression.len = before;
        }
    }
    if (has_unicode(text))
        return refuse_unicode(error);
    if (pattern->expression.len == 0)
        return refuse(error, "there is no expression behind the `~`");
    if (parse_ports(ports, allows, pattern, error))
        return true;
    return refuse(error,
                  "behind the last colon stand ports (`80,443,8000-8100`, `*`); a colon that "
                  "belongs to the expression is written `[:]`");
}

/* Sets the range, or says why `text` is none, naming the range meant where only bits behind the
 * prefix are in the way. */
static bool parse_range(struct slice text, struct host_pattern *pattern, struct error *error)
{
    pattern->kind = HOST_PATTERN_RANGE;
    if (ip_range_parse(text, &pattern->range))
        return true;
    struct slice prefix = text;
    struct ip_range meant;
    struct slice address = slice_cut(&prefix, '/');
    uint64_t number;
    if (!ip_address_parse(address, &meant.address))
        return refuse(error,
                      "this is neither an address nor a range of addresses (ports of an IPv6 "
                      "address stand behind brackets, `[2001:db8::1]:443`; a path stands "
                      "under `paths`)");
    unsigned bits = memchr(address.ptr, ':', address.len) == NULL ? 32 : 128;
    if (!slice_to_u64(prefix, &number) || number > bits || (prefix.len > 1 && *prefix.ptr == '0'))
        return error_set(
            error, 2,
            "behind the slash of a range stands the number of its fixed bits, 0 to %u, "
            "without leading zeros (a path stands under `paths`)",
            bits);
    meant.prefix = (unsigned)number + 128 - bits;
    for (unsigned bit = meant.prefix; bit < 128; bit++)
        meant.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    AUTO_BUFFER struct buffer range = BUFFER_EMPTY;
    ip_range_write(&meant, &range);
    return error_set(error, 2, "the address has bits set behind the prefix: write `%s`",
                     buffer_text(&range));
}

/* `[2001:db8::1]:443`, `[2001:db8::]/32:443`: the range is put together without the brackets. */
static bool parse_bracketed(struct slice text, bool allows, struct host_pattern *pattern,
                            struct error *error)
{
    char joined[64]; /* the longest address and prefix have 49 bytes */
    const char *bracket = memchr(text.ptr, ']', text.len);
    if (bracket == NULL)
        return refuse(error, "the bracket in front of the IPv6 address is not closed");
    struct slice address = slice_of(text.ptr + 1, (size_t)(bracket - text.ptr) - 1);
    struct slice rest = slice_of(bracket + 1, text.len - address.len - 2);
    struct slice prefix = slice_cut(&rest, ':');
    if (address.len == 0 || memchr(address.ptr, ':', address.len) == NULL)
        return refuse(error, "only an IPv6 address stands between brackets: write names and IPv4 "
                             "addresses without");
    if (memchr(address.ptr, '/', address.len) != NULL)
        return refuse(error, "the prefix stands behind the bracket: `[2001:db8::]/32:443`");
    if (memchr(address.ptr, '%', address.len) != NULL)
        return refuse(error, "an IPv6 address is written without zone");
    if (prefix.len > 0 && prefix.ptr[0] != '/')
        return refuse(error,
                      "behind the bracket stands a prefix (`/32`), ports (`:443`) or nothing");
    if (address.len + prefix.len > sizeof(joined))
        return refuse(error, "what stands between the brackets is no IPv6 address");
    memcpy(joined, address.ptr, address.len);
    memcpy(joined + address.len, prefix.ptr, prefix.len);
    return parse_range(slice_of(joined, address.len + prefix.len), pattern, error) &&
           parse_ports(rest, allows, pattern, error);
}

static bool parse_subdomains(struct slice apex, struct host_pattern *pattern, struct error *error)
{
    pattern->kind = HOST_PATTERN_SUBDOMAINS;
    if (!host_name_parse(apex, &pattern->host, error))
        return false;
    if (pattern->host.is_address)
        return refuse(error, "an address has no subdomains: write a range (`10.0.0.0/8`)");
    if (pattern->host.len > HOST_NAME_LEN_MAX - 2)
        return refuse(error,
                      "no name below this one can have 253 bytes or less: it can never match");
    return true;
}

static bool parse_host(struct slice text, struct host_pattern *pattern, struct error *error)
{
    if (text.len > 2 && text.ptr[0] == '*' && text.ptr[1] == '.')
        return parse_subdomains(slice_of(text.ptr + 2, text.len - 2), pattern, error);
    if (slice_starts_with(text, SLICE_LITERAL("**.")))
        return parse_subdomains(slice_of(text.ptr + 3, text.len - 3), pattern, error);
    if (text.len == 1 && text.ptr[0] == '*') {
        pattern->kind = HOST_PATTERN_ANY;
        return true;
    }
    bool digit = text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
    if (digit && memchr(text.ptr, '/', text.len) != NULL)
        return parse_range(text, pattern, error);
    pattern->kind = HOST_PATTERN_EXACT;
    if (!host_name_parse(text, &pattern->host, error))
        return false;
    if (pattern->host.is_address) {
        pattern->kind = HOST_PATTERN_RANGE;
        pattern->range = (struct ip_range){pattern->host.address, 128};
    }
    return true;
}

/* What somebody meant who wrote a star where none can stand. Behind a good `*.` the error is
 * another one and stays. */
static bool explain_star(struct slice host, struct error *error)
{
    struct slice name = host;
    struct slice stars = slice_cut(&name, '.');
    if (name.len > 0 && memchr(name.ptr, '*', name.len) == NULL &&
        (slice_equal_text(stars, "*") || slice_equal_text(stars, "**")))
        return false;
    if (slice_equal_text(host, "**"))
        return refuse(error, "every host is written `*`");
    if (slice_equal_text(host, "*.") || slice_equal_text(host, "**."))
        return refuse(error, "a name is missing behind `*.`: every host is written `*`");
    return refuse(error, "a star stands alone in front of a dot, once and first (`*.example.com`: "
                         "every subdomain); for anything else write an expression (`~...`)");
}

/* Replaces the error of a bad pattern where the whole text tells more than the place it was found
 * at. `named`: the text has the form of a name, perhaps with ports. */
static bool explain(struct slice text, bool named, bool ports_reached, struct error *error)
{
    struct slice host = text;
    host = slice_cut(&host, ':');
    error->status = 0;
    error->exit_code = 2;
    error->reason = NULL;
    if (has_unicode(text))
        return refuse_unicode(error);
    if (memmem(text.ptr, text.len, "://", 3) != NULL)
        return refuse(error, "this is a URL: write its host alone (`example.com`, "
                             "`example.com:8080`), and a path under `paths`");
    if (memchr(text.ptr, '@', text.len) != NULL)
        return refuse(error, "user and password have no place here: write the host alone");
    if (!named)
        return false;
    if (memchr(text.ptr, '/', text.len) != NULL)
        return refuse(error, "this is a host with a path: write the host alone, and the path under "
                             "`paths`");
    if (ports_reached || host.len == 0)
        return false;
    if (memchr(host.ptr, '*', host.len) != NULL)
        return explain_star(host, error);
    if (host.len > 1 && host.ptr[0] == '.')
        return refuse(error, "a leading dot is no pattern: write `*.example.com` for every "
                             "subdomain, `example.com` for the name itself");
    return false;
}

bool host_pattern_parse(struct slice text, bool allows, struct host_pattern *pattern_out,
                        struct error *error)
{
    struct host_pattern *pattern = pattern_out;
    pattern->host.text[0] = '\0';
    pattern->host.len = 0;
    pattern->host.is_address = false;
    pattern->expression = (struct slice){NULL, 0};
    pattern->has_ports = false;
    if (text.len == 0)
        return refuse(error, "the host is missing");
    if (text.ptr[0] == '~')
        return parse_expression(slice_of(text.ptr + 1, text.len - 1), allows, pattern, error);
    struct slice ports = text;
    struct slice host = slice_cut(&ports, ':');
    if (text.ptr[0] == '[')
        return parse_bracketed(text, allows, pattern, error) || explain(text, false, false, error);
    if (ports.ptr != NULL && memchr(ports.ptr, ':', ports.len) != NULL) {
        pattern->ports = port_set_default(allows);
        return parse_range(text, pattern, error) || explain(text, false, false, error);
    }
    if (!parse_host(host, pattern, error))
        return explain(text, pattern->kind != HOST_PATTERN_RANGE, false, error);
    return parse_ports(ports, allows, pattern, error) || explain(text, true, true, error);
}

static bool is_below(const struct host_name *host, const struct host_name *apex)
{
    if (host->is_address || host->len <= apex->len)
        return false;
    const char *suffix = host->text + host->len - apex->len;
    return suffix[-1] == '.' && memcmp(suffix, apex->text, apex->len) == 0;
}

bool host_pattern_matches(const struct host_pattern *pattern, const struct host_name *host)
{
    switch (pattern->kind) {
    case HOST_PATTERN_EXACT:
        return host_name_equal(&pattern->host, host);
    case HOST_PATTERN_SUBDOMAINS:
        return is_below(host, &pattern->host);
    case HOST_PATTERN_ANY:
        return true;
    case HOST_PATTERN_RANGE:
        return host->is_address && ip_range_contains(&pattern->range, &host->address);
    case HOST_PATTERN_REGEX:
        return false;
    }
    return false;
}

static void write_range(const struct ip_range *range, bool brackets, struct buffer *out)
{
    if (!brackets || ip_address_is_v4(&range->address)) {
        ip_range_write(range, out);
        return;
    }
    buffer_append_byte(out, '[');
    ip_address_write(&range->address, out);
    buffer_append_byte(out, ']');
    if (range->prefix == 128)
        return;
    buffer_append_byte(out, '/');
    buffer_append_u64(out, range->prefix);
}

void host_pattern_write(const struct host_pattern *pattern, struct buffer *out)
{
    switch (pattern->kind) {
    case HOST_PATTERN_SUBDOMAINS:
        buffer_append_literal(out, "*.");
        host_name_write(&pattern->host, out);
        break;
    case HOST_PATTERN_EXACT:
        host_name_write(&pattern->host, out);
        break;
    case HOST_PATTERN_ANY:
        buffer_append_byte(out, '*');
        break;
    case HOST_PATTERN_RANGE:
        write_range(&pattern->range, pattern->has_ports, out);
        break;
    case HOST_PATTERN_REGEX:
        buffer_append_byte(out, '~');
        buffer_append_slice(out, pattern->expression);
        break;
    }
    if (!pattern->has_ports)
        return;
    buffer_append_byte(out, ':');
    port_set_write(&pattern->ports, out);
}

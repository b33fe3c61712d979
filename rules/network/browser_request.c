/* SPDX-License-Identifier: Apache-2.0
 *
 * Three questions, in this order: which site, which origin, which name. A browser writes the fields
 * that answer them by itself; a page cannot. What cannot be read counts as foreign. */
#include "rules/network/browser_request.h"

#include <stdio.h>
#include <string.h>

#include "rules/network/authority.h"
#include "rules/network/host_pattern.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, NO_PORT = 0 };

/* ---- fields ---- */

static bool is_field(struct slice name, const char *wanted)
{
    return slice_equal_nocase(name, slice_from_text(wanted));
}

static bool begins_with(struct slice text, const char *wanted)
{
    struct slice prefix = slice_from_text(wanted);
    return text.len >= prefix.len && slice_equal_folded(text.ptr, prefix.ptr, prefix.len);
}

/* The page's own site, and an address that a person typed, are no page of another site. */
static bool is_own_site(struct slice site)
{
    return slice_equal_text(site, "same-origin") || slice_equal_text(site, "none");
}

static void add_fetch_field(struct browser_request *request, struct slice name, struct slice value)
{
    if (!begins_with(name, "sec-fetch-") && !begins_with(name, "sec-ch-"))
        return;
    request->has_mark = true;
    if (is_field(name, "sec-fetch-site") && !is_own_site(value))
        request->site = value.ptr != NULL ? value : SLICE_LITERAL("");
}

void browser_request_add_field(struct browser_request *request, struct slice name,
                               struct slice value)
{
    if (name.len == 0)
        return;
    switch (name.ptr[0] | 0x20) { /* the first letter decides nearly always */
    case 'a':
        request->has_mark |= is_field(name, "accept-language");
        break;
    case 'c':
        request->has_mark |= is_field(name, "cookie");
        break;
    case 'o':
        if (is_field(name, "origin"))
            request->origin = value.ptr != NULL ? value : SLICE_LITERAL("");
        break;
    case 'r':
        request->has_mark |= is_field(name, "referer");
        break;
    case 's':
        add_fetch_field(request, name, value);
        break;
    case 'u':
        if (is_field(name, "user-agent"))
            request->has_mark |= begins_with(value, "mozilla/");
        break;
    default:
        break;
    }
}

/* ---- origins ---- */

struct origin {
    struct slice scheme; /* as written */
    struct authority authority;
    bool has_port; /* another one than the scheme's own */
};

static unsigned scheme_port(struct slice scheme)
{
    if (is_field(scheme, "http") || is_field(scheme, "ws"))
        return HTTP_PORT;
    return is_field(scheme, "https") || is_field(scheme, "wss") ? HTTPS_PORT : NO_PORT;
}

static bool is_letter(char byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

enum { SCHEME_MAX = 32 };

static bool is_scheme(struct slice scheme)
{
    if (scheme.len == 0 || scheme.len > SCHEME_MAX || !is_letter(scheme.ptr[0]))
        return false;
    for (size_t i = 1; i < scheme.len; i++) {
        char byte = scheme.ptr[i];
        bool digit = byte >= '0' && byte <= '9';
        if (!is_letter(byte) && !digit && byte != '+' && byte != '-' && byte != '.')
            return false;
    }
    return true;
}

static bool parse_origin(struct slice text, struct origin *origin, struct error *error)
{
    struct slice rest = text;
    origin->scheme = slice_cut(&rest, ':');
    if (rest.ptr == NULL || !slice_starts_with(rest, SLICE_LITERAL("//")) ||
        !is_scheme(origin->scheme))
        return error_set(error, 2,
                         "an origin is a scheme and a host, as in https://portainer.example.com "
                         "or http://10.0.0.5:9000%s",
                         slice_equal_text(text, "null")
                             ? "; `null` is every page that hides where it is from"
                             : "");
    unsigned own = scheme_port(origin->scheme);
    /* A scheme without a port of its own may have none in its origins (browser extensions). */
    unsigned otherwise = own == NO_PORT ? HTTP_PORT : own;
    rest = slice_of(rest.ptr + 2, rest.len - 2);
    if (!authority_parse(rest, otherwise, &origin->authority, error))
        return false;
    origin->has_port = origin->authority.port != otherwise;
    return true;
}

enum { ORIGIN_MAX = SCHEME_MAX + HOST_NAME_LEN_MAX + 16 };

/* The origin in its one spelling, in `text` of ORIGIN_MAX bytes. */
static struct slice write_origin(const struct origin *origin, char *text)
{
    const struct host_name *host = &origin->authority.host;
    const bool brackets = host->is_address && memchr(host->text, ':', host->len) != NULL;
    int len = snprintf(text, ORIGIN_MAX, "%.*s://%s%s%s", (int)origin->scheme.len,
                       origin->scheme.ptr, brackets ? "[" : "", host->text, brackets ? "]" : "");
    for (size_t i = 0; i < origin->scheme.len; i++)
        text[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    if (origin->has_port)
        len += snprintf(text + len, ORIGIN_MAX - (size_t)len, ":%u", origin->authority.port);
    return slice_of(text, (size_t)len);
}

bool browser_origin_write(struct slice text, struct buffer *out, struct error *error)
{
    struct origin origin;
    char canonical[ORIGIN_MAX];
    if (!parse_origin(text, &origin, error))
        return false;
    buffer_append_slice(out, write_origin(&origin, canonical));
    return true;
}

static bool is_trusted_origin(const struct browser_trust *trust, struct slice text)
{
    struct origin origin;
    struct error ignored;
    char canonical[ORIGIN_MAX];
    if (trust->origin_count == 0 || !parse_origin(text, &origin, &ignored))
        return false;
    struct slice asked = write_origin(&origin, canonical);
    for (size_t i = 0; i < trust->origin_count; i++) {
        if (slice_equal(trust->origins[i], asked))
            return true;
    }
    return false;
}

/* Whether the origin is where Host says that the request went. A gateway that ends TLS leaves the
 * port away that https has by itself, so that the origin's scheme says which is meant. */
static bool is_own_origin(struct slice text, struct slice host)
{
    struct origin origin;
    struct authority own;
    struct error ignored;
    if (host.len == 0 || !parse_origin(text, &origin, &ignored))
        return false;
    unsigned port = scheme_port(origin.scheme);
    return authority_parse(host, port == NO_PORT ? HTTP_PORT : port, &own, &ignored) &&
           authority_equal(&own, &origin.authority);
}

/* ---- names ---- */

static bool is_listed(const struct browser_trust *trust, struct slice name)
{
    for (size_t i = 0; i < trust->host_count; i++) {
        struct slice listed = trust->hosts[i].name;
        if (!trust->hosts[i].below && slice_equal(listed, name))
            return true;
        if (!trust->hosts[i].below || name.len <= listed.len + 1)
            continue;
        struct slice end = slice_of(name.ptr + name.len - listed.len, listed.len);
        if (end.ptr[-1] == '.' && slice_equal(end, listed))
            return true;
    }
    return false;
}

/* Whether no page that was rebound has this Host. It cannot be loaded from an address or from
 * localhost, and whoever may give out names without a dot is no stranger. A Go client may write its
 * socket's path, encoded, which no address bar takes. */
static bool is_own_host(const struct browser_trust *trust, struct slice host)
{
    struct authority own;
    struct error ignored;
    if (host.len == 0 || begins_with(host, "%2f"))
        return true;
    if (!authority_parse(host, HTTP_PORT, &own, &ignored))
        return false;
    struct slice name = host_name_slice(&own.host);
    return own.host.is_address || host_name_is_local(&own.host) ||
           memchr(name.ptr, '.', name.len) == NULL || is_listed(trust, name);
}

enum browser_verdict browser_request_judge(const struct browser_request *request,
                                           const struct browser_trust *trust, bool on_loopback)
{
    if (trust->everything)
        return BROWSER_NOT_SEEN;
    if (request->site.ptr != NULL)
        return BROWSER_FOREIGN_SITE;
    if (request->origin.ptr != NULL && !is_own_origin(request->origin, request->host) &&
        !is_trusted_origin(trust, request->origin))
        return BROWSER_FOREIGN_ORIGIN;
    if ((on_loopback || request->has_mark) && !is_own_host(trust, request->host))
        return BROWSER_FOREIGN_HOST;
    return BROWSER_NOT_SEEN;
}

bool browser_host_parse(struct slice text, struct buffer *text_out, bool *below_out,
                        struct error *error)
{
    struct host_pattern pattern;
    if (!host_pattern_parse(text, true, &pattern, error))
        return false;
    if (pattern.has_ports)
        return error_set(error, 2, "leave the port away: Host is compared without it");
    switch (pattern.kind) {
    case HOST_PATTERN_EXACT:
    case HOST_PATTERN_SUBDOMAINS:
        *below_out = pattern.kind == HOST_PATTERN_SUBDOMAINS;
        buffer_append_slice(text_out, host_name_slice(&pattern.host));
        return true;
    case HOST_PATTERN_RANGE:
        if (memchr(text.ptr, '/', text.len) != NULL)
            return error_set(error, 2,
                             "a range has no place here: addresses pass without being "
                             "listed");
        *below_out = false;
        buffer_append_slice(text_out, text);
        return true;
    case HOST_PATTERN_ANY:
        return error_set(error, 2,
                         "`*` would be every name, also that of a rebound page: write the names, "
                         "or `browser: allow` if pages may come");
    case HOST_PATTERN_REGEX:
        break;
    }
    return error_set(error, 2, "an expression has no place here: write names, or *.example.com");
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The CONNECT that is sent to the upstream proxy, and the reading of its answer. */
#include "proxy/egress/upstream_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/http/http_head.h"
#include "proxy/http/http_write.h"
#include "rules/network/address_class.h"
#include "rules/network/host_pattern.h"
#include "rules/network/url_target.h"
#include "rules/reason.h"

enum { ADDRESSES_MAX = 64 };

struct upstream_proxy {
    struct authority authority;
    char name[8 + HOST_NAME_LEN_MAX + 9];
    struct buffer authorization;     /* "Basic …"; empty = none */
    struct host_pattern *exceptions; /* owned; none is an expression */
    size_t exception_count;
    struct ip_address known[ADDRESSES_MAX]; /* where it is: a ring once it is full */
    unsigned known_count, known_next;
};

/* RFC 4648 section 4. */
static void append_base64(struct buffer *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (i + j < bytes.len ? (unsigned char)bytes.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++) {
            bool padding = i + j > bytes.len;
            buffer_append_byte(out, padding ? '=' : digits[group >> (18 - 6 * j) & 63]);
        }
    }
}

static bool read_url(struct upstream_proxy *proxy, const char *url, struct error *error)
{
    static const char scheme[] = "http://";
    struct slice rest = slice_from_text(url);
    struct error reason;
    if (slice_starts_with(rest, slice_from_text(scheme)))
        rest = slice_of(url + sizeof(scheme) - 1, rest.len - (sizeof(scheme) - 1));
    else
        return error_set(error, 2, "--upstream-proxy takes http://HOST:PORT");
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        rest.len--;
    if (memchr(rest.ptr, '@', rest.len) != NULL)
        return error_set(
            error, 2,
            "--upstream-proxy takes no credentials, which everybody on this host could "
            "read: use --upstream-proxy-auth FILE");
    if (!authority_parse(rest, 0, &proxy->authority, &reason))
        return error_set(error, 2, "--upstream-proxy takes http://HOST:PORT: %s", reason.text);
    struct buffer name = {proxy->name, 0, sizeof(proxy->name), false};
    buffer_append_text(&name, scheme);
    authority_write(&proxy->authority, 0, &name);
    proxy->name[name.len] = '\0';
    const struct host_name *host = &proxy->authority.host;
    if (host->is_address)
        upstream_proxy_learn(proxy, &host->address, 1);
    else if (host_name_is_local(host))
        upstream_proxy_learn(proxy, ip_loopback, IP_LOOPBACK_COUNT);
    return true;
}

/* Exceptions hold at every port unless they name some, as NO_PROXY does. */
static bool read_exceptions(struct upstream_proxy *proxy, const char *list, struct error *error)
{
    struct slice rest = slice_from_text(list);
    while (rest.ptr != NULL && rest.len > 0) {
        struct slice text = slice_trim_blanks(slice_cut(&rest, ','));
        struct host_pattern pattern;
        struct error reason;
        char below[1 + HOST_NAME_LEN_MAX + 16];
        if (text.len == 0)
            continue;
        if (text.ptr[0] == '.' &&
            text.len < sizeof(below) - 1) { /* ".example.com", as people write */
            below[0] = '*';
            memcpy(below + 1, text.ptr, text.len);
            text = slice_of(below, text.len + 1);
        }
        if (!host_pattern_parse(text, false, &pattern, &reason) ||
            pattern.kind == HOST_PATTERN_REGEX)
            return error_set(error, 2, "--no-proxy: %.*s is no host pattern: %s", (int)text.len,
                             text.ptr,
                             pattern.kind == HOST_PATTERN_REGEX ? "expressions are not taken here"
                                                                : reason.text);
        struct host_pattern *grown =
            reallocarray(proxy->exceptions, proxy->exception_count + 1, sizeof(*proxy->exceptions));
        if (grown == NULL)
            abort();
        proxy->exceptions = grown;
        proxy->exceptions[proxy->exception_count++] = pattern;
    }
    return true;
}

struct upstream_proxy *upstream_proxy_new(const struct upstream_proxy_options *options,
                                          struct error *error)
{
    struct upstream_proxy *proxy = calloc(1, sizeof(*proxy));
    if (proxy == NULL)
        abort();
    if (!read_url(proxy, options->url, error) ||
        (options->exceptions != NULL && !read_exceptions(proxy, options->exceptions, error))) {
        upstream_proxy_free(&proxy);
        return NULL;
    }
    if (options->credentials != NULL) {
        buffer_append_literal(&proxy->authorization, "Basic ");
        append_base64(&proxy->authorization, slice_from_text(options->credentials));
    }
    return proxy;
}

void upstream_proxy_free(struct upstream_proxy **proxy)
{
    struct upstream_proxy *freed = steal_pointer(proxy);
    if (freed == NULL)
        return;
    buffer_free(&freed->authorization);
    free(freed->exceptions);
    free(freed);
}

static bool is_known(const struct upstream_proxy *proxy, const struct ip_address *address)
{
    for (unsigned i = 0; i < proxy->known_count; i++) {
        if (memcmp(&proxy->known[i], address, sizeof(*address)) == 0)
            return true;
    }
    return false;
}

void upstream_proxy_learn(struct upstream_proxy *proxy, const struct ip_address *addresses,
                          unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (is_known(proxy, &addresses[i]))
            continue;
        proxy->known[proxy->known_next] = addresses[i];
        proxy->known_next = (proxy->known_next + 1) % ADDRESSES_MAX;
        if (proxy->known_count < ADDRESSES_MAX)
            proxy->known_count++;
    }
}

const struct ip_address *upstream_proxy_addresses(const struct upstream_proxy *proxy,
                                                  unsigned *count_out)
{
    *count_out = proxy->known_count;
    return proxy->known;
}

static bool is_at(const struct upstream_proxy *proxy, const struct ip_address *address)
{
    bool loopback = address_class_of(address) == ADDRESS_LOOPBACK;
    for (unsigned i = 0; loopback && i < proxy->known_count; i++) {
        if (address_class_of(&proxy->known[i]) == ADDRESS_LOOPBACK)
            return true;
    }
    return is_known(proxy, address);
}

bool upstream_proxy_is_at(const struct upstream_proxy *proxy, const struct ip_address *address,
                          uint16_t port)
{
    struct ip_address led[ADDRESS_LEADS_TO_MAX];
    if (port != proxy->authority.port)
        return false;
    unsigned count = address_class_leads_to(address, led);
    bool at = is_at(proxy, address);
    for (unsigned i = 0; i < count && !at; i++)
        at = is_at(proxy, &led[i]);
    return at;
}

const char *upstream_proxy_name(const struct upstream_proxy *proxy)
{
    return proxy->name;
}

const struct authority *upstream_proxy_authority(const struct upstream_proxy *proxy)
{
    return &proxy->authority;
}

bool upstream_proxy_takes(const struct upstream_proxy *proxy, const struct authority *target)
{
    for (size_t i = 0; i < proxy->exception_count; i++) {
        if (port_set_has(&proxy->exceptions[i].ports, target->port) &&
            host_pattern_matches(&proxy->exceptions[i], &target->host))
            return false;
    }
    return true;
}

struct slice upstream_proxy_authorization(const struct upstream_proxy *proxy)
{
    return buffer_slice(&proxy->authorization);
}

const char upstream_proxy_wants_credentials[] =
    "dockreeve: the upstream proxy wants other credentials; see --upstream-proxy-auth";

void upstream_proxy_write_connect(const struct upstream_proxy *proxy,
                                  const struct authority *target, struct buffer *out)
{
    buffer_append_literal(out, "CONNECT ");
    authority_write(target, 0, out);
    buffer_append_literal(out, " HTTP/1.1\r\nHost: ");
    authority_write(target, 0, out);
    buffer_append_literal(out, "\r\n");
    if (proxy->authorization.len > 0)
        http_write_field(out, SLICE_LITERAL("Proxy-Authorization"),
                         buffer_slice(&proxy->authorization));
    buffer_append_literal(out, "\r\n");
}

enum upstream_proxy_answer upstream_proxy_read(const char *bytes, size_t len, size_t *consumed_out,
                                               struct error *error)
{
    struct http_head head;
    size_t scanned = 0;
    /* What a proxy says to a CONNECT is short. */
    static const struct http_sender sender = {"the upstream proxy", {32768, 1024, 100}};
    switch (http_head_parse_response(&head, bytes, len, &scanned, &sender, consumed_out, error)) {
    case HTTP_HEAD_MORE:
        return UPSTREAM_PROXY_MORE;
    case HTTP_HEAD_BAD:
        error_set_reason(error, 502, REASON_UPSTREAM_PROXY_MALFORMED,
                         "the upstream proxy's answer is no HTTP answer");
        return UPSTREAM_PROXY_REFUSED;
    case HTTP_HEAD_OK:
        break;
    }
    if (head.status / 100 == 2)
        return UPSTREAM_PROXY_OPEN;
    if (head.status == 407)
        error_set_reason(error, 502, REASON_UPSTREAM_PROXY_CREDENTIALS, "%s",
                         upstream_proxy_wants_credentials + sizeof("dockreeve: ") - 1);
    else
        error_set_reason(error, 502, REASON_UPSTREAM_PROXY_REFUSED,
                         "the upstream proxy answered %u to the CONNECT", head.status);
    return UPSTREAM_PROXY_REFUSED;
}

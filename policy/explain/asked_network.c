/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/explain/asked_network.h"

#include <string.h>

#include "base/timestamp.h"
#include "policy/explain/command_request.h"
#include "policy/explain/policy_explain.h"
#include "rules/network/url_target.h"
#include "rules/reason.h"

/* ---- reading ---- */

static bool begins_with(struct slice target, const char *scheme)
{
    struct slice prefix = slice_from_text(scheme);
    return target.len >= prefix.len && slice_equal_nocase(slice_of(target.ptr, prefix.len), prefix);
}

/* Behind the slash that ends the authority of a URL; SIZE_MAX when there is none. */
static size_t begin_of_path(struct slice url)
{
    size_t slashes = 0, at = 0;
    while (at < url.len && slashes < 3)
        slashes += url.ptr[at++] == '/';
    return slashes < 3 ? SIZE_MAX : at;
}

/* "http://host/path", "ws://…": the request is seen. */
static bool read_http(struct asked_network *asked, struct slice target, struct error *error)
{
    AUTO_BUFFER struct buffer room = BUFFER_EMPTY;
    struct url_target url;
    if (asked->inquiry.request.method == HTTP_METHOD_TRACE)
        return error_set_reason(error, 405, REASON_UNKNOWN_METHOD, "TRACE is not taken here");
    if (!command_target_check(target, begin_of_path(target), error) ||
        !url_target_parse(target, &room, &url, error))
        return false;
    asked->inquiry.request.host = url.authority.host;
    asked->inquiry.request.port = url.authority.port;
    asked->inquiry.request.sight = NETWORK_SEEN;
    asked->inquiry.request.path_ambiguous = !url_path_canonical(url.path, &asked->path);
    asked->inquiry.request.path = buffer_slice(&asked->path);
    return true;
}

/* A tunnel: of a URL, only its host and port count. */
static bool read_tunnel(struct asked_network *asked, struct slice target, struct error *error)
{
    struct authority authority;
    size_t scheme = begins_with(target, "https://") ? 8 : begins_with(target, "wss://") ? 6 : 0;
    if (scheme > 0) {
        target = slice_of(target.ptr + scheme, target.len - scheme);
        for (size_t i = 0; i < target.len; i++) {
            if (memchr("/?#", target.ptr[i], 3) != NULL)
                target.len = i;
        }
    }
    if (!command_target_check(target, SIZE_MAX, error) ||
        !authority_parse(target, NETWORK_PORT_TLS, &authority, error))
        return false;
    asked->inquiry.request.host = authority.host;
    asked->inquiry.request.port = authority.port;
    asked->inquiry.request.sight = NETWORK_OPAQUE;
    return true;
}

static bool is_http(struct slice target)
{
    return begins_with(target, "http://") || begins_with(target, "ws://");
}

static bool read_method(struct asked_network *asked, const char *method, bool seen,
                        struct error *error)
{
    asked->inquiry.request.method = HTTP_METHOD_GET;
    asked->method = SLICE_LITERAL("GET");
    if (method == NULL)
        return true;
    if (!seen)
        return error_set(error, COMMAND_USAGE,
                         "--method: a method is seen in plain HTTP only: write the "
                         "target as http://HOST/PATH");
    if (!http_method_is_token(slice_from_text(method)))
        return error_set(error, COMMAND_USAGE, "%s is no method: write GET or POST in capitals",
                         quote_text(method).text);
    asked->method = slice_from_text(method);
    asked->inquiry.request.method = http_method_from_name(asked->method);
    return true;
}

static bool read_addresses(struct asked_network *asked, const struct asked_network_words *words,
                           struct error *error)
{
    if (words->address_count > ASKED_ADDRESSES_MAX)
        return error_set(error, COMMAND_USAGE, "--address: more than %d addresses",
                         ASKED_ADDRESSES_MAX);
    for (size_t i = 0; i < words->address_count; i++) {
        struct slice text = slice_from_text(words->addresses[i]);
        if (!ip_address_parse(text, &asked->addresses[i]))
            return error_set(error, COMMAND_USAGE, "--address: %s is no address", quote(text).text);
    }
    asked->address_count = (unsigned)words->address_count;
    return true;
}

static bool read_sni(struct asked_network *asked, const char *sni, bool seen, struct error *error)
{
    struct error bad;
    if (sni == NULL)
        return true;
    if (seen)
        return error_set(error, COMMAND_USAGE, "--sni: plain HTTP has no ClientHello");
    asked->has_tunnel = true;
    asked->tunnel.protocol = NETWORK_PROTOCOL_TLS;
    asked->tunnel.has_sni = strcmp(sni, "-") != 0;
    if (asked->tunnel.has_sni)
        asked->tunnel.sni_bad =
            !host_name_parse_dns(slice_from_text(sni), &asked->tunnel.sni, &bad);
    return true;
}

/* What the words pretend cannot contradict what the target says itself. */
static bool check_addresses(const struct asked_network *asked, struct error *error)
{
    const struct host_name *host = &asked->inquiry.request.host;
    for (unsigned i = 0; !asked->malformed && i < asked->address_count; i++) {
        if (host->is_address &&
            memcmp(&asked->addresses[i], &host->address, sizeof(host->address)) != 0)
            return error_set(error, COMMAND_USAGE, "--address: the target is an address itself");
    }
    return true;
}

bool asked_network_read(struct asked_network *asked, const struct policy *policy,
                        const struct policy_client *client, const struct asked_network_words *words,
                        struct error *error)
{
    struct slice target = slice_from_text(words->target);
    bool seen = is_http(target);
    *asked = (struct asked_network){.inquiry = {.policy = policy, .client = client}};
    asked->inquiry.request.now_us = timestamp_now_us();
    asked->inquiry.request.own_host = words->own_host;
    if (!read_method(asked, words->method, seen, error) || !read_addresses(asked, words, error) ||
        !read_sni(asked, words->sni, seen, error))
        return false;
    asked->malformed = seen ? !read_http(asked, target, &asked->error)
                            : !read_tunnel(asked, target, &asked->error);
    return check_addresses(asked, error);
}

/* ---- deciding ---- */

/* Where the name leads, as far as anybody says. */
static enum network_step find_addresses(struct asked_network *asked,
                                        const struct asked_lookup *lookup)
{
    struct network_inquiry *inquiry = &asked->inquiry;
    const struct host_name *host = &inquiry->request.host;
    unsigned count;
    const struct ip_address *meant = network_inquiry_stands_for(host, &count);
    if (meant != NULL && (host->is_address || asked->address_count == 0)) {
        memcpy(asked->addresses, meant, count * sizeof(*meant));
        asked->address_count = count;
    } else if (asked->address_count == 0 && lookup != NULL) {
        inquiry->way = lookup->find(lookup->context, host, asked->addresses, &asked->address_count,
                                    &asked->chain, &asked->error)
                           ? NETWORK_WAY_UNKNOWN
                           : NETWORK_WAY_NOWHERE;
        inquiry->request.cnames = name_chain_slice(&asked->chain);
    } else if (asked->address_count == 0) {
        inquiry->way = NETWORK_WAY_HIDDEN;
    }
    return asked->address_count == 0
               ? network_inquiry_ask(inquiry) /* an alias may be denied */
               : network_inquiry_lead(inquiry, asked->addresses, asked->address_count, 0,
                                      asked->verdicts);
}

void asked_network_decide(struct asked_network *asked, const struct asked_lookup *lookup)
{
    if (asked->malformed)
        return;
    enum network_step step = network_inquiry_ask(&asked->inquiry);
    if (step == NETWORK_STEP_DENIED)
        asked->address_count = 0; /* what is denied by name is never resolved */
    if (step == NETWORK_STEP_ADDRESSES)
        step = find_addresses(asked, lookup);
    if (step == NETWORK_STEP_FIRST_BYTES && asked->has_tunnel) {
        asked->inquiry.request.tunnel = &asked->tunnel;
        step = network_inquiry_ask(&asked->inquiry);
    }
    asked->unresolved = step == NETWORK_STEP_NOWHERE;
}

/* ---- the answer ---- */

bool asked_network_is_allowed(const struct asked_network *asked)
{
    return !asked->malformed && asked->inquiry.verdict.result == VERDICT_ALLOW;
}

void asked_network_write_rule(const struct asked_network *asked, struct buffer *out)
{
    if (asked->malformed)
        buffer_append_literal(out, "built-in");
    else
        network_verdict_write_rule(&asked->inquiry.verdict, out);
}

void asked_network_write_source(const struct asked_network *asked, struct buffer *out)
{
    if (asked->malformed)
        buffer_append_literal(out, "built-in");
    else
        network_verdict_write_source(&asked->inquiry.verdict, out);
}

void asked_network_clear(struct asked_network *asked)
{
    buffer_free(&asked->path);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping the facts of an exchange in one block of text. */
#include "proxy/egress/egress_exchange.h"

#include "proxy/io/own_host.h"
#include "proxy/loop/loop.h"
#include "rules/network/url_target.h"

enum { REFUSED_LEN_MAX = 2048 };

void egress_exchange_set_target(struct egress_exchange *exchange, struct slice peer,
                                const struct host_name *host, uint16_t port, struct slice path)
{
    buffer_clear(&exchange->facts);
    buffer_append_slice(&exchange->facts, peer);
    if (host != NULL)
        buffer_append_slice(&exchange->facts, host_name_slice(host));
    buffer_append_slice(&exchange->facts, path);
    bool kept = !exchange->facts.failed;
    exchange->peer_len = kept ? (uint8_t)peer.len : 0;
    exchange->host_len = kept && host != NULL ? host->len : 0;
    exchange->path_len = kept ? (uint16_t)path.len : 0;
    exchange->port = port;
    exchange->cnames_at = exchange->cnames_len = 0;
    exchange->method_len = 0;
    exchange->refused_at = exchange->refused_len = exchange->hello_at = 0;
    exchange->refused_count = exchange->sni_len = exchange->alpn_len = exchange->protocol = 0;
    exchange->has_sni = exchange->sni_bad = exchange->ech = false;
}

void egress_exchange_set_method(struct egress_exchange *exchange, enum http_method method,
                                struct slice name)
{
    exchange->method = (uint8_t)method;
    exchange->method_len = 0;
    if (method != HTTP_METHOD_UNKNOWN)
        return;
    buffer_append_slice(&exchange->facts, name);
    exchange->method_len = exchange->facts.failed ? 0 : (uint8_t)name.len;
}

bool egress_exchange_set_cnames(struct egress_exchange *exchange, struct slice cnames)
{
    size_t begin = exchange->facts.len;
    exchange->cnames_len = 0;
    if (cnames.len == 0)
        return true;
    buffer_append_slice(&exchange->facts, cnames);
    if (exchange->facts.failed) {
        exchange->facts.len = begin;
        return false;
    }
    exchange->cnames_at = (uint16_t)begin;
    exchange->cnames_len = (uint16_t)cnames.len;
    return true;
}

void egress_exchange_add_refused(struct egress_exchange *exchange, const struct ip_address *address,
                                 const char *reason)
{
    struct buffer *facts = &exchange->facts;
    size_t begin = facts->len;
    if (exchange->refused_len > REFUSED_LEN_MAX || exchange->refused_count == UINT8_MAX)
        return;
    if (exchange->refused_count == 0)
        exchange->refused_at = (uint16_t)begin;
    ip_address_write(address, facts);
    buffer_append_byte(facts, ' ');
    buffer_append_text(facts, reason);
    buffer_append_byte(facts, '\0');
    if (facts->failed) {
        facts->len = begin;
        return;
    }
    exchange->refused_count++;
    exchange->refused_len = (uint16_t)(facts->len - exchange->refused_at);
}

/* The texts of an earlier hello are given up, if nothing came behind them. */
static void forget_hello(struct egress_exchange *exchange)
{
    size_t len = (size_t)exchange->sni_len + exchange->alpn_len;
    if (len > 0 && exchange->hello_at + len == exchange->facts.len)
        exchange->facts.len = exchange->hello_at;
    exchange->sni_len = exchange->alpn_len = 0;
}

void egress_exchange_set_hello(struct egress_exchange *exchange, const struct tunnel_facts *hello,
                               struct slice alpn)
{
    bool named = hello->has_sni && !hello->sni_bad;
    struct slice sni = named ? host_name_slice(&hello->sni) : slice_of(NULL, 0);
    forget_hello(exchange);
    size_t begin = exchange->facts.len;
    buffer_append_slice(&exchange->facts, sni);
    buffer_append_slice(&exchange->facts, alpn);
    exchange->protocol = (uint8_t)hello->protocol;
    exchange->has_sni = hello->has_sni;
    exchange->ech = hello->ech;
    exchange->sni_bad = hello->sni_bad || (named && exchange->facts.failed);
    if (exchange->facts.failed) {
        exchange->facts.len = begin;
        return;
    }
    exchange->hello_at = (uint16_t)begin;
    exchange->sni_len = (uint8_t)sni.len;
    exchange->alpn_len = (uint8_t)alpn.len;
}

bool egress_exchange_hello(const struct egress_exchange *exchange, struct tunnel_facts *hello_out)
{
    struct error ignored;
    struct slice sni = slice_of(exchange->facts.data + exchange->hello_at, exchange->sni_len);
    *hello_out = (struct tunnel_facts){
        .protocol = (enum network_protocol)exchange->protocol,
        .has_sni = exchange->has_sni,
        .sni_bad = exchange->sni_bad,
        .ech = exchange->ech,
    };
    if (sni.len > 0 && !host_name_parse_dns(sni, &hello_out->sni, &ignored))
        hello_out->sni_bad = true;
    return exchange->protocol != 0;
}

void egress_exchange_judge(struct egress_exchange *exchange, struct policy *policy,
                           const struct network_verdict *verdict)
{
    exchange_judged_by(&exchange->common, policy);
    exchange->verdict = *verdict;
    exchange->common.judged = true;
    exchange->common.reason = verdict->reason;
    exchange->common.would_deny = verdict->would_deny ? verdict->reason : NULL;
}

void egress_exchange_inquire(const struct egress_exchange *exchange, const struct loop *loop,
                             const struct policy_client *client, const struct host_name *host,
                             struct network_inquiry *inquiry)
{
    *inquiry = (struct network_inquiry){
        .policy = loop->policy,
        .client = client,
        .request =
            {
                .host = *host,
                .port = exchange->port,
                .sight = NETWORK_OPAQUE,
                .now_us = timestamp_now_us(),
                .address = exchange->has_address ? &exchange->address : NULL,
                .cnames = egress_exchange_cnames(exchange),
                .own_host = own_host_asked(loop->own_host),
            },
        .way = exchange->by_proxy ? NETWORK_WAY_HIDDEN : NETWORK_WAY_UNKNOWN,
    };
}

void egress_exchange_describe(const struct egress_exchange *exchange, struct buffer *canonical,
                              struct network_request *request)
{
    struct slice path = slice_of(exchange->facts.data + exchange->peer_len + exchange->host_len,
                                 exchange->path_len);
    buffer_clear(canonical);
    request->sight = NETWORK_SEEN;
    request->method = (enum http_method)exchange->method;
    request->path_ambiguous = !url_path_canonical(path, canonical) || canonical->failed;
    request->path = buffer_slice(canonical);
}

struct slice egress_exchange_host(const struct egress_exchange *exchange)
{
    return slice_of(exchange->facts.data + exchange->peer_len, exchange->host_len);
}

bool egress_exchange_target(const struct egress_exchange *exchange, struct host_name *host_out)
{
    struct slice host = egress_exchange_host(exchange);
    struct ip_address address;
    struct error error;
    if (!ip_address_parse(host, &address))
        return host_name_parse(host, host_out, &error);
    host_name_from_address(host_out, &address);
    return true;
}

void egress_exchange_shrink(struct egress_exchange *exchange)
{
    buffer_shrink(&exchange->facts);
}

void egress_exchange_clear(struct egress_exchange *exchange, struct loop *loop)
{
    exchange_forget(&exchange->common, loop);
    struct buffer facts = exchange->facts;
    buffer_clear(&facts);
    *exchange = (struct egress_exchange){.facts = facts};
}

void egress_exchange_free(struct egress_exchange *exchange, struct loop *loop)
{
    egress_exchange_clear(exchange, loop);
    buffer_free(&exchange->facts);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of an egress exchange (docs/design.md 5). Every exchange that was numbered gets exactly one
 * closing record: `request` when nothing was written before, `close` after an `open`. */

#include "policy/explain/policy_explain.h"
#include "proxy/egress/egress_exchange.h"
#include "proxy/egress/upstream_proxy.h"
#include "proxy/loop/log_identity.h"
#include "proxy/loop/rule_counter.h"

/* Texts that are made for one record only. */
struct record_texts {
    char id[LOG_ID_LEN_MAX];
    char address[64];
    struct slice refused[UINT8_MAX], cnames[NAME_CHAIN_NAMES_MAX];
    struct buffer *rule, *source; /* the gate's scratch space */
};

static unsigned split_refused(const struct egress_exchange *exchange, const char *text,
                              struct slice *refused)
{
    struct slice rest = slice_of(text, exchange->refused_len);
    for (unsigned i = 0; i < exchange->refused_count; i++)
        refused[i] = slice_cut(&rest, '\0');
    return exchange->refused_count;
}

static void fill_cnames(const struct egress_exchange *exchange, struct record_texts *texts,
                        struct log_record *record)
{
    struct slice rest = egress_exchange_cnames(exchange);
    record->cname_denied = network_verdict_cname(&exchange->verdict, rest);
    record->cnames = texts->cnames;
    while (rest.len > 0 && record->cname_count < ARRAY_LEN(texts->cnames))
        texts->cnames[record->cname_count++] = slice_cut(&rest, '\0');
}

/* The facts were put one behind the other: they are taken apart in the same order. */
static void fill_facts(const struct egress_exchange *exchange, struct record_texts *texts,
                       struct log_record *record)
{
    const char *at = exchange->facts.data;
    if (at == NULL)
        return;
    record->peer = slice_of(at, exchange->peer_len);
    at += exchange->peer_len;
    if (exchange->host_len > 0)
        record->host = slice_of(at, exchange->host_len);
    at += exchange->host_len;
    if (exchange->path_len > 0)
        record->path = slice_of(at, exchange->path_len);
    at += exchange->path_len;
    if (exchange->method_len > 0)
        record->method = slice_of(at, exchange->method_len);
    record->refused_addresses = texts->refused;
    record->refused_address_count =
        split_refused(exchange, exchange->facts.data + exchange->refused_at, texts->refused);
    at = exchange->facts.data + exchange->hello_at;
    if (exchange->sni_len > 0)
        record->sni = slice_of(at, exchange->sni_len);
    at += exchange->sni_len;
    if (exchange->alpn_len > 0)
        record->alpn = slice_of(at, exchange->alpn_len);
}

static void fill_address(const struct egress_exchange *exchange, struct record_texts *texts,
                         struct log_record *record)
{
    if (!exchange->has_address)
        return;
    struct buffer out = {texts->address, 0, sizeof(texts->address), false};
    ip_address_write(&exchange->address, &out);
    record->address = buffer_slice(&out);
}

static void fill_decision(const struct egress_exchange *exchange, struct record_texts *texts,
                          struct log_record *record)
{
    bool allowed = exchange->verdict.result == VERDICT_ALLOW;
    record->has_decision = true;
    record->allowed = exchange->common.judged && allowed && !exchange->common.refused;
    if (exchange->common.judged && (record->allowed || !allowed)) {
        network_verdict_write_rule(&exchange->verdict, texts->rule);
        network_verdict_write_source(&exchange->verdict, texts->source);
        record->rule = buffer_slice(texts->rule);
        record->source = buffer_slice(texts->source);
    } else {
        record->rule = SLICE_LITERAL("built-in");
        record->source = SLICE_LITERAL("built-in");
    }
    record->reason = slice_from_text(exchange->common.reason);
    record->text = slice_from_text(exchange->text);
    record->would_deny = slice_from_text(exchange->common.would_deny);
}

static void fill(struct egress_exchange *exchange, struct loop *loop,
                 const struct listener *listener, enum log_event event, struct record_texts *texts,
                 struct log_record *record)
{
    texts->rule = &loop->scratch->rule;
    texts->source = &loop->scratch->source;
    buffer_clear(texts->rule);
    buffer_clear(texts->source);
    *record = (struct log_record){
        .time_us = timestamp_now_us(),
        .id = log_identity_id(loop, exchange->common.id, texts->id),
        .event = event,
        .kind = SLICE_LITERAL("network"),
        .client = slice_from_text(listener_client(listener)->name),
        .via = exchange->transparent ? SLICE_LITERAL("transparent") : SLICE_LITERAL("forward"),
        .port = exchange->port,
        .ech = exchange->ech,
        .host_mismatch = exchange->host_mismatch,
        .status = exchange->common.status,
    };
    if (exchange->method != HTTP_METHOD_UNKNOWN)
        record->method = slice_from_text(http_method_name((enum http_method)exchange->method));
    fill_facts(exchange, texts, record);
    if (exchange->cnames_len > 0)
        fill_cnames(exchange, texts, record);
    fill_address(exchange, texts, record);
    fill_decision(exchange, texts, record);
    if (exchange->by_proxy)
        record->upstream_proxy = slice_from_text(upstream_proxy_name(loop->egress->proxy));
    record->policy = slice_from_text(
        policy_hash(exchange->common.policy != NULL ? exchange->common.policy : loop->policy));
}

/* Whether the origin was looked for in vain. */
static bool is_not_reached(struct slice reason)
{
    static const struct slice kinds[] = {{"dns.", 4}, {"connect.", 8}, {"upstream-proxy.", 15}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (slice_starts_with(reason, kinds[i]))
            return true;
    }
    return false;
}

static void count(struct loop *loop, const struct listener *listener,
                  const struct egress_exchange *exchange, const struct log_record *record,
                  struct record_texts *texts)
{
    bool tunnel = exchange->method == HTTP_METHOD_CONNECT || record->method.ptr == NULL;
    struct metrics_series *series = metrics_series(
        loop->metrics, listener_client(listener)->name, tunnel ? "tunnel" : "forward",
        metrics_decision_of(record->allowed, record->would_deny.len > 0),
        texts->rule->len > 0 ? buffer_text(texts->rule) : "built-in", "built-in");
    metrics_series_count(series);
    metrics_series_observe(series, record->duration_us);
    if (is_not_reached(record->reason))
        metrics_totals(loop->metrics)->upstream_errors++;
}

void egress_log_count_rule(struct egress_exchange *exchange, struct loop *loop)
{
    bool decided = exchange->common.judged &&
                   (exchange->verdict.result == VERDICT_DENY || !exchange->common.refused);
    if (decided && !exchange->counted)
        rule_counter_count(loop->counter, exchange->common.policy, exchange->verdict.number,
                           timestamp_now_us());
    exchange->counted = true;
}

uint64_t egress_log_open(struct egress_exchange *exchange, struct loop *loop,
                         const struct listener *listener)
{
    struct record_texts texts;
    struct log_record record;
    fill(exchange, loop, listener, LOG_OPEN, &texts, &record);
    if (exchange->method != HTTP_METHOD_CONNECT) /* a tunnel's first bytes have a say too */
        egress_log_count_rule(exchange, loop);
    exchange->common.opened = true;
    return log_writer_add(loop->log, &record);
}

static uint64_t write_last(struct egress_exchange *exchange, struct loop *loop,
                           const struct listener *listener, enum log_event event,
                           const char *reason)
{
    struct record_texts texts;
    struct log_record record;
    fill(exchange, loop, listener, event, &texts, &record);
    record.has_outcome = true;
    record.bytes_in = exchange->bytes_in;
    record.bytes_out = exchange->bytes_out;
    record.duration_us = (uint64_t)(timestamp_monotonic_us() - exchange->common.started_us);
    record.close = slice_from_text(reason);
    count(loop, listener, exchange, &record, &texts);
    egress_log_count_rule(exchange, loop);
    exchange->common.logged = true;
    return log_writer_add(loop->log, &record);
}

uint64_t egress_log_close(struct egress_exchange *exchange, struct loop *loop,
                          const struct listener *listener, const char *reason)
{
    if (exchange->common.id == 0 || exchange->common.logged)
        return 0;
    return write_last(exchange, loop, listener, exchange->common.opened ? LOG_CLOSE : LOG_REQUEST,
                      reason);
}

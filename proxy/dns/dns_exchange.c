/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging, answering and logging of one DNS question. Nothing of the policy is kept while the
 * resolver works: its answer is judged, name and addresses, by the policy that is in force then. */
#include "proxy/dns/dns_exchange.h"

#include <stdio.h>
#include <string.h>

#include "policy/explain/network_inquiry.h"
#include "policy/explain/policy_explain.h"
#include "proxy/loop/log_identity.h"
#include "proxy/io/own_host.h"
#include "proxy/loop/rule_counter.h"
#include "rules/reason.h"

enum { TYPE_IXFR = 251, TYPE_AXFR = 252, REFUSED_TEXT_MAX = 96 };

/* What becomes of a question. On the stack: it lasts until its record is written. */
struct outcome {
    enum dns_code code;
    const char *reason;
    bool allowed;
    bool judged; /* the verdict says something */
    struct network_verdict verdict;
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX];
    unsigned count;
    uint32_t ttl_s;
    struct name_chain chain; /* the aliases that were found */
    char refused[RESOLVER_ADDRESSES_MAX][REFUSED_TEXT_MAX];
    unsigned refused_count;
};

static struct dns_exchange *exchange_of_waiter(struct log_waiter *waiter)
{
    return container_of(waiter, struct dns_exchange, waiter);
}

static void set(struct outcome *outcome, bool allowed, enum dns_code code, const char *reason)
{
    outcome->allowed = allowed;
    outcome->code = code;
    outcome->reason = reason;
}

static bool asks_for_address(const struct dns_question *question)
{
    return question->type == DNS_TYPE_A || question->type == DNS_TYPE_AAAA;
}

/* --- the record --- */

/* "192.0.2.1,192.0.2.2": those of the type that was asked for. */
static void write_addresses(const struct dns_exchange *exchange, const struct outcome *outcome,
                            struct buffer *out)
{
    bool v4 = exchange->question.type == DNS_TYPE_A;
    for (unsigned i = 0; i < outcome->count && asks_for_address(&exchange->question); i++) {
        if (ip_address_is_v4(&outcome->addresses[i]) != v4)
            continue;
        if (out->len > 0)
            buffer_append_byte(out, ',');
        ip_address_write(&outcome->addresses[i], out);
    }
}

static void count(struct loop *loop, const char *client, const struct log_record *record,
                  const char *rule)
{
    struct metrics_series *series = metrics_series(
        loop->metrics, client, "dns",
        metrics_decision_of(record->allowed, record->would_deny.len > 0), rule, "built-in");
    metrics_series_count(series);
    metrics_series_observe(series, record->duration_us);
}

static void fill_question(const struct dns_exchange *exchange, char type[12],
                          struct log_record *record)
{
    const struct dns_question *question = &exchange->question;
    if (question->raw_len == 0)
        return; /* not read so far */
    record->question = slice_from_text(dns_type_name(question->type, type));
    record->host =
        question->name_bad ? slice_from_text(question->shown) : host_name_slice(&question->name);
}

static unsigned split_cnames(const struct outcome *outcome, struct slice *cnames_out)
{
    struct slice rest = name_chain_slice(&outcome->chain);
    unsigned count = 0;
    while (rest.len > 0 && count < NAME_CHAIN_NAMES_MAX)
        cnames_out[count++] = slice_cut(&rest, '\0');
    return count;
}

static uint64_t write_record(const struct dns_exchange *exchange, const struct outcome *outcome)
{
    struct loop *loop = exchange->loop;
    const char *client = listener_client(exchange->listener)->name;
    AUTO_BUFFER struct buffer rule = BUFFER_EMPTY, source = BUFFER_EMPTY, address = BUFFER_EMPTY;
    char id[LOG_ID_LEN_MAX], peer[LOG_PEER_LEN_MAX], type[12];
    struct slice refused[RESOLVER_ADDRESSES_MAX], cnames[NAME_CHAIN_NAMES_MAX];
    for (unsigned i = 0; i < outcome->refused_count; i++)
        refused[i] = slice_from_text(outcome->refused[i]);
    write_addresses(exchange, outcome, &address);
    if (outcome->judged) {
        network_verdict_write_rule(&outcome->verdict, &rule);
        network_verdict_write_source(&outcome->verdict, &source);
    } else {
        buffer_append_literal(&rule, "built-in");
        buffer_append_literal(&source, "built-in");
    }
    struct log_record record = {
        .time_us = timestamp_now_us(),
        .id = log_identity_id(loop, exchange->id, id),
        .event = LOG_REQUEST,
        .kind = SLICE_LITERAL("network"),
        .client = slice_from_text(client),
        .peer = log_identity_peer(&exchange->peer, 0, 0, peer),
        .via = SLICE_LITERAL("dns"),
        .address = buffer_slice(&address),
        .refused_addresses = refused,
        .refused_address_count = outcome->refused_count,
        .cnames = cnames,
        .cname_count = split_cnames(outcome, cnames),
        .cname_denied = network_verdict_cname(&outcome->verdict, name_chain_slice(&outcome->chain)),
        .has_decision = true,
        .allowed = outcome->allowed,
        .rule = buffer_slice(&rule),
        .source = buffer_slice(&source),
        .reason = slice_from_text(outcome->reason),
        .has_outcome = true,
        .bytes_in = exchange->question_len,
        .bytes_out = exchange->answer_len,
        .duration_us = (uint64_t)(timestamp_monotonic_us() - exchange->started_us),
        .policy = slice_from_text(policy_hash(loop->policy)),
    };
    if (outcome->judged && outcome->verdict.would_deny)
        record.would_deny = slice_from_text(outcome->verdict.reason);
    fill_question(exchange, type, &record);
    count(loop, client, &record, buffer_text(&rule));
    return log_writer_add(loop->log, &record);
}

/* --- the answer --- */

static void write_answer(struct dns_exchange *exchange, const struct outcome *outcome)
{
    size_t limit =
        exchange->limit < sizeof(exchange->answer) ? exchange->limit : sizeof(exchange->answer);
    exchange->answer_len =
        dns_answer_write(&exchange->question, outcome->code, outcome->addresses, outcome->count,
                         outcome->ttl_s, limit, exchange->answer);
}

static void on_written(struct log_waiter *waiter, enum log_write_state state)
{
    struct dns_exchange *exchange = exchange_of_waiter(waiter);
    if (exchange->allowed && state != LOG_WRITE_DONE) { /* nothing passes unlogged */
        struct outcome failure = {.code = DNS_FAILURE};
        write_answer(exchange, &failure);
    }
    exchange->answered(exchange);
}

/* Whether a denial gets a record of its own. Else it was counted, and where the log has no room the
 * asker may ask again. */
static bool may_log_denial(const struct dns_exchange *exchange, struct outcome *outcome)
{
    struct loop *loop = exchange->loop;
    struct share_peer *peer =
        share_peer_use(listener_client(exchange->listener)->share, &exchange->peer, 0);
    bool full = loop->options->log_required && !loop_log_has_room(loop, peer);
    bool may = !full && share_may_log_denial(peer, timestamp_monotonic_us());
    if (full)
        outcome->code = DNS_FAILURE;
    if (!may)
        share_count_refused(peer, full ? SHARE_REFUSED_LOG_FULL : SHARE_REFUSED_DENIAL_RATE,
                            SHARE_NETWORK);
    share_peer_unuse(&peer);
    return may;
}

/* A client that floods with denied names gets its answers, but not a record for each. */
static void finish(struct dns_exchange *exchange, struct outcome *outcome)
{
    struct loop *loop = exchange->loop;
    uint64_t seq = 0;
    exchange->allowed = outcome->allowed;
    if (outcome->judged)
        rule_counter_count(loop->counter, loop->policy, outcome->verdict.number,
                           timestamp_now_us());
    bool has_record = outcome->allowed || may_log_denial(exchange, outcome);
    write_answer(exchange, outcome);
    if (has_record)
        seq = write_record(exchange, outcome);
    loop_wait_for_log(loop, &exchange->waiter, seq);
    exchange->waiter.written = on_written;
}

/* --- the decision --- */

static struct network_inquiry inquire(const struct dns_exchange *exchange, struct slice cnames)
{
    return (struct network_inquiry){
        .policy = exchange->loop->policy,
        .client = listener_policy_client(exchange->listener),
        .request =
            {
                .host = exchange->question.name,
                .sight = NETWORK_ASKED,
                .now_us = timestamp_now_us(),
                .cnames = cnames,
                .own_host = own_host_asked(exchange->loop->own_host),
            },
    };
}

/* Whether the name may be asked for at all; if not, the outcome says why. */
static bool admit(const struct dns_exchange *exchange, enum dns_code code, struct outcome *outcome)
{
    const struct loop *loop = exchange->loop;
    const struct dns_question *question = &exchange->question;
    if (code != DNS_OK)
        set(outcome, false, code, REASON_MALFORMED_DNS_MESSAGE);
    else if (listener_policy_client(exchange->listener) == NULL)
        set(outcome, false, DNS_REFUSED, REASON_LISTENER_CLOSED);
    else if (question->class != DNS_CLASS_IN)
        set(outcome, false, DNS_REFUSED, REASON_DNS_CLASS);
    else if (question->type == TYPE_AXFR || question->type == TYPE_IXFR)
        set(outcome, false, DNS_REFUSED, REASON_DNS_TRANSFER);
    else if (question->name_bad)
        set(outcome, false, DNS_NO_NAME, REASON_MALFORMED_HOST);
    else if (!log_writer_has_room(loop->log) && loop->options->log_required)
        set(outcome, false, DNS_FAILURE, REASON_LOG_UNWRITABLE);
    else
        outcome->judged = true;
    if (!outcome->judged)
        return false;
    struct network_inquiry inquiry = inquire(exchange, (struct slice){NULL, 0});
    bool allowed = network_inquiry_ask(&inquiry) != NETWORK_STEP_DENIED;
    outcome->verdict = inquiry.verdict;
    set(outcome, allowed, allowed ? DNS_OK : DNS_NO_NAME, outcome->verdict.reason);
    if (allowed && loop->log_failing && loop->options->log_required) {
        outcome->judged = allowed = false; /* nor does a name server hear of it */
        set(outcome, false, DNS_FAILURE, REASON_LOG_UNWRITABLE);
    }
    return allowed;
}

static void deny(const struct network_inquiry *inquiry, struct outcome *outcome)
{
    outcome->verdict = inquiry->verdict;
    set(outcome, false, DNS_NO_NAME, inquiry->verdict.reason);
}

/* Answers those that may be dialled. When none may, the name is denied as a whole. */
static void judge_addresses(const struct dns_exchange *exchange, const struct ip_address *addresses,
                            unsigned address_count, struct outcome *outcome)
{
    struct network_verdict verdicts[RESOLVER_ADDRESSES_MAX];
    struct network_inquiry inquiry = inquire(exchange, name_chain_slice(&outcome->chain));
    enum network_step step = network_inquiry_lead(&inquiry, addresses, address_count, 0, verdicts);
    for (unsigned i = 0; i < address_count; i++) {
        if (verdicts[i].result == VERDICT_ALLOW) {
            outcome->addresses[outcome->count++] = addresses[i];
            continue;
        }
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        ip_address_write(&addresses[i], &text);
        snprintf(outcome->refused[outcome->refused_count++], REFUSED_TEXT_MAX, "%s %s",
                 buffer_text(&text), verdicts[i].reason);
    }
    if (step == NETWORK_STEP_DENIED)
        deny(&inquiry, outcome);
}

static void use_resolved(const struct dns_exchange *exchange, const struct resolver_answer *answer,
                         struct outcome *outcome)
{
    outcome->chain = answer->chain;
    if (answer->count > 0) {
        outcome->ttl_s = answer->ttl_s < DNS_REAL_TTL_MAX_S ? answer->ttl_s : DNS_REAL_TTL_MAX_S;
        judge_addresses(exchange, answer->addresses, answer->count, outcome);
        return;
    }
    struct network_inquiry inquiry = inquire(exchange, name_chain_slice(&outcome->chain));
    inquiry.way = NETWORK_WAY_NOWHERE;
    if (network_inquiry_ask(&inquiry) == NETWORK_STEP_DENIED) { /* an alias may be denied */
        deny(&inquiry, outcome);
        return;
    }
    struct slice reason = slice_from_text(answer->error.reason);
    enum dns_code code = slice_equal_text(reason, REASON_DNS_NOT_FOUND)    ? DNS_NO_NAME
                         : slice_equal_text(reason, REASON_DNS_NO_ADDRESS) ? DNS_OK
                                                                           : DNS_FAILURE;
    set(outcome, true, code, answer->error.reason);
}

static void on_resolved(struct resolver_query *query, const struct resolver_answer *answer)
{
    const struct dns_exchange *exchange = query->context;
    struct outcome outcome = {0};
    if (admit(exchange, DNS_OK, &outcome)) /* the policy may be another one by now */
        use_resolved(exchange, answer, &outcome);
    finish(query->context, &outcome);
}

/* False when the resolver was asked and will answer later. */
static bool resolve(struct dns_exchange *exchange, struct outcome *outcome)
{
    struct resolver_answer answer;
    exchange->query = (struct resolver_query){
        .answered = on_resolved, .context = exchange, .peer = exchange->peer_share};
    if (!resolver_ask(exchange->loop->resolver, &exchange->query, &exchange->question.name,
                      &answer))
        return false;
    use_resolved(exchange, &answer, outcome);
    return true;
}

void dns_exchange_start(struct dns_exchange *exchange, enum dns_code code)
{
    struct outcome outcome = {.ttl_s = DNS_GATE_TTL_S};
    exchange->id = ++exchange->loop->next_id;
    exchange->started_us = timestamp_monotonic_us();
    if (admit(exchange, code, &outcome) && asks_for_address(&exchange->question)) {
        const struct policy_client *client = listener_policy_client(exchange->listener);
        unsigned count;
        const struct ip_address *meant =
            network_inquiry_stands_for(&exchange->question.name, &count);
        if (meant != NULL) {
            judge_addresses(exchange, meant, count, &outcome);
        } else if (client->dns_answer == POLICY_DNS_REAL) {
            if (!resolve(exchange, &outcome))
                return;
        } else if (client->dns_answer == POLICY_DNS_LISTED) {
            outcome.count = (unsigned)client->dns_address_count;
            memcpy(outcome.addresses, client->dns_addresses, sizeof(client->dns_addresses));
        } else {
            outcome.addresses[outcome.count++] = exchange->local;
        }
    }
    finish(exchange, &outcome);
}

void dns_exchange_cancel(struct dns_exchange *exchange)
{
    resolver_cancel(&exchange->query);
    loop_forget_waiter(exchange->loop, &exchange->waiter);
}

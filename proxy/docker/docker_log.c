/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of an exchange (docs/design.md 5). Every exchange that was numbered gets exactly one closing
 * record: `request` when nothing was written before, `close` after an `open`. */
#include "proxy/docker/docker_conn.h"

#include <string.h>

#include "proxy/docker/docker_header.h"
#include "proxy/http/foreign_client.h"
#include "proxy/loop/listener.h"
#include "proxy/loop/log_identity.h"
#include "proxy/loop/rule_counter.h"

enum { LABELS_MAX = 2 };

/* Texts that are made for one record only. */
struct record_texts {
    char id[LOG_ID_LEN_MAX];
    char peer[LOG_PEER_LEN_MAX];
    struct slice dropped[DOCKER_DROPPED_MAX];
    struct slice dropped_headers[DOCKER_HEADER_DROPPED_MAX];
    struct slice judged[DOCKER_NAMING_OBJECTS_MAX];
    struct slice labels[LABELS_MAX];
};

static unsigned dropped_names(const struct docker_exchange *exchange, struct slice *names)
{
    struct slice rest = buffer_slice(&exchange->facts);
    rest.ptr += exchange->path_len + exchange->object_len;
    rest.len -= exchange->path_len + exchange->object_len;
    for (unsigned i = 0; i < exchange->dropped_count; i++)
        names[i] = slice_cut(&rest, '\0');
    return exchange->dropped_count;
}

static unsigned judged_names(const struct docker_naming *naming, struct slice *names)
{
    size_t count = naming == NULL ? 0 : docker_naming_count(naming);
    for (size_t i = 0; i < count; i++)
        names[i] = docker_naming_sent(naming, i);
    return (unsigned)count;
}

/* What the object is called, and what it belongs to: a client may have said an id. */
static void fill_object(const struct docker_naming *naming, struct record_texts *texts,
                        struct log_record *record)
{
    static const struct slice kept[] = {SLICE_LITERAL("com.docker.compose.project="),
                                        SLICE_LITERAL("com.docker.compose.service=")};
    if (naming == NULL || docker_naming_count(naming) != 1)
        return;
    const struct docker_object *object = docker_naming_object(naming, 0);
    const struct docker_fact_list *labels = &object->facts[DOCKER_FACT_LABEL];
    if (object->kind != DOCKER_OBJECT_IMAGE && object->facts[DOCKER_FACT_NAME].count > 0)
        record->object_name = object->facts[DOCKER_FACT_NAME].items[0];
    for (size_t i = 0; i < labels->count && record->object_label_count < LABELS_MAX; i++) {
        if (slice_starts_with(labels->items[i], kept[0]) ||
            slice_starts_with(labels->items[i], kept[1]))
            texts->labels[record->object_label_count++] = labels->items[i];
    }
    record->object_labels = texts->labels;
}

static void fill_decision(const struct docker_exchange *exchange, struct log_record *record)
{
    record->has_decision = true;
    record->allowed = exchange->common.judged && exchange->verdict.result == VERDICT_ALLOW &&
                      !exchange->common.refused;
    if (exchange->common.judged && (record->allowed || exchange->verdict.result == VERDICT_DENY)) {
        record->rule = slice_from_text(exchange->verdict.rule);
        record->source = slice_from_text(exchange->verdict.source);
    } else {
        record->rule = SLICE_LITERAL("built-in");
        record->source = SLICE_LITERAL("built-in");
    }
    record->reason = slice_from_text(exchange->common.reason);
    record->would_deny = slice_from_text(exchange->common.would_deny);
}

static void fill(const struct docker_conn *conn, enum log_event event, struct record_texts *texts,
                 struct log_record *record)
{
    const struct docker_exchange *exchange = &conn->exchange;
    const struct docker_operation_info *info = docker_operation_info(exchange->operation);
    *record = (struct log_record){
        .time_us = timestamp_now_us(),
        .id = log_identity_id(conn->client.loop, exchange->common.id, texts->id),
        .event = event,
        .kind = SLICE_LITERAL("docker"),
        .client = slice_from_text(listener_client(conn->client.listener)->name),
        .peer =
            log_identity_peer(&conn->client.peer, conn->client.uid, conn->client.pid, texts->peer),
        .via = SLICE_LITERAL("docker"),
        .path = slice_of(exchange->facts.data, exchange->path_len),
        .status = exchange->common.status,
        .dropped_body = exchange->dropped_body,
    };
    if (exchange->method != HTTP_METHOD_UNKNOWN)
        record->method = slice_from_text(http_method_name(exchange->method));
    if (exchange->operation != DOCKER_OPERATION_NONE)
        record->operation = slice_from_text(info->name);
    if (exchange->object_len > 0)
        record->object = slice_of(exchange->facts.data + exchange->path_len, exchange->object_len);
    record->judged_count = judged_names(conn->judged, texts->judged);
    record->judged = texts->judged;
    fill_object(conn->judged, texts, record);
    record->dropped_query_count = dropped_names(exchange, texts->dropped);
    record->dropped_query = texts->dropped;
    record->dropped_more = exchange->dropped_more;
    record->dropped_fields = slice_of(
        exchange->facts.data + exchange->facts.len - exchange->fields_len, exchange->fields_len);
    record->dropped_header_count =
        docker_header_dropped_names(exchange->dropped_headers, texts->dropped_headers);
    record->dropped_headers = texts->dropped_headers;
    fill_decision(exchange, record);
    record->text =
        slice_from_text(foreign_client_advice(conn->client.http.foreign, HTTP_TO_ENGINE));
    record->policy = slice_from_text(policy_hash(
        exchange->common.policy != NULL ? exchange->common.policy : conn->client.loop->policy));
}

static void fill_outcome(const struct docker_conn *conn, struct log_record *record)
{
    const struct docker_exchange *exchange = &conn->exchange;
    record->has_outcome = true;
    record->bytes_in = exchange->tunnel_in +
                       (exchange->dropped_body > 0 ? 0 : conn->client.http.request_body.payload);
    record->bytes_out = exchange->tunnel_out + conn->client.http.response_body.payload;
    record->duration_us = (uint64_t)(timestamp_monotonic_us() - exchange->common.started_us);
}

static void count(const struct docker_conn *conn, const struct log_record *record)
{
    const struct docker_operation_info *info = docker_operation_info(conn->exchange.operation);
    struct metrics_series *series =
        metrics_series(conn->client.loop->metrics, listener_client(conn->client.listener)->name,
                       info->name, metrics_decision_of(record->allowed, record->would_deny.len > 0),
                       record->rule.ptr, record->source.ptr);
    metrics_series_count(series);
    metrics_series_observe(series, record->duration_us);
}

void docker_log_count_rule(const struct docker_conn *conn)
{
    const struct docker_exchange *exchange = &conn->exchange;
    if (exchange->common.judged &&
        (exchange->verdict.result == VERDICT_DENY || !exchange->common.refused))
        rule_counter_count(conn->client.loop->counter, exchange->common.policy,
                           exchange->verdict.number, timestamp_now_us());
}

uint64_t docker_log_open(struct docker_conn *conn)
{
    struct record_texts texts;
    struct log_record record;
    fill(conn, LOG_OPEN, &texts, &record);
    docker_log_count_rule(conn);
    conn->exchange.common.opened = true;
    return log_writer_add(conn->client.loop->log, &record);
}

static uint64_t write_last(struct docker_conn *conn, enum log_event event, const char *reason)
{
    struct record_texts texts;
    struct log_record record;
    fill(conn, event, &texts, &record);
    fill_outcome(conn, &record);
    record.close = slice_from_text(reason);
    count(conn, &record);
    if (!conn->exchange.common.opened)
        docker_log_count_rule(conn);
    conn->exchange.common.logged = true;
    return log_writer_add(conn->client.loop->log, &record);
}

uint64_t docker_log_last(struct docker_conn *conn, const char *reason)
{
    if (conn->exchange.common.id == 0 || conn->exchange.common.logged)
        return 0;
    return write_last(conn, conn->exchange.common.opened ? LOG_CLOSE : LOG_REQUEST, reason);
}

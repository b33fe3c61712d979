/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing of one log line. This is on the path of every request: the names are literals with their
 * comma, and the only work done on the bytes is the escaping of what comes from outside. The first
 * field is always there, so that no comma has to be looked up. */
#include "policy/log/log_record.h"

#include "base/json_write.h"

/* Room for all names, numbers and quotes of a record and its usual texts: what follows then appends
 * without growing. */
enum { RECORD_USUAL_LEN = 1024 };

static const struct slice event_names[] = {
    [LOG_REQUEST] = SLICE_LITERAL("request"),
    [LOG_OPEN] = SLICE_LITERAL("open"),
    [LOG_CLOSE] = SLICE_LITERAL("close"),
    [LOG_POLICY] = SLICE_LITERAL("policy"),
    [LOG_START] = SLICE_LITERAL("start"),
    [LOG_STOP] = SLICE_LITERAL("stop"),
    [LOG_SUPPRESSED] = SLICE_LITERAL("suppressed"),
    [LOG_LOST] = SLICE_LITERAL("lost"),
    [LOG_SEAL] = SLICE_LITERAL("seal"),
};

static inline void write_text(struct buffer *out, const char *key, size_t key_len,
                              struct slice value)
{
    if (value.ptr == NULL)
        return;
    buffer_append(out, key, key_len);
    json_write_quoted(out, value);
}

/* For our own words, which need no escapes. */
static inline void write_word(struct buffer *out, const char *key, size_t key_len,
                              struct slice value)
{
    if (value.ptr == NULL)
        return;
    buffer_append(out, key, key_len);
    buffer_append_byte(out, '"');
    buffer_append_slice(out, value);
    buffer_append_byte(out, '"');
}

static inline void write_number(struct buffer *out, const char *key, size_t key_len, uint64_t value)
{
    buffer_append(out, key, key_len);
    buffer_append_u64(out, value);
}

/* `,"name":` and its length. */
#define KEY(name) ",\"" name "\":", sizeof(",\"" name "\":") - 1

static void write_list(struct buffer *out, const char *key, size_t key_len,
                       const struct slice *items, unsigned count)
{
    if (count == 0)
        return;
    buffer_append(out, key, key_len);
    buffer_append_byte(out, '[');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        json_write_quoted(out, items[i]);
    }
    buffer_append_byte(out, ']');
}

static void write_network(struct buffer *out, const struct log_record *record)
{
    write_text(out, KEY("host"), record->host);
    if (record->port > 0)
        write_number(out, KEY("port"), record->port);
    write_text(out, KEY("question"), record->question);
    write_text(out, KEY("address"), record->address);
    write_list(out, KEY("refused_addresses"), record->refused_addresses,
               record->refused_address_count);
    write_list(out, KEY("cname"), record->cnames, record->cname_count);
    write_text(out, KEY("cname_denied"), record->cname_denied);
    write_text(out, KEY("upstream_proxy"), record->upstream_proxy);
    write_text(out, KEY("sni"), record->sni);
    write_text(out, KEY("alpn"), record->alpn);
    if (record->ech)
        buffer_append_literal(out, ",\"ech\":true");
    if (record->host_mismatch)
        buffer_append_literal(out, ",\"host_mismatch\":true");
}

static void write_dropped(struct buffer *out, const struct log_record *record)
{
    write_list(out, KEY("dropped_query"), record->dropped_query, record->dropped_query_count);
    if (record->dropped_fields.len > 0) {
        buffer_append_byte(out, ',');
        json_write_key_list(out, "dropped_fields", record->dropped_fields, '\0');
    }
    if (record->dropped_more > 0)
        write_number(out, KEY("dropped_more"), record->dropped_more);
    if (record->dropped_body > 0)
        write_number(out, KEY("dropped_body"), record->dropped_body);
    write_list(out, KEY("dropped_headers"), record->dropped_headers, record->dropped_header_count);
}

void log_record_write(const struct log_record *record, struct timestamp_cache *cache,
                      struct buffer *out)
{
    size_t begin = out->len;
    if (!buffer_reserve(out, RECORD_USUAL_LEN))
        return;
    buffer_append_literal(out, "{\"ts\":\"");
    buffer_append_slice(out, timestamp_format(cache, record->time_us));
    buffer_append_byte(out, '"');
    write_text(out, KEY("id"), record->id);
    write_number(out, KEY("seq"), record->seq);
    write_word(out, KEY("event"), event_names[record->event]);
    write_text(out, KEY("kind"), record->kind);
    write_text(out, KEY("client"), record->client);
    write_text(out, KEY("peer"), record->peer);
    write_text(out, KEY("via"), record->via);
    write_text(out, KEY("method"), record->method);
    write_text(out, KEY("path"), record->path);
    write_word(out, KEY("operation"), record->operation);
    write_text(out, KEY("object"), record->object);
    write_list(out, KEY("judged"), record->judged, record->judged_count);
    write_text(out, KEY("object_name"), record->object_name);
    write_list(out, KEY("object_labels"), record->object_labels, record->object_label_count);
    write_network(out, record);
    if (record->has_decision)
        write_word(out, KEY("decision"),
                   record->allowed ? SLICE_LITERAL("allow") : SLICE_LITERAL("deny"));
    write_text(out, KEY("rule"), record->rule);
    write_text(out, KEY("source"), record->source);
    write_text(out, KEY("reason"), record->reason);
    write_dropped(out, record);
    write_text(out, KEY("would_deny"), record->would_deny);
    if (record->status > 0)
        write_number(out, KEY("status"), record->status);
    if (record->has_outcome) {
        write_number(out, KEY("bytes_in"), record->bytes_in);
        write_number(out, KEY("bytes_out"), record->bytes_out);
        write_number(out, KEY("duration_us"), record->duration_us);
    }
    write_text(out, KEY("close"), record->close);
    write_text(out, KEY("policy"), record->policy);
    write_text(out, KEY("text"), record->text);
    if (record->count > 0)
        write_number(out, KEY("count"), record->count);
    buffer_append_literal(out, "}\n");
    if (out->failed)
        out->len = begin; /* whole lines only: the records before this one may still go out */
}

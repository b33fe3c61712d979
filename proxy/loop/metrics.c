/* SPDX-License-Identifier: Apache-2.0
 *
 * The counters and their printing. */
#include "proxy/loop/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_index.h"
#include "base/slice.h"

static const struct {
    uint64_t limit_us;
    const char *label;
} buckets[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};

enum {
    BUCKET_COUNT = ARRAY_LEN(buckets),
    SERIES_MAX = METRICS_SERIES_MAX + METRICS_OVERFLOW_MAX,
    OTHER_CLIENT = 0, /* its place */
};

struct metrics_client {
    uint64_t connections;
    uint64_t counts[BUCKET_COUNT + 1]; /* not cumulative; the last holds what is above all limits */
    uint64_t sum_us;
    char name[];
};

enum { KEY_CLIENT, KEY_OPERATION, KEY_RULE, KEY_COUNT };

/* Labels as they are looked up. */
struct key {
    struct slice texts[KEY_COUNT];
    enum metrics_decision decision;
};

struct metrics_series {
    struct metrics_client *client; /* borrowed from the same metrics */
    uint64_t count;
    struct key key; /* its texts stand in `bytes` */
    char bytes[];
};

struct metrics {
    struct hash_index index;                             /* of series */
    struct metrics_series *series[SERIES_MAX];           /* owned */
    struct metrics_client *clients[METRICS_CLIENTS_MAX]; /* owned */
    size_t series_count, client_count;
    struct metrics_totals totals;
    char policy[32];
    const char *version; /* borrowed */
    int64_t started_us;  /* Unix time */
};

/* The length and both ends of each text tell the keys of one gate apart, nearly always. */
static uint64_t hash_of(const struct key *key)
{
    uint64_t hash = SLICE_HASH_SEED + (uint64_t)key->decision;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct slice text = key->texts[i];
        uint64_t ends[2] = {0, 0};
        if (text.len >= sizeof(ends[0])) {
            memcpy(&ends[0], text.ptr, sizeof(ends[0]));
            memcpy(&ends[1], text.ptr + text.len - sizeof(ends[1]), sizeof(ends[1]));
        } else if (text.len > 0) {
            memcpy(&ends[0], text.ptr, text.len);
        }
        hash = (hash ^ text.len ^ ends[0]) * UINT64_C(0x9e3779b97f4a7c15);
        hash = ((hash >> 32) ^ hash ^ ends[1]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return hash;
}

static bool are_equal(const struct key *a, const struct key *b)
{
    bool equal = a->decision == b->decision;
    for (size_t i = 0; equal && i < KEY_COUNT; i++)
        equal = slice_equal(a->texts[i], b->texts[i]);
    return equal;
}

static struct metrics_client *client_add(struct metrics *metrics, struct slice name)
{
    struct metrics_client *client = calloc(1, sizeof(*client) + name.len + 1);
    if (client == NULL)
        return NULL;
    memcpy(client->name, name.ptr, name.len);
    return metrics->clients[metrics->client_count++] = client;
}

static struct metrics_client *client_get(struct metrics *metrics, struct slice name)
{
    for (size_t i = 0; i < metrics->client_count; i++) {
        if (slice_equal_text(name, metrics->clients[i]->name))
            return metrics->clients[i];
    }
    struct metrics_client *client = NULL;
    if (metrics->client_count < METRICS_CLIENTS_MAX)
        client = client_add(metrics, name);
    return client == NULL ? metrics->clients[OTHER_CLIENT] : client;
}

/* NULL when memory is out. */
static struct metrics_series *series_add(struct metrics *metrics, const struct key *key,
                                         uint64_t hash)
{
    size_t len = 0;
    for (size_t i = 0; i < KEY_COUNT; i++)
        len += key->texts[i].len;
    struct metrics_series *series = calloc(1, sizeof(*series) + len);
    if (series == NULL || !hash_index_add(&metrics->index, hash, metrics->series_count)) {
        free(series);
        return NULL;
    }
    series->key = *key;
    len = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct slice *text = &series->key.texts[i];
        text->ptr = memcpy(series->bytes + len, text->ptr, text->len);
        len += text->len;
    }
    series->client = client_get(metrics, key->texts[KEY_CLIENT]);
    return metrics->series[metrics->series_count++] = series;
}

/* NULL when there is none, and neither room nor memory for one more. */
static struct metrics_series *series_get(struct metrics *metrics, const struct key *key,
                                         size_t count_max)
{
    uint64_t hash = hash_of(key);
    struct hash_index_search search = hash_index_search(&metrics->index, hash);
    size_t at;
    while (hash_index_next(&search, &at)) {
        if (are_equal(&metrics->series[at]->key, key))
            return metrics->series[at];
    }
    return metrics->series_count < count_max ? series_add(metrics, key, hash) : NULL;
}

/* The row of all that has none of its own: it stands at the place of its decision. */
static struct metrics_series *series_other(const struct metrics *metrics,
                                           enum metrics_decision decision)
{
    return metrics->series[decision];
}

struct metrics *metrics_new(void)
{
    struct slice other = SLICE_LITERAL("other");
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics != NULL)
        metrics->version = "";
    bool made = metrics != NULL && client_add(metrics, other) != NULL;
    for (int decision = 0; made && decision < METRICS_DECISIONS; decision++) {
        const struct key key = {{other, other, other}, (enum metrics_decision)decision};
        made = series_add(metrics, &key, hash_of(&key)) != NULL;
    }
    if (!made)
        metrics_free(&metrics);
    return metrics;
}

void metrics_free(struct metrics **metrics)
{
    struct metrics *freeing = steal_pointer(metrics);
    if (freeing == NULL)
        return;
    for (size_t i = 0; i < freeing->series_count; i++)
        free(freeing->series[i]);
    for (size_t i = 0; i < freeing->client_count; i++)
        free(freeing->clients[i]);
    hash_index_free(&freeing->index);
    free(freeing);
}

struct metrics_series *metrics_series(struct metrics *metrics, const char *client,
                                      const char *operation, enum metrics_decision decision,
                                      const char *rule, const char *source)
{
    struct key key = {{slice_from_text(client), slice_from_text(operation),
                       slice_from_text(rule == NULL || rule[0] == '\0' ? source : rule)},
                      decision};
    struct metrics_series *series = series_get(metrics, &key, METRICS_SERIES_MAX);
    if (series != NULL)
        return series;
    key.texts[KEY_RULE] = SLICE_LITERAL("other");
    series = series_get(metrics, &key, SERIES_MAX);
    return series != NULL ? series : series_other(metrics, decision);
}

void metrics_series_count(struct metrics_series *series)
{
    series->count++;
}

void metrics_series_observe(struct metrics_series *series, uint64_t duration_us)
{
    size_t at = 0;
    while (at < BUCKET_COUNT && duration_us > buckets[at].limit_us)
        at++;
    series->client->counts[at]++;
    series->client->sum_us += duration_us;
}

struct metrics_client *metrics_client(struct metrics *metrics, const char *client)
{
    return client_get(metrics, slice_from_text(client));
}

void metrics_connection_opened(struct metrics_client *client)
{
    client->connections++;
}

void metrics_connection_closed(struct metrics_client *client)
{
    client->connections--;
}

struct metrics_totals *metrics_totals(struct metrics *metrics)
{
    return &metrics->totals;
}

void metrics_count_requests(const struct metrics *metrics, uint64_t *allowed_out,
                            uint64_t *denied_out)
{
    *allowed_out = *denied_out = 0;
    for (size_t i = 0; i < metrics->series_count; i++)
        *(metrics->series[i]->key.decision == METRICS_DENY ? denied_out : allowed_out) +=
            metrics->series[i]->count;
}

void metrics_set_policy(struct metrics *metrics, const char *hash)
{
    snprintf(metrics->policy, sizeof(metrics->policy), "%s", hash);
}

void metrics_set_process(struct metrics *metrics, const char *version, int64_t started_us)
{
    metrics->version = version;
    metrics->started_us = started_us;
}

/* ---- printing ---- */

struct label {
    const char *name;
    struct slice value;
};

/* Escaped as the format asks. Other control bytes are not for terminals: they become spaces. */
static void print_label(struct buffer *out, const struct label *label)
{
    buffer_append_text(out, label->name);
    buffer_append_literal(out, "=\"");
    for (size_t i = 0; i < label->value.len; i++) {
        unsigned char byte = (unsigned char)label->value.ptr[i];
        if (byte == '\n') {
            buffer_append_literal(out, "\\n");
            continue;
        }
        if (byte == '"' || byte == '\\')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, byte < 0x20 || byte == 0x7f ? ' ' : (char)byte);
    }
    buffer_append_byte(out, '"');
}

/* `name{label="value",…}`, without the number behind it. */
static void print_name(struct buffer *out, const char *name, const struct label *labels,
                       size_t count)
{
    buffer_append_text(out, name);
    for (size_t i = 0; i < count; i++) {
        buffer_append_byte(out, i == 0 ? '{' : ',');
        print_label(out, &labels[i]);
    }
    if (count > 0)
        buffer_append_byte(out, '}');
    buffer_append_byte(out, ' ');
}

static void print_sample(struct buffer *out, const char *name, const struct label *labels,
                         size_t count, uint64_t value)
{
    print_name(out, name, labels, count);
    buffer_append_u64(out, value);
    buffer_append_byte(out, '\n');
}

static void print_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_series(const struct metrics *metrics, struct buffer *out)
{
    static const char *const decisions[] = {
        [METRICS_ALLOW] = "allow", [METRICS_DENY] = "deny", [METRICS_WOULD_DENY] = "would-deny"};
    print_head(out, "dockreeve_requests_total", "counter",
               "Requests decided, by client, operation, decision and deciding rule.");
    for (size_t i = 0; i < metrics->series_count; i++) {
        const struct metrics_series *series = metrics->series[i];
        const struct slice *texts = series->key.texts;
        const struct label labels[] = {
            {"client", texts[KEY_CLIENT]},
            {"operation", texts[KEY_OPERATION]},
            {"decision", slice_from_text(decisions[series->key.decision])},
            {"rule", texts[KEY_RULE]},
        };
        if (series->count > 0 || series != series_other(metrics, series->key.decision))
            print_sample(out, "dockreeve_requests_total", labels, ARRAY_LEN(labels), series->count);
    }
}

static uint64_t count_finished(const struct metrics_client *client)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= BUCKET_COUNT; i++)
        total += client->counts[i];
    return total;
}

static void print_histogram(const struct metrics_client *client, struct buffer *out)
{
    uint64_t total = 0;
    struct label labels[] = {{"client", slice_from_text(client->name)}, {"le", {NULL, 0}}};
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        total += client->counts[i];
        labels[1].value = slice_from_text(i < BUCKET_COUNT ? buckets[i].label : "+Inf");
        print_sample(out, "dockreeve_request_duration_seconds_bucket", labels, 2, total);
    }
    print_name(out, "dockreeve_request_duration_seconds_sum", labels, 1);
    buffer_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", client->sum_us / 1000000,
                  client->sum_us % 1000000);
    print_sample(out, "dockreeve_request_duration_seconds_count", labels, 1, total);
}

static void print_connections(const struct metrics_client *client, struct buffer *out)
{
    const struct label label = {"client", slice_from_text(client->name)};
    print_sample(out, "dockreeve_connections", &label, 1, client->connections);
}

static void print_clients(const struct metrics *metrics, struct buffer *out,
                          void (*print)(const struct metrics_client *client, struct buffer *out))
{
    for (size_t i = 0; i < metrics->client_count; i++) {
        const struct metrics_client *client = metrics->clients[i];
        if (i != OTHER_CLIENT || client->connections > 0 || count_finished(client) > 0)
            print(client, out);
    }
}

static void print_plain(struct buffer *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    print_head(out, name, type, help);
    print_sample(out, name, NULL, 0, value);
}

void metrics_print(const struct metrics *metrics, struct buffer *out)
{
    const struct label ok = {"result", SLICE_LITERAL("ok")};
    const struct label failed = {"result", SLICE_LITERAL("failed")};
    const struct metrics_totals *totals = &metrics->totals;
    const struct label version = {"version", slice_from_text(metrics->version)};
    const struct label hash = {"hash", slice_from_text(metrics->policy)};
    print_series(metrics, out);
    print_head(out, "dockreeve_request_duration_seconds", "histogram",
               "Time from a request's head to the end of its answer.");
    print_clients(metrics, out, print_histogram);
    print_head(out, "dockreeve_connections", "gauge", "Open client connections.");
    print_clients(metrics, out, print_connections);
    print_plain(out, "dockreeve_open_streams", "gauge", "Streams and tunnels now open.",
                totals->open_streams);
    print_plain(out, "dockreeve_upstream_errors_total", "counter",
                "Requests that failed because the engine or an origin was unreachable or answered "
                "badly.",
                totals->upstream_errors + totals->engine_errors);
    print_plain(out, "dockreeve_log_lost_total", "counter",
                "Log records that could not be written.", totals->log_lost);
    print_plain(out, "dockreeve_denials_suppressed_total", "counter",
                "Denials counted in a suppressed record instead of logged one by one.",
                totals->denials_suppressed);
    print_head(out, "dockreeve_build_info", "gauge", "The program, by its version.");
    print_sample(out, "dockreeve_build_info", &version, 1, 1);
    print_plain(out, "process_start_time_seconds", "gauge", "When the gate started, Unix time.",
                (uint64_t)(metrics->started_us / 1000000));
    print_head(out, "dockreeve_policy_info", "gauge", "The policy in force, by its hash.");
    print_sample(out, "dockreeve_policy_info", &hash, 1, 1);
    print_head(out, "dockreeve_policy_reloads_total", "counter",
               "Reloads of the policy, by result.");
    print_sample(out, "dockreeve_policy_reloads_total", &ok, 1, totals->reloads_ok);
    print_sample(out, "dockreeve_policy_reloads_total", &failed, 1, totals->reloads_failed);
}

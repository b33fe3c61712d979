/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables behind the counters and their printing. A lookup hashes the texts eight bytes at a
 * time and compares them once: it is done for every request. */
#include "proxy/loop/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint64_t limit_us;
    const char *label;
} buckets[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};

enum { BUCKET_COUNT = ARRAY_LEN(buckets), TABLE_START = 256 };

struct metrics_client {
    struct metrics_client *next;
    uint64_t connections;
    uint64_t counts[BUCKET_COUNT + 1]; /* not cumulative; the last holds what is above all limits */
    uint64_t sum_us;
    char name[];
};

enum { KEY_CLIENT, KEY_OPERATION, KEY_RULE, KEY_COUNT };

/* Labels as they are looked up. */
struct key {
    struct slice texts[KEY_COUNT];
    bool allowed;
    uint64_t hash;
};

struct metrics_series {
    struct metrics_series *next;
    struct metrics_client *client; /* borrowed from the same metrics */
    uint64_t hash;
    uint64_t count;
    bool allowed;
    size_t lens[KEY_COUNT];
    char texts[]; /* the three texts one after another, without NUL */
};

struct metrics {
    struct metrics_series **slots; /* owned; open addressing, at most half full */
    size_t slot_count;             /* power of two */
    struct metrics_series *first;  /* owned, in order of appearance */
    struct metrics_series **last;
    size_t series_count;
    struct metrics_client *clients; /* owned */
    size_t client_count;
    struct metrics_client *other_client; /* takes over when there are too many or memory is out */
    struct metrics_series *other_series[2]; /* by decision */
    struct metrics_totals totals;
    char policy[32];
};

static uint64_t load(const char *bytes, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, bytes, len);
    return word;
}

/* Words overlap at the end instead of being filled up: no byte is copied with a length that the
 * compiler does not know. */
static uint64_t hash_text(uint64_t hash, struct slice text)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    const size_t word = sizeof(uint64_t);
    uint64_t last = 0;
    for (size_t at = 0; at + word < text.len; at += word) {
        hash = (hash ^ load(text.ptr + at, word)) * factor;
        hash ^= hash >> 29;
    }
    if (text.len >= word)
        last = load(text.ptr + text.len - word, word);
    else if (text.len >= 4)
        last = load(text.ptr, 4) << 32 | load(text.ptr + text.len - 4, 4);
    else
        for (size_t i = 0; i < text.len; i++)
            last = last << 8 | (unsigned char)text.ptr[i];
    hash = (hash ^ last) * factor;
    hash = (hash ^ (hash >> 29) ^ text.len) * factor;
    return hash ^ (hash >> 29);
}

static struct key make_key(struct slice client, struct slice operation, bool allowed,
                           struct slice rule)
{
    struct key key = {{client, operation, rule}, allowed, allowed};
    for (size_t i = 0; i < KEY_COUNT; i++)
        key.hash = hash_text(key.hash, key.texts[i]);
    return key;
}

static bool is_series(const struct metrics_series *series, const struct key *key)
{
    if (series->hash != key->hash || series->allowed != key->allowed)
        return false;
    const char *text = series->texts;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!slice_equal(slice_of(text, series->lens[i]), key->texts[i]))
            return false;
        text += series->lens[i];
    }
    return true;
}

static struct metrics_series **find_slot(struct metrics_series **slots, size_t slot_count,
                                         const struct key *key)
{
    size_t at = (size_t)key->hash & (slot_count - 1);
    while (slots[at] != NULL && !is_series(slots[at], key))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

/* Doubles the table once it is half full. On failure the old one stays. */
static bool make_room(struct metrics *metrics)
{
    if ((metrics->series_count + 1) * 2 <= metrics->slot_count)
        return true;
    size_t slot_count = metrics->slot_count * 2;
    struct metrics_series **slots = calloc(slot_count, sizeof(struct metrics_series *));
    if (slots == NULL)
        return false;
    for (struct metrics_series *series = metrics->first; series != NULL; series = series->next) {
        size_t at = (size_t)series->hash & (slot_count - 1);
        while (slots[at] != NULL)
            at = (at + 1) & (slot_count - 1);
        slots[at] = series;
    }
    free(metrics->slots);
    metrics->slots = slots;
    metrics->slot_count = slot_count;
    return true;
}

static struct metrics_client *client_find(struct metrics *metrics, struct slice name)
{
    struct metrics_client *client = metrics->clients;
    while (client != NULL && !slice_equal_text(name, client->name))
        client = client->next;
    return client;
}

static struct metrics_client *client_add(struct metrics *metrics, struct slice name)
{
    struct metrics_client *client = calloc(1, sizeof(*client) + name.len + 1);
    if (client == NULL)
        return NULL;
    if (name.len > 0)
        memcpy(client->name, name.ptr, name.len);
    client->next = metrics->clients;
    metrics->clients = client;
    metrics->client_count++;
    return client;
}

static struct metrics_client *client_get(struct metrics *metrics, struct slice name)
{
    struct metrics_client *client = client_find(metrics, name);
    if (client == NULL && metrics->client_count < METRICS_CLIENTS_MAX)
        client = client_add(metrics, name);
    return client == NULL ? metrics->other_client : client;
}

/* NULL when memory is out. */
static struct metrics_series *series_add(struct metrics *metrics, const struct key *key)
{
    size_t len = 0;
    for (size_t i = 0; i < KEY_COUNT; i++)
        len += key->texts[i].len;
    struct metrics_series *series = calloc(1, sizeof(*series) + len);
    if (series == NULL || !make_room(metrics)) {
        free(series);
        return NULL;
    }
    char *text = series->texts;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        series->lens[i] = key->texts[i].len;
        if (key->texts[i].len > 0)
            memcpy(text, key->texts[i].ptr, key->texts[i].len);
        text += key->texts[i].len;
    }
    series->hash = key->hash;
    series->allowed = key->allowed;
    series->client = client_get(metrics, key->texts[KEY_CLIENT]);
    *metrics->last = series;
    metrics->last = &series->next;
    metrics->series_count++;
    *find_slot(metrics->slots, metrics->slot_count, key) = series;
    return series;
}

static struct metrics_series *series_get(struct metrics *metrics, const struct key *key,
                                         size_t count_max)
{
    struct metrics_series *series = *find_slot(metrics->slots, metrics->slot_count, key);
    if (series == NULL && metrics->series_count < count_max)
        series = series_add(metrics, key);
    return series;
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL)
        return NULL;
    metrics->last = &metrics->first;
    metrics->slot_count = TABLE_START;
    metrics->slots = calloc(TABLE_START, sizeof(struct metrics_series *));
    struct slice other = SLICE_LITERAL("other");
    if (metrics->slots != NULL)
        metrics->other_client = client_add(metrics, other);
    for (int allowed = 0; metrics->other_client != NULL && allowed < 2; allowed++) {
        struct key key = make_key(other, other, allowed != 0, other);
        metrics->other_series[allowed] = series_add(metrics, &key);
    }
    if (metrics->other_series[0] == NULL || metrics->other_series[1] == NULL)
        metrics_free(&metrics);
    return metrics;
}

void metrics_free(struct metrics **metrics)
{
    struct metrics *freeing = steal_pointer(metrics);
    if (freeing == NULL)
        return;
    for (struct metrics_series *series = freeing->first, *next; series != NULL; series = next) {
        next = series->next;
        free(series);
    }
    for (struct metrics_client *client = freeing->clients, *next; client != NULL; client = next) {
        next = client->next;
        free(client);
    }
    free(freeing->slots);
    free(freeing);
}

struct metrics_series *metrics_series(struct metrics *metrics, const char *client,
                                      const char *operation, bool allowed, const char *rule,
                                      const char *source)
{
    struct slice client_text = slice_from_text(client);
    struct slice operation_text = slice_from_text(operation);
    struct slice rule_text = slice_from_text(rule == NULL || rule[0] == '\0' ? source : rule);
    struct key key = make_key(client_text, operation_text, allowed, rule_text);
    struct metrics_series *series = series_get(metrics, &key, METRICS_SERIES_MAX);
    if (series != NULL)
        return series;
    key = make_key(client_text, operation_text, allowed, SLICE_LITERAL("other"));
    series = series_get(metrics, &key, METRICS_SERIES_MAX + METRICS_OVERFLOW_MAX);
    return series != NULL ? series : metrics->other_series[allowed];
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
    for (const struct metrics_series *series = metrics->first; series != NULL;
         series = series->next)
        *(series->allowed ? allowed_out : denied_out) += series->count;
}

void metrics_set_policy(struct metrics *metrics, const char *hash)
{
    snprintf(metrics->policy, sizeof(metrics->policy), "%s", hash);
}

/* `name="value"`, escaped as the format asks. Other control bytes are not for terminals: they
 * become spaces. */
static void print_label(struct buffer *out, const char *name, struct slice value)
{
    buffer_append_text(out, name);
    buffer_append_literal(out, "=\"");
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        if (byte == '\n') {
            buffer_append_literal(out, "\\n");
            continue;
        }
        if (byte == '"' || byte == '\\')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, byte < 0x20 || byte == 0x7f ? ' ' : value.ptr[i]);
    }
    buffer_append_byte(out, '"');
}

static void print_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_value(struct buffer *out, uint64_t value)
{
    buffer_append_byte(out, ' ');
    buffer_append_u64(out, value);
    buffer_append_byte(out, '\n');
}

static void print_plain(struct buffer *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    print_head(out, name, type, help);
    buffer_append_text(out, name);
    print_value(out, value);
}

static void print_series(const struct metrics *metrics, struct buffer *out)
{
    print_head(out, "dockreeve_requests_total", "counter",
               "Requests decided, by client, operation, decision and deciding rule.");
    for (const struct metrics_series *series = metrics->first; series != NULL;
         series = series->next) {
        static const char *const names[KEY_COUNT] = {"client", ",operation", ",rule"};
        const char *text = series->texts;
        bool reserve = series == metrics->other_series[0] || series == metrics->other_series[1];
        if (reserve && series->count == 0)
            continue;
        buffer_append_literal(out, "dockreeve_requests_total{");
        for (size_t i = 0; i < KEY_COUNT; i++) {
            if (i == KEY_RULE)
                print_label(out, ",decision",
                            series->allowed ? SLICE_LITERAL("allow") : SLICE_LITERAL("deny"));
            print_label(out, names[i], slice_of(text, series->lens[i]));
            text += series->lens[i];
        }
        buffer_append_byte(out, '}');
        print_value(out, series->count);
    }
}

static bool is_unused_reserve(const struct metrics *metrics, const struct metrics_client *client)
{
    if (client != metrics->other_client || client->connections > 0)
        return false;
    for (size_t i = 0; i <= BUCKET_COUNT; i++)
        if (client->counts[i] > 0)
            return false;
    return true;
}

static void print_histogram(const struct metrics_client *client, struct buffer *out)
{
    uint64_t total = 0;
    struct slice name = slice_from_text(client->name);
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        total += client->counts[i];
        buffer_append_literal(out, "dockreeve_request_duration_seconds_bucket{");
        print_label(out, "client", name);
        print_label(out, ",le", slice_from_text(i < BUCKET_COUNT ? buckets[i].label : "+Inf"));
        buffer_append_byte(out, '}');
        print_value(out, total);
    }
    buffer_append_literal(out, "dockreeve_request_duration_seconds_sum{");
    print_label(out, "client", name);
    buffer_printf(out, "} %" PRIu64 ".%06" PRIu64 "\n", client->sum_us / 1000000,
                  client->sum_us % 1000000);
    buffer_append_literal(out, "dockreeve_request_duration_seconds_count{");
    print_label(out, "client", name);
    buffer_append_byte(out, '}');
    print_value(out, total);
}

static void print_clients(const struct metrics *metrics, struct buffer *out)
{
    print_head(out, "dockreeve_request_duration_seconds", "histogram",
               "Time from a request's head to the end of its answer.");
    for (const struct metrics_client *client = metrics->clients; client != NULL;
         client = client->next)
        if (!is_unused_reserve(metrics, client))
            print_histogram(client, out);
    print_head(out, "dockreeve_connections", "gauge", "Open client connections.");
    for (const struct metrics_client *client = metrics->clients; client != NULL;
         client = client->next) {
        if (is_unused_reserve(metrics, client))
            continue;
        buffer_append_literal(out, "dockreeve_connections{");
        print_label(out, "client", slice_from_text(client->name));
        buffer_append_byte(out, '}');
        print_value(out, client->connections);
    }
}

void metrics_print(const struct metrics *metrics, struct buffer *out)
{
    const struct metrics_totals *totals = &metrics->totals;
    print_series(metrics, out);
    print_clients(metrics, out);
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
    print_head(out, "dockreeve_policy_info", "gauge", "The policy in force, by its hash.");
    buffer_append_literal(out, "dockreeve_policy_info{");
    print_label(out, "hash", slice_from_text(metrics->policy));
    buffer_append_literal(out, "} 1\n");
    print_head(out, "dockreeve_policy_reloads_total", "counter",
               "Reloads of the policy, by result.");
    buffer_append_literal(out, "dockreeve_policy_reloads_total{result=\"ok\"}");
    print_value(out, totals->reloads_ok);
    buffer_append_literal(out, "dockreeve_policy_reloads_total{result=\"failed\"}");
    print_value(out, totals->reloads_failed);
}

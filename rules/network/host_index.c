/* SPDX-License-Identifier: Apache-2.0
 *
 * The index. Names and ranges stand in two tables of one kind: open addressing with slots of 8
 * bytes, which lead to records that hold key and ids side by side, so that a hit costs two cache
 * misses and a miss one. A name is hashed once, label by label from the right, and every suffix has
 * its hash on the way. The hash only finds the slot: the key is compared before anything is handed
 * out, so names chosen to collide cost time at most. Rules are the operator's, hence no seed. */
#include "rules/network/host_index.h"

#include <stdlib.h>
#include <string.h>

/* What a slot's tag says beside 30 bits of the hash: which runs its record has. */
enum { RUN_EXACT = 1, RUN_BELOW = 2, RUN_BITS = 3 };

/* Free when the tag is 0. */
struct slot {
    uint32_t tag;
    uint32_t at; /* of the record, in words; while building: the group */
};

/* A record in words of 4 bytes: number of exact ids, number of ids for what is below, bytes of the
 * key, the key filled up to whole words, the exact ids, the others; ids ascending. */
enum { RECORD_EXACT, RECORD_BELOW, RECORD_KEY_LEN, RECORD_KEY };

struct key_table {
    struct slot *slots;
    uint64_t mask; /* count of slots, a power of two, less one */
    uint32_t *words;
};

struct expression {
    const struct pattern *pattern;
    uint32_t id;
};

/* Lengths that some key has: a suffix of any other length need not be looked for. */
struct length_set {
    uint64_t bits[4];
};

struct host_index {
    struct key_table names, ranges;
    struct length_set exact_lengths, below_lengths;
    uint8_t prefixes[129]; /* lengths in use */
    uint32_t prefix_count;
    uint32_t any_count, expression_count;
    uint32_t *any;
    struct expression *expressions;
};

enum stage { STAGE_NAMES, STAGE_RANGES, STAGE_ANY, STAGE_EXPRESSIONS, STAGE_END };

/* A range as key: address and prefix, with nothing between or behind them. */
_Static_assert(sizeof(struct ip_range) == 20, "a range has no padding, so it can be a key");

static uint64_t load_u64(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static uint64_t load_u32(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Both halves of the product of 64 by 64 bits: every bit of the result depends on all of `a`. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define HASH_START UINT64_C(0x2d358dccaa6c78a5)
#define HASH_WORD UINT64_C(0x8bb84b93962eacc9)
#define HASH_END UINT64_C(0x4b33a62ed433d4a3)

/* Continues `hash` over bytes[0..len), the length included. */
static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t len)
{
    const char *at = bytes;
    size_t left = len;
    for (; left > 8; left -= 8, at += 8)
        hash = mix(hash ^ load_u64(at), HASH_WORD);
    uint64_t last = 0;
    if (left >= 4)
        last = load_u32(at) | load_u32(at + left - 4) << 32;
    else if (left > 0)
        last = (unsigned char)at[0] | (uint64_t)(unsigned char)at[left / 2] << 8 |
               (uint64_t)(unsigned char)at[left - 1] << 16;
    return mix(hash ^ last, HASH_END ^ len);
}

/* Where the label in front of text[end] begins. */
static size_t label_start(const char *text, size_t end)
{
    while (end > 0 && text[end - 1] != '.')
        end--;
    return end;
}

static uint64_t hash_name(struct slice name)
{
    uint64_t hash = HASH_START;
    for (size_t end = name.len;;) {
        size_t start = label_start(name.ptr, end);
        hash = hash_bytes(hash, name.ptr + start, end - start);
        if (start == 0)
            return hash;
        end = start - 1;
    }
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~(uint32_t)RUN_BITS;
}

static void length_set_add(struct length_set *set, size_t len)
{
    set->bits[len >> 6 & 3] |= UINT64_C(1) << (len & 63);
}

static bool length_set_has(const struct length_set *set, size_t len)
{
    return (set->bits[len >> 6 & 3] >> (len & 63) & 1) != 0;
}

static size_t words_of(size_t bytes)
{
    return (bytes + sizeof(uint32_t) - 1) / sizeof(uint32_t);
}

/* An entry as the tables see it. */
struct keyed {
    const char *key;
    uint64_t hash;
    uint32_t id;
    uint32_t group;
    uint8_t len; /* of the key; a host name has at most 253 bytes */
    uint8_t run; /* RUN_EXACT or RUN_BELOW */
};

/* All entries of one key, while a table is built. */
struct group {
    const char *key;
    uint32_t slot, exact, below; /* first counts of ids, then where the next one goes */
    uint8_t len;
};

struct table_builder {
    struct key_table table;
    struct keyed *entries; /* owned */
    struct group *groups;  /* owned */
    size_t count, group_count;
};

/* The group of an entry's key, new if there is none yet. */
static void insert(struct table_builder *builder, struct keyed *entry)
{
    uint32_t tag = tag_of(entry->hash);
    uint64_t at = entry->hash & builder->table.mask;
    struct slot *slot = &builder->table.slots[at];
    for (; slot->tag != 0; slot = &builder->table.slots[at = (at + 1) & builder->table.mask]) {
        const struct group *group = &builder->groups[slot->at];
        if ((slot->tag & ~(uint32_t)RUN_BITS) == tag && group->len == entry->len &&
            memcmp(group->key, entry->key, entry->len) == 0)
            break;
    }
    if (slot->tag == 0) {
        slot->at = (uint32_t)builder->group_count++;
        builder->groups[slot->at] =
            (struct group){.key = entry->key, .slot = (uint32_t)at, .len = entry->len};
    }
    slot->tag |= tag | entry->run;
    entry->group = slot->at;
    struct group *group = &builder->groups[slot->at];
    if (entry->run == RUN_EXACT)
        group->exact++;
    else
        group->below++;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Callers number their patterns as they read them: nearly always the run is in order already. */
static void sort_ids(uint32_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (ids[i - 1] > ids[i]) {
            qsort(ids, count, sizeof(*ids), compare_ids);
            return;
        }
    }
}

/* Lays the records out in the order in which their keys came, so that this pass reads and writes
 * mostly forwards. */
static void write_records(struct table_builder *builder)
{
    size_t total = 0;
    for (size_t i = 0; i < builder->group_count; i++) {
        const struct group *group = &builder->groups[i];
        total += RECORD_KEY + words_of(group->len) + group->exact + group->below;
    }
    if (total > UINT32_MAX)
        abort();
    uint32_t *words = builder->table.words = calloc_or_abort(total, sizeof(*words));
    size_t at = 0;
    for (size_t i = 0; i < builder->group_count; i++) {
        struct group *group = &builder->groups[i];
        builder->table.slots[group->slot].at = (uint32_t)at;
        words[at + RECORD_EXACT] = group->exact;
        words[at + RECORD_BELOW] = group->below;
        words[at + RECORD_KEY_LEN] = group->len;
        memcpy(&words[at + RECORD_KEY], group->key, group->len);
        at += RECORD_KEY + words_of(group->len) + group->exact + group->below;
        group->exact = (uint32_t)(at - group->below - group->exact);
        group->below = (uint32_t)(at - group->below);
    }
    for (size_t i = 0; i < builder->count; i++) {
        const struct keyed *entry = &builder->entries[i];
        struct group *group = &builder->groups[entry->group];
        words[entry->run == RUN_EXACT ? group->exact++ : group->below++] = entry->id;
    }
}

static void sort_runs(struct key_table *table)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        if (table->slots[i].tag == 0)
            continue;
        uint32_t *record = &table->words[table->slots[i].at];
        uint32_t *ids = record + RECORD_KEY + words_of(record[RECORD_KEY_LEN]);
        if (record[RECORD_EXACT] > 1)
            sort_ids(ids, record[RECORD_EXACT]);
        if (record[RECORD_BELOW] > 1)
            sort_ids(ids + record[RECORD_EXACT], record[RECORD_BELOW]);
    }
}

/* Turns the entries into the table and frees them. */
static struct key_table table_build(struct table_builder *builder)
{
    enum { AHEAD = 16 }; /* entries; slots are far apart in memory, so they are asked for early */
    uint64_t size = 8;
    while (size < (uint64_t)builder->count * 2)
        size *= 2;
    builder->table.slots = calloc_or_abort(size, sizeof(*builder->table.slots));
    builder->table.mask = size - 1;
    builder->groups = calloc_or_abort(builder->count, sizeof(*builder->groups));
    for (size_t i = 0; i < builder->count; i++) {
        if (i + AHEAD < builder->count)
            __builtin_prefetch(
                &builder->table.slots[builder->entries[i + AHEAD].hash & builder->table.mask], 1);
        insert(builder, &builder->entries[i]);
    }
    write_records(builder);
    sort_runs(&builder->table);
    free(builder->groups);
    free(builder->entries);
    return builder->table;
}

static void add_name(struct host_index *index, struct table_builder *names,
                     const struct host_index_entry *entry)
{
    bool exact = entry->kind == HOST_PATTERN_EXACT;
    if (entry->name.len == 0 || entry->name.len > HOST_NAME_LEN_MAX)
        abort(); /* no such name comes out of host_name_parse() */
    length_set_add(exact ? &index->exact_lengths : &index->below_lengths, entry->name.len);
    names->entries[names->count++] = (struct keyed){.key = entry->name.ptr,
                                                    .hash = hash_name(entry->name),
                                                    .id = entry->id,
                                                    .len = (uint8_t)entry->name.len,
                                                    .run = exact ? RUN_EXACT : RUN_BELOW};
}

static void add_range(struct host_index *index, struct table_builder *ranges,
                      const struct host_index_entry *entry)
{
    uint8_t prefix = (uint8_t)entry->range.prefix;
    if (memchr(index->prefixes, prefix, index->prefix_count) == NULL)
        index->prefixes[index->prefix_count++] = prefix;
    const char *key = (const char *)&entry->range;
    ranges->entries[ranges->count++] =
        (struct keyed){.key = key,
                       .hash = hash_bytes(HASH_START, key, sizeof(entry->range)),
                       .id = entry->id,
                       .len = sizeof(entry->range),
                       .run = RUN_EXACT};
}

struct host_index *host_index_build(const struct host_index_entry *entries, size_t count)
{
    size_t counts[HOST_PATTERN_REGEX + 1] = {0};
    for (size_t i = 0; i < count; i++)
        counts[entries[i].kind]++;
    size_t name_count = counts[HOST_PATTERN_EXACT] + counts[HOST_PATTERN_SUBDOMAINS];
    struct table_builder names = {.entries = calloc_or_abort(name_count, sizeof(struct keyed))};
    struct table_builder ranges = {
        .entries = calloc_or_abort(counts[HOST_PATTERN_RANGE], sizeof(struct keyed))};
    struct host_index *index = calloc_or_abort(1, sizeof(*index));
    index->any = calloc_or_abort(counts[HOST_PATTERN_ANY], sizeof(*index->any));
    index->expressions = calloc_or_abort(counts[HOST_PATTERN_REGEX], sizeof(*index->expressions));
    for (size_t i = 0; i < count; i++) {
        const struct host_index_entry *entry = &entries[i];
        switch (entry->kind) {
        case HOST_PATTERN_EXACT:
        case HOST_PATTERN_SUBDOMAINS:
            add_name(index, &names, entry);
            break;
        case HOST_PATTERN_ANY:
            index->any[index->any_count++] = entry->id;
            break;
        case HOST_PATTERN_RANGE:
            add_range(index, &ranges, entry);
            break;
        case HOST_PATTERN_REGEX:
            index->expressions[index->expression_count++] =
                (struct expression){entry->pattern, entry->id};
            break;
        }
    }
    sort_ids(index->any, index->any_count);
    index->names = table_build(&names);
    index->ranges = table_build(&ranges);
    return index;
}

void host_index_free(struct host_index **index)
{
    struct host_index *old = *index;
    if (old == NULL)
        return;
    free(old->names.slots);
    free(old->names.words);
    free(old->ranges.slots);
    free(old->ranges.words);
    free(old->any);
    free(old->expressions);
    free(old);
    *index = NULL;
}

/* Points the cursor at the run of the key, if there is one. */
static void find(struct host_index_cursor *cursor, const struct key_table *table, uint64_t hash,
                 struct slice key, uint32_t run)
{
    uint32_t tag = tag_of(hash);
    for (uint64_t at = hash & table->mask; table->slots[at].tag != 0; at = (at + 1) & table->mask) {
        const struct slot *slot = &table->slots[at];
        if ((slot->tag & ~(uint32_t)RUN_BITS) != tag || (slot->tag & run) == 0)
            continue;
        const uint32_t *record = &table->words[slot->at];
        if (record[RECORD_KEY_LEN] != key.len || memcmp(&record[RECORD_KEY], key.ptr, key.len) != 0)
            continue;
        const uint32_t *ids = record + RECORD_KEY + words_of(key.len);
        const uint32_t *below = ids + record[RECORD_EXACT];
        cursor->run = run == RUN_EXACT ? ids : below;
        cursor->run_end = run == RUN_EXACT ? below : below + record[RECORD_BELOW];
        return;
    }
}

/* Takes the next label to the left; `position` is where the last suffix began, one behind the end
 * at first. */
static void next_name(struct host_index_cursor *cursor)
{
    const struct host_index *index = cursor->index;
    const char *text = cursor->host->text;
    size_t end = cursor->position - 1;
    size_t start = label_start(text, end);
    cursor->hash = hash_bytes(cursor->hash, text + start, end - start);
    cursor->position = (uint32_t)start;
    struct slice suffix = slice_of(text + start, cursor->host->len - start);
    if (start > 0) {
        if (length_set_has(&index->below_lengths, suffix.len))
            find(cursor, &index->names, cursor->hash, suffix, RUN_BELOW);
        return;
    }
    if (length_set_has(&index->exact_lengths, suffix.len))
        find(cursor, &index->names, cursor->hash, suffix, RUN_EXACT);
    cursor->stage = STAGE_ANY;
}

static void next_range(struct host_index_cursor *cursor)
{
    const struct host_index *index = cursor->index;
    if (cursor->position == index->prefix_count) {
        cursor->stage = cursor->ranges_only ? STAGE_END : STAGE_ANY;
        return;
    }
    struct ip_range range = {.prefix = index->prefixes[cursor->position++]};
    memcpy(range.address.bytes, cursor->address.bytes, range.prefix / 8);
    if (range.prefix % 8 != 0)
        range.address.bytes[range.prefix / 8] =
            (uint8_t)(cursor->address.bytes[range.prefix / 8] & 0xff00 >> range.prefix % 8);
    struct slice key = slice_of((const char *)&range, sizeof(range));
    find(cursor, &index->ranges, hash_bytes(HASH_START, key.ptr, key.len), key, RUN_EXACT);
}

/* The next expression that matches the host, or that gave up on it. */
static uint32_t next_expression(struct host_index_cursor *cursor)
{
    const struct host_index *index = cursor->index;
    while (cursor->position < index->expression_count) {
        const struct expression *expression = &index->expressions[cursor->position++];
        enum pattern_result result =
            pattern_match(expression->pattern, host_name_slice(cursor->host));
        cursor->uncertain = result == PATTERN_LIMIT;
        if (result != PATTERN_NO)
            return expression->id;
    }
    cursor->stage = STAGE_END;
    return HOST_INDEX_END;
}

void host_index_begin(const struct host_index *index, const struct host_name *host,
                      struct host_index_cursor *cursor)
{
    *cursor = (struct host_index_cursor){.index = index, .host = host, .hash = HASH_START};
    if (host->is_address) {
        cursor->address = host->address;
        cursor->stage = STAGE_RANGES;
    } else {
        cursor->position = host->len + 1u;
        cursor->stage = STAGE_NAMES;
    }
}

void host_index_begin_address(const struct host_index *index, const struct ip_address *address,
                              struct host_index_cursor *cursor)
{
    *cursor = (struct host_index_cursor){
        .index = index, .address = *address, .stage = STAGE_RANGES, .ranges_only = true};
}

uint32_t host_index_next(struct host_index_cursor *cursor)
{
    cursor->uncertain = false;
    while (cursor->run == cursor->run_end) {
        switch ((enum stage)cursor->stage) {
        case STAGE_NAMES:
            next_name(cursor);
            break;
        case STAGE_RANGES:
            next_range(cursor);
            break;
        case STAGE_ANY:
            cursor->run = cursor->index->any;
            cursor->run_end = cursor->run + cursor->index->any_count;
            cursor->stage = STAGE_EXPRESSIONS;
            cursor->position = 0;
            break;
        case STAGE_EXPRESSIONS:
            return next_expression(cursor);
        case STAGE_END:
            return HOST_INDEX_END;
        }
    }
    return *cursor->run++;
}

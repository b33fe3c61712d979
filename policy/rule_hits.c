/* SPDX-License-Identifier: Apache-2.0
 *
 * The hits stand in one array in the order in which the rules were first met, so that a rule's
 * number is its place there; beside it a table of numbers with open addressing finds a key. Keys
 * are hashes of the policy's texts (or the two small ones), no client chooses them: one
 * multiplication spreads them. */
#include "policy/rule_hits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "dockreeve hits 1\n"
#define NO_NUMBER UINT32_MAX

enum {
    SLOT_BITS_FIRST = 6,
    HITS_MAX = 2 * RULE_HITS_MAX,
    KEY_DIGITS = 16,
    LINE_MAX_LEN = KEY_DIGITS + 1 + 20 + 1 + 20 + 1,
    FILE_MAX_LEN = (RULE_HITS_MAX + 2) * LINE_MAX_LEN,
};

struct rule_hits {
    struct rule_hit *hits; /* owned; by number */
    size_t count, capacity;
    uint32_t *slots;    /* owned; numbers, or NO_NUMBER; at most half are taken */
    unsigned slot_bits; /* there are 1 << slot_bits */
};

/* ---- table ---- */

static size_t slot_count(const struct rule_hits *hits)
{
    return (size_t)1 << hits->slot_bits;
}

static uint32_t *make_slots(unsigned bits)
{
    size_t size = sizeof(uint32_t) << bits;
    uint32_t *slots = malloc(size);
    if (slots != NULL)
        memset(slots, 0xff, size);
    return slots;
}

/* The slot that holds `key`, or the free one where it belongs. */
static uint32_t *find_slot(const struct rule_hits *hits, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - hits->slot_bits));
    while (hits->slots[at] != NO_NUMBER && hits->hits[hits->slots[at]].key != key)
        at = (at + 1) & (slot_count(hits) - 1);
    return &hits->slots[at];
}

static bool grow_slots(struct rule_hits *hits)
{
    if ((hits->count + 1) * 2 <= slot_count(hits))
        return true;
    uint32_t *slots = make_slots(hits->slot_bits + 1);
    if (slots == NULL)
        return false;
    free(hits->slots);
    hits->slots = slots;
    hits->slot_bits++;
    for (size_t i = 0; i < hits->count; i++)
        *find_slot(hits, hits->hits[i].key) = (uint32_t)i;
    return true;
}

static bool grow_hits(struct rule_hits *hits)
{
    if (hits->count < hits->capacity)
        return true;
    size_t capacity = hits->capacity == 0 ? 32 : hits->capacity * 2;
    struct rule_hit *grown = realloc(hits->hits, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    hits->hits = grown;
    hits->capacity = capacity;
    return true;
}

static void clear(struct rule_hits *hits)
{
    hits->count = 0;
    memset(hits->slots, 0xff, sizeof(uint32_t) << hits->slot_bits);
}

struct rule_hits *rule_hits_new(void)
{
    struct rule_hits *hits = calloc(1, sizeof(*hits));
    if (hits == NULL)
        abort();
    hits->slot_bits = SLOT_BITS_FIRST;
    hits->slots = make_slots(hits->slot_bits);
    if (hits->slots == NULL)
        abort();
    return hits;
}

void rule_hits_free(struct rule_hits **hits)
{
    struct rule_hits *freed = steal_pointer(hits);
    if (freed == NULL)
        return;
    free(freed->hits);
    free(freed->slots);
    free(freed);
}

struct rule_hits *rule_hits_copy(const struct rule_hits *hits)
{
    struct rule_hits *copy = calloc(1, sizeof(*copy));
    if (copy == NULL)
        return NULL;
    size_t slots_size = sizeof(uint32_t) << hits->slot_bits;
    size_t hits_size = hits->count * sizeof(*hits->hits);
    copy->slots = malloc(slots_size);
    copy->hits = malloc(hits_size + 1); /* of none too: a pointer for memcpy */
    if (copy->slots == NULL || copy->hits == NULL) {
        rule_hits_free(&copy);
        return NULL;
    }
    memcpy(copy->slots, hits->slots, slots_size);
    if (hits_size > 0)
        memcpy(copy->hits, hits->hits, hits_size);
    copy->slot_bits = hits->slot_bits;
    copy->count = copy->capacity = hits->count;
    return copy;
}

size_t rule_hits_len(const struct rule_hits *hits)
{
    return hits->count;
}

bool rule_hits_number(struct rule_hits *hits, uint64_t key, uint32_t *number_out)
{
    uint32_t *slot = find_slot(hits, key);
    if (*slot == NO_NUMBER) {
        if (hits->count == HITS_MAX || !grow_slots(hits) || !grow_hits(hits))
            return false;
        slot = find_slot(hits, key); /* the slots may be others now */
        hits->hits[hits->count] = (struct rule_hit){.key = key};
        *slot = (uint32_t)hits->count++;
    }
    *number_out = *slot;
    return true;
}

void rule_hits_count(struct rule_hits *hits, uint32_t number, int64_t now_us)
{
    hits->hits[number].count++;
    hits->hits[number].last_us = now_us;
}

const struct rule_hit *rule_hits_find(const struct rule_hits *hits, uint64_t key)
{
    uint32_t number = *find_slot(hits, key);
    return number == NO_NUMBER || hits->hits[number].count == 0 ? NULL : &hits->hits[number];
}

/* ---- text ---- */

static int newest_first(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* From when on a hit is recent enough for the file. Of several at that very moment some may be lost
 * too, those with the higher numbers. */
static int64_t oldest_kept(const struct rule_hits *hits)
{
    if (hits->count <= RULE_HITS_MAX)
        return INT64_MIN;
    AUTO_FREE int64_t *times = malloc(hits->count * sizeof(*times));
    if (times == NULL)
        return INT64_MIN;
    for (size_t i = 0; i < hits->count; i++)
        times[i] = hits->hits[i].count == 0 ? INT64_MIN : hits->hits[i].last_us;
    qsort(times, hits->count, sizeof(*times), newest_first);
    return times[RULE_HITS_MAX - 1];
}

void rule_hits_serialize(const struct rule_hits *hits, struct buffer *out)
{
    int64_t oldest = oldest_kept(hits);
    size_t written = 0;
    buffer_append_literal(out, HEADER);
    for (size_t i = 0; i < hits->count && written < RULE_HITS_MAX; i++) {
        const struct rule_hit *hit = &hits->hits[i];
        if (hit->count == 0 || hit->last_us < oldest)
            continue;
        char line[LINE_MAX_LEN + 1];
        int len = snprintf(line, sizeof(line), "%016llx %llu %lld\n", (unsigned long long)hit->key,
                           (unsigned long long)hit->count, (long long)hit->last_us);
        buffer_append(out, line, (size_t)len);
        written++;
    }
    buffer_append_literal(out, "end ");
    buffer_append_u64(out, written);
    buffer_append_byte(out, '\n');
}

static bool parse_key(struct slice text, uint64_t *key_out)
{
    uint64_t key = 0;
    if (text.len != KEY_DIGITS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = slice_hex_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        key = key << 4 | (uint64_t)digit;
    }
    *key_out = key;
    return true;
}

static bool parse_hit(struct slice line, struct rule_hit *hit)
{
    uint64_t last;
    struct slice rest = line;
    struct slice key = slice_cut(&rest, ' ');
    struct slice count = slice_cut(&rest, ' ');
    if (!parse_key(key, &hit->key) || !slice_to_u64(count, &hit->count) ||
        !slice_to_u64(rest, &last) || hit->count == 0 || last > INT64_MAX)
        return false;
    hit->last_us = (int64_t)last;
    return true;
}

static bool add_hit(struct rule_hits *hits, const struct rule_hit *hit)
{
    uint32_t number;
    size_t before = hits->count;
    if (before == RULE_HITS_MAX || !rule_hits_number(hits, hit->key, &number) ||
        hits->count == before) /* the key is there already */
        return false;
    hits->hits[number] = *hit;
    return true;
}

static bool parse_end(struct slice line, size_t count)
{
    struct slice number = line;
    struct slice word = slice_cut(&number, ' ');
    uint64_t said;
    return slice_equal_text(word, "end") && slice_to_u64(number, &said) && said == count;
}

static bool parse(struct rule_hits *hits, struct slice text, struct error *error)
{
    const size_t header_len = sizeof(HEADER) - 1;
    if (!slice_starts_with(text, SLICE_LITERAL(HEADER)))
        return error_set(error, 1, "does not begin as a file of counts does");
    unsigned line = 1;
    for (size_t at = header_len; at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        if (end == NULL)
            break;
        struct slice part = slice_of(text.ptr + at, (size_t)(end - text.ptr) - at);
        struct rule_hit hit;
        at += part.len + 1;
        line++;
        if (slice_starts_with(part, SLICE_LITERAL("end")))
            return (parse_end(part, hits->count) && at == text.len) ||
                   error_set(error, 1, "line %u does not end what stands above it", line);
        if (!parse_hit(part, &hit) || !add_hit(hits, &hit))
            return error_set(error, 1, "line %u is no count of a rule", line);
    }
    return error_set(error, 1, "is cut off: its last line is missing");
}

bool rule_hits_parse(struct rule_hits *hits, struct slice text, struct error *error)
{
    if (parse(hits, text, error))
        return true;
    clear(hits);
    return false;
}

/* ---- file ---- */

static bool failed(struct error *error, const char *path, const char *what)
{
    return error_set(error, 1, "%s %s: %s", path, what, strerror(errno));
}

/* The folder may belong to the gate's user while root reads: what stands there is opened so that
 * neither a link nor a pipe leads elsewhere. */
static bool read_all(int fd, const char *path, struct buffer *out, struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return failed(error, path, "cannot be looked at");
    if (!S_ISREG(status.st_mode))
        return error_set(error, 1, "%s is not a regular file", path);
    for (;;) {
        if (out->len > FILE_MAX_LEN)
            return error_set(error, 1, "%s is larger than any file of counts", path);
        if (!buffer_reserve(out, 64 * 1024))
            return error_set(error, 1, "%s cannot be read: out of memory", path);
        ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return failed(error, path, "cannot be read");
        out->len += got > 0 ? (size_t)got : 0;
    }
}

bool rule_hits_read(struct rule_hits *hits, const char *path, struct error *error)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return failed(error, path, "cannot be opened");
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error why;
    if (!read_all(fd, path, &text, error))
        return false;
    return rule_hits_parse(hits, buffer_slice(&text), &why) ||
           error_set(error, 1, "%s %s", path, why.text);
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            bytes = slice_of(bytes.ptr + put, bytes.len - (size_t)put);
    }
    return true;
}

bool rule_hits_write(const struct rule_hits *hits, const char *path, struct error *error)
{
    char fresh[PATH_MAX];
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    int len = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof(fresh))
        return error_set(error, 1, "%s is too long a name", path);
    rule_hits_serialize(hits, &text);
    if (text.failed)
        return error_set(error, 1, "%s cannot be written: out of memory", path);
    AUTO_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return failed(error, fresh, "cannot be made");
    if (fchmod(fd, 0644) != 0 || !write_all(fd, buffer_slice(&text)))
        return failed(error, fresh, "cannot be written");
    return rename(fresh, path) == 0 || failed(error, path, "cannot be replaced");
}

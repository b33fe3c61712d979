/* SPDX-License-Identifier: Apache-2.0
 *
 * The hits stand in chunks in the order in which the rules were first met, so that a rule's number
 * is its place there; beside them a table of numbers with open addressing finds a key. Keys are
 * hashes of the policy's texts (or the two small ones), no client chooses them: one multiplication
 * spreads them. Chunks never move and are only read by the thread that writes the file, up to the
 * count that it sees, so that the loop has nothing to copy for it. */
#include "policy/document/rule_hits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash_index.h"
#include "base/write_all.h"

#define HEADER "dockreeve hits 1\n"

enum {
    HITS_MAX = 2 * RULE_HITS_MAX,
    CHUNK_BITS = 10,
    CHUNK_LEN = 1 << CHUNK_BITS,
    CHUNKS_MAX = HITS_MAX / CHUNK_LEN + 1,
    KEY_DIGITS = 16,
    LINE_MAX_LEN = KEY_DIGITS + 1 + 20 + 1 + 20 + 1,
    FILE_MAX_LEN = (RULE_HITS_MAX + 2) * LINE_MAX_LEN,
};

struct rule_hits {
    struct rule_hit *chunks[CHUNKS_MAX]; /* owned; by number */
    size_t count;                        /* read by another thread too: see count_of() */
    struct hash_index by_key;            /* of one thread */
};

/* ---- what two threads look at ---- */

static size_t count_of(const struct rule_hits *hits)
{
    return __atomic_load_n(&hits->count, __ATOMIC_ACQUIRE);
}

static struct rule_hit *hit_at(const struct rule_hits *hits, size_t number)
{
    return &hits->chunks[number >> CHUNK_BITS][number & (CHUNK_LEN - 1)];
}

static struct rule_hit read_hit(const struct rule_hits *hits, size_t number)
{
    const struct rule_hit *hit = hit_at(hits, number);
    return (struct rule_hit){.key = hit->key,
                             .count = __atomic_load_n(&hit->count, __ATOMIC_RELAXED),
                             .last_us = __atomic_load_n(&hit->last_us, __ATOMIC_RELAXED)};
}

static void set_hit(struct rule_hit *hit, uint64_t count, int64_t last_us)
{
    __atomic_store_n(&hit->last_us, last_us, __ATOMIC_RELAXED);
    __atomic_store_n(&hit->count, count, __ATOMIC_RELAXED);
}

/* ---- table ---- */

static bool find_number(const struct rule_hits *hits, uint64_t key, size_t *number_out)
{
    struct hash_index_search search = hash_index_search(&hits->by_key, key);
    while (hash_index_next(&search, number_out)) {
        if (hit_at(hits, *number_out)->key == key)
            return true;
    }
    return false;
}

static bool grow_hits(struct rule_hits *hits)
{
    struct rule_hit **chunk = &hits->chunks[hits->count >> CHUNK_BITS];
    if (*chunk == NULL)
        *chunk = calloc(CHUNK_LEN, sizeof(**chunk));
    return *chunk != NULL;
}

static void clear(struct rule_hits *hits)
{
    hits->count = 0;
    hash_index_clear(&hits->by_key);
}

struct rule_hits *rule_hits_new(void)
{
    struct rule_hits *hits = calloc_or_abort(1, sizeof(*hits));
    return hits;
}

void rule_hits_free(struct rule_hits **hits)
{
    struct rule_hits *freed = steal_pointer(hits);
    if (freed == NULL)
        return;
    for (size_t i = 0; i < CHUNKS_MAX; i++)
        free(freed->chunks[i]);
    hash_index_free(&freed->by_key);
    free(freed);
}

void rule_hits_reserve(struct rule_hits *hits, size_t more)
{
    size_t wanted = hits->count + more;
    (void)hash_index_reserve(&hits->by_key, wanted < HITS_MAX ? wanted : HITS_MAX);
}

size_t rule_hits_len(const struct rule_hits *hits)
{
    return hits->count;
}

bool rule_hits_number(struct rule_hits *hits, uint64_t key, uint32_t *number_out)
{
    size_t number;
    if (!find_number(hits, key, &number)) {
        number = hits->count;
        if (number == HITS_MAX || !grow_hits(hits) || !hash_index_add(&hits->by_key, key, number))
            return false;
        *hit_at(hits, number) = (struct rule_hit){.key = key};
        __atomic_store_n(&hits->count, number + 1, __ATOMIC_RELEASE);
    }
    *number_out = (uint32_t)number;
    return true;
}

void rule_hits_count(struct rule_hits *hits, uint32_t number, int64_t now_us)
{
    struct rule_hit *hit = hit_at(hits, number);
    set_hit(hit, hit->count + 1, now_us);
}

const struct rule_hit *rule_hits_find(const struct rule_hits *hits, uint64_t key)
{
    size_t number;
    return find_number(hits, key, &number) && hit_at(hits, number)->count > 0 ? hit_at(hits, number)
                                                                              : NULL;
}

/* ---- text ---- */

static int newest_first(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* From when on a hit is recent enough for the file. Of several at that very moment some may be lost
 * too, those with the higher numbers. */
static int64_t oldest_kept(const struct rule_hits *hits, size_t count)
{
    if (count <= RULE_HITS_MAX)
        return INT64_MIN;
    AUTO_FREE int64_t *times = malloc(count * sizeof(*times));
    if (times == NULL)
        return INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        struct rule_hit hit = read_hit(hits, i);
        times[i] = hit.count == 0 ? INT64_MIN : hit.last_us;
    }
    qsort(times, count, sizeof(*times), newest_first);
    return times[RULE_HITS_MAX - 1];
}

void rule_hits_serialize(const struct rule_hits *hits, struct buffer *out)
{
    size_t count = count_of(hits), written = 0;
    int64_t oldest = oldest_kept(hits, count);
    buffer_append_literal(out, HEADER);
    for (size_t i = 0; i < count && written < RULE_HITS_MAX; i++) {
        struct rule_hit hit = read_hit(hits, i);
        if (hit.count == 0 || hit.last_us < oldest)
            continue;
        char line[LINE_MAX_LEN + 1];
        int len = snprintf(line, sizeof(line), "%016llx %llu %lld\n", (unsigned long long)hit.key,
                           (unsigned long long)hit.count, (long long)hit.last_us);
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
    set_hit(hit_at(hits, number), hit->count, hit->last_us);
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

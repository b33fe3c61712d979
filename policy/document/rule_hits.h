/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each rule decided and when last, under the rule's key (policy_list.h), so that counts
 * outlive reloads and restarts: a rule that is moved in its file keeps them. The gate counts and
 * writes, `policy ls` reads. Also the two defaults count, under keys of their own.
 *
 * The file is text, so that people can look at it; the last line tells a whole file from a cut one:
 *
 *   dockreeve hits 1
 *   KEY COUNT LAST       16 hexadecimal digits, requests, microseconds of Unix time
 *   end LINES */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Keys of what decides when no rule does. */
#define RULE_HITS_DEFAULT_DOCKER UINT64_C(1)
#define RULE_HITS_DEFAULT_NETWORK UINT64_C(2)

/* A file keeps this many rules, a running gate twice as many. Beyond that the longest unused are
 * forgotten when the file is written: those that no policy holds any more. */
enum { RULE_HITS_MAX = 1000000 };

struct rule_hit {
    uint64_t key;
    uint64_t count;  /* requests that it decided; 0 = free */
    int64_t last_us; /* Unix time of the last one */
};

struct rule_hits; /* opaque: a hash table of struct rule_hit */

struct rule_hits *rule_hits_new(void); /* aborts when memory is out: start-up use */
void rule_hits_free(struct rule_hits **hits);

/* Makes room for so many rules more than it has, so that numbering them later costs the same each
 * time. What is not used takes no memory. Without memory it grows as it goes. */
void rule_hits_reserve(struct rule_hits *hits, size_t more);

/* How many rules it knows. */
size_t rule_hits_len(const struct rule_hits *hits);

/* The number under which `key` is counted from now on, for rule_hits_count(); made when new. False
 * when the table is full or memory is out. Numbers stay valid until the table is freed. */
MUST_CHECK bool rule_hits_number(struct rule_hits *hits, uint64_t key, uint32_t *number_out);
void rule_hits_count(struct rule_hits *hits, uint32_t number, int64_t now_us);

/* NULL when that rule never decided. Lives as long as the table. */
const struct rule_hit *rule_hits_find(const struct rule_hits *hits, uint64_t key);

/* The text of a file of counts, and back: into an empty table. What is wrong with the text is an
 * error (code 1, with the line) and leaves the table empty. Another thread may serialize (or write)
 * a table while its owner goes on counting and numbering: it sees each count as it was at some
 * moment since it began. */
void rule_hits_serialize(const struct rule_hits *hits, struct buffer *out);
MUST_CHECK bool rule_hits_parse(struct rule_hits *hits, struct slice text, struct error *error);

/* Reads a file of counts into an empty table. A missing file is an empty one; what is wrong with it
 * is an error (code 1) and leaves the table empty: counts decide nothing. */
MUST_CHECK bool rule_hits_read(struct rule_hits *hits, const char *path, struct error *error);

/* Replaces the file by rename, mode 0644; no fsync: a count lost in a power failure harms nobody.
 * Writes to `path`.new first. */
MUST_CHECK bool rule_hits_write(const struct rule_hits *hits, const char *path,
                                struct error *error);

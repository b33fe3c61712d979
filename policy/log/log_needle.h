/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the few lines of a large log that may be wanted, without reading the others: texts that
 * every wanted line holds are looked for in a whole block at once. They only propose; the filter
 * decides on the parsed line.
 *
 * The texts are those of the form in which the gate writes a record (policy/log/log_record.h). A line
 * that was written by somebody else may spell the same otherwise: with an escape for a letter
 * (backslash and `u` or slash) or with a space beside a colon. Such lines are always proposed, so
 * that what is found does not depend on who wrote it. */
#ifndef DOCKREEVE_POLICY_LOG_NEEDLE_H
#define DOCKREEVE_POLICY_LOG_NEEDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/arena.h"

enum { LOG_NEEDLE_GROUPS_MAX = 10, LOG_NEEDLES_MAX = 4 };

/* A line may be wanted when it holds a text of every group. Without a group every line may. */
struct log_needles {
    struct arena arena; /* owned: the texts */
    struct {
        struct slice texts[LOG_NEEDLES_MAX];
        unsigned count;
    } groups[LOG_NEEDLE_GROUPS_MAX]; /* the first is looked for in blocks, the others in what it
                                        found: the rarest should come first */
    unsigned group_count;
};

/* Begins a group. */
void log_needles_group(struct log_needles *needles);
/* Adds `before`, `value` as the gate writes it between quotes, and `behind` to the last group. A
 * value with control bytes has several spellings: the group is then given up, and false returned.
 */
bool log_needles_add(struct log_needles *needles, const char *before, struct slice value,
                     const char *behind);
void log_needles_clear(struct log_needles *needles);

/* A search through whole lines; borrows both. */
struct log_search {
    const struct log_needles *needles;
    struct slice lines;
    size_t at;                    /* the beginning of the next line */
    size_t hits[LOG_NEEDLES_MAX]; /* where the texts of the first group stand next, from `at` on */
    size_t space, backslash;      /* where something is spelled otherwise next */
};

/* `lines` ends with a line end, or is empty. */
void log_search_begin(struct log_search *search, const struct log_needles *needles,
                      struct slice lines);

/* The next line that may be wanted, without its line end. False when there is none. */
bool log_search_next(struct log_search *search, struct slice *line_out);

#endif

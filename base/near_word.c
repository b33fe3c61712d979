/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimal string alignment distance (insert, delete, replace, swap of neighbours) over short words. */
#include "base/near_word.h"

#include <stdio.h>

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both words at most WORD_MAX long. */
static size_t word_distance(struct slice a, struct slice b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = same_letter(a.ptr[i - 1], b.ptr[j - 1]) ? 0 : 1;
            row[j] = min_size(above[j - 1] + change, min_size(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a.ptr[i - 1], b.ptr[j - 2]) &&
                same_letter(a.ptr[i - 2], b.ptr[j - 1]))
                row[j] = min_size(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

void near_word_init(struct near_word *near, struct slice wanted)
{
    *near = (struct near_word){wanted, NULL, SIZE_MAX};
}

void near_word_offer(struct near_word *near, const char *word)
{
    struct slice offered = slice_from_text(word);
    if (offered.len > WORD_MAX || near->wanted.len > WORD_MAX || near->wanted.len == 0)
        return;
    size_t limit = offered.len / 3 > 0 ? offered.len / 3 : 1;
    size_t distance = word_distance(near->wanted, offered);
    if (distance <= limit && distance < near->distance) {
        near->best = word;
        near->distance = distance;
    }
}

struct near_word_hint near_word_hint(const struct near_word *near)
{
    struct near_word_hint hint = {""};
    if (near->best != NULL)
        snprintf(hint.text, sizeof(hint.text), "; did you mean `%s`?", near->best);
    return hint;
}

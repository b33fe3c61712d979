/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean …?": the nearest of a list of words to one that was mistyped. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

/* Keeps the best candidate while a caller walks its words, wherever they come from. */
struct near_word {
    struct slice wanted;
    const char *best; /* borrowed; NULL while nothing is near enough */
    size_t distance;
};

void near_word_init(struct near_word *near, struct slice wanted);
/* Offers one word. Compared without case; a word is near when at most a third of its letters (at
 * least one) differ. */
void near_word_offer(struct near_word *near, const char *word);

/* "; did you mean `WORD`?" for the end of a sentence, or "" when nothing is near. */
struct near_word_hint {
    char text[300];
};
struct near_word_hint near_word_hint(const struct near_word *near);

/* SPDX-License-Identifier: Apache-2.0
 *
 * Words that complete a command line and that only the policy knows (base/cli/completion.h). */
#pragma once

#include "base/cli/completion.h"

/* At most so many words: nobody reads a longer list. */
enum { POLICY_WORDS_MAX = 1000 };

/* A completion_words_write. Words that could not be typed as they stand (with blanks or control
 * bytes) are left out; descriptions are safe for a terminal. Of a policy that is not valid there
 * are no clients, rules and hosts. */
void policy_words_append(const struct completion_question *question, struct buffer *out);

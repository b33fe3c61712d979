/* SPDX-License-Identifier: Apache-2.0
 *
 * What fits where on a command line, read off the tables of commands and options. */
#pragma once

#include <stdbool.h>

#include "base/cli/completion.h"

/* What is offered for a value. */
enum completion_offer_kind {
    OFFER_NOTHING,
    OFFER_FILES,
    OFFER_FOLDERS,
    OFFER_FIXED, /* the words of offer.fixed, between bars */
    OFFER_WORDS, /* offer.words */
};

struct completion_offer {
    enum completion_offer_kind kind;
    enum completion_words words;
    const char *fixed;
};

struct completion_offer completion_option_offer(const struct option *option);

/* For the command's plain arguments, beside its literal words. */
struct completion_offer completion_arguments_offer(const char *arguments);

/* Whether `docker` and operations, or `network` and hosts are what the arguments are. */
bool completion_takes_request(const char *arguments);

/* The next word of `arguments` that is typed as it stands: lower-case, and none of the sentence's
 * own ("or"). False at the end. */
bool completion_next_literal(const char **arguments, struct slice *word_out);

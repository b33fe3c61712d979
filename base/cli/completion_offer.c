/* SPDX-License-Identifier: Apache-2.0
 *
 * What a value is called says what is offered for it (base/cli/completion.h). */
#include "base/cli/completion_offer.h"

#include <string.h>

static const struct {
    const char *name;
    struct completion_offer offer;
} named_offers[] = {
    {"FILE", {.kind = OFFER_FILES}},
    {"PATH", {.kind = OFFER_FILES}},
    {"FOLDER", {.kind = OFFER_FOLDERS}},
    {"DIR", {.kind = OFFER_FOLDERS}},
    {"CLIENT", {.kind = OFFER_WORDS, .words = COMPLETION_CLIENTS}},
    {"SANDBOX", {.kind = OFFER_WORDS, .words = COMPLETION_CLIENTS}},
    {"ID", {.kind = OFFER_WORDS, .words = COMPLETION_RULES}},
    {"RULE", {.kind = OFFER_WORDS, .words = COMPLETION_RULES}},
    {"SOURCE", {.kind = OFFER_WORDS, .words = COMPLETION_SOURCES}},
    {"HOST", {.kind = OFFER_WORDS, .words = COMPLETION_HOSTS}},
    {"RES", {.kind = OFFER_WORDS, .words = COMPLETION_HOSTS}},
    {"OPERATION", {.kind = OFFER_WORDS, .words = COMPLETION_OPERATIONS}},
    {"PRESET", {.kind = OFFER_WORDS, .words = COMPLETION_PRESETS}},
    {"METHOD", {.kind = OFFER_FIXED, .fixed = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"}},
};

/* Options that mean the same in all commands. */
static const struct {
    const char *name;
    struct completion_offer offer;
} named_options[] = {
    {"client", {.kind = OFFER_WORDS, .words = COMPLETION_CLIENTS}},
    {"sandbox", {.kind = OFFER_WORDS, .words = COMPLETION_CLIENTS}},
    {"rule", {.kind = OFFER_WORDS, .words = COMPLETION_SOURCES}},
};

static struct completion_offer offer_named(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(named_offers); i++) {
        if (slice_equal_text(name, named_offers[i].name))
            return named_offers[i].offer;
    }
    return (struct completion_offer){.kind = OFFER_NOTHING};
}

struct completion_offer completion_option_offer(const struct option *option)
{
    for (size_t i = 0; i < ARRAY_LEN(named_options); i++) {
        if (strcmp(option->name, named_options[i].name) == 0)
            return named_options[i].offer;
    }
    if (option->argument == NULL)
        return (struct completion_offer){.kind = OFFER_NOTHING};
    if (strspn(option->argument, "abcdefghijklmnopqrstuvwxyz-|") == strlen(option->argument))
        return (struct completion_offer){.kind = OFFER_FIXED, .fixed = option->argument};
    return offer_named(slice_from_text(option->argument));
}

/* The next word of `arguments`, "docker" of "[docker|network HOST]". False at the end. */
static bool next_word(const char **arguments, struct slice *word_out)
{
    static const char separators[] = " []|.,\":";
    *arguments += strspn(*arguments, separators);
    *word_out = slice_of(*arguments, strcspn(*arguments, separators));
    *arguments += word_out->len;
    return word_out->len > 0;
}

bool completion_next_literal(const char **arguments, struct slice *word_out)
{
    while (next_word(arguments, word_out)) {
        if (strspn(word_out->ptr, "abcdefghijklmnopqrstuvwxyz-") >= word_out->len &&
            !slice_equal_text(*word_out, "or") && !slice_equal_text(*word_out, "and"))
            return true;
    }
    return false;
}

static bool has_literal(const char *arguments, const char *literal)
{
    struct slice word;
    while (completion_next_literal(&arguments, &word)) {
        if (slice_equal_text(word, literal))
            return true;
    }
    return false;
}

bool completion_takes_request(const char *arguments)
{
    return has_literal(arguments, "docker") && has_literal(arguments, "network");
}

struct completion_offer completion_arguments_offer(const char *arguments)
{
    bool request = completion_takes_request(arguments);
    struct slice word;
    while (next_word(&arguments, &word)) {
        struct completion_offer offer = offer_named(word);
        if (offer.kind != OFFER_NOTHING &&
            (!request || (offer.kind == OFFER_WORDS && offer.words == COMPLETION_RULES)))
            return offer;
    }
    return (struct completion_offer){.kind = OFFER_NOTHING};
}

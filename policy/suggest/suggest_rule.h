/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a suggestion while they are gathered: one for each client, kind and set of keys, with
 * a list of hosts or operations, each with its evidence. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "policy/suggest/suggest_evidence.h"
#include "base/text_map.h"

/* A further key of a rule; the value is YAML that is JSON, too: `["GET","HEAD"]`. */
struct suggest_key {
    const char *name, *value;
};
enum { SUGGEST_KEYS_MAX = 4 };
struct suggest_keys {
    struct suggest_key items[SUGGEST_KEYS_MAX];
    size_t count;
};
void suggest_keys_add(struct suggest_keys *keys, const char *name, const char *value);
bool suggest_keys_equal(const struct suggest_keys *a, const struct suggest_keys *b);
/* Appends `before` and "name: value" for each. */
void suggest_keys_write(const struct suggest_keys *keys, const char *before, struct buffer *out);

/* One line of a rule's list, with its evidence. */
struct suggest_item {
    const char *text;  /* "@lifecycle", "*.example.com:443" */
    const char *order; /* items of a rule are sorted by it */
    struct suggest_span span;
    size_t members;      /* hosts or operations that it stands for */
    bool permitted;      /* the present policy permits all of it (suggest_mark_permitted()) */
    const char *warning; /* what it opens that its name does not say; NULL = nothing */
    const char *note;    /* what it does not open; NULL = nothing */
};

/* Adds what `more` stands for: requests, and what is to be said of it unless something is already. */
void suggest_item_add(struct suggest_item *item, const struct suggest_item *more);

struct suggest_rule {
    const char *client;
    bool network; /* else docker */
    struct suggest_item *items;
    size_t item_count, item_capacity; /* owned array; texts in the arena */
    struct suggest_keys keys;
};

struct suggestion {
    struct arena arena;
    struct suggest_rule *rules; /* owned: by client, docker before network */
    size_t rule_count, rule_capacity;
    struct text_map known; /* by client, kind and keys: index of the rule, from 1 */
};

/* A new rule, or the one of the same client and kind with just these keys. */
struct suggest_rule *suggest_rule_for(struct suggestion *suggestion,
                                      const struct suggest_rule *wanted);
void suggest_rule_add(struct suggest_rule *rule, const struct suggest_item *item);
void suggest_free(struct suggestion *suggestion);
#define AUTO_SUGGESTION CLEANUP(suggest_free)

/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering the rules of a suggestion: what has the same client, kind and keys becomes one rule. */
#include "policy/suggest/suggest_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

void suggest_keys_add(struct suggest_keys *keys, const char *name, const char *value)
{
    keys->items[keys->count++] = (struct suggest_key){name, value};
}

bool suggest_keys_equal(const struct suggest_keys *a, const struct suggest_keys *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->items[i].name, b->items[i].name) == 0 &&
                strcmp(a->items[i].value, b->items[i].value) == 0;
    return equal;
}

void suggest_keys_write(const struct suggest_keys *keys, const char *before, struct buffer *out)
{
    for (size_t i = 0; i < keys->count; i++)
        buffer_printf(out, "%s%s: %s", before, keys->items[i].name, keys->items[i].value);
}

void suggest_item_add(struct suggest_item *item, const struct suggest_item *more)
{
    suggest_span_add(&item->span, &more->span);
    item->members += more->members;
    item->permitted = item->permitted && more->permitted;
    item->warning = item->warning != NULL ? item->warning : more->warning;
    item->note = item->note != NULL ? item->note : more->note;
}

struct suggest_rule *suggest_rule_for(struct suggestion *suggestion,
                                      const struct suggest_rule *wanted)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    buffer_printf(&key, "%d %s", (int)wanted->network, wanted->client);
    suggest_keys_write(&wanted->keys, "\n", &key);
    void **place = text_map_at(&suggestion->known, buffer_slice(&key));
    if (*place != NULL)
        return &suggestion->rules[(uintptr_t)*place - 1];
    suggestion->rules = array_grow(suggestion->rules, suggestion->rule_count,
                                   &suggestion->rule_capacity, sizeof(suggestion->rules[0]));
    suggestion->rules[suggestion->rule_count++] = *wanted;
    *place = (void *)(uintptr_t)suggestion->rule_count;
    return &suggestion->rules[suggestion->rule_count - 1];
}

void suggest_rule_add(struct suggest_rule *rule, const struct suggest_item *item)
{
    rule->items =
        array_grow(rule->items, rule->item_count, &rule->item_capacity, sizeof(rule->items[0]));
    rule->items[rule->item_count++] = *item;
}

void suggest_free(struct suggestion *suggestion)
{
    for (size_t i = 0; i < suggestion->rule_count; i++)
        free(suggestion->rules[i].items);
    free(suggestion->rules);
    text_map_free(&suggestion->known);
    arena_free(&suggestion->arena);
    memset(suggestion, 0, sizeof(*suggestion));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a suggestion: client by client, and in an order that is the same for the same log. */
#include "policy/suggest/suggest.h"

#include <string.h>

static int compare_items(const void *a, const void *b)
{
    const struct suggest_item *left = a, *right = b;
    int order = strcmp(left->order, right->order);
    return order != 0 ? order : strcmp(left->text, right->text);
}

/* Rules without conditions first. */
static int compare_rules(const void *a, const void *b)
{
    const struct suggest_rule *left = a, *right = b;
    int order = strcmp(left->client, right->client);
    if (order == 0)
        order = (int)left->network - (int)right->network;
    if (order == 0)
        order = (left->keys.count > 0) - (right->keys.count > 0);
    return order != 0 ? order : compare_items(&left->items[0], &right->items[0]);
}

void suggest_make(struct suggestion *suggestion, const struct suggest_evidence *evidence,
                  const struct suggest_options *options)
{
    for (size_t i = 0, end; i < evidence->operation_count; i = end) {
        for (end = i + 1;
             end < evidence->operation_count &&
             strcmp(evidence->operations[i]->client, evidence->operations[end]->client) == 0;)
            end++;
        suggest_docker(suggestion, evidence->operations + i, end - i, options);
    }
    for (size_t i = 0, end; i < evidence->target_count; i = end) {
        for (end = i + 1;
             end < evidence->target_count &&
             strcmp(evidence->targets[i]->client, evidence->targets[end]->client) == 0;)
            end++;
        suggest_network(suggestion, evidence->targets + i, end - i);
    }
    for (size_t i = 0; i < suggestion->rule_count; i++)
        qsort(suggestion->rules[i].items, suggestion->rules[i].item_count,
              sizeof(struct suggest_item), compare_items);
    if (suggestion->rule_count > 1)
        qsort(suggestion->rules, suggestion->rule_count, sizeof(struct suggest_rule),
              compare_rules);
}

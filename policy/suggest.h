/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy suggest`: from what a log says was used to the smallest readable rules that admit it. The
 * rules admit what was used and nothing else, but for two groupings: a set of operations
 * ("@lifecycle") when all of its members were used, and `*.example.com` when three hosts directly
 * below example.com were. */
#ifndef DOCKREEVE_POLICY_SUGGEST_H
#define DOCKREEVE_POLICY_SUGGEST_H

#include "policy/policy_list.h"
#include "policy/suggest_evidence.h"

/* A further key of a rule; the value is YAML that is JSON, too: `["GET","HEAD"]`. */
struct suggest_key {
    const char *name, *value;
};
enum { SUGGEST_KEYS_MAX = 4 };

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

struct suggest_rule {
    const char *client;
    bool network; /* else docker */
    struct suggest_item *items;
    size_t item_count, item_capacity; /* owned array; texts in the arena */
    struct suggest_key keys[SUGGEST_KEYS_MAX];
    size_t key_count;
};

struct suggestion {
    struct arena arena;
    struct suggest_rule *rules; /* owned: by client, docker before network */
    size_t rule_count, rule_capacity;
    struct text_map known; /* by client, kind and keys: index of the rule, from 1 */
};

/* What is grouped how. */
struct suggest_options {
    bool any_object; /* rules go by operation alone, whatever the objects were called */
};

/* Makes the rules. The evidence, which is sealed, must outlive them. */
void suggest_make(struct suggestion *suggestion, const struct suggest_evidence *evidence,
                  const struct suggest_options *options);
void suggest_free(struct suggestion *suggestion);
#define AUTO_SUGGESTION CLEANUP(suggest_free)

/* A new rule, or the one of the same client and kind with just these keys. */
struct suggest_rule *suggest_rule_for(struct suggestion *suggestion,
                                      const struct suggest_rule *wanted);
void suggest_rule_add(struct suggest_rule *rule, const struct suggest_item *item);

/* The rules of operations[0..count) or targets[0..count), which are of one client
 * (suggest_docker.c, suggest_network.c). */
void suggest_docker(struct suggestion *suggestion, struct suggest_operation *const *operations,
                    size_t count, const struct suggest_options *options);
void suggest_network(struct suggestion *suggestion, struct suggest_target *const *targets,
                     size_t count);

/* Tells the evidence the allows of the present policy; before anything is added.
 * (suggest_present.c) */
void suggest_know_policy(struct suggest_evidence *evidence, const struct policy *policy);

/* Asks the policy about all evidence as if it were enforced: sets `permitted` of what it permits,
 * and adds the rules that do to evidence->used. What a rule of it denies is left out. Call it
 * between sealing and suggest_make(). (suggest_present.c) */
void suggest_mark_permitted(struct suggest_evidence *evidence, const struct policy *policy);

/* How evidence->used names a rule: "SOURCE RULE" as in the log. Appended. */
void suggest_write_docker_key(const struct policy_listed_rule *rule, struct buffer *out);
void suggest_write_network_key(const struct policy_listed_network *rule, struct buffer *out);

#endif

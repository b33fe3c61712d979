/* SPDX-License-Identifier: Apache-2.0
 *
 * A suggestion as a policy document or as JSON. Each line of a rule names its evidence in a
 * comment. Of the log nothing gets into either but what suggest_evidence.h took in its canonical
 * form. */
#pragma once

#include "policy/suggest/suggest.h"
#include "policy/document/yaml_tree.h"

struct suggest_document {
    const struct suggestion *suggestion;
    const struct suggest_evidence *evidence;
    const struct yaml_tree_node *present; /* the policy.yaml in force; NULL = none */
    bool drop_in;                         /* rules only, to stand beside it in policy.d */
};

/* Appends the document. Not as a drop-in it is a whole policy: default deny, what the present one
 * has beside rules (listeners and settings; not `mode`), and its denies. */
void suggest_write_document(const struct suggest_document *document, struct buffer *out);

/* Appends "rules":[…],"left_out":[…] of an object that the caller has begun. */
void suggest_write_json(const struct suggest_document *document, struct buffer *out);

/* Appends one rule's line as an object: what it allows, its evidence. */
void suggest_write_item_json(const struct suggest_item *item, struct buffer *out);
/* Appends "client", "kind" and the keys of a rule. */
void suggest_write_rule_keys_json(const struct suggest_rule *rule, struct buffer *out);
/* Appends "12 requests, 2026-11-20T08:01:12Z to 2026-11-21T07:12:01Z". */
void suggest_write_span(const struct suggest_span *span, struct buffer *out);

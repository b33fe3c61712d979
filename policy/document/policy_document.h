/* SPDX-License-Identifier: Apache-2.0
 *
 * From a document's tree to rules, clients and settings in a builder (docs/design.md 3). Everything that is
 * wrong is reported with its place; reading goes on behind it, so that one run shows all errors. */
#pragma once

#include <stdbool.h>

#include "policy/snapshot/policy_builder.h"
#include "policy/document/yaml_tree.h"

/* What the documents of one load share. */
struct policy_reading {
    struct policy_builder *builder; /* borrowed */
    struct policy_messages *errors, *notices;
    bool check_owner;
    const struct slice *cli_text; /* of struct policy_inputs */
    struct arena arena;           /* owned: trees and names, until the load is over */
    struct arena *kept;           /* borrowed: texts that outlive it */
    struct policy_files *files;   /* borrowed; NULL = nobody wants to know */
    const char **used;            /* owned: "client name" and what it used already */
    size_t used_count, used_capacity;
};

struct policy_document {
    struct policy_reading *reading;
    const char *file;  /* full name, for messages and relative names */
    const char *label; /* short name, for sources: "policy.yaml", "preset/traefik" */
    bool may_override; /* policy.d/90-cli.yaml: its `default` replaces an earlier one */
    size_t client;     /* whom rules are for: an index or POLICY_EVERY_CLIENT */
    enum policy_layer layer;
    const struct policy_document *parent; /* the document whose `use` named this one; NULL = none */
};

/* Reads one key of a map (its value is key->value), or one item of a list, and reports what is wrong
 * with it. What it says goes to `place`. */
typedef void policy_reader(const struct policy_document *document,
                           const struct yaml_tree_node *node, void *place);

/* A row of a map's closed table of keys. */
struct policy_key {
    const char *name;
    policy_reader *read; /* NULL = the key is noted only */
    size_t offset;       /* of its place in what the map is read into */
};
struct policy_map {
    const char *where; /* what the map is called when a key is none of it: "`socket`" */
    const char *form;  /* said when it is no map; NULL = the caller has looked */
    const struct policy_key *keys;
    size_t count; /* at most POLICY_KEYS_MAX */
};
enum { POLICY_KEYS_MAX = 40 };

/* Reads a map key by key, in the order of the document, into `whole`. `given`, unless NULL, has a
 * place for each row and gets the key where it stands in the map. False, reported, when it is no map
 * or a key is unknown. */
bool policy_document_read_map(const struct policy_document *document,
                              const struct yaml_tree_node *node, const struct policy_map *map,
                              const struct yaml_tree_node **given, void *whole);
/* In two steps, where what one key says decides on others: notes the keys; reads those that are
 * given, in the order of the table. */
void policy_document_note_map(const struct policy_document *document,
                              const struct yaml_tree_node *node, const struct policy_map *map,
                              const struct yaml_tree_node **given);
void policy_document_read_given(const struct policy_document *document,
                                const struct policy_map *map,
                                const struct yaml_tree_node *const *given, void *whole);

/* Reads the value of a key: one item, or a list of them. An empty list is an error that ends in
 * `empty`, unless that is NULL. `..._texts` looks that each is text before. */
void policy_document_read_list(const struct policy_document *document,
                               const struct yaml_tree_node *key, const char *empty,
                               policy_reader *read, void *place);
void policy_document_read_texts(const struct policy_document *document,
                                const struct yaml_tree_node *key, const char *empty,
                                policy_reader *read, void *place);
/* The same for texts in which no blank can stand. */
void policy_document_read_words(const struct policy_document *document,
                                const struct yaml_tree_node *key, const char *empty,
                                policy_reader *read, void *place);
/* Whether the text is one word, or an expression. If not, the list that was meant is appended to
 * `why_out`, or reported. */
bool policy_document_is_word(const struct yaml_tree_node *node, struct buffer *why_out);
bool policy_document_one_word(const struct policy_document *document,
                              const struct yaml_tree_node *node);

/* Reads a document's text: a map whose first row is `version`. */
void policy_document_read_text(const struct policy_document *document, struct slice text,
                               const struct policy_map *map, void *whole);

/* Readers of keys that several maps have; each says what it reads into. */
policy_reader policy_document_read_bool;      /* struct policy_setting */
policy_reader policy_document_read_mode;      /* struct policy_setting */
policy_reader policy_document_keep_text;      /* const char *, in reading->kept */
policy_reader policy_document_refuse_not_yet; /* of the language, and not of this version */

/* Reads the list under `docker:` (policy_rule_reader.c). */
void policy_rules_read(const struct policy_document *document, size_t client,
                       const struct yaml_tree_node *list);

/* Reads the list under `network:` (policy_network_reader.c). */
void policy_network_rules_read(const struct policy_document *document, size_t client,
                               const struct yaml_tree_node *list);

/* Reads the map under `guard:`, of a client or of everybody (policy_guard_reader.c). `inherit` NULL = the
 * top level, which has nobody to inherit from. */
void policy_guard_read(const struct policy_document *document, const struct yaml_tree_node *key,
                       struct guard_set *set, struct policy_setting *inherit);

/* Reads the map under `clients:` (policy_client_reader.c); `place` is not used. */
policy_reader policy_clients_read;

/* Helpers shared by the readers. */
void policy_document_error(const struct policy_document *document,
                           const struct yaml_tree_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
void policy_document_notice(const struct policy_document *document,
                            const struct yaml_tree_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Text that is there: not a list or map, not null, not empty. `what` names the key in the message. */
bool policy_document_text(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what);
bool policy_document_bool(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what, bool *value_out);
bool policy_document_range(const struct policy_document *document,
                           const struct yaml_tree_node *node, struct ip_range *range_out);
/* One of two words; *value_out says whether it is `yes`. */
bool policy_document_choice(const struct policy_document *document,
                            const struct yaml_tree_node *key, const char *yes, const char *no,
                            bool *value_out);
/* The number of a word among `names`; count when it is none, reported with "did you mean". */
size_t policy_document_word(const struct policy_document *document,
                            const struct yaml_tree_node *node, const char *const *names,
                            size_t count, const char *where);
/* The key that says what a rule does, of given[0] = `allow` and given[1] = `deny`; NULL, reported, when
 * there is none or both. */
const struct yaml_tree_node *policy_document_effect(const struct policy_document *document,
                                                    const struct yaml_tree_node *rule,
                                                    const struct yaml_tree_node *const *given);
/* The time from which on a rule is ignored. False, reported, when it is none; a time that is over
 * is a notice. */
bool policy_document_read_expires(const struct policy_document *document,
                                  const struct yaml_tree_node *node, int64_t *expires_us_out);
/* Sets what may be said once; `may_override` lets a later document say it again. */
void policy_document_set_once(const struct policy_document *document,
                              const struct yaml_tree_node *node, const char *what, int64_t value,
                              bool may_override, struct policy_setting *setting);
/* Reports a key that the language has and this version has not. */
void policy_document_not_yet(const struct policy_document *document,
                             const struct yaml_tree_node *key, const char *what);

/* SPDX-License-Identifier: Apache-2.0
 *
 * From a document's tree to rules, clients and settings in a builder (docs/design.md 3). Everything that is
 * wrong is reported with its place; reading goes on behind it, so that one run shows all errors. */
#ifndef DOCKREEVE_POLICY_POLICY_DOCUMENT_H
#define DOCKREEVE_POLICY_POLICY_DOCUMENT_H

#include <stdbool.h>

#include "policy/snapshot/policy_internal.h"
#include "policy/document/yaml_tree.h"

/* What the documents of one load share. */
struct policy_reading {
    struct policy_builder *builder; /* borrowed */
    struct policy_messages *errors, *notices;
    bool check_owner;
    const struct slice *cli_text; /* of struct policy_inputs */
    struct arena arena;           /* owned: trees and names, until the load is over */
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

/* One key of a map, with what reads its value (key->value) and reports what is wrong with it. */
struct policy_key {
    const char *name;
    void (*read)(const struct policy_document *document, const struct yaml_tree_node *key);
};
enum { POLICY_KEYS_MAX = 24 };

/* Reads a document's text: a map whose keys are in `keys`; `where` is what the map is called when
 * one is not. */
void policy_document_read_text(const struct policy_document *document, struct slice text,
                               const struct policy_key *keys, size_t count, const char *where);

/* Reads the list under `docker:` (policy_rule_reader.c). */
void policy_rules_read(const struct policy_document *document, size_t client,
                       const struct yaml_tree_node *list);

/* Reads the list under `network:` (policy_network_reader.c). */
void policy_network_rules_read(const struct policy_document *document, size_t client,
                               const struct yaml_tree_node *list);

/* Reads the map under `clients:` (policy_client_reader.c). */
void policy_clients_read(const struct policy_document *document, const struct yaml_tree_node *node);

/* Helpers shared by the readers. */
void policy_document_error(const struct policy_document *document,
                           const struct yaml_tree_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
void policy_document_notice(const struct policy_document *document,
                            const struct yaml_tree_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Text that is there: not a list or map, not null, not empty. `what` names the key in the message.
 */
bool policy_document_text(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what);
bool policy_document_bool(const struct policy_document *document, const struct yaml_tree_node *node,
                          const char *what, bool *value_out);
/* The number of `key` among `names`; count when it is none, reported with "did you mean". */
size_t policy_document_key(const struct policy_document *document, const struct yaml_tree_node *key,
                           const char *const *names, size_t count, const char *where);
/* The time from which on a rule is ignored. False, reported, when it is none; a time that is over
 * is a notice. */
bool policy_document_read_expires(const struct policy_document *document,
                                  const struct yaml_tree_node *node, int64_t *expires_us_out);
/* Sets what may be said once; `may_override` lets a later document say it again. */
void policy_document_set_once(const struct policy_document *document,
                              const struct yaml_tree_node *node, const char *what, int64_t value,
                              bool may_override, struct policy_setting *setting);
/* Keys that documents and clients share. */
void policy_document_read_bool(const struct policy_document *document,
                               const struct yaml_tree_node *node, const char *what,
                               struct policy_setting *setting);
void policy_document_read_mode(const struct policy_document *document,
                               const struct yaml_tree_node *node, struct policy_setting *setting);
/* Reports a key that the language has and this version has not. */
void policy_document_not_yet(const struct policy_document *document,
                             const struct yaml_tree_node *key, const char *what);

#endif

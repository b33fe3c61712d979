/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents of rules: presets, and files that `use` names. The readers of their keys serve the main
 * document too, which may hold more (policy_main_document.h). */
#pragma once

#include "policy/document/policy_document.h"

/* Reads the text of a document of rules. */
void policy_rules_document_read(const struct policy_document *document, struct slice text);

/* Adds preset/negotiate, which holds for everybody and cannot be left out. */
void policy_preset_add_always(struct policy_builder *builder, struct policy_messages *errors);

/* Reads the key `use`, for `client`: an index or POLICY_EVERY_CLIENT. */
void policy_document_read_use(const struct policy_document *document, size_t client,
                              const struct yaml_tree_node *key);

/* Readers of its keys; they use no place. */
policy_reader policy_rules_read_version, policy_rules_read_use, policy_rules_read_docker,
    policy_rules_read_network;

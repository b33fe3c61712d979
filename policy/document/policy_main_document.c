/* SPDX-License-Identifier: Apache-2.0
 *
 * What policy.yaml and its drop-ins may hold. Each key is in a closed table; what the language has a
 * word for and this version does not do yet is in the table too, and refused with a sentence of its
 * own, because a rail that is written down and silently missing is worse than none. */
#include "policy/document/policy_main_document.h"

#include "policy/document/policy_own_addresses.h"
#include "policy/document/policy_rules_document.h"

static void read_default(const struct policy_document *document,
                         const struct yaml_tree_node *default_key)
{
    const struct yaml_tree_node *node = default_key->value;
    static const char *const keys[] = {"docker", "network"};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, node,
                              "`default` takes a map: {docker: deny, network: deny}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        size_t which = policy_document_key(document, key, keys, ARRAY_LEN(keys), "`default`");
        if (which == ARRAY_LEN(keys) || !policy_document_text(document, key->value, keys[which]))
            continue;
        bool allow = slice_equal_text(key->value->text, "allow");
        if (!allow && !slice_equal_text(key->value->text, "deny"))
            policy_document_error(document, key->value, "a default is allow or deny");
        else if (which == 0)
            policy_document_set_once(document, key->value, "default: docker", allow,
                                     document->may_override,
                                     &document->reading->builder->default_allow);
        else
            policy_document_set_once(document, key->value, "default: network", allow,
                                     document->may_override,
                                     &document->reading->builder->default_network);
    }
}

static void read_clients(const struct policy_document *document, const struct yaml_tree_node *key)
{
    policy_clients_read(document, key->value);
}

static void read_mode(const struct policy_document *document, const struct yaml_tree_node *key)
{
    policy_document_read_mode(document, key->value, &document->reading->builder->mode);
}

static void read_strict(const struct policy_document *document, const struct yaml_tree_node *key)
{
    policy_document_read_bool(document, key->value, "strict", &document->reading->builder->strict);
}

static void read_cut_on_revoke(const struct policy_document *document,
                               const struct yaml_tree_node *key)
{
    policy_document_read_bool(document, key->value, "cut_on_revoke",
                              &document->reading->builder->cut_on_revoke);
}

static void read_own_addresses(const struct policy_document *document,
                               const struct yaml_tree_node *key)
{
    policy_own_addresses_read(document, key->value);
}

static void refuse_not_yet(const struct policy_document *document, const struct yaml_tree_node *key)
{
    char quoted[40];
    policy_document_not_yet(document, key, error_quote(key->text, quoted, sizeof(quoted)));
}

void policy_main_document_read(const struct policy_document *document, struct slice text)
{
    static const struct policy_key keys[] = {{"version", policy_rules_read_version},
                                             {"use", policy_rules_read_use},
                                             {"docker", policy_rules_read_docker},
                                             {"network", policy_rules_read_network},
                                             {"default", read_default},
                                             {"clients", read_clients},
                                             {"mode", read_mode},
                                             {"strict", read_strict},
                                             {"guard", refuse_not_yet},
                                             {"enforce", refuse_not_yet},
                                             {"scope", refuse_not_yet},
                                             {"cut_on_revoke", read_cut_on_revoke},
                                             {"own_addresses", read_own_addresses}};
    policy_document_read_text(document, text, keys, ARRAY_LEN(keys), "a policy");
}

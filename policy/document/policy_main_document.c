/* SPDX-License-Identifier: Apache-2.0
 *
 * What policy.yaml and its drop-ins may hold. Each key is in a closed table; what the language has a
 * word for and this version does not do yet is in the table too, and refused with a sentence of its
 * own, because a rail that is written down and silently missing is worse than none. */
#include "policy/document/policy_main_document.h"

#include <stddef.h>
#include <stdio.h>

#include "policy/document/policy_own_addresses.h"
#include "policy/document/policy_rules_document.h"

/* Of one kind: whether what no rule names is allowed. */
static void read_verdict(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    char what[32];
    if (!policy_document_text(document, key->value, key->text.ptr))
        return;
    snprintf(what, sizeof(what), "default: %s", key->text.ptr);
    bool allow = slice_equal_text(key->value->text, "allow");
    if (allow || slice_equal_text(key->value->text, "deny"))
        policy_document_set_once(document, key->value, what, allow, document->may_override, place);
    else
        policy_document_error(document, key->value, "a default is allow or deny");
}

static void read_default(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    static const struct policy_key keys[] = {
        {"docker", read_verdict, offsetof(struct policy_builder, default_allow)},
        {"network", read_verdict, offsetof(struct policy_builder, default_network)}};
    static const struct policy_map map = {
        "`default`", "`default` takes a map: {docker: deny, network: deny}", keys, ARRAY_LEN(keys)};
    policy_document_read_map(document, key->value, &map, NULL, place);
}

static void read_guard(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    struct policy_builder *builder = place;
    policy_guard_read(document, key, &builder->policy->guard, NULL);
}

void policy_main_document_read(const struct policy_document *document, struct slice text)
{
    static const struct policy_key keys[] = {
        {"version", policy_rules_read_version, 0},
        {"use", policy_rules_read_use, 0},
        {"docker", policy_rules_read_docker, 0},
        {"network", policy_rules_read_network, 0},
        {"default", read_default, 0},
        {"clients", policy_clients_read, 0},
        {"mode", policy_document_read_mode, offsetof(struct policy_builder, mode)},
        {"strict", policy_document_read_bool, offsetof(struct policy_builder, strict)},
        {"guard", read_guard, 0},
        {"enforce", policy_document_refuse_not_yet, 0},
        {"scope", policy_document_refuse_not_yet, 0},
        {"cut_on_revoke", policy_document_read_bool,
         offsetof(struct policy_builder, cut_on_revoke)},
        {"own_addresses", policy_own_addresses_read, 0}};
    static const struct policy_map map = {"a policy", NULL, keys, ARRAY_LEN(keys)};
    policy_document_read_text(document, text, &map, document->reading->builder);
}

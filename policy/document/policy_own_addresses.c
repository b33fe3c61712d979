/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of the machine's addresses, from documents and from the variable. */
#include "policy/document/policy_own_addresses.h"

#include "policy/environment/environment_variables.h"

static const char advice[] =
    "is no address or range (203.0.113.7, 10.0.0.0/8, with zeros behind the prefix)";

static bool add(struct policy *policy, struct slice text)
{
    struct ip_range range;
    if (!ip_range_parse(text, &range))
        return false;
    policy->own_addresses =
        array_grow(policy->own_addresses, policy->own_address_count, &policy->own_address_capacity,
                   sizeof(policy->own_addresses[0]));
    policy->own_addresses[policy->own_address_count++] = range;
    return true;
}

static void read_item(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *)
{
    if (!add(document->reading->builder->policy, node->text))
        policy_document_error(document, node, "%s %s", quote(node->text).text, advice);
}

void policy_own_addresses_read(const struct policy_document *document,
                               const struct yaml_tree_node *key, void *place)
{
    document->reading->builder->policy->says_own_addresses = true;
    policy_document_read_words(document, key, NULL, read_item, place);
}

static bool is_between(char byte)
{
    return byte == ',' || byte == ' ' || byte == '\t' || byte == '\n';
}

void policy_own_addresses_from_environment(struct policy_builder *builder, char *const *environment,
                                           struct policy_messages *errors)
{
    const char *value =
        environment == NULL ? NULL : environment_value(environment, POLICY_OWN_ADDRESSES_VARIABLE);
    if (value == NULL || value[0] == '\0')
        return;
    builder->policy->says_own_addresses = true;
    if (strcmp(value, "none") == 0)
        return;
    while (*value != '\0') {
        size_t len = 0;
        while (value[len] != '\0' && !is_between(value[len]))
            len++;
        struct slice text = slice_of(value, len);
        if (len > 0 && !add(builder->policy, text))
            policy_messages_add(errors, NULL, 0, 0, POLICY_OWN_ADDRESSES_VARIABLE ": %s %s",
                                quote(text).text, advice);
        value += len + (value[len] != '\0');
    }
}

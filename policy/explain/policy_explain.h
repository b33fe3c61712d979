/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence for a denied client (docs/design.md 1.6): what, by which rule, and what would permit it. */
#pragma once

#include "policy/snapshot/policy_network.h"

/* The sentence a denied client is shown: what was refused, by which rule, and what would permit it.
 * No query, no body. */
void policy_explain_denial(const struct policy *policy, const struct policy_client *client,
                           const struct docker_request *request, const struct verdict *verdict,
                           struct buffer *out);

/* The name of the request's chain that a deny matched; NULL text = the verdict is not about one. */
struct slice network_verdict_cname(const struct network_verdict *verdict, struct slice cnames);

/* "allow *.npmjs.org" or the rule's name; "default". Appended. */
void network_verdict_write_rule(const struct network_verdict *verdict, struct buffer *out);
/* "policy.yaml:14", "preset/npm:3", "default". Appended. */
void network_verdict_write_source(const struct network_verdict *verdict, struct buffer *out);

/* The sentence for the denied client: what was refused, by which rule. */
void policy_explain_network_denial(const struct policy_client *client,
                                   const struct network_request *request,
                                   const struct network_verdict *verdict, struct buffer *out);
/* The line or command that would permit it ("add `- allow: \"x:8443\"` under `network:` in FILE");
 * appends nothing when no rule could (a malformed request, an SNI mismatch). */
void policy_explain_network_fix(const struct policy *policy, const struct policy_client *client,
                                const struct network_request *request,
                                const struct network_verdict *verdict, struct buffer *out);

/* SPDX-License-Identifier: Apache-2.0
 *
 * All that stands between a verdict and its opposite, for `policy check` and `policy explain`. */
#pragma once

#include "policy/snapshot/policy.h"
#include "policy/snapshot/policy_network.h"

/* Everything that together turns the verdict on a Docker request, "to permit it, …" or "to deny it,
 * …"; walks every rule of the client. */
void policy_obstacles_docker(const struct policy *policy, const struct policy_client *client,
                             const struct docker_request *request, enum docker_object_state state,
                             const struct docker_object *object, const struct verdict *verdict,
                             struct buffer *out);
/* The same for a destination. Nothing when no rule could turn it. */
void policy_obstacles_network(const struct policy *policy, const struct policy_client *client,
                              const struct network_request *request,
                              const struct network_verdict *verdict, struct buffer *out);

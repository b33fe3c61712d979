/* SPDX-License-Identifier: Apache-2.0
 *
 * One step that would turn a verdict: a command where the command line can do it, else a line of the
 * policy (docs/design.md 1.6). Denials of the gate name one; all that is needed together:
 * policy_obstacles.h. */
#pragma once

#include "policy/snapshot/policy.h"
#include "rules/docker/docker_reach.h"

/* Appends a name that comes from a document, quoted as in messages. */
void policy_advice_write_name(struct slice name, struct buffer *out);

/* Appends "run `dockreeve policy allow docker ContainerStop --client ci`" (or deny), or "add `-
 * allow: ContainerStop` under `docker:` in FILE" where no command reaches what the policy is made
 * of. */
void policy_advice_docker(const struct policy *policy, const struct policy_client *client,
                          enum docker_operation operation, bool allows, struct buffer *out);

/* What a rule for a host must say beside it. Zeros = nothing. */
struct policy_advice_conditions {
    const struct ip_address *address; /* `addresses` */
    const char *method;               /* `methods` */
    struct slice keys;                /* what no command can say: "protocols: [ssh]" */
};

/* The same for "host:port". Where `keys` are needed it is a line. */
void policy_advice_network(const struct policy *policy, const struct policy_client *client,
                           struct slice target, bool allows,
                           const struct policy_advice_conditions *conditions, struct buffer *out);

/* Appends "run `dockreeve policy rm ID`" for the rule with that number (policy.h), if its source or
 * label says that the command line wrote it. False, and nothing, when it did not. Refusals are on
 * the hot path: this looks at no other rule. */
bool policy_advice_remove(const struct policy *policy, const char *source, uint32_t number,
                          struct buffer *out);

/* Appends a line with a path for that: "- allow: {method: GET, path: …REGISTRY…}". */
void policy_advice_reach_path(const struct docker_reach_place *place, struct buffer *out);

/* Appends " under `network:` in FILE", where a line has to be added by hand. */
void policy_advice_place(const struct policy *policy, const struct policy_client *client,
                         const char *section, struct buffer *out);

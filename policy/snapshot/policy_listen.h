/* SPDX-License-Identifier: Apache-2.0
 *
 * Where clients are listened for: reading it, and checking all of it against each other. */
#pragma once

#include "policy/snapshot/policy_builder.h"

/* Reads "unix:/path" or "tcp:ADDRESS:PORT", for network roles also "ADDRESS:PORT" (and for DNS
 * "udp:ADDRESS:PORT"); sockets are for Docker and egress only. Texts go into `arena`. */
MUST_CHECK bool policy_listen_parse(struct arena *arena, enum policy_role role, const char *text,
                                    struct policy_listen *listen, struct error *error);

/* One address that a client's DNS listener answers with (POLICY_DNS_LISTED). False with `error`
 * when it is none or one too many. */
MUST_CHECK bool policy_dns_address_add(struct builder_client *client, struct slice text,
                                       struct error *error);

/* Checks the listeners of all clients against each other. */
void policy_listen_check_all(const struct policy_builder *builder, struct policy_messages *errors,
                             struct policy_messages *notices);

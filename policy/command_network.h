/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check network` and `policy explain network`. */
#ifndef DOCKREEVE_POLICY_COMMAND_NETWORK_H
#define DOCKREEVE_POLICY_COMMAND_NETWORK_H

#include <stdbool.h>

#include "base/error.h"
#include "policy/policy.h"

/* What the command line says. Borrowed; NULL = not said. */
struct command_network_words {
    const char *target;  /* host, host:port, http://… or https://… */
    const char *method;  /* for http:// */
    const char *address; /* what the name would resolve to */
    const char *sni;     /* the ClientHello's server name; "-" = it has none */
};

/* Asks the gate's own decision, and appends the answer as text or JSON; *allowed_out is what it
 * comes to. False with `error` when the words are no question; a target that the gate would refuse
 * as malformed is an answer. */
MUST_CHECK bool command_network_answer(const struct policy *policy,
                                       const struct policy_client *client,
                                       const struct command_network_words *words, bool explain,
                                       bool json, struct buffer *out, bool *allowed_out,
                                       struct error *error);

#endif

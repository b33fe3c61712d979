/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client is told of a refusal, by the `refusal` key of its policy. The log always has all of it. */
#pragma once

#include "base/buffer.h"
#include "policy/snapshot/policy.h"

struct refusal_words {
    unsigned status;     /* of HTTP */
    const char *reason;  /* stable code */
    struct slice rule;   /* that denied; len 0 = none did */
    const char *message; /* all that could be said */
    struct slice id;     /* of the request in the log */
};

/* How it is told where the policy knows the client no more. */
extern const struct policy_refusal refusal_words_of_nobody;

/* Appends the sentence: the operator's own text first, then
 *
 *   full  the message
 *   rule  the rule's name, or the reason: no file, path, option or command of the host
 *   none  whether it was denied, or failed
 *
 * and, unless it is full, the id by which the operator finds the rest in the log. A version of the API
 * that is too new is told in the engine's own words, which clients read to choose an older one. */
void refusal_words_write(const struct policy_refusal *how, const struct refusal_words *refusal,
                         struct buffer *out);

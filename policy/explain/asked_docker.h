/* SPDX-License-Identifier: Apache-2.0
 *
 * A request to the Docker Engine that was not made, asked as the gate asks it. `policy check`,
 * `policy explain` and `policy test` answer with it. Without facts nothing is known of the object,
 * and what depends on it is denied, which is what the gate does with an unknown one. A body is read as
 * the gate reads it. */
#pragma once

#include "base/error.h"
#include "policy/snapshot/policy.h"
#include "rules/docker/docker_content.h"
#include "rules/guard/body.h"

struct asked_docker {
    const struct policy *policy; /* borrowed, and the client in it */
    const struct policy_client *client;
    struct docker_request request; /* owned */
    struct docker_object object;   /* owned */
    bool object_known;             /* a fact was said */
    bool depends;                  /* the verdict is what the gate says of an unknown object */
    bool malformed;                /* the gate refuses it itself: `error` with status and reason */
    struct error error;
    enum docker_object_state state; /* what is known of the object; it may not have mattered */
    struct verdict verdict;
    struct docker_content content; /* of the body, where there is one */
    struct buffer body_text;       /* owned: what may be JSON of it */
    struct body body; /* owned: as the engine would be sent it; type NULL = none was read */
    struct guard_finding finding; /* what the guards refuse of it */
};

/* Reads "POST /containers/create" or an operation's name into *asked, which was zeroed. False with
 * `error` (code 2) when it is neither. */
MUST_CHECK bool asked_docker_read(struct asked_docker *asked, const struct policy *policy,
                                  const struct policy_client *client, const char *text,
                                  struct error *error);

/* Adds one fact of the object, "name=web"; the text is borrowed. False with `error` (code 2). */
MUST_CHECK bool asked_docker_add_fact(struct asked_docker *asked, const char *text,
                                      struct error *error);

/* Reads the body from a file; "-" is standard input. `type` (borrowed) NULL = the one that clients
 * send with this operation. False with `error` (code 2) when it cannot be read. */
MUST_CHECK bool asked_docker_read_body(struct asked_docker *asked, const char *path,
                                       const char *type, struct error *error);

void asked_docker_decide(struct asked_docker *asked);

bool asked_docker_is_allowed(const struct asked_docker *asked);

/* As the log names them; they live as long as the policy. */
const char *asked_docker_rule(const struct asked_docker *asked);
const char *asked_docker_source(const struct asked_docker *asked);
const char *asked_docker_reason(const struct asked_docker *asked);

void asked_docker_clear(struct asked_docker *asked);

/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a request reaches out of its operation (the column `reach` of the operations' table): a
 * path of the engine's host, an address that the engine itself connects to, a registry of the
 * client's choice. A rule that permits the operation does not permit that; only one that names it
 * does: by a condition on the parameter, on the image or name, or by a path that spells it out. */
#pragma once

#include "base/buffer.h"
#include "rules/docker/docker_request.h"
#include "rules/docker/docker_rule.h"

/* A place in requests that can reach out: one for each parameter and name with such a reach. */
struct docker_reach_place {
    enum docker_operation operation;
    struct slice parameter; /* ptr NULL = the name in the path */
    enum docker_reach reach;
    const char *why;       /* "makes the engine fetch an address" */
    struct slice harmless; /* a value that reaches nowhere beside the empty one; len 0 = none */
};

/* The places, by number from 0; false behind the last. For listings. */
bool docker_reach_place_at(size_t index, struct docker_reach_place *place_out);

/* Visits the places of the request whose value does reach out: *position is 0 at first and moves
 * on. False when there is no more. Costs a look at the operation's row where nothing reaches. */
bool docker_reach_next(const struct docker_request *request, unsigned *position,
                       struct docker_reach_place *place_out);

/* Whether the rule speaks of that place: whether it allows this value, docker_rule_match() says. */
bool docker_reach_is_named(const struct docker_rule *rule, const struct docker_request *request,
                           const struct docker_reach_place *place);

/* The registry that an image reference or a search term names, a part of it; ptr NULL when that is
 * Docker Hub. As the engine divides them: what stands before the first slash is a registry when it
 * has a dot, a colon or a capital letter, or is `localhost`. */
struct slice docker_reach_registry(struct slice reference);

/* The key of `where` that names what a request reaches ("query.remote", "image"), appended to `out`,
 * which may be NULL. False where there is none, and only a path can name it. */
bool docker_reach_condition(const struct docker_reach_place *place, struct buffer *out);

/* The reason code of a refusal: "guard.query", "guard.name". */
const char *docker_reach_reason(const struct docker_reach_place *place);

/* SPDX-License-Identifier: Apache-2.0
 *
 * A condition of a Docker rule (`where`), and how a request and the facts of its object match it
 * (docs/design.md 3.1). Pure: facts in, answer out.
 *
 *   key                                       what is compared
 *   id, name, image, label, network, volume   facts of the existing object that the request names
 *   query.X                                   the request's own parameter X
 *   name of an operation that creates         query.name (ContainerCreate)
 *
 * A condition holds patterns, of which one must match:
 *
 *   - A fact may be a list (the tags of an image, the networks of a container). An ALLOW needs
 *     every item to match, and at least one item; a DENY needs any. Labels: any item in both; the
 *     pattern `key` means that the label is there, `key=glob` its value.
 *   - Image references (`image`, and `name` of an image) are compared as they stand, in their
 *     familiar spelling (nginx) and in their canonical one (docker.io/library/nginx:latest). Ids
 *     and digests name content: an allow compares them only with patterns that spell out `sha256:`,
 *     which then suffice; all other patterns are held against the tags, or against digest
 *     references where there is no tag. A deny compares everything with everything.
 *   - A repeated parameter is a list too. An absent one matches nothing but `absent`, which beside
 *     others means "or absent".
 *   - max and min compare whole numbers; what is not a number does not match in an allow and
 *     matches in a deny. `under` holds when the value, read as an absolute path, is one of the
 *     folders or below it; a value with dot segments does not match in an allow and matches in a
 *     deny.
 *   - A fact that cannot be had, and an expression that ran into its limit: no match in an allow, a
 *     match in a deny. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rules/docker/docker_object.h"
#include "rules/docker/docker_request.h"
#include "rules/pattern.h"

/* How the facts of the named object stand. */
enum docker_object_state {
    DOCKER_OBJECT_NOT_ASKED, /* the answer may be "it depends on the object" */
    DOCKER_OBJECT_KNOWN,     /* the object is filled */
    DOCKER_OBJECT_UNKNOWN, /* it could not be had: allows with `where` on it do not match, denies do */
};

/* Where a condition's value comes from: a fact (the numbers of enum docker_fact) or a parameter. */
enum { DOCKER_CONDITION_QUERY = DOCKER_FACT_COUNT };

struct docker_condition {
    unsigned key;           /* enum docker_fact, or DOCKER_CONDITION_QUERY */
    struct slice parameter; /* owned text; for DOCKER_CONDITION_QUERY */
    struct pattern *values; /* owned */
    size_t value_count;
    bool has_max, has_min, absent;
    int64_t max, min;
    /* owned texts: clean absolute paths, no slash at the end ("" = the root) */
    struct slice *under;
    size_t under_count;
};

void docker_condition_clear(struct docker_condition *condition);

/* Whether requests of `operation` can have the key of `condition`. */
bool docker_condition_can_hold(const struct docker_condition *condition,
                               enum docker_operation operation);

/* Whether the condition asks for a fact of the existing object when `operation` is requested (else
 * the request alone decides). */
bool docker_condition_needs_object(const struct docker_condition *condition,
                                   enum docker_operation operation);

enum docker_match {
    DOCKER_MATCH_NO,
    DOCKER_MATCH_YES,
    DOCKER_MATCH_MAYBE, /* the request fits and the object's facts, not asked for yet, decide */
};

/* Holds one request against one condition of an allow, or of a deny. `object` may be NULL unless
 * state is DOCKER_OBJECT_KNOWN. *why_out says in static text why it did not match. */
enum docker_match docker_condition_match(const struct docker_condition *condition, bool allows,
                                         const struct docker_request *request,
                                         enum docker_object_state state,
                                         const struct docker_object *object, const char **why_out);

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Docker rule is, and how a request and the facts of its object match it (docs/design.md 3.1). Pure:
 * facts in, answer out.
 *
 * A rule has targets (operations, or method and path; one suffices) and conditions (`where`; all
 * must hold).
 *
 * Conditions, by key:
 *   id, name, image, label, network, volume   facts of the existing object that the request names
 *   query.X                                   the request's own parameter X; on operations that
 * create and take a parameter `name` (ContainerCreate), the key `name` means query.name A condition
 * holds patterns, of which one must match:
 *   - A fact may be a list (the tags of an image, the networks of a container). An ALLOW needs
 * every item to match, and at least one item; a DENY needs any. Labels: any item in both; the
 * pattern `key` means that the label is there, `key=glob` its value.
 *   - Image references (`image`, and `name` of an image) are compared as they stand, in their
 * familiar spelling (nginx) and in their canonical one (docker.io/library/nginx:latest). Ids and
 * digests name content: an allow compares them only with patterns that spell out `sha256:`, which
 * then suffice; all other patterns are held against the tags, or against digest references where
 * there is no tag. A deny compares everything with everything.
 *   - A repeated parameter is a list too. An absent one matches nothing but `absent`.
 *   - max and min compare whole numbers; what is not a number does not match in an allow and
 * matches in a deny. `under` holds when the value, read as an absolute path, is one of the folders
 * or below it; a value with dot segments does not match in an allow and matches in a deny. `absent`
 * beside others means "or absent".
 *   - `expires`: where the time is not known, an allow has expired and a deny has not.
 *   - A fact that cannot be had, and an expression that ran into its limit: no match in an allow, a
 * match in a deny. An operation that can never have one of the keys is not selected by the rule,
 * neither in an allow nor in a deny. */
#ifndef DOCKREEVE_RULES_DOCKER_RULE_H
#define DOCKREEVE_RULES_DOCKER_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/docker/docker_object.h"
#include "rules/docker/docker_request.h"
#include "rules/pattern.h"

/* How the facts of the named object stand. */
enum docker_object_state {
    DOCKER_OBJECT_NOT_ASKED, /* the answer may be "it depends on the object" */
    DOCKER_OBJECT_KNOWN,     /* the object is filled */
    DOCKER_OBJECT_UNKNOWN, /* it could not be had: allows with `where` on it do not match, denies do
                            */
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
    struct slice
        *under; /* owned texts: clean absolute paths without a slash at the end ("" = the root) */
    size_t under_count;
};

struct docker_path_target {
    uint32_t methods; /* bit 1 << enum http_method; 0 = every method */
    struct pattern pattern;
    struct docker_operation_set operations; /* those whose path and method it can match */
};

struct docker_rule {
    bool allows;
    struct docker_operation_set operations; /* selected by name, glob or set */
    uint32_t methods;                       /* further limit on those; 0 = every method */
    struct docker_path_target *paths;       /* owned */
    size_t path_count;
    struct docker_condition *conditions; /* owned */
    size_t condition_count;
    int64_t expires_us; /* Unix time from which on the rule is ignored; 0 = never */
};

void docker_rule_clear(struct docker_rule *rule);

/* Adds a path target, with the operations that it can match. False with `error` when the pattern is
 * wrong, is a literal or glob that is not canonical (version prefix, dot segment, empty segment,
 * query), or can never match any operation with those methods. */
MUST_CHECK bool docker_rule_add_path(struct docker_rule *rule, uint32_t methods, struct slice text,
                                     struct error *error);

/* The operations that the rule's targets select, before its conditions narrow them. */
void docker_rule_selected(const struct docker_rule *rule, struct docker_operation_set *set);

/* Whether requests of `operation` can have the key of `condition`. */
bool docker_condition_can_hold(const struct docker_condition *condition,
                               enum docker_operation operation);

/* Takes the operations that cannot have one of the conditions' keys out of the targets. Call once,
 * when the rule is complete. */
void docker_rule_narrow(struct docker_rule *rule);

/* Whether the condition asks for a fact of the existing object when `operation` is requested (else
 * the request alone decides). */
bool docker_condition_needs_object(const struct docker_condition *condition,
                                   enum docker_operation operation);

enum docker_match {
    DOCKER_MATCH_NO,
    DOCKER_MATCH_YES,
    DOCKER_MATCH_MAYBE, /* the request fits and the object's facts, not asked for yet, decide */
};

/* Why a rule did not match, for `policy explain`: static text and the condition concerned (NULL =
 * the target). */
struct docker_mismatch {
    const char *text;
    const struct docker_condition *condition;
};

/* Holds one request against one rule. `object` may be NULL unless state is DOCKER_OBJECT_KNOWN.
 * `mismatch` may be NULL. Allocates nothing. */
enum docker_match docker_rule_match(const struct docker_rule *rule,
                                    const struct docker_request *request,
                                    enum docker_object_state state,
                                    const struct docker_object *object,
                                    struct docker_mismatch *mismatch);

#endif

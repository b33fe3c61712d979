/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON body in the one form that the engine is sent: every field one that the tables know
 * (rules/guard/body_type.h), under its own name, once, of its type. Go's decoder takes fields in any
 * case, the last of several, and passes over what it does not know; what it would make of a body
 * must be what was judged, so none of that is left to it.
 *
 *   a field that no table has   dropped when it says nothing (null, false, 0, "", [], {}), or when
 *                               no engine acts on it there: parameters of the query, which some
 *                               clients repeat in the body; else 403
 *   a key that is only folded   400: the engine would take the value for the field of that name
 *   a repeated key, a NUL,      400
 *   a value of another type
 *   one text for a list         a list of one, where the engine reads it so
 *
 * null, absent and [] stay three things; numbers keep their digits; keys that are data (labels,
 * sysctls, options of drivers) stay as they are. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "rules/guard/body_type.h"

enum {
    BODY_API_OLDEST = 25,     /* minor version from which on the tables describe what is judged */
    BODY_VALUES_MAX = 100000, /* values in one body */
    BODY_DROPPED_MAX = 32,    /* names of dropped fields that are kept; the others are counted */
};

struct body {
    const struct body_type *type; /* NULL = none was read */
    const struct docker_operation_info *operation;
    struct json_tree tree;  /* owned. root NULL: the body is empty, which says nothing */
    struct buffer dropped;  /* owned: paths of the fields that are left out, a NUL between them */
    unsigned dropped_count; /* of all of them */
};

/* Reads and checks a body; `text` is borrowed as long as the body is used. `minor` is the API version
 * that the request names, 0 = none. False with `error`: an HTTP status and the reason
 * "version.too-old" (engines read such a body otherwise than the tables say), "malformed.json", "malformed.field", "unknown.field", "limit.body" or
 * "gate.memory". The body is to be freed in any case. */
MUST_CHECK bool body_read(struct body *body, enum docker_operation operation, unsigned minor,
                          struct slice text, struct error *error);
void body_free(struct body *body);
#define AUTO_BODY CLEANUP(body_free)

/* Appends the body as the engine is sent it. */
void body_write(const struct body *body, struct buffer *out);

/* Appends where in the body a value stands: "HostConfig.Mounts[2].Type". */
void body_append_path(const struct json_tree_node *node, struct buffer *out);

/* Whether a value says nothing: null, false, 0, "", [] or {}. */
bool body_is_empty(const struct json_tree_node *node);


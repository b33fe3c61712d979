/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical model of one request to the Docker Engine: which operation it is, on what, with
 * which parameters. It is made from the method and the target of a request line and is the only
 * thing that is judged, logged and, written anew by docker_request_write_target(), sent on. Every
 * spelling that the engine could read in another way than we do is refused here
 * (docs/design.md 1.1, 1.2 and 3.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "rules/docker/docker_operation.h"
#include "rules/http_method.h"

enum {
    DOCKER_QUERY_MAX = 10000, /* parameters in one query, known and dropped ones together */
    DOCKER_QUERY_SPARE = 260, /* so many more may be put into it when it is sent on */
    DOCKER_DROPPED_MAX = 32,  /* names of dropped ones that are kept; the others are counted */
};

struct docker_parameter {
    struct slice key, value; /* decoded; in `text` of the request */
};

struct docker_request {
    enum http_method method;
    enum docker_operation operation;
    struct slice version;   /* "v1.41", empty without a version prefix; libpod also "v5.0.0" */
    unsigned version_minor; /* 41; 0 without a prefix and for libpod */
    struct slice path;      /* decoded, without version: "/containers/web/json" */
    /* what {name} or {id} stands for, decoded, slashes included; empty = none */
    struct slice object_name;
    /* those that are sent on, in the client's order */
    struct docker_parameter *parameters; /* owned; kept like `text` */
    unsigned parameter_count, parameter_capacity;
    struct slice dropped[DOCKER_DROPPED_MAX]; /* decoded names of parameters that are not sent on */
    unsigned dropped_count;                   /* of those names, each once */
    unsigned dropped_more; /* parameters that were dropped and whose names are not among them */
    unsigned own_version;  /* minor version that is written where the client names none; 0 = none.
                             Set by the caller behind parse */
    int64_t now_us; /* Unix time, for `expires`; 0 = not known. Set by the caller behind parse */
    struct buffer text; /* owned: what the slices above point into; its memory is kept from one
                           request to the next */
};

/* Fills `request` from a request line's method and origin-form target (path and query; no control
 * byte and no space, and in the path none that RFC 3986 wants escaped: the caller has checked that).
 * Of a parameter that the engine reads once the first is kept; what comes again, and what no
 * operation knows, is dropped, with `strict` refused. The request must have been zeroed once;
 * its memory is reused. False with `error` (code: an HTTP status):
 *
 *   301 malformed.path-empty-segment         two slashes in a row and nothing else that is wrong
 *                                            with the path: docker_request_write_clean()
 *   400 malformed.path-… malformed.query-…   a spelling that is never right, a parameter that
 *                                            `strict` refuses (named)
 *   400 version.too-old version.too-new      before 1.12, after the newest that is known
 *   400 version.unknown                      not of the form v1.N
 *   403 unknown.operation                    a path that is no operation
 *   405 unknown.method                       a path that exists with other methods
 *   503 gate.memory                          memory is out
 *
 * Even then the operation is set as far as it is known (for the log), and `path` whenever the target
 * could be decoded. */
MUST_CHECK bool docker_request_parse(struct docker_request *request, enum http_method method,
                                     struct slice target, bool strict, struct error *error);

/* Appends where a client with two slashes in a row is sent, as the engine says it: `path` (decoded)
 * with one, and the query of `target` as it was written. */
void docker_request_write_clean(struct slice path, struct slice target, struct buffer *out);

/* Whether a first path segment (without slashes) can only be meant as a version: v, then digits and
 * dots. */
bool docker_request_is_version(struct slice segment);

/* Appends the canonical target, "/v1.41/containers/web/json?all=1": segments and values encoded
 * anew. `object_name` replaces the object's name unless its ptr is NULL (the full id of what was
 * resolved). */
void docker_request_write_target(const struct docker_request *request, struct slice object_name,
                                 struct buffer *out);

/* The first value of a parameter that is sent on; ptr NULL when it is absent. */
static inline struct slice docker_request_parameter(const struct docker_request *request,
                                                    struct slice key)
{
    for (unsigned i = 0; i < request->parameter_count; i++) {
        if (slice_equal(request->parameters[i].key, key))
            return request->parameters[i].value;
    }
    return slice_of(NULL, 0);
}

/* How the engine reads a boolean parameter: false for absent, "", "0", "no", "false" and "none"
 * (case folded), else true. */
bool docker_request_flag(const struct docker_request *request, struct slice key);

/* Frees the memory behind `text`. The request may be filled again. */
void docker_request_clear(struct docker_request *request);

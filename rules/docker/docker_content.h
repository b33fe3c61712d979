/* SPDX-License-Identifier: Apache-2.0
 *
 * What is judged of a request's body: whether the operation reads one, its media type, its length.
 * The gate and `policy check` ask the same functions. What stands in it: rules/guard/body.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "rules/docker/docker_request.h"

enum {
    DOCKER_CONTENT_JSON_MAX = 16 * 1024 * 1024, /* default of --max-json-body */
    DOCKER_CONTENT_DROPPED_MAX = 65536, /* so much of a body that nobody takes is read over */
};

struct docker_content {
    bool present;
    uint64_t len;                /* bytes; 0 = not known before it was read */
    struct slice type, encoding; /* Content-Type and Content-Encoding; ptr NULL = not there */
};

/* Which body the engine reads for this request: ImageCreate takes an archive only when it imports.
 * Never DOCKER_BODY_IMPORT. */
enum docker_body docker_content_kind(const struct docker_request *request);

/* Whether the body fits what the operation reads: JSON says that it is, a form is refused everywhere,
 * since the engine would take parameters from it, and an archive may have any other type. False with `error`: an HTTP status and the
 * reason "malformed.content-type", "malformed.content-encoding", "malformed.start-body" or
 * "limit.body". */
MUST_CHECK bool docker_content_check(const struct docker_request *request,
                                     const struct docker_content *content, uint64_t json_max,
                                     struct error *error);

/* The part of it that is about the length, for a body whose length is known once it was read. */
MUST_CHECK bool docker_content_check_len(enum docker_operation operation, enum docker_body kind,
                                         uint64_t len, uint64_t json_max, struct error *error);

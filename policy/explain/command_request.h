/* SPDX-License-Identifier: Apache-2.0
 *
 * The request and the pretended object that `policy check` and `policy explain` ask about, from
 * words on a command line. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "rules/docker/docker_object.h"
#include "rules/docker/docker_request.h"

/* Reads "POST /containers/create?name=web" as the gate would, or an operation's name, which stands
 * for a request of that operation on an object called "x". False with `error`: code 2 = not a
 * request or operation at all, else as docker_request_parse(). */
MUST_CHECK bool command_request_parse(const char *text, bool strict, struct docker_request *request,
                                      struct error *error);

/* Whether a gate's reader of heads takes the target: its bytes and escapes. From `raw_from` on bytes
 * may stand that RFC 3986 wants escaped; SIZE_MAX = nowhere. False with `error`. */
MUST_CHECK bool command_target_check(struct slice target, size_t raw_from, struct error *error);

/* Adds "name=web", "label=key=value" and so on as a fact. False with `error` when it is none. */
MUST_CHECK bool command_object_add(struct docker_object *object, const char *text,
                                   struct error *error);

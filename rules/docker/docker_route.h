/* SPDX-License-Identifier: Apache-2.0
 *
 * From a method and a decoded path to the operation, by the engine's own routes: the same order,
 * the same greedy `{name:.*}`, so that an image called `json` or a container path with slashes is
 * read here as the engine reads it. */
#pragma once

#include "base/slice.h"
#include "rules/docker/docker_operation.h"
#include "rules/http_method.h"

/* The operation that `path` (decoded, no version, no empty or dot segments, no slash at the end) is
 * under `method`, or DOCKER_OPERATION_NONE. HEAD is the operation of GET where it has none of its
 * own. *name_out is what {name} or {id} stands for, a part of `path`; ptr NULL when the operation
 * has none. */
enum docker_operation docker_route_find(enum http_method method, struct slice path,
                                        struct slice *name_out);

/* The methods that `path` exists with: bit 1 << method. 0 when it is no path of the engine, or one
 * only for a DELETE that takes any path below its first segment. */
unsigned docker_route_methods(struct slice path);

/* The known first segment that is nearest to that of `path`, NULL when that is known itself or none
 * is near. For "did you mean". */
const char *docker_route_near(struct slice path);

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which answers of the engine have no end of their own: they go on until somebody hangs up. */
#pragma once

#include <stdbool.h>

#include "rules/docker/docker_request.h"

/* What a container or a process at the other side ends (attach, exec, wait) has an end. */
bool docker_endless(const struct docker_request *request);

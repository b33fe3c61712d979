/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the Docker Engine API, "1.N". The gate is an engine of the version that its table of
 * operations ends at (DOCKER_API_NEWEST): what an engine behind it says of a newer one is lowered,
 * so that clients agree with the gate on a version that it can judge. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"

/* Reads "1.N" (N of 1 to 4 digits). False, and nothing set, for anything else. */
MUST_CHECK bool api_version_parse(struct slice text, unsigned *minor_out);

/* Whether the version is above the table's: 1.N with a greater N, or another major version. What is
 * no version at all is not. */
bool api_version_is_newer(struct slice text);

/* Copies the engine's answer to /version to `out`, byte for byte, but for `ApiVersion` and each
 * `Components[].Details.ApiVersion` that are newer than the table: those become the table's. False,
 * and `out` as it was, when `json` is no JSON object. */
MUST_CHECK bool api_version_lower(struct slice json, struct buffer *out);

/* The `MinAPIVersion` of that answer; 0 = none. */
unsigned api_version_minimum(struct slice json);

/* The oldest version that an engine's refusal names ("… Minimum supported API version is 1.44 …");
 * 0 = it names none. */
unsigned api_version_of_refusal(struct slice text);

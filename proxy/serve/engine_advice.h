/* SPDX-License-Identifier: Apache-2.0
 *
 * What the failure to reach an engine means, and what mends it: one sentence for doctor, for the start
 * of serve and for healthcheck. */
#pragma once

#include "base/buffer.h"
#include "proxy/io/endpoint.h"

/* Appends it. `why` is what probe_ping() said; text "" = it answered, but with no success. */
void engine_advice_write(const struct endpoint *engine, const struct error *why,
                         struct buffer *out);

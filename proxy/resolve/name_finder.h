/* SPDX-License-Identifier: Apache-2.0
 *
 * A resolver in a loop of its own, for commands that ask for a name, wait and end. */
#pragma once

#include "proxy/resolve/resolver.h"

struct name_finder; /* opaque */

/* NULL with `error` when there is nobody to ask. Aborts when memory is out. */
struct name_finder *name_finder_new(const struct resolver_options *options, struct error *error);
void name_finder_free(struct name_finder **finder);

/* The answer stays until the next question. */
const struct resolver_answer *name_finder_ask(struct name_finder *finder,
                                              const struct host_name *name);

/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in presets: documents like any other, embedded when the program is built
 * (base/embed.sh). */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct preset {
    const char *name; /* "preset/traefik" */
    struct slice text;
};

size_t preset_count(void);
const struct preset *preset_at(size_t index);
/* NULL when there is none of that name. */
const struct preset *preset_find(struct slice name);

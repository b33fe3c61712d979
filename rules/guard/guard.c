/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/guard/guard.h"

const char *guard_name(enum guard guard)
{
    static const char *const names[GUARD_COUNT] = {
#define GUARD_NAME(symbol, name) name,
        GUARDS(GUARD_NAME)
#undef GUARD_NAME
    };
    return names[guard];
}

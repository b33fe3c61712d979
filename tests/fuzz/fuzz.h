/* SPDX-License-Identifier: Apache-2.0
 *
 * What every target has: where libFuzzer enters, and the end of a run in which a property does not hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of the codes. */
#include "rules/reason.h"

#define REASON_DEFINE(name, text) const char REASON_##name[sizeof(text)] = text;
#define ENDING_DEFINE(name, text) const char ENDING_##name[sizeof(text)] = text;
REASONS(REASON_DEFINE)
ENDINGS(ENDING_DEFINE)

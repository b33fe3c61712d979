/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field of a body that says something is shown to the guard that the table of fields names. */
#pragma once

#include "rules/guard/guard_case.h"

/* Judges a body that was read. finding->count = 0 afterwards: nothing is refused. */
void guard_judge(struct guard_case *c);


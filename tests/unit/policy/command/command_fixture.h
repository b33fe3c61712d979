/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of this folder with what the gate would hand in. */
#pragma once

#include "tests/unit/policy/policy_fixture.h"

/* `policy check` and `policy explain` with a lookup that knows "two.test" (8.8.8.8 and 10.0.0.1)
 * and no other name. */
policy_fixture_command command_fixture_check, command_fixture_explain;

/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of this folder with what the gate would hand in: a lookup that knows "two.test" (8.8.8.8 and
 * 10.0.0.1) and no other name. */
#pragma once

#include "tests/unit/policy/policy_fixture.h"

/* Runs `dockreeve policy LINE --config …` in a child, so that its output can be read; what it wrote to both
 * streams goes to `out`. A word with blanks stands between single quotes. Returns the exit code. */
int command_fixture_run(const struct policy_fixture *fixture, const char *line, struct buffer *out);

/* What a command answers, and a part of what it says. */
struct command_fixture_row {
    const char *name, *line;
    int code;
    const char *says;
};
/* Runs each row with that policy. No answer may hold an escape sequence. */
void command_fixture_run_all(const char *policy, const struct command_fixture_row *rows,
                             size_t count);

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/command/command_rule.h"

Test(command_rule, ages_are_told_in_one_unit)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "0 s ago"},    {59, "59 s ago"},    {60, "1 min ago"},  {3599, "59 min ago"},
        {3600, "1 h ago"}, {86399, "23 h ago"}, {86400, "1 d ago"}, {400 * 86400, "400 d ago"},
    };
    const int64_t now_us = INT64_C(1763712345678901);
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buffer_clear(&out);
        command_rule_write_age(now_us - rows[i].seconds * 1000000, now_us, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i].text);
    }
    buffer_clear(&out);
    command_rule_write_age(now_us + 60000000, now_us, &out);
    cr_expect_str_eq(buffer_text(&out), "2025-11-21T08:06:45Z", "the clock was set back: %s",
                     buffer_text(&out));
}

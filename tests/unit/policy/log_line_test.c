/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/log_line.h"

Test(log_line, what_is_no_record_is_refused)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"empty", ""},
        {"no JSON", "listening on port 2375"},
        {"a list", "[{\"ts\":\"x\"}]"},
        {"a string", "\"ts\""},
        {"cut off", "{\"ts\":\"2026"},
        {"two objects", "{\"ts\":\"x\"}{\"ts\":\"y\"}"},
        {"text behind it", "{\"ts\":\"x\"} x"},
        {"a field twice", "{\"rule\":\"a\",\"rule\":\"b\"}"},
        {"a raw escape byte", "{\"path\":\"\x1b[2J\"}"},
        {"a raw DEL", "{\"path\":\"\x7f\"}"},
        {"a raw C1 control", "{\"path\":\"\xc2\x9b\"}"},
        {"a raw tab between tokens", "{\t\"path\":\"/\"}"},
        {"an open list", "{\"dropped_query\":[\"a\""},
    };
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert_not(log_line_parse(&line, slice_from_text(rows[i].text)), "%s", rows[i].name);
}

Test(log_line, unknown_fields_and_values_of_other_kinds_are_passed_over)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(
        &line, SLICE_LITERAL("{\"host\":{\"a\":[1]},\"new\":1,\"new\":2,\"rule\":{\"x\":1},"
                             "\"object\":null,\"close\":\"\",\"status\":200,"
                             "\"dropped_query\":[\"a\",{\"b\":1},2]}")));
    cr_assert_null(line.fields[LOG_FIELD_RULE].ptr);
    cr_assert_null(line.fields[LOG_FIELD_OBJECT].ptr);
    cr_assert_not_null(line.fields[LOG_FIELD_CLOSE].ptr);
    cr_assert_eq(line.fields[LOG_FIELD_CLOSE].len, 0);
    cr_assert(slice_equal_text(line.fields[LOG_FIELD_STATUS], "200"));
    cr_assert(slice_equal_text(line.fields[LOG_FIELD_DROPPED_QUERY], "a,2"));
}

Test(log_line, a_line_keeps_nothing_of_the_one_before)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(&line, SLICE_LITERAL("{\"client\":\"a\",\"rule\":\"r\"}")));
    cr_assert(log_line_parse(&line, SLICE_LITERAL("{\"client\":\"b\"}")));
    cr_assert(slice_equal_text(line.fields[LOG_FIELD_CLIENT], "b"));
    cr_assert_null(line.fields[LOG_FIELD_RULE].ptr);
}

Test(log_line, refusals_are_denials_report_mode_and_counted_ones)
{
    static const struct {
        const char *text;
        bool denied;
    } rows[] = {
        {"{\"decision\":\"deny\"}", true},
        {"{\"decision\":\"allow\"}", false},
        {"{\"decision\":\"allow\",\"would_deny\":\"default\"}", true},
        {"{\"event\":\"suppressed\",\"count\":4}", true},
        {"{\"event\":\"start\"}", false},
    };
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert(log_line_parse(&line, slice_from_text(rows[i].text)));
        cr_assert_eq(log_line_denied(&line), rows[i].denied, "%s", rows[i].text);
    }
}

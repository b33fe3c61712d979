/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/log/log_line.h"

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
        cr_assert_eq(log_line_decision(&line) != LOG_ALLOWED, rows[i].denied, "%s", rows[i].text);
    }
}

/* A word of `line` at random; words repeat, so that fields stand twice and things stand where they
 * cannot. */
static void append_piece(struct buffer *out, unsigned *seed)
{
    static const char *const pieces[] = {"\"ts\":\"2026-11-20T10:00:00.000001Z\"",
                                         "\"client\":\"ci\"",
                                         "\"client\":\"c\\u0069\"",
                                         "\"client\": \"ci\"",
                                         "\"client\":5",
                                         "\"client\":[\"ci\"]",
                                         "\"client\":null",
                                         "\"port\":443",
                                         "\"port\":0443",
                                         "\"port\":\"443\"",
                                         "\"port\":4e2",
                                         "\"port\":-1",
                                         "\"ech\":true",
                                         "\"ech\":truth",
                                         "\"ech\":false",
                                         "\"rule\":\"\"",
                                         "\"rule\":\"~a\\\\.b\"",
                                         "\"dropped_query\":[\"a\",\"b\"]",
                                         "\"dropped_query\":[]",
                                         "\"dropped_query\":[1,\"a\"]",
                                         "\"dropped_query\":[\"a\"",
                                         "\"dropped_query\":[\"a\"]]",
                                         "\"unknown\":\"x\"",
                                         "\"unknown\":7",
                                         "\"unknown\":[\"x\",\"y\"]",
                                         "\"unknown\":{\"a\":1}",
                                         "\"mac\":true",
                                         "\"epoch\":3",
                                         "\"host\":\"\xc3\xa9\"",
                                         "\"path\":\"/a\x7f\"",
                                         "\"seq\":0",
                                         "\"\":1",
                                         "\"cli\\u0065nt\":\"x\"",
                                         "\"tsx\":1",
                                         "\"t\":1",
                                         "\"close",
                                         "\"close\"",
                                         "\"close\":",
                                         "{",
                                         "}",
                                         ",",
                                         "x"};
    *seed = *seed * 1103515245u + 12345u;
    buffer_append_text(out, pieces[(*seed >> 16) % ARRAY_LEN(pieces)]);
}

/* The reader takes a line with a space in front by its long way, whatever it holds. */
Test(log_line, the_quick_way_reads_what_the_long_way_reads)
{
    AUTO_LOG_LINE struct log_line quick = LOG_LINE_EMPTY, slow = LOG_LINE_EMPTY;
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    unsigned seed = 1, good = 0;
    for (unsigned round = 0; round < 200000; round++) {
        buffer_clear(&json);
        buffer_append_literal(&json, " {");
        unsigned count = (seed >> 8) % 5;
        for (unsigned i = 0; i < count; i++) {
            if (i > 0)
                buffer_append_byte(&json, ',');
            append_piece(&json, &seed);
        }
        seed = seed * 1103515245u + 12345u;
        buffer_append_text(&json, (seed >> 16) % 16 == 0 ? "" : "}");
        bool taken = log_line_parse(&slow, buffer_slice(&json));
        cr_assert_eq(log_line_parse(&quick, slice_of(json.data + 1, json.len - 1)), taken, "%s",
                     buffer_text(&json));
        for (size_t field = 0; taken && field < LOG_FIELDS; field++) {
            cr_assert(slice_equal(quick.fields[field], slow.fields[field]) &&
                          (quick.fields[field].ptr == NULL) == (slow.fields[field].ptr == NULL),
                      "%s of %s", log_field_name((enum log_field)field), buffer_text(&json));
        }
        good += taken;
    }
    cr_assert_gt(good, 20000);
}

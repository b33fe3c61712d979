/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/timestamp.h"
#include "policy/view/log_summary.h"

static void add(struct log_summary *summary, const char *json)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(&line, slice_from_text(json)), "%s", json);
    cr_assert(log_summary_add(summary, &line));
}

static int64_t us(const char *time)
{
    int64_t time_us = 0;
    cr_assert(timestamp_parse(slice_from_text(time), &time_us));
    return time_us;
}

Test(log_summary, records_that_are_alike_become_one_row)
{
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    add(summary, "{\"ts\":\"2026-11-20T10:00:01Z\",\"event\":\"request\",\"kind\":\"network\","
                 "\"client\":\"ci\",\"via\":\"forward\",\"host\":\"a.test\",\"port\":443,"
                 "\"decision\":\"allow\",\"rule\":\"r\",\"source\":\"p:1\",\"reason\":\"rule\","
                 "\"bytes_in\":3,\"bytes_out\":10}");
    add(summary, "{\"ts\":\"2026-11-20T10:00:00Z\",\"event\":\"request\",\"kind\":\"network\","
                 "\"client\":\"ci\",\"via\":\"forward\",\"host\":\"a.test\",\"port\":443,"
                 "\"decision\":\"allow\",\"rule\":\"r\",\"source\":\"p:1\",\"reason\":\"rule\","
                 "\"bytes_in\":4,\"bytes_out\":20}");
    add(summary, "{\"ts\":\"2026-11-20T10:00:02Z\",\"event\":\"request\",\"kind\":\"network\","
                 "\"client\":\"ci\",\"via\":\"forward\",\"host\":\"a.test\",\"port\":80,"
                 "\"decision\":\"allow\",\"rule\":\"r\",\"source\":\"p:1\",\"reason\":\"rule\"}");
    size_t count = 0;
    const struct log_summary_row *rows = log_summary_seal(summary, &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(rows[0].count, 2);
    cr_assert_eq(rows[0].first_us, us("2026-11-20T10:00:00Z"));
    cr_assert_eq(rows[0].last_us, us("2026-11-20T10:00:01Z"));
    cr_assert_eq(rows[0].bytes_in, 7);
    cr_assert_eq(rows[0].bytes_out, 30);
    cr_assert(slice_equal_text(rows[0].what, "a.test:443"));
    cr_assert(slice_equal_text(rows[1].what, "a.test:80"));
    cr_assert(slice_equal_text(rows[0].source, "p:1"));
    cr_assert_eq(rows[0].decision, LOG_ALLOWED);
}

Test(log_summary, what_was_asked_for_has_one_name)
{
    static const struct {
        const char *json, *what;
    } rows[] = {
        {"{\"event\":\"request\",\"operation\":\"SystemInfo\",\"method\":\"GET\"}", "SystemInfo"},
        {"{\"event\":\"request\",\"method\":\"GET\",\"path\":\"/pot\"}", "GET"},
        {"{\"event\":\"request\",\"host\":\"a.test\",\"question\":\"A\"}", "a.test"},
        {"{\"event\":\"request\",\"host\":\"2001:db8::1\",\"port\":443}", "[2001:db8::1]:443"},
        {"{\"event\":\"suppressed\",\"count\":3}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
        size_t count = 0;
        add(summary, rows[i].json);
        const struct log_summary_row *sealed = log_summary_seal(summary, &count);
        cr_assert_eq(count, 1, "%s", rows[i].json);
        cr_assert(slice_equal_text(sealed[0].what, rows[i].what), "%s", rows[i].json);
        cr_assert_not_null(sealed[0].rule.ptr);
    }
}

Test(log_summary, a_stream_counts_once_however_it_was_seen)
{
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    size_t count = 0;
    add(summary, "{\"id\":\"a-1\",\"event\":\"open\",\"operation\":\"Whole\"}");
    add(summary, "{\"id\":\"a-2\",\"event\":\"open\",\"operation\":\"StillOpen\"}");
    add(summary, "{\"id\":\"a-1\",\"event\":\"close\",\"operation\":\"Whole\",\"bytes_in\":5}");
    add(summary, "{\"id\":\"a-3\",\"event\":\"close\",\"operation\":\"Whole\",\"bytes_in\":5}");
    add(summary, "{\"event\":\"open\",\"operation\":\"Nameless\"}");
    add(summary, "{\"event\":\"start\"}");
    add(summary, "{\"event\":\"policy\",\"decision\":\"deny\"}");
    const struct log_summary_row *rows = log_summary_seal(summary, &count);
    cr_assert_eq(count, 2);
    cr_assert(slice_equal_text(rows[0].what, "Whole") && rows[0].count == 2);
    cr_assert_eq(rows[0].bytes_in, 10);
    cr_assert(slice_equal_text(rows[1].what, "StillOpen") && rows[1].count == 1);
}

Test(log_summary, many_streams_are_kept_apart)
{
    enum { STREAMS = 5000 };
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    size_t count = 0;
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < STREAMS; i++) {
            if (round == 1 && i % 3 == 0)
                continue;
            buffer_clear(&json);
            buffer_printf(&json, "{\"id\":\"%08x-%u\",\"event\":\"%s\",\"client\":\"c%u\"}",
                          i * 2654435761u, i, round == 0 ? "open" : "close", i % 700);
            add(summary, buffer_text(&json));
        }
    }
    const struct log_summary_row *rows = log_summary_seal(summary, &count);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += rows[i].count;
    cr_assert_eq(count, 700);
    cr_assert_eq(sum, STREAMS);
}

Test(log_summary, refusals_come_first_then_what_is_most)
{
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    size_t count = 0;
    for (unsigned i = 0; i < 5; i++)
        add(summary, "{\"event\":\"request\",\"client\":\"b\",\"decision\":\"allow\"}");
    add(summary, "{\"event\":\"request\",\"client\":\"a\",\"decision\":\"allow\"}");
    add(summary, "{\"event\":\"request\",\"client\":\"d\",\"decision\":\"deny\"}");
    add(summary, "{\"event\":\"request\",\"client\":\"c\",\"decision\":\"allow\","
                 "\"reason\":\"rule\",\"would_deny\":\"guard.binds\"}");
    add(summary, "{\"event\":\"request\",\"client\":\"c\",\"decision\":\"deny\","
                 "\"would_deny\":\"guard.binds\"}");
    add(summary, "{\"event\":\"suppressed\",\"client\":\"e\",\"decision\":\"deny\",\"count\":7,"
                 "\"reason\":\"limit.denial-rate\"}");
    const struct log_summary_row *rows = log_summary_seal(summary, &count);
    static const struct {
        const char *client, *reason;
        uint64_t count;
        enum log_decision decision;
    } expected[] = {{"e", "limit.denial-rate", 7, LOG_DENIED},
                    {"c", "guard.binds", 1, LOG_DENIED},
                    {"d", "", 1, LOG_DENIED},
                    {"c", "guard.binds", 1, LOG_WOULD_DENY},
                    {"b", "", 5, LOG_ALLOWED},
                    {"a", "", 1, LOG_ALLOWED}};
    cr_assert_eq(count, ARRAY_LEN(expected));
    for (size_t i = 0; i < count; i++) {
        cr_assert(slice_equal_text(rows[i].client, expected[i].client), "row %zu", i);
        cr_assert(slice_equal_text(rows[i].reason, expected[i].reason), "row %zu", i);
        cr_assert_eq(rows[i].count, expected[i].count, "row %zu", i);
        cr_assert_eq(rows[i].decision, expected[i].decision, "row %zu", i);
    }
}

Test(log_summary, a_record_finds_its_row_again)
{
    static const char *const records[] = {
        "{\"event\":\"request\",\"client\":\"a\",\"host\":\"x.test\",\"decision\":\"allow\"}",
        "{\"event\":\"request\",\"client\":\"b\",\"host\":\"x.test\",\"decision\":\"allow\"}",
        "{\"event\":\"request\",\"client\":\"b\",\"host\":\"x.test\",\"decision\":\"deny\"}",
    };
    AUTO_LOG_SUMMARY struct log_summary *summary = log_summary_new();
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    size_t number, count = 0;
    cr_assert(log_line_parse(&line, slice_from_text(records[0])));
    cr_expect_not(log_summary_find(summary, &line, &number), "nothing was added yet");
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        add(summary, records[i]);
    const struct log_summary_row *rows = log_summary_seal(summary, &count);
    cr_assert_eq(count, ARRAY_LEN(records));
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        cr_assert(log_line_parse(&line, slice_from_text(records[i])));
        cr_assert(log_summary_find(summary, &line, &number));
        size_t row = 0;
        while (row < count && rows[row].number != number)
            row++;
        cr_assert_lt(row, count);
        cr_expect(slice_equal(rows[row].client, line.fields[LOG_FIELD_CLIENT]));
        cr_expect_eq(rows[row].decision, log_line_decision(&line));
    }
    cr_assert(log_line_parse(&line, SLICE_LITERAL("{\"event\":\"request\",\"client\":\"c\"}")));
    cr_expect_not(log_summary_find(summary, &line, &number));
}

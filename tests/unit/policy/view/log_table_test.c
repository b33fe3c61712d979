/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "policy/view/log_table.h"

static const char *render(struct table *table, const char *json, bool coloured, struct buffer *out)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(&line, slice_from_text(json)), "%s", json);
    buffer_clear(out);
    log_table_fill(table, &line, coloured);
    table_write_row(table, out);
    return buffer_text(out);
}

Test(log_table, rows_without_a_terminal_are_separated_by_tabs)
{
    static const struct {
        const char *json, *row;
    } rows[] = {
        {"{\"ts\":\"2026-11-21T01:43:32.123456Z\",\"event\":\"request\",\"client\":\"ci\","
         "\"method\":\"GET\",\"path\":\"/info\",\"operation\":\"SystemInfo\",\"decision\":\"deny\","
         "\"rule\":\"default\",\"source\":\"default\",\"reason\":\"default\",\"status\":403,"
         "\"duration_us\":12}",
         "2026-11-21T01:43:32.123456Z\tci\tdeny\tSystemInfo\t/"
         "info\t403\tdefault\tdefault\t12us\t-\tdefault\n"},
        {"{\"event\":\"request\",\"method\":\"BREW\",\"path\":\"/pot\"}",
         "-\t-\t-\tBREW\t/pot\t-\t-\t-\t-\t-\t-\n"},
        {"{\"event\":\"open\",\"operation\":\"SystemEvents\",\"decision\":\"allow\"}",
         "-\t-\tallow\tSystemEvents (open)\t-\t-\t-\t-\t-\t-\t-\n"},
        {"{\"event\":\"request\",\"kind\":\"network\",\"via\":\"forward\",\"method\":\"CONNECT\","
         "\"host\":\"a.test\",\"port\":443,\"decision\":\"deny\"}",
         "-\t-\tdeny\tCONNECT\ta.test:443\t-\t-\t-\t-\tforward\t-\n"},
        {"{\"event\":\"request\",\"via\":\"forward\",\"method\":\"GET\",\"path\":\"/a\","
         "\"host\":\"a.test\",\"port\":80}",
         "-\t-\t-\tGET\ta.test:80/a\t-\t-\t-\t-\tforward\t-\n"},
        {"{\"event\":\"open\",\"via\":\"transparent\",\"host\":\"a.test\",\"port\":443}",
         "-\t-\t-\ttransparent (open)\ta.test:443\t-\t-\t-\t-\ttransparent\t-\n"},
        {"{\"event\":\"request\",\"via\":\"dns\",\"host\":\"a.test\",\"question\":\"AAAA\"}",
         "-\t-\t-\tAAAA\ta.test\t-\t-\t-\t-\tdns\t-\n"},
        {"{\"event\":\"start\",\"text\":\"listening\"}",
         "-\t-\t-\tstart\tlistening\t-\t-\t-\t-\t-\t-\n"},
        {"{\"event\":\"suppressed\",\"client\":\"ci\",\"count\":9}",
         "-\tci\t-\tsuppressed\t9 denials not listed\t-\t-\t-\t-\t-\t-\n"},
        {"{\"event\":\"request\",\"operation\":\"A\",\"decision\":\"allow\",\"would_deny\":\"x\"}",
         "-\t-\twould-deny\tA\t-\t-\t-\t-\t-\t-\tx\n"},
        {"{\"client\":\"a\\tb\\nc\",\"path\":\"\\u001b[2J\",\"rule\":\"\\u202e\"}",
         "-\ta\\x09b\\x0ac\t-\t-\t\\x1b[2J\t-\t\\xe2\\x80\\xae\t-\t-\t-\t-\n"},
    };
    AUTO_TABLE struct table table;
    log_table_init(&table, false);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert_str_eq(render(&table, rows[i].json, false, &out), rows[i].row);
    }
}

Test(log_table, what_the_gate_says_of_itself_is_no_row)
{
    AUTO_TABLE struct table table;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    log_table_init(&table, true);
    cr_assert(
        log_line_parse(&line, SLICE_LITERAL("{\"ts\":\"2026-11-21T01:43:32.123456Z\",\"event\":"
                                            "\"policy\",\"reason\":\"reload.failed\","
                                            "\"text\":\"a\\u001bb\"}")));
    log_table_append_gate(&table, &line, &out);
    cr_assert_str_eq(buffer_text(&out),
                     "2026-11-21T01:43:32Z  -- gate: policy, reload.failed, a\\x1bb\n");
}

Test(log_table, durations_are_written_for_people)
{
    static const struct {
        const char *us, *shown;
    } rows[] = {{"0", "0us"},          {"999", "999us"},         {"1000", "1.0ms"},
                {"999999", "999.9ms"}, {"1000000", "1.0s"},      {"59999999", "59.9s"},
                {"60000000", "1m00s"}, {"3599000000", "59m59s"}, {"7384000000", "2h03m"}};
    AUTO_TABLE struct table table;
    log_table_init(&table, false);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        char json[64];
        snprintf(json, sizeof(json), "{\"duration_us\":%s}", rows[i].us);
        const char *row = render(&table, json, false, &out);
        char expected[64];
        snprintf(expected, sizeof(expected), "\t%s\t-\t-\n", rows[i].shown);
        cr_assert_str_eq(row + strlen(row) - strlen(expected), expected);
    }
}

Test(log_table, columns_are_aligned_to_what_was_measured_and_long_cells_stay_whole)
{
    static const char short_row[] = "{\"ts\":\"2026-11-21T01:43:32.123456Z\",\"client\":\"a\"}";
    static const char long_row[] = "{\"ts\":\"2026-11-21T01:43:32.123456Z\",\"client\":\"traefik-"
                                   "behind-a-very-long-name\"}";
    AUTO_TABLE struct table table;
    log_table_init(&table, true);
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(&line, slice_from_text(long_row)));
    log_table_fill(&table, &line, false);
    table_measure(&table);
    AUTO_BUFFER struct buffer header = BUFFER_EMPTY, out = BUFFER_EMPTY;
    table_write_titles(&table, &header);
    const char *titles = buffer_text(&header);
    const char *row = render(&table, short_row, false, &out);
    cr_assert(strncmp(row, "2026-11-21T01:43:32Z  a  ", 25) == 0, "%s", row);
    cr_assert_eq(strstr(titles, "CLIENT") - titles, 22);
    cr_assert_eq(strstr(titles, "DECISION") - titles, 22 + 20 + 2);
    cr_assert_not_null(
        strstr(render(&table, long_row, false, &out), "traefik-behind-a-very-long-name"));
}

Test(log_table, only_refusals_are_coloured_and_only_when_asked)
{
    AUTO_TABLE struct table table;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    log_table_init(&table, true);
    cr_assert_null(strchr(render(&table, "{\"decision\":\"deny\"}", false, &out), '\033'));
    cr_assert_null(strchr(render(&table, "{\"decision\":\"allow\"}", true, &out), '\033'));
    cr_assert_not_null(
        strstr(render(&table, "{\"decision\":\"deny\"}", true, &out), "\033[31mdeny\033[0m  "));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "policy/view/log_page.h"

/* A log in a file that has no name. */
static void make_log(struct log_files *files, const struct buffer *text)
{
    char path[] = "/tmp/dockreeve-page-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    cr_assert_eq(write(fd, text->data, text->len), (ssize_t)text->len);
    files->fds[0] = fd;
    files->count = 1;
}

static void append_record(struct buffer *log, unsigned second, const char *event, const char *id,
                          const char *host, const char *decision)
{
    buffer_printf(log,
                  "{\"ts\":\"2026-11-20T10:%02u:%02u.000000Z\",\"id\":\"%s\",\"event\":\"%s\","
                  "\"kind\":\"network\",\"client\":\"ci\",\"host\":\"%s\",\"port\":443,"
                  "\"decision\":\"%s\",\"path\":\"/%s\"}\n",
                  second / 60 % 60, second % 60, id, event, host, decision, id);
}

static void gather(struct buffer *log, struct log_page_data *data)
{
    struct error error = {0};
    static const struct log_filter all = {0};
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    make_log(&files, log);
    cr_assert(log_page_data_gather(data, &files, &all, &error), "%s", error.text);
}

static void append_page(const struct log_page_data *data, struct buffer *out)
{
    struct error error = {0};
    const struct log_page_request request = {.log_path = "access.jsonl", .conditions = ""};
    cr_assert(log_page_append(data, &request, out, &error), "%s", error.text);
}

static bool holds(const struct log_page_record *record, const char *word)
{
    return memmem(record->text, record->len, word, strlen(word)) != NULL;
}

Test(log_page, a_row_keeps_its_newest_records)
{
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    for (unsigned i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof(id), "id-%02u.", i);
        append_record(&log, i, "request", id, "a.test", "allow");
    }
    gather(&log, &data);
    cr_assert_eq(data.sections[LOG_ALLOWED].row_count, 1);
    const struct log_page_row *row = &data.sections[LOG_ALLOWED].rows[0];
    cr_expect_eq(row->summary->count, 50);
    cr_assert_eq(row->count, LOG_PAGE_ROW_RECORDS);
    cr_expect(holds(&row->records[0], "id-30."));
    cr_expect(holds(&row->records[LOG_PAGE_ROW_RECORDS - 1], "id-49."));
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY;
    append_page(&data, &page);
    cr_expect_not_null(strstr(buffer_text(&page), "The newest 20 records of 50 requests"));
    cr_expect_not(data.without_records);
}

Test(log_page, what_closes_takes_the_place_of_what_opened)
{
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    append_record(&log, 0, "open", "one", "a.test", "allow");
    append_record(&log, 1, "open", "two", "a.test", "allow");
    append_record(&log, 2, "close", "one", "a.test", "allow");
    gather(&log, &data);
    const struct log_page_row *row = &data.sections[LOG_ALLOWED].rows[0];
    cr_expect_eq(row->summary->count, 2);
    cr_assert_eq(row->count, 2);
    cr_expect(holds(&row->records[0], "\"two\""));
    cr_expect(holds(&row->records[1], "\"close\""));
    cr_expect_eq(data.timeline.spans[0][LOG_ALLOWED], 1);
    cr_expect_eq(data.timeline.spans[1][LOG_ALLOWED], 1);
    cr_expect_eq(data.timeline.count, 2, "a request counts when it begins");
}

Test(log_page, the_page_is_bounded_and_says_what_it_leaves_out)
{
    enum { HOSTS = 1500 };
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    for (unsigned host = 0; host < HOSTS; host++) {
        for (unsigned i = 0; i < 10; i++) {
            char name[32], id[32];
            snprintf(name, sizeof(name), "h%04u.test", host);
            snprintf(id, sizeof(id), "%u.%u", host, i);
            append_record(&log, host, "request", id, name, host % 15 == 0 ? "allow" : "deny");
        }
    }
    buffer_append_literal(&log, "no record\n{\"ts\":");
    gather(&log, &data);
    cr_expect_eq(data.sections[LOG_DENIED].all_rows, 1400);
    cr_expect_eq(data.sections[LOG_DENIED].row_count, LOG_PAGE_ROWS);
    cr_expect_eq(data.sections[LOG_DENIED].requests, 14000);
    cr_expect_eq(data.sections[LOG_ALLOWED].row_count, 100);
    size_t records = 0;
    for (size_t i = 0; i < data.sections[LOG_DENIED].row_count; i++)
        records += data.sections[LOG_DENIED].rows[i].count;
    for (size_t i = 0; i < data.sections[LOG_ALLOWED].row_count; i++)
        records += data.sections[LOG_ALLOWED].rows[i].count;
    cr_expect_eq(records, LOG_PAGE_RECORDS);
    cr_expect_eq(data.sections[LOG_DENIED].rows[499].count, 10);
    cr_expect_eq(data.sections[LOG_DENIED].rows[500].count, 0, "the first rows have theirs");
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY;
    append_page(&data, &page);
    static const char *const notes[] = {
        "Of 1,400 rows of what was denied only the 1,000 with the most requests are shown",
        "The page shows 5000 records at most", "1 line of the log could not be read",
        "The last line of the log has no end"};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        cr_expect_not_null(strstr(buffer_text(&page), notes[i]), "%s", notes[i]);
}

Test(log_page, records_that_are_too_long_are_counted_and_left_out)
{
    enum { LONG = 12 * 1024 * 1024, RECORDS = 7 };
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    AUTO_FREE char *host = calloc(1, LONG + 1);
    memset(host, 'a', LONG);
    for (unsigned i = 0; i < RECORDS; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        buffer_printf(&log,
                      "{\"ts\":\"2026-11-20T10:00:00Z\",\"id\":\"%s\",\"event\":\"request\","
                      "\"host\":\"a\",\"decision\":\"deny\",\"path\":\"%s\"}\n",
                      id, host);
    }
    gather(&log, &data);
    cr_expect_eq(data.sections[LOG_DENIED].rows[0].summary->count, RECORDS);
    cr_expect_eq(data.sections[LOG_DENIED].rows[0].count, 5, "as many as fit into 64 MB");
    cr_expect_eq(data.not_kept, 2);
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY;
    append_page(&data, &page);
    cr_expect_not_null(strstr(buffer_text(&page), "2 records are too long to be shown"));
    cr_expect_lt(page.len, 100 * 1024, "a text is cut where it is shown");
}

Test(log_page, totals_add_up)
{
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    append_record(&log, 0, "request", "a", "a.test", "allow");
    append_record(&log, 1, "request", "b", "b.test", "deny");
    buffer_append_literal(&log,
                          "{\"ts\":\"2026-11-20T10:00:02Z\",\"id\":\"c\",\"event\":\"request\","
                          "\"client\":\"web\",\"operation\":\"ContainerList\",\"decision\":"
                          "\"allow\",\"would_deny\":\"default\",\"bytes_in\":7,\"bytes_out\":9}\n"
                          "{\"ts\":\"2026-11-20T10:00:03Z\",\"event\":\"suppressed\",\"client\":"
                          "\"web\",\"count\":40}\n"
                          "{\"ts\":\"2026-11-20T10:00:04Z\",\"event\":\"stop\"}\n");
    gather(&log, &data);
    cr_expect_eq(data.sections[LOG_ALLOWED].requests, 1);
    cr_expect_eq(data.sections[LOG_DENIED].requests, 41);
    cr_expect_eq(data.sections[LOG_WOULD_DENY].requests, 1);
    cr_expect_eq(data.clients, 2);
    cr_expect_eq(data.bytes_in, 7);
    cr_expect_eq(data.bytes_out, 9);
    cr_expect_eq(data.timeline.spans[1][LOG_DENIED], 1);
    cr_expect_eq(data.timeline.spans[2][LOG_WOULD_DENY], 1);
    cr_expect_eq(data.timeline.spans[3][LOG_DENIED], 40);
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY;
    append_page(&data, &page);
    cr_expect_not_null(strstr(buffer_text(&page), "<dd>43</dd>"));
    cr_expect_not_null(strstr(buffer_text(&page), "<h1>2026-11-20 10:00 UTC</h1>"));
}

Test(log_page, an_empty_log_is_a_page_too)
{
    AUTO_BUFFER struct buffer log = BUFFER_EMPTY, page = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data;
    buffer_append_literal(&log, "{\"ts\":\"2026-11-20T10:00:04Z\",\"event\":\"stop\"}\n");
    gather(&log, &data);
    append_page(&data, &page);
    cr_expect_not_null(strstr(buffer_text(&page), "<h1>no requests</h1>"));
    cr_expect_not_null(strstr(buffer_text(&page), "Nothing was denied."));
    cr_expect_null(strstr(buffer_text(&page), "<svg"));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that write the log's page share: the page being written and small parts of it. The
 * templates stand in policy/view/page/ and become log_page_texts.inc. */
#pragma once

#include "base/html_text.h"
#include "policy/view/log_page.h"

/* Templates and the hashes for the content security policy (base/embed.sh). */
extern const char log_page_css[], log_page_css_hash[], log_page_js[], log_page_js_hash[];
extern const char log_lane_html[], log_page_html[], log_record_html[], log_records_html[];
extern const char log_row_html[], log_rows_html[], log_timeline_html[];

/* One page being written. */
struct log_page {
    const struct log_page_data *data;
    const struct log_page_request *request;
    struct log_line line; /* owned: the record looked at */
    bool wrong_template;  /* a mistake of ours */
};

/* Fills a template; `names` belong to the enum that `write` switches on. */
#define LOG_PAGE_FILL(page, out, text, names, write, context)                                      \
    ((page)->wrong_template |=                                                                     \
     !html_template_append((out), (text), (names), ARRAY_LEN(names), (write), (context)))

/* "2026-11-21 01:43:32", of which so many bytes. */
enum log_page_time_len { LOG_PAGE_DAY = 10, LOG_PAGE_MINUTE = 16, LOG_PAGE_SECOND = 19 };
void log_page_append_time(int64_t time_us, enum log_page_time_len len, struct buffer *out);

/* A <time>, to the second for people and exact for programs; of 0 "unknown". */
void log_page_append_time_element(int64_t time_us, struct buffer *out);

/* Text of the log, cut where it is very long; of an empty one a dash. */
enum { LOG_PAGE_TEXT_MOST = 400 };
void log_page_append_or_none(struct slice text, struct buffer *out);

/* "1 request", "1,234 rows". */
void log_page_append_count(uint64_t count, const char *one, const char *many, struct buffer *out);

/* The table of one decision, or the sentence `none`. */
void log_page_append_section(struct log_page *page, const struct log_page_section *section,
                             const char *caption, const char *none, struct buffer *out);

/* Nothing when there was no request. */
void log_page_append_timeline(struct log_page *page, struct buffer *out);

/* SPDX-License-Identifier: Apache-2.0
 *
 * Times, counts and texts as the page spells them, and the templates. */
#include "policy/view/log_page_parts.h"

#include "base/timestamp.h"

#include "policy/view/log_page_texts.inc"

void log_page_append_time(int64_t time_us, enum log_page_time_len len, struct buffer *out)
{
    struct timestamp_cache cache = {0};
    struct slice text = timestamp_format(&cache, time_us);
    buffer_append(out, text.ptr, LOG_PAGE_DAY);
    if (len > LOG_PAGE_DAY) {
        buffer_append_byte(out, ' ');
        buffer_append(out, text.ptr + LOG_PAGE_DAY + 1, len - LOG_PAGE_DAY - 1);
    }
}

/* With the whole second for programs, and for people too. */
void log_page_append_time_element(int64_t time_us, struct buffer *out)
{
    if (time_us == 0) {
        buffer_append_literal(out, "<span class=\"none\">unknown</span>");
        return;
    }
    struct timestamp_cache cache = {0};
    buffer_append_literal(out, "<time datetime=\"");
    buffer_append_slice(out, timestamp_format(&cache, time_us));
    buffer_append_literal(out, "\">");
    log_page_append_time(time_us, LOG_PAGE_SECOND, out);
    buffer_append_literal(out, "</time>");
}

void log_page_append_or_none(struct slice text, struct buffer *out)
{
    if (text.len == 0)
        buffer_append_literal(out, "<span class=\"none\">\xe2\x80\x93</span>"); /* an en dash */
    else
        html_text_append_cut(out, text, LOG_PAGE_TEXT_MOST);
}

/* "1 request", "1,234 rows". */
void log_page_append_count(uint64_t count, const char *one, const char *many, struct buffer *out)
{
    html_text_append_number(out, count);
    buffer_printf(out, " %s", count == 1 ? one : many);
}

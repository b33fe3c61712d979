/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline as a drawing that needs no script (SVG), and in numbers. */
#include "policy/view/log_page_parts.h"

#include "policy/log/log_timeline.h"

static const char *const timeline_slots[] = {
    "width",        "columns", "denied-peak", "denied-bars", "allowed-peak",
    "allowed-bars", "begin",   "middle",      "end",         "numbers"};
enum timeline_slot {
    TIMELINE_WIDTH,
    TIMELINE_COLUMNS,
    TIMELINE_DENIED_PEAK,
    TIMELINE_DENIED_BARS,
    TIMELINE_ALLOWED_PEAK,
    TIMELINE_ALLOWED_BARS,
    TIMELINE_BEGIN,
    TIMELINE_MIDDLE,
    TIMELINE_END,
    TIMELINE_NUMBERS
};

enum { COLUMN_WIDTH = 10, BAR_WIDTH = 8, LANE_HEIGHT = 100, BAR_SMALLEST = 3, COLUMNS_FEWEST = 30 };

/* A short log has few bars, which would be as wide as the page. */
static size_t columns_of(const struct log_timeline *timeline)
{
    return timeline->count < COLUMNS_FEWEST ? COLUMNS_FEWEST : timeline->count;
}

/* Both kinds of denial share a lane. */
static uint64_t in_lane(const struct log_timeline *timeline, size_t span, bool denied)
{
    const uint64_t *counts = timeline->spans[span];
    return denied ? counts[LOG_TIMELINE_DENIED] + counts[LOG_TIMELINE_WOULD_DENY]
                  : counts[LOG_TIMELINE_ALLOWED];
}

static uint64_t peak(const struct log_timeline *timeline, bool denied)
{
    uint64_t most = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        uint64_t count = in_lane(timeline, i, denied);
        most = count > most ? count : most;
    }
    return most;
}

/* Draws one part of a bar, standing on what is drawn already; what is little is still seen. */
static void append_bar(size_t span, uint64_t count, uint64_t most, const char *class,
                       unsigned *drawn, struct buffer *out)
{
    if (count == 0)
        return;
    unsigned height = (unsigned)((double)count / (double)most * LANE_HEIGHT + 0.5);
    height = height < BAR_SMALLEST ? BAR_SMALLEST : height;
    if (*drawn + height > LANE_HEIGHT)
        height = LANE_HEIGHT - *drawn;
    *drawn += height;
    buffer_printf(out, "<rect class=\"%s\" x=\"%zu\" y=\"%u\" width=\"%d\" height=\"%u\"/>", class,
                  span * COLUMN_WIDTH + 1, LANE_HEIGHT - *drawn, BAR_WIDTH, height);
}

static void append_bars(const struct log_timeline *timeline, bool denied, struct buffer *out)
{
    uint64_t most = peak(timeline, denied);
    for (size_t i = 0; i < timeline->count; i++) {
        const uint64_t *counts = timeline->spans[i];
        unsigned drawn = 0;
        if (in_lane(timeline, i, denied) == 0)
            continue;
        buffer_append_literal(out, "<g><title>");
        log_page_append_time(log_timeline_begin_us(timeline, i), LOG_PAGE_SECOND, out);
        buffer_append_literal(out, ": ");
        html_text_append_number(out, in_lane(timeline, i, denied));
        buffer_append_literal(out, "</title>");
        if (denied) {
            append_bar(i, counts[LOG_TIMELINE_DENIED], most, "bar-denied", &drawn, out);
            append_bar(i, counts[LOG_TIMELINE_WOULD_DENY], most, "bar-would", &drawn, out);
        } else {
            append_bar(i, counts[LOG_TIMELINE_ALLOWED], most, "bar-allowed", &drawn, out);
        }
        buffer_append_literal(out, "</g>");
    }
}

static void append_numbers(const struct log_timeline *timeline, struct buffer *out)
{
    for (size_t i = 0; i < timeline->count; i++) {
        if (in_lane(timeline, i, true) == 0 && in_lane(timeline, i, false) == 0)
            continue;
        buffer_append_literal(out, "<tr><td>");
        log_page_append_time_element(log_timeline_begin_us(timeline, i), out);
        for (size_t kind = 0; kind < LOG_TIMELINE_KINDS; kind++) {
            buffer_append_literal(out, "</td><td>");
            html_text_append_number(out, timeline->spans[i][kind]);
        }
        buffer_append_literal(out, "</td></tr>\n");
    }
}

/* The peak's number is followed by what it is a number of. */
static void append_peak(const struct log_timeline *timeline, bool denied, struct buffer *out)
{
    uint64_t most = peak(timeline, denied);
    if (most == 0) {
        buffer_append_literal(out, "none");
        return;
    }
    buffer_append_literal(out, "up to ");
    html_text_append_number(out, most);
}

static void write_timeline_slot(void *context, unsigned index, struct buffer *out)
{
    const struct log_timeline *timeline = context;
    size_t columns = columns_of(timeline);
    enum log_page_time_len len = timeline->width_s < 60 ? LOG_PAGE_SECOND : LOG_PAGE_MINUTE;
    switch ((enum timeline_slot)index) {
    case TIMELINE_WIDTH:
        log_timeline_write_width(timeline, out);
        return;
    case TIMELINE_COLUMNS:
        buffer_append_u64(out, columns * COLUMN_WIDTH);
        return;
    case TIMELINE_DENIED_PEAK:
    case TIMELINE_ALLOWED_PEAK:
        append_peak(timeline, index == TIMELINE_DENIED_PEAK, out);
        return;
    case TIMELINE_DENIED_BARS:
    case TIMELINE_ALLOWED_BARS:
        append_bars(timeline, index == TIMELINE_DENIED_BARS, out);
        return;
    case TIMELINE_BEGIN:
        log_page_append_time(log_timeline_begin_us(timeline, 0), len, out);
        return;
    case TIMELINE_MIDDLE:
        log_page_append_time(log_timeline_begin_us(timeline, columns / 2), len, out);
        return;
    case TIMELINE_END:
        log_page_append_time(log_timeline_begin_us(timeline, columns), len, out);
        return;
    case TIMELINE_NUMBERS:
        append_numbers(timeline, out);
        return;
    }
}

void log_page_append_timeline(struct log_page *page, struct buffer *out)
{
    struct log_timeline timeline = page->data->timeline;
    if (timeline.count > 0)
        LOG_PAGE_FILL(page, out, log_timeline_html, timeline_slots, write_timeline_slot,
                      &timeline);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline as a drawing that needs no script (SVG), and in numbers. */
#include "policy/view/log_page_parts.h"

#include "policy/log/log_timeline.h"

static const char *const timeline_slots[] = {"width", "lanes", "begin", "middle", "end", "numbers"};
enum timeline_slot {
    TIMELINE_WIDTH,
    TIMELINE_LANES,
    TIMELINE_BEGIN,
    TIMELINE_MIDDLE,
    TIMELINE_END,
    TIMELINE_NUMBERS
};

static const char *const lane_slots[] = {"title", "peak", "columns", "bars"};
enum lane_slot { LANE_TITLE, LANE_PEAK, LANE_COLUMNS, LANE_BARS };

/* One decision's bars. */
struct lane {
    const struct log_timeline *timeline;
    enum log_decision decision;
    const char *class, *title;
};

enum { COLUMN_WIDTH = 100, LANE_HEIGHT = 100, BAR_SMALLEST = 3, COLUMNS_FEWEST = 30 };

/* A short log has few bars, which would be as wide as the page: they become thin. */
static unsigned bar_width(const struct log_timeline *timeline)
{
    size_t width = COLUMN_WIDTH * 8 / 10;
    if (timeline->count < COLUMNS_FEWEST)
        width = width * timeline->count / COLUMNS_FEWEST;
    return width > 0 ? (unsigned)width : 1;
}

static uint64_t peak(const struct lane *lane)
{
    uint64_t most = 0;
    for (size_t i = 0; i < lane->timeline->count; i++) {
        uint64_t count = lane->timeline->spans[i][lane->decision];
        most = count > most ? count : most;
    }
    return most;
}

/* What is little is still seen. */
static void append_bars(const struct lane *lane, struct buffer *out)
{
    uint64_t most = peak(lane);
    unsigned width = bar_width(lane->timeline);
    for (size_t i = 0; i < lane->timeline->count; i++) {
        uint64_t count = lane->timeline->spans[i][lane->decision];
        if (count == 0)
            continue;
        unsigned height = (unsigned)((double)count / (double)most * LANE_HEIGHT + 0.5);
        height = height < BAR_SMALLEST ? BAR_SMALLEST : height;
        buffer_append_literal(out, "<g><title>");
        log_page_append_time(log_timeline_begin_us(lane->timeline, i), LOG_PAGE_SECOND, out);
        buffer_append_literal(out, ": ");
        html_text_append_number(out, count);
        buffer_printf(out,
                      "</title><rect class=\"bar-%s\" x=\"%zu\" y=\"%u\" width=\"%u\" "
                      "height=\"%u\"/></g>",
                      lane->class, i * COLUMN_WIDTH + (COLUMN_WIDTH - width) / 2,
                      LANE_HEIGHT - height, width, height);
    }
}

static void write_lane_slot(void *context, unsigned index, struct buffer *out)
{
    const struct lane *lane = context;
    uint64_t most = peak(lane);
    switch ((enum lane_slot)index) {
    case LANE_TITLE:
        buffer_append_text(out, lane->title);
        return;
    case LANE_PEAK:
        buffer_append_text(out, most == 0 ? "none" : "up to ");
        if (most > 0)
            html_text_append_number(out, most);
        return;
    case LANE_COLUMNS:
        buffer_append_u64(out, lane->timeline->count * COLUMN_WIDTH);
        return;
    case LANE_BARS:
        append_bars(lane, out);
        return;
    }
}

/* What report mode let pass has a lane where there is some. */
static void append_lanes(struct log_page *page, struct buffer *out)
{
    const struct lane lanes[] = {
        {&page->data->timeline, LOG_DENIED, "denied", "Denied"},
        {&page->data->timeline, LOG_WOULD_DENY, "would", "Would be denied"},
        {&page->data->timeline, LOG_ALLOWED, "allowed", "Allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lanes); i++) {
        struct lane lane = lanes[i];
        if (lane.decision != LOG_WOULD_DENY || peak(&lane) > 0)
            LOG_PAGE_FILL(page, out, log_lane_html, lane_slots, write_lane_slot, &lane);
    }
}

static void append_numbers(const struct log_timeline *timeline, struct buffer *out)
{
    for (size_t i = 0; i < timeline->count; i++) {
        const uint64_t *counts = timeline->spans[i];
        if (counts[LOG_DENIED] + counts[LOG_WOULD_DENY] + counts[LOG_ALLOWED] == 0)
            continue;
        buffer_append_literal(out, "<tr><td>");
        log_page_append_time_element(log_timeline_begin_us(timeline, i), out);
        for (size_t kind = 0; kind < LOG_DECISIONS; kind++) {
            buffer_append_literal(out, "</td><td>");
            html_text_append_number(out, counts[kind]);
        }
        buffer_append_literal(out, "</td></tr>\n");
    }
}

/* The axis is the span of the log itself, to a bar. */
static void write_timeline_slot(void *context, unsigned index, struct buffer *out)
{
    struct log_page *page = context;
    const struct log_timeline *timeline = &page->data->timeline;
    enum log_page_time_len len = timeline->width_s < 60 ? LOG_PAGE_SECOND : LOG_PAGE_MINUTE;
    int64_t first_us = timeline->first_us, last_us = timeline->last_us;
    switch ((enum timeline_slot)index) {
    case TIMELINE_WIDTH:
        log_timeline_write_width(timeline, out);
        return;
    case TIMELINE_LANES:
        append_lanes(page, out);
        return;
    case TIMELINE_BEGIN:
        log_page_append_time(first_us, len, out);
        return;
    case TIMELINE_MIDDLE:
        if (timeline->count > 2)
            log_page_append_time(first_us + (last_us - first_us) / 2, len, out);
        return;
    case TIMELINE_END:
        if (timeline->count > 1)
            log_page_append_time(last_us, len, out);
        return;
    case TIMELINE_NUMBERS:
        append_numbers(timeline, out);
        return;
    }
}

void log_page_append_timeline(struct log_page *page, struct buffer *out)
{
    if (page->data->timeline.count > 0)
        LOG_PAGE_FILL(page, out, log_timeline_html, timeline_slots, write_timeline_slot, page);
}

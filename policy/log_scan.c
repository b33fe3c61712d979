/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a log from its first record to its last, or the other way. */
#include "policy/log_scan.h"

/* One scan. */
struct scan {
    const struct log_filter *filter;
    log_scan_take *take;
    void *context;
    struct log_scan_notes *notes;
    struct log_line line; /* owned: the one looked at */
    bool ended;           /* the taker has seen enough */
};

static void scan_clear(struct scan *scan)
{
    log_line_free(&scan->line);
}

static void look_at(struct scan *scan, struct slice text)
{
    if (text.len == 0)
        return; /* the gate begins with a line end when it cannot tell how the log ends */
    if (!log_line_parse(&scan->line, text))
        scan->notes->unreadable++;
    else if (log_filter_wants(scan->filter, &scan->line))
        scan->ended = !scan->take(scan->context, &scan->line, text);
}

static bool scan_file(struct scan *scan, int fd, struct error *error)
{
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice text;
    enum log_read result = LOG_READ_LINE;
    log_forward_init(&forward, fd, 0);
    while (!scan->ended && (result = log_forward_next(&forward, &text, error)) == LOG_READ_LINE)
        look_at(scan, text);
    scan->notes->torn = log_forward_is_torn(&forward);
    scan->notes->end = forward.at - (off_t)(forward.bytes.len - forward.used);
    return result != LOG_READ_FAILED;
}

bool log_scan(const struct log_files *files, const struct log_filter *filter, log_scan_take *take,
              void *context, struct log_scan_notes *notes_out, struct error *error)
{
    *notes_out = (struct log_scan_notes){0};
    CLEANUP(scan_clear)
    struct scan scan = {
        .filter = filter, .take = take, .context = context, .notes = notes_out, .ended = false};
    for (unsigned i = files->count; i > 0 && !scan.ended; i--) {
        if (!scan_file(&scan, files->fds[i - 1], error))
            return false;
    }
    return true;
}

static bool scan_file_backward(struct scan *scan, int fd, bool newest, struct error *error)
{
    CLEANUP(log_backward_free) struct log_backward backward;
    struct slice text;
    enum log_read result = LOG_READ_LINE;
    log_backward_init(&backward, fd);
    while (!scan->ended && (result = log_backward_next(&backward, &text, error)) == LOG_READ_LINE)
        look_at(scan, text);
    if (newest) {
        scan->notes->torn = backward.torn;
        scan->notes->end = backward.end;
    }
    return result != LOG_READ_FAILED;
}

bool log_scan_backward(const struct log_files *files, const struct log_filter *filter,
                       log_scan_take *take, void *context, struct log_scan_notes *notes_out,
                       struct error *error)
{
    *notes_out = (struct log_scan_notes){0};
    CLEANUP(scan_clear)
    struct scan scan = {
        .filter = filter, .take = take, .context = context, .notes = notes_out, .ended = false};
    for (unsigned i = 0; i < files->count && !scan.ended; i++) {
        if (!scan_file_backward(&scan, files->fds[i], i == 0, error))
            return false;
    }
    return true;
}

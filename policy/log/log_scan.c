/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a log from its first record to its last, or the other way. Of each file only the part
 * that can be in time is read. */
#include "policy/log/log_scan.h"

#include <string.h>

#include "policy/log/log_bisect.h"

/* One scan. */
struct scan {
    const struct log_filter *filter;
    log_scan_take *take;
    void *context;
    struct log_scan_notes *notes;
    struct log_line line; /* owned: the one looked at */
    bool ended;           /* the taker has seen enough */
};

static void scan_begin(struct scan *scan, const struct log_filter *filter, log_scan_take *take,
                       void *context, struct log_scan_notes *notes)
{
    *notes = (struct log_scan_notes){0};
    *scan = (struct scan){.filter = filter, .take = take, .context = context, .notes = notes};
}

static void scan_clear(struct scan *scan)
{
    log_line_free(&scan->line);
}

static void keep_word(char word[static LOG_SCAN_WORD_MAX], struct slice text)
{
    size_t len = text.len < LOG_SCAN_WORD_MAX ? text.len : LOG_SCAN_WORD_MAX - 1;
    memcpy(word, text.ptr, len);
    word[len] = '\0';
}

static uint64_t number_of(const struct log_line *line, enum log_field field)
{
    uint64_t number;
    return slice_to_u64(line->fields[field], &number) ? number : 0;
}

static void note_seal(struct log_scan_notes *notes, const struct log_line *line)
{
    if (line->fields[LOG_FIELD_MAC].len == 0) {
        notes->unsealed++;
        return;
    }
    notes->last_epoch = number_of(line, LOG_FIELD_EPOCH);
    if (notes->sealed++ == 0)
        notes->first_epoch = notes->last_epoch;
}

static void note(struct log_scan_notes *notes, const struct log_line *line)
{
    static const struct slice name = SLICE_LITERAL("dockreeve ");
    struct slice policy = line->fields[LOG_FIELD_POLICY], text = line->fields[LOG_FIELD_TEXT];
    note_seal(notes, line);
    if (policy.len > 0 && !slice_equal_text(policy, notes->policy)) {
        keep_word(notes->policy, policy);
        notes->policies++;
    }
    if (text.len == 0)
        return;
    if (slice_equal_text(line->fields[LOG_FIELD_EVENT], "lost"))
        notes->lost += number_of(line, LOG_FIELD_COUNT);
    if (slice_equal_text(line->fields[LOG_FIELD_EVENT], "start") && slice_starts_with(text, name)) {
        struct slice rest = slice_of(text.ptr + name.len, text.len - name.len);
        keep_word(notes->version, slice_cut(&rest, ' '));
    }
}

static void look_at(struct scan *scan, struct slice text)
{
    if (text.len == 0)
        return; /* the gate begins with a line end when it cannot tell how the log ends */
    text = log_line_record(text);
    if (!log_line_parse(&scan->line, text)) {
        scan->notes->unreadable++;
        return;
    }
    if (log_filter_is_within(scan->filter, &scan->line))
        note(scan->notes, &scan->line);
    if (log_filter_wants(scan->filter, &scan->line))
        scan->ended = !scan->take(scan->context, &scan->line, text);
}

/* How the newest file ends, when that was not read. */
static bool note_end(struct scan *scan, int fd, struct error *error)
{
    CLEANUP(log_backward_free) struct log_backward backward;
    log_backward_init(&backward, fd);
    if (!log_backward_begin(&backward, error))
        return false;
    scan->notes->end = backward.end;
    scan->notes->torn = backward.torn;
    return true;
}

static bool scan_file(struct scan *scan, int fd, bool newest, struct error *error)
{
    struct slice line;
    off_t begin, end;
    enum log_read result = LOG_READ_LINE;
    if (!log_bisect(fd, scan->filter->since_us, scan->filter->until_us, &begin, &end, error))
        return false;
    CLEANUP(log_forward_free) struct log_forward forward;
    log_forward_init(&forward, fd, begin);
    while (!scan->ended && (end < 0 || log_forward_position(&forward) < end) &&
           (result = log_forward_next(&forward, &line, error)) == LOG_READ_LINE)
        look_at(scan, line);
    if (result == LOG_READ_FAILED)
        return false;
    if (!newest)
        return true;
    if (result == LOG_READ_LINE)
        return note_end(scan, fd, error);
    scan->notes->torn = log_forward_is_torn(&forward);
    scan->notes->end = log_forward_position(&forward);
    return true;
}

bool log_scan(const struct log_files *files, const struct log_filter *filter, log_scan_take *take,
              void *context, struct log_scan_notes *notes_out, struct error *error)
{
    CLEANUP(scan_clear) struct scan scan;
    scan_begin(&scan, filter, take, context, notes_out);
    for (unsigned i = files->count; i > 0 && !scan.ended; i--) {
        if (!scan_file(&scan, files->fds[i - 1], i == 1, error))
            return false;
    }
    return true;
}

static bool scan_file_backward(struct scan *scan, int fd, bool newest, struct error *error)
{
    CLEANUP(log_backward_free) struct log_backward backward;
    struct slice line;
    off_t begin, end;
    enum log_read result = LOG_READ_LINE;
    log_backward_init(&backward, fd);
    if (!log_bisect(fd, scan->filter->since_us, scan->filter->until_us, &begin, &end, error) ||
        !log_backward_begin(&backward, error))
        return false;
    if (newest) {
        scan->notes->end = backward.end;
        scan->notes->torn = backward.torn;
    }
    if (end >= 0) {
        log_backward_free(&backward);
        log_backward_init_at(&backward, fd, end);
    }
    while (!scan->ended && backward.at + (off_t)backward.bytes.len > begin &&
           (result = log_backward_next(&backward, &line, error)) == LOG_READ_LINE)
        look_at(scan, line);
    return result != LOG_READ_FAILED;
}

bool log_scan_backward(const struct log_files *files, const struct log_filter *filter,
                       log_scan_take *take, void *context, struct log_scan_notes *notes_out,
                       struct error *error)
{
    CLEANUP(scan_clear) struct scan scan;
    scan_begin(&scan, filter, take, context, notes_out);
    for (unsigned i = 0; i < files->count && !scan.ended; i++) {
        if (!scan_file_backward(&scan, files->fds[i], i == 0, error))
            return false;
    }
    return true;
}

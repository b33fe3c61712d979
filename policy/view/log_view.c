/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of the log for a person or a program, oldest first, so that the newest stands above
 * the prompt (as `journalctl -n` does it). A limit is met from the end of the newest file
 * backwards; everything (limit 0) is read forwards as a stream. */
#include "policy/view/log_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/terminal_text.h"
#include "policy/log/log_input.h"
#include "policy/log/log_scan.h"
#include "policy/view/log_client_names.h"
#include "policy/view/log_table.h"

enum { OUTPUT_LEN = 128 * 1024 }; /* collected before it is written */

/* One showing of records. */
struct showing {
    const struct log_view *view;
    struct table table; /* owned */
    bool coloured;
    struct log_line line;         /* owned: the one looked at */
    struct buffer output;         /* owned: not yet written */
    struct buffer room;           /* owned */
    struct buffer found, lengths; /* owned: lines from the end, newest first; a size_t for each */
    uint64_t found_count, found_requests, found_others, shown, unreadable;
    struct error *error;
    bool titled, failed;
};

static void showing_clear(struct showing *showing)
{
    table_clear(&showing->table);
    log_line_free(&showing->line);
    buffer_free(&showing->output);
    buffer_free(&showing->room);
    buffer_free(&showing->found);
    buffer_free(&showing->lengths);
}

bool log_view_write(struct slice bytes, struct error *error)
{
    while (bytes.len > 0) {
        ssize_t count = write(STDOUT_FILENO, bytes.ptr, bytes.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EPIPE)
            return error_set(error, COMMAND_DONE, "whoever reads us has seen enough");
        if (count < 0)
            return error_set(error, COMMAND_FAILED, "cannot write: %s", strerror(errno));
        bytes.ptr += count;
        bytes.len -= (size_t)count;
    }
    return true;
}

void log_view_note_unreadable(uint64_t count)
{
    if (count > 0)
        fprintf(stderr, "note: %llu line%s of the log could not be read and %s left out\n",
                (unsigned long long)count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
}

void log_view_note_torn(void)
{
    fputs("note: the last line of the log has no end and is left out: it is being written, or a "
          "crash cut it off\n",
          stderr);
}

static bool flush(struct showing *showing)
{
    if (!log_view_write(buffer_slice(&showing->output), showing->error))
        showing->failed = true;
    buffer_clear(&showing->output);
    return !showing->failed;
}

/* A log_scan_take: puts one record into the output. */
static bool show(void *context, const struct log_line *line, struct slice text)
{
    struct showing *showing = context;
    struct buffer *out = &showing->output;
    switch (showing->view->form) {
    case LOG_VIEW_TABLE:
        if (!showing->titled)
            table_write_titles(&showing->table, out);
        showing->titled = true;
        if (!log_line_is_request(line)) {
            log_table_append_gate(&showing->table, line, out);
            break;
        }
        log_table_fill(&showing->table, line, showing->coloured);
        table_write_row(&showing->table, out);
        break;
    case LOG_VIEW_TSV:
        log_table_fill(&showing->table, line, showing->coloured);
        table_write_row(&showing->table, out);
        break;
    case LOG_VIEW_JSON:
        buffer_append_slice(out, text);
        buffer_append_byte(out, '\n');
        break;
    case LOG_VIEW_NAMES: {
        struct slice name = log_line_what(line, &showing->room);
        if (name.len == 0)
            return true; /* the start of a gate and its like have none */
        terminal_text_append(out, name);
        buffer_append_byte(out, '\n');
        break;
    }
    }
    showing->shown++;
    if (out->failed) {
        showing->failed = true;
        return error_set(showing->error, COMMAND_FAILED, "out of memory");
    }
    return out->len < OUTPUT_LEN || flush(showing);
}

/* A log_scan_take: keeps one record of the last ones. What the gate says of itself comes along with
 * the requests and takes no request's place; where it says a great deal, the last of it. */
static bool keep(void *context, const struct log_line *line, struct slice text)
{
    struct showing *showing = context;
    bool is_request = log_line_is_request(line);
    if (showing->view->form == LOG_VIEW_NAMES && log_line_what(line, &showing->room).len == 0)
        return true;
    if (!is_request && ++showing->found_others > showing->view->limit)
        return true;
    buffer_append_slice(&showing->found, text);
    buffer_append(&showing->lengths, (const char *)&text.len, sizeof(text.len));
    if (showing->found.failed || showing->lengths.failed) {
        showing->failed = true;
        return error_set(showing->error, COMMAND_FAILED,
                         "out of memory; ask for fewer with --limit");
    }
    if (showing->view->form == LOG_VIEW_TABLE && is_request) {
        log_table_fill(&showing->table, line, false);
        table_measure(&showing->table);
    }
    showing->found_count++;
    showing->found_requests += is_request;
    return showing->found_requests < showing->view->limit;
}

/* Shows what was kept, the oldest of it first. */
static bool show_kept(struct showing *showing)
{
    size_t end = showing->found.len;
    for (uint64_t i = showing->found_count; i > 0; i--) {
        size_t len;
        memcpy(&len, showing->lengths.data + (i - 1) * sizeof(len), sizeof(len));
        end -= len;
        struct slice text = slice_of(showing->found.data + end, len);
        if (log_line_parse(&showing->line, text) && !show(showing, &showing->line, text))
            return false;
    }
    return true;
}

/* A log_follow_take: writes one new record at once. */
static bool show_new(void *context, struct slice text)
{
    struct showing *showing = context;
    if (text.len == 0)
        return true; /* the gate begins with a line end when it cannot tell how the log ends */
    text = log_line_record(text);
    if (!log_line_parse(&showing->line, text)) {
        showing->unreadable++;
        return true;
    }
    if (!log_filter_wants(showing->view->filter, &showing->line))
        return true;
    return show(showing, &showing->line, text) && flush(showing);
}

static bool show_present(struct showing *showing, const struct log_files *files,
                         struct log_scan_notes *notes)
{
    const struct log_view *view = showing->view;
    bool read = view->limit > 0
                    ? log_scan_backward(files, view->filter, keep, showing, notes, showing->error)
                    : log_scan(files, view->filter, show, showing, notes, showing->error);
    if (!read || showing->failed || (view->limit > 0 && !show_kept(showing)) || !flush(showing))
        return false;
    log_view_note_unreadable(notes->unreadable);
    return true;
}

static bool run(struct showing *showing, bool follow)
{
    AUTO_LOG_FOLLOW struct log_follow *follower = NULL;
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    struct log_scan_notes notes;
    struct error *error = showing->error;
    const char *path = showing->view->path;
    if (follow && log_input_is_standard(path)) {
        bool read = log_input_follow(show_new, showing, error);
        log_view_note_unreadable(showing->unreadable);
        return read && !showing->failed;
    }
    /* Watching begins before reading: what is written between the two is then seen at the first
     * look. */
    if (!log_input_open(&files, path, error) ||
        (follow && (follower = log_follow_new(path, error)) == NULL) ||
        !show_present(showing, &files, &notes))
        return false;
    if (showing->shown == 0 && showing->view->filter->client.ptr != NULL)
        log_client_names_note(&files, showing->view->filter->client);
    if (follow) {
        bool done =
            log_follow_run(follower, steal_fd(&files.fds[0]), notes.end, show_new, showing, error);
        log_view_note_unreadable(showing->unreadable);
        return done && !showing->failed;
    }
    if (notes.torn)
        log_view_note_torn();
    if (showing->shown == 0 && isatty(STDOUT_FILENO))
        fputs("No record matches.\n", stderr);
    return true;
}

bool log_view_records(const struct log_view *view, bool follow, struct error *error)
{
    CLEANUP(showing_clear)
    struct showing showing = {
        .view = view, .coloured = terminal_text_in_colour(stdout), .error = error};
    log_table_init(&showing.table, view->form == LOG_VIEW_TABLE);
    return run(&showing, follow);
}

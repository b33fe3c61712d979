/* SPDX-License-Identifier: Apache-2.0
 *
 * The batch, the state of its records, and the three ways a descriptor takes it:
 *
 *   regular file           one write; short or failed: cut back to the last whole line, the rest of
 *                          the batch is lost
 *   pipe or terminal,      opened anew so that O_NONBLOCK is not shared with our parent; a rest
 *   not blocking           stays queued
 *   pipe or terminal,      where it may not be opened anew (another user's, in containers), or a
 *   blocking               socket: polled before each piece of at most PIPE_BUF, which a writable
 *                          pipe takes without blocking; a rest stays queued
 *
 * JSON escapes line ends, so the line ends in the batch count its records; no offsets need to be
 * kept. */
#include "proxy/loop/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "proxy/loop/log_rotation.h"
#include "rules/reason.h"

enum log_sink { LOG_SINK_FILE, LOG_SINK_NONBLOCKING, LOG_SINK_POLLED, LOG_SINK_SOCKET };

struct log_writer {
    int fd; /* owned */
    enum log_sink sink;
    char *path; /* owned; NULL = standard output */
    uint64_t rotate_bytes;
    uint64_t rotate_at; /* size that the file may not exceed; moved on after a failed rotation */
    uint64_t size;      /* of the regular file, as far as we know */
    unsigned keep;
    bool rotation_failed; /* said already */
    bool torn;            /* the last byte written did not end a line and its line was given up */
    bool mid_line;        /* the batch begins inside a line whose first bytes are written */
    bool blocked;
    bool misplaced; /* the path led elsewhere at the last look */
    bool homeless;  /* and could not be opened anew: what is written would be read by nobody */
    struct log_rotation_user user;
    size_t queue_bytes; /* for what is new */
    size_t hard_bytes;  /* with what is owed */
    size_t last_len;
    struct buffer queue;
    struct timestamp_cache cache;
    struct log_sealer *sealer;             /* borrowed; NULL = not sealed */
    int unsynced[LOG_WRITER_UNSYNCED_MAX]; /* owned: files of a sealed log that were left */
    unsigned unsynced_count;
    uint64_t next_seq;
    uint64_t first_pending; /* no record before it is pending */
    uint64_t lost;
    uint64_t unnumbered; /* of them, those that have no number yet */
    struct error unsaid; /* of a flush that nobody asked for; text empty = none */
    bool unsaid_loss;    /* it lost records; else a warning */
    uint64_t state_mask;
    uint8_t states[]; /* enum log_write_state by seq & state_mask */
};

/* No line is shorter: time stamp, number and event alone take more. */
enum { LINE_MIN = 48 };

/* A file of a sealed log stays open until it is on the disk: the key that could forge it lives as
 * long. When more are left than can be kept, the oldest is synced here. */
static void leave_file(struct log_writer *writer, int fd)
{
    if (fd < 0)
        return;
    if (writer->sealer == NULL) {
        close(fd);
        return;
    }
    if (writer->unsynced_count == LOG_WRITER_UNSYNCED_MAX) {
        (void)fdatasync(writer->unsynced[0]);
        close(writer->unsynced[0]);
        writer->unsynced_count--;
        memmove(writer->unsynced, writer->unsynced + 1,
                writer->unsynced_count * sizeof(writer->unsynced[0]));
    }
    writer->unsynced[writer->unsynced_count++] = fd;
}

unsigned log_writer_take_unsynced(struct log_writer *writer,
                                  int fds[static LOG_WRITER_UNSYNCED_MAX + 1])
{
    int own = fcntl(writer->fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return 0;
    unsigned count = writer->unsynced_count;
    memcpy(fds, writer->unsynced, count * sizeof(fds[0]));
    fds[count++] = own;
    writer->unsynced_count = 0;
    return count;
}

/* Chooses how to write to a descriptor, which for standard output may replace it. Takes *fd. */
static bool adopt(struct log_writer *writer, int *fd, bool shared, struct error *error)
{
    struct stat status;
    if (fstat(*fd, &status) != 0)
        return error_set_system(error, errno, "the log cannot be examined: %s", strerror(errno));
    if (writer->sealer != NULL && !S_ISREG(status.st_mode))
        return error_set_system(error, EINVAL, "a sealed log has to be a regular file");
    writer->size = 0;
    if (S_ISREG(status.st_mode)) {
        writer->sink = LOG_SINK_FILE;
        writer->size = (uint64_t)status.st_size;
    } else if (!shared) {
        writer->sink = LOG_SINK_NONBLOCKING;
    } else if (S_ISSOCK(status.st_mode)) {
        writer->sink = LOG_SINK_SOCKET;
    } else {
        int own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        writer->sink = own >= 0 ? LOG_SINK_NONBLOCKING : LOG_SINK_POLLED;
        if (own >= 0) {
            close(*fd);
            *fd = own;
        }
    }
    leave_file(writer, writer->fd);
    writer->fd = steal_fd(fd);
    writer->rotate_at = writer->rotate_bytes;
    return true;
}

static bool open_sink(struct log_writer *writer, struct error *error)
{
    AUTO_CLOSE int fd = -1;
    if (writer->path == NULL) {
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            return error_set_system(error, errno, "standard output cannot take the log: %s",
                                    strerror(errno));
        return adopt(writer, &fd, true, error);
    }
    if (!log_rotation_open(writer->path, &writer->user, &fd, error) ||
        !adopt(writer, &fd, false, error))
        return false;
    writer->torn = log_rotation_is_torn(writer->path) && writer->sink == LOG_SINK_FILE;
    writer->misplaced = writer->homeless = false;
    return true;
}

struct log_writer *log_writer_open(const struct log_writer_options *options, struct error *error)
{
    size_t queue_bytes = options->queue_bytes;
    if (queue_bytes < LOG_WRITER_QUEUE_MIN)
        queue_bytes = LOG_WRITER_QUEUE_MIN;
    size_t states = 128;
    while (states < 2 * (queue_bytes / LINE_MIN + options->owed_max))
        states *= 2;
    struct log_writer *writer = calloc(1, sizeof(*writer) + states);
    if (writer == NULL) {
        error_set_system(error, ENOMEM, "there is no memory for the log's queue");
        return NULL;
    }
    writer->fd = -1;
    writer->sealer = options->sealer;
    writer->rotate_bytes = options->rotate_bytes;
    writer->keep = options->keep;
    writer->user = options->user;
    writer->queue_bytes = queue_bytes;
    writer->hard_bytes = queue_bytes + (size_t)options->owed_max * LOG_WRITER_OWED_BYTES;
    writer->next_seq = 1;
    writer->first_pending = 1;
    writer->state_mask = states - 1;
    bool to_stdout = strcmp(options->path, "-") == 0;
    if (!to_stdout)
        writer->path = strdup(options->path);
    /* The record that proves the queue full is formatted behind it, hence the margin. */
    if ((!to_stdout && writer->path == NULL) ||
        !buffer_reserve(&writer->queue, queue_bytes + LOG_WRITER_QUEUE_MIN))
        error_set_system(error, ENOMEM, "there is no memory for the log's queue");
    else if (open_sink(writer, error))
        return writer;
    log_writer_close(&writer);
    return NULL;
}

static void set_state(struct log_writer *writer, uint64_t seq, enum log_write_state state)
{
    writer->states[seq & writer->state_mask] = (uint8_t)state;
}

static enum log_write_state get_state(const struct log_writer *writer, uint64_t seq)
{
    return (enum log_write_state)writer->states[seq & writer->state_mask];
}

static bool flush_now(struct log_writer *writer, struct error *error);

void log_writer_flush_early(struct log_writer *writer)
{
    struct error error;
    bool ok = flush_now(writer, &error);
    if (error.text[0] == '\0' || (ok && writer->unsaid_loss))
        return;
    writer->unsaid = error;
    writer->unsaid_loss = writer->unsaid_loss || !ok;
}

/* Seals the record that was just formatted, if there is room for the seal. */
static bool seal(struct log_writer *writer, size_t begin)
{
    struct buffer *queue = &writer->queue;
    if (queue->failed || queue->len + LOG_SEAL_FIELDS_MAX > writer->hard_bytes ||
        !buffer_reserve(queue, LOG_SEAL_FIELDS_MAX))
        return false;
    log_sealer_seal(writer->sealer, queue, begin);
    return true;
}

uint64_t log_writer_add(struct log_writer *writer, struct log_record *record)
{
    if (writer->next_seq - writer->first_pending > writer->state_mask) {
        /* Its place still belongs to a record that waits. */
        writer->lost++;
        writer->unnumbered++;
        return 0;
    }
    /* A turn in which thousands of tunnels end has more records than the queue holds. */
    if (writer->queue.len > writer->queue_bytes / 2 && !writer->blocked)
        log_writer_flush_early(writer);
    uint64_t seq = writer->next_seq++;
    record->seq = seq;
    size_t before = writer->queue.len;
    log_record_write(record, &writer->cache, &writer->queue);
    if (writer->queue.failed || writer->queue.len > writer->hard_bytes ||
        (writer->sealer != NULL && !seal(writer, before))) {
        writer->queue.failed = false;
        writer->queue.len = before;
        writer->lost++;
        set_state(writer, seq, LOG_WRITE_LOST);
    } else {
        set_state(writer, seq, LOG_WRITE_PENDING);
    }
    writer->last_len = writer->queue.len - before;
    return seq;
}

uint64_t log_writer_number_lost(struct log_writer *writer)
{
    /* Half of the places are left to records that come. */
    uint64_t used = writer->next_seq - writer->first_pending;
    for (; writer->unnumbered > 0 && used <= writer->state_mask / 2; used++, writer->unnumbered--)
        set_state(writer, writer->next_seq++, LOG_WRITE_LOST);
    return writer->lost - writer->unnumbered;
}

/* Settles the first `count` pending records. */
static void settle(struct log_writer *writer, size_t count, enum log_write_state state)
{
    uint64_t seq = writer->first_pending;
    for (; seq < writer->next_seq && count > 0; seq++) {
        if (get_state(writer, seq) != LOG_WRITE_PENDING)
            continue;
        set_state(writer, seq, state);
        count--;
        if (state == LOG_WRITE_LOST)
            writer->lost++;
    }
    writer->first_pending = seq;
}

static size_t count_lines(const char *bytes, size_t len)
{
    size_t count = 0;
    const char *end = bytes + len;
    while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        bytes++;
        count++;
    }
    return count;
}

/* The first `len` bytes of the batch are written: settles their records and moves the rest forward. */
static void consume(struct log_writer *writer, size_t len)
{
    struct buffer *queue = &writer->queue;
    if (len == 0)
        return;
    settle(writer, len == queue->len ? SIZE_MAX : count_lines(queue->data, len), LOG_WRITE_DONE);
    writer->mid_line = queue->data[len - 1] != '\n';
    if (writer->sealer != NULL)
        log_sealer_written(writer->sealer, queue->data, len);
    queue->len -= len;
    if (queue->len > 0)
        memmove(queue->data, queue->data + len, queue->len);
}

static void drop(struct log_writer *writer)
{
    settle(writer, SIZE_MAX, LOG_WRITE_LOST);
    buffer_clear(&writer->queue);
    if (writer->sealer != NULL)
        log_sealer_rewind(writer->sealer);
    if (writer->mid_line)
        writer->torn = true;
    writer->mid_line = false;
    writer->blocked = false;
}

/* One write call as the sink wants it; -1 with EAGAIN when it would block. */
static ssize_t write_some(const struct log_writer *writer, const char *bytes, size_t len)
{
    struct pollfd ready = {.fd = writer->fd, .events = POLLOUT};
    switch (writer->sink) {
    case LOG_SINK_SOCKET:
        return send(writer->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case LOG_SINK_POLLED:
        if (poll(&ready, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        return write(writer->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
    case LOG_SINK_FILE:
    case LOG_SINK_NONBLOCKING:
        break;
    }
    return write(writer->fd, bytes, len);
}

/* Writes until all is written or nothing more goes: returns the bytes written, *reason_out = 0 or
 * an errno. */
static size_t write_bytes(const struct log_writer *writer, const char *bytes, size_t len,
                          int *reason_out)
{
    size_t done = 0;
    *reason_out = 0;
    while (done < len) {
        ssize_t written = write_some(writer, bytes + done, len - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            *reason_out = written == 0 ? EIO : errno;
            break;
        }
    }
    return done;
}

/* Takes back the last `len` bytes that were written to the file, if they are still its end: another
 * process may write there too. */
static bool take_back(struct log_writer *writer, size_t len)
{
    struct stat status;
    off_t offset = lseek(writer->fd, 0, SEEK_CUR);
    if (offset < (off_t)len || fstat(writer->fd, &status) != 0 || status.st_size != offset)
        return false;
    offset -= (off_t)len;
    return ftruncate(writer->fd, offset) == 0 && lseek(writer->fd, offset, SEEK_SET) == offset;
}

/* The next part of the batch for one file: all of it unless it alone is larger than a file may be;
 * then whole lines, one at least. */
static size_t portion(const struct log_writer *writer)
{
    const struct buffer *queue = &writer->queue;
    if (writer->rotate_bytes == 0 || writer->path == NULL || queue->len <= writer->rotate_bytes)
        return queue->len;
    const char *end = memrchr(queue->data, '\n', writer->rotate_bytes);
    if (end == NULL)
        end = memchr(queue->data, '\n', queue->len);
    return end == NULL ? queue->len : (size_t)(end - queue->data) + 1;
}

/* Starts a new file when `len` more bytes would make this one too large. Fills `error` when that
 * fails, the first time. */
static void rotate_for(struct log_writer *writer, size_t len, struct error *error)
{
    struct stat status;
    int fd;
    struct error failure;
    if (writer->rotate_bytes == 0 || writer->path == NULL || writer->size == 0 ||
        writer->size + len <= writer->rotate_at)
        return;
    /* Somebody may have emptied the file behind our back (logrotate's copytruncate). */
    if (fstat(writer->fd, &status) == 0)
        writer->size = (uint64_t)status.st_size;
    if (writer->size == 0 || writer->size + len <= writer->rotate_at)
        return;
    if (log_rotation_shift(writer->path, writer->keep, &fd, &failure)) {
        leave_file(writer, writer->fd);
        writer->fd = fd;
        writer->size = 0;
        writer->rotate_at = writer->rotate_bytes;
        writer->rotation_failed = false;
        return;
    }
    /* Not at every flush: again when it has grown by as much once more. */
    writer->rotate_at = writer->size + len + writer->rotate_bytes;
    if (!writer->rotation_failed)
        *error = failure;
    writer->rotation_failed = true;
}

static bool lost(struct log_writer *writer, int reason, struct error *error)
{
    drop(writer);
    error_set_system(error, reason, "the log %s cannot be written (%s): records are lost",
                     writer->path == NULL ? "on standard output" : quote_text(writer->path).text,
                     strerror(reason));
    error->reason = REASON_LOG_UNWRITABLE;
    return false;
}

static bool flush_file(struct log_writer *writer, struct error *error)
{
    while (writer->queue.len > 0) {
        size_t len = portion(writer);
        int reason;
        rotate_for(writer, len, error);
        size_t written = write_bytes(writer, writer->queue.data, len, &reason);
        if (reason == 0) {
            writer->size += written;
            consume(writer, written);
            continue;
        }
        const char *end = written == 0 ? NULL : memrchr(writer->queue.data, '\n', written);
        size_t whole = end == NULL ? 0 : (size_t)(end - writer->queue.data) + 1;
        bool clean = written == whole || take_back(writer, written - whole);
        writer->size += clean ? whole : written;
        if (!clean && writer->queue.data[written] == '\n')
            whole = written + 1; /* the line end that keeps it apart will make it a whole record */
        consume(writer, whole);
        writer->torn = !clean;
        return lost(writer, reason, error);
    }
    return true;
}

static bool flush_stream(struct log_writer *writer, struct error *error)
{
    int reason;
    size_t written = write_bytes(writer, writer->queue.data, writer->queue.len, &reason);
    consume(writer, written);
    writer->blocked = reason == EAGAIN;
    return reason == 0 || reason == EAGAIN || lost(writer, reason, error);
}

static bool flush_now(struct log_writer *writer, struct error *error)
{
    int reason = 0;
    error->system_error = 0;
    error->text[0] = '\0';
    if (writer->queue.len == 0) {
        writer->first_pending = writer->next_seq; /* what stands between was lost, not pending */
        return true;
    }
    struct error homeless;
    if (writer->homeless && !open_sink(writer, &homeless))
        return lost(writer, homeless.system_error, error);
    if (writer->torn) {
        size_t written = write_bytes(writer, "\n", 1, &reason);
        writer->torn = written == 0;
        writer->size += written;
    }
    if (reason == EAGAIN) {
        writer->blocked = true;
        return true;
    }
    if (reason != 0)
        return lost(writer, reason, error);
    return writer->sink == LOG_SINK_FILE ? flush_file(writer, error) : flush_stream(writer, error);
}

bool log_writer_flush(struct log_writer *writer, struct error *error)
{
    bool ok = flush_now(writer, error);
    if (ok && error->text[0] == '\0' && writer->unsaid.text[0] != '\0') {
        *error = writer->unsaid;
        ok = !writer->unsaid_loss;
    }
    writer->unsaid.text[0] = '\0';
    writer->unsaid_loss = false;
    return ok;
}

enum log_write_state log_writer_state(const struct log_writer *writer, uint64_t seq)
{
    if (seq == 0 || seq >= writer->next_seq || writer->next_seq - seq > writer->state_mask + 1)
        return LOG_WRITE_LOST;
    return get_state(writer, seq);
}

bool log_writer_pending(const struct log_writer *writer)
{
    return writer->queue.len > 0;
}

bool log_writer_blocked(const struct log_writer *writer)
{
    return writer->blocked;
}

int log_writer_fd(const struct log_writer *writer)
{
    return writer->fd;
}

bool log_writer_has_room(const struct log_writer *writer)
{
    uint64_t numbers = writer->next_seq - writer->first_pending;
    return writer->queue.len <= writer->queue_bytes - writer->queue_bytes / 4 &&
           numbers <= writer->state_mask - writer->state_mask / 4;
}

size_t log_writer_last_len(const struct log_writer *writer)
{
    return writer->last_len;
}

uint64_t log_writer_lost_count(const struct log_writer *writer)
{
    return writer->lost;
}

bool log_writer_reopen(struct log_writer *writer, struct error *error)
{
    struct error flush_error;
    bool flushed = log_writer_flush(writer, &flush_error);
    *error = flush_error;
    if (writer->path == NULL)
        return flushed;
    if (writer->queue.len > 0)
        return error_set_system(error, EAGAIN,
                                "the log is not opened anew while its reader is blocked");
    bool was_torn = writer->torn;
    writer->torn = false;
    struct error open_error;
    if (!open_sink(writer, &open_error)) {
        writer->torn = was_torn;
        *error = open_error;
        return false;
    }
    return flushed;
}

static bool is_in_place(const struct log_writer *writer, bool *removed_out)
{
    struct stat opened, there;
    *removed_out = false;
    if (writer->path == NULL || writer->sink != LOG_SINK_FILE)
        return true;
    if (fstat(writer->fd, &opened) != 0)
        return true;
    *removed_out = opened.st_nlink == 0;
    return stat(writer->path, &there) == 0 && there.st_dev == opened.st_dev &&
           there.st_ino == opened.st_ino;
}

bool log_writer_keep_place(struct log_writer *writer, struct error *error)
{
    bool removed, was_misplaced = writer->misplaced;
    struct error flushed;
    error->system_error = 0;
    error->text[0] = '\0';
    writer->misplaced = !is_in_place(writer, &removed);
    if (!writer->misplaced) {
        writer->homeless = false;
        return true;
    }
    if (!removed && !was_misplaced)
        return true;
    if (!writer->homeless && !removed) /* what waits is not lost with what was removed */
        (void)flush_now(writer, &flushed);
    if (!open_sink(writer, error)) {
        writer->homeless = true;
        return false;
    }
    error_set(error, 0, "the log %s was %s: it was opened anew", quote_text(writer->path).text,
              removed ? "removed, and what was in it is lost" : "renamed");
    return true;
}

void log_writer_close(struct log_writer **writer)
{
    struct log_writer *closing = steal_pointer(writer);
    struct error ignored;
    if (closing == NULL)
        return;
    if (closing->fd >= 0) {
        (void)log_writer_flush(closing, &ignored);
        close(closing->fd);
    }
    for (unsigned i = 0; i < closing->unsynced_count; i++)
        close(closing->unsynced[i]);
    buffer_free(&closing->queue);
    free(closing->path);
    free(closing);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Batched writing of the audit log (docs/design.md 5). Records are formatted into one buffer during a turn
 * of the loop and go out with one write(2) at its end; "written" means that write(2) returned. The
 * loop releases a response, or forwards a change, only when log_writer_state() says LOG_WRITE_DONE
 * for its record. What reaches the file is whole lines: after a failure nothing half-written stays,
 * or, where it cannot be taken back, a line end keeps it apart from the next record. A number
 * missing from the `seq` of the log is a record that was lost; log_loss.h tells of them. Records of a sealed log
 * (policy/seal/log_seal.h) are sealed as they enter the batch; the chain of what was lost is taken back.
 * Expects SIGPIPE and SIGXFSZ to be ignored. Not thread-safe; allocates only when opened. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/log/log_record.h"
#include "policy/seal/log_seal.h"
#include "proxy/loop/log_rotation.h"

struct log_writer; /* opaque; owns its descriptor and memory */

struct log_writer_options {
    const char *path;      /* "-" = standard output; copied */
    uint64_t rotate_bytes; /* 0 = never; only regular files opened by path rotate */
    unsigned keep;         /* rotated files kept */
    size_t queue_bytes;    /* bound of the batch, at least LOG_WRITER_QUEUE_MIN */
    unsigned owed_max;     /* so many records more are taken, of LOG_WRITER_OWED_BYTES each: of
                                  requests, streams and tunnels that began while there was room */
    struct log_rotation_user user; /* who may own the file too */
    struct log_sealer *sealer; /* borrowed: outlives the writer; NULL = the log is not sealed. Only
                                  regular files are */
};

enum {
    LOG_WRITER_QUEUE_MIN = 4096,
    LOG_WRITER_OWED_BYTES = 2048,
    LOG_WRITER_UNSYNCED_MAX =
        16, /* files, besides the present one, that are kept open for syncing */
};

enum log_write_state {
    LOG_WRITE_DONE,
    LOG_WRITE_PENDING,
    LOG_WRITE_LOST,
};

/* NULL with `error` (code: an errno) when the log cannot be written. A torn last line of an
 * existing file is ended first. */
MUST_CHECK struct log_writer *log_writer_open(const struct log_writer_options *options,
                                              struct error *error);

/* Numbers the record (record->seq, from 1), formats it into the batch and returns the number. A
 * batch that fills half of the queue is written at once, if it can be; what goes wrong
 * with that is reported by the next flush. Whoever begins something asks log_writer_has_room()
 * first; what is owed for what has begun always finds room, up to owed_max. When even that is full
 * the number is used up all the same and its state is LOG_WRITE_LOST. Returns 0, which is always
 * LOST, when not even a number can be kept. */
uint64_t log_writer_add(struct log_writer *writer, struct log_record *record);

/* Writes the batch. False with `error` (code: an errno) when records were lost: disk full,
 * read-only, I/O error, reader gone; the batch is dropped, later adds try again. True with a text
 * in `error` is a warning: the log could not be rotated and grows on (said once, until a rotation
 * works again). Otherwise error->text is empty. */
bool log_writer_flush(struct log_writer *writer, struct error *error);

/* Writes the batch in the middle of a turn. What goes wrong is reported by the next flush. */
void log_writer_flush_early(struct log_writer *writer);

/* Of a sealed log: descriptors of all files that records were written to since the last call, the
 * present one among them (a duplicate). They are the caller's to sync and close. 0 when there are
 * no descriptors left; then nothing is handed over. */
MUST_CHECK unsigned log_writer_take_unsynced(struct log_writer *writer,
                                             int fds[static LOG_WRITER_UNSYNCED_MAX + 1]);

/* Valid for records of the last flush and for later ones. A number that is too old or was never
 * given is LOST. */
enum log_write_state log_writer_state(const struct log_writer *writer, uint64_t seq);

/* Whether a flush would have something to write. */
bool log_writer_pending(const struct log_writer *writer);

/* The pipe was full at the last flush: wait until log_writer_fd() is writable, then flush again. */
bool log_writer_blocked(const struct log_writer *writer);
int log_writer_fd(const struct log_writer *writer);

/* False: refuse the request (503) before forwarding anything. A quarter of the queue is kept for
 * the records of requests and streams that are already under way. */
bool log_writer_has_room(const struct log_writer *writer);

/* How many records were lost since the log was opened. */
uint64_t log_writer_lost_count(const struct log_writer *writer);
/* Passes over the numbers of lost records that had none, as far as there is room for them, so that
 * the log shows as large a gap as it tells of. Returns how many of the lost have a number. */
uint64_t log_writer_number_lost(struct log_writer *writer);
/* The bytes of the record that was added last. */
size_t log_writer_last_len(const struct log_writer *writer);

/* Opens the path anew (SIGUSR1, after somebody renamed the file). On failure the old file stays in
 * use. Does nothing for standard output. The batch is flushed to the old file first; false also
 * when that lost records. */
bool log_writer_reopen(struct log_writer *writer, struct error *error);

/* Looks whether the path still leads to the file; call once a second. One that was removed is opened
 * anew, one that was renamed at the second look: who renames it mostly sends a signal. True with a
 * text in `error` says that it was opened anew. False with `error`: it cannot be, and records are
 * lost until it can. */
bool log_writer_keep_place(struct log_writer *writer, struct error *error);

/* Flushes what it can without waiting, closes and frees. */
void log_writer_close(struct log_writer **writer);

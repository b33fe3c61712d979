/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of the log and of what rotation left beside it (access.jsonl, then .1, .2 …, higher =
 * older), forwards and backwards: the last fifty lines of a log of any size cost a few blocks.
 * Lines are whole lines; what stands behind the last line end was being written, or was cut off by
 * a crash. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum { LOG_FILES_MAX = 1001 }; /* what is written and the most that --log-keep keeps */

/* The files of one log, newest first, each once even if a rotation happens meanwhile. */
struct log_files {
    int fds[LOG_FILES_MAX];      /* owned */
    ino_t inodes[LOG_FILES_MAX]; /* of them */
    unsigned count;
};

/* Opens all of them, up to the first number that is missing. False with `error`: code 3 when there
 * is no log, else 1. */
MUST_CHECK bool log_files_open(struct log_files *files, const char *path, struct error *error);
void log_files_close(struct log_files *files);
#define AUTO_LOG_FILES CLEANUP(log_files_close)

enum log_read {
    LOG_READ_LINE,
    LOG_READ_END,    /* forwards: for now; more may be appended */
    LOG_READ_FAILED, /* `error` is filled */
};

/* Reads a file from `at` on, which must be the beginning of a line. */
struct log_forward {
    int fd;              /* borrowed */
    off_t at;            /* where the next read begins */
    struct buffer bytes; /* read and not yet forgotten */
    size_t used;         /* of them, given out already */
};
void log_forward_init(struct log_forward *forward, int fd, off_t at);
void log_forward_free(struct log_forward *forward);
/* The line has no line end and is valid until the next call. */
MUST_CHECK enum log_read log_forward_next(struct log_forward *forward, struct slice *line_out,
                                          struct error *error);
/* Where the next line begins. */
off_t log_forward_position(const struct log_forward *forward);
/* Whether bytes without a line end stand at the end. To be asked after LOG_READ_END. */
bool log_forward_is_torn(const struct log_forward *forward);

/* Reads a file from its end, or from the beginning of a line on backwards. */
struct log_backward {
    int fd;              /* borrowed */
    off_t at;            /* where bytes[0] stands in the file */
    struct buffer bytes; /* not yet given out */
    off_t end; /* behind the last line end, once a line was asked for; what follows is torn */
    bool torn;
    bool begun;
};
void log_backward_init(struct log_backward *backward, int fd);
void log_backward_init_at(struct log_backward *backward, int fd, off_t at);
void log_backward_free(struct log_backward *backward);
MUST_CHECK enum log_read log_backward_next(struct log_backward *backward, struct slice *line_out,
                                           struct error *error);
/* Finds out `end` and `torn` without reading on. */
MUST_CHECK bool log_backward_begin(struct log_backward *backward, struct error *error);

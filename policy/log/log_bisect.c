/* SPDX-License-Identifier: Apache-2.0
 *
 * Halving a file of the log by the times in it. The result is only a range to read: whether a
 * record is wanted is judged on the record. */
#include "policy/log/log_bisect.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/timestamp.h"
#include "policy/log/log_line.h"
#include "policy/log/log_reader.h"

/* The first beginning of a line at or behind `at`; the file's end when there is none. */
static bool next_line(int fd, off_t at, off_t size, off_t *begin_out, struct error *error)
{
    *begin_out = at <= 0 ? 0 : size;
    if (at <= 0 || at >= size)
        return true;
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice rest;
    log_forward_init(&forward, fd, at - 1);
    enum log_read result = log_forward_next(&forward, &rest, error);
    if (result == LOG_READ_LINE)
        *begin_out = at + (off_t)rest.len;
    return result != LOG_READ_FAILED;
}

/* The first record with a time that begins in [at, size): *time_out and where it begins; size when
 * there is none. `at` is the beginning of a line. */
static bool first_time(int fd, off_t at, off_t size, off_t *begin_out, int64_t *time_out,
                       struct error *error)
{
    CLEANUP(log_forward_free) struct log_forward forward;
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    struct slice text;
    enum log_read result;
    log_forward_init(&forward, fd, at);
    while (at < size && (result = log_forward_next(&forward, &text, error)) != LOG_READ_END) {
        if (result == LOG_READ_FAILED)
            return false;
        *begin_out = at;
        if (log_line_parse(&line, log_line_record(text)) &&
            timestamp_parse(line.fields[LOG_FIELD_TS], time_out))
            return true;
        at += (off_t)text.len + 1;
    }
    *begin_out = size;
    return true;
}

/* A beginning of a line before which all records are older than time_us. At most a margin behind it
 * they are not. */
static bool find_time(int fd, int64_t time_us, off_t size, off_t *at_out, struct error *error)
{
    off_t low = 0, high = size;
    while (high - low > LOG_BISECT_MARGIN) {
        off_t middle, begin;
        int64_t found_us = 0;
        if (!next_line(fd, low + (high - low) / 2, size, &middle, error) ||
            !first_time(fd, middle, high, &begin, &found_us, error))
            return false;
        if (begin < high && found_us < time_us)
            low = begin;
        else
            high = low + (high - low) / 2;
    }
    *at_out = low;
    return true;
}

bool log_bisect(int fd, int64_t since_us, int64_t until_us, off_t *begin_out, off_t *end_out,
                struct error *error)
{
    struct stat status;
    off_t at;
    *begin_out = 0;
    *end_out = -1;
    if (since_us == 0 && until_us == 0)
        return true;
    if (fstat(fd, &status) != 0)
        return error_set(error, COMMAND_FAILED, "cannot read the log: %s", strerror(errno));
    if (since_us != 0 && (!find_time(fd, since_us, status.st_size, &at, error) ||
                          !next_line(fd, at - LOG_BISECT_MARGIN, status.st_size, begin_out, error)))
        return false;
    if (until_us == 0)
        return true;
    if (!find_time(fd, until_us, status.st_size, &at, error))
        return false;
    at += 2 * LOG_BISECT_MARGIN;
    return at >= status.st_size || next_line(fd, at, status.st_size, end_out, error);
}

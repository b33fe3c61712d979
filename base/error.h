/* SPDX-License-Identifier: Apache-2.0
 *
 * One failure, in words for the user. Filled once, where the fact is known, and passed up
 * unchanged. Bytes that came from a network or a file must be passed through error_quote() before
 * they enter a text. */
#ifndef DOCKREEVE_BASE_ERROR_H
#define DOCKREEVE_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/slice.h"

struct error {
    int code; /* an HTTP status, an errno or an exit code: the function that fills it says which */
    unsigned line;      /* in the file concerned, from 1; 0 = none */
    unsigned column;    /* in bytes, from 1; 0 = none */
    const char *reason; /* stable code for the log, such as "malformed.chunk-extension"; static text
                           or NULL */
    char text[512];     /* one sentence, no line end */
};

/* Fills `error` and returns false, so that a failing function can say `return error_set(error,
 * …);`. */
bool error_set(struct error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set(), with the stable reason code that the log shows. `reason` must be static text. */
bool error_set_reason(struct error *error, int code, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Writes `bytes` between back quotes into quoted, at most `size` bytes with the final NUL:
 * printable ASCII as it is, all else as \xNN, cut with "..." when too long. Returns `quoted`. */
char *error_quote(struct slice bytes, char *quoted, size_t size);

#endif

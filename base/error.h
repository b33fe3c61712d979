/* SPDX-License-Identifier: Apache-2.0
 *
 * One failure, in words for the user. Filled once, where the fact is known, and passed up
 * unchanged. Bytes that came from a network or a file must be passed through error_quote() before
 * they enter a text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/slice.h"

/* Exit codes (docs/design.md 6). */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2, /* or an invalid policy */
    COMMAND_NOT_FOUND = 3,
    COMMAND_CONFLICT = 4,
    COMMAND_UNAVAILABLE = 5, /* a backend does not answer */
    COMMAND_DENIED = 6,      /* by the policy */
    COMMAND_DECLINED = 7,    /* by the user, or there is no terminal to ask on */
    COMMAND_PARTLY = 9,      /* done, but not all of it */
};

struct error {
    int status;    /* of the response that refuses for it (HTTP); 0 = none */
    int exit_code; /* of a command that ends with it (enum command_exit); 0 = the command's own */
    int system_error;   /* the errno behind it; 0 = none */
    unsigned line;      /* in the file concerned, from 1; 0 = none */
    unsigned column;    /* in bytes, from 1; 0 = none */
    const char *reason; /* stable code for the log, such as "malformed.chunk-extension"; static text
                           or NULL */
    char text[512];     /* one sentence, no line end */
};

/* Fills `error` and returns false, so that a failing function can say `return error_set(error,
 * …);`. */
bool error_set(struct error *error, int exit_code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set(), for what the system refused. `system_error` is an errno. */
bool error_set_system(struct error *error, int system_error, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As error_set(), for a refusal: its HTTP status, and the stable reason code that the log shows
 * (rules/reason.h). `reason` must be static text. */
bool error_set_reason(struct error *error, int status, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Writes `bytes` between back quotes into quoted, at most `size` bytes with the final NUL:
 * printable ASCII as it is, all else as \xNN, cut with "..." when too long. Returns `quoted`. */
char *error_quote(struct slice bytes, char *quoted, size_t size);

/* The same for an argument of a message: quote(name).text. */
struct quoted {
    char text[256];
};
struct quoted quote(struct slice bytes);
struct quoted quote_text(const char *text);

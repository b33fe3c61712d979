/* SPDX-License-Identifier: Apache-2.0
 *
 * What a load has to say: errors that make it no policy, and notices. */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct buffer;

/* One thing to tell the user, in order of place: an error, or a notice that stops nothing. */
struct policy_message {
    char *file;         /* owned; NULL = no file (an option, the environment) */
    struct error error; /* line, column, text */
};
struct policy_messages {
    struct policy_message *items; /* owned */
    size_t count, capacity;
};
void policy_messages_add(struct policy_messages *messages, const char *file, unsigned line,
                         unsigned column, const char *format, ...) PRINTF_LIKE(5, 6);
/* Appends "file:line:column: text\n" for each. */
void policy_messages_write(const struct policy_messages *messages, struct buffer *out);
/* The same for a person, who is to see what each line is. */
void policy_messages_write_as(const struct policy_messages *messages, const char *prefix,
                              struct buffer *out);
#define POLICY_ERROR "error: "
#define POLICY_NOTE "note: "
void policy_messages_free(struct policy_messages *messages);

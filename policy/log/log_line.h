/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of the audit log, read back: the counterpart of log_record.h. */
#ifndef DOCKREEVE_POLICY_LOG_LINE_H
#define DOCKREEVE_POLICY_LOG_LINE_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

/* In the order in which they are written. */
enum log_field {
    LOG_FIELD_TS,
    LOG_FIELD_ID,
    LOG_FIELD_SEQ,
    LOG_FIELD_EVENT,
    LOG_FIELD_KIND,
    LOG_FIELD_CLIENT,
    LOG_FIELD_PEER,
    LOG_FIELD_VIA,
    LOG_FIELD_METHOD,
    LOG_FIELD_PATH,
    LOG_FIELD_OPERATION,
    LOG_FIELD_OBJECT,
    LOG_FIELD_JUDGED, /* joined by commas */
    LOG_FIELD_HOST,
    LOG_FIELD_PORT,
    LOG_FIELD_QUESTION,
    LOG_FIELD_ADDRESS,
    LOG_FIELD_REFUSED_ADDRESSES, /* "10.0.0.1 address-class.private", joined by commas */
    LOG_FIELD_SNI,
    LOG_FIELD_DECISION,
    LOG_FIELD_RULE,
    LOG_FIELD_SOURCE,
    LOG_FIELD_REASON,
    LOG_FIELD_DROPPED_QUERY,
    LOG_FIELD_DROPPED_BODY,
    LOG_FIELD_WOULD_DENY,
    LOG_FIELD_STATUS,
    LOG_FIELD_BYTES_IN,
    LOG_FIELD_BYTES_OUT,
    LOG_FIELD_DURATION_US,
    LOG_FIELD_CLOSE,
    LOG_FIELD_POLICY,
    LOG_FIELD_TEXT,
    LOG_FIELD_COUNT, /* of a `suppressed` event */
    LOG_FIELD_EPOCH, /* sealed logs: policy/seal/log_seal.h */
    LOG_FIELD_CHAIN,
    LOG_FIELD_MAC,
};
enum { LOG_FIELDS = LOG_FIELD_MAC + 1 };

/* The name in the log, "ts" …. */
const char *log_field_name(enum log_field field);

struct log_line {
    struct slice fields[LOG_FIELDS]; /* meant text, unescaped; lists joined by commas; ptr NULL =
                                        absent. Pieces of the text that was read, or of: */
    struct buffer text;              /* owned: what had escapes, and lists */
};

#define LOG_LINE_EMPTY ((struct log_line){0})

/* Reads one line without its line end; fields that are not listed above are passed over, since a
 * newer gate may have written them, and so are values of another kind than the field has (a text, a
 * number, a list). False when it is not a line of the log: not one JSON object, a
 * field twice, or raw bytes that a terminal would obey, which the gate never writes. `line` is used
 * again for the next line. */
MUST_CHECK bool log_line_parse(struct log_line *line, struct slice json);
void log_line_free(struct log_line *line);
#define AUTO_LOG_LINE CLEANUP(log_line_free)

/* Whether the line tells of a refusal: a denied request, one that report mode let pass, or denials
 * that were only counted. */
bool log_line_denied(const struct log_line *line);

/* What was asked for, by one name: "api.example.org:443" (an IPv6 address between brackets), the
 * operation, or the method of a request that is none; empty for other records. Points into the line
 * or into `room`. */
struct slice log_line_what(const struct log_line *line, struct buffer *room);

#endif

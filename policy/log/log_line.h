/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of the audit log, read back: the counterpart of log_record.h. */
#pragma once

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

/* The fields that are read, in the order in which they are written, and what each may be: a text, a
 * number, a list, or any of what is no list. JUDGED, OBJECT_LABELS and REFUSED_ADDRESSES ("10.0.0.1
 * address-class.private") are such lists; COUNT is of a `suppressed` event; EPOCH, CHAIN and MAC are
 * those of a sealed log (policy/seal/log_seal.h). */
#define LOG_FIELD_TABLE(ROW)                                                                       \
    ROW(TS, "ts", TEXT)                                                                            \
    ROW(ID, "id", TEXT)                                                                            \
    ROW(SEQ, "seq", NUMBER)                                                                        \
    ROW(EVENT, "event", TEXT)                                                                      \
    ROW(KIND, "kind", TEXT)                                                                        \
    ROW(CLIENT, "client", TEXT)                                                                    \
    ROW(PEER, "peer", TEXT)                                                                        \
    ROW(VIA, "via", TEXT)                                                                          \
    ROW(METHOD, "method", TEXT)                                                                    \
    ROW(PATH, "path", TEXT)                                                                        \
    ROW(OPERATION, "operation", TEXT)                                                              \
    ROW(OBJECT, "object", TEXT)                                                                    \
    ROW(JUDGED, "judged", LIST)                                                                    \
    ROW(OBJECT_NAME, "object_name", TEXT)                                                          \
    ROW(OBJECT_LABELS, "object_labels", LIST)                                                      \
    ROW(HOST, "host", TEXT)                                                                        \
    ROW(PORT, "port", NUMBER)                                                                      \
    ROW(QUESTION, "question", TEXT)                                                                \
    ROW(ADDRESS, "address", TEXT)                                                                  \
    ROW(REFUSED_ADDRESSES, "refused_addresses", LIST)                                              \
    ROW(SNI, "sni", TEXT)                                                                          \
    ROW(DECISION, "decision", TEXT)                                                                \
    ROW(RULE, "rule", TEXT)                                                                        \
    ROW(SOURCE, "source", TEXT)                                                                    \
    ROW(REASON, "reason", TEXT)                                                                    \
    ROW(DROPPED_QUERY, "dropped_query", LIST)                                                      \
    ROW(DROPPED_FIELDS, "dropped_fields", LIST)                                                    \
    ROW(DROPPED_MORE, "dropped_more", NUMBER)                                                      \
    ROW(DROPPED_BODY, "dropped_body", NUMBER)                                                      \
    ROW(DROPPED_HEADERS, "dropped_headers", LIST)                                                  \
    ROW(WOULD_DENY, "would_deny", TEXT)                                                            \
    ROW(STATUS, "status", NUMBER)                                                                  \
    ROW(BYTES_IN, "bytes_in", NUMBER)                                                              \
    ROW(BYTES_OUT, "bytes_out", NUMBER)                                                            \
    ROW(DURATION_US, "duration_us", NUMBER)                                                        \
    ROW(CLOSE, "close", TEXT)                                                                      \
    ROW(POLICY, "policy", TEXT)                                                                    \
    ROW(TEXT, "text", TEXT)                                                                        \
    ROW(COUNT, "count", NUMBER)                                                                    \
    ROW(EPOCH, "epoch", SCALAR)                                                                    \
    ROW(CHAIN, "chain", SCALAR)                                                                    \
    ROW(MAC, "mac", SCALAR)

#define LOG_FIELD_NAME(field, name, form) LOG_FIELD_##field,
enum log_field { LOG_FIELD_TABLE(LOG_FIELD_NAME) LOG_FIELDS };
#undef LOG_FIELD_NAME

/* The name in the log, "ts" …. */
const char *log_field_name(enum log_field field);

struct log_line {
    struct slice fields[LOG_FIELDS]; /* meant text, unescaped; lists joined by commas; ptr NULL =
                                        absent. Pieces of the text that was read, or of: */
    struct buffer text;              /* owned: what had escapes, and lists */
};

/* The record in a line: what others have put before it is cut off (`docker compose logs` the name of
 * the container, "gate-1  | "; `docker logs -t` a time), and the return that a terminal put behind
 * it. A line without a record stays as it is. */
struct slice log_line_record(struct slice text);

#define LOG_LINE_EMPTY ((struct log_line){0})

/* Reads one line without its line end; fields that are not listed above are passed over, since a
 * newer gate may have written them, and so are values of another kind than the field has (a text, a
 * number, a list). False when it is not a line of the log: not one JSON object, a
 * field twice, or raw bytes that a terminal would obey, which the gate never writes. `line` is used
 * again for the next line; of one that is none it has what stands before the fault. */
MUST_CHECK bool log_line_parse(struct log_line *line, struct slice json);
void log_line_free(struct log_line *line);
#define AUTO_LOG_LINE CLEANUP(log_line_free)

/* How a request ended: refused (denials that were only counted, too), let pass by report mode alone,
 * or allowed. */
enum log_decision { LOG_DENIED, LOG_WOULD_DENY, LOG_ALLOWED };
enum { LOG_DECISIONS = LOG_ALLOWED + 1 };
enum log_decision log_line_decision(const struct log_line *line);

/* "deny", "would-deny", "allow". */
const char *log_decision_name(enum log_decision decision);

/* Whether the line tells of a request of a client, or of several; else the gate speaks of itself:
 * start, stop, policy, lost records, a seal. */
bool log_line_is_request(const struct log_line *line);

/* What was asked for, by one name: "api.example.org:443" (an IPv6 address between brackets), the
 * operation, or the method of a request that is none; empty for other records. Points into the line
 * or into `room`. */
struct slice log_line_what(const struct log_line *line, struct buffer *room);

/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be wrong with a message head, as one closed table: the status that a client gets, the
 * stable code that the log shows, and the code for the same fault in a response of the engine
 * (always 502). The readers name the fault and say in words what they saw; nothing else decides
 * statuses. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum http_fault {
    HTTP_FAULT_START_LINE,
    HTTP_FAULT_LINE_END,
    HTTP_FAULT_CONTROL_BYTE,
    HTTP_FAULT_METHOD,
    HTTP_FAULT_METHOD_UNKNOWN,
    HTTP_FAULT_TARGET,
    HTTP_FAULT_TARGET_TOO_LONG,
    HTTP_FAULT_VERSION,
    HTTP_FAULT_VERSION_UNSUPPORTED,
    HTTP_FAULT_FOLDED_LINE,
    HTTP_FAULT_FIELD_NAME,
    HTTP_FAULT_REPEATED_FIELD,
    HTTP_FAULT_REPEATED_FRAMING,
    HTTP_FAULT_TOO_MANY_FIELDS,
    HTTP_FAULT_HEAD_TOO_LARGE,
    HTTP_FAULT_HOST,
    HTTP_FAULT_CONTENT_LENGTH,
    HTTP_FAULT_FRAMING,
    HTTP_FAULT_TRANSFER_CODING,
    HTTP_FAULT_EXPECT,
    HTTP_FAULT_PARSERS_DISAGREE,
    HTTP_FAULT_TLS,   /* no HTTP at all: proxy/http/foreign_client answers it */
    HTTP_FAULT_SOCKS, /* the same */
    HTTP_FAULT_COUNT,
};

/* Whose bytes are read: it decides status and code of every fault. */
enum http_side { HTTP_SIDE_CLIENT, HTTP_SIDE_UPSTREAM };

/* Fills `error` for `fault` and returns false. The sentence follows error_set(): foreign bytes
 * through error_quote() first. */
bool http_fault_set(struct error *error, enum http_side side, enum http_fault fault,
                    const char *format, ...) PRINTF_LIKE(4, 5);


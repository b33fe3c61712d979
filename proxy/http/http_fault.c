/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of faults. Statuses follow docs/design.md 6 and RFC 9110 section 15; a row for every
 * fault, in the order of the enum. */
#include "proxy/http/http_fault.h"
#include "rules/reason.h"

#include <stdarg.h>
#include <stdio.h>

struct fault_row {
    int status;
    const char *reason;          /* in a request */
    const char *upstream_reason; /* in a response; the status is 502 */
};

static const struct fault_row faults[HTTP_FAULT_COUNT] = {
    [HTTP_FAULT_START_LINE] = {400, REASON_MALFORMED_REQUEST_LINE, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_LINE_END] = {400, REASON_MALFORMED_LINE_END, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_CONTROL_BYTE] = {400, REASON_MALFORMED_CONTROL_BYTE, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_METHOD] = {400, REASON_MALFORMED_METHOD, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_METHOD_UNKNOWN] = {405, REASON_UNKNOWN_METHOD, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_TARGET] = {400, REASON_MALFORMED_TARGET, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_TARGET_TOO_LONG] = {414, REASON_LIMIT_TARGET_TOO_LONG, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_VERSION] = {400, REASON_MALFORMED_VERSION, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_VERSION_UNSUPPORTED] = {505, REASON_MALFORMED_VERSION, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_FOLDED_LINE] = {400, REASON_MALFORMED_FOLDED_LINE, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_FIELD_NAME] = {400, REASON_MALFORMED_FIELD_NAME, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_REPEATED_FIELD] = {400, REASON_MALFORMED_REPEATED_FIELD, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_REPEATED_FRAMING] = {400, REASON_MALFORMED_REPEATED_FIELD, REASON_UPSTREAM_FRAMING},
    [HTTP_FAULT_TOO_MANY_FIELDS] = {431, REASON_LIMIT_TOO_MANY_FIELDS,
                                    REASON_UPSTREAM_HEAD_TOO_LARGE},
    [HTTP_FAULT_HEAD_TOO_LARGE] = {431, REASON_LIMIT_HEAD_TOO_LARGE,
                                   REASON_UPSTREAM_HEAD_TOO_LARGE},
    [HTTP_FAULT_HOST] = {400, REASON_MALFORMED_HOST, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_CONTENT_LENGTH] = {400, REASON_MALFORMED_CONTENT_LENGTH, REASON_UPSTREAM_FRAMING},
    [HTTP_FAULT_FRAMING] = {400, REASON_MALFORMED_FRAMING, REASON_UPSTREAM_FRAMING},
    [HTTP_FAULT_TRANSFER_CODING] = {501, REASON_MALFORMED_TRANSFER_ENCODING,
                                    REASON_UPSTREAM_FRAMING},
    [HTTP_FAULT_EXPECT] = {417, REASON_MALFORMED_EXPECT, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_PARSERS_DISAGREE] = {400, REASON_MALFORMED_PARSERS_DISAGREE,
                                     REASON_UPSTREAM_PARSERS_DISAGREE},
    [HTTP_FAULT_TLS] = {400, REASON_MALFORMED_TLS, REASON_UPSTREAM_MALFORMED},
    [HTTP_FAULT_SOCKS] = {400, REASON_MALFORMED_SOCKS, REASON_UPSTREAM_MALFORMED},
};

bool http_fault_set(struct error *error, enum http_side side, enum http_fault fault,
                    const char *format, ...)
{
    const struct fault_row *row = &faults[fault];
    bool upstream = side == HTTP_SIDE_UPSTREAM;
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return error_set_reason(error, upstream ? 502 : row->status,
                            upstream ? row->upstream_reason : row->reason, "%s", sentence);
}

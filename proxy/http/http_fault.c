/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of faults. Statuses follow docs/design.md 6 and RFC 9110 section 15; a row for every
 * fault, in the order of the enum. */
#include "proxy/http/http_fault.h"

#include <stdarg.h>
#include <stdio.h>

struct fault_row {
    int status;
    const char *reason;          /* in a request */
    const char *upstream_reason; /* in a response; the status is 502 */
};

static const struct fault_row faults[HTTP_FAULT_COUNT] = {
    [HTTP_FAULT_START_LINE] = {400, "malformed.request-line", "upstream.malformed"},
    [HTTP_FAULT_LINE_END] = {400, "malformed.line-end", "upstream.malformed"},
    [HTTP_FAULT_CONTROL_BYTE] = {400, "malformed.control-byte", "upstream.malformed"},
    [HTTP_FAULT_METHOD] = {400, "malformed.method", "upstream.malformed"},
    [HTTP_FAULT_METHOD_UNKNOWN] = {405, "unknown.method", "upstream.malformed"},
    [HTTP_FAULT_TARGET] = {400, "malformed.target", "upstream.malformed"},
    [HTTP_FAULT_TARGET_TOO_LONG] = {414, "limit.target-too-long", "upstream.malformed"},
    [HTTP_FAULT_VERSION] = {400, "malformed.version", "upstream.malformed"},
    [HTTP_FAULT_VERSION_UNSUPPORTED] = {505, "malformed.version", "upstream.malformed"},
    [HTTP_FAULT_FOLDED_LINE] = {400, "malformed.folded-line", "upstream.malformed"},
    [HTTP_FAULT_FIELD_NAME] = {400, "malformed.field-name", "upstream.malformed"},
    [HTTP_FAULT_REPEATED_FIELD] = {400, "malformed.repeated-field", "upstream.malformed"},
    [HTTP_FAULT_REPEATED_FRAMING] = {400, "malformed.repeated-field", "upstream.framing"},
    [HTTP_FAULT_TOO_MANY_FIELDS] = {431, "limit.too-many-fields", "upstream.head-too-large"},
    [HTTP_FAULT_HEAD_TOO_LARGE] = {431, "limit.head-too-large", "upstream.head-too-large"},
    [HTTP_FAULT_HOST] = {400, "malformed.host", "upstream.malformed"},
    [HTTP_FAULT_CONTENT_LENGTH] = {400, "malformed.content-length", "upstream.framing"},
    [HTTP_FAULT_FRAMING] = {400, "malformed.framing", "upstream.framing"},
    [HTTP_FAULT_TRANSFER_CODING] = {501, "malformed.transfer-encoding", "upstream.framing"},
    [HTTP_FAULT_EXPECT] = {417, "malformed.expect", "upstream.malformed"},
    [HTTP_FAULT_PARSERS_DISAGREE] = {400, "malformed.parsers-disagree",
                                     "upstream.parsers-disagree"},
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
                            upstream ? row->upstream_reason : row->reason, "%s%s",
                            upstream ? "the engine's response cannot be trusted: " : "", sentence);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: a line is read alike by the quick way and by the long way, which a space in front of it
 * forces. */
#include "policy/log/log_line.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_LOG_LINE struct log_line quick = LOG_LINE_EMPTY, slow = LOG_LINE_EMPTY;
    AUTO_BUFFER struct buffer spaced = BUFFER_EMPTY;
    struct slice text = slice_of((const char *)data, size);
    buffer_append_byte(&spaced, ' ');
    buffer_append_slice(&spaced, text);
    bool taken = log_line_parse(&quick, text);
    require(log_line_parse(&slow, buffer_slice(&spaced)) == taken);
    if (!taken)
        return 0;
    for (size_t i = 0; i < LOG_FIELDS; i++)
        require(slice_equal(quick.fields[i], slow.fields[i]) &&
                (quick.fields[i].ptr == NULL) == (slow.fields[i].ptr == NULL));
    return 0;
}

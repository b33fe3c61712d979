/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling of struct error, and the quoting that makes foreign bytes safe to show. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

PRINTF_LIKE(2, 0)
static void fill(struct error *error, const char *format, va_list arguments)
{
    error->status = error->exit_code = error->system_error = 0;
    error->line = error->column = 0;
    error->reason = NULL;
    vsnprintf(error->text, sizeof(error->text), format, arguments);
}

bool error_set(struct error *error, int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, format, arguments);
    va_end(arguments);
    error->exit_code = exit_code;
    return false;
}

bool error_set_system(struct error *error, int system_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, format, arguments);
    va_end(arguments);
    error->system_error = system_error;
    return false;
}

bool error_set_reason(struct error *error, int status, const char *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, format, arguments);
    va_end(arguments);
    error->status = status;
    error->reason = reason;
    return false;
}

char *error_quote(struct slice bytes, char *quoted, size_t size)
{
    const size_t reserve = sizeof("...`"); /* what must still fit when the text is cut */
    size_t used = 0;
    if (size <= reserve + 1) {
        if (size > 0)
            quoted[0] = '\0';
        return quoted;
    }
    quoted[used++] = '`';
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        if (used + (plain ? 1 : 4) + reserve > size) {
            memcpy(quoted + used, "...", 3);
            used += 3;
            break;
        }
        if (plain) {
            quoted[used++] = (char)byte;
        } else {
            quoted[used++] = '\\';
            quoted[used++] = 'x';
            quoted[used++] = HEX_DIGITS[byte >> 4];
            quoted[used++] = HEX_DIGITS[byte & 15];
        }
    }
    quoted[used++] = '`';
    quoted[used] = '\0';
    return quoted;
}

struct quoted quote(struct slice bytes)
{
    struct quoted quoted;
    error_quote(bytes, quoted.text, sizeof(quoted.text));
    return quoted;
}

struct quoted quote_text(const char *text)
{
    return quote(slice_from_text(text));
}

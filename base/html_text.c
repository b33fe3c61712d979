/* SPDX-License-Identifier: Apache-2.0
 *
 * Escaping of HTML (https://html.spec.whatwg.org/#escapingString), and filling of templates. */
#include "base/html_text.h"

#include <string.h>

#include "base/terminal_text.h"

/* Bytes that terminal_text_append() lets through and that mean something in HTML. */
static void escape(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buffer_append_literal(out, "&amp;");
            break;
        case '<':
            buffer_append_literal(out, "&lt;");
            break;
        case '>':
            buffer_append_literal(out, "&gt;");
            break;
        case '"':
            buffer_append_literal(out, "&quot;");
            break;
        case '\'':
            buffer_append_literal(out, "&#39;");
            break;
        default:
            buffer_append_byte(out, text.ptr[i]);
        }
    }
}

void html_text_append(struct buffer *out, struct slice text)
{
    AUTO_BUFFER struct buffer seen = BUFFER_EMPTY;
    terminal_text_append(&seen, text);
    if (seen.failed)
        out->failed = true;
    escape(out, buffer_slice(&seen));
}

void html_text_append_cut(struct buffer *out, struct slice text, size_t most)
{
    if (text.len <= most) {
        html_text_append(out, text);
        return;
    }
    size_t len = most;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--; /* not inside a character */
    html_text_append(out, slice_of(text.ptr, len));
    buffer_append_literal(out, "<span class=\"more\">… and ");
    html_text_append_number(out, text.len - len);
    buffer_append_literal(out, " bytes</span>");
}

void html_text_append_number(struct buffer *out, uint64_t number)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buffer_append_byte(out, ',');
        buffer_append_byte(out, digits[i]);
    }
}

void html_text_append_bytes(struct buffer *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    uint64_t tenths = 0;
    while (bytes >= 1000 && unit + 1 < ARRAY_LEN(units)) {
        tenths = bytes / 100 % 10;
        bytes /= 1000;
        unit++;
    }
    if (unit > 0 && bytes < 10)
        buffer_printf(out, "%llu.%llu\xc2\xa0%s", (unsigned long long)bytes,
                      (unsigned long long)tenths, units[unit]);
    else
        buffer_printf(out, "%llu\xc2\xa0%s", (unsigned long long)bytes, units[unit]);
}

static bool find_name(const char *const *names, unsigned count, struct slice name,
                      unsigned *index_out)
{
    for (*index_out = 0; *index_out < count; ++*index_out) {
        if (slice_equal_text(name, names[*index_out]))
            return true;
    }
    return false;
}

bool html_template_append(struct buffer *out, const char *text, const char *const *names,
                          unsigned count, html_slot_write *write, void *context)
{
    for (;;) {
        const char *begin = strstr(text, "{{");
        if (begin == NULL)
            break;
        const char *end = strstr(begin, "}}");
        unsigned index;
        if (end == NULL ||
            !find_name(names, count, slice_of(begin + 2, (size_t)(end - begin - 2)), &index))
            return false;
        buffer_append(out, text, (size_t)(begin - text));
        write(context, index, out);
        text = end + 2;
    }
    buffer_append_text(out, text);
    return true;
}

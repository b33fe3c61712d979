/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter between foreign text and a terminal. */
#include "base/terminal_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"

/* Code points that a reader cannot see or that move what stands beside them. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x80, 0x9f},     /* C1 controls */
    {0xad, 0xad},     /* soft hyphen */
    {0x61c, 0x61c},   /* Arabic letter mark */
    {0x180e, 0x180e}, /* Mongolian vowel separator */
    {0x200b, 0x200f}, /* zero width, direction marks */
    {0x2028, 0x202e}, /* line and paragraph separators, embeddings, overrides */
    {0x2060, 0x206f}, /* word joiner, isolates */
    {0xfeff, 0xfeff}, /* byte order mark */
    {0xfff9, 0xfffb}, /* interlinear annotation */
    {0xe0000, 0xe0fff} /* tags */,
};

/* Length of the UTF-8 sequence at bytes[0..len) and its code point; 0 when there is none. */
static size_t decode(const unsigned char *bytes, size_t len, uint32_t *code_out)
{
    size_t count = bytes[0] < 0x80 ? 1 : utf8_sequence_len(bytes, len);
    uint32_t code = count == 1 ? bytes[0] : bytes[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++)
        code = code << 6 | (bytes[i] & 0x3f);
    *code_out = code;
    return count;
}

static bool is_shown(uint32_t code)
{
    if (code < 0x20 || code == 0x7f)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (code >= hidden[i].first && code <= hidden[i].last)
            return false;
    }
    return true;
}

/* How many bytes the text has before the first that is not printable ASCII: of nearly all texts,
 * all.
 */
static size_t count_plain(struct slice text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] >= 0x20 && text.ptr[at] < 0x7f)
        at++;
    return at;
}

void terminal_text_append(struct buffer *out, struct slice text)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    while (at < text.len) {
        size_t plain = count_plain(slice_of(text.ptr + at, text.len - at));
        buffer_append(out, text.ptr + at, plain);
        at += plain;
        if (at == text.len)
            return;
        const unsigned char *bytes = (const unsigned char *)text.ptr + at;
        uint32_t code = 0;
        size_t count = decode(bytes, text.len - at, &code);
        if (count > 0 && is_shown(code)) {
            buffer_append(out, text.ptr + at, count);
            at += count;
            continue;
        }
        for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
            const char escape[] = {'\\', 'x', hex[bytes[i] >> 4], hex[bytes[i] & 15]};
            buffer_append(out, escape, sizeof(escape));
        }
        at += count > 0 ? count : 1;
    }
}

size_t terminal_text_columns(struct slice safe)
{
    size_t columns = 0;
    for (size_t i = 0; i < safe.len; i++)
        columns += ((unsigned char)safe.ptr[i] & 0xc0) != 0x80;
    return columns;
}

bool terminal_text_in_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(fileno(out)) && (no_colour == NULL || no_colour[0] == '\0');
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter between foreign text and a terminal. */
#include "base/terminal_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/hidden_character.h"
#include "base/utf8.h"

static bool is_shown(uint32_t point)
{
    bool is_control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
    return !is_control && hidden_character_kind(point) == HIDDEN_CHARACTER_NONE;
}

/* How many bytes the text has before the first that is not printable ASCII: of nearly all texts,
 * all. */
static size_t count_plain(struct slice text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] >= 0x20 && text.ptr[at] < 0x7f)
        at++;
    return at;
}

void terminal_text_append(struct buffer *out, struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t plain = count_plain(slice_of(text.ptr + at, text.len - at));
        buffer_append(out, text.ptr + at, plain);
        at += plain;
        if (at == text.len)
            return;
        const unsigned char *bytes = (const unsigned char *)text.ptr + at;
        uint32_t point;
        size_t count = utf8_decode(text.ptr + at, text.len - at, &point);
        if (count > 0 && is_shown(point)) {
            buffer_append(out, text.ptr + at, count);
            at += count;
            continue;
        }
        for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
            const char escape[] = {'\\', 'x', HEX_DIGITS[bytes[i] >> 4], HEX_DIGITS[bytes[i] & 15]};
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
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && (no_colour == NULL || no_colour[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

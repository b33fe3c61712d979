/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables follow Unicode 15: line breaks of YAML 1.1 that are no ASCII; Bidi_Control;
 * Default_Ignorable_Code_Point without variation selectors, which come with emoji, and the blanks
 * of category Zs other than the space. */
#include "base/hidden_character.h"

#include "base/attributes.h"
#include "base/utf8.h"

static const struct {
    uint32_t first, last;
    enum hidden_character_kind kind;
} rows[] = {
    {0x0085, 0x0085, HIDDEN_CHARACTER_BREAK},       {0x00a0, 0x00a0, HIDDEN_CHARACTER_INVISIBLE},
    {0x00ad, 0x00ad, HIDDEN_CHARACTER_INVISIBLE},   {0x034f, 0x034f, HIDDEN_CHARACTER_INVISIBLE},
    {0x061c, 0x061c, HIDDEN_CHARACTER_DIRECTION},   {0x115f, 0x1160, HIDDEN_CHARACTER_INVISIBLE},
    {0x1680, 0x1680, HIDDEN_CHARACTER_INVISIBLE},   {0x17b4, 0x17b5, HIDDEN_CHARACTER_INVISIBLE},
    {0x180b, 0x180f, HIDDEN_CHARACTER_INVISIBLE},   {0x2000, 0x200d, HIDDEN_CHARACTER_INVISIBLE},
    {0x200e, 0x200f, HIDDEN_CHARACTER_DIRECTION},   {0x2028, 0x2029, HIDDEN_CHARACTER_BREAK},
    {0x202a, 0x202e, HIDDEN_CHARACTER_DIRECTION},   {0x202f, 0x202f, HIDDEN_CHARACTER_INVISIBLE},
    {0x205f, 0x2065, HIDDEN_CHARACTER_INVISIBLE},   {0x2066, 0x2069, HIDDEN_CHARACTER_DIRECTION},
    {0x206a, 0x206f, HIDDEN_CHARACTER_INVISIBLE},   {0x2800, 0x2800, HIDDEN_CHARACTER_INVISIBLE},
    {0x3000, 0x3000, HIDDEN_CHARACTER_INVISIBLE},   {0x3164, 0x3164, HIDDEN_CHARACTER_INVISIBLE},
    {0xfeff, 0xfeff, HIDDEN_CHARACTER_INVISIBLE},   {0xffa0, 0xffa0, HIDDEN_CHARACTER_INVISIBLE},
    {0xfff0, 0xfffb, HIDDEN_CHARACTER_INVISIBLE},   {0x1bca0, 0x1bca3, HIDDEN_CHARACTER_INVISIBLE},
    {0x1d173, 0x1d17a, HIDDEN_CHARACTER_INVISIBLE}, {0xe0000, 0xe0fff, HIDDEN_CHARACTER_INVISIBLE},
};

enum hidden_character_kind hidden_character_kind(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (point >= rows[i].first && point <= rows[i].last)
            return rows[i].kind;
    }
    return HIDDEN_CHARACTER_NONE;
}

void hidden_character_begin(struct hidden_character_search *search, const char *bytes, size_t len)
{
    *search = (struct hidden_character_search){bytes, bytes + len, 1, 0};
}

bool hidden_character_next(struct hidden_character_search *search, struct hidden_character *out)
{
    while (search->at < search->end) {
        const char *at = search->at;
        size_t left = (size_t)(search->end - at);
        uint32_t point;
        size_t len = utf8_decode(at, left, &point);
        search->at += len == 0 ? 1 : len;
        search->column++;
        enum hidden_character_kind kind = HIDDEN_CHARACTER_NONE;
        if (*at == '\n') {
            search->line++;
            search->column = 0;
        } else if (*at == '\r' && (left == 1 || at[1] != '\n')) {
            kind = HIDDEN_CHARACTER_BREAK;
        } else if (len > 1) {
            kind = hidden_character_kind(point);
        }
        if (kind != HIDDEN_CHARACTER_NONE) {
            *out = (struct hidden_character){kind, point, search->line, search->column};
            return true;
        }
    }
    return false;
}

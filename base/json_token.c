/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON tokenizer: RFC 8259 as a small automaton over borrowed text. It copies nothing and
 * allocates nothing; the nesting is a word of bits. */
#include "base/json_token.h"

#include "base/ascii_run.h"
#include "base/utf8.h"

enum reader_state {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* behind '[' */
    EXPECT_KEY_OR_END,   /* behind '{' */
    EXPECT_MORE_OR_END,  /* behind a value */
    READER_BAD,
};

void json_reader_init(struct json_reader *reader, struct slice input)
{
    *reader = (struct json_reader){.input = input, .state = EXPECT_VALUE};
}

static struct json_token bad(struct json_reader *reader)
{
    reader->state = READER_BAD;
    return (struct json_token){.kind = JSON_BAD};
}

static bool at_end(const struct json_reader *reader)
{
    return reader->offset >= reader->input.len;
}

static char peek(const struct json_reader *reader)
{
    return reader->input.ptr[reader->offset];
}

static void skip_space(struct json_reader *reader)
{
    while (!at_end(reader) && (unsigned char)peek(reader) <= ' ' &&
           (peek(reader) == ' ' || peek(reader) == '\n' || peek(reader) == '\t' ||
            peek(reader) == '\r'))
        reader->offset++;
}

/* Reads "\uXXXX" at text[at]; -1 when it is none. */
static int32_t read_unit(struct slice text, size_t at)
{
    if (text.len < at + 6 || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = slice_hex_digit(text.ptr[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Reads the escape at text[*at] and steps behind it: the code point, -1 when it is none or half a
 * surrogate pair. */
static int32_t read_escape(struct slice text, size_t *at)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (text.len < *at + 2)
        return -1;
    char letter = text.ptr[*at + 1];
    if (letter != 'u') {
        const char *found = letter == '\0' ? NULL : strchr(letters, letter);
        *at += 2;
        return found == NULL ? -1 : meanings[found - letters];
    }
    int32_t unit = read_unit(text, *at);
    *at += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    int32_t low = unit < 0xdc00 ? read_unit(text, *at) : -1;
    *at += 6;
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00);
}

/* Reads a string from its opening quote on. False when it is malformed or not closed. */
static bool read_string(struct json_reader *reader, struct json_token *token)
{
    struct slice input = reader->input;
    size_t start = ++reader->offset, at = start;
    token->has_escapes = false;
    while ((at += ascii_run_plain(input.ptr + at, input.len - at)) < input.len) {
        unsigned char byte = (unsigned char)input.ptr[at];
        if (byte == '"') {
            token->text = slice_of(input.ptr + start, at - start);
            reader->offset = at + 1;
            return true;
        }
        if (byte == '\\') {
            token->has_escapes = true;
            if (read_escape(input, &at) < 0)
                return false;
        } else if (byte < 0x20) {
            return false;
        } else if (byte < 0x80) {
            at++;
        } else {
            size_t len = utf8_sequence_len((const unsigned char *)input.ptr + at, input.len - at);
            if (len == 0)
                return false;
            at += len;
        }
    }
    return false;
}

static size_t read_digits(struct slice input, size_t at)
{
    while (at < input.len && input.ptr[at] >= '0' && input.ptr[at] <= '9')
        at++;
    return at;
}

static bool is_at(struct slice input, size_t at, char byte)
{
    return at < input.len && input.ptr[at] == byte;
}

/* [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ ("e"/"E") [ "+"/"-" ] 1*digit ] */
static bool read_number(struct json_reader *reader, struct json_token *token)
{
    struct slice input = reader->input;
    size_t start = reader->offset, at = start;
    if (is_at(input, at, '-'))
        at++;
    size_t whole = at;
    at = read_digits(input, at);
    if (at == whole || (at - whole > 1 && input.ptr[whole] == '0'))
        return false;
    if (is_at(input, at, '.')) {
        size_t digits = at + 1;
        at = read_digits(input, digits);
        if (at == digits)
            return false;
    }
    if (is_at(input, at, 'e') || is_at(input, at, 'E')) {
        at += is_at(input, at + 1, '+') || is_at(input, at + 1, '-') ? 2 : 1;
        size_t digits = at;
        at = read_digits(input, digits);
        if (at == digits)
            return false;
    }
    token->text = slice_of(input.ptr + start, at - start);
    reader->offset = at;
    return true;
}

static bool read_word(struct json_reader *reader, const char *word)
{
    struct slice expected = slice_from_text(word);
    struct slice rest =
        slice_of(reader->input.ptr + reader->offset, reader->input.len - reader->offset);
    if (!slice_starts_with(rest, expected))
        return false;
    reader->offset += expected.len;
    return true;
}

static struct json_token open_container(struct json_reader *reader, bool array)
{
    if (reader->depth == JSON_DEPTH_MAX)
        return bad(reader);
    uint64_t bit = UINT64_C(1) << reader->depth;
    reader->arrays = array ? reader->arrays | bit : reader->arrays & ~bit;
    reader->depth++;
    reader->offset++;
    reader->state = array ? EXPECT_VALUE_OR_END : EXPECT_KEY_OR_END;
    return (struct json_token){.kind = array ? JSON_ARRAY_BEGIN : JSON_OBJECT_BEGIN};
}

static bool in_array(const struct json_reader *reader)
{
    return (reader->arrays >> (reader->depth - 1) & 1) != 0;
}

static struct json_token close_container(struct json_reader *reader)
{
    enum json_token_kind kind = in_array(reader) ? JSON_ARRAY_END : JSON_OBJECT_END;
    reader->depth--;
    reader->offset++;
    reader->state = EXPECT_MORE_OR_END;
    return (struct json_token){.kind = kind};
}

static struct json_token read_value(struct json_reader *reader)
{
    if (at_end(reader))
        return bad(reader);
    struct json_token token = {.kind = JSON_BAD};
    bool good = false;
    switch (peek(reader)) {
    case '{':
        return open_container(reader, false);
    case '[':
        return open_container(reader, true);
    case '"':
        token.kind = JSON_STRING;
        good = read_string(reader, &token);
        break;
    case 't':
        token.kind = JSON_TRUE;
        good = read_word(reader, "true");
        break;
    case 'f':
        token.kind = JSON_FALSE;
        good = read_word(reader, "false");
        break;
    case 'n':
        token.kind = JSON_NULL;
        good = read_word(reader, "null");
        break;
    default:
        token.kind = JSON_NUMBER;
        good = read_number(reader, &token);
        break;
    }
    if (!good)
        return bad(reader);
    reader->state = EXPECT_MORE_OR_END;
    return token;
}

static struct json_token read_key(struct json_reader *reader)
{
    struct json_token token = {.kind = JSON_KEY};
    if (at_end(reader) || peek(reader) != '"' || !read_string(reader, &token))
        return bad(reader);
    skip_space(reader);
    if (at_end(reader) || peek(reader) != ':')
        return bad(reader);
    reader->offset++;
    reader->state = EXPECT_VALUE;
    return token;
}

/* Behind a value: a comma and what follows it, the end of the container, or the end of the text. */
static struct json_token read_more(struct json_reader *reader)
{
    if (reader->depth == 0)
        return at_end(reader) ? (struct json_token){.kind = JSON_END} : bad(reader);
    if (at_end(reader))
        return bad(reader);
    bool array = in_array(reader);
    if (peek(reader) == (array ? ']' : '}'))
        return close_container(reader);
    if (peek(reader) != ',')
        return bad(reader);
    reader->offset++;
    skip_space(reader);
    return array ? read_value(reader) : read_key(reader);
}

struct json_token json_next(struct json_reader *reader)
{
    skip_space(reader);
    switch ((enum reader_state)reader->state) {
    case EXPECT_VALUE:
        return read_value(reader);
    case EXPECT_VALUE_OR_END:
        if (!at_end(reader) && peek(reader) == ']')
            return close_container(reader);
        return read_value(reader);
    case EXPECT_KEY_OR_END:
        if (!at_end(reader) && peek(reader) == '}')
            return close_container(reader);
        return read_key(reader);
    case EXPECT_MORE_OR_END:
        return read_more(reader);
    case READER_BAD:
        break;
    }
    return bad(reader);
}

bool json_skip(struct json_reader *reader, struct json_token first)
{
    switch (first.kind) {
    case JSON_STRING:
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return true;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        break;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_END:
    case JSON_BAD:
        return false;
    }
    unsigned outside = reader->depth - 1;
    while (reader->depth > outside) {
        if (json_next(reader).kind == JSON_BAD)
            return false;
    }
    return true;
}

/* Takes the next run of plain bytes or the next escape off a string's text, as UTF-8: a borrowed
 * slice, `room` for an escape. */
static struct slice next_piece(struct slice text, size_t *at, char room[4])
{
    if (text.ptr[*at] != '\\') {
        const char *found = memchr(text.ptr + *at, '\\', text.len - *at);
        size_t end = found == NULL ? text.len : (size_t)(found - text.ptr);
        struct slice plain = slice_of(text.ptr + *at, end - *at);
        *at = end;
        return plain;
    }
    int32_t code = read_escape(text, at);
    if (code < 0x80) {
        room[0] = (char)code;
        return slice_of(room, 1);
    }
    if (code < 0x800) {
        room[0] = (char)(0xc0 | code >> 6);
        room[1] = (char)(0x80 | (code & 0x3f));
        return slice_of(room, 2);
    }
    if (code < 0x10000) {
        room[0] = (char)(0xe0 | code >> 12);
        room[1] = (char)(0x80 | (code >> 6 & 0x3f));
        room[2] = (char)(0x80 | (code & 0x3f));
        return slice_of(room, 3);
    }
    room[0] = (char)(0xf0 | code >> 18);
    room[1] = (char)(0x80 | (code >> 12 & 0x3f));
    room[2] = (char)(0x80 | (code >> 6 & 0x3f));
    room[3] = (char)(0x80 | (code & 0x3f));
    return slice_of(room, 4);
}

void json_unescape(struct json_token token, struct buffer *out)
{
    char room[4];
    for (size_t at = 0; at < token.text.len;)
        buffer_append_slice(out, next_piece(token.text, &at, room));
}

bool json_token_equal(struct json_token token, struct slice text)
{
    if (!token.has_escapes)
        return slice_equal(token.text, text);
    char room[4];
    size_t matched = 0;
    for (size_t at = 0; at < token.text.len;) {
        struct slice piece = next_piece(token.text, &at, room);
        struct slice rest = slice_of(text.ptr + matched, text.len - matched);
        if (!slice_starts_with(rest, piece))
            return false;
        matched += piece.len;
    }
    return matched == text.len;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: the tokens of an accepted text, written again without spaces and with every string
 * unescaped and escaped anew, read back as the same tokens with the same meaning. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json_token.h"
#include "base/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void write_token(struct json_token token, struct buffer *out)
{
    static const char *const plain[] = {
        [JSON_OBJECT_BEGIN] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[",
        [JSON_ARRAY_END] = "]",    [JSON_TRUE] = "true",    [JSON_FALSE] = "false",
        [JSON_NULL] = "null",      [JSON_END] = "",
    };
    if (token.kind == JSON_STRING || token.kind == JSON_KEY) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        json_unescape(token, &text);
        require(json_token_equal(token, buffer_slice(&text)));
        json_write_string(out, buffer_slice(&text));
        if (token.kind == JSON_KEY)
            buffer_append_byte(out, ':');
    } else if (token.kind == JSON_NUMBER) {
        buffer_append_slice(out, token.text);
    } else {
        buffer_append_text(out, plain[token.kind]);
    }
}

/* Writes all tokens of `text` with commas where they belong. False when it is not JSON. */
static bool rewrite(struct slice text, struct buffer *out)
{
    struct json_reader reader;
    json_reader_init(&reader, text);
    for (;;) {
        struct json_token token = json_next(&reader);
        if (token.kind == JSON_BAD) {
            require(json_next(&reader).kind == JSON_BAD);
            return false;
        }
        char last = out->len == 0 ? '[' : out->data[out->len - 1];
        bool closes = token.kind == JSON_OBJECT_END || token.kind == JSON_ARRAY_END;
        if (!closes && token.kind != JSON_END && last != '[' && last != '{' && last != ':')
            buffer_append_byte(out, ',');
        write_token(token, out);
        if (token.kind == JSON_END)
            return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    AUTO_BUFFER struct buffer first = BUFFER_EMPTY, second = BUFFER_EMPTY;
    if (!rewrite(text, &first))
        return 0;
    require(rewrite(buffer_slice(&first), &second));
    require(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    return 0;
}

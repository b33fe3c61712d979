/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: text in a page holds no byte that could begin or end markup, a quoted attribute or a
 * line; read back, it is the text as a terminal would show it; and of a cut text the beginning. */
#include <string.h>

#include "base/terminal_text.h"
#include "base/html_text.h"
#include "tests/fuzz/fuzz.h"

/* What a browser makes of it. Only the five references that are written may stand there. */
static void read_back(struct slice html, struct buffer *out)
{
    static const struct {
        struct slice reference;
        char byte;
    } references[] = {{SLICE_LITERAL("&amp;"), '&'},
                      {SLICE_LITERAL("&lt;"), '<'},
                      {SLICE_LITERAL("&gt;"), '>'},
                      {SLICE_LITERAL("&quot;"), '"'},
                      {SLICE_LITERAL("&#39;"), '\''}};
    while (html.len > 0) {
        size_t used = 1, i = 0;
        unsigned char byte = (unsigned char)html.ptr[0];
        require(byte >= 0x20 && byte != 0x7f && strchr("<>\"'", byte) == NULL);
        while (byte == '&' && !slice_starts_with(html, references[i].reference))
            require(++i < sizeof(references) / sizeof(references[0]));
        if (byte == '&')
            used = references[i].reference.len;
        buffer_append_byte(out, byte == '&' ? references[i].byte : (char)byte);
        html = slice_of(html.ptr + used, html.len - used);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUFFER struct buffer html = BUFFER_EMPTY, read = BUFFER_EMPTY, shown = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer cut = BUFFER_EMPTY;
    struct slice text = slice_of((const char *)data, size);
    html_text_append(&html, text);
    terminal_text_append(&shown, text);
    read_back(buffer_slice(&html), &read);
    require(slice_equal(buffer_slice(&read), buffer_slice(&shown)));

    size_t most = size > 0 ? data[0] % 32u : 0;
    html_text_append_cut(&cut, text, most);
    const char *mark = strstr(buffer_text(&cut), "<span class=\"more\">");
    require((mark != NULL) == (size > most));
    if (mark != NULL) {
        buffer_clear(&read);
        read_back(slice_of(cut.data, (size_t)(mark - cut.data)), &read);
        /* A sequence that is no character may be spelled differently at the cut. */
        require(read.len <= 4 * most);
    }
    return 0;
}

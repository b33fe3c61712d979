/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml says what it expected; who writes `*.example.com` for the first time wants to know about
 * quotes. So the byte where it stopped is looked at, and the text that begins there is shown as it has
 * to be written. */
#include "policy/document/yaml_syntax.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* From the mark to the end of its line. Marks count characters; all before one that matters is found by
 * its offset. */
static struct slice line_from(struct slice text, yaml_mark_t mark)
{
    if (mark.index >= text.len)
        return (struct slice){NULL, 0};
    struct slice rest = slice_of(text.ptr + mark.index, text.len - mark.index);
    struct slice line = slice_cut(&rest, '\n');
    return line.len > 0 && line.ptr[line.len - 1] == '\r' ? slice_of(line.ptr, line.len - 1) : line;
}

/* The offset of a mark in bytes: libyaml's own counts characters. */
static yaml_mark_t in_bytes(struct slice text, yaml_mark_t mark)
{
    size_t at = 0;
    for (size_t line = 0; at < text.len && line < mark.line; at++)
        line += text.ptr[at] == '\n';
    for (size_t column = 0; at < text.len && column < mark.column; column++) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
            at++;
    }
    mark.index = at;
    return mark;
}

/* A word that was meant as text: to a blank, or to what ends an item of a list in one line. */
static struct slice word_at(struct slice line)
{
    size_t len = 0;
    while (len < line.len && strchr(" \t,]}\"", line.ptr[len]) == NULL && line.ptr[len] != '\0')
        len++;
    return slice_of(line.ptr, len);
}

static void write_sign(struct slice line, struct buffer *out)
{
    struct slice word = word_at(line);
    buffer_printf(out, "a text may not begin with `%c` unless it is in quotes", line.ptr[0]);
    if (word.len > 1 && word.len < 70) {
        const struct quoted quoted = quote(word);
        size_t len = strlen(quoted.text);
        buffer_printf(out, ": write \"%.*s\"", (int)len - 2, quoted.text + 1);
    }
}

/* Between double quotes a backslash begins an escape; between single ones nothing does. */
static void write_escape(struct slice line, struct buffer *out)
{
    struct slice rest = slice_of(line.ptr + 1, line.len - 1), inner = slice_cut(&rest, '"');
    buffer_append_literal(out,
                          "a backslash in double quotes begins an escape, and this is none: put "
                          "the text in single quotes");
    if (rest.ptr != NULL && inner.len > 0 && inner.len < 100 &&
        memchr(inner.ptr, '\'', inner.len) == NULL) {
        buffer_append_literal(out, ", '");
        for (size_t i = 0; i < inner.len; i++)
            buffer_append_byte(out,
                               inner.ptr[i] >= 0x20 && inner.ptr[i] <= 0x7e ? inner.ptr[i] : '?');
        buffer_append_byte(out, '\'');
    }
}

/* Whether all that stands before the mark in its line is white space, a TAB among it. */
static bool is_behind_tab(struct slice text, yaml_mark_t mark)
{
    bool tab = false;
    for (size_t at = mark.index; at > 0 && text.ptr[at - 1] != '\n'; at--) {
        if (text.ptr[at - 1] != ' ' && text.ptr[at - 1] != '\t')
            return false;
        tab |= text.ptr[at - 1] == '\t';
    }
    return tab;
}

static bool says(const char *problem, const char *words)
{
    return problem != NULL && strstr(problem, words) != NULL;
}

void yaml_syntax_explain(const yaml_parser_t *parser, struct slice text, yaml_mark_t *mark_out,
                         struct buffer *out)
{
    const char *problem = parser->problem, *context = parser->context;
    yaml_mark_t mark = in_bytes(text, parser->problem_mark);
    yaml_mark_t begin = in_bytes(text, parser->context_mark);
    struct slice line = line_from(text, mark), first = line_from(text, begin);
    bool in_name = says(context, "an alias") || says(context, "an anchor") ||
                   says(context, "a tag") || says(context, "a directive");
    *mark_out = mark;
    if ((line.len > 0 && line.ptr[0] == '\t') || says(problem, "tab character") ||
        is_behind_tab(text, mark)) {
        buffer_append_literal(out, "a TAB stands where only blanks may: indent with blanks");
    } else if (in_name && first.len > 0) {
        *mark_out = begin;
        write_sign(first, out);
    } else if (says(problem, "cannot start any token") && line.len > 0) {
        write_sign(line, out);
    } else if (says(problem, "unknown escape") && first.len > 0 && first.ptr[0] == '"') {
        write_escape(first, out);
    } else if (says(context, "quoted scalar") && first.len > 0) {
        *mark_out = begin;
        buffer_append_literal(out, "the quote that begins here is not closed");
    } else if (says(problem, "mapping values are not allowed")) {
        buffer_append_literal(
            out, "a `:` makes a key, and none can stand here: put a text that holds it "
                 "in quotes, or look at the indentation");
    } else {
        buffer_printf(out, "%s%s%s", problem == NULL ? "syntax error" : problem,
                      context == NULL ? "" : ", ", context == NULL ? "" : context);
    }
}

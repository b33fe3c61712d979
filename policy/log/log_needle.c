/* SPDX-License-Identifier: Apache-2.0
 *
 * Searching blocks of log lines for texts. Every search goes on from where it last found
 * something, so that each text costs one pass over the block. */
#include "policy/log/log_needle.h"

#include <string.h>

#include "base/json_write.h"

void log_needles_group(struct log_needles *needles)
{
    needles->groups[needles->group_count++].count = 0;
}

static bool has_control_bytes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20)
            return true;
    }
    return false;
}

bool log_needles_add(struct log_needles *needles, const char *before, struct slice value,
                     const char *behind)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer quoted = BUFFER_EMPTY;
    json_write_string(&quoted, value);
    buffer_append_text(&text, before);
    if (!quoted.failed)
        buffer_append(&text, quoted.data + 1, quoted.len - 2);
    buffer_append_text(&text, behind);
    if (has_control_bytes(value) || quoted.failed || text.failed || text.len == 0) {
        needles->group_count--;
        return false;
    }
    unsigned *count = &needles->groups[needles->group_count - 1].count;
    needles->groups[needles->group_count - 1].texts[(*count)++] =
        slice_of(arena_text(&needles->arena, buffer_slice(&text)), text.len);
    return true;
}

void log_needles_clear(struct log_needles *needles)
{
    arena_free(&needles->arena);
    needles->group_count = 0;
}

static size_t find_text(struct slice lines, size_t from, struct slice text)
{
    const char *found = memmem(lines.ptr + from, lines.len - from, text.ptr, text.len);
    return found == NULL ? lines.len : (size_t)(found - lines.ptr);
}

/* A space beside the quote or the colon behind a name: `"port": 443`, `"port" :443`. */
static size_t find_space(struct slice lines, size_t from)
{
    while (from < lines.len) {
        const char *found = memchr(lines.ptr + from, ' ', lines.len - from);
        if (found == NULL)
            break;
        size_t at = (size_t)(found - lines.ptr);
        if (at > 0 && (found[-1] == '"' || (at > 1 && found[-1] == ':' && found[-2] == '"')))
            return at;
        from = at + 1;
    }
    return lines.len;
}

/* An escape that may stand for a letter. */
static size_t find_backslash(struct slice lines, size_t from)
{
    while (from < lines.len) {
        const char *found = memchr(lines.ptr + from, '\\', lines.len - from);
        if (found == NULL)
            break;
        size_t at = (size_t)(found - lines.ptr);
        if (at + 1 < lines.len && (found[1] == 'u' || found[1] == '/'))
            return at;
        from = at + 2; /* what is escaped may be a backslash */
    }
    return lines.len;
}

void log_search_begin(struct log_search *search, const struct log_needles *needles,
                      struct slice lines)
{
    *search = (struct log_search){.needles = needles, .lines = lines};
    if (needles->group_count == 0)
        return;
    for (unsigned i = 0; i < needles->groups[0].count; i++)
        search->hits[i] = find_text(lines, 0, needles->groups[0].texts[i]);
    search->space = find_space(lines, 0);
    search->backslash = find_backslash(lines, 0);
}

/* Where the first group or an odd spelling stands next. */
static size_t next_position(struct log_search *search)
{
    size_t at = search->at, least;
    if (search->space < at)
        search->space = find_space(search->lines, at);
    if (search->backslash < at)
        search->backslash = find_backslash(search->lines, at);
    least = search->space < search->backslash ? search->space : search->backslash;
    for (unsigned i = 0; i < search->needles->groups[0].count; i++) {
        if (search->hits[i] < at)
            search->hits[i] = find_text(search->lines, at, search->needles->groups[0].texts[i]);
        if (search->hits[i] < least)
            least = search->hits[i];
    }
    return least;
}

/* Whether the line holds a text of each group but the first. */
static bool holds_others(const struct log_needles *needles, struct slice line)
{
    for (unsigned group = 1; group < needles->group_count; group++) {
        bool found = false;
        for (unsigned i = 0; i < needles->groups[group].count && !found; i++)
            found = find_text(line, 0, needles->groups[group].texts[i]) < line.len;
        if (!found)
            return false;
    }
    return true;
}

bool log_search_next(struct log_search *search, struct slice *line_out)
{
    struct slice lines = search->lines;
    while (search->at < lines.len) {
        bool all = search->needles->group_count == 0;
        size_t position = all ? search->at : next_position(search);
        if (position == lines.len)
            return false;
        const char *before =
            all ? NULL : memrchr(lines.ptr + search->at, '\n', position - search->at);
        const char *begin = before == NULL ? lines.ptr + search->at : before + 1;
        const char *end =
            memchr(lines.ptr + position, '\n', lines.len - position); /* there is one */
        if (end == NULL)
            return false;
        *line_out = slice_of(begin, (size_t)(end - begin));
        search->at = (size_t)(end - lines.ptr) + 1;
        if (all || search->space < search->at || search->backslash < search->at ||
            holds_others(search->needles, *line_out))
            return true;
    }
    return false;
}

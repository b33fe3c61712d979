/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/view/log_client_names.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/near_word.h"
#include "base/terminal_text.h"
#include "policy/log/log_scan.h"

enum { NAMES_MAX = 32, NAME_LEN_MAX = 63 };

struct names {
    struct slice wanted;
    bool has_wanted, more;
    unsigned count;
    char text[NAMES_MAX][NAME_LEN_MAX + 1];
};

static bool has(const struct names *names, struct slice name)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (slice_equal_text(name, names->text[i]))
            return true;
    }
    return false;
}

/* A log may come from anywhere: what no policy calls a client is not shown. */
static bool is_plain(struct slice name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < name.len; i++) {
        if (memchr(letters, name.ptr[i], sizeof(letters) - 1) == NULL)
            return false;
    }
    return name.len > 0 && name.len <= NAME_LEN_MAX;
}

/* A log_scan_take. */
static bool take(void *context, const struct log_line *line, struct slice text)
{
    struct names *names = context;
    struct slice name = line->fields[LOG_FIELD_CLIENT];
    (void)text;
    names->has_wanted = slice_equal(name, names->wanted);
    if (names->has_wanted || !is_plain(name) || has(names, name))
        return !names->has_wanted;
    names->more = names->count == NAMES_MAX;
    if (!names->more)
        memcpy(names->text[names->count++], name.ptr, name.len);
    return true;
}

void log_client_names_note(const struct log_files *files, struct slice wanted)
{
    static const struct log_filter everything;
    struct names names = {.wanted = wanted};
    struct log_scan_notes notes;
    struct error ignored;
    struct near_word near;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (!log_scan(files, &everything, take, &names, &notes, &ignored) || names.has_wanted)
        return;
    near_word_init(&near, wanted);
    buffer_append_literal(&out, "note: the log has no record of a client ");
    terminal_text_append(&out, wanted);
    for (unsigned i = 0; i < names.count; i++) {
        buffer_printf(&out, "%s%s", i == 0 ? "; it has records of " : ", ", names.text[i]);
        near_word_offer(&near, names.text[i]);
    }
    if (names.more)
        buffer_append_literal(&out, " and others");
    fprintf(stderr, "%s%s\n", buffer_text(&out), near_word_hint(&near).text);
}

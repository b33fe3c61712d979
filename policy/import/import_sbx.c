/* SPDX-License-Identifier: Apache-2.0
 *
 * sbx's policy: the lines of commands that made it, or the table that sbx prints of it
 * (import_sbx_listing.c). What a rule becomes is import_sbx_rule.c's business. */
#include "policy/import/import_sbx_listing.h"
#include "policy/import/import_sbx_rule.h"

#include "base/error.h"

enum { WORDS_MAX = 64 };

struct command_line {
    struct import_draft *draft;
    struct import_place place;
    struct slice words[WORDS_MAX];
    size_t count, at;
};

/* Divides a line into words as a shell does, with both kinds of quotes and nothing else. */
static bool split_words(struct command_line *line, struct slice text)
{
    AUTO_BUFFER struct buffer word = BUFFER_EMPTY;
    bool open = false;
    char quote = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char byte = i < text.len ? text.ptr[i] : ' ';
        bool blank = byte == ' ' || byte == '\t';
        if (quote == 0 && byte == '#' && !open)
            i = text.len, byte = ' ', blank = true;
        if (quote == 0 && blank && open) {
            if (line->count == WORDS_MAX)
                return false;
            const char *copy = arena_text(&line->draft->arena, buffer_slice(&word));
            line->words[line->count++] = slice_of(copy, word.len);
            buffer_clear(&word);
            open = false;
        } else if (quote == 0 && (byte == '"' || byte == '\'')) {
            quote = byte;
            open = true;
        } else if (quote != 0 && byte == quote && i < text.len) {
            quote = 0;
        } else if ((quote != 0 && i < text.len) || (quote == 0 && !blank)) {
            if (quote != '\'' && strchr("$`\\;|&<>()", byte) != NULL)
                return false; /* a shell would do more than read it */
            buffer_append_byte(&word, byte);
            open = true;
        }
    }
    return quote == 0;
}

static bool take_word(struct command_line *line, const char *word)
{
    if (line->at == line->count || !slice_equal_text(line->words[line->at], word))
        return false;
    line->at++;
    return true;
}

/* Takes "--name VALUE" or "--name=VALUE". */
static bool take_option(struct command_line *line, const char *name, struct slice *value_out)
{
    struct slice value = line->words[line->at];
    struct slice before = slice_cut(&value, '=');
    if (!slice_equal_text(before, name))
        return false;
    bool apart = value.ptr == NULL;
    if (apart && line->at + 1 < line->count)
        value = line->words[line->at + 1];
    if (value.len == 0)
        return false; /* a limit without its value is no limit: the line is refused */
    *value_out = value;
    line->at += apart ? 2 : 1;
    return true;
}

static bool read_allow_or_deny(struct command_line *line, unsigned generation, bool allows)
{
    struct sbx_rule rule = {.allows = allows};
    struct slice plain[2] = {{NULL, 0}, {NULL, 0}};
    size_t plain_count = 0;
    while (line->at < line->count) {
        if (take_word(line, "-g") || take_word(line, "--global") || take_word(line, "--no-input") ||
            take_option(line, "--sandbox", &rule.sandbox) ||
            take_option(line, "--method", &rule.methods) ||
            take_option(line, "--path", &rule.path) ||
            take_option(line, "--protocol", &rule.protocols))
            continue;
        if (line->words[line->at].len == 0 || line->words[line->at].ptr[0] == '-' ||
            plain_count == ARRAY_LEN(plain))
            return false;
        plain[plain_count++] = line->words[line->at++];
    }
    if (plain_count == 0)
        return false;
    if (plain_count == 2)
        rule.sandbox = plain[0]; /* the second generation names it before the resources */
    rule.resources = plain[plain_count - 1];
    import_sbx_rule(line->draft, line->place, generation, &rule);
    return true;
}

static bool read_default(struct command_line *line)
{
    const struct sbx_rule everything = {.allows = true, .resources = SLICE_LITERAL("**")};
    if (take_word(line, "allow-all"))
        import_sbx_rule(line->draft, line->place, 0, &everything);
    else if (take_word(line, "balanced"))
        import_note(line->draft, line->place,
                    "left out: sbx's own list; preset/balanced is the nearest");
    else if (!take_word(line, "deny-all"))
        return false;
    return line->at == line->count;
}

static void read_command(struct command_line *line, unsigned generation)
{
    (void)(take_word(line, "docker") && take_word(line, "sandbox"));
    (void)take_word(line, "sbx");
    (void)take_word(line, "policy");
    bool good = false;
    if (take_word(line, "allow"))
        good = take_word(line, "network") && read_allow_or_deny(line, generation, true);
    else if (take_word(line, "deny"))
        good = take_word(line, "network") && read_allow_or_deny(line, generation, false);
    else if (take_word(line, "init") || take_word(line, "set-default"))
        good = read_default(line);
    if (!good)
        import_fail(line->draft, line->place,
                    "this is no line `sbx policy allow|deny network RESOURCES`; where rules were "
                    "removed again, import what `sbx policy ls` prints");
}

void import_sbx(struct import_draft *draft)
{
    if (import_sbx_has_listing(draft->input->text)) {
        import_sbx_listing(draft);
        return;
    }
    struct import_lines lines = import_lines(draft->input->file, draft->input->text);
    while (import_lines_next(&lines)) {
        struct command_line line = {.draft = draft, .place = lines.place};
        if (!split_words(&line, lines.line))
            import_fail(draft, line.place, "the line is more than words and quotes");
        else if (line.count > 0)
            read_command(&line, draft->input->generation);
    }
}

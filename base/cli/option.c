/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of the command line and of the environment against a command's option table. Abbreviated names and bundled flags are refused: what was meant
 * must be written, since a script that works by an abbreviation breaks with the next option that
 * begins alike. */
#include "base/cli/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/near_word.h"
#include "base/utf8.h"
#include "base/slice.h"
#include "base/timestamp.h"

enum { QUOTED_MAX = 128, SPELLED_MAX = 32 };

/* Where a value came from, so that an error can say what to mend. */
enum value_source { FROM_TABLE, FROM_ENVIRONMENT, FROM_COMMAND_LINE };

static const struct {
    char letter;
    uint64_t bytes;
} byte_units[] = {{'g', UINT64_C(1) << 30}, {'m', UINT64_C(1) << 20}, {'k', UINT64_C(1) << 10}};

static bool parse_bytes(struct slice text, uint64_t *bytes_out)
{
    uint64_t unit = 1;
    for (size_t i = 0; i < ARRAY_LEN(byte_units) && text.len > 0; i++) {
        if ((text.ptr[text.len - 1] | 0x20) == byte_units[i].letter) {
            unit = byte_units[i].bytes;
            text.len--;
            break;
        }
    }
    uint64_t number;
    if (!slice_to_u64(text, &number) || number > UINT64_MAX / unit)
        return false;
    *bytes_out = number * unit;
    return true;
}

/* Spells a bound the way a user would write it: "64m", "10s", "50". */
static void spell_number(enum option_type type, uint64_t number, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(byte_units) && type == OPTION_BYTES; i++) {
        if (number > 0 && number % byte_units[i].bytes == 0) {
            buffer_append_u64(out, number / byte_units[i].bytes);
            buffer_append_byte(out, byte_units[i].letter);
            return;
        }
    }
    char spelled[SPELLED_MAX];
    if (type == OPTION_DURATION) {
        duration_spell_ms(number, spelled, sizeof(spelled));
        buffer_append_text(out, spelled);
    } else {
        buffer_append_u64(out, number);
    }
}

void option_spell_range(const struct option *option, struct buffer *out)
{
    if (option->max == 0 && option->min == 0)
        return;
    buffer_append_text(out, option->max > 0 ? "" : "at least ");
    spell_number(option->type, option->min, out);
    if (option->max == 0)
        return;
    buffer_append_literal(out, " to ");
    spell_number(option->type, option->max, out);
}

/* How an error names the place of the value: "--limit", "environment variable DOCKREEVE_LIMIT
 * (--limit)". */
static void name_source(const struct option *option, enum value_source source,
                        char name[QUOTED_MAX])
{
    if (source == FROM_ENVIRONMENT)
        snprintf(name, QUOTED_MAX, "environment variable %s (--%s)", option->environment,
                 option->name);
    else
        snprintf(name, QUOTED_MAX, "--%s%s", option->name,
                 source == FROM_TABLE ? " (built-in default)" : "");
}

static bool set_number(const struct option *option, struct option_value *value, const char *text,
                       enum value_source source, struct error *error)
{
    struct slice slice = slice_from_text(text);
    const char *expected = NULL;
    bool good = false;
    if (option->type == OPTION_BYTES) {
        good = parse_bytes(slice, &value->number);
        expected = "a whole number of bytes, with k, m or g behind it if you like";
    } else if (option->type == OPTION_DURATION) {
        good = duration_parse_ms(slice, &value->number);
        expected = "a duration such as 250ms, 10s, 5m, 2h or 1d";
    } else {
        good = slice_to_u64(slice, &value->number);
        expected = "a whole number";
    }
    AUTO_BUFFER struct buffer range = BUFFER_EMPTY;
    char name[QUOTED_MAX];
    name_source(option, source, name);
    const struct quoted quoted = quote(slice);
    option_spell_range(option, &range);
    if (!good)
        return error_set(error, COMMAND_USAGE, "%s: %s is not %s%s%s", name, quoted.text, expected,
                         range.len > 0 ? "; it takes " : "", buffer_text(&range));
    if (value->number < option->min || (option->max > 0 && value->number > option->max))
        return error_set(error, COMMAND_USAGE, "%s: %s is out of range; it takes %s", name,
                         quoted.text, buffer_text(&range));
    return true;
}

/* The environment can only set a flag by a word; anything but a clear yes or no is an error. */
static bool set_flag(const struct option *option, struct option_value *value, const char *text,
                     enum value_source source, struct error *error)
{
    static const struct {
        const char *word;
        bool flag;
    } words[] = {{"1", true},  {"true", true},   {"yes", true}, {"on", true},
                 {"0", false}, {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_equal_nocase(slice_from_text(text), slice_from_text(words[i].word))) {
            value->flag = words[i].flag;
            return true;
        }
    }
    char name[QUOTED_MAX];
    name_source(option, source, name);
    return error_set(error, COMMAND_USAGE, "%s: %s is neither 1 (yes) nor 0 (no)", name,
                     quote_text(text).text);
}

/* The words of a choice, "allow|deny", are found by their number. */
static bool set_choice(const struct option *option, struct option_value *value, const char *text,
                       enum value_source source, struct error *error)
{
    AUTO_BUFFER struct buffer all = BUFFER_EMPTY;
    char name[QUOTED_MAX];
    struct slice rest = slice_from_text(option->argument);
    for (value->number = 0; rest.ptr != NULL; value->number++) {
        struct slice word = slice_cut(&rest, '|');
        if (slice_equal_text(word, text))
            return true;
        buffer_append_text(&all, value->number == 0 ? "" : rest.ptr == NULL ? " or " : ", ");
        buffer_append_slice(&all, word);
    }
    name_source(option, source, name);
    return error_set(error, COMMAND_USAGE, "%s takes %s, not %s", name, buffer_text(&all),
                     quote_text(text).text);
}

static bool set_list(const struct option *option, struct option_value *value, const char *text,
                     enum value_source source, struct error *error)
{
    /* The command line replaces what the environment or the table gave, and then adds up. */
    if (source == FROM_COMMAND_LINE && !value->flag) {
        value->list_count = 0;
        value->flag = true;
    }
    if (value->list_count == OPTION_LIST_MAX)
        return error_set(error, COMMAND_USAGE, "--%s may be given at most %d times", option->name,
                         OPTION_LIST_MAX);
    value->list[value->list_count++] = text;
    return true;
}

static bool set_value(const struct option *option, struct option_value *value, const char *text,
                      enum value_source source, struct error *error)
{
    value->given = source != FROM_TABLE;
    value->text = text;
    switch (option->type) {
    case OPTION_FLAG:
        return set_flag(option, value, text, source, error);
    case OPTION_TEXT:
        value->flag = source == FROM_COMMAND_LINE;
        return true;
    case OPTION_ONCE:
        if (source == FROM_COMMAND_LINE && value->flag)
            return error_set(error, COMMAND_USAGE, "--%s may be given once", option->name);
        value->flag = source == FROM_COMMAND_LINE;
        return true;
    case OPTION_LIST:
        return set_list(option, value, text, source, error);
    case OPTION_CHOICE:
        return set_choice(option, value, text, source, error);
    case OPTION_NUMBER:
    case OPTION_BYTES:
    case OPTION_DURATION:
        return set_number(option, value, text, source, error);
    }
    return false;
}

static bool set_defaults(const struct option_table *table, struct option_value *values,
                         struct error *error)
{
    for (unsigned i = 0; i < table->option_count; i++) {
        const struct option *option = &table->options[i];
        values[i] = (struct option_value){0};
        const char *environment = option->environment != NULL ? getenv(option->environment) : NULL;
        if (environment != NULL && environment[0] != '\0') {
            if (!set_value(option, &values[i], environment, FROM_ENVIRONMENT, error))
                return false;
        } else if (option->initial != NULL) {
            if (!set_value(option, &values[i], option->initial, FROM_TABLE, error))
                return false;
        }
    }
    return true;
}

static bool unknown_option(const struct option_table *table, struct slice name, const char *dashes,
                           struct error *error)
{
    struct near_word near;
    near_word_init(&near, name);
    for (unsigned i = 0; i < table->option_count; i++)
        near_word_offer(&near, table->options[i].name);
    near_word_offer(&near, "help");
    AUTO_BUFFER struct buffer whole = BUFFER_EMPTY;
    buffer_append_text(&whole, dashes);
    buffer_append_slice(&whole, name);
    const struct quoted quoted = quote(buffer_slice(&whole));
    if (dashes[1] == '-' && near.best != NULL)
        return error_set(error, COMMAND_USAGE, "unknown option %s; did you mean --%s?", quoted.text,
                         near.best);
    return error_set(error, COMMAND_USAGE, "unknown option %s; `dockreeve %s --help` lists them",
                     quoted.text, table->command);
}

/* One parse in progress. Words are read from argv at `next` and plain arguments gathered at its
 * front; the front never overtakes `next`. */
struct parse {
    const struct option_table *table;
    struct option_value *values; /* one for each option of the table */
    int argc;
    char **argv;
    int next, kept;
};

/* `text` is what was written behind the name in the same word, NULL when nothing was. */
static bool take_option(struct parse *parse, const struct option *option, const char *text,
                        struct error *error)
{
    struct option_value *value = &parse->values[option - parse->table->options];
    if (option->type == OPTION_FLAG) {
        if (text != NULL)
            return error_set(error, COMMAND_USAGE, "--%s takes no value", option->name);
        value->given = true;
        value->flag = true;
        return true;
    }
    if (text == NULL && parse->next == parse->argc)
        return error_set(error, COMMAND_USAGE, "--%s needs a value (%s)", option->name,
                         option->argument != NULL ? option->argument : "text");
    if (text == NULL)
        text = parse->argv[parse->next++];
    return set_value(option, value, text, FROM_COMMAND_LINE, error);
}

static bool take_long(struct parse *parse, const char *word, struct error *error)
{
    struct slice name = slice_from_text(word);
    const char *equals = strchr(word, '=');
    if (equals != NULL)
        name.len = (size_t)(equals - word);
    for (unsigned i = 0; i < parse->table->option_count; i++) {
        if (slice_equal_text(name, parse->table->options[i].name))
            return take_option(parse, &parse->table->options[i], equals != NULL ? equals + 1 : NULL,
                               error);
    }
    return unknown_option(parse->table, name, "--", error);
}

static bool take_short(struct parse *parse, const char *word, bool *help_out, struct error *error)
{
    for (unsigned i = 0; i < parse->table->option_count; i++) {
        const struct option *option = &parse->table->options[i];
        if (option->letter == '\0' || option->letter != word[0])
            continue;
        if (option->type == OPTION_FLAG && word[1] != '\0')
            return error_set(error, COMMAND_USAGE,
                             "-%c takes no value and flags are not bundled: write each by itself",
                             option->letter);
        return take_option(parse, option, word[1] != '\0' ? word + 1 : NULL, error);
    }
    if (strcmp(word, "h") == 0) {
        *help_out = true;
        return true;
    }
    return unknown_option(parse->table, slice_from_text(word), "-", error);
}

/* Help is for somebody whose command line may be wrong: it must come before any complaint about the
 * rest. */
static bool asks_for_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

bool option_parse(const struct option_table *table, struct option_value *values, int argc,
                  char **argv, int *argc_out, bool *help_out, struct error *error)
{
    *argc_out = 0;
    *help_out = asks_for_help(argc, argv);
    if (*help_out)
        return true;
    for (int i = 0; table->takes_utf8 && i < argc; i++) {
        if (!utf8_is_text(slice_from_text(argv[i])))
            return error_set(error, COMMAND_USAGE, "%s is not UTF-8", quote_text(argv[i]).text);
    }
    if (!set_defaults(table, values, error))
        return false;
    struct parse parse = {.table = table, .values = values, .argc = argc, .argv = argv};
    bool options_ended = false;
    while (parse.next < argc) {
        char *word = argv[parse.next++];
        bool good = true;
        if (options_ended || word[0] != '-' || word[1] == '\0')
            argv[parse.kept++] = word;
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-')
            good = take_long(&parse, word + 2, error);
        else
            good = take_short(&parse, word + 1, help_out, error);
        if (!good)
            return false;
        if (*help_out)
            return true;
    }
    if (parse.kept > 0 && table->arguments[0] == '\0')
        return error_set(error, COMMAND_USAGE, "takes no arguments, but got %s",
                         quote_text(argv[0]).text);
    *argc_out = parse.kept;
    return true;
}

char *option_text_or(const struct option_value *value, char *(*fallback)(void))
{
    return value->given ? slice_to_text(slice_from_text(value->text)) : fallback();
}

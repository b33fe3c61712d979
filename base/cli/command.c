/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding of a command by its words, and the help that lists the commands. */
#include "base/cli/command.h"

#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cli/help.h"
#include "base/near_word.h"

enum { NAME_COLUMN_MAX = 24 };

/* How many words of the command's name argv begins with; *whole_out says whether that is all of
 * them. */
static int matching_words(const char *name, int argc, char *const *argv, bool *whole_out)
{
    struct slice rest = slice_from_text(name);
    int count = 0;
    while (rest.ptr != NULL && count < argc) {
        struct slice word = command_next_word(&rest);
        if (!slice_equal_text(word, argv[count])) {
            *whole_out = false;
            return count;
        }
        count++;
    }
    *whole_out = rest.ptr == NULL;
    return count;
}

/* The command with the longest name that argv begins with. NULL when there is none; then *group_out
 * is how many words are the beginning of some command's name. */
static const struct command *find(const struct command_table *table, int argc, char *const *argv,
                                  int *words_out)
{
    const struct command *found = NULL;
    int group = 0;
    *words_out = 0;
    for (unsigned i = 0; i < table->count; i++) {
        bool whole;
        int words = matching_words(table->commands[i].options->command, argc, argv, &whole);
        if (whole && words > *words_out) {
            found = &table->commands[i];
            *words_out = words;
        }
        if (words > group)
            group = words;
    }
    if (found == NULL)
        *words_out = group;
    return found;
}

/* Whether the first `words` words of the name are those of argv. */
static bool in_group(const char *name, int words, char *const *argv)
{
    bool whole;
    return matching_words(name, words, argv, &whole) == words;
}

/* Lists the commands whose names begin with argv[0..words). */
static void print_commands(const struct command_table *table, int words, char *const *argv,
                           FILE *out)
{
    size_t column = 0;
    for (unsigned i = 0; i < table->count; i++) {
        size_t len = strlen(table->commands[i].options->command);
        if (len > column && len <= NAME_COLUMN_MAX)
            column = len;
    }
    fprintf(out, "Usage: %s", table->program);
    for (int i = 0; i < words; i++)
        fprintf(out, " %s", argv[i]);
    fprintf(out, " COMMAND [OPTIONS]\n\n");
    if (words == 0) {
        help_print_wrapped(slice_from_text(table->summary), 0, 0, out);
        fputc('\n', out);
    }
    fprintf(out, "Commands:\n");
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_table *options = table->commands[i].options;
        if (in_group(options->command, words, argv))
            help_print_wrapped(slice_from_text(options->summary),
                               (size_t)fprintf(out, "  %s", options->command), column + 4, out);
    }
    fprintf(out, "\n`%s COMMAND --help` says more about each.\n", table->program);
}

/* argv[words] is no word of any command that begins with argv[0..words). */
static int refuse_unknown(const struct command_table *table, int words, char *const *argv)
{
    struct near_word near;
    near_word_init(&near, slice_from_text(argv[words]));
    /* near_word borrows what it is offered until the end: the words are copied side by side first. */
    AUTO_BUFFER struct buffer copies = BUFFER_EMPTY;
    for (unsigned i = 0; i < table->count; i++) {
        const char *name = table->commands[i].options->command;
        if (!in_group(name, words, argv))
            continue;
        struct slice rest = slice_from_text(name), word;
        for (int k = 0; k < words && rest.ptr != NULL; k++)
            command_next_word(&rest);
        if (rest.ptr == NULL)
            continue;
        word = command_next_word(&rest);
        buffer_append_slice(&copies, word);
        buffer_append_byte(&copies, '\0');
    }
    for (size_t at = 0; at < copies.len; at += strlen(copies.data + at) + 1)
        near_word_offer(&near, copies.data + at);
    if (words == 0) {
        near_word_offer(&near, "help");
        near_word_offer(&near, "--help");
        near_word_offer(&near, "--version");
    }
    fprintf(stderr, "%s: unknown command %s", table->program, quote_text(argv[words]).text);
    if (near.best != NULL) {
        fprintf(stderr, "; did you mean `%s", table->program);
        for (int i = 0; i < words; i++)
            fprintf(stderr, " %s", argv[i]);
        fprintf(stderr, " %s`?\n", near.best);
    } else {
        fprintf(stderr, "; `%s help` lists them\n", table->program);
    }
    return COMMAND_USAGE;
}

/* `help`, or `help policy log`. */
static int help(const struct command_table *table, int argc, char *const *argv)
{
    int words;
    const struct command *command = find(table, argc, argv, &words);
    if (words < argc)
        return refuse_unknown(table, words, argv);
    if (command != NULL)
        help_print_command(command->options, stdout);
    else
        print_commands(table, words, argv, stdout);
    return COMMAND_DONE;
}

static int run(const struct command_table *table, int argc, char **argv)
{
    char version[] = "version";
    argc--;
    argv++;
    if (argc == 0) {
        print_commands(table, 0, argv, stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[0], "help") == 0)
        return help(table, argc - 1, argv + 1);
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return help(table, 0, argv);
    if (strcmp(argv[0], "--version") == 0)
        argv[0] = version;
    int words;
    const struct command *command = find(table, argc, argv, &words);
    if (command != NULL)
        return command_run(command, argc - words, argv + words);
    if (words == argc) {
        print_commands(table, words, argv, stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[words], "--help") == 0 || strcmp(argv[words], "-h") == 0)
        return help(table, words, argv);
    return refuse_unknown(table, words, argv);
}

int command_main(const struct command_table *table, int argc, char **argv)
{
    int code = run(table, argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "%s: cannot write to standard output\n", table->program);
    return COMMAND_FAILED;
}

int command_run(const struct command *command, int argc, char **argv)
{
    const struct option_table *table = command->options;
    AUTO_FREE struct option_value *values = calloc_or_abort(table->option_count, sizeof(values[0]));
    struct command_call call = {table, table->reads_itself ? NULL : values, argc, argv,
                                command->context};
    struct error error = {0};
    bool wants_help = false;
    if (!table->reads_itself &&
        !option_parse(table, values, argc, argv, &call.argc, &wants_help, &error))
        return command_fail(table->command, COMMAND_USAGE, "%s", error.text);
    if (!wants_help)
        return table->run(&call);
    help_print_command(table, stdout);
    return COMMAND_DONE;
}

int command_fail(const char *command, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "dockreeve %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `completion`: the scripts, and what they ask for while somebody types. */
#include "base/cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/cli/completion_offer.h"
#include "base/cli/help.h"

#include "base/cli/completion_scripts.inc"

static int run(const struct command_call *call);

const struct option_table completion_option_table = {
    .command = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Prints the completion script for a shell.",
    .examples = "  source <(dockreeve completion bash)\n"
                "  dockreeve completion zsh > /usr/local/share/zsh/site-functions/_dockreeve\n"
                "  dockreeve completion fish > ~/.config/fish/completions/dockreeve.fish\n",
    .reads_itself = true,
    .run = run,
};

static const struct {
    const char *shell;
    const char *text;
} scripts[] = {{"bash", script_dockreeve_bash},
               {"zsh", script_dockreeve_zsh},
               {"fish", script_dockreeve_fish}};

/* The line as far as it is typed, while it is looked at from left to right. */
struct line {
    const struct command_table *table;
    completion_words_write *write;
    char **words; /* words[last] is being typed */
    int last;
    int at;                             /* behind the words that name the command */
    const struct option_table *command; /* NULL = its name is not whole yet */
    struct slice config;                /* the policy that --config names; empty = none */
    const struct option *valued;        /* the option whose value is being typed; NULL = none */
    int plain_count;
    const char *first_plain; /* NULL = none yet */
    struct slice kept;       /* what stands before the part that is offered: "--client=", "a," */
    struct slice typed;      /* that part as far as it is typed */
    struct buffer *out;
};

static void offer(const struct line *line, struct slice word, const char *description)
{
    if (!slice_starts_with(word, line->typed))
        return;
    buffer_append_slice(line->out, line->kept);
    buffer_append_slice(line->out, word);
    buffer_printf(line->out, "\t%s\n", description);
}

/* ---- what has been typed ---- */

/* How many of words[0..last) are the first words of `name`. */
static int common_words(const char *name, const struct line *line)
{
    struct slice rest = slice_from_text(name);
    int count = 0;
    while (rest.ptr != NULL && count < line->last &&
           slice_equal_text(command_next_word(&rest), line->words[count]))
        count++;
    return count;
}

static int count_words(const char *name)
{
    int count = 1;
    while ((name = strchr(name, ' ')) != NULL) {
        name++;
        count++;
    }
    return count;
}

static void find_command(struct line *line)
{
    for (unsigned i = 0; i < line->table->count; i++) {
        const struct option_table *options = line->table->commands[i].options;
        int common = common_words(options->command, line);
        if (common > line->at || (common == line->at && line->command == NULL)) {
            line->at = common;
            line->command = common == count_words(options->command) ? options : NULL;
        }
    }
}

static const struct option *find_option(const struct option_table *table, struct slice word)
{
    for (unsigned i = 0; i < table->option_count; i++) {
        const struct option *option = &table->options[i];
        const char letter[] = {'-', option->letter, '\0'};
        if ((slice_starts_with(word, SLICE_LITERAL("--")) &&
             slice_equal_text(slice_of(word.ptr + 2, word.len - 2), option->name)) ||
            (option->letter != '\0' && slice_equal_text(word, letter)))
            return option->type == OPTION_FLAG ? NULL : option;
    }
    return NULL;
}

/* Options, their values and plain arguments between the command and the word being typed. */
static void read_words(struct line *line)
{
    for (int i = line->at; i < line->last; i++) {
        struct slice value = slice_from_text(line->words[i]);
        struct slice word = slice_cut(&value, '=');
        const struct option *option = find_option(line->command, word);
        if (line->words[i][0] != '-') {
            line->plain_count++;
            if (line->first_plain == NULL)
                line->first_plain = line->words[i];
        }
        if (option != NULL && value.ptr == NULL) {
            if (i + 1 == line->last) {
                line->valued = option;
                return;
            }
            value = slice_from_text(line->words[++i]);
        }
        if (option != NULL && strcmp(option->name, "config") == 0)
            line->config = value;
    }
    if (line->typed.len > 2 && slice_starts_with(line->typed, SLICE_LITERAL("--"))) {
        struct slice value = line->typed;
        struct slice word = slice_cut(&value, '=');
        if (value.ptr != NULL) {
            line->valued = find_option(line->command, word);
            line->kept = slice_of(word.ptr, word.len + 1);
            line->typed = value;
        }
    }
}

/* ---- what fits ---- */

/* The word behind words[0..at) of each command that begins with them. */
static void offer_commands(const struct line *line)
{
    struct slice before = {NULL, 0};
    for (unsigned i = 0; i < line->table->count; i++) {
        const struct option_table *options = line->table->commands[i].options;
        struct slice rest = slice_from_text(options->command), word = {NULL, 0};
        if (common_words(options->command, line) < line->at)
            continue;
        for (int skip = 0; skip <= line->at; skip++)
            word = command_next_word(&rest);
        if (!slice_equal(word, before)) /* commands of one group stand together */
            offer(line, word, rest.ptr == NULL ? options->summary : "");
        before = word;
    }
    if (line->at == 0)
        offer(line, SLICE_LITERAL("help"), "Shows help.");
}

static void offer_options(const struct line *line)
{
    for (unsigned i = 0; line->command != NULL && i < line->command->option_count; i++) {
        AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
        buffer_printf(&name, "--%s", line->command->options[i].name);
        offer(line, buffer_slice(&name), line->command->options[i].help);
    }
    offer(line, SLICE_LITERAL("--help"), "show help");
    if (line->command == NULL && line->at == 0)
        offer(line, SLICE_LITERAL("--version"), "show the version");
}

static void offer_fixed(const struct line *line, const char *words)
{
    struct slice rest = slice_from_text(words);
    while (rest.ptr != NULL)
        offer(line, slice_cut(&rest, '|'), "");
}

/* Hosts and operations may be given as lists: the last one is being typed. */
static void offer_words(struct line *line, enum completion_words words)
{
    AUTO_BUFFER struct buffer found = BUFFER_EMPTY;
    AUTO_FREE char *config = line->config.len > 0 ? slice_to_text(line->config) : NULL;
    if (words == COMPLETION_HOSTS || words == COMPLETION_OPERATIONS) {
        const char *comma = memrchr(line->typed.ptr, ',', line->typed.len);
        size_t len = comma == NULL ? 0 : (size_t)(comma + 1 - line->typed.ptr);
        line->kept = slice_of(line->kept.ptr != NULL ? line->kept.ptr : line->typed.ptr,
                              line->kept.len + len);
        line->typed = slice_of(line->typed.ptr + len, line->typed.len - len);
    }
    const struct completion_question question = {words, line->command->takes_own_rules, line->typed,
                                                 config};
    line->write(&question, &found);
    struct slice rest = buffer_slice(&found);
    while (rest.len > 0) {
        buffer_append_slice(line->out, line->kept);
        buffer_append_slice(line->out, slice_cut(&rest, '\n'));
        buffer_append_byte(line->out, '\n');
    }
}

static void offer_what(struct line *line, struct completion_offer what)
{
    switch (what.kind) {
    case OFFER_NOTHING:
        return;
    case OFFER_FILES:
    case OFFER_FOLDERS:
        buffer_printf(line->out, "%s\t%.*s\n", what.kind == OFFER_FILES ? ":files" : ":folders",
                      (int)line->kept.len, line->kept.ptr);
        return;
    case OFFER_FIXED:
        offer_fixed(line, what.fixed);
        return;
    case OFFER_WORDS:
        offer_words(line, what.words);
        return;
    }
}

static void offer_literals(const struct line *line)
{
    const char *arguments = line->command->arguments;
    struct slice word;
    while (completion_next_literal(&arguments, &word))
        offer(line, word, "");
}

static void offer_argument(struct line *line)
{
    const char *arguments = line->command->arguments;
    bool request = completion_takes_request(arguments) && line->first_plain != NULL;
    bool many = strstr(arguments, "...") != NULL;
    size_t before = line->out->len;
    if (request && strcmp(line->first_plain, "docker") == 0) {
        offer_words(line, COMPLETION_OPERATIONS);
    } else if (request && strcmp(line->first_plain, "network") == 0) {
        offer_words(line, COMPLETION_HOSTS);
    } else if (line->plain_count == 0 || many) {
        if (line->plain_count == 0)
            offer_literals(line);
        offer_what(line, completion_arguments_offer(arguments));
        if (line->out->len == before && line->typed.len == 0)
            offer_options(line);
    } else {
        offer_options(line);
    }
}

static void answer(struct line *line)
{
    bool help = line->last > 0 && strcmp(line->words[0], "help") == 0;
    line->words += help;
    line->last -= help;
    line->typed = slice_from_text(line->words[line->last]);
    find_command(line);
    if (help) {
        offer_commands(line);
        return;
    }
    bool named = line->command != NULL || line->at == line->last;
    if (line->command != NULL)
        read_words(line);
    if (line->valued != NULL)
        offer_what(line, completion_option_offer(line->valued));
    else if (line->kept.len == 0 && line->typed.len > 0 && line->typed.ptr[0] == '-' && named)
        offer_options(line);
    else if (line->command != NULL && line->kept.len == 0)
        offer_argument(line);
    else if (line->command == NULL && named)
        offer_commands(line);
}

void completion_append(const struct command_table *table, completion_words_write *write, int count,
                       char **words, struct buffer *out)
{
    struct line line = {
        .table = table, .write = write, .words = words, .last = count - 1, .out = out};
    answer(&line);
}

static int run(const struct command_call *call)
{
    const struct completion_context *context = call->context;
    struct error error;
    int argc;
    bool wants_help;
    /* Before the options are read: a word may begin with a dash. */
    if (call->argc > 1 && strcmp(call->argv[0], "words") == 0) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        completion_append(context->table, context->write, call->argc - 1, call->argv + 1, &out);
        if (out.failed || (out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len))
            return COMMAND_FAILED;
        return COMMAND_DONE;
    }
    if (!option_parse(call->table, NULL, call->argc, call->argv, &argc, &wants_help, &error))
        return command_fail(call->table->command, COMMAND_USAGE, "%s", error.text);
    if (wants_help) {
        help_print_command(call->table, stdout);
        return COMMAND_DONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(scripts) && argc == 1; i++) {
        if (strcmp(call->argv[0], scripts[i].shell) == 0)
            return fputs(scripts[i].text, stdout) < 0 ? COMMAND_FAILED : COMMAND_DONE;
    }
    return command_fail(call->table->command, COMMAND_USAGE, "name one shell: bash, zsh or fish");
}

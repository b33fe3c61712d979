/* SPDX-License-Identifier: Apache-2.0
 *
 * The two scripts have the same plan: walk the words before the cursor to find the command, then
 * offer what its table has. Both are plain shell functions without state; the tables become `case`
 * branches. */
#include "base/completion.h"

#include <stdio.h>
#include <string.h>

const struct option_table completion_option_table = {
    .command = "completion",
    .arguments = "bash|zsh",
    .summary = "Prints the completion script for a shell.",
    .examples = "  source <(dockreeve completion bash)\n"
                "  dockreeve completion zsh > /usr/local/share/zsh/site-functions/_dockreeve\n",
};

static bool takes_file(const struct option *option)
{
    static const char *const names[] = {"FILE", "FOLDER", "PATH"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (option->argument != NULL && strcmp(option->argument, names[i]) == 0)
            return true;
    }
    return false;
}

/* The next lower-case word of `arguments` ("bash|zsh": what is typed as it stands). False when
 * there is none left. */
static bool next_literal(const char **arguments, struct slice *word_out)
{
    while (**arguments != '\0') {
        size_t len = strspn(*arguments, "abcdefghijklmnopqrstuvwxyz-");
        size_t whole = strcspn(*arguments, " []|.");
        *word_out = slice_of(*arguments, len);
        *arguments += whole > 0 ? whole : 1;
        if (len > 0 && len == whole)
            return true;
    }
    return false;
}

/* `text` inside single quotes, with a backslash before each byte of `special`. */
static void append_quoted(struct buffer *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buffer_append_literal(out, "'\\''");
            continue;
        }
        if (strchr(special, *text) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

/* Whether the first command of the group is commands[index], so that each group is written once. */
static bool group_begins(const struct command_table *table, unsigned index, struct slice group)
{
    for (unsigned i = 0; i < index; i++) {
        struct slice name = slice_from_text(table->commands[i].options->command);
        if (slice_starts_with(name, group) && name.len > group.len && name.ptr[group.len] == ' ')
            return false;
    }
    return true;
}

/* One pattern for each step through the names: ' policy', then 'policy log'. */
static void append_steps(const struct command_table *table, struct buffer *out)
{
    const char *separator = "'";
    for (unsigned i = 0; i < table->count; i++) {
        struct slice rest = slice_from_text(table->commands[i].options->command);
        struct slice before = slice_of(rest.ptr, 0);
        while (rest.ptr != NULL) {
            struct slice word = command_next_word(&rest);
            struct slice step = slice_of(before.ptr, (size_t)(word.ptr + word.len - before.ptr));
            if (rest.ptr == NULL || group_begins(table, i, step)) {
                buffer_append_text(out, separator);
                buffer_append_slice(out, before);
                buffer_append_byte(out, ' ');
                buffer_append_slice(out, word);
                buffer_append_byte(out, '\'');
                separator = " | '";
            }
            before = step;
        }
    }
}

/* The part of the name before its last word: "policy" for "policy log"; empty for "serve". */
static struct slice group_of(const char *name)
{
    const char *last = strrchr(name, ' ');
    return slice_of(name, last == NULL ? 0 : (size_t)(last - name));
}

static const char *last_word(const char *name)
{
    struct slice group = group_of(name);
    return group.len > 0 ? name + group.len + 1 : name;
}

/* ---- bash ---- */

static void bash_options(const struct option_table *options, struct buffer *out)
{
    const char *arguments = options->arguments;
    struct slice word;
    buffer_append_literal(out, "        words='");
    while (next_literal(&arguments, &word)) {
        buffer_append_slice(out, word);
        buffer_append_byte(out, ' ');
    }
    for (unsigned i = 0; i < options->option_count; i++)
        buffer_printf(out, "--%s ", options->options[i].name);
    buffer_append_literal(out, "--help'\n");
    if (strstr(options->arguments, "FILE") != NULL)
        buffer_append_literal(out, "        files=yes\n");
}

static void bash_values(const struct option_table *options, struct buffer *out)
{
    buffer_append_literal(out, "        case \"$prev\" in\n");
    for (unsigned i = 0; i < options->option_count; i++) {
        const struct option *option = &options->options[i];
        if (option->type == OPTION_FLAG)
            continue;
        buffer_append_literal(out, "        ");
        if (option->letter != '\0')
            buffer_printf(out, "-%c | ", option->letter);
        buffer_printf(out, "--%s) value=%s ;;\n", option->name,
                      takes_file(option) ? "file" : "other");
    }
    buffer_append_literal(out, "        esac\n");
}

static void bash_group(const struct command_table *table, struct slice group, struct buffer *out)
{
    buffer_append_literal(out, "    '");
    buffer_append_slice(out, group);
    buffer_append_literal(out, "')\n        words='");
    for (unsigned i = 0; i < table->count; i++) {
        struct slice rest = slice_from_text(table->commands[i].options->command);
        if (group.len > 0) {
            if (!slice_equal(group_of(rest.ptr), group))
                continue;
            buffer_append_text(out, last_word(rest.ptr));
        } else {
            struct slice first = command_next_word(&rest);
            if (rest.ptr != NULL && !group_begins(table, i, first))
                continue;
            buffer_append_slice(out, first);
        }
        buffer_append_byte(out, ' ');
    }
    buffer_append_text(out, group.len > 0 ? "--help'\n        ;;\n"
                                          : "help --help --version'\n        ;;\n");
}

void completion_write_bash(const struct command_table *table, struct buffer *out)
{
    buffer_printf(out,
                  "# Completion of %s for bash, written by `%s completion bash`.\n"
                  "_%s() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local command= words= files= value= at\n"
                  "    COMPREPLY=()\n"
                  "    # `--name=value` reaches us as three words.\n"
                  "    if [[ $cur == = ]]; then\n"
                  "        cur=\n"
                  "    elif [[ $prev == = ]]; then\n"
                  "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                  "    fi\n"
                  "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                  "        case \"$command ${COMP_WORDS[at]}\" in\n        ",
                  table->program, table->program, table->program);
    append_steps(table, out);
    buffer_append_literal(out, ")\n"
                               "            command=\"${command:+$command }${COMP_WORDS[at]}\" ;;\n"
                               "        *) break ;;\n"
                               "        esac\n"
                               "    done\n"
                               "    case \"$command\" in\n");
    bash_group(table, slice_of("", 0), out);
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_table *options = table->commands[i].options;
        struct slice group = group_of(options->command);
        if (group.len > 0 && group_begins(table, i, group))
            bash_group(table, group, out);
        buffer_printf(out, "    '%s')\n", options->command);
        bash_options(options, out);
        bash_values(options, out);
        buffer_append_literal(out, "        ;;\n");
    }
    buffer_append_literal(
        out, "    esac\n"
             "    if [[ $value == file || ( -z $value && -n $files && $cur != -* ) ]]; then\n"
             "        compopt -o filenames 2>/dev/null\n"
             "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
             "    elif [[ -z $value ]]; then\n"
             "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
             "    fi\n"
             "}\n");
    buffer_printf(out, "complete -F _%s %s\n", table->program, table->program);
}

/* ---- zsh ---- */

static void zsh_option(const struct option *option, struct buffer *out)
{
    const char *repeat = option->type == OPTION_LIST ? "*" : "";
    const char *equals = option->type == OPTION_FLAG ? "" : "=";
    buffer_append_literal(out, " \\\n            ");
    if (option->letter != '\0' && option->type != OPTION_LIST)
        buffer_printf(out, "'(-%c --%s)'", option->letter, option->name);
    if (option->letter != '\0')
        buffer_printf(out, "%s{-%c%s,--%s%s}'[", repeat[0] != '\0' ? "'*'" : "", option->letter,
                      option->type == OPTION_FLAG ? "" : "+", option->name, equals);
    else
        buffer_printf(out, "'%s--%s%s[", repeat, option->name, equals);
    append_quoted(out, option->help, "[]:\\");
    buffer_append_byte(out, ']');
    if (option->type != OPTION_FLAG)
        buffer_printf(out, ":%s:%s", option->argument != NULL ? option->argument : "value",
                      takes_file(option) ? "_files" : "");
    buffer_append_byte(out, '\'');
}

static void zsh_command(const struct option_table *options, struct buffer *out)
{
    buffer_printf(out, "    '%s')\n        _arguments", options->command);
    for (unsigned i = 0; i < options->option_count; i++)
        zsh_option(&options->options[i], out);
    buffer_append_literal(out, " \\\n            '--help[show help]'");
    const char *arguments = options->arguments;
    struct slice word;
    if (strstr(arguments, "FILE") != NULL) {
        buffer_append_literal(out, " \\\n            '*:file:_files'");
    } else if (next_literal(&arguments, &word)) {
        buffer_append_literal(out, " \\\n            '1:argument:(");
        do {
            buffer_append_slice(out, word);
            buffer_append_byte(out, ' ');
        } while (next_literal(&arguments, &word));
        buffer_append_literal(out, ")'");
    }
    buffer_append_literal(out, "\n        ;;\n");
}

static void zsh_group(const struct command_table *table, struct slice group, struct buffer *out)
{
    buffer_append_literal(out, "    '");
    buffer_append_slice(out, group);
    buffer_append_literal(out, "')\n        commands=(");
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_table *options = table->commands[i].options;
        struct slice rest = slice_from_text(options->command);
        struct slice first = command_next_word(&rest);
        if (group.len == 0 && rest.ptr != NULL) {
            if (group_begins(table, i, first)) {
                buffer_append_literal(out, "\n            '");
                buffer_append_slice(out, first);
                buffer_append_byte(out, '\'');
            }
            continue;
        }
        if (!slice_equal(group_of(options->command), group))
            continue;
        buffer_printf(out, "\n            '%s:", last_word(options->command));
        append_quoted(out, options->summary, ":\\");
        buffer_append_byte(out, '\'');
    }
    if (group.len == 0)
        buffer_append_literal(out, "\n            'help:Shows help.'");
    buffer_append_literal(out, ")\n        _describe command commands\n        ;;\n");
}

void completion_write_zsh(const struct command_table *table, struct buffer *out)
{
    buffer_printf(out,
                  "#compdef %s\n"
                  "# Completion of %s for zsh, written by `%s completion zsh`.\n"
                  "_%s() {\n"
                  "    local command=\n"
                  "    local -i at=2\n"
                  "    local -a commands\n"
                  "    while (( at < CURRENT )); do\n"
                  "        case \"$command $words[at]\" in\n        ",
                  table->program, table->program, table->program, table->program);
    append_steps(table, out);
    buffer_append_literal(out, ")\n"
                               "            command=\"${command:+$command }$words[at]\" ;;\n"
                               "        *) break ;;\n"
                               "        esac\n"
                               "        (( at++ ))\n"
                               "    done\n"
                               "    # From here on as if the command's name were one word.\n"
                               "    words=(\"$command\" \"${(@)words[at,-1]}\")\n"
                               "    (( CURRENT -= at - 2 ))\n"
                               "    case \"$command\" in\n");
    zsh_group(table, slice_of("", 0), out);
    for (unsigned i = 0; i < table->count; i++) {
        struct slice group = group_of(table->commands[i].options->command);
        if (group.len > 0 && group_begins(table, i, group))
            zsh_group(table, group, out);
        zsh_command(table->commands[i].options, out);
    }
    buffer_printf(out,
                  "    esac\n"
                  "}\n"
                  "if [[ $funcstack[1] == _%s ]]; then\n"
                  "    _%s \"$@\"\n"
                  "else\n"
                  "    compdef _%s %s\n"
                  "fi\n",
                  table->program, table->program, table->program, table->program);
}

int completion_run(const struct command_table *table, int argc, char **argv)
{
    int code = command_begin(&completion_option_table, NULL, &argc, argv);
    if (code >= 0)
        return code;
    AUTO_BUFFER struct buffer script = BUFFER_EMPTY;
    if (argc == 1 && strcmp(argv[0], "bash") == 0) {
        completion_write_bash(table, &script);
    } else if (argc == 1 && strcmp(argv[0], "zsh") == 0) {
        completion_write_zsh(table, &script);
    } else {
        fprintf(stderr, "%s completion: name one shell, bash or zsh\n", table->program);
        return COMMAND_USAGE;
    }
    if (script.failed || fwrite(script.data, 1, script.len, stdout) != script.len)
        return COMMAND_FAILED;
    return COMMAND_DONE;
}

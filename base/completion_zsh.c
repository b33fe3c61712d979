/* SPDX-License-Identifier: Apache-2.0
 *
 * The script for zsh: finds the command as the one for bash does and leaves the rest to _arguments.
 */
#include "base/completion_offer.h"

#include <string.h>

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

/* The action of _arguments for an offer; nothing for none. A blank before a function keeps
 * _arguments from adding options of its own to the call. */
static void zsh_offer(const char *program, struct completion_offer offer, struct buffer *out)
{
    switch (offer.kind) {
    case OFFER_NOTHING:
        return;
    case OFFER_FILES:
        buffer_append_literal(out, "_files");
        return;
    case OFFER_FOLDERS:
        buffer_append_literal(out, "_files -/");
        return;
    case OFFER_WORDS:
        buffer_printf(out, " _%s_words %s", program, completion_words_names[offer.words]);
        return;
    case OFFER_FIXED:
        buffer_append_byte(out, '(');
        for (const char *at = offer.fixed; *at != '\0'; at++)
            buffer_append_byte(out, *at == '|' ? ' ' : *at);
        buffer_append_byte(out, ')');
        return;
    }
}

static void zsh_option(const char *program, const struct option *option, struct buffer *out)
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
    if (option->type != OPTION_FLAG) {
        buffer_append_byte(out, ':');
        append_quoted(out, option->argument != NULL ? option->argument : "value", ":\\");
        buffer_append_byte(out, ':');
        zsh_offer(program, completion_option_offer(option), out);
    }
    buffer_append_byte(out, '\'');
}

static void zsh_arguments(const char *program, const char *arguments, struct buffer *out)
{
    struct completion_offer offer = completion_arguments_offer(arguments);
    const char *place = strstr(arguments, "...") != NULL ? "*" : "1";
    struct slice word;
    if (completion_takes_request(arguments)) {
        buffer_printf(out, " \\\n            '*:argument: _%s_request %s'", program,
                      offer.kind == OFFER_WORDS ? completion_words_names[offer.words] : "");
    } else if (offer.kind != OFFER_NOTHING) {
        buffer_printf(out, " \\\n            '%s:argument:", place);
        zsh_offer(program, offer, out);
        buffer_append_byte(out, '\'');
    } else if (completion_next_literal(&arguments, &word)) {
        buffer_printf(out, " \\\n            '%s:argument:(", place);
        do {
            buffer_append_slice(out, word);
            buffer_append_byte(out, ' ');
        } while (completion_next_literal(&arguments, &word));
        buffer_append_literal(out, ")'");
    }
}

static void zsh_command(const char *program, const struct option_table *options, struct buffer *out)
{
    buffer_printf(out, "    '%s')\n        _arguments", options->command);
    for (unsigned i = 0; i < options->option_count; i++)
        zsh_option(program, &options->options[i], out);
    buffer_append_literal(out, " \\\n            '--help[show help]'");
    zsh_arguments(program, options->arguments, out);
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
            if (completion_group_begins(table, i, first)) {
                buffer_append_literal(out, "\n            '");
                buffer_append_slice(out, first);
                buffer_append_byte(out, '\'');
            }
            continue;
        }
        if (!slice_equal(completion_group_of(options->command), group))
            continue;
        buffer_printf(out, "\n            '%s:", completion_last_word(options->command));
        append_quoted(out, options->summary, ":\\");
        buffer_append_byte(out, '\'');
    }
    if (group.len == 0)
        buffer_append_literal(out, "\n            'help:Shows help.'");
    buffer_append_literal(out, ")\n        _describe command commands\n        ;;\n");
}

/* What is asked of the program, with $program and $config of the function that calls them and the
 * plain arguments that _arguments leaves in $line. */
static void zsh_helpers(const char *program, struct buffer *out)
{
    buffer_printf(
        out,
        "_%s_words() {\n"
        "    local line\n"
        "    local -a offers\n"
        "    [[ $1 == (hosts|operations) ]] && compset -P '*,'\n"
        "    for line in ${(f)\"$($program completion words $1 \"${(Q)PREFIX}\" \"$config\" "
        "2>/dev/null)\"}; do\n"
        "        offers+=(\"${${line%%%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
        "    done\n"
        "    _describe -t $1 ${1%%s} offers\n"
        "}\n",
        program);
    buffer_printf(out,
                  "_%s_request() {\n"
                  "    local -a kinds=('docker:operations of the Engine API' 'network:hosts')\n"
                  "    if (( $#line > 1 )) && [[ $line[1] == docker ]]; then\n"
                  "        _%s_words operations\n"
                  "    elif (( $#line > 1 )) && [[ $line[1] == network ]]; then\n"
                  "        _%s_words hosts\n"
                  "    else\n"
                  "        (( $#line < 2 )) && _describe -t kinds kind kinds\n"
                  "        [[ -n $1 ]] && _%s_words $1\n"
                  "    fi\n"
                  "}\n",
                  program, program, program, program);
}

void completion_write_zsh(const struct command_table *table, struct buffer *out)
{
    buffer_printf(out,
                  "#compdef %s\n"
                  "# Completion of %s for zsh, written by `%s completion zsh`.\n",
                  table->program, table->program, table->program);
    zsh_helpers(table->program, out);
    buffer_printf(out,
                  "_%s() {\n"
                  "    local command= config= program=${(Q)words[1]}\n"
                  "    local -i at\n"
                  "    local -a commands line\n"
                  "    local -A opt_args\n"
                  "    at=${words[(I)(-c|--config)]}\n"
                  "    (( at > 0 )) && config=${(Q)words[at + 1]}\n"
                  "    at=${words[(I)--config=*]}\n"
                  "    (( at > 0 )) && config=${(Q)words[at]#*=}\n"
                  "    at=2\n"
                  "    while (( at < CURRENT )); do\n"
                  "        case \"$command $words[at]\" in\n        ",
                  table->program);
    completion_append_steps(table, out);
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
        struct slice group = completion_group_of(table->commands[i].options->command);
        if (group.len > 0 && completion_group_begins(table, i, group))
            zsh_group(table, group, out);
        zsh_command(table->program, table->commands[i].options, out);
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * The script for bash: a function that finds the command among the words before the cursor, then
 * the argument that is being typed, then what fits. The tables become `case` branches; the rest is
 * the same for every program. */
#include "base/completion_offer.h"

#include <string.h>

/* "=yes no" for fixed words, else the name of what is offered. */
static void bash_offer(struct completion_offer offer, struct buffer *out)
{
    switch (offer.kind) {
    case OFFER_NOTHING:
        buffer_append_literal(out, "nothing");
        return;
    case OFFER_FILES:
        buffer_append_literal(out, "files");
        return;
    case OFFER_FOLDERS:
        buffer_append_literal(out, "folders");
        return;
    case OFFER_WORDS:
        buffer_append_text(out, completion_words_names[offer.words]);
        return;
    case OFFER_FIXED:
        buffer_append_byte(out, '=');
        for (const char *at = offer.fixed; *at != '\0'; at++)
            buffer_append_byte(out, *at == '|' ? ' ' : *at);
        return;
    }
}

static void bash_names(const struct option_table *options, struct buffer *out)
{
    buffer_append_literal(out, "        options='");
    for (unsigned i = 0; i < options->option_count; i++)
        buffer_printf(out, "--%s ", options->options[i].name);
    buffer_append_literal(out, "--help'\n");
}

/* What is offered behind each option that takes a value. */
static void bash_values(const struct option_table *options, struct buffer *out)
{
    buffer_append_literal(out, "        values=(");
    for (unsigned i = 0; i < options->option_count; i++) {
        const struct option *option = &options->options[i];
        if (option->type == OPTION_FLAG)
            continue;
        const char letter[] = {'-', option->letter, '\0'};
        for (int form = option->letter != '\0' ? 0 : 1; form < 2; form++) {
            buffer_printf(out, "[%s%s]='", form == 0 ? letter : "--",
                          form == 0 ? "" : option->name);
            bash_offer(completion_option_offer(option), out);
            buffer_append_literal(out, "' ");
        }
    }
    buffer_append_literal(out, ")\n");
}

static void bash_arguments(const char *arguments, struct buffer *out)
{
    struct slice word;
    const char *rest = arguments;
    buffer_append_literal(out, "        words='");
    while (completion_next_literal(&rest, &word)) {
        buffer_append_slice(out, word);
        buffer_append_byte(out, ' ');
    }
    buffer_append_literal(out, "' argument=");
    bash_offer(completion_arguments_offer(arguments), out);
    if (strstr(arguments, "...") != NULL)
        buffer_append_literal(out, " many=yes");
    if (completion_takes_request(arguments))
        buffer_append_literal(out, " request=yes");
    buffer_append_byte(out, '\n');
}

static void bash_group(const struct command_table *table, struct slice group, struct buffer *out)
{
    buffer_append_literal(out, "    '");
    buffer_append_slice(out, group);
    buffer_append_literal(out, "')\n        words='");
    for (unsigned i = 0; i < table->count; i++) {
        struct slice rest = slice_from_text(table->commands[i].options->command);
        if (group.len > 0) {
            if (!slice_equal(completion_group_of(rest.ptr), group))
                continue;
            buffer_append_text(out, completion_last_word(rest.ptr));
        } else {
            struct slice first = command_next_word(&rest);
            if (rest.ptr != NULL && !completion_group_begins(table, i, first))
                continue;
            buffer_append_slice(out, first);
        }
        buffer_append_byte(out, ' ');
    }
    buffer_append_text(out, group.len > 0 ? "'\n        options='--help'\n        ;;\n"
                                          : "help'\n        options='--help --version'\n"
                                            "        ;;\n");
}

/* The words typed so far, whole: the shell also cuts them at `=`, `:` and `@`. */
static const char bash_begin[] =
    "    local program=${COMP_WORDS[0]/#\\~\\//$HOME/} line=${COMP_LINE:0:COMP_POINT}\n"
    "    local -a typed=() plain=()\n"
    "    local -A values=()\n"
    "    local word text at last command= options= words= argument=nothing many= request= value=\n"
    "    local config= cur raw cut before= quote=\n"
    "    COMPREPLY=()\n"
    "    for ((at = 0; at <= COMP_CWORD; at++)); do\n"
    "        word=${COMP_WORDS[at]}\n"
    "        if ((at > 0)) && [[ -n $word && -n $line && $line != [[:blank:]]* ]]; then\n"
    "            typed[${#typed[@]} - 1]+=$word\n"
    "        else\n"
    "            typed+=(\"$word\")\n"
    "            line=${line#\"${line%%[![:blank:]]*}\"}\n"
    "        fi\n"
    "        [[ $line == \"$word\"* ]] && line=${line#\"$word\"} || line=\n"
    "    done\n"
    "    last=$((${#typed[@]} - 1))\n"
    "    for ((at = 1; at < last; at++)); do\n"
    "        case \"$command ${typed[at]}\" in\n        ";

/* Which argument is being typed, and what fits there. */
static const char bash_find[] =
    "    for (( ; at < last; at++)); do\n"
    "        word=${typed[at]}\n"
    "        if [[ -n $word && -n ${values[$word]} ]]; then\n"
    "            ((++at == last)) && value=${values[$word]}\n"
    "            [[ $word == -c || $word == --config ]] && config=${typed[at]}\n"
    "        elif [[ $word == --config=* ]]; then\n"
    "            config=${word#*=}\n"
    "        elif [[ $word != -* ]]; then\n"
    "            plain+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "    cur=${typed[last]} raw=$2\n"
    "    if [[ -z $value && $cur == --*=* ]]; then\n"
    "        word=${cur%%=*} value=${values[${cur%%=*}]:-nothing} cur=${cur#*=}\n"
    "    fi\n"
    "    [[ ${COMP_WORDS[COMP_CWORD]} == [\\\"\\']* ]] && quote=yes\n"
    "    raw=${raw#[\\\"\\']} cur=${cur#[\\\"\\']}\n"
    "    raw=${raw//\\\\/} cur=${cur//\\\\/}\n"
    "    cut=${cur%\"$raw\"} # the shell keeps what stands before the word that it sees\n"
    "    if [[ -z $value ]]; then\n"
    "        if [[ $cur == -* ]]; then\n"
    "            value==$options\n"
    "        elif [[ -n $request && ${plain[0]} == docker ]]; then\n"
    "            value=operations words=\n"
    "        elif [[ -n $request && ${plain[0]} == network ]]; then\n"
    "            value=hosts words=\n"
    "        elif ((${#plain[@]} == 0)) || [[ -n $many ]]; then\n"
    "            value=$argument\n"
    "            ((${#plain[@]} > 0)) && words=\n"
    "            [[ -z $words && $value == nothing ]] && value==$options\n"
    "        else\n"
    "            value==$options words=\n"
    "        fi\n"
    "    else\n"
    "        words=\n"
    "    fi\n";

/* The offers, as the shell wants them: without what it keeps, and quoted. */
static const char bash_offers[] =
    "    case \"$value\" in\n"
    "    nothing) ;;\n"
    "    files | folders)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        word=-f\n"
    "        [[ $value == folders ]] && word=-d\n"
    "        mapfile -t COMPREPLY < <(compgen \"$word\" -- \"$cur\")\n"
    "        COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
    "        ;;\n"
    "    =*) words+=\" ${value#=}\" ;;\n"
    "    *)\n"
    "        [[ $value == hosts || $value == operations ]] && before=${cur%\"${cur##*,}\"}\n"
    "        while IFS=$'\\t' read -r word text; do\n"
    "            word=$before$word\n"
    "            word=${word#\"$cut\"}\n"
    "            [[ -z $quote && $word == *[!A-Za-z0-9@%_+=:,./-]* ]] && printf -v word %q "
    "\"$word\"\n"
    "            # Nobody knows an id by heart: a list has the rules beside the ids.\n"
    "            [[ $value == rules && ${COMP_TYPE:-9} != 9 ]] && word+=$'\\t'\"($text)\"\n"
    "            COMPREPLY+=(\"$word\")\n"
    "        done < <(\"$program\" completion words \"$value\" \"${cur#\"$before\"}\" \"$config\" "
    "2>/dev/null)\n"
    "        ((${#COMPREPLY[@]} == 1)) && COMPREPLY=(\"${COMPREPLY[0]%%$'\\t'*}\")\n"
    "        COMPREPLY=(\"${COMPREPLY[@]//$'\\t'/  }\")\n"
    "        ;;\n"
    "    esac\n"
    "    for word in $words; do\n"
    "        [[ $word == \"$cur\"* ]] && COMPREPLY+=(\"${word#\"$cut\"}\")\n"
    "    done\n"
    "    return 0\n"
    "}\n";

void completion_write_bash(const struct command_table *table, struct buffer *out)
{
    buffer_printf(out,
                  "# Completion of %s for bash, written by `%s completion bash`.\n"
                  "_%s() {\n",
                  table->program, table->program, table->program);
    buffer_append_text(out, bash_begin);
    completion_append_steps(table, out);
    buffer_append_literal(out, ")\n"
                               "            command=\"${command:+$command }${typed[at]}\" ;;\n"
                               "        *) break ;;\n"
                               "        esac\n"
                               "    done\n"
                               "    case \"$command\" in\n");
    bash_group(table, slice_of("", 0), out);
    for (unsigned i = 0; i < table->count; i++) {
        const struct option_table *options = table->commands[i].options;
        struct slice group = completion_group_of(options->command);
        if (group.len > 0 && completion_group_begins(table, i, group))
            bash_group(table, group, out);
        buffer_printf(out, "    '%s')\n", options->command);
        bash_names(options, out);
        bash_values(options, out);
        bash_arguments(options->arguments, out);
        buffer_append_literal(out, "        ;;\n");
    }
    buffer_append_literal(out, "    esac\n");
    buffer_append_text(out, bash_find);
    buffer_append_text(out, bash_offers);
    buffer_printf(out, "complete -F _%s %s\n", table->program, table->program);
}

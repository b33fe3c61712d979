/* SPDX-License-Identifier: Apache-2.0
 *
 * Shell completion, written from the table of commands and their option tables, so that it can
 * never lag behind them. What a value is called in the table (`argument` of an option, `arguments`
 * of a command) says what is offered for it:
 *
 *   FILE, PATH        files
 *   FOLDER, DIR       folders
 *   CLIENT, SANDBOX   clients of the policy; also --client and --sandbox, whatever they call it
 *   ID, RULE          rules of the policy, by id
 *   SOURCE            rules of the policy, by place ("policy.yaml:14"); also --rule
 *   HOST, RES         hosts of the policy's rules
 *   OPERATION         operations of the Docker Engine API and sets of them
 *   PRESET            built-in presets
 *   METHOD            methods of HTTP
 *   yes|no            these words; lower-case words of `arguments` stand for themselves, too, and
 *                     where they are `docker` and `network`, operations and hosts follow them
 *
 * What is not known before somebody types is asked of the program itself, by `completion words`. */
#ifndef DOCKREEVE_BASE_COMPLETION_H
#define DOCKREEVE_BASE_COMPLETION_H

#include "base/buffer.h"
#include "base/command.h"

/* What only the program knows, by the name that the scripts give it. */
enum completion_words {
    COMPLETION_CLIENTS,
    COMPLETION_RULES,
    COMPLETION_SOURCES,
    COMPLETION_HOSTS,
    COMPLETION_OPERATIONS,
    COMPLETION_PRESETS,
};
enum { COMPLETION_WORDS_COUNT = COMPLETION_PRESETS + 1 };

/* Appends "word TAB description LINE-END" for what begins with `prefix`. The policy is the one that
 * `config` names, NULL = the default one. Says nothing of failures: who completes has no place to
 * read it. */
typedef void completion_words_write(enum completion_words words, struct slice prefix,
                                    const char *config, struct buffer *out);

extern const struct option_table completion_option_table;

/* Append the script for bash or zsh. */
void completion_write_bash(const struct command_table *table, struct buffer *out);
void completion_write_zsh(const struct command_table *table, struct buffer *out);

/* `completion bash|zsh` prints the script; `completion words KIND PREFIX CONFIG`, which the scripts
 * use and people need not know, what `write` knows ("" = no prefix, the default policy). Returns
 * the exit code. */
int completion_run(const struct command_table *table, completion_words_write *write, int argc,
                   char **argv);

#endif

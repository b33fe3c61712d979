/* SPDX-License-Identifier: Apache-2.0
 *
 * Shell completion. The scripts for the shells are short and know nothing: what fits is asked of the
 * program, by `completion words`, which reads the table of commands and their option tables and so
 * can never lag behind them. What a value is called in the table (`argument` of an option, `arguments`
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
 *                     where they are `docker` and `network`, operations and hosts follow them */
#pragma once

#include "base/buffer.h"
#include "base/cli/command.h"

/* What only the policy, or the tables of the rules, know. */
enum completion_words {
    COMPLETION_CLIENTS,
    COMPLETION_RULES,
    COMPLETION_SOURCES,
    COMPLETION_HOSTS,
    COMPLETION_OPERATIONS,
    COMPLETION_PRESETS,
};

struct completion_question {
    enum completion_words words;
    bool own;            /* only of the rules that commands added to the policy */
    struct slice prefix; /* of the words */
    const char *config;  /* the policy; NULL = the default one */
};

/* Appends "word TAB description LINE-END" for what fits. Says nothing of failures: who completes has
 * no place to read it. */
typedef void completion_words_write(const struct completion_question *question, struct buffer *out);

/* `completion bash|zsh|fish` prints the script; `completion words WORD...`, which the scripts use and
 * people need not know, what completion_append() says. */
extern const struct option_table completion_option_table;
/* Its context. */
struct completion_context {
    const struct command_table *table;
    completion_words_write *write;
};

/* Appends what fits in place of words[count - 1], which may be empty, behind the others (those after
 * the program's name; count > 0): lines of "word TAB description", or ":files TAB prefix" (":folders
 * …") where the shell is to offer files for what stands behind the prefix. `write` knows the words of
 * the policy. */
void completion_append(const struct command_table *table, completion_words_write *write, int count,
                       char **words, struct buffer *out);

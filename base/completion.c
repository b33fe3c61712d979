/* SPDX-License-Identifier: Apache-2.0
 *
 * `completion`: the scripts, and what they ask for while somebody types. */
#include "base/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/completion_offer.h"

const struct option_table completion_option_table = {
    .command = "completion",
    .arguments = "bash|zsh",
    .summary = "Prints the completion script for a shell.",
    .examples = "  source <(dockreeve completion bash)\n"
                "  dockreeve completion zsh > /usr/local/share/zsh/site-functions/_dockreeve\n",
};

/* `words KIND PREFIX CONFIG`. */
static int write_words(completion_words_write *write, int argc, char **argv, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(completion_words_names); i++) {
        if (argc == 3 && strcmp(argv[0], completion_words_names[i]) == 0) {
            write((enum completion_words)i, slice_from_text(argv[1]),
                  argv[2][0] != '\0' ? argv[2] : NULL, out);
            return COMMAND_DONE;
        }
    }
    return COMMAND_USAGE;
}

int completion_run(const struct command_table *table, completion_words_write *write, int argc,
                   char **argv)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    int code = COMMAND_DONE;
    /* Before the options are read: a prefix may begin with a dash. */
    if (argc > 0 && strcmp(argv[0], "words") == 0) {
        code = write_words(write, argc - 1, argv + 1, &out);
    } else {
        code = command_begin(&completion_option_table, NULL, &argc, argv);
        if (code >= 0)
            return code;
        code = COMMAND_DONE;
        if (argc == 1 && strcmp(argv[0], "bash") == 0) {
            completion_write_bash(table, &out);
        } else if (argc == 1 && strcmp(argv[0], "zsh") == 0) {
            completion_write_zsh(table, &out);
        } else {
            fprintf(stderr, "%s completion: name one shell, bash or zsh\n", table->program);
            return COMMAND_USAGE;
        }
    }
    if (out.failed || (out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len))
        return COMMAND_FAILED;
    return code;
}

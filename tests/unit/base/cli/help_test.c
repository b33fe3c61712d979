/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/cli/help.h"

static const struct option options[] = {
    OPTION_NUMBER_ROW(OPTION_NUMBER, "limit", "N", "50", 1, 1000, "how many", .letter = 'n',
                      .environment = "TEST_LIMIT"),
    OPTION_FLAG_ROW("follow", "go on reading", .letter = 'f', .environment = "TEST_FOLLOW"),
    OPTION_TEXT_ROW(OPTION_LIST, "listen", "ADDRESS", "where to listen", .letter = 'l',
                    .environment = "TEST_LISTEN", .initial = "unix:/a"),
    OPTION_NUMBER_ROW(OPTION_BYTES, "buffer", "BYTES", "64k", 1024, 64 << 20,
                      "how much to hold before the sender has to wait, which this sentence says at "
                      "such length that it must be broken into lines"),
    OPTION_NUMBER_ROW(OPTION_DURATION, "connect-timeout-of-the-upstream", "TIME", "10s", 250, 60000,
                      "how long"),
    OPTION_TEXT_ROW(OPTION_CHOICE, "kind", "docker|network|any-other", "of which kind"),
};
static const struct option_table table = {.command = "test it",
                                          .arguments = "[NAME], or many more words that say what "
                                                       "else may stand behind the command",
                                          .summary = "Tests the options.",
                                          .options = options,
                                          .option_count = ARRAY_LEN(options),
                                          .examples = "  dockreeve test it\n"};

/* To be freed. */
static char *help_at(const char *columns)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (columns == NULL)
        unsetenv("COLUMNS");
    else
        setenv("COLUMNS", columns, 1);
    help_print_command(&table, out);
    fclose(out);
    unsetenv("COLUMNS");
    return text;
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        longest = (size_t)(end - line) > longest ? (size_t)(end - line) : longest;
        line = end + 1;
    }
    return longest;
}

Test(help, shows_what_the_table_knows)
{
    AUTO_FREE char *text = help_at(NULL);
    cr_assert_str_eq(
        text, "Usage: dockreeve test it [OPTIONS] [NAME], or many more words that say what else\n"
              "       may stand behind the command\n"
              "\n"
              "Tests the options.\n"
              "\n"
              "Options:\n"
              "  -n, --limit N         how many [default 50; 1 to 1000; environment TEST_LIMIT]\n"
              "  -f, --follow          go on reading [environment TEST_FOLLOW]\n"
              "  -l, --listen ADDRESS  where to listen [repeatable; default unix:/a;\n"
              "                        environment TEST_LISTEN]\n"
              "      --buffer BYTES    how much to hold before the sender has to wait, which\n"
              "                        this sentence says at such length that it must be broken\n"
              "                        into lines [default 64k; 1k to 64m]\n"
              "      --connect-timeout-of-the-upstream TIME\n"
              "                        how long [default 10s; 250ms to 1m]\n"
              "      --kind docker|network|any-other\n"
              "                        of which kind\n"
              "  -h, --help            show this help\n"
              "\n"
              "Examples:\n"
              "  dockreeve test it\n");
}

Test(help, lines_are_as_long_as_the_terminal_is_wide)
{
    static const struct {
        const char *columns; /* NULL = not said */
        size_t longest;
    } rows[] = {{NULL, 80}, {"", 80},   {"0", 80},  {"wide", 80},
                {"60", 60}, {"96", 96}, {"80", 80}, {"1000", 100}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = help_at(rows[i].columns);
        size_t longest = longest_line(text);
        cr_expect(longest <= rows[i].longest && longest > rows[i].longest - 12, "%s: %zu",
                  rows[i].columns, longest);
    }
    AUTO_FREE char *narrow = help_at("1"), *narrowest = help_at("40");
    cr_expect_str_eq(narrow, narrowest);
}

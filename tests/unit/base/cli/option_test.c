/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/cli/option.h"

enum { LIMIT, FOLLOW, LOG, LISTEN, BUFFER, TIMEOUT, PORT, KIND, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [LIMIT] = OPTION_NUMBER_ROW(OPTION_NUMBER, "limit", "N", "50", 1, 1000, "how many",
                                .letter = 'n', .environment = "TEST_LIMIT"),
    [FOLLOW] =
        OPTION_FLAG_ROW("follow", "go on reading", .letter = 'f', .environment = "TEST_FOLLOW"),
    [LOG] = OPTION_TEXT_ROW(OPTION_TEXT, "log", "FILE", "the log", .environment = "TEST_LOG"),
    [LISTEN] = OPTION_TEXT_ROW(OPTION_LIST, "listen", "ADDRESS", "where to listen", .letter = 'l',
                               .environment = "TEST_LISTEN", .initial = "unix:/a"),
    [BUFFER] = OPTION_NUMBER_ROW(OPTION_BYTES, "buffer", "BYTES", "64k", 1024, 64 << 20,
                                 "how much to hold before the sender has to wait, which this "
                                 "sentence says at such length that it must be broken into lines"),
    [TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "connect-timeout-of-the-upstream", "TIME", "10s",
                                  250, 60000, "how long"),
    [PORT] =
        OPTION_TEXT_ROW(OPTION_ONCE, "port", "PORTS", "which ports", .environment = "TEST_PORT"),
    [KIND] = OPTION_TEXT_ROW(OPTION_CHOICE, "kind", "docker|network|any", "of which kind",
                             .environment = "TEST_KIND"),
};
static const struct option_table table = {.command = "test it",
                                          .arguments = "[NAME]",
                                          .summary = "Tests the options.",
                                          .options = options,
                                          .option_count = OPTION_COUNT,
                                          .examples = "  dockreeve test it\n"};

struct outcome {
    bool good, help;
    int argc;
    char *argv[16];
    struct option_value values[OPTION_COUNT];
    struct error error;
};

/* Parses the words of `line`, which are separated by single spaces. */
static struct outcome parse(const char *line)
{
    static char copy[8][256]; /* the outcome borrows the words */
    static unsigned turn;
    struct outcome outcome = {0};
    char *text = copy[turn++ % ARRAY_LEN(copy)];
    snprintf(text, sizeof(copy[0]), "%s", line);
    int argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        outcome.argv[argc++] = word;
    outcome.good = option_parse(&table, outcome.values, argc, outcome.argv, &outcome.argc,
                                &outcome.help, &outcome.error);
    return outcome;
}

static void forget_environment(void)
{
    unsetenv("TEST_LIMIT");
    unsetenv("TEST_FOLLOW");
    unsetenv("TEST_LOG");
    unsetenv("TEST_LISTEN");
}

TestSuite(option, .init = forget_environment);

Test(option, what_is_said_once_is_not_said_twice)
{
    setenv("TEST_PORT", "22", 1);
    struct outcome outcome = parse("--port 80 a");
    unsetenv("TEST_PORT");
    cr_assert(outcome.good);
    cr_assert_str_eq(outcome.values[PORT].text, "80");
    outcome = parse("--port 80 a --port=443");
    cr_assert_not(outcome.good);
    cr_assert_str_eq(outcome.error.text, "--port may be given once");
    outcome = parse("--log a --log b");
    cr_assert(outcome.good);
    cr_assert_str_eq(outcome.values[LOG].text, "b");
}

Test(option, a_choice_is_one_of_its_words_and_known_by_its_number)
{
    static const char *const words[] = {"docker", "network", "any"};
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        char line[64];
        snprintf(line, sizeof(line), "--kind %s", words[i]);
        struct outcome o = parse(line);
        cr_expect(o.good && o.values[KIND].given, "%s", line);
        cr_expect_eq(o.values[KIND].number, i, "%s", line);
    }
    cr_expect_not(parse("").values[KIND].given);
    static const char *const bad[] = {"--kind=", "--kind=dock", "--kind=docker|network",
                                      "--kind=ANY"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct outcome o = parse(bad[i]);
        cr_expect_not(o.good, "%s", bad[i]);
        cr_expect(strstr(o.error.text, "--kind takes docker, network or any, not ") != NULL, "%s",
                  o.error.text);
    }
}

Test(option, defaults_come_from_the_table_and_do_not_count_as_given)
{
    struct outcome outcome = parse("");
    cr_assert(outcome.good, "%s", outcome.error.text);
    cr_assert_eq(outcome.values[LIMIT].number, 50);
    cr_assert_not(outcome.values[LIMIT].given);
    cr_assert_eq(outcome.values[BUFFER].number, 65536);
    cr_assert_eq(outcome.values[TIMEOUT].number, 10000);
    cr_assert_eq(outcome.values[LISTEN].list_count, 1);
    cr_assert_null(outcome.values[LOG].text);
    cr_assert_not(outcome.values[FOLLOW].flag);
}

Test(option, every_spelling_of_a_value_is_read)
{
    static const char *const lines[] = {"--limit=7", "--limit 7",     "-n 7",
                                        "-n7",       "--limit 3 -n7", "argument --limit=7"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct outcome outcome = parse(lines[i]);
        cr_assert(outcome.good, "%s: %s", lines[i], outcome.error.text);
        cr_assert_eq(outcome.values[LIMIT].number, 7, "%s", lines[i]);
        cr_assert(outcome.values[LIMIT].given, "%s", lines[i]);
    }
}

Test(option, a_value_may_begin_with_a_dash_or_be_empty)
{
    cr_assert_str_eq(parse("--log -").values[LOG].text, "-");
    cr_assert_str_eq(parse("--log -x").values[LOG].text, "-x");
    struct outcome outcome = parse("--log=");
    cr_assert(outcome.good);
    cr_assert_str_eq(outcome.values[LOG].text, "");
}

Test(option, arguments_are_gathered_in_order_and_two_dashes_end_the_options)
{
    struct outcome outcome = parse("one --limit 7 - -f -- --limit -n two --");
    cr_assert(outcome.good, "%s", outcome.error.text);
    static const char *const expected[] = {"one", "-", "--limit", "-n", "two", "--"};
    cr_assert_eq(outcome.argc, 6);
    for (int i = 0; i < outcome.argc; i++)
        cr_assert_str_eq(outcome.argv[i], expected[i]);
    cr_assert_eq(outcome.values[LIMIT].number, 7);
    cr_assert(outcome.values[FOLLOW].flag);
}

Test(option, a_list_adds_up_and_replaces_its_default)
{
    struct outcome outcome = parse("--listen unix:/b -ltcp:c");
    cr_assert_eq(outcome.values[LISTEN].list_count, 2);
    cr_assert_str_eq(outcome.values[LISTEN].list[0], "unix:/b");
    cr_assert_str_eq(outcome.values[LISTEN].list[1], "tcp:c");
}

Test(option, a_list_is_bounded)
{
    char word[] = "-lx";
    char *argv[OPTION_LIST_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        argv[i] = word;
    struct option_value values[OPTION_COUNT];
    struct error error = {0};
    bool help;
    int argc;
    cr_assert(option_parse(&table, values, OPTION_LIST_MAX, argv, &argc, &help, &error));
    cr_assert_eq(values[LISTEN].list_count, OPTION_LIST_MAX);
    cr_assert_not(option_parse(&table, values, OPTION_LIST_MAX + 1, argv, &argc, &help, &error));
}

Test(option, bytes_and_durations_have_units)
{
    static const struct {
        const char *line;
        unsigned option;
        uint64_t number;
    } rows[] = {
        {"--buffer 1024", BUFFER, 1024},
        {"--buffer 2k", BUFFER, 2048},
        {"--buffer 64m", BUFFER, 64 << 20},
        {"--buffer 64M", BUFFER, 64 << 20},
        {"--connect-timeout-of-the-upstream 250ms", TIMEOUT, 250},
        {"--connect-timeout-of-the-upstream 1m", TIMEOUT, 60000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome outcome = parse(rows[i].line);
        cr_assert(outcome.good, "%s: %s", rows[i].line, outcome.error.text);
        cr_assert_eq(outcome.values[rows[i].option].number, rows[i].number, "%s", rows[i].line);
    }
}

Test(option, errors_name_the_option_the_value_and_what_would_do)
{
    static const struct {
        const char *line, *text;
    } rows[] = {
        {"--limt 7", "unknown option `--limt`; did you mean --limit?"},
        {"--limt=secret", "unknown option `--limt`; did you mean --limit?"},
        {"--frobnicate", "unknown option `--frobnicate`; `dockreeve test it --help` lists them"},
        {"--lim 7", "unknown option `--lim`; `dockreeve test it --help` lists them"},
        {"-z", "unknown option `-z`; `dockreeve test it --help` lists them"},
        {"-fn", "-f takes no value and flags are not bundled: write each by itself"},
        {"--follow=1", "--follow takes no value"},
        {"--limit", "--limit needs a value (N)"},
        {"-n", "--limit needs a value (N)"},
        {"--limit 0", "--limit: `0` is out of range; it takes 1 to 1000"},
        {"--limit 1001", "--limit: `1001` is out of range; it takes 1 to 1000"},
        {"--limit=", "--limit: `` is not a whole number; it takes 1 to 1000"},
        {"--limit -5", "--limit: `-5` is not a whole number; it takes 1 to 1000"},
        {"--limit \x1b[31m", "--limit: `\\x1b[31m` is not a whole number; it takes 1 to 1000"},
        {"--buffer 65m", "--buffer: `65m` is out of range; it takes 1k to 64m"},
        {"--buffer 99999999999g", "--buffer: `99999999999g` is not a whole number of bytes, with "
                                  "k, m or g behind it if you like; it takes 1k to 64m"},
        {"--buffer m", "--buffer: `m` is not a whole number of bytes, with k, m or g behind it if "
                       "you like; it takes 1k to 64m"},
        {"--connect-timeout-of-the-upstream 2m",
         "--connect-timeout-of-the-upstream: `2m` is out of range; it takes 250ms to 1m"},
        {"--connect-timeout-of-the-upstream 10",
         "--connect-timeout-of-the-upstream: `10` is not a duration such as 250ms, 10s, 5m, 2h or "
         "1d; it takes 250ms to 1m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome outcome = parse(rows[i].line);
        cr_assert_not(outcome.good, "%s", rows[i].line);
        cr_assert_eq(outcome.error.exit_code, 2, "%s", rows[i].line);
        cr_assert_str_eq(outcome.error.text, rows[i].text);
    }
}

Test(option, a_command_without_arguments_refuses_them)
{
    struct option_table bare = table;
    bare.arguments = "";
    char word[] = "extra";
    char *argv[] = {word};
    struct option_value values[OPTION_COUNT];
    struct error error = {0};
    bool help;
    int argc;
    cr_assert_not(option_parse(&bare, values, 1, argv, &argc, &help, &error));
    cr_assert_str_eq(error.text, "takes no arguments, but got `extra`");
}

Test(option, the_environment_gives_the_default_when_it_is_not_empty)
{
    setenv("TEST_LIMIT", "9", 1);
    setenv("TEST_FOLLOW", "yes", 1);
    setenv("TEST_LOG", "", 1);
    setenv("TEST_LISTEN", "unix:/e", 1);
    struct outcome outcome = parse("");
    cr_assert(outcome.good, "%s", outcome.error.text);
    cr_assert_eq(outcome.values[LIMIT].number, 9);
    cr_assert(outcome.values[LIMIT].given);
    cr_assert(outcome.values[FOLLOW].flag);
    cr_assert_null(outcome.values[LOG].text);
    cr_assert_str_eq(outcome.values[LISTEN].list[0], "unix:/e");
    outcome = parse("-n7 -l unix:/f");
    cr_assert_eq(outcome.values[LIMIT].number, 7);
    cr_assert_eq(outcome.values[LISTEN].list_count, 1);
    cr_assert_str_eq(outcome.values[LISTEN].list[0], "unix:/f");
    setenv("TEST_FOLLOW", "0", 1);
    cr_assert_not(parse("").values[FOLLOW].flag);
}

Test(option, a_bad_environment_is_an_error_that_names_the_variable)
{
    setenv("TEST_LIMIT", "many", 1);
    cr_assert_str_eq(parse("").error.text, "environment variable TEST_LIMIT (--limit): `many` is "
                                           "not a whole number; it takes 1 to 1000");
    setenv("TEST_LIMIT", "5000", 1);
    cr_assert_not(parse("--limit 3").good);
    unsetenv("TEST_LIMIT");
    setenv("TEST_FOLLOW", "maybe", 1);
    cr_assert_str_eq(
        parse("").error.text,
        "environment variable TEST_FOLLOW (--follow): `maybe` is neither 1 (yes) nor 0 (no)");
}

Test(option, help_is_recognised_everywhere_and_before_any_complaint)
{
    cr_assert(parse("--help").help);
    cr_assert(parse("-h").help);
    cr_assert(parse("--nonsense --limit x --help").help);
    setenv("TEST_LIMIT", "many", 1);
    cr_assert(parse("--help").help);
    unsetenv("TEST_LIMIT");
    struct outcome outcome = parse("-- --help");
    cr_assert(outcome.good);
    cr_assert_not(outcome.help);
    cr_assert_eq(outcome.argc, 1);
}

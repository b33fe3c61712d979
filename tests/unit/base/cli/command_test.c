/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <stdio.h>
#include <string.h>

#include "base/cli/command.h"
#include "base/cli/completion.h"

static const struct option options[] = {
    OPTION_TEXT_ROW(OPTION_LIST, "listen", "ADDRESS", "where it's [really] listening",
                    .letter = 'l'),
    OPTION_TEXT_ROW(OPTION_TEXT, "config", "FILE", "the policy"),
    OPTION_FLAG_ROW("quiet", "names only", .letter = 'q'),
};

/* What ran shows in the exit code: which command, and with how many arguments. */
static int run_serve(const struct command_call *call)
{
    return 10 + call->argc;
}

static int run_log(const struct command_call *call)
{
    return call->argc > 0 && strcmp(call->argv[0], "name") != 0 ? 1 : 20 + call->argc;
}

static int run_other(const struct command_call *call)
{
    return 30 + call->argc;
}

static int run_version(const struct command_call *call)
{
    return 40 + call->argc;
}

/* They read their words themselves, for what was made of options is looked at elsewhere. */
#define TABLE(command, arguments, own, run)                                                        \
    {                                                                                              \
        command, arguments, "Does: " command ".", options, 3, NULL, own, false, true, run          \
    }
static const struct option_table serve_options = TABLE("serve", "", false, run_serve);
static const struct option_table log_options = TABLE("policy log", "[CLIENT]", false, run_log);
static const struct option_table check_options =
    TABLE("policy check", "docker REQUEST", false, run_other);
static const struct option_table validate_options =
    TABLE("policy validate", "[FILE...]", false, run_other);
static const struct option_table remove_options =
    TABLE("policy rm", "ID..., or network RES[,RES...], or docker SEL[,SEL...]", true, run_other);
static const struct option_table default_options =
    TABLE("policy set-default", "allow-all, balanced or deny-all", false, run_other);
static const struct option_table version_options = TABLE("version", "", false, run_version);

static const struct command commands[] = {{&serve_options, NULL},  {&log_options, NULL},
                                          {&check_options, NULL},  {&validate_options, NULL},
                                          {&remove_options, NULL}, {&default_options, NULL},
                                          {&version_options, NULL}};
static const struct command_table table = {"dockreeve", "A gate.", commands, ARRAY_LEN(commands)};

static int run(const char *line)
{
    char copy[128];
    char *argv[16];
    int argc = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    int code = command_main(&table, argc, argv);
    fflush(stdout);
    fflush(stderr);
    return code;
}

Test(command, names_of_one_and_two_words_are_found)
{
    static const struct {
        const char *line;
        int code;
    } rows[] = {
        {"dockreeve serve", 10},
        {"dockreeve serve a b", 12},
        {"dockreeve policy log", 20},
        {"dockreeve policy log name --quiet", 22},
        {"dockreeve policy check docker x", 32},
        {"dockreeve version", 40},
        {"dockreeve --version", 40},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert_eq(run(rows[i].line), rows[i].code, "%s", rows[i].line);
}

Test(command, unknown_names_get_the_nearest_of_their_group, .init = cr_redirect_stderr)
{
    static const char *const lines[] = {
        "dockreeve serv",         "dockreeve polcy log",       "dockreeve policy lgo",
        "dockreeve policy serve", "dockreeve frobnicate",      "dockreeve hlep",
        "dockreeve --hlep",       "dockreeve help policy lgo", "dockreeve help serve more",
        "dockreeve \x1b[2J"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        cr_assert_eq(run(lines[i]), 2, "%s", lines[i]);
    cr_assert_stderr_eq_str(
        "dockreeve: unknown command `serv`; did you mean `dockreeve serve`?\n"
        "dockreeve: unknown command `polcy`; did you mean `dockreeve policy`?\n"
        "dockreeve: unknown command `lgo`; did you mean `dockreeve policy log`?\n"
        "dockreeve: unknown command `serve`; `dockreeve help` lists them\n"
        "dockreeve: unknown command `frobnicate`; `dockreeve help` lists them\n"
        "dockreeve: unknown command `hlep`; did you mean `dockreeve help`?\n"
        "dockreeve: unknown command `--hlep`; did you mean `dockreeve --help`?\n"
        "dockreeve: unknown command `lgo`; did you mean `dockreeve policy log`?\n"
        "dockreeve: unknown command `more`; `dockreeve help` lists them\n"
        "dockreeve: unknown command `\\x1b[2J`; `dockreeve help` lists them\n");
}

Test(command, help_lists_commands_and_groups, .init = cr_redirect_stdout)
{
    cr_assert_eq(run("dockreeve policy --help"), 0);
    cr_assert_stdout_eq_str("Usage: dockreeve policy COMMAND [OPTIONS]\n"
                            "\n"
                            "Commands:\n"
                            "  policy log          Does: policy log.\n"
                            "  policy check        Does: policy check.\n"
                            "  policy validate     Does: policy validate.\n"
                            "  policy rm           Does: policy rm.\n"
                            "  policy set-default  Does: policy set-default.\n"
                            "\n"
                            "`dockreeve COMMAND --help` says more about each.\n");
}

static void redirect_both(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

Test(command, help_is_no_failure_but_no_command_is, .init = redirect_both)
{
    cr_assert_eq(run("dockreeve help"), 0);
    cr_assert_eq(run("dockreeve --help"), 0);
    cr_assert_eq(run("dockreeve -h"), 0);
    cr_assert_eq(run("dockreeve help policy"), 0);
    cr_assert_eq(run("dockreeve help policy log"), 0);
    cr_assert_eq(run("dockreeve"), 2);
    cr_assert_eq(run("dockreeve policy"), 2);
}

/* In place of the policy: answers with what it was asked. */
static void write_asked(const struct completion_question *question, struct buffer *out)
{
    buffer_printf(out, "asked:%d:%.*s:%s%s\twhy\n", (int)question->words, (int)question->prefix.len,
                  question->prefix.ptr, question->config != NULL ? question->config : "",
                  question->own ? ":own" : "");
}

/* Completes a line whose last word is being typed (a line that ends with a blank: an empty one).
 * Returns the words that are offered, joined by blanks. */
static const char *complete(const char *typed, struct buffer *offered)
{
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    AUTO_FREE char *copy = slice_to_text(slice_from_text(typed));
    char *words[16];
    int count = 0;
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) != NULL;)
        words[count++] = word;
    completion_append(&table, write_asked, count, words, &answer);
    buffer_clear(offered);
    struct slice rest = buffer_slice(&answer);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (offered->len > 0)
            buffer_append_byte(offered, ' ');
        buffer_append_slice(offered, slice_cut(&line, '\t'));
        if (slice_starts_with(line, SLICE_LITERAL("--"))) /* the prefix of files */
            buffer_append_slice(offered, line);
    }
    return buffer_text(offered);
}

Test(completion, offers_what_fits)
{
    static const struct {
        const char *typed, *offered;
    } rows[] = {
        {"", "serve policy version help"},
        {"pol", "policy"},
        {"nothing ", ""},
        {"policy ", "log check validate rm set-default"},
        {"policy log --", "--listen --config --quiet --help"},
        {"policy check ", "docker"},
        {"policy rm ", "network docker asked:1:::own"},
        {"policy rm 0123", "asked:1:0123::own"},
        {"policy rm 01234567 ", "asked:1:::own"},
        {"policy rm network a.test,b", "a.test,asked:3:b::own"},
        {"policy rm -q --config x.yaml docker @read Sys", "asked:4:Sys:x.yaml:own"},
        {"policy rm --config=x.yaml docker Sys", "asked:4:Sys:x.yaml:own"},
        {"policy log tr", "asked:0:tr:"},
        {"help pol", "policy"},
        {"help policy va", "validate"},
        {"help policy log ", ""},
        {"policy set-default ", "allow-all balanced deny-all"},
        {"policy set-default deny-all ", "--listen --config --quiet --help"},
        {"policy -", "--help"},
        {"-", "--help --version"},
        {"policy log --config", "--config"},
        {"version ", "--listen --config --quiet --help"},
        {"serve --listen ", ""},
        {"serve -l ", ""},
        {"serve --config=/proc/self/cmdlin", ":files--config="},
        {"policy validate /proc/self/cmdlin", ":files"},
        {"policy validate --q", "--quiet"},
    };
    AUTO_BUFFER struct buffer offered = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_assert_str_eq(complete(rows[i].typed, &offered), rows[i].offered,
                         "`%s`: %s instead of %s", rows[i].typed, buffer_text(&offered),
                         rows[i].offered);
}

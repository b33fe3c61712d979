/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "tests/unit/policy/command/command_fixture.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cli/command.h"
#include "policy/command/command_policy_check.h"
#include "policy/command/commands.h"

static bool find(void *, const struct host_name *host, struct ip_address *addresses,
                 unsigned *count_out, struct name_chain *, struct error *error)
{
    if (!slice_equal_text(host_name_slice(host), "two.test"))
        return error_set_reason(error, 502, "dns.not-found", "no such name");
    cr_assert(ip_address_parse(SLICE_LITERAL("10.0.0.1"), &addresses[0]));
    cr_assert(ip_address_parse(SLICE_LITERAL("8.8.8.8"), &addresses[1]));
    *count_out = 2;
    return true;
}

static bool open_lookup(const struct command_lookup_words *, struct asked_lookup *lookup_out,
                        struct error *)
{
    *lookup_out = (struct asked_lookup){.find = find};
    return true;
}

static void close_lookup(struct asked_lookup *)
{
}

static const struct network_own_host *open_own_host(void)
{
    return NULL;
}

static const struct command_lookup lookup = {open_lookup, close_lookup, open_own_host, NULL};

static const struct command commands[] = {{&policy_check_option_table, &lookup},
                                          {&policy_explain_option_table, &lookup},
                                          {&policy_ls_option_table, NULL},
                                          {&policy_validate_option_table, NULL}};
static const struct command_table table = {"dockreeve", "", commands, ARRAY_LEN(commands)};

static char *next_word(char **rest)
{
    bool quoted = **rest == '\'';
    char *word = *rest + quoted;
    char *end = strchrnul(word, quoted ? '\'' : ' ');
    *rest = end + (*end == '\'');
    *rest += **rest == ' ';
    *end = '\0';
    return word;
}

int command_fixture_run(const struct policy_fixture *fixture, const char *line, struct buffer *out)
{
    char program[] = "dockreeve", group[] = "policy", option[] = "--config";
    char *argv[16] = {program, group};
    AUTO_FREE char *copy = slice_to_text(slice_from_text(line));
    int argc = 2, pipe_fds[2], status;
    for (char *rest = copy; *rest != '\0';)
        argv[argc++] = next_word(&rest);
    argv[argc++] = option;
    argv[argc++] = (char *)fixture->config;
    cr_assert_eq(pipe(pipe_fds), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        dup2(pipe_fds[1], STDERR_FILENO);
        close(pipe_fds[0]);
        setenv("DOCKREEVE_STATE", fixture->folder, 1); /* not what a gate of this machine counted */
        int code = command_main(&table, argc, argv);
        fflush(NULL);
        _exit(code);
    }
    close(pipe_fds[1]);
    buffer_clear(out);
    char chunk[4096];
    for (ssize_t got; (got = read(pipe_fds[0], chunk, sizeof(chunk))) > 0;)
        buffer_append(out, chunk, (size_t)got);
    close(pipe_fds[0]);
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void command_fixture_run_all(const char *policy, const struct command_fixture_row *rows,
                             size_t count)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert(policy_fixture_text(&fixture, policy));
    for (size_t i = 0; i < count; i++) {
        int code = command_fixture_run(&fixture, rows[i].line, &out);
        const char *said = buffer_text(&out);
        cr_expect_eq(code, rows[i].code, "%s: %d\n%s", rows[i].name, code, said);
        cr_expect(strstr(said, rows[i].says) != NULL, "%s: %s", rows[i].name, said);
        cr_expect(strchr(said, '\x1b') == NULL, "%s: %s", rows[i].name, said);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy test`: requests with expected verdicts, from files, asked as `policy check` asks. A file
 * or question that is wrong ends the run before anything is compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"
#include "policy/explain/asked_docker.h"
#include "policy/explain/asked_network.h"
#include "policy/explain/policy_coverage.h"
#include "policy/command/policy_test_file.h"
#include "policy/document/preset.h"
#include "rules/reason.h"

enum { CONFIG, VERBOSE, QUIET, COVERAGE, JSON, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [VERBOSE] = OPTION_FLAG_ROW("verbose", "list tests that pass, too", .letter = 'v'),
    [QUIET] = OPTION_FLAG_ROW("quiet", "print what failed only", .letter = 'q'),
    [COVERAGE] = OPTION_FLAG_ROW("coverage", "list the rules that decided no test"),
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
};

static int test(const struct command_call *call);

const struct option_table policy_test_option_table = {
    .command = "policy test",
    .arguments = "FILE...",
    .summary = "Compare the policy's verdicts with those that files of requests expect.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy test policy.test.yaml\n"
                "  dockreeve policy test --config ./policy.yaml --coverage tests/*.yaml\n",
    .run = test,
};

/* A policy that files are tested with. */
struct suite {
    const char *name;      /* as files name it; NULL = by --config */
    struct policy *policy; /* owned */
    struct policy_coverage coverage;
};

struct run {
    const struct option_value *values;
    struct suite *suites; /* owned */
    size_t suite_count, suite_capacity;
    struct policy_messages errors;
    struct buffer out;     /* owned: the lines, or the items of "tests" */
    struct buffer missing; /* owned: of --coverage */
    size_t passed, failed;
};

static void run_clear(struct run *run)
{
    for (size_t i = 0; i < run->suite_count; i++) {
        policy_coverage_clear(&run->suites[i].coverage);
        policy_unref(&run->suites[i].policy);
    }
    free(run->suites);
    policy_messages_free(&run->errors);
    buffer_free(&run->out);
    buffer_free(&run->missing);
}

/* ---- policies ---- */

static bool is_preset(const char *name)
{
    return name != NULL && strncmp(name, "preset/", 7) == 0;
}

/* A policy of one preset and nothing else: a proposed drop-in of a folder that cannot be. */
static struct policy *load_preset(const struct policy_test_file *file,
                                  struct policy_messages *errors)
{
    const char *name = file->policy;
    CLEANUP(policy_messages_free) struct policy_messages notices = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (preset_find(slice_from_text(name)) == NULL) {
        policy_messages_add(errors, file->path, file->policy_line, file->policy_column,
                            "there is no %s", quote_text(name).text);
        return NULL;
    }
    buffer_printf(&text, "version: 1\nuse: [%s]\nclients: {default: {}}\n", name);
    const struct slice whole = buffer_slice(&text);
    /* A folder that nobody can make: neither a policy nor drop-ins are there. */
    const struct policy_inputs inputs = {.config_path = "/proc/none/policy.yaml",
                                         .cli_text = &whole};
    return policy_load(&inputs, errors, &notices);
}

static struct policy *load_file(const char *name, struct policy_messages *errors)
{
    CLEANUP(policy_messages_free) struct policy_messages notices = {0};
    const struct policy_inputs inputs = {
        .config_path = name, .config_required = true, .check_owner = true};
    return policy_load(&inputs, errors, &notices);
}

/* Files in several folders name one policy in several ways: its rules are counted once. */
static bool is_same_policy(const char *one, const char *other)
{
    struct stat first, second;
    if (one == NULL || other == NULL || strcmp(one, other) == 0)
        return one == other || (one != NULL && other != NULL);
    return !is_preset(one) && !is_preset(other) && stat(one, &first) == 0 &&
           stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The suite of the file's policy, loaded when it is new. NULL after errors. */
static struct suite *find_suite(struct run *run, const char *command,
                                const struct policy_test_file *file)
{
    const char *name = file->policy;
    for (size_t i = 0; i < run->suite_count; i++) {
        if (is_same_policy(run->suites[i].name, name))
            return run->suites[i].policy == NULL ? NULL : &run->suites[i];
    }
    struct suite suite = {.name = name};
    if (name == NULL)
        suite.policy = command_policy_load(command, &run->values[CONFIG], NULL);
    else
        suite.policy =
            is_preset(name) ? load_preset(file, &run->errors) : load_file(name, &run->errors);
    run->suites =
        array_grow(run->suites, run->suite_count, &run->suite_capacity, sizeof(run->suites[0]));
    run->suites[run->suite_count++] = suite;
    return suite.policy == NULL ? NULL : &run->suites[run->suite_count - 1];
}

/* ---- verdicts ---- */

/* What came of one test, in the log's words. */
struct outcome {
    bool allowed, would_deny;
    struct buffer rule, source; /* owned */
    struct buffer text;         /* owned: "allow ContainerStop where …", beside a rule's name */
    const char *reason;
    char id[9]; /* "" = no rule of the policy */
};

static void outcome_clear(struct outcome *outcome)
{
    buffer_free(&outcome->rule);
    buffer_free(&outcome->source);
    buffer_free(&outcome->text);
}

/* Takes the rule that a verdict names into the outcome, and its suite. */
static void note_rule(struct suite *suite, uint32_t number, struct outcome *outcome)
{
    struct policy_listed_rule rule;
    if (number < POLICY_NUMBER_RULES)
        return;
    policy_coverage_note(&suite->coverage, suite->policy, number);
    policy_rule_at(suite->policy, number, &rule);
    memcpy(outcome->id, rule.id, sizeof(outcome->id));
    policy_listed_write_text(&rule, &outcome->text);
}

static bool ask_docker(struct suite *suite, const struct policy_client *client,
                       const struct policy_test *test, struct outcome *outcome, struct error *error)
{
    CLEANUP(asked_docker_clear) struct asked_docker asked = {0};
    if (!asked_docker_read(&asked, suite->policy, client, test->request, error))
        return false;
    for (size_t i = 0; i < test->fact_count; i++) {
        if (!asked_docker_add_fact(&asked, test->facts[i], error))
            return false;
    }
    if (test->body != NULL &&
        !asked_docker_read_body(&asked, test->body, test->content_type, error))
        return false;
    asked_docker_decide(&asked);
    outcome->allowed = asked_docker_is_allowed(&asked);
    outcome->would_deny = outcome->allowed && asked.verdict.would_deny;
    outcome->reason = asked_docker_reason(&asked);
    buffer_append_text(&outcome->rule, asked_docker_rule(&asked));
    buffer_append_text(&outcome->source, asked_docker_source(&asked));
    if (!asked.malformed)
        note_rule(suite, asked.verdict.number, outcome);
    return true;
}

static bool ask_network(struct suite *suite, const struct policy_client *client,
                        const struct policy_test *test, struct outcome *outcome,
                        struct error *error)
{
    const struct asked_network_words words = {
        .target = test->request,
        .method = test->method,
        .sni = test->sni,
        .addresses = test->addresses,
        .address_count = test->address_count,
    };
    CLEANUP(asked_network_clear) struct asked_network asked = {0};
    if (!asked_network_read(&asked, suite->policy, client, &words, error))
        return false;
    asked_network_decide(&asked, NULL);
    outcome->allowed = asked_network_is_allowed(&asked);
    outcome->would_deny = outcome->allowed && asked.inquiry.verdict.would_deny;
    outcome->reason = asked.malformed ? asked.error.reason : asked.inquiry.verdict.reason;
    asked_network_write_rule(&asked, &outcome->rule);
    asked_network_write_source(&asked, &outcome->source);
    if (!asked.malformed)
        note_rule(suite, asked.inquiry.verdict.number, outcome);
    return true;
}

static bool names_rule(const struct outcome *outcome, const char *wanted)
{
    return slice_equal_text(buffer_slice(&outcome->rule), wanted) ||
           slice_equal_text(buffer_slice(&outcome->source), wanted) ||
           slice_equal_text(buffer_slice(&outcome->text), wanted) ||
           strcmp(outcome->id, wanted) == 0;
}

static bool is_as_expected(const struct policy_test *test, const struct outcome *outcome)
{
    return test->expects_allow == outcome->allowed &&
           (test->rule == NULL || names_rule(outcome, test->rule)) &&
           (test->reason == NULL || strcmp(test->reason, outcome->reason) == 0);
}

/* ---- output ---- */

static const char *word(bool allow)
{
    return allow ? "allow" : "deny";
}

static void write_title(const struct policy_test *test, struct buffer *out)
{
    terminal_text_append(out, slice_from_text(test->name != NULL ? test->name : test->request));
}

/* "FILE:LINE: title: expected deny, got allow by rule (source), reason". */
static void write_line(const char *path, const struct policy_test *test,
                       const struct outcome *outcome, bool passed, struct buffer *out)
{
    buffer_append_text(out, passed ? "ok    " : "FAIL  ");
    terminal_text_append(out, slice_from_text(path));
    buffer_printf(out, ":%u: ", test->line);
    write_title(test, out);
    buffer_append_literal(out, ": ");
    if (!passed) {
        buffer_printf(out, "expected %s", word(test->expects_allow));
        if (test->rule != NULL) {
            buffer_append_literal(out, " by ");
            terminal_text_append(out, slice_from_text(test->rule));
        }
        if (test->reason != NULL) {
            buffer_append_literal(out, " for ");
            terminal_text_append(out, slice_from_text(test->reason));
        }
        buffer_append_literal(out, ", got ");
    }
    buffer_printf(out, "%s by ", word(outcome->allowed));
    terminal_text_append(out, buffer_slice(&outcome->rule));
    if (!slice_equal(buffer_slice(&outcome->rule), buffer_slice(&outcome->source))) {
        buffer_append_literal(out, " (");
        terminal_text_append(out, buffer_slice(&outcome->source));
        buffer_append_byte(out, ')');
    }
    if (strcmp(outcome->reason, REASON_RULE) != 0 && strcmp(outcome->reason, REASON_DEFAULT) != 0)
        buffer_printf(out, ", %s", outcome->reason);
    buffer_append_text(out, outcome->would_deny ? ", report mode\n" : "\n");
}

static void write_item(const struct suite *suite, const char *path, const struct policy_test *test,
                       const struct outcome *outcome, bool passed, struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_text(out, "file", path);
    json_write_key_u64(out, "line", test->line);
    if (test->name != NULL)
        json_write_key_text(out, "name", test->name);
    json_write_key_text(out, test->is_network ? "network" : "docker", test->request);
    json_write_key_text(out, "client", test->client == NULL ? "default" : test->client);
    json_write_key_bool(out, "passed", passed);
    json_write_key_text(out, "expect", word(test->expects_allow));
    json_write_key_text(out, "decision", word(outcome->allowed));
    json_write_key_string(out, "rule", buffer_slice(&outcome->rule));
    json_write_key_string(out, "source", buffer_slice(&outcome->source));
    json_write_key_text(out, "reason", outcome->reason);
    if (outcome->id[0] != '\0')
        json_write_key_text(out, "id", outcome->id);
    json_write_key_bool(out, "would_deny", outcome->would_deny);
    json_write_key_text(out, "policy", policy_hash(suite->policy));
    json_write_object_end(out);
}

static void add_missing(void *context, struct slice source, struct slice rule)
{
    struct run *run = context;
    struct buffer *out = &run->missing;
    if (run->values[JSON].flag) {
        json_write_object_begin(out);
        json_write_key_string(out, "source", source);
        json_write_key_string(out, "rule", rule);
        json_write_object_end(out);
        return;
    }
    buffer_append_literal(out, "never decided: ");
    terminal_text_append(out, source);
    buffer_append_literal(out, "  ");
    terminal_text_append(out, rule);
    buffer_append_byte(out, '\n');
}

static void write_summary(struct run *run, struct buffer *out)
{
    if (run->values[JSON].flag) {
        json_write_object_begin(out);
        json_write_key_u64(out, "passed", run->passed);
        json_write_key_u64(out, "failed", run->failed);
        json_write_key_array(out, "tests");
        buffer_append_slice(out, buffer_slice(&run->out));
        json_write_array_end(out);
        if (run->values[COVERAGE].flag) {
            json_write_key_array(out, "never_decided");
            buffer_append_slice(out, buffer_slice(&run->missing));
            json_write_array_end(out);
        }
        json_write_line_end(out);
        return;
    }
    buffer_append_slice(out, buffer_slice(&run->out));
    buffer_append_slice(out, buffer_slice(&run->missing));
    if (!run->values[QUIET].flag)
        buffer_printf(out, "%zu test%s: %zu passed, %zu failed\n", run->passed + run->failed,
                      run->passed + run->failed == 1 ? "" : "s", run->passed, run->failed);
}

/* ---- running ---- */

static void run_test(struct run *run, struct suite *suite, const char *path,
                     const struct policy_test *test)
{
    struct error error;
    CLEANUP(outcome_clear) struct outcome outcome = {.allowed = false};
    const struct policy_client *client = command_policy_client(
        suite->policy, test->client == NULL ? "default" : test->client, &error);
    if (client == NULL || !(test->is_network ? ask_network(suite, client, test, &outcome, &error)
                                             : ask_docker(suite, client, test, &outcome, &error))) {
        policy_messages_add(&run->errors, path, test->line, test->column, "%s", error.text);
        return;
    }
    bool passed = is_as_expected(test, &outcome);
    run->passed += passed;
    run->failed += !passed;
    if (run->values[JSON].flag)
        write_item(suite, path, test, &outcome, passed, &run->out);
    else if (!passed || run->values[VERBOSE].flag)
        write_line(path, test, &outcome, passed, &run->out);
}

static void run_file(struct run *run, const char *command, struct policy_test_file *file)
{
    struct suite *suite = find_suite(run, command, file);
    for (size_t i = 0; suite != NULL && i < file->count; i++)
        run_test(run, suite, file->path, &file->tests[i]);
}

static int conclude(struct run *run, bool readable)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    bool loaded = true;
    for (size_t i = 0; i < run->suite_count; i++)
        loaded = loaded && run->suites[i].policy != NULL;
    if (!readable || !loaded || run->errors.count > 0) {
        policy_messages_write_as(&run->errors, POLICY_ERROR, &out);
        fputs(buffer_text(&out), stderr);
        return COMMAND_USAGE;
    }
    for (size_t i = 0; run->values[COVERAGE].flag && i < run->suite_count; i++)
        policy_coverage_missing(&run->suites[i].coverage, run->suites[i].policy, add_missing, run);
    write_summary(run, &out);
    if (!command_policy_print(&out))
        return COMMAND_FAILED;
    return run->failed > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

static int test(const struct command_call *call)
{
    const int argc = call->argc;
    if (argc == 0)
        return command_fail(call->table->command, COMMAND_USAGE, "name at least one file of tests");
    CLEANUP(run_clear) struct run run = {.values = call->values};
    struct policy_test_file *files = calloc_or_abort((size_t)argc, sizeof(files[0]));
    bool readable = true;
    for (int i = 0; i < argc; i++)
        readable = policy_test_file_read(&files[i], call->argv[i], &run.errors) && readable;
    for (int i = 0; readable && i < argc; i++)
        run_file(&run, call->table->command, &files[i]);
    int code = conclude(&run, readable);
    for (int i = 0; i < argc; i++)
        policy_test_file_clear(&files[i]);
    free(files);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy suggest`: the smallest readable policy that admits what the log says was used, or how it
 * differs from the present one. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command/command_log_source.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"
#include "policy/log/log_input.h"
#include "policy/log/log_scan.h"
#include "policy/document/policy_file.h"
#include "policy/document/policy_paths.h"
#include "policy/suggest/suggest_diff.h"
#include "policy/suggest/suggest_use.h"
#include "policy/suggest/suggest_write.h"

enum {
    CONFIG,
    LOG,
    SINCE,
    UNTIL,
    CLIENT,
    SANDBOX,
    HOST,
    OPERATION,
    INCLUDE_DENIED,
    ANY_OBJECT,
    DROP_IN,
    DIFF,
    OUTPUT,
    JSON,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [CONFIG] = COMMAND_POLICY_CONFIG,
    [LOG] = COMMAND_LOG_SOURCE,
    [SINCE] =
        OPTION_TEXT_ROW(OPTION_TEXT, "since", "TIME",
                        "only from then on: 2h (ago), today, 2026-11-20, 2026-11-20T10:00 (UTC)"),
    [UNTIL] = OPTION_TEXT_ROW(OPTION_TEXT, "until", "TIME", "only before then"),
    [CLIENT] = OPTION_TEXT_ROW(OPTION_TEXT, "client", "NAME", "only for this client"),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_TEXT, "sandbox", "NAME",
                                "only for this sandbox: it is a client of the same name"),
    [HOST] = OPTION_TEXT_ROW(OPTION_TEXT, "host", "HOST",
                             "only for this host, *.domain, address or range, as rules have them"),
    [OPERATION] = OPTION_TEXT_ROW(OPTION_TEXT, "operation", "OPERATION",
                                  "only this operation of the Engine API, a glob or a set"),
    [INCLUDE_DENIED] = OPTION_FLAG_ROW(
        "include-denied", "also what was refused by default, as if it had been let pass"),
    [ANY_OBJECT] = OPTION_FLAG_ROW(
        "any-object", "do not narrow operations to the names of the objects they were used on"),
    [DROP_IN] = OPTION_FLAG_ROW(
        "drop-in", "the rules only, to be put into policy.d beside the present policy.yaml"),
    [DIFF] = OPTION_FLAG_ROW(
        "diff", "show what the present policy lacks (+) and what of it was never used (-)"),
    [OUTPUT] =
        OPTION_TEXT_ROW(OPTION_TEXT, "output", "FILE",
                        "write the document there instead of to standard output", .letter = 'o'),
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
};

static int run(const struct command_call *call);

const struct option_table policy_suggest_option_table = {
    .command = "policy suggest",
    .arguments = "",
    .summary =
        "Write the smallest policy that admits what the log saw; with --diff exit code 0 or 6.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy suggest --since 1d > learned.yaml\n"
                "  dockreeve policy suggest --client ci --drop-in -o policy.d/50-ci.yaml\n"
                "  dockreeve policy suggest --diff\n",
    .run = run,
};

/* One run. */
struct learning {
    char *config;                     /* owned: path of the present policy.yaml */
    struct policy *policy;            /* owned: the present one */
    struct arena arena;               /* owned: its tree */
    struct yaml_tree_node *present;   /* NULL = there is no policy.yaml */
    struct suggest_evidence evidence; /* owned */
    struct suggestion suggestion;     /* owned */
    struct log_scan_notes notes;
};

static void learning_clear(struct learning *learning)
{
    free(learning->config);
    policy_unref(&learning->policy);
    arena_free(&learning->arena);
    suggest_evidence_free(&learning->evidence);
    suggest_free(&learning->suggestion);
}

/* ---- the present policy ---- */

/* A shell empties the file before this program is started. */
static bool is_standard_output(const char *path)
{
    struct stat file, out;
    return stat(path, &file) == 0 && fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) &&
           file.st_dev == out.st_dev && file.st_ino == out.st_ino;
}

static bool load_present(struct learning *learning, const struct option_value *config)
{
    CLEANUP(policy_messages_free) struct policy_messages errors = {NULL, 0, 0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    learning->config = option_text_or(config, policy_path_config);
    if (is_standard_output(learning->config)) {
        fprintf(stderr,
                "dockreeve policy suggest: standard output is %s itself, which the shell has "
                "emptied: write to another file and move it there, or use --output\n",
                learning->config);
        return false;
    }
    learning->policy = command_policy_load("policy suggest", config, NULL);
    if (learning->policy == NULL || !policy_is_from_file(learning->policy))
        return learning->policy != NULL;
    if (policy_file_read(learning->config, true, &text, &errors) == POLICY_FILE_READ &&
        yaml_tree_parse(&learning->arena, buffer_text(&text), text.len, learning->config, &errors,
                        &learning->present) &&
        suggest_take_used_denies(&learning->arena, learning->present, learning->config, &errors))
        return true;
    fprintf(stderr,
            "dockreeve policy suggest: %s, or what it uses, has changed meanwhile: try again\n",
            learning->config);
    return false;
}

/* ---- the log ---- */

static bool read_filter(const struct option_value *values, struct log_filter *filter,
                        struct error *error)
{
    const struct option_value *client = &values[values[CLIENT].given ? CLIENT : SANDBOX];
    int64_t now_us = timestamp_now_us();
    if (values[CLIENT].given && values[SANDBOX].given)
        return error_set(error, COMMAND_USAGE, "--client and --sandbox name the same: give one");
    if (client->given)
        filter->client = slice_from_text(client->text);
    return (!values[SINCE].given ||
            log_filter_read_time("since", values[SINCE].text, now_us, &filter->since_us, error)) &&
           (!values[UNTIL].given ||
            log_filter_read_time("until", values[UNTIL].text, now_us, &filter->until_us, error)) &&
           (!values[HOST].given || log_filter_set_host(filter, values[HOST].text, error)) &&
           (!values[OPERATION].given ||
            log_filter_set_operation(filter, values[OPERATION].text, error));
}

static bool take(void *context, const struct log_line *line, struct slice text)
{
    suggest_evidence_add(context, line, text);
    return true;
}

static bool read_log(struct learning *learning, const struct option_value *values,
                     struct error *error)
{
    AUTO_LOG_FILTER struct log_filter filter = {0};
    AUTO_FREE char *path = command_log_source("policy suggest", &values[LOG], error);
    CLEANUP(log_files_close) struct log_files files = {.count = 0};
    if (path == NULL || !read_filter(values, &filter, error) ||
        !log_input_open(&files, path, error))
        return false;
    learning->evidence.include_denied = values[INCLUDE_DENIED].flag;
    learning->evidence.any_object = values[ANY_OBJECT].flag;
    suggest_know_policy(&learning->evidence, learning->policy);
    if (!log_scan(&files, &filter, take, &learning->evidence, &learning->notes, error))
        return false;
    suggest_evidence_seal(&learning->evidence);
    suggest_mark_permitted(&learning->evidence, learning->policy);
    return true;
}

static void write_notes(const struct learning *learning)
{
    unsigned long long unreadable = learning->notes.unreadable;
    if (unreadable > 0)
        fprintf(stderr, "note: %llu line%s of the log could not be read and %s left out\n",
                unreadable, unreadable == 1 ? "" : "s", unreadable == 1 ? "is" : "are");
    if (learning->notes.torn)
        fputs("note: the last line of the log has no end and is left out\n", stderr);
    if (learning->evidence.span.count == 0)
        fputs("note: the log holds nothing that was let pass: run with `mode: report` first, or "
              "use --include-denied\n",
              stderr);
}

/* ---- the answer ---- */

static int answer_diff(const struct learning *learning, bool json, struct buffer *out)
{
    if (json)
        json_write_object_begin(out);
    bool adds = suggest_write_diff(&learning->suggestion, &learning->evidence, learning->policy,
                                   json, !json && terminal_text_in_colour(stdout), out);
    if (json)
        json_write_line_end(out);
    return adds ? COMMAND_DENIED : COMMAND_DONE;
}

static void answer_json(const struct learning *learning, const struct suggest_document *document,
                        const struct buffer *text, struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_string(out, "document", buffer_slice(text));
    json_write_key_u64(out, "requests", learning->evidence.span.count);
    json_write_key_u64(out, "unreadable", learning->notes.unreadable);
    suggest_write_json(document, out);
    json_write_line_end(out);
}

static int answer(struct learning *learning, const struct option_value *values)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    const struct suggest_options made = {.any_object = values[ANY_OBJECT].flag};
    const struct suggest_document document = {.suggestion = &learning->suggestion,
                                              .evidence = &learning->evidence,
                                              .present = learning->present,
                                              .drop_in = values[DROP_IN].flag};
    int code = COMMAND_DONE;
    suggest_make(&learning->suggestion, &learning->evidence, &made);
    suggest_write_document(&document, &text);
    if (values[DIFF].flag)
        code = answer_diff(learning, values[JSON].flag, &out);
    else if (values[JSON].flag)
        answer_json(learning, &document, &text, &out);
    else if (!values[OUTPUT].given)
        buffer_append_slice(&out, buffer_slice(&text));
    if (values[OUTPUT].given &&
        !command_policy_write_file("policy suggest", values[OUTPUT].text, &text))
        return COMMAND_FAILED;
    return command_policy_print(&out) ? code : COMMAND_FAILED;
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    struct error error;
    if (values[DIFF].flag && (values[OUTPUT].given || values[DROP_IN].flag))
        return command_fail(call->table->command, COMMAND_USAGE,
                            "--diff writes no document: leave out --output and --drop-in");
    CLEANUP(learning_clear) struct learning learning = {.config = NULL};
    if (!load_present(&learning, &values[CONFIG]))
        return COMMAND_USAGE;
    if (!read_log(&learning, values, &error))
        return command_fail(call->table->command,
                            error.exit_code == COMMAND_USAGE || error.exit_code == COMMAND_NOT_FOUND
                                ? error.exit_code
                                : COMMAND_FAILED,
                            "%s", error.text);
    write_notes(&learning);
    return answer(&learning, values);
}

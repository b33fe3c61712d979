/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve policy log`: what its options ask for, and who answers it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/timestamp.h"
#include "policy/command/command_log_source.h"
#include "policy/command/command_log_verify.h"
#include "policy/command/commands.h"
#include "policy/log/log_filter.h"
#include "policy/log/log_input.h"
#include "policy/view/log_page.h"
#include "policy/view/log_view.h"
#include "policy/document/policy_paths.h"

enum {
    LIMIT,
    FOLLOW,
    SUMMARY,
    SINCE,
    UNTIL,
    DENIED,
    ALLOWED,
    CLIENT,
    SANDBOX,
    TYPE,
    VIA,
    HOST,
    OPERATION,
    RULE,
    FORMAT,
    JSON,
    QUIET,
    HTML,
    LOG,
    VERIFY,
    KEY,
    EXPECT_EPOCH,
    SEAL_INIT,
    FORCE,
    STATE,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [LIMIT] = OPTION_NUMBER_ROW(OPTION_NUMBER, "limit", "N", "50", 0, 1000000,
                                "show the last N requests that match, 0 for all, and what the "
                                "gate said of itself meanwhile; with --summary N rows of each "
                                "block, without it all",
                                .letter = 'n'),
    [FOLLOW] = OPTION_FLAG_ROW(
        "follow", "go on with new records as they are written, until interrupted", .letter = 'f'),
    [SUMMARY] = OPTION_FLAG_ROW("summary", "one row for what is alike, with how often and when "
                                           "last: first what was blocked, then what was allowed"),
    [SINCE] =
        OPTION_TEXT_ROW(OPTION_TEXT, "since", "TIME",
                        "only from then on: 2h (ago), today, 2026-11-20, 2026-11-20T10:00 (UTC)"),
    [UNTIL] = OPTION_TEXT_ROW(OPTION_TEXT, "until", "TIME", "only before then"),
    [DENIED] = OPTION_FLAG_ROW("denied", "only what was refused, or would be without report mode"),
    [ALLOWED] = OPTION_FLAG_ROW("allowed", "only what was allowed, and not by report mode alone"),
    [CLIENT] = OPTION_TEXT_ROW(OPTION_TEXT, "client", "NAME", "only of this client"),
    [SANDBOX] = OPTION_TEXT_ROW(OPTION_TEXT, "sandbox", "NAME",
                                "only of this sandbox: it is a client of the same name"),
    [TYPE] = OPTION_TEXT_ROW(OPTION_CHOICE, "type", "docker|network", "only requests of this kind"),
    [VIA] = OPTION_TEXT_ROW(OPTION_CHOICE, "via",
                            "docker|forward|forward-bypass|transparent|dns|browser-open",
                            "only what came this way"),
    [HOST] = OPTION_TEXT_ROW(OPTION_TEXT, "host", "HOST",
                             "only for this host, *.domain, ~expression, address or range, as "
                             "rules have them; :PORTS behind it narrow it"),
    [OPERATION] = OPTION_TEXT_ROW(OPTION_TEXT, "operation", "OPERATION",
                                  "only this operation of the Engine API, a glob (Container*) or a "
                                  "set (@read); several between commas"),
    [RULE] = OPTION_TEXT_ROW(OPTION_TEXT, "rule", "RULE",
                             "only what this rule decided: its name or text, its source "
                             "(policy.yaml:14), or the file (policy.yaml, preset/npm)"),
    [FORMAT] = OPTION_TEXT_ROW(OPTION_CHOICE, "format", "table|tsv|json",
                               "a table for people, the same columns between tabs, or JSON: the "
                               "records as they are stored; without it a table on a terminal and "
                               "tabs elsewhere"),
    [JSON] = OPTION_FLAG_ROW("json", "the same as --format json"),
    [QUIET] = OPTION_FLAG_ROW(
        "quiet", "print only the hosts and operations, with --summary each once a block",
        .letter = 'q'),
    [HTML] = OPTION_TEXT_ROW(OPTION_TEXT, "html", "FILE",
                             "write all of it there as one page for a browser, that loads nothing "
                             "else; - for standard output"),
    [LOG] = COMMAND_LOG_SOURCE,
    [VERIFY] = OPTION_FLAG_ROW(
        "verify", "judge a sealed log: exit 0 intact, 1 tampered with, 2 bad key or not sealed"),
    [KEY] = OPTION_TEXT_ROW(OPTION_LIST, "key", "KEY",
                            "with --verify: the auditor's key, a file that holds it, or - for "
                            "standard input; may be given many times, one for each series"),
    [EXPECT_EPOCH] =
        OPTION_NUMBER_ROW(OPTION_NUMBER, "expect-epoch", "N", NULL, 0, 0,
                          "with --verify: the seal of this epoch, or a later one, must be there; "
                          "what an earlier look proved cannot have been cut off then"),
    [SEAL_INIT] = OPTION_FLAG_ROW("seal-init",
                                  "make the key that seals the log and print the auditor's, once"),
    [FORCE] = OPTION_FLAG_ROW("force",
                              "with --seal-init: end the series that is there and begin another"),
    [STATE] =
        OPTION_TEXT_ROW(OPTION_TEXT, "state", "DIR", "the gate's state folder, for --seal-init",
                        .environment = "DOCKREEVE_STATE"),
};

static int run(const struct command_call *call);

const struct option_table policy_log_option_table = {
    .command = "policy log",
    .arguments = "[CLIENT or SANDBOX]",
    .summary = "Shows what was asked of the gates, what was decided, and by which rule.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy log\n"
                "  dockreeve policy log --denied --follow traefik\n"
                "  dockreeve policy log --summary --since yesterday\n"
                "  dockreeve policy log --host '*.example.org:443' --since 2h --limit 0\n"
                "  dockreeve policy log --operation 'Container*,@exec' --rule policy.yaml:14\n"
                "  dockreeve policy log --since 2026-11-01 --until 2026-12-01 --html nov.html\n"
                "  docker logs gate | dockreeve policy log --log - --denied\n"
                "  dockreeve policy log --limit 0 --json | jq -r .operation | sort | uniq -c\n"
                "  dockreeve policy log --seal-init\n"
                "  dockreeve policy log --verify --key auditor.key\n",
    .run = run,
};

static bool read_times(const struct option_value *values, struct log_filter *filter,
                       struct error *error)
{
    int64_t now_us = timestamp_now_us();
    if ((values[SINCE].given &&
         !log_filter_read_time("since", values[SINCE].text, now_us, &filter->since_us, error)) ||
        (values[UNTIL].given &&
         !log_filter_read_time("until", values[UNTIL].text, now_us, &filter->until_us, error)))
        return false;
    if (values[UNTIL].given && values[SINCE].given && filter->until_us <= filter->since_us)
        return error_set(error, COMMAND_USAGE,
                         "--until is not later than --since: no record can be between them");
    return true;
}

/* The client may be named in three ways, of which one is enough. */
static bool read_client(const struct option_value *values, int argc, char **argv,
                        struct log_filter *filter, struct error *error)
{
    if (argc + (int)values[CLIENT].given + (int)values[SANDBOX].given > 1)
        return error_set(error, COMMAND_USAGE,
                         "name one client or sandbox at most: as an argument, with --client or "
                         "with --sandbox");
    if (values[CLIENT].given)
        filter->client = slice_from_text(values[CLIENT].text);
    else if (values[SANDBOX].given)
        filter->client = slice_from_text(values[SANDBOX].text);
    else if (argc == 1)
        filter->client = slice_from_text(argv[0]);
    return true;
}

static enum log_view_form form_of(const struct option_value *values)
{
    static const enum log_view_form forms[] = {LOG_VIEW_TABLE, LOG_VIEW_TSV, LOG_VIEW_JSON};
    if (values[QUIET].flag)
        return LOG_VIEW_NAMES;
    if (values[JSON].flag)
        return LOG_VIEW_JSON;
    if (values[FORMAT].given)
        return forms[values[FORMAT].number];
    return isatty(STDOUT_FILENO) ? LOG_VIEW_TABLE : LOG_VIEW_TSV;
}

static bool read_filter(const struct option_value *values, int argc, char **argv,
                        struct log_filter *filter, struct error *error)
{
    filter->denied = values[DENIED].flag;
    filter->allowed = values[ALLOWED].flag;
    filter->without_seals = form_of(values) != LOG_VIEW_JSON;
    if (filter->denied && filter->allowed)
        return error_set(
            error, COMMAND_USAGE,
            "--denied and --allowed leave nothing; name one of them, or none for both");
    if (values[RULE].given)
        filter->rule = slice_from_text(values[RULE].text);
    if (values[TYPE].given)
        filter->kind = slice_from_text(values[TYPE].text);
    if (values[VIA].given)
        filter->via = slice_from_text(values[VIA].text);
    return read_times(values, filter, error) && read_client(values, argc, argv, filter, error) &&
           (!values[HOST].given || log_filter_set_host(filter, values[HOST].text, error)) &&
           (!values[OPERATION].given ||
            log_filter_set_operation(filter, values[OPERATION].text, error));
}

/* What cannot be asked for together. */
static bool check_forms(const struct option_value *values, struct error *error)
{
    if (values[FOLLOW].flag && values[SUMMARY].flag)
        return error_set(
            error, COMMAND_USAGE,
            "--summary counts what is there and --follow never ends: name one of them");
    if (values[FOLLOW].flag && values[UNTIL].given)
        return error_set(error, COMMAND_USAGE,
                         "--until ends before --follow begins: name one of them");
    if (values[HTML].given && (values[FOLLOW].flag || values[SUMMARY].flag || values[JSON].flag ||
                               values[FORMAT].given || values[QUIET].flag || values[LIMIT].given))
        return error_set(error, COMMAND_USAGE,
                         "--html writes a page of all records that match and takes no --follow, "
                         "--summary, --format, --json, --quiet or --limit");
    if (values[QUIET].flag && (values[JSON].flag || values[FORMAT].given))
        return error_set(error, COMMAND_USAGE,
                         "--quiet prints names, --format and --json records: name one of them");
    if (values[JSON].flag && values[FORMAT].given && strcmp(values[FORMAT].text, "json") != 0)
        return error_set(error, COMMAND_USAGE, "--json is --format json: name one of them");
    return true;
}

/* The conditions as they were typed, for the head of the page. */
static void write_conditions(const struct option_value *values, int argc, char **argv,
                             struct buffer *out)
{
    for (size_t i = SINCE; i <= RULE; i++) {
        if (!values[i].given)
            continue;
        buffer_printf(out, "%s--%s", out->len > 0 ? " " : "", options[i].name);
        if (options[i].type != OPTION_FLAG)
            buffer_printf(out, " %s", values[i].text);
    }
    if (argc == 1)
        buffer_printf(out, "%s%s", out->len > 0 ? " " : "", argv[0]);
}

static bool write_page(const struct option_value *values, int argc, char **argv, const char *path,
                       const struct log_filter *filter, struct error *error)
{
    AUTO_BUFFER struct buffer conditions = BUFFER_EMPTY;
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    write_conditions(values, argc, argv, &conditions);
    const struct log_page_request request = {
        .files = &files,
        .filter = filter,
        .log_path = log_input_is_standard(path) ? "standard input" : path,
        .conditions = buffer_text(&conditions)};
    return log_input_open(&files, path, error) &&
           log_page_write(&request, values[HTML].text, error);
}

static bool show(const struct option_value *values, int argc, char **argv, const char *path,
                 struct error *error)
{
    AUTO_LOG_FILTER struct log_filter filter = {.denied = false};
    if (!check_forms(values, error) || !read_filter(values, argc, argv, &filter, error))
        return false;
    if (values[HTML].given)
        return write_page(values, argc, argv, path, &filter, error);
    struct log_view view = {
        .path = path, .filter = &filter, .form = form_of(values), .limit = values[LIMIT].number};
    if (!values[SUMMARY].flag)
        return log_view_records(&view, values[FOLLOW].flag, error);
    if (!values[LIMIT].given)
        view.limit = 0;
    return log_view_summary(&view, error);
}

/* --seal-init and --verify, which show no records. -1: neither was asked for. */
static int run_sealing(const struct option_value *values, int argc, const char *log)
{
    bool verify = values[VERIFY].flag, init = values[SEAL_INIT].flag;
    if ((verify && init) || ((verify || init) && argc > 0) ||
        (!verify && (values[KEY].list_count > 0 || values[EXPECT_EPOCH].given)) ||
        (!init && values[FORCE].flag))
        return command_fail(
            "policy log", COMMAND_USAGE,
            "--verify takes --key and --expect-epoch, --seal-init takes --force and "
            "--state, and neither takes a client");
    if (init) {
        AUTO_FREE char *fallback = policy_path_state();
        const char *state = values[STATE].given ? values[STATE].text : fallback;
        return command_log_seal_init(state, values[FORCE].flag, form_of(values) == LOG_VIEW_JSON);
    }
    if (!verify)
        return -1;
    struct log_verify_request request = {
        .log = log,
        .keys = values[KEY].list,
        .key_count = values[KEY].list_count,
        .expect_epoch = values[EXPECT_EPOCH].number,
        .json = form_of(values) == LOG_VIEW_JSON,
    };
    return command_log_verify(&request);
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    struct error error = {0};
    int code;
    bool init = values[SEAL_INIT].flag; /* needs no log */
    AUTO_FREE char *path = init ? NULL : command_log_source("policy log", &values[LOG], &error);
    if ((init || path != NULL) && (code = run_sealing(values, call->argc, path)) >= 0)
        return code;
    if (path != NULL && show(values, call->argc, call->argv, path, &error))
        return COMMAND_DONE;
    if (error.exit_code == COMMAND_DONE) /* whoever reads us has seen enough */
        return COMMAND_DONE;
    return command_fail(call->table->command, error.exit_code, "%s", error.text);
}

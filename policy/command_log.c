/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve policy log`: the last records of the log, oldest first, so that the newest stands
 * above the prompt (as `journalctl -n` does it). A limit is met from the end of the newest file
 * backwards; everything (--limit 0) is read forwards as a stream. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/command.h"
#include "base/terminal_text.h"
#include "policy/command_log_verify.h"
#include "policy/commands.h"
#include "policy/log_follow.h"
#include "policy/log_line.h"
#include "policy/log_reader.h"
#include "policy/log_table.h"
#include "policy/policy_paths.h"

enum {
    LIMIT,
    FOLLOW,
    DENIED,
    JSON,
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
    [LIMIT] = {.name = "limit",
               .letter = 'n',
               .type = OPTION_NUMBER,
               .argument = "N",
               .initial = "50",
               .max = 1000000,
               .help = "show the last N records that match, 0 for all"},
    [FOLLOW] = {.name = "follow",
                .letter = 'f',
                .type = OPTION_FLAG,
                .help = "go on with new records as they are written, until interrupted"},
    [DENIED] = {.name = "denied",
                .type = OPTION_FLAG,
                .help = "only what was refused, or would be without report mode"},
    [JSON] = {.name = "json", .type = OPTION_FLAG, .help = "print the records as they are stored"},
    [LOG] = {.name = "log",
             .type = OPTION_TEXT,
             .argument = "FILE",
             .environment = "DOCKREEVE_LOG",
             .help = "the log to read; without it /var/log/dockreeve/access.jsonl as root, else "
                     "dockreeve/access.jsonl in $XDG_STATE_HOME or ~/.local/state"},
    [VERIFY] = {.name = "verify",
                .type = OPTION_FLAG,
                .help = "judge a sealed log: exit 0 intact, 1 tampered with, 2 bad key or not "
                        "sealed"},
    [KEY] = {.name = "key",
             .type = OPTION_LIST,
             .argument = "KEY",
             .help = "with --verify: the auditor's key, a file that holds it, or - for standard "
                     "input; may be given many times, one for each series"},
    [EXPECT_EPOCH] = {.name = "expect-epoch",
                      .type = OPTION_NUMBER,
                      .argument = "N",
                      .help = "with --verify: the log must reach this epoch; what an earlier look "
                              "has shown cannot have been cut off then"},
    [SEAL_INIT] = {.name = "seal-init",
                   .type = OPTION_FLAG,
                   .help = "make the key that seals the log and print the auditor's, once"},
    [FORCE] = {.name = "force",
               .type = OPTION_FLAG,
               .help = "with --seal-init: end the series that is there and begin another"},
    [STATE] = {.name = "state",
               .type = OPTION_TEXT,
               .argument = "DIR",
               .environment = "DOCKREEVE_STATE",
               .help = "the gate's state folder, for --seal-init"},
};

const struct option_table policy_log_option_table = {
    .command = "policy log",
    .arguments = "[CLIENT]",
    .summary = "Shows what was asked of the gates, what was decided, and by which rule.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy log\n"
                "  dockreeve policy log --denied --follow traefik\n"
                "  dockreeve policy log --limit 0 --json | jq -r .operation | sort | uniq -c\n"
                "  dockreeve policy log --seal-init\n"
                "  dockreeve policy log --verify --key auditor.key\n",
};

/* One run of the command: what is wanted, how it is shown, and what had to be left out. */
struct log_view {
    uint64_t limit;
    bool denied, json;
    const char *client; /* NULL = any */
    struct log_table table;
    struct log_line line; /* owned: the one looked at */
    struct buffer output; /* owned */
    uint64_t shown, unreadable;
};

static void log_view_free(struct log_view *view)
{
    log_line_free(&view->line);
    buffer_free(&view->output);
}

/* Reads the line into view->line; whether it is wanted. */
static bool is_wanted(struct log_view *view, struct slice text)
{
    if (text.len == 0)
        return false; /* the gate begins with a line end when it cannot tell how the log ends */
    if (!log_line_parse(&view->line, text)) {
        view->unreadable++;
        return false;
    }
    if (view->denied && !log_line_denied(&view->line))
        return false;
    /* Of the log's own making, and of use to --verify alone. */
    if (!view->json && slice_equal_text(view->line.fields[LOG_FIELD_EVENT], "seal"))
        return false;
    return view->client == NULL ||
           slice_equal_text(view->line.fields[LOG_FIELD_CLIENT], view->client);
}

/* Writes the line that is_wanted() has just read. False when standard output takes no more. */
static bool show(struct log_view *view, struct slice text)
{
    buffer_clear(&view->output);
    if (view->shown++ == 0 && !view->json)
        log_table_header(&view->table, &view->output);
    if (view->json) {
        buffer_append_slice(&view->output, text);
        buffer_append_byte(&view->output, '\n');
    } else {
        log_table_row(&view->table, &view->line, &view->output);
    }
    return !view->output.failed &&
           fwrite(view->output.data, 1, view->output.len, stdout) == view->output.len;
}

static void note_unreadable(struct log_view *view)
{
    if (view->unreadable > 0)
        fprintf(stderr, "note: %llu line%s of the log could not be read and %s left out\n",
                (unsigned long long)view->unreadable, view->unreadable == 1 ? "" : "s",
                view->unreadable == 1 ? "is" : "are");
    view->unreadable = 0;
}

static void note_torn(void)
{
    fputs("note: the last line of the log has no end and is left out: it is being written, or a "
          "crash cut it off\n",
          stderr);
}

/* The lines found from the end, newest first, one behind the other. */
struct found_lines {
    struct buffer text;   /* owned */
    struct buffer starts; /* owned: a size_t for each line */
    uint64_t count;
};

static void found_lines_free(struct found_lines *found)
{
    buffer_free(&found->text);
    buffer_free(&found->starts);
}

static struct slice found_lines_get(const struct found_lines *found, uint64_t index)
{
    size_t begin, end = found->text.len;
    memcpy(&begin, found->starts.data + index * sizeof(begin), sizeof(begin));
    if (index + 1 < found->count)
        memcpy(&end, found->starts.data + (index + 1) * sizeof(end), sizeof(end));
    return slice_of(found->text.data + begin, end - begin);
}

/* Finds the last view->limit wanted lines of one file and those found before. *end_out is where its
 * whole lines end. */
static bool find_last(struct log_view *view, int fd, struct found_lines *found, off_t *end_out,
                      bool *torn_out, struct error *error)
{
    CLEANUP(log_backward_free) struct log_backward backward;
    struct slice text;
    enum log_read result = LOG_READ_LINE;
    log_backward_init(&backward, fd);
    while (found->count < view->limit &&
           (result = log_backward_next(&backward, &text, error)) == LOG_READ_LINE) {
        if (!is_wanted(view, text))
            continue;
        size_t start = found->text.len;
        buffer_append(&found->starts, (const char *)&start, sizeof(start));
        buffer_append_slice(&found->text, text);
        if (found->text.failed || found->starts.failed)
            return error_set(error, COMMAND_FAILED, "out of memory; ask for fewer with --limit");
        found->count++;
        log_table_measure(&view->table, &view->line);
    }
    *end_out = backward.end;
    *torn_out = backward.torn;
    return result != LOG_READ_FAILED;
}

/* The last view->limit lines of all files. *end_out is where following goes on in the newest. */
static bool show_last(struct log_view *view, const struct log_files *files, off_t *end_out,
                      bool *torn_out, struct error *error)
{
    CLEANUP(found_lines_free) struct found_lines found = {.count = 0};
    for (unsigned i = 0; i < files->count && found.count < view->limit; i++) {
        off_t end = 0;
        bool torn = false;
        if (!find_last(view, files->fds[i], &found, &end, &torn, error))
            return false;
        if (i == 0) {
            *end_out = end;
            *torn_out = torn;
        }
    }
    for (uint64_t i = found.count; i > 0; i--) {
        struct slice text = found_lines_get(&found, i - 1);
        if (is_wanted(view, text) && !show(view, text))
            return true;
    }
    return true;
}

/* All lines of all files, the oldest first. */
static bool show_all(struct log_view *view, const struct log_files *files, off_t *end_out,
                     bool *torn_out, struct error *error)
{
    for (unsigned i = files->count; i > 0; i--) {
        CLEANUP(log_forward_free) struct log_forward forward;
        struct slice text;
        enum log_read result;
        log_forward_init(&forward, files->fds[i - 1], 0);
        while ((result = log_forward_next(&forward, &text, error)) == LOG_READ_LINE) {
            if (is_wanted(view, text) && !show(view, text))
                return true;
        }
        if (result == LOG_READ_FAILED)
            return false;
        *torn_out = log_forward_is_torn(&forward);
        *end_out = forward.at - (off_t)(forward.bytes.len - forward.used);
    }
    return true;
}

static bool show_new(void *context, struct slice text)
{
    struct log_view *view = context;
    if (!is_wanted(view, text))
        return true;
    return show(view, text) && fflush(stdout) == 0;
}

static int run(struct log_view *view, const char *path, bool follow, struct error *error)
{
    AUTO_LOG_FOLLOW struct log_follow *follower = NULL;
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    off_t end = 0;
    bool torn = false;
    /* Watching begins before reading: what is written between the two is then seen at the first
     * look. */
    if (!log_files_open(&files, path, error) ||
        (follow && (follower = log_follow_new(path, error)) == NULL))
        return error->code;
    if (view->limit > 0 ? !show_last(view, &files, &end, &torn, error)
                        : !show_all(view, &files, &end, &torn, error))
        return error->code;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno == EPIPE)
            return COMMAND_DONE; /* whoever reads us has seen enough */
        error_set(error, COMMAND_FAILED, "cannot write: %s", strerror(errno));
        return COMMAND_FAILED;
    }
    note_unreadable(view);
    if (torn && !follow)
        note_torn();
    if (follow && !log_follow_run(follower, steal_fd(&files.fds[0]), end, show_new, view, error))
        return error->code;
    note_unreadable(view);
    return COMMAND_DONE;
}

/* --seal-init and --verify, which show no records. -1: neither was asked for. */
static int run_sealing(const struct option_value *values, int argc, const char *log)
{
    bool verify = values[VERIFY].flag, init = values[SEAL_INIT].flag;
    if ((verify && init) || ((verify || init) && argc > 0) ||
        (!verify && (values[KEY].list_count > 0 || values[EXPECT_EPOCH].given)) ||
        (!init && values[FORCE].flag)) {
        fputs("dockreeve policy log: --verify takes --key and --expect-epoch, --seal-init takes "
              "--force and --state, and neither takes a client\n",
              stderr);
        return COMMAND_USAGE;
    }
    if (init) {
        AUTO_FREE char *fallback = policy_path_state();
        const char *state = values[STATE].given ? values[STATE].text : fallback;
        return command_log_seal_init(state, values[FORCE].flag, values[JSON].flag);
    }
    if (!verify)
        return -1;
    struct log_verify_request request = {
        .log = log,
        .keys = values[KEY].list,
        .key_count = values[KEY].list_count,
        .expect_epoch = values[EXPECT_EPOCH].number,
        .json = values[JSON].flag,
    };
    return command_log_verify(&request);
}

int command_policy_log(int argc, char **argv)
{
    struct option_value values[OPTION_COUNT];
    int code = command_begin(&policy_log_option_table, values, &argc, argv);
    if (code >= 0)
        return code;
    AUTO_FREE char *default_path = policy_path_log();
    const char *path = values[LOG].given ? values[LOG].text : default_path;
    if ((code = run_sealing(values, argc, path)) >= 0)
        return code;
    if (argc > 1) {
        fprintf(stderr, "dockreeve policy log: name one client at most\n");
        return COMMAND_USAGE;
    }
    if (strcmp(path, "-") == 0) {
        fputs(
            "dockreeve policy log: this gate's log goes to standard output; read it with the tool "
            "that keeps that, such as `docker logs`\n",
            stderr);
        return COMMAND_NOT_FOUND;
    }
    CLEANUP(log_view_free)
    struct log_view view = {
        .limit = values[LIMIT].number,
        .denied = values[DENIED].flag,
        .json = values[JSON].flag,
        .client = argc == 1 ? argv[0] : NULL,
    };
    log_table_init(&view.table, isatty(STDOUT_FILENO), terminal_text_in_colour(stdout));
    struct error error = {0};
    code = run(&view, path, values[FOLLOW].flag, &error);
    if (code != COMMAND_DONE)
        fprintf(stderr, "dockreeve policy log: %s\n", error.text);
    else if (view.shown == 0 && !values[FOLLOW].flag && isatty(STDOUT_FILENO))
        fputs("No record matches.\n", stderr);
    return code;
}

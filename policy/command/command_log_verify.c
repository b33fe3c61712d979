/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve policy log --verify` and `--seal-init`. All files of the log are opened before the
 * first is read, so that a rotation meanwhile moves names and not what is read. */
#include "policy/command/command_log_verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/timestamp.h"
#include "policy/log/log_input.h"
#include "policy/view/log_verify_report.h"
#include "policy/seal/seal_key.h"

enum { FILES_MAX = 8192, KEY_FILE_MAX = 8192, ATTEMPTS = 5 };

/* The files of one log, newest first. */
struct sealed_files {
    bool is_piped; /* standard input: others may have put something before the records */
    int *fds;      /* owned */
    char **names;  /* owned, each */
    unsigned count;
    char *missing; /* owned: the first name that is not there while an older file is */
};

static void sealed_files_clear(struct sealed_files *files)
{
    for (unsigned i = 0; i < files->count; i++) {
        close(files->fds[i]);
        free(files->names[i]);
    }
    free(files->fds);
    free(files->names);
    free(files->missing);
    *files = (struct sealed_files){0};
}

static char *numbered(const char *path, unsigned number)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    buffer_append_text(&name, path);
    if (number > 0)
        buffer_printf(&name, ".%u", number);
    return slice_to_text(buffer_slice(&name));
}

/* The highest number behind the log's name in its folder; 0 when there is none. */
static unsigned highest_number(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *folder = slash == NULL
                                 ? slice_to_text(SLICE_LITERAL("."))
                                 : slice_to_text(slice_of(path, (size_t)(slash - path) + 1));
    const char *base = slash == NULL ? path : slash + 1;
    size_t len = strlen(base);
    unsigned highest = 0;
    DIR *names = opendir(folder);
    if (names == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
        uint64_t number;
        if (strncmp(entry->d_name, base, len) == 0 && entry->d_name[len] == '.' &&
            entry->d_name[len + 1] != '0' &&
            slice_to_u64(slice_from_text(entry->d_name + len + 1), &number) && number < FILES_MAX &&
            number > highest)
            highest = (unsigned)number;
    }
    closedir(names);
    return highest;
}

static bool same_file(int fd, const struct stat *status)
{
    struct stat other;
    return fstat(fd, &other) == 0 && other.st_ino == status->st_ino &&
           other.st_dev == status->st_dev;
}

/* Opens one of the files; takes `name`. A file that is missing is noted. */
static bool open_one(struct sealed_files *files, char *name, struct error *error)
{
    AUTO_FREE char *owned = name;
    struct stat status;
    AUTO_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        if (files->missing == NULL)
            files->missing = steal_pointer(&owned);
        return true;
    }
    const struct quoted quoted = quote_text(name);
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set(error, COMMAND_FAILED, "cannot read the log %s: %s", quoted.text,
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, COMMAND_FAILED, "%s is not a regular file", quoted.text);
    if (files->count > 0 && same_file(files->fds[files->count - 1], &status))
        return true; /* rotated between two of our steps */
    files->fds[files->count] = steal_fd(&fd);
    files->names[files->count++] = steal_pointer(&owned);
    return true;
}

static bool open_all(struct sealed_files *files, const char *path, struct error *error)
{
    unsigned highest = highest_number(path);
    files->fds = calloc_or_abort(highest + 1, sizeof(*files->fds));
    files->names = calloc_or_abort(highest + 1, sizeof(*files->names));
    for (unsigned number = 0; number <= highest; number++) {
        if (!open_one(files, numbered(path, number), error))
            return false;
    }
    return true;
}

static bool open_standard(struct sealed_files *files, struct error *error)
{
    AUTO_LOG_FILES struct log_files standard = {.count = 0};
    files->fds = calloc_or_abort(1, sizeof(*files->fds));
    files->names = calloc_or_abort(1, sizeof(*files->names));
    if (!log_input_open(&standard, "-", error))
        return false;
    files->is_piped = true;
    files->fds[0] = steal_fd(&standard.fds[0]);
    files->names[files->count++] = slice_to_text(SLICE_LITERAL("standard input"));
    return true;
}

/* A rotation leaves a name out for a moment: what is missing has to be missing for longer. */
static bool sealed_files_open(struct sealed_files *files, const char *path, struct error *error)
{
    static const struct timespec moment = {0, 20000000};
    struct rlimit limit;
    if (log_input_is_standard(path))
        return open_standard(files, error);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        sealed_files_clear(files);
        if (!open_all(files, path, error))
            return false;
        if (files->missing == NULL)
            return true;
        nanosleep(&moment, NULL);
    }
    if (files->count > 0)
        return true;
    return error_set(error, COMMAND_NOT_FOUND,
                     "there is no log at %s; name another with --log FILE or DOCKREEVE_LOG",
                     quote_text(path).text);
}

static bool verify_file(struct log_verify *verify, const struct sealed_files *files,
                        unsigned number, uint64_t *bytes, struct error *error)
{
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice line;
    enum log_read result;
    log_verify_file(verify, number);
    log_forward_init(&forward, files->fds[number], 0);
    while ((result = log_forward_next(&forward, &line, error)) == LOG_READ_LINE)
        log_verify_line(verify, files->is_piped ? log_line_record(line) : line);
    *bytes += (uint64_t)forward.at;
    if (result == LOG_READ_END && log_forward_is_torn(&forward))
        log_verify_torn(
            verify, slice_of(forward.bytes.data + forward.used, forward.bytes.len - forward.used),
            number == 0);
    return result != LOG_READ_FAILED;
}

struct key_list {
    struct log_seal_key keys[LOG_VERIFY_KEYS_MAX];
    unsigned count;
};

static void key_list_wipe(struct key_list *list)
{
    explicit_bzero(list, sizeof(*list));
}

/* One key a line; empty lines and those that begin with # are passed over. */
static bool add_keys(struct key_list *list, struct slice text, const char *name,
                     struct error *error)
{
    unsigned line = 0, before = list->count;
    const struct quoted quoted = quote_text(name);
    while (text.ptr != NULL) {
        struct slice row = slice_trim_blanks(slice_cut(&text, '\n'));
        line++;
        if (row.len > 0 && row.ptr[row.len - 1] == '\r')
            row.len--;
        if (row.len == 0 || row.ptr[0] == '#')
            continue;
        if (list->count == LOG_VERIFY_KEYS_MAX)
            return error_set(error, COMMAND_USAGE, "more than %d keys", LOG_VERIFY_KEYS_MAX);
        if (!seal_key_from_text(row, &list->keys[list->count++]))
            return error_set(error, COMMAND_USAGE,
                             "--key: line %u of %s is no key: one looks like dockreeve-seal-1: and "
                             "64 hexadecimal digits, as --seal-init printed it",
                             line, quoted.text);
    }
    return list->count > before ||
           error_set(error, COMMAND_USAGE, "--key: there is no key in %s", quoted.text);
}

static bool read_key(struct key_list *list, const char *argument, struct error *error)
{
    static const struct slice prefix = SLICE_LITERAL("dockreeve-seal-");
    struct slice text = slice_from_text(argument);
    if (slice_starts_with(text, prefix))
        return add_keys(list, text, "the command line", error);
    char bytes[KEY_FILE_MAX];
    bool from_stdin = strcmp(argument, "-") == 0;
    AUTO_FCLOSE FILE *file = from_stdin ? fdopen(dup(STDIN_FILENO), "r") : fopen(argument, "re");
    const struct quoted quoted = quote(text);
    if (file == NULL)
        return error_set(error, COMMAND_USAGE, "--key: cannot read %s: %s", quoted.text,
                         strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer */
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    bool good =
        !ferror(file)
            ? add_keys(list, slice_of(bytes, len), from_stdin ? "standard input" : argument, error)
            : error_set(error, COMMAND_USAGE, "--key: cannot read %s", quoted.text);
    explicit_bzero(bytes, sizeof(bytes));
    return good;
}

static int exit_code(enum log_verify_result result)
{
    switch (result) {
    case LOG_VERIFY_INTACT:
        return COMMAND_DONE;
    case LOG_VERIFY_TAMPERED:
    case LOG_VERIFY_CUT:
        return COMMAND_FAILED;
    case LOG_VERIFY_WRONG_KEY:
    case LOG_VERIFY_NEVER_SEALED:
        break;
    }
    return COMMAND_USAGE;
}

static bool verify_all(const struct sealed_files *files, const struct log_verify_request *request,
                       struct log_verify *verify, struct error *error)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct log_verify_report report = {
        .files = (const char *const *)files->names,
        .keyed = request->key_count > 0,
        .expect_epoch = request->expect_epoch,
        .missing_file = files->missing,
    };
    int64_t begin_us = timestamp_monotonic_us();
    for (unsigned i = files->count; i > 0; i--) {
        if (!verify_file(verify, files, i - 1, &report.bytes, error))
            return false;
    }
    report.verdict = log_verify_end(verify);
    report.duration_us = (uint64_t)(timestamp_monotonic_us() - begin_us);
    if (request->json)
        log_verify_report_json(&report, &out);
    else
        log_verify_report_text(&report, &out);
    fputs(buffer_text(&out), stdout);
    error->exit_code = exit_code(log_verify_result(&report));
    if (fflush(stdout) != 0)
        return error_set(error, COMMAND_FAILED, "cannot write: %s", strerror(errno));
    return true;
}

static void free_verify(struct log_verify **verify)
{
    free(*verify);
}

int command_log_verify(const struct log_verify_request *request)
{
    CLEANUP(key_list_wipe) struct key_list list = {.count = 0};
    CLEANUP(sealed_files_clear) struct sealed_files files = {.count = 0};
    CLEANUP(free_verify) struct log_verify *verify = calloc(1, sizeof(*verify));
    struct error error = {0};
    bool good = verify != NULL || error_set(&error, COMMAND_FAILED, "out of memory");
    for (unsigned i = 0; i < request->key_count && good; i++)
        good =
            !(log_input_is_standard(request->log) && log_input_is_standard(request->keys[i])) ||
            error_set(&error, COMMAND_USAGE, "standard input cannot be both the log and the key");
    for (unsigned i = 0; i < request->key_count && good; i++)
        good = read_key(&list, request->keys[i], &error);
    good = good && sealed_files_open(&files, request->log, &error);
    if (good) {
        log_verify_init(verify, list.keys, list.count);
        good = verify_all(&files, request, verify, &error);
    }
    return good ? error.exit_code : command_fail("policy log", error.exit_code, "%s", error.text);
}

/* Nothing was changed yet when this fails. */
static bool show_key(const struct log_seal_key *first, bool json, struct error *error)
{
    char text[SEAL_KEY_TEXT_LEN + 1];
    seal_key_to_text(first, text);
    setvbuf(stdout, NULL, _IONBF, 0); /* no copy of the key in a buffer */
    bool shown = json ? printf("{\"key\":\"%s\",\"epoch\":0}\n", text) > 0 : puts(text) >= 0;
    explicit_bzero(text, sizeof(text));
    if (!shown || fflush(stdout) != 0)
        return error_set(error, COMMAND_FAILED, "cannot show the key (%s): sealing was not set up",
                         strerror(errno));
    return true;
}

static bool make_key(int folder, bool json, struct error *error)
{
    struct seal_state state = {.key = {.epoch = 0}};
    if (getrandom(state.key.bytes, sizeof(state.key.bytes), 0) != sizeof(state.key.bytes))
        return error_set(error, COMMAND_FAILED, "the kernel gives no random bytes: %s",
                         strerror(errno));
    bool done = show_key(&state.key, json, error);
    log_seal_key_evolve(&state.key);
    if (done && !seal_state_write(folder, &state, error)) {
        error->exit_code = COMMAND_FAILED;
        done = false;
    }
    explicit_bzero(&state, sizeof(state));
    return done;
}

static bool seal_init(const char *state, bool force, bool json, bool *replaced_out,
                      struct error *error)
{
    AUTO_CLOSE int folder = -1;
    AUTO_CLOSE int lock = -1;
    struct seal_state old;
    struct error broken;
    if ((mkdir(state, 0700) != 0 && errno != EEXIST) ||
        !seal_folder_open(state, &folder, &lock, error)) {
        if (folder < 0 && error->text[0] == '\0')
            error_set(error, COMMAND_FAILED, "cannot make the state folder %s: %s",
                      quote_text(state).text, strerror(errno));
        return false;
    }
    /* A broken one counts: the log is sealed with it. */
    if (!seal_state_read(state, &old, replaced_out, &broken))
        *replaced_out = true;
    explicit_bzero(&old, sizeof(old));
    if (*replaced_out && !force)
        return error_set(error, COMMAND_CONFLICT,
                         "this log is sealed already (" SEAL_KEY_FILE " in %s); --force ends that "
                         "series and begins a new one with another key",
                         quote_text(state).text);
    if (!make_key(folder, json, error))
        return false;
    seal_state_hand_over(folder, lock);
    return true;
}

int command_log_seal_init(const char *state, bool force, bool json)
{
    struct error error = {0};
    bool replaced = false;
    if (!seal_init(state, force, json, &replaced, &error))
        return command_fail("policy log", error.exit_code, "%s", error.text);
    if (isatty(STDOUT_FILENO))
        fputs("This key verifies the log. It is shown this once: keep it on another machine. Who "
              "has it can forge the log from its first record on.\n",
              stderr);
    if (replaced)
        fputs("The series before ends here; its key is still needed to verify its records.\n",
              stderr);
    fputs("The gate seals from its next start on: restart it if it runs.\n", stderr);
    return COMMAND_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/loop/log_loss.h"
#include "proxy/loop/log_writer.h"

/* A folder of its own for each test, with the log's path in it. */
struct folder {
    char name[64];
    char log[96];
};

static void folder_make(struct folder *folder)
{
    snprintf(folder->name, sizeof(folder->name), "/tmp/dockreeve-log-XXXXXX");
    cr_assert_not_null(mkdtemp(folder->name));
    snprintf(folder->log, sizeof(folder->log), "%s/access.jsonl", folder->name);
}

static void folder_remove(struct folder *folder)
{
    static const char *const endings[] = {"", ".new", ".1", ".2", ".3", ".4", ".5", ".6"};
    char name[128];
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(name, sizeof(name), "%s%s", folder->log, endings[i]);
        if (unlink(name) != 0)
            rmdir(name);
    }
    rmdir(folder->name);
}
#define AUTO_FOLDER CLEANUP(folder_remove)

static char *read_all(const char *path)
{
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s: %s", path, strerror(errno));
    char *text = calloc(1, 1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    text[len] = '\0';
    return text;
}

static size_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

/* Counts the lines and fails unless each is one whole record. */
static size_t whole_lines(const char *text)
{
    size_t count = 0;
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        cr_assert_not_null(end, "no line end after: %s", text);
        cr_assert(text[0] == '{' && end[-1] == '}', "not whole: %.*s", (int)(end - text), text);
        text = end + 1;
        count++;
    }
    return count;
}

static uint64_t add(struct log_writer *writer)
{
    struct log_record record = {.time_us = 1700000000000000,
                                .event = LOG_REQUEST,
                                .kind = SLICE_LITERAL("docker"),
                                .client = SLICE_LITERAL("default"),
                                .path = SLICE_LITERAL("/containers/json"),
                                .status = 200};
    uint64_t seq = log_writer_add(writer, &record);
    cr_assert(seq == 0 || record.seq == seq);
    return seq;
}

static struct log_writer *open_log(const char *path, uint64_t rotate_bytes, unsigned keep,
                                   size_t queue_bytes)
{
    struct error error;
    struct log_writer_options options = {
        .path = path, .rotate_bytes = rotate_bytes, .keep = keep, .queue_bytes = queue_bytes};
    struct log_writer *writer = log_writer_open(&options, &error);
    cr_assert_not_null(writer, "%s", error.text);
    return writer;
}
#define AUTO_WRITER CLEANUP(log_writer_close)

static size_t line_size(void)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    return size_of(folder.log);
}

Test(log_writer, a_record_is_pending_until_the_flush_and_then_done)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    cr_assert_eq(add(writer), 1);
    cr_assert_eq(add(writer), 2);
    cr_assert_eq(log_writer_state(writer, 1), LOG_WRITE_PENDING);
    cr_assert_eq(size_of(folder.log), 0, "nothing goes out before the flush");
    cr_assert(log_writer_flush(writer, &error));
    cr_assert_str_empty(error.text);
    cr_assert_eq(log_writer_state(writer, 1), LOG_WRITE_DONE);
    cr_assert_eq(log_writer_state(writer, 2), LOG_WRITE_DONE);
    cr_assert_eq(log_writer_state(writer, 3), LOG_WRITE_LOST, "never given");
    cr_assert_eq(log_writer_state(writer, 0), LOG_WRITE_LOST);
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 2);
    cr_assert_not_null(strstr(text, "\"seq\":2"));
    struct stat status;
    cr_assert_eq(stat(folder.log, &status), 0);
    cr_assert_eq(status.st_mode & 07777 & ~0640u, 0);
}

Test(log_writer, a_missing_folder_is_named)
{
    struct error error;
    struct log_writer_options options = {.path = "/tmp/dockreeve-no-such/deeper/access.jsonl"};
    cr_assert_null(log_writer_open(&options, &error));
    cr_assert_eq(error.system_error, ENOENT);
    cr_assert_not_null(strstr(error.text, "`/tmp/dockreeve-no-such` does not exist"), "%s",
                       error.text);
}

Test(log_writer, close_flushes)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    log_writer_close(&writer);
    cr_assert_null(writer);
    log_writer_close(&writer);
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 1);
}

Test(log_writer, more_records_than_the_queue_holds_are_written_before_the_flush)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, LOG_WRITER_QUEUE_MIN);
    enum { COUNT = 400 };
    for (int i = 0; i < COUNT; i++) {
        uint64_t seq = add(writer);
        cr_assert_neq(log_writer_state(writer, seq), LOG_WRITE_LOST);
    }
    cr_assert(log_writer_flush(writer, &error));
    cr_assert_eq(log_writer_state(writer, COUNT), LOG_WRITE_DONE);
    cr_assert_eq(log_writer_lost_count(writer), 0);
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), COUNT);
}

Test(log_writer, a_full_queue_behind_a_full_pipe_loses_the_record_and_says_so)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    cr_assert_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log("-", 0, 0, LOG_WRITER_QUEUE_MIN);
    uint64_t kept = 0;
    bool room_ended_first = false;
    while (log_writer_state(writer, add(writer)) != LOG_WRITE_LOST) {
        kept++;
        room_ended_first = room_ended_first || !log_writer_has_room(writer);
        cr_assert_lt(kept, 100000);
    }
    cr_assert(room_ended_first, "has_room() must give way before the queue does");
    cr_assert(log_writer_blocked(writer));
    cr_assert_eq(log_writer_lost_count(writer), 1);
    for (int i = 0; i < 10000; i++)
        cr_assert_eq(log_writer_state(writer, add(writer)), LOG_WRITE_LOST);
    cr_assert_eq(log_writer_state(writer, kept), LOG_WRITE_PENDING, "losses displace no record");
    static char text[1 << 20];
    size_t len = 0;
    for (bool more = true; more;) {
        ssize_t got = read(ends[0], text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        more = log_writer_pending(writer) || got > 0;
        cr_assert(log_writer_flush(writer, &error), "%s", error.text);
    }
    text[len] = '\0';
    cr_assert_eq(whole_lines(text), kept);
    cr_assert(log_writer_has_room(writer));
    cr_assert_neq(add(writer), 0);
    cr_assert(log_writer_flush(writer, &error));
}

/* The number behind `key` in a line. */
static uint64_t number_of(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

/* Reads what comes until nothing is pending; the gap in the numbers, and what is said of it. */
static void read_gaps(struct log_writer *writer, struct log_loss *loss, int fd, uint64_t *gap_out,
                      uint64_t *told_out)
{
    static char text[1 << 20];
    struct error error;
    size_t len = 0;
    for (bool more = true; more;) {
        ssize_t got = read(fd, text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        more = log_writer_pending(writer) || got > 0;
        log_loss_tell(loss, writer, "0");
        cr_assert(log_writer_flush(writer, &error), "%s", error.text);
    }
    text[len] = '\0';
    uint64_t last = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        uint64_t seq = number_of(line, "\"seq\":");
        *gap_out += seq - last - 1;
        *told_out += number_of(line, "\"count\":");
        last = seq;
    }
}

Test(log_writer, the_gap_is_as_large_as_what_is_told)
{
    enum { FLOOD = 100000 };
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    cr_assert_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    AUTO_WRITER struct log_writer *writer = open_log("-", 0, 0, LOG_WRITER_QUEUE_MIN);
    struct log_loss loss = {0};
    for (int i = 0; i < FLOOD; i++)
        (void)add(writer);
    uint64_t gap = 0, told = 0;
    read_gaps(writer, &loss, ends[0], &gap, &told);
    cr_assert_eq(told, log_writer_lost_count(writer));
    cr_assert_eq(gap, told, "%llu numbers are missing, %llu are told of", (unsigned long long)gap,
                 (unsigned long long)told);
}

Test(log_writer, what_waits_is_not_lost_with_a_file_that_was_removed)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    unlink(folder.log);
    add(writer);
    cr_assert(log_writer_keep_place(writer, &error), "%s", error.text);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 1);
}

Test(log_writer, what_is_owed_finds_room_behind_a_full_queue)
{
    enum { OWED = 50 };
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    struct error error;
    struct log_writer_options options = {
        .path = "-", .queue_bytes = LOG_WRITER_QUEUE_MIN, .owed_max = OWED};
    AUTO_WRITER struct log_writer *writer = log_writer_open(&options, &error);
    cr_assert_not_null(writer, "%s", error.text);
    while (log_writer_has_room(writer))
        cr_assert_neq(log_writer_state(writer, add(writer)), LOG_WRITE_LOST);
    for (int i = 0; i < OWED; i++)
        cr_assert_eq(log_writer_state(writer, add(writer)), LOG_WRITE_PENDING, "owed %d", i);
    cr_assert_eq(log_writer_lost_count(writer), 0);
}

Test(log_writer, losing_everything_for_long_does_not_end_the_numbering)
{
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log("/dev/full", 0, 0, LOG_WRITER_QUEUE_MIN);
    for (int i = 0; i < 5000; i++) {
        uint64_t seq = add(writer);
        cr_assert_eq(seq, (uint64_t)i + 1);
        cr_assert_not(log_writer_flush(writer, &error));
        cr_assert_eq(log_writer_state(writer, seq), LOG_WRITE_LOST);
    }
    cr_assert_eq(error.system_error, ENOSPC);
    cr_assert_eq(log_writer_lost_count(writer), 5000);
}

/* Sets the largest file size, for a write that ends half-way. */
static void limit_files(size_t bytes)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
}

Test(log_writer, what_an_early_write_loses_is_said_by_the_next_flush)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, LOG_WRITER_QUEUE_MIN);
    limit_files(1);
    while (log_writer_lost_count(writer) == 0)
        cr_assert_lt(add(writer), 1000);
    limit_files(0);
    cr_assert_not(log_writer_flush(writer, &error), "the log works again, yet records are gone");
    cr_assert_eq(error.system_error, EFBIG);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    cr_assert_str_empty(error.text);
}

Test(log_writer, a_write_that_ends_half_way_leaves_whole_lines_at_every_cut)
{
    size_t line = line_size();
    for (size_t limit = 1; limit <= 3 * line; limit++) {
        struct folder folder AUTO_FOLDER;
        folder_make(&folder);
        struct error error;
        AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
        for (int i = 0; i < 4; i++)
            add(writer);
        limit_files(limit);
        bool flushed = log_writer_flush(writer, &error);
        limit_files(0);
        cr_assert_not(flushed);
        cr_assert_eq(error.system_error, EFBIG);
        cr_assert_eq(size_of(folder.log), limit / line * line, "cut at %zu", limit);
        for (uint64_t seq = 1; seq <= 4; seq++)
            cr_assert_eq(log_writer_state(writer, seq),
                         seq <= limit / line ? LOG_WRITE_DONE : LOG_WRITE_LOST);
        add(writer);
        cr_assert(log_writer_flush(writer, &error), "later records try again");
        AUTO_FREE char *text = read_all(folder.log);
        cr_assert_eq(whole_lines(text), limit / line + 1);
    }
}

Test(log_writer, what_another_process_wrote_behind_ours_is_not_cut_off)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FCLOSE FILE *other = fopen(folder.log, "ae");
    fputs("{other}\n", other);
    fflush(other);
    add(writer);
    limit_files(size_of(folder.log) + 10);
    cr_assert_not(log_writer_flush(writer, &error));
    limit_files(0);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 3);
    cr_assert_not_null(strstr(text, "{other}\n"));
}

Test(log_writer, a_line_torn_by_a_crash_stays_apart)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    AUTO_FCLOSE FILE *before = fopen(folder.log, "we");
    fputs("{\"seq\":1}\n{\"seq\":2", before);
    fflush(before);
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_not_null(strstr(text, "{\"seq\":2\n{"), "%s", text);
    AUTO_WRITER struct log_writer *again = open_log(folder.log, 0, 0, 65536);
    add(again);
    cr_assert(log_writer_flush(again, &error));
    AUTO_FREE char *whole = read_all(folder.log);
    cr_assert_null(strstr(whole, "\n\n"), "no line end is added to a whole file");
}

Test(log_writer, rotation_bounds_every_file_and_their_number)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    char name[128];
    size_t limit = 3 * line_size() + 5;
    /* Left over from a larger `keep`. */
    snprintf(name, sizeof(name), "%s.3", folder.log);
    AUTO_FCLOSE FILE *left = fopen(name, "we");
    cr_assert_not_null(left);
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, limit, 2, 65536);
    for (int turn = 0; turn < 30; turn++) {
        for (int i = 0; i < turn % 9; i++)
            add(writer);
        cr_assert(log_writer_flush(writer, &error), "%s", error.text);
        cr_assert_str_empty(error.text);
        cr_assert_leq(size_of(folder.log), limit);
    }
    for (int n = 1; n <= 2; n++) {
        snprintf(name, sizeof(name), "%s.%d", folder.log, n);
        cr_assert_leq(size_of(name), limit);
        AUTO_FREE char *text = read_all(name);
        cr_assert_geq(whole_lines(text), 1);
    }
    snprintf(name, sizeof(name), "%s.3", folder.log);
    cr_assert_neq(access(name, F_OK), 0);
    snprintf(name, sizeof(name), "%s.new", folder.log);
    cr_assert_neq(access(name, F_OK), 0);
}

Test(log_writer, keep_zero_keeps_one_file)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    char name[128];
    size_t limit = 2 * line_size();
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, limit, 0, 65536);
    for (int i = 0; i < 5; i++) {
        add(writer);
        cr_assert(log_writer_flush(writer, &error));
    }
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 1);
    snprintf(name, sizeof(name), "%s.1", folder.log);
    cr_assert_neq(access(name, F_OK), 0);
}

Test(log_writer, a_failed_rotation_is_said_once_and_the_old_file_goes_on)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    char name[128];
    size_t limit = 2 * line_size();
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, limit, 1, 65536);
    snprintf(name, sizeof(name), "%s.1", folder.log);
    cr_assert_eq(mkdir(name, 0700), 0); /* a folder cannot be replaced by a file */
    unsigned said = 0;
    for (int i = 0; i < 9; i++) {
        add(writer);
        cr_assert(log_writer_flush(writer, &error));
        said += error.text[0] != '\0';
    }
    cr_assert_eq(said, 1);
    AUTO_FREE char *text = read_all(folder.log);
    cr_assert_eq(whole_lines(text), 9);
    cr_assert_eq(rmdir(name), 0);
    for (int i = 0; i < 4; i++) {
        add(writer);
        cr_assert(log_writer_flush(writer, &error));
        cr_assert_str_empty(error.text);
    }
    cr_assert_eq(access(name, F_OK), 0, "rotates again once it can");
}

Test(log_writer, a_rotation_without_descriptors_moves_nothing)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    char name[128];
    struct rlimit limit;
    size_t line = line_size();
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, line, 2, 65536);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {3, limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    add(writer);
    bool flushed = log_writer_flush(writer, &error);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert(flushed);
    cr_assert_eq(error.system_error, EMFILE);
    cr_assert_eq(size_of(folder.log), 2 * line);
    snprintf(name, sizeof(name), "%s.1", folder.log);
    cr_assert_neq(access(name, F_OK), 0);
}

Test(log_writer, reopen_follows_a_rename_and_keeps_the_old_file_on_failure)
{
    struct folder folder AUTO_FOLDER;
    folder_make(&folder);
    struct error error;
    char moved[128];
    snprintf(moved, sizeof(moved), "%s.1", folder.log);
    AUTO_WRITER struct log_writer *writer = open_log(folder.log, 0, 0, 65536);
    add(writer);
    cr_assert_eq(rename(folder.log, moved), 0);
    cr_assert(log_writer_reopen(writer, &error), "%s", error.text);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FREE char *old = read_all(moved);
    AUTO_FREE char *new = read_all(folder.log);
    cr_assert_eq(whole_lines(old), 1, "what waited belongs to the old file");
    cr_assert_eq(whole_lines(new), 1);
    cr_assert_eq(rename(folder.log, moved), 0);
    cr_assert_eq(mkdir(folder.log, 0700), 0);
    cr_assert_not(log_writer_reopen(writer, &error));
    cr_assert_eq(error.system_error, EISDIR);
    add(writer);
    cr_assert(log_writer_flush(writer, &error));
    AUTO_FREE char *kept = read_all(moved);
    cr_assert_eq(whole_lines(kept), 2);
}

/* Standard output as a pipe, a socket, or a pipe that may not be opened anew is tested by filling
 * it, reading some, and going on: what arrives must be every record once, whole. */
static void fill_and_drain(int reader)
{
    struct error error;
    AUTO_WRITER struct log_writer *writer = open_log("-", 0, 0, 1 << 17);
    cr_assert_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0, "our parent's flag is untouched");
    static char text[1 << 20];
    size_t len = 0;
    uint64_t added = 0;
    uint64_t done = 0;
    while (!log_writer_blocked(writer)) {
        for (int i = 0; i < 7; i++)
            added = add(writer);
        cr_assert(log_writer_flush(writer, &error), "%s", error.text);
        cr_assert_lt(added, 100000);
    }
    cr_assert_eq(log_writer_state(writer, added), LOG_WRITE_PENDING);
    while (len < sizeof(text) && done < added) {
        ssize_t got = read(reader, text + len, 1001);
        cr_assert_gt(got, 0);
        len += (size_t)got;
        cr_assert(log_writer_flush(writer, &error), "%s", error.text);
        while (done < added && log_writer_state(writer, done + 1) == LOG_WRITE_DONE)
            done++;
        if (!log_writer_blocked(writer))
            cr_assert_eq(done, added);
    }
    log_writer_close(&writer);
    close(STDOUT_FILENO);
    for (ssize_t got; (got = read(reader, text + len, sizeof(text) - 1 - len)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    cr_assert_eq(whole_lines(text), added);
}

Test(log_writer, a_full_pipe_keeps_the_rest_and_goes_on_at_the_byte)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    fill_and_drain(ends[0]);
}

Test(log_writer, a_full_socket_keeps_the_rest_too)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    fill_and_drain(ends[0]);
}

Test(log_writer, a_pipe_of_another_user_is_polled_instead_of_opened_anew)
{
    int ends[2];
    if (geteuid() != 0)
        return; /* needs two users; the other tests cover the rest */
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fchmod(ends[1], 0600), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    cr_assert_eq(seteuid(65534), 0);
    cr_assert_lt(open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC), 0);
    fill_and_drain(ends[0]);
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(prctl(PR_SET_DUMPABLE, 1),
                 0); /* the change of user took it; the leak check wants it */
}

Test(log_writer, a_reader_that_went_away_loses_records_and_says_so)
{
    int ends[2];
    struct error error;
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_neq(dup2(ends[1], STDOUT_FILENO), -1);
    close(ends[1]);
    AUTO_WRITER struct log_writer *writer = open_log("-", 0, 0, 65536);
    close(ends[0]);
    uint64_t seq = add(writer);
    cr_assert_not(log_writer_flush(writer, &error));
    cr_assert_eq(error.system_error, EPIPE);
    cr_assert_eq(log_writer_state(writer, seq), LOG_WRITE_LOST);
}

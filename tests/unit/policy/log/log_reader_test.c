/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/log/log_follow.h"
#include "policy/log/log_reader.h"

/* A folder for one test, with the log's path in it. */
struct place {
    char folder[64], path[96];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/dockreeve-log-XXXXXX"};
    cr_assert_not_null(mkdtemp(place.folder));
    snprintf(place.path, sizeof(place.path), "%s/access.jsonl", place.folder);
    return place;
}

static void remove_place(const struct place *place)
{
    static const char *const names[] = {"", ".1", ".2", ".3", ".4"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", place->path, names[i]);
        unlink(name);
    }
    rmdir(place->folder);
}

static void append(const struct place *place, const char *suffix, const char *text)
{
    char name[128];
    snprintf(name, sizeof(name), "%s%s", place->path, suffix);
    AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* The file's lines joined by '|', in the order in which they are given out. */
static const char *read_backwards(int fd, struct buffer *joined, bool *torn_out)
{
    CLEANUP(log_backward_free) struct log_backward backward;
    struct slice line;
    struct error error = {0};
    enum log_read result;
    log_backward_init(&backward, fd);
    while ((result = log_backward_next(&backward, &line, &error)) == LOG_READ_LINE) {
        buffer_append_slice(joined, line);
        buffer_append_byte(joined, '|');
    }
    cr_assert_eq(result, LOG_READ_END, "%s", error.text);
    *torn_out = backward.torn;
    return buffer_text(joined);
}

static const char *read_forwards(int fd, struct buffer *joined, bool *torn_out)
{
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice line;
    struct error error = {0};
    enum log_read result;
    log_forward_init(&forward, fd, 0);
    while ((result = log_forward_next(&forward, &line, &error)) == LOG_READ_LINE) {
        buffer_append_slice(joined, line);
        buffer_append_byte(joined, '|');
    }
    cr_assert_eq(result, LOG_READ_END, "%s", error.text);
    *torn_out = log_forward_is_torn(&forward);
    return buffer_text(joined);
}

Test(log_reader, whole_lines_are_read_in_both_directions_and_a_torn_end_is_told)
{
    static const struct {
        const char *content, *forwards, *backwards;
        bool torn;
    } rows[] = {
        {"", "", "", false},
        {"a\n", "a|", "a|", false},
        {"a", "", "", true},
        {"a\nb\nc\n", "a|b|c|", "c|b|a|", false},
        {"a\nb", "a|", "a|", true},
        {"\n", "|", "|", false},
        {"\n\na\n", "||a|", "a|||", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(remove_place) struct place place = make_place();
        append(&place, "", rows[i].content);
        AUTO_CLOSE int fd = open(place.path, O_RDONLY | O_CLOEXEC);
        AUTO_BUFFER struct buffer forwards = BUFFER_EMPTY, backwards = BUFFER_EMPTY;
        bool torn_forwards, torn_backwards;
        cr_assert_str_eq(read_forwards(fd, &forwards, &torn_forwards), rows[i].forwards);
        cr_assert_str_eq(read_backwards(fd, &backwards, &torn_backwards), rows[i].backwards);
        cr_assert_eq(torn_forwards, rows[i].torn, "row %zu", i);
        cr_assert_eq(torn_backwards, rows[i].torn, "row %zu", i);
    }
}

/* Line ends fall before, on and behind the edges of the blocks, and one line is longer than several
 * blocks. */
Test(log_reader, lines_across_blocks_are_the_same_in_both_directions)
{
    static const size_t lens[] = {65534, 65535, 65536, 65537, 131071, 300000, 1, 0, 65533};
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_BUFFER struct buffer content = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (size_t k = 0; k < lens[i]; k++)
            buffer_append_byte(&content, (char)('a' + i));
        buffer_append_byte(&content, '\n');
    }
    append(&place, "", buffer_text(&content));
    AUTO_CLOSE int fd = open(place.path, O_RDONLY | O_CLOEXEC);
    CLEANUP(log_forward_free) struct log_forward forward;
    CLEANUP(log_backward_free) struct log_backward backward;
    log_forward_init(&forward, fd, 0);
    log_backward_init(&backward, fd);
    struct slice line;
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        cr_assert_eq(log_forward_next(&forward, &line, &error), LOG_READ_LINE);
        cr_assert_eq(line.len, lens[i]);
        cr_assert(line.len == 0 ||
                  (line.ptr[0] == 'a' + (char)i && line.ptr[line.len - 1] == 'a' + (char)i));
    }
    cr_assert_eq(log_forward_next(&forward, &line, &error), LOG_READ_END);
    for (size_t i = ARRAY_LEN(lens); i-- > 0;) {
        cr_assert_eq(log_backward_next(&backward, &line, &error), LOG_READ_LINE);
        cr_assert_eq(line.len, lens[i]);
        cr_assert(line.len == 0 ||
                  (line.ptr[0] == 'a' + (char)i && line.ptr[line.len - 1] == 'a' + (char)i));
    }
    cr_assert_eq(log_backward_next(&backward, &line, &error), LOG_READ_END);
}

Test(log_reader, the_last_lines_of_a_big_file_cost_one_block)
{
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_BUFFER struct buffer content = BUFFER_EMPTY;
    for (unsigned i = 0; i < 100000; i++)
        buffer_printf(&content, "line %u\n", i);
    append(&place, "", buffer_text(&content));
    AUTO_CLOSE int fd = open(place.path, O_RDONLY | O_CLOEXEC);
    CLEANUP(log_backward_free) struct log_backward backward;
    struct slice line;
    struct error error = {0};
    log_backward_init(&backward, fd);
    for (int i = 0; i < 50; i++)
        cr_assert_eq(log_backward_next(&backward, &line, &error), LOG_READ_LINE);
    cr_assert(slice_equal_text(line, "line 99950"));
    cr_assert_eq(backward.at, (off_t)content.len - 256 * 1024);
}

Test(log_reader, a_half_line_is_given_out_once_it_is_whole)
{
    CLEANUP(remove_place) struct place place = make_place();
    append(&place, "", "{\"a\"");
    AUTO_CLOSE int fd = open(place.path, O_RDONLY | O_CLOEXEC);
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice line;
    struct error error = {0};
    log_forward_init(&forward, fd, 0);
    cr_assert_eq(log_forward_next(&forward, &line, &error), LOG_READ_END);
    cr_assert(log_forward_is_torn(&forward));
    append(&place, "", ":1}\nx");
    cr_assert_eq(log_forward_next(&forward, &line, &error), LOG_READ_LINE);
    cr_assert(slice_equal_text(line, "{\"a\":1}"));
    cr_assert_eq(log_forward_next(&forward, &line, &error), LOG_READ_END);
}

Test(log_reader, files_are_opened_newest_first_up_to_the_first_gap)
{
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    struct error error = {0};
    cr_assert_not(log_files_open(&files, place.path, &error));
    cr_assert_eq(error.exit_code, 3);
    append(&place, "", "new\n");
    append(&place, ".1", "old\n");
    append(&place, ".2", "older\n");
    append(&place, ".4", "not ours\n");
    cr_assert(log_files_open(&files, place.path, &error));
    cr_assert_eq(files.count, 3);
    static const char *const expected[] = {"new|", "old|", "older|"};
    for (unsigned i = 0; i < files.count; i++) {
        AUTO_BUFFER struct buffer joined = BUFFER_EMPTY;
        bool torn;
        cr_assert_str_eq(read_forwards(files.fds[i], &joined, &torn), expected[i]);
    }
}

Test(log_reader, as_many_files_as_rotation_keeps_are_one_log)
{
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    struct error error = {0};
    char suffix[16] = "";
    for (unsigned i = 0; i < LOG_FILES_MAX; i++) {
        append(&place, suffix, "{}\n");
        snprintf(suffix, sizeof(suffix), ".%u", i + 1);
    }
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect(log_files_open(&files, place.path, &error), "%s", error.text);
    cr_expect_eq(files.count, LOG_FILES_MAX);
    for (unsigned i = 1; i < LOG_FILES_MAX; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s.%u", place.path, i);
        unlink(name);
    }
}

Test(log_reader, a_file_that_is_rotated_while_we_open_counts_once)
{
    CLEANUP(remove_place) struct place place = make_place();
    char first[128];
    snprintf(first, sizeof(first), "%s.1", place.path);
    append(&place, "", "a\n");
    cr_assert_eq(link(place.path, first), 0); /* as if renamed just after we opened it */
    append(&place, ".2", "b\n");
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    struct error error = {0};
    cr_assert(log_files_open(&files, place.path, &error));
    cr_assert_eq(files.count, 2);
}

Test(log_reader, what_is_no_regular_file_is_refused)
{
    CLEANUP(remove_place) struct place place = make_place();
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    struct error error = {0};
    cr_assert_eq(mkfifo(place.path, 0600), 0);
    cr_assert_not(log_files_open(&files, place.path, &error));
    cr_assert_eq(error.exit_code, 1);
    cr_assert(strstr(error.text, "not a regular file") != NULL, "%s", error.text);
}

/* What the gate does while it is followed: the test's own taker does it, at each line, so that
 * nothing has to be waited for. */
struct script {
    const struct place *place;
    struct buffer seen;
};

static void rotate(const struct place *place)
{
    char from[128], to[128];
    for (int i = 3; i >= 0; i--) {
        snprintf(from, sizeof(from), i > 0 ? "%s.%d" : "%s", place->path, i);
        snprintf(to, sizeof(to), "%s.%d", place->path, i + 1);
        rename(from, to);
    }
}

static bool play(void *context, struct slice line)
{
    struct script *script = context;
    buffer_append_slice(&script->seen, line);
    buffer_append_byte(&script->seen, '|');
    if (slice_equal_text(line, "1")) {
        append(script->place, "", "2\n3");
    } else if (slice_equal_text(line, "2")) {
        append(script->place, "", "\n");
    } else if (slice_equal_text(
                   line, "3")) { /* rename, one more line to the old file, then the new file */
        rotate(script->place);
        append(script->place, ".1", "4\n");
    } else if (slice_equal_text(line, "4")) {
        append(script->place, "", "5\n");
    } else if (slice_equal_text(line, "5")) { /* twice between two looks */
        append(script->place, "", "6\n");
        rotate(script->place);
        append(script->place, "", "7\n");
        rotate(script->place);
        append(script->place, "", "8 is long\n");
    } else if (slice_equal_text(line, "8 is long")) { /* cut and begun anew */
        cr_assert_eq(truncate(script->place->path, 0), 0);
        append(script->place, "", "9\n");
    }
    return !slice_equal_text(line, "9") && !slice_equal_text(line, "end");
}

Test(log_follow, no_line_is_lost_or_doubled_through_rotations_and_a_torn_write, .timeout = 20)
{
    CLEANUP(remove_place) struct place place = make_place();
    append(&place, "", "0\n1\n");
    struct error error = {0};
    AUTO_LOG_FOLLOW struct log_follow *follow = log_follow_new(place.path, &error);
    cr_assert_not_null(follow, "%s", error.text);
    struct script script = {.place = &place, .seen = BUFFER_EMPTY};
    int fd = open(place.path, O_RDONLY | O_CLOEXEC);
    bool good = log_follow_run(follow, fd, 2, play, &script, &error);
    cr_assert(good, "%s", error.text);
    cr_assert_str_eq(buffer_text(&script.seen), "1|2|3|4|5|6|7|8 is long|9|");
    buffer_free(&script.seen);
}

Test(log_follow, a_signal_ends_it_in_order, .timeout = 20)
{
    CLEANUP(remove_place) struct place place = make_place();
    append(&place, "", "x\n");
    struct error error = {0};
    AUTO_LOG_FOLLOW struct log_follow *follow = log_follow_new(place.path, &error);
    cr_assert_not_null(follow, "%s", error.text);
    struct script script = {.place = &place, .seen = BUFFER_EMPTY};
    kill(getpid(), SIGINT); /* blocked by the follower, hence waiting for it */
    cr_assert(
        log_follow_run(follow, open(place.path, O_RDONLY | O_CLOEXEC), 0, play, &script, &error));
    cr_assert_str_eq(buffer_text(&script.seen), "x|");
    buffer_free(&script.seen);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/seal/log_verify.h"
#include "proxy/loop/log_writer.h"

/* A log that is sealed, in a folder of its own. */
struct sealed {
    char folder[64], log[96];
    struct log_sealer sealer;
    struct log_writer *writer; /* owned */
};

static struct log_seal_key first_key(void)
{
    struct log_seal_key key = {.epoch = 0};
    memset(key.bytes, 7, sizeof(key.bytes));
    return key;
}

static void sealed_open(struct sealed *sealed, uint64_t rotate_bytes, size_t queue_bytes)
{
    static const struct log_chain none;
    struct log_seal_key key = first_key();
    struct error error;
    snprintf(sealed->folder, sizeof(sealed->folder), "/tmp/dockreeve-log-XXXXXX");
    cr_assert_not_null(mkdtemp(sealed->folder));
    snprintf(sealed->log, sizeof(sealed->log), "%s/access.jsonl", sealed->folder);
    log_seal_key_evolve(&key);
    log_sealer_init(&sealed->sealer, &key, &none);
    struct log_writer_options options = {.path = sealed->log,
                                         .rotate_bytes = rotate_bytes,
                                         .keep = 50,
                                         .queue_bytes = queue_bytes,
                                         .sealer = &sealed->sealer};
    sealed->writer = log_writer_open(&options, &error);
    cr_assert_not_null(sealed->writer, "%s", error.text);
}

static void name_of(const struct sealed *sealed, unsigned number, char name[static 128])
{
    snprintf(name, 128, number == 0 ? "%s" : "%s.%u", sealed->log, number);
}

static void sealed_remove(struct sealed *sealed)
{
    char name[128];
    log_writer_close(&sealed->writer);
    for (unsigned i = 0; i < 60; i++) {
        name_of(sealed, i, name);
        unlink(name);
    }
    rmdir(sealed->folder);
}
#define AUTO_SEALED CLEANUP(sealed_remove)

static uint64_t add(struct sealed *sealed)
{
    struct log_record record = {
        .time_us = 1700000000000000, .event = LOG_REQUEST, .path = SLICE_LITERAL("/info")};
    return log_writer_add(sealed->writer, &record);
}

/* Judges all files; the number of records. */
static uint64_t judge(const struct sealed *sealed)
{
    struct log_seal_key key = first_key();
    struct log_verify verify;
    char name[128], line[4096];
    log_verify_init(&verify, &key, 1);
    for (unsigned i = 60; i > 0; i--) {
        name_of(sealed, i - 1, name);
        AUTO_FCLOSE FILE *file = fopen(name, "re");
        log_verify_file(&verify, i - 1);
        while (file != NULL && fgets(line, sizeof(line), file) != NULL)
            log_verify_line(&verify, slice_of(line, strcspn(line, "\n")));
    }
    const struct log_verdict *verdict = log_verify_end(&verify);
    cr_expect_eq(verdict->fault, LOG_FAULT_NONE, "%s", verdict->why);
    cr_expect_eq(verdict->fragments + verdict->unsealed, 0);
    return verdict->records;
}

static void limit_files(size_t bytes)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
}

Test(log_writer_seal, what_a_full_disk_loses_leaves_no_hole_in_the_chain)
{
    enum { SIZE = 1000 };
    for (size_t limit = 1; limit <= SIZE; limit += limit < 600 ? 7 : 1) {
        struct error error;
        AUTO_SEALED struct sealed sealed;
        sealed_open(&sealed, 0, 65536);
        for (int i = 0; i < 5; i++)
            add(&sealed);
        limit_files(limit);
        cr_assert_not(log_writer_flush(sealed.writer, &error));
        limit_files(0);
        add(&sealed);
        add(&sealed);
        cr_assert(log_writer_flush(sealed.writer, &error), "%s", error.text);
        uint64_t records = judge(&sealed);
        cr_expect(records >= 2 && records < 7, "cut at %zu: %d", limit, (int)records);
    }
}

Test(log_writer_seal, a_full_queue_loses_the_record_and_not_the_chain)
{
    struct error error;
    AUTO_SEALED struct sealed sealed;
    sealed_open(&sealed, 0, LOG_WRITER_QUEUE_MIN);
    for (int i = 0; i < 100; i++)
        cr_assert_neq(log_writer_state(sealed.writer, add(&sealed)), LOG_WRITE_LOST);
    char path[3900];
    memset(path, 'x', sizeof(path));
    struct log_record large = {.event = LOG_REQUEST, .path = slice_of(path, sizeof(path))};
    cr_assert_eq(log_writer_state(sealed.writer, log_writer_add(sealed.writer, &large)),
                 LOG_WRITE_LOST, "it has room and its seal has none");
    add(&sealed);
    cr_assert(log_writer_flush(sealed.writer, &error));
    cr_expect_eq(judge(&sealed), 101);
}

Test(log_writer_seal, files_that_were_left_are_handed_over_once)
{
    struct error error;
    AUTO_SEALED struct sealed sealed;
    sealed_open(&sealed, 1000, 65536);
    for (int i = 0; i < 12; i++) {
        add(&sealed);
        cr_assert(log_writer_flush(sealed.writer, &error));
    }
    cr_expect_eq(judge(&sealed), 12);
    int fds[LOG_WRITER_UNSYNCED_MAX + 1];
    unsigned files = 0;
    char name[128];
    struct stat by_name, by_fd;
    for (name_of(&sealed, 0, name); stat(name, &by_name) == 0; name_of(&sealed, ++files, name))
        continue;
    unsigned count = log_writer_take_unsynced(sealed.writer, fds);
    cr_assert_gt(files, 2);
    cr_assert_eq(count, files);
    for (unsigned i = 0; i < count; i++) {
        name_of(&sealed, count - 1 - i, name);
        cr_assert_eq(stat(name, &by_name), 0);
        cr_assert_eq(fstat(fds[i], &by_fd), 0);
        cr_expect_eq(by_name.st_ino, by_fd.st_ino);
        close(fds[i]);
    }
    cr_assert_eq(log_writer_take_unsynced(sealed.writer, fds), 1);
    close(fds[0]);
}

Test(log_writer_seal, many_rotations_keep_few_descriptors)
{
    struct error error;
    AUTO_SEALED struct sealed sealed;
    sealed_open(&sealed, 300, 65536);
    for (int i = 0; i < 40; i++) {
        add(&sealed);
        cr_assert(log_writer_flush(sealed.writer, &error));
    }
    int fds[LOG_WRITER_UNSYNCED_MAX + 1];
    unsigned count = log_writer_take_unsynced(sealed.writer, fds);
    cr_expect_eq(count, LOG_WRITER_UNSYNCED_MAX + 1);
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
    cr_expect_eq(judge(&sealed), 40);
}

Test(log_writer_seal, only_a_regular_file_is_opened_anew)
{
    struct error error;
    AUTO_SEALED struct sealed sealed;
    sealed_open(&sealed, 0, 65536);
    add(&sealed);
    cr_assert(log_writer_flush(sealed.writer, &error));
    unlink(sealed.log);
    cr_assert_eq(mkfifo(sealed.log, 0600), 0);
    AUTO_CLOSE int reader = open(sealed.log, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_expect_not(log_writer_reopen(sealed.writer, &error));
    cr_expect_not_null(strstr(error.text, "regular file"), "%s", error.text);
    unlink(sealed.log);
    add(&sealed);
    cr_assert(log_writer_flush(sealed.writer, &error), "the old file stays in use");
}

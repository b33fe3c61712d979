/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/seal/log_resume.h"
#include "policy/seal/seal_key.h"
#include "tests/unit/policy/seal/sealed_log_fixture.h"

/* A state folder with a log beside it. */
struct folder {
    char name[64], key[96], log[96];
    int fd, lock;
};

static void folder_make(struct folder *folder)
{
    struct error error;
    snprintf(folder->name, sizeof(folder->name), "/tmp/dockreeve-seal-XXXXXX");
    cr_assert_not_null(mkdtemp(folder->name));
    snprintf(folder->key, sizeof(folder->key), "%s/seal.key", folder->name);
    snprintf(folder->log, sizeof(folder->log), "%s/access.jsonl", folder->name);
    cr_assert(seal_folder_open(folder->name, &folder->fd, &folder->lock, &error), "%s", error.text);
}

static void folder_remove(struct folder *folder)
{
    static const char *const names[] = {"seal.key", "seal.lock", "access.jsonl", "access.jsonl.1"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlinkat(folder->fd, names[i], 0);
    close(folder->fd);
    close(folder->lock);
    rmdir(folder->name);
}
#define AUTO_FOLDER CLEANUP(folder_remove)

static void write_file(const char *path, struct slice text)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, text.ptr, text.len), (ssize_t)text.len);
}

Test(seal_key, the_auditors_text_reads_back)
{
    struct log_seal_key key = sealed_log_first_key(0xa5), read;
    char text[SEAL_KEY_TEXT_LEN + 1];
    seal_key_to_text(&key, text);
    cr_expect_eq(strlen(text), SEAL_KEY_TEXT_LEN);
    cr_assert(seal_key_from_text(slice_from_text(text), &read));
    cr_expect_arr_eq(&key, &read, sizeof(key));
    text[SEAL_KEY_TEXT_LEN - 1] = 'g';
    cr_expect_not(seal_key_from_text(slice_from_text(text), &read));
    cr_expect_not(seal_key_from_text(slice_of(text, SEAL_KEY_TEXT_LEN - 1), &read));
}

Test(seal_key, the_file_reads_back_and_is_private)
{
    AUTO_FOLDER struct folder folder;
    folder_make(&folder);
    struct seal_state state = {.key = sealed_log_first_key(3)}, read;
    struct error error;
    struct stat status;
    bool found = true;
    cr_assert(seal_state_read(folder.name, &read, &found, &error));
    cr_expect_not(found);
    state.key.epoch = 12345678901;
    memset(state.chain.bytes, 9, sizeof(state.chain.bytes));
    for (int round = 0; round < 2; round++) {
        cr_assert(seal_state_write(folder.fd, &state, &error), "%s", error.text);
        cr_assert(seal_state_read(folder.name, &read, &found, &error), "%s", error.text);
        cr_expect(found);
        cr_expect_arr_eq(&state, &read, sizeof(state));
    }
    cr_assert_eq(stat(folder.key, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(chmod(folder.key, 0640), 0);
    cr_expect_not(seal_state_read(folder.name, &read, &found, &error));
}

Test(seal_key, the_old_files_bytes_are_overwritten)
{
    AUTO_FOLDER struct folder folder;
    folder_make(&folder);
    struct seal_state state = {.key = sealed_log_first_key(3)};
    struct error error;
    char text[512] = "";
    state.key.epoch = 1;
    cr_assert(seal_state_write(folder.fd, &state, &error));
    AUTO_CLOSE int old = open(folder.key, O_RDONLY | O_CLOEXEC);
    log_seal_key_evolve(&state.key);
    cr_assert(seal_state_write(folder.fd, &state, &error));
    ssize_t len = pread(old, text, sizeof(text) - 1, 0);
    cr_assert_gt(len, 0);
    cr_expect_null(memmem(text, (size_t)len, "0303030303", 10), "%s", text);
}

Test(seal_key, one_at_a_time)
{
    AUTO_FOLDER struct folder folder;
    folder_make(&folder);
    struct error error;
    int fd, lock;
    cr_expect_not(seal_folder_open(folder.name, &fd, &lock, &error));
    cr_expect_eq(error.exit_code, 4);
}

/* The log's text cut to `len` bytes, the key's file of `epoch`, and what it goes on with. */
struct resume_row {
    const char *name;
    unsigned lines;  /* whole lines that are left */
    unsigned behind; /* bytes of the next */
    uint64_t epoch;  /* of the file */
    uint64_t wanted; /* epoch to go on with */
    const char *notice;
    bool fresh; /* the file knows of no record */
};

static void check_resume(const struct resume_row *row, const struct sealed_log *log,
                         const struct folder *folder)
{
    struct seal_state state = {.key = sealed_log_first_key(7)};
    AUTO_BUFFER struct buffer notices = BUFFER_EMPTY;
    struct error error;
    struct log_sealed last;
    size_t len = 0;
    bool any = false;
    for (unsigned i = 0; i < row->lines; i++) {
        const char *end = memchr(log->text.data + len, '\n', log->text.len - len);
        size_t next = (size_t)(end - log->text.data);
        any = log_sealed_parse(&last, slice_of(log->text.data + len, next - len));
        len = next + 1;
    }
    write_file(folder->log, slice_of(log->text.data, len + row->behind));
    while (state.key.epoch < row->epoch)
        log_seal_key_evolve(&state.key);
    if (!row->fresh)
        memset(state.chain.bytes, 1, sizeof(state.chain.bytes));
    struct log_chain wanted = any ? last.chain : state.chain;
    cr_assert(log_resume(folder->log, &state, &notices, &error), "%s", error.text);
    cr_expect_eq(state.key.epoch, row->wanted, "%s: %d", row->name, (int)state.key.epoch);
    cr_expect_arr_eq(&state.chain, &wanted, sizeof(wanted), "%s", row->name);
    if (row->notice == NULL)
        cr_expect_eq(notices.len, 0, "%s: %s", row->name, buffer_text(&notices));
    else
        cr_expect_not_null(strstr(buffer_text(&notices), row->notice), "%s: %s", row->name,
                           buffer_text(&notices));
}

Test(log_resume, goes_on_where_the_log_is)
{
    AUTO_FOLDER struct folder folder;
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    folder_make(&folder);
    sealed_log_make(&log, 4, 3); /* lines 1..5 are epoch 1, then four an epoch */
    static const struct resume_row rows[] = {
        {"clean stop", 17, 0, 5, 5, NULL, false},
        {"the key was not kept yet", 17, 0, 4, 5, NULL, false},
        {"nor was it behind the seal", 10, 0, 2, 3, NULL, false},
        {"in the middle of an epoch", 11, 0, 3, 3, NULL, false},
        {"torn", 11, 30, 3, 3, NULL, false},
        {"a key from before", 11, 0, 1, 3, "an old key was put back", true},
        {"cut by an epoch and more", 7, 0, 4, 4, "missing at the end", false},
        {"nothing left", 0, 0, 4, 4, "moved away or removed", false},
        {"nothing yet", 0, 0, 1, 1, NULL, true},
        {"first records", 2, 0, 1, 1, NULL, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_resume(&rows[i], &log, &folder);
}

Test(log_resume, a_new_series_is_chained_to_the_old_one)
{
    AUTO_FOLDER struct folder folder;
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    AUTO_BUFFER struct buffer notices = BUFFER_EMPTY;
    struct seal_state state = {.key = sealed_log_first_key(8)};
    struct error error;
    folder_make(&folder);
    sealed_log_make(&log, 2, 3);
    write_file(folder.log, buffer_slice(&log.text));
    log_seal_key_evolve(&state.key);
    for (int start = 0; start < 2; start++) { /* the file knows where it begins from the first on */
        cr_assert(log_resume(folder.log, &state, &notices, &error));
        cr_expect_eq(state.key.epoch, 1);
        cr_expect_arr_eq(&state.chain, &log.sealer.chain, sizeof(state.chain));
        cr_expect_eq(notices.len, 0, "%s", buffer_text(&notices));
    }
    memset(state.chain.bytes, 1, sizeof(state.chain.bytes));
    cr_assert(log_resume(folder.log, &state, &notices, &error));
    cr_expect_not_null(strstr(buffer_text(&notices), "not sealed with the key"));
}

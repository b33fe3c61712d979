/* SPDX-License-Identifier: Apache-2.0
 *
 * The key's file is one line of fixed length, `dockreeve-seal-state-1 EPOCH KEY CHAIN`, with the
 * epoch in twenty digits, so that a new file covers the old one byte by byte. */
#include "policy/seal/seal_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#define TEXT_PREFIX "dockreeve-seal-1:"
#define FILE_PREFIX "dockreeve-seal-state-1 "
#define LOCK_FILE "seal.lock"
#define NEW_FILE SEAL_KEY_FILE ".new"

enum {
    HEX_LEN = 2 * LOG_SEAL_KEY_LEN,
    EPOCH_LEN = 20,
    FILE_LEN = sizeof(FILE_PREFIX) - 1 + EPOCH_LEN + 1 + HEX_LEN + 1 + HEX_LEN + 1,
};

_Static_assert(sizeof(TEXT_PREFIX) - 1 + HEX_LEN == SEAL_KEY_TEXT_LEN, "the header says so");

void seal_key_to_text(const struct log_seal_key *key, char text[static SEAL_KEY_TEXT_LEN + 1])
{
    memcpy(text, TEXT_PREFIX, sizeof(TEXT_PREFIX));
    *hex_write(text + sizeof(TEXT_PREFIX) - 1, key->bytes, sizeof(key->bytes)) = '\0';
}

bool seal_key_from_text(struct slice text, struct log_seal_key *key)
{
    text = slice_trim_blanks(text);
    key->epoch = 0;
    return text.len == SEAL_KEY_TEXT_LEN && slice_starts_with(text, SLICE_LITERAL(TEXT_PREFIX)) &&
           hex_read(text.ptr + sizeof(TEXT_PREFIX) - 1, key->bytes, sizeof(key->bytes));
}

bool seal_folder_open(const char *state, int *folder_out, int *lock_out, struct error *error)
{
    const struct quoted quoted = quote_text(state);
    struct stat status;
    AUTO_CLOSE int folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fstat(folder, &status) != 0)
        return error_set(error, errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED,
                         "cannot open the state folder %s: %s", quoted.text, strerror(errno));
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(error, COMMAND_FAILED,
                         "the state folder %s has mode %04o, so others could take the key that "
                         "seals the log (chmod go-w)",
                         quoted.text, (unsigned)status.st_mode & 07777);
    AUTO_CLOSE int lock =
        openat(folder, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return error_set(error, COMMAND_FAILED,
                         "cannot open " LOCK_FILE " in the state folder %s: %s", quoted.text,
                         strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, COMMAND_CONFLICT,
                         "another process seals a log with the key in %s: a running gate has to be "
                         "stopped first, and each gate needs a state folder of its own",
                         quoted.text);
    *folder_out = steal_fd(&folder);
    *lock_out = steal_fd(&lock);
    return true;
}

/* Whether the line is one that seal_state_write() makes. */
static bool parse(const char line[static FILE_LEN], struct seal_state *out)
{
    const char *epoch = line + sizeof(FILE_PREFIX) - 1;
    const char *key = epoch + EPOCH_LEN + 1;
    const char *chain = key + HEX_LEN + 1;
    /* Nineteen digits are what slice_to_u64() reads. */
    return memcmp(line, FILE_PREFIX, sizeof(FILE_PREFIX) - 1) == 0 && epoch[0] == '0' &&
           slice_to_u64(slice_of(epoch + 1, EPOCH_LEN - 1), &out->key.epoch) &&
           out->key.epoch > 0 && key[-1] == ' ' && chain[-1] == ' ' && line[FILE_LEN - 1] == '\n' &&
           hex_read(key, out->key.bytes, LOG_SEAL_KEY_LEN) &&
           hex_read(chain, out->chain.bytes, LOG_SEAL_KEY_LEN);
}

/* Whether nobody but root, this user and the folder's owner, who may be the one that the gate is
 * about to become, can read it. */
static bool is_private(const char *folder, const struct stat *file)
{
    struct stat owner;
    return (file->st_mode & 077) == 0 &&
           (file->st_uid == 0 || file->st_uid == geteuid() ||
            (stat(folder, &owner) == 0 && file->st_uid == owner.st_uid));
}

bool seal_state_read(const char *state, struct seal_state *out, bool *found_out,
                     struct error *error)
{
    char path[4096], line[FILE_LEN + 1];
    struct stat status;
    snprintf(path, sizeof(path), "%s/" SEAL_KEY_FILE, state);
    const struct quoted quoted = quote_text(path);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    *found_out = fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (!*found_out)
        return true;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set(error, COMMAND_FAILED,
                         "the key that seals the log, %s, cannot be read: %s", quoted.text,
                         strerror(errno));
    if (!is_private(state, &status))
        return error_set(error, COMMAND_FAILED,
                         "others can read the key that seals the log, %s: what was sealed with it "
                         "proves nothing; begin a new series with `dockreeve policy log "
                         "--seal-init --force`",
                         quoted.text);
    ssize_t len = read(fd, line, sizeof(line));
    bool good = len == FILE_LEN && parse(line, out);
    explicit_bzero(line, sizeof(line));
    return good || error_set(error, COMMAND_FAILED,
                             "%s is not a key that seals a log; if it cannot be restored, begin a "
                             "new series with `dockreeve policy log --seal-init --force`",
                             quoted.text);
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    ssize_t written = pwrite(fd, bytes, len, 0);
    if (written >= 0 && (size_t)written < len)
        errno = ENOSPC;
    return written == (ssize_t)len;
}

/* Opens a file of the folder to write it, or to give it away. The folder may belong to the gate's
 * user while root writes: a pipe, or another name of a file elsewhere, is none of ours. -1 with
 * errno. */
static int open_own(int folder, const char *name, int flags)
{
    struct stat status;
    AUTO_CLOSE int fd = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0 || fstat(fd, &status) != 0)
        return -1;
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
        errno = EPERM;
        return -1;
    }
    return steal_fd(&fd);
}

static bool write_new(int folder, const char *line)
{
    AUTO_CLOSE int fd = open_own(folder, NEW_FILE, O_WRONLY | O_CREAT);
    return fd >= 0 && fchmod(fd, 0600) == 0 && write_all(fd, line, FILE_LEN) &&
           ftruncate(fd, FILE_LEN) == 0 && fsync(fd) == 0;
}

bool seal_state_write(int folder, const struct seal_state *state, struct error *error)
{
    char line[FILE_LEN + 1];
    memcpy(line, FILE_PREFIX, sizeof(FILE_PREFIX));
    char *at = line + sizeof(FILE_PREFIX) - 1;
    at += snprintf(at, EPOCH_LEN + 2, "%020llu ", (unsigned long long)state->key.epoch);
    at = hex_write(at, state->key.bytes, LOG_SEAL_KEY_LEN);
    *at++ = ' ';
    at = hex_write(at, state->chain.bytes, LOG_SEAL_KEY_LEN);
    *at = '\n';
    AUTO_CLOSE int old = open_own(folder, SEAL_KEY_FILE, O_WRONLY);
    bool done = write_new(folder, line) && renameat(folder, NEW_FILE, folder, SEAL_KEY_FILE) == 0 &&
                fsync(folder) == 0;
    int reason = errno;
    explicit_bzero(line, sizeof(line));
    if (!done)
        return error_set_system(
            error, reason,
            "the key that seals the log cannot be replaced in the state folder (%s): the "
            "folder has to belong to the gate's user",
            strerror(reason));
    /* Its name is gone: this is all that is left to do about its bytes. */
    if (old >= 0 && write_all(old, line, FILE_LEN))
        (void)fdatasync(old);
    return true;
}

void seal_state_hand_over(int folder, int lock)
{
    struct stat status, locked;
    if (geteuid() != 0 || fstat(folder, &status) != 0)
        return;
    AUTO_CLOSE int key = open_own(folder, SEAL_KEY_FILE, O_RDONLY);
    if (key >= 0)
        (void)!fchown(key, status.st_uid, status.st_gid);
    if (fstat(lock, &locked) == 0 && S_ISREG(locked.st_mode) && locked.st_nlink == 1)
        (void)!fchown(lock, status.st_uid, status.st_gid);
}

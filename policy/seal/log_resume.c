/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks back over the last lines only: a long log from before the sealing began is not read. */
#include "policy/seal/log_resume.h"

#include <string.h>

#include "policy/log/log_line.h"
#include "policy/log/log_reader.h"

/* Lines without a seal that are passed over, and epochs that a key may be behind the log. */
enum { LINES_MAX = 4096, LINES_FEW = 4, EPOCHS_MAX = 1 << 24 };

/* The last sealed record and what has to be known of it when its line is gone. */
struct last_record {
    struct log_sealed sealed;
    bool found, closes; /* an epoch */
};

static void keep(struct last_record *last, const struct log_sealed *sealed, struct slice line)
{
    AUTO_LOG_LINE struct log_line fields = LOG_LINE_EMPTY;
    last->sealed = *sealed;
    last->closes =
        log_line_parse(&fields, line) && slice_equal_text(fields.fields[LOG_FIELD_EVENT], "seal");
    last->sealed.body = slice_of(NULL, 0);
    last->found = true;
}

/* A crash between a record's last byte and its line end leaves a whole record: the line end that
 * the start writes first makes it one. */
static bool read_fragment(int fd, off_t at, struct last_record *last, struct error *error)
{
    CLEANUP(log_forward_free) struct log_forward forward;
    struct slice line;
    struct log_sealed sealed;
    log_forward_init(&forward, fd, at);
    if (log_forward_next(&forward, &line, error) == LOG_READ_FAILED)
        return false;
    struct slice rest =
        slice_of(forward.bytes.data + forward.used, forward.bytes.len - forward.used);
    static const struct log_chain none;
    if (log_forward_is_torn(&forward) && log_sealed_parse(&sealed, rest) &&
        log_sealed_follows(&sealed, last->found ? &last->sealed.chain : &none))
        keep(last, &sealed, rest);
    return true;
}

static bool find_last(const char *path, unsigned lines_max, struct last_record *last,
                      struct error *error)
{
    AUTO_LOG_FILES struct log_files files = {.count = 0};
    AUTO_BUFFER struct buffer rotated = BUFFER_EMPTY;
    if (!log_files_open(&files, path, error)) {
        /* A rotation that was killed half way leaves the newest file as .1 only. */
        buffer_printf(&rotated, "%s.1", path);
        if (error->exit_code != COMMAND_NOT_FOUND ||
            !log_files_open(&files, buffer_text(&rotated), error))
            return error->exit_code == COMMAND_NOT_FOUND; /* no log yet */
    }
    unsigned lines = 0;
    for (unsigned i = 0; i < files.count && !last->found && lines < lines_max; i++) {
        CLEANUP(log_backward_free) struct log_backward backward;
        struct slice line;
        struct log_sealed sealed;
        enum log_read result = LOG_READ_LINE;
        log_backward_init(&backward, files.fds[i]);
        while (!last->found && lines++ < lines_max &&
               (result = log_backward_next(&backward, &line, error)) == LOG_READ_LINE) {
            if (log_sealed_parse(&sealed, line))
                keep(last, &sealed, line);
        }
        if (result == LOG_READ_FAILED ||
            (backward.torn && i == 0 && !read_fragment(files.fds[i], backward.end, last, error)))
            return false;
    }
    return true;
}

/* Evolves a key that is behind the log as far as the log is. False when the log's last record is
 * not of this key. */
static bool catch_up(struct seal_state *state, const struct last_record *last,
                     struct buffer *notices)
{
    struct log_seal_key ahead = state->key;
    struct log_mac_key mac;
    uint64_t behind = last->sealed.epoch - state->key.epoch;
    for (uint64_t i = 0; i < behind && behind <= EPOCHS_MAX; i++)
        log_seal_key_evolve(&ahead);
    log_mac_key_set(&mac, ahead.bytes, sizeof(ahead.bytes));
    bool ours = log_sealed_is_authentic(&last->sealed, &mac);
    /* One behind is a crash between the seal and the key's file. */
    if (ours && behind > 1)
        buffer_printf(notices,
                      "the key that seals the log is of epoch %llu and the log is in epoch %llu: "
                      "an old key was put back, and who has a copy of it can forge what came "
                      "after it\n",
                      (unsigned long long)state->key.epoch, (unsigned long long)ahead.epoch);
    if (ours) {
        state->key = ahead;
        if (last->closes)
            log_seal_key_evolve(&state->key);
    }
    explicit_bzero(&ahead, sizeof(ahead));
    explicit_bzero(&mac, sizeof(mac));
    return ours;
}

/* Nothing was sealed with this key, as far as its file knows: no chain, or that of the end of the
 * series before, behind which the new one begins. */
static bool is_new_series(const struct seal_state *state, const struct last_record *last)
{
    static const struct log_chain none;
    return state->key.epoch == 1 && (memcmp(&state->chain, &none, sizeof(none)) == 0 ||
                                     memcmp(&state->chain, &last->sealed.chain, sizeof(none)) == 0);
}

static void note_missing(const struct seal_state *state, const struct last_record *last,
                         struct buffer *notices)
{
    if (!last->found && state->key.epoch > 1)
        buffer_printf(notices,
                      "%llu epochs of the log are sealed and there is no sealed record: the log "
                      "was moved away or removed\n",
                      (unsigned long long)state->key.epoch - 1);
    else if (last->found && last->sealed.epoch + 1 < state->key.epoch)
        buffer_printf(notices,
                      "the log ends in epoch %llu and the key that seals it is of epoch %llu: "
                      "sealed records are missing at the end of the log\n",
                      (unsigned long long)last->sealed.epoch, (unsigned long long)state->key.epoch);
}

bool log_resume(const char *path, struct seal_state *state, struct buffer *notices,
                struct error *error)
{
    struct last_record last = {.found = false};
    if (!find_last(path, LINES_MAX, &last, error))
        return false;
    note_missing(state, &last, notices);
    if (!last.found)
        return true;
    bool ours = last.sealed.epoch < state->key.epoch || catch_up(state, &last, notices);
    if (!ours && !is_new_series(state, &last))
        buffer_append_literal(notices,
                              "the last record of the sealed log was not sealed with the key of "
                              "this gate: the log was changed, or belongs to another key\n");
    state->chain = last.sealed.chain;
    return true;
}

bool log_ends_sealed(const char *path)
{
    struct last_record last = {.found = false};
    struct error ignored;
    return find_last(path, LINES_FEW, &last, &ignored) && last.found;
}

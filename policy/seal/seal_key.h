/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of the sealed log where they are kept: the auditor's text, and the file `seal.key` in
 * the state folder, which holds the key of the present epoch and makes the log a sealed one. The
 * file is replaced at each epoch; what it held before is overwritten as far as the file system
 * lets anybody do that. Nothing here allocates but reading the text. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "policy/seal/log_seal.h"

#define SEAL_KEY_FILE "seal.key"

enum { SEAL_KEY_TEXT_LEN = 17 + 2 * LOG_SEAL_KEY_LEN };

/* What the file holds. */
struct seal_state {
    struct log_seal_key key;
    struct log_chain chain; /* of a record before this epoch; zeros in a new file */
};

/* `dockreeve-seal-1:` and 64 hexadecimal digits, NUL behind them: the key of epoch 0. */
void seal_key_to_text(const struct log_seal_key *key, char text[static SEAL_KEY_TEXT_LEN + 1]);
/* Blanks around it are passed over. */
MUST_CHECK bool seal_key_from_text(struct slice text, struct log_seal_key *key);

/* Opens the state folder and takes the lock that one gate, or `--seal-init`, holds while it uses
 * the key; both descriptors end it when closed. False with `error`: code 3 the folder is missing, 4
 * somebody holds the lock, 1 anything else. */
MUST_CHECK bool seal_folder_open(const char *state, int *folder_out, int *lock_out,
                                 struct error *error);

/* Reads the file. False with `error` (code 1) when it cannot be read, is not ours, or may be read
 * by others; *found_out is false when there is none. */
MUST_CHECK bool seal_state_read(const char *state, struct seal_state *out, bool *found_out,
                                struct error *error);

/* Replaces the file and returns when that is on the disk: temporary file, fsync, rename, fsync of
 * the folder; then the bytes of the old file are overwritten. False with `error` (code: an errno)
 * and the old file in place. */
MUST_CHECK bool seal_state_write(int folder, const struct seal_state *state, struct error *error);

/* A file made by root in a folder of the gate's user belongs to that user. */
void seal_state_hand_over(int folder, int lock);

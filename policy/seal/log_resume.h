/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a sealed log goes on when the gate starts: behind its last sealed record, with the key of
 * the epoch that it is in. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "policy/seal/seal_key.h"

/* `state` is what the key's file holds, and becomes what the log is to go on with: the chain of its
 * last sealed record, and the key evolved as far as the log is (a restored file is behind). What
 * does not fit is said in `notices`, a sentence a line: verifying will say it too. False with
 * `error` when the log cannot be read. */
MUST_CHECK bool log_resume(const char *path, struct seal_state *state, struct buffer *notices,
                           struct error *error);

/* Whether the last whole record of the log is sealed: a gate without a key breaks the chain. */
bool log_ends_sealed(const char *path);

/* SPDX-License-Identifier: Apache-2.0
 *
 * When a log is sealed, and where its keys go (policy/seal/log_seal.h says what sealing is). A seal is
 *
 *   1  a record `seal` is written, the last of its epoch; from here on the next key seals
 *   2  the log's files and their folder are synced
 *   3  the next key replaces the old one in `seal.key`, on the disk
 *
 * where 2 and 3 happen on a worker of its own. The order keeps epochs without a gap: a power
 * failure leaves the key of an epoch that the log has reached. An epoch can no longer be forged
 * once 3 is done; when it fails, that is said, and the next seal tries again. */
#pragma once

#include "base/error.h"
#include "policy/seal/log_seal.h"
#include "proxy/loop/loop.h"

struct log_sealing; /* opaque; owns the key, its folder and the thread */

/* Reads the key and where the log ends; what does not fit there is said on standard error. Without
 * a key in loop->options->state *out is NULL, and so it is, with a notice, when the log is no
 * regular file. False with `error` (code = exit code): never unsealed by mistake. All functions
 * below do nothing without an object. */
MUST_CHECK bool log_sealing_open(struct loop *loop, struct log_sealing **out, struct error *error);

/* What log_writer_open() is given. */
struct log_sealer *log_sealing_sealer(struct log_sealing *sealing);

/* Proves that the key's file can be replaced, as the user that the gate has become, and starts the
 * thread (before the system call filter forbids making threads) and the clock. False with `error`. */
MUST_CHECK bool log_sealing_start(struct log_sealing *sealing, struct error *error);

/* Begins a seal if there is anything to be sealed and the one before is done. */
void log_sealing_now(struct log_sealing *sealing);

/* Seals what is left and waits until that is done: the gate has stopped. A disk that hangs is
 * waited for until then only, in monotonic time; the next start seals what is left. */
void log_sealing_finish(struct log_sealing *sealing, int64_t until_us);

void log_sealing_close(struct log_sealing **sealing);

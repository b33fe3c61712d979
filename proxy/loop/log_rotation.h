/* SPDX-License-Identifier: Apache-2.0
 *
 * The files behind the audit log: how one is opened, and how PATH becomes PATH.1 … PATH.keep when
 * it has grown too large. Knows names and descriptors, nothing of records; proxy/loop/log_writer.c
 * decides when. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Longest accepted path: what is appended to it (".new", ".4294967295") must still fit a file name
 * call. */
enum { LOG_PATH_MAX = 4000 };

/* Whom the gate is about to become, and who may own the log too. */
struct log_rotation_user {
    bool is_set;
    uid_t uid;
};

/* Opens `path` for appending, creating it with mode 0640. Never waits for the reader of a FIFO. The
 * folder is not made; when it is what is missing, the error names it. What is there and the folders
 * on the way must belong to root, this user or `user`, and be writable by nobody else: who could
 * write the log could write what was never done (base/path_trust.h). Devices must belong to them;
 * the process's own descriptors (/dev/stdout) are not judged. */
MUST_CHECK bool log_rotation_open(const char *path, const struct log_rotation_user *user,
                                  int *fd_out, struct error *error);

/* Whether the regular file `path` ends inside a line, as a crash in the middle of a write leaves
 * it. A file that cannot be read counts as torn: an empty line does less harm than two records
 * glued together. */
bool log_rotation_is_torn(const char *path);

/* PATH.keep is replaced by PATH.keep-1 and so on, PATH becomes PATH.1, and a new PATH is opened;
 * with keep 0 the old content goes away. Names above keep, left by an earlier setting, are removed.
 * The new file is made first, under PATH.new, what has this name is removed, so that a full disk or a lack of descriptors is found
 * out before anything was moved; after a failure PATH is still the file it was. */
MUST_CHECK bool log_rotation_shift(const char *path, unsigned keep, int *fd_out,
                                   struct error *error);

/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of a unix listening socket: who may connect is its mode, owner and group. They are
 * changed in an order in which nobody may connect who could neither before nor may afterwards, on
 * the file that was bound and on none that somebody has put in its place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* As a policy has it. */
struct socket_permissions {
    unsigned mode;
    int64_t owner, group; /* -1 = as the file was made */
};

struct socket_file {
    char *path; /* owned; NULL = none */
    dev_t device;
    ino_t inode;
    uid_t made_owner;
    gid_t made_group;
    struct socket_permissions now;
};

/* Takes note of the socket that was just bound at `path`, under a umask that lets nobody else
 * connect. False with `error` (code 1). */
MUST_CHECK bool socket_file_claim(struct socket_file *file, const char *path, struct error *error);
/* Whether the path still leads to it. */
bool socket_file_is_in_place(const struct socket_file *file);
/* Whether everybody whom `before` lets connect may connect still. */
bool socket_permissions_include(const struct socket_permissions *after,
                                const struct socket_permissions *before);

/* Gives the file these permissions; only what differs is touched. False with `error` (code 1), and
 * the permissions as they were: a process that gave up its rights can give a file to nobody. */
MUST_CHECK bool socket_file_permit(struct socket_file *file,
                                   const struct socket_permissions *permissions,
                                   struct error *error);

/* Removes the file if it is still the one, and forgets it. */
void socket_file_remove(struct socket_file *file);
/* Forgets it. */
void socket_file_clear(struct socket_file *file);

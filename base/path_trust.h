/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether somebody else can put another file in the place of a path: every folder on its way, those
 * of links included, must belong to root or to this user and be writable by nobody else. A folder
 * with the sticky bit that everybody may write, like /tmp, is good for an entry that belongs to
 * root or this user and has no other name: nobody else can rename or remove that. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum path_trust_fault_kind { PATH_TRUST_OWNER, PATH_TRUST_MODE };

struct path_trust_fault {
    enum path_trust_fault_kind kind;
    char path[PATH_MAX]; /* the folder */
    uid_t owner;
    unsigned mode; /* with the sticky bit */
};

struct path_trust_rules {
    bool
        sticky_is_enough; /* also of the folder in which the file itself, or a link to it, stands */
    bool group_is_fine_above; /* folders further up may be writable by their group, as /var/log is
                                 on some systems */
    bool has_other_user;
    uid_t other_user; /* trusted beside root and the effective user */
};

/* Whether such an owner is trusted. */
bool path_trust_owner(const struct path_trust_rules *rules, uid_t owner);

/* Judges the folders of `path`, not what it stands for, as far as the path leads: what is not there
 * is nobody's fault. False with the first fault. */
bool path_trust_check(const char *path, const struct path_trust_rules *rules,
                      struct path_trust_fault *fault_out);

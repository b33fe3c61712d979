/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things are kept when nothing else is said (docs/design.md 4): under /etc, /var/log and /var/lib for
 * root, under the XDG folders for everybody else. The options --config, --log and --state and their
 * variables come before these. */
#pragma once

#include <stdbool.h>

/* Whether log and state are kept in folders of this user's own; else they are root's, which may be
 * closed to it. */
bool policy_path_state_is_own(void);

/* Owned by the caller; for start-up use, aborts when memory is out. */
char *policy_path_config(void); /* …/policy.yaml */
char *policy_path_log(void);    /* …/access.jsonl */
char *policy_path_state(void);  /* a folder */

/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and groups by name, from /etc/passwd and /etc/group alone. The C library's own lookups load
 * NSS modules, which a static binary cannot; so names that only LDAP or systemd-userdb know are not
 * found, and their numbers must be given instead. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/slice.h"

/* False when there is no such line, or no readable file. The first line of that name counts, as
 * everywhere. */
MUST_CHECK bool account_find_user(const char *name, uid_t *uid_out, gid_t *gid_out);
MUST_CHECK bool account_find_group(const char *name, gid_t *gid_out);

/* The first group of the user with this number. */
MUST_CHECK bool account_find_group_of(uid_t uid, gid_t *gid_out);

/* Reads a user or group number: decimal, up to 4294967294. The number above means "leave as it is"
 * to the kernel. */
MUST_CHECK bool account_parse_id(struct slice text, uint32_t *id_out);

/* The same over the text of such a file; `number` is used when `name` is NULL. Exposed for the
 * tests. */
MUST_CHECK bool account_search_passwd(struct slice text, const char *name, uid_t number,
                                      uid_t *uid_out, gid_t *gid_out);
MUST_CHECK bool account_search_group(struct slice text, const char *name, gid_t *gid_out);

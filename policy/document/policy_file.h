/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of policy files, with the question first whether somebody else could have written them
 * (docs/design.md 1.7). */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "policy/document/policy_files.h"
#include "policy/snapshot/policy_messages.h"

enum policy_file_result { POLICY_FILE_READ, POLICY_FILE_MISSING, POLICY_FILE_BAD };

/* Appends the content of the regular file `path` to `out`. With `check_owner` the file that was
 * opened and every folder on its way, links followed, must belong to root or the effective user and
 * be writable by nobody else (base/path_trust.h). MISSING says nothing in `errors`, BAD does; a
 * link that leads nowhere, and a name below what is no folder, are BAD. */
enum policy_file_result policy_file_read(const char *path, bool check_owner, struct buffer *out,
                                         struct policy_messages *errors);
/* The same; *modified_us_out is the Unix time of the last change of what was read. Notes the file in
 * `files`, which may be NULL. */
enum policy_file_result policy_file_read_noted(const char *path, bool check_owner,
                                               struct policy_files *files, struct buffer *out,
                                               int64_t *modified_us_out,
                                               struct policy_messages *errors);

/* The same check for the folder of drop-ins, which must be a folder. False with a message in
 * `errors`; one that is not there is fine. */
bool policy_file_check_folder(const char *path, bool check_owner, struct policy_messages *errors);

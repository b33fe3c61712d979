/* SPDX-License-Identifier: Apache-2.0
 *
 * What is printed as a policy loads as one. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/document/policy_load.h"

/* The policy of the document with `more` behind it; the caller's. Ends the run when it is none. */
static inline struct policy *policy_loads(struct slice document, const char *more)
{
    AUTO_CLOSE int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, document.ptr, document.len) != (ssize_t)document.len ||
        write(fd, more, strlen(more)) != (ssize_t)strlen(more))
        abort();
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    CLEANUP(policy_messages_free) struct policy_messages errors = {NULL, 0, 0};
    CLEANUP(policy_messages_free) struct policy_messages notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    if (policy != NULL)
        return policy;
    AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
    policy_messages_write(&errors, &said);
    fprintf(stderr, "%s%.*s\n", buffer_text(&said), (int)document.len, document.ptr);
    abort();
}

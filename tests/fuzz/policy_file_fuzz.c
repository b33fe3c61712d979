/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy file: loading never crashes; it gives a policy or errors, never both or
 * neither; and loading the same bytes again gives the same hash or the same errors. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/policy.h"
#include "policy/policy_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The hash, or the errors. */
static void load(const char *path, struct buffer *out)
{
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    if ((policy == NULL) != (errors.count > 0))
        abort();
    if (policy != NULL)
        buffer_append_text(out, policy_hash(policy));
    policy_messages_write(&errors, out);
    policy_messages_write(&notices, out);
    policy_unref(&policy);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    AUTO_BUFFER struct buffer first = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer second = BUFFER_EMPTY;
    load(path, &first);
    load(path, &second);
    if (strcmp(buffer_text(&first), buffer_text(&second)) != 0)
        abort();
    close(fd);
    return 0;
}

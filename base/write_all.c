/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "base/write_all.h"

#include <errno.h>
#include <unistd.h>

bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.ptr, bytes.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes = slice_of(bytes.ptr + count, bytes.len - (size_t)count);
    }
    return true;
}

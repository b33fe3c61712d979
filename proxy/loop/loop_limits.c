/* SPDX-License-Identifier: Apache-2.0
 *
 * How many descriptors there are, and for whom. */
#include "proxy/loop/loop_limits.h"

#include <limits.h>
#include <sys/resource.h>

enum { DESCRIPTORS_KEPT = 64 };

int loop_limits_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur;
    return all > 4 * DESCRIPTORS_KEPT ? all - DESCRIPTORS_KEPT : all - all / 4;
}

unsigned loop_limits_connections(unsigned wanted)
{
    unsigned most = (unsigned)loop_limits_descriptors() / 2;
    return wanted < most ? wanted : most;
}

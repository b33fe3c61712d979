/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of the gate's shares, and of its descriptors. */
#include "proxy/loop/gate_limits.h"

#include <limits.h>
#include <sys/resource.h>

#include "proxy/loop/gate.h"

enum { DESCRIPTORS_KEPT = 64 };

int gate_limits_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur;
    return all > 4 * DESCRIPTORS_KEPT ? all - DESCRIPTORS_KEPT : all - all / 4;
}

unsigned gate_limits_connections(unsigned wanted)
{
    unsigned most = (unsigned)gate_limits_descriptors() / 2;
    return wanted < most ? wanted : most;
}

struct share *gate_limits_share(const struct gate_options *options)
{
    enum { LOOKUPS = 64, ANSWERS = 2, QUESTIONS = 512, TOLD = 64, BYTES = 64 << 20 };
    const struct share_limits limits = {
        .kinds =
            {
                [SHARE_CONNECTIONS] = {gate_limits_connections(options->max_connections),
                                       options->egress.max_client_connections},
                [SHARE_TUNNELS] = {0, options->egress.max_tunnels},
                [SHARE_OBJECTS] = {LOOKUPS, 0},
                [SHARE_ANSWERS] = {ANSWERS, 0},
                [SHARE_NAMES] = {resolver_lookups_max(), 0},
                [SHARE_QUESTIONS] = {QUESTIONS, 0},
                [SHARE_TOLD] = {TOLD, 0},
                [SHARE_BYTES] = {BYTES, 0},
                [SHARE_LOG] = {options->log.queue_bytes / 2, 0},
            },
        .denial_rate = options->denial_rate,
    };
    return share_new(&limits);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/docker/docker_endless.h"

#include "base/attributes.h"

enum when {
    WHEN_SET,     /* the parameter is there and true */
    WHEN_MISSING, /* it is not there, or empty */
    UNLESS_OFF,   /* it is not there, or true */
};

static const struct {
    enum docker_operation operation;
    const char *parameter;
    enum when when;
} endless[] = {
    {DOCKER_SYSTEM_EVENTS, "until", WHEN_MISSING}, {DOCKER_CONTAINER_STATS, "stream", UNLESS_OFF},
    {DOCKER_CONTAINER_LOGS, "follow", WHEN_SET},   {DOCKER_SERVICE_LOGS, "follow", WHEN_SET},
    {DOCKER_TASK_LOGS, "follow", WHEN_SET},
};

bool docker_endless(const struct docker_request *request)
{
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        if (endless[i].operation != request->operation)
            continue;
        struct slice key = slice_from_text(endless[i].parameter);
        bool missing = docker_request_parameter(request, key).len == 0;
        switch (endless[i].when) {
        case WHEN_SET:
            return docker_request_flag(request, key);
        case WHEN_MISSING:
            return missing;
        case UNLESS_OFF:
            return missing || docker_request_flag(request, key);
        }
    }
    return false;
}

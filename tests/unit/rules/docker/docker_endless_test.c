/* SPDX-License-Identifier: Apache-2.0
 *
 * Which requests ask for an answer without an end of its own. */
#include "rules/docker/docker_endless.h"

#include <criterion/criterion.h>

static const struct {
    const char *target;
    bool endless;
} rows[] = {
    {"/events", true},
    {"/events?since=1", true},
    {"/events?until=", true},
    {"/events?until=1", false},
    {"/containers/x/stats", true},
    {"/containers/x/stats?stream=1", true},
    {"/containers/x/stats?stream=false", false},
    {"/containers/x/stats?stream=0&one-shot=1", false},
    {"/containers/x/logs?stdout=1", false},
    {"/containers/x/logs?stdout=1&follow=0", false},
    {"/containers/x/logs?stdout=1&follow=1", true},
    {"/services/x/logs?follow=true", true},
    {"/tasks/x/logs?follow=yes", true},
    {"/containers/json", false},
    {"/containers/x/attach/ws", false},
};

Test(docker_endless, is_what_nothing_but_hanging_up_ends)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
        struct error error;
        cr_assert(docker_request_parse(&request, HTTP_METHOD_GET, slice_from_text(rows[i].target),
                                       false, &error),
                  "%s: %s", rows[i].target, error.text);
        cr_expect_eq(docker_endless(&request), rows[i].endless, "%s", rows[i].target);
    }
}

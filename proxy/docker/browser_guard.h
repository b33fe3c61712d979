/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps web pages away from TCP listeners of the gate: takes the fields that rules/network/browser_request
 * judges out of a head, and words the refusal. For Docker and admin listeners. */
#pragma once

#include "base/error.h"
#include "proxy/http/http_head.h"
#include "rules/network/browser_request.h"

/* False with `error` (403, "browser") when a page sent the request. `client` is named as the one
 * whose keys would let it pass. On the way of each request: looks at every field's name once. */
MUST_CHECK bool browser_guard_check(const struct http_head *head, const struct browser_trust *trust,
                                    bool on_loopback, const char *client, struct error *error);


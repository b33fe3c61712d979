/* SPDX-License-Identifier: Apache-2.0
 *
 * The web pages that a client trusts. */
#pragma once

#include "policy/snapshot/policy_builder.h"

/* One entry of `hosts` or of `origins` (rules/network/browser_request.h) of a client. False with `error` when
 * it is none. */
MUST_CHECK bool policy_browser_add_host(struct policy_builder *builder,
                                        struct builder_client *client, struct slice text,
                                        struct error *error);
MUST_CHECK bool policy_browser_add_origin(struct policy_builder *builder,
                                          struct builder_client *client, struct slice text,
                                          struct error *error);

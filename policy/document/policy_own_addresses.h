/* SPDX-License-Identifier: Apache-2.0
 *
 * `own_addresses` and DOCKREEVE_OWN_ADDRESSES: addresses of the machine that the gate cannot see,
 * because it runs in a container. They add to those that it knows itself; an empty list says that
 * there are none. */
#pragma once

#include <stdbool.h>

#include "policy/document/policy_document.h"

#define POLICY_OWN_ADDRESSES_VARIABLE "DOCKREEVE_OWN_ADDRESSES"

/* Reads the key: an address or range, or a list of them. `place` is not used. */
policy_reader policy_own_addresses_read;

/* Reads the variable: addresses and ranges with commas or blanks between them, or `none`; nothing
 * when it is not set or set to nothing. */
void policy_own_addresses_from_environment(struct policy_builder *builder, char *const *environment,
                                           struct policy_messages *errors);

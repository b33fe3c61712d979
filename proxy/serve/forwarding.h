/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the gate's network namespace is a router: whoever shares a network with one of its
 * listeners for the internet then sends packets for other places to it, by its hardware address,
 * and goes around the gate that way. `serve` and `doctor` say so. */
#pragma once

#include "policy/snapshot/policy.h"

/* The warning (static text); NULL when there is nothing to warn of: no listener for the internet
 * that others can reach, only one interface beside loopback, or no forwarding. */
const char *forwarding_warning(const struct policy *policy);

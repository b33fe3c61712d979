/* SPDX-License-Identifier: Apache-2.0
 *
 * What the start says about variables that do something else than they seem to. */
#pragma once

#include "policy/environment/environment_variables.h"
#include "policy/snapshot/policy.h"
#include "policy/snapshot/policy_messages.h"

/* Adds a notice for each: a value that means 0 and does not look like it, a variable that the
 * contract does not read and that looks like one that it does, a switch without effect. */
void environment_notices_add(enum environment_contract contract, char *const *environment,
                             struct policy_messages *notices);

/* Once the policy that they are is complete: zeros that deny nothing, since something else permits the
 * same to the client `default`. */
void environment_notices_add_zeros(const struct policy *policy, char *const *environment,
                                   struct policy_messages *notices);

/* Where they are no policy: those of the images that are set all the same. */
void environment_notices_add_unread(char *const *environment, struct policy_messages *notices);

/* Names that begin with DOCKREEVE_ and that nothing reads. */
void environment_notices_add_own(char *const *environment, struct policy_messages *notices);

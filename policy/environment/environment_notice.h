/* SPDX-License-Identifier: Apache-2.0
 *
 * What the start says about variables that do something else than they seem to. For environment.c
 * only. */
#ifndef DOCKREEVE_POLICY_ENVIRONMENT_NOTICE_H
#define DOCKREEVE_POLICY_ENVIRONMENT_NOTICE_H

#include "policy/environment/environment_variables.h"
#include "policy/snapshot/policy_messages.h"

/* Adds a notice for each: a value that means 0 and does not look like it, a variable that the
 * contract does not read and that looks like one that it does, a switch without effect. */
void environment_notices_add(enum environment_contract contract, char *const *environment,
                             struct policy_messages *notices);

#endif

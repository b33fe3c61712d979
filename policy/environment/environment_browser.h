/* SPDX-License-Identifier: Apache-2.0
 *
 * The variables about web pages (rules/network/browser_request.h). For environment.c and policy_load.c. */
#pragma once

#include "policy/snapshot/policy_builder.h"

/* Gives the client `default` what DOCKREEVE_HOSTS, DOCKREEVE_ORIGINS and DOCKREEVE_BROWSER say;
 * what cannot be read is an error. */
void environment_add_browser(struct policy_builder *builder, char *const *environment,
                             struct policy_messages *errors);

/* A notice for each of them, and DOCKREEVE_GUARD, that is set where variables are not the policy. */
void environment_note_unread_browser(char *const *environment, struct policy_messages *notices);

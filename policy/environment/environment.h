/* SPDX-License-Identifier: Apache-2.0
 *
 * Environment variables as a policy: DOCKREEVE_COMPAT=tecnativa, tecnativa-literal or linuxserver
 * makes the variables of that image the rules, with the verdicts that it gives (docs/design.md 3.4), apart
 * from where it matches too loosely. Values are read as HAProxy reads them there: a number that is
 * not zero is true, a word such as `true` is not. Pure: works on the array it is handed. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "policy/snapshot/policy_builder.h"

/* Whether DOCKREEVE_COMPAT is set and not empty, to whatever: environment_add_rules() then says
 * whether it is a known choice. */
bool environment_is_compat(char *const *environment);

/* Adds the rules that the variables mean for every client, and the advice that denied clients are
 * given. Does nothing without DOCKREEVE_COMPAT. False, with a message in `errors`, when that names
 * no contract. `notices` receives what a user may have meant otherwise: values that mean 0 though
 * they look like yes, variables that the contract does not read, settings without effect. */
MUST_CHECK bool environment_add_rules(struct policy_builder *builder, char *const *environment,
                                      struct policy_messages *errors,
                                      struct policy_messages *notices);

/* Whether DOCKREEVE_GUARD is a word that it may be; a misspelling would leave guards open. */
MUST_CHECK bool environment_check_guard(char *const *environment, struct policy_messages *errors);

/* The notice that variables of the replaced image mean nothing beside `config_path`, a policy of its
 * own; none where only DOCKREEVE_COMPAT is set, which the image does by itself. */
void environment_note_ended(char *const *environment, const char *config_path,
                            struct policy_messages *notices);

/* Where the replaced image listens, for the client `default` when nothing else says so:
 * "tcp:[::]:2375", or "tcp:0.0.0.0:2375" when DISABLE_IPV6 asks for it (tecnativa: 1, true or yes
 * in any case; linuxserver: exactly 1). NULL without DOCKREEVE_COMPAT. */
const char *environment_default_listen(char *const *environment);

/* Where the engine is: SOCKET_PATH as it stands (an address in one of HAProxy's forms, which
 * endpoint_parse() reads), else
 * "/var/run/docker.sock". */
const char *environment_socket_path(char *const *environment);

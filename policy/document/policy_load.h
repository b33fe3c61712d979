/* SPDX-License-Identifier: Apache-2.0
 *
 * From files, presets and environment to a compiled policy. Everything that is wrong is collected
 * and reported at once; a policy with one error is no policy (docs/design.md 1.7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/policy.h"
#include "policy/snapshot/policy_messages.h"

struct policy_files;

/* A listener that an option asks for, for the client `default`. */
struct policy_input_listen {
    enum policy_role role;
    const char *text;
    const char *source; /* "--egress" */
};

/* What to load from. All borrowed for the call. */
struct policy_inputs {
    const char *config_path; /* policy.yaml; its folder's policy.d/ *.yaml are the drop-ins */
    bool config_required; /* named by the user: an error when neither it nor what the command line
                             has written beside it is there, not an empty policy */
    bool config_was_read; /* it was there before, and must not vanish */
    const char *const *listen; /* --listen values, for the client `default` */
    size_t listen_count;
    const struct policy_input_listen *network; /* --egress and the like */
    size_t network_count;
    const char *dns_answer; /* --dns-answer: "gate", "real" or addresses with commas; NULL = gate */
    char *const
        *environment; /* "NAME=value" array for compatibility mode; NULL = ignore the environment */
    bool check_owner; /* refuse files and folders that others can write (docs/design.md 1.7) */
    const struct slice *cli_text; /* read in place of policy.d/90-cli.yaml, whether that is there or
                      not: a change is judged before it is written; NULL = the file */
    /* is filled anew: what was asked for (policy/document/policy_files.h); NULL = nobody wants to
     * know */
    struct policy_files *files;
};

/* NULL when anything was wrong; `errors` says what. `notices` holds warnings and what the start
 * should say, also on success. */
struct policy *policy_load(const struct policy_inputs *inputs, struct policy_messages *errors,
                           struct policy_messages *notices);

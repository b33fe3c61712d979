/* SPDX-License-Identifier: Apache-2.0
 *
 * From files, presets and environment to a compiled policy. Everything that is wrong is collected
 * and reported at once; a policy with one error is no policy (docs/design.md 1.7). */
#ifndef DOCKREEVE_POLICY_POLICY_LOAD_H
#define DOCKREEVE_POLICY_POLICY_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "policy/snapshot/policy.h"

struct policy_files;

/* One thing to tell the user, in order of place: an error, or a notice that stops nothing. */
struct policy_message {
    char *file;         /* owned; NULL = no file (an option, the environment) */
    struct error error; /* line, column, text */
};
struct policy_messages {
    struct policy_message *items; /* owned */
    size_t count, capacity;
};
void policy_messages_add(struct policy_messages *messages, const char *file, unsigned line,
                         unsigned column, const char *format, ...) PRINTF_LIKE(5, 6);
/* Appends "file:line:column: text\n" for each. */
void policy_messages_write(const struct policy_messages *messages, struct buffer *out);
void policy_messages_free(struct policy_messages *messages);

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

/* The one file that the command line edits (docs/design.md 4). */
#define POLICY_CLI_NAME "90-cli.yaml"
/* What rules in it are said to come from. */
#define POLICY_CLI_LABEL "policy.d/" POLICY_CLI_NAME

/* NULL when anything was wrong; `errors` says what. `notices` holds warnings and what the start
 * should say, also on success. */
struct policy *policy_load(const struct policy_inputs *inputs, struct policy_messages *errors,
                           struct policy_messages *notices);

#endif

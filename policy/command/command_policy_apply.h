/* SPDX-License-Identifier: Apache-2.0
 *
 * What a running gate makes of a change that a command has just written: it reads the policy at
 * once, and says how many open streams and tunnels are not allowed any more. This folder knows no
 * sockets, so the way to the gate is handed in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/cli/option.h"
#include "policy/snapshot/policy.h"

/* The way to the gate whose state folder it is: sends `request` and reads the JSON answer, which is
 * to be freed in any case. False with `error` when none answers. */
struct policy_gate {
    bool (*ask)(const char *folder, const char *request, uint64_t timeout_ms,
                struct json_tree *answer, struct error *error);
};

/* Options of every command that changes a policy. */
#define COMMAND_POLICY_STATE                                                                       \
    OPTION_TEXT_ROW(OPTION_TEXT, "state", "DIR",                                                   \
                    "the state folder of the gate, as given to serve: it is told of the change",   \
                    .environment = "DOCKREEVE_STATE")
#define COMMAND_POLICY_CUT                                                                         \
    OPTION_FLAG_ROW("cut", "end open streams and tunnels that the policy does not allow any more")

struct policy_applied {
    bool asked; /* a gate that runs with this policy has it in force now */
    bool cut;   /* what follows was ended */
    uint64_t streams, tunnels;
    struct error error; /* text "" = none: why it could not be asked, or did not take it */
};

/* Has the gate of the folder that `state` names, or of the usual one, read `policy`, and with `cut`
 * end what that does not allow. A gate that runs with another policy is let be. */
void command_policy_apply(const struct policy_gate *gate, const struct option_value *state,
                          const struct policy *policy, bool cut, struct policy_applied *applied);

/* Reads the members `no_longer_allowed` and `cut` of a gate's answer. */
void command_policy_read_open(const struct json_tree_node *answer, struct policy_applied *applied);

/* Appends a sentence about it with a line end, or nothing where nothing is concerned; and the
 * member "open": {"streams","tunnels","cut"}, null where no gate was asked. */
void command_policy_write_open(const struct policy_applied *applied, struct buffer *out);
void command_policy_write_open_json(const struct policy_applied *applied, struct buffer *out);

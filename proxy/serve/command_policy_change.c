/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of policy/ that change a policy, with the way to the running gate, which that folder
 * does not know. */
#include "policy/command/command_policy_apply.h"
#include "policy/command/commands.h"
#include "proxy/serve/commands.h"
#include "proxy/operator/control_client.h"

static const struct policy_gate running_gate = {control_client_ask};

int command_change_allow(int argc, char **argv)
{
    return command_policy_allow(argc, argv, &running_gate);
}

int command_change_deny(int argc, char **argv)
{
    return command_policy_deny(argc, argv, &running_gate);
}

int command_change_rm(int argc, char **argv)
{
    return command_policy_rm(argc, argv, &running_gate);
}

int command_change_reset(int argc, char **argv)
{
    return command_policy_reset(argc, argv, &running_gate);
}

int command_change_set_default(int argc, char **argv)
{
    return command_policy_set_default(argc, argv, &running_gate);
}

int command_change_init(int argc, char **argv)
{
    return command_policy_init(argc, argv, &running_gate);
}

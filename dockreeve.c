/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands. Names, summaries and options stand in each command's option table; help
 * and completion are made from this list, so that a command is added by one line here. */
#include "base/cli/command.h"
#include "base/cli/completion.h"
#include "policy/command/command_policy_apply.h"
#include "policy/command/commands.h"
#include "policy/command/policy_words.h"
#include "proxy/operator/control_client.h"
#include "proxy/serve/commands.h"

static const struct policy_gate gate = {control_client_ask};
static const struct command_table table;
static const struct completion_context completion = {&table, policy_words_append};

static const struct command commands[] = {
    {&serve_option_table, NULL},
    {&policy_set_default_option_table, &gate},
    {&policy_init_option_table, &gate},
    {&policy_allow_option_table, &gate},
    {&policy_deny_option_table, &gate},
    {&policy_rm_option_table, &gate},
    {&policy_reset_option_table, &gate},
    {&policy_validate_option_table, NULL},
    {&policy_ls_option_table, NULL},
    {&policy_inspect_option_table, NULL},
    {&policy_schema_option_table, NULL},
    {&policy_check_option_table, &command_lookup_live},
    {&policy_explain_option_table, &command_lookup_live},
    {&policy_test_option_table, NULL},
    {&policy_import_option_table, NULL},
    {&policy_log_option_table, NULL},
    {&policy_status_option_table, NULL},
    {&policy_reload_option_table, NULL},
    {&policy_suggest_option_table, NULL},
    {&healthcheck_option_table, NULL},
    {&doctor_option_table, NULL},
    {&version_option_table, NULL},
    {&completion_option_table, &completion},
};

static const struct command_table table = {
    "dockreeve", "A policy gate in front of the Docker Engine API and the internet.", commands, ARRAY_LEN(commands)};

int main(int argc, char **argv)
{
    return command_main(&table, argc, argv);
}

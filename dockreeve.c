/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands. Names, summaries and options stand in each command's option table; help
 * and completion are made from this list, so that a command is added by one line here. */
#include "base/cli/command.h"
#include "base/cli/completion.h"
#include "policy/command/commands.h"
#include "policy/command/policy_words.h"
#include "proxy/serve/commands.h"

static int command_completion(int argc, char **argv);

static const struct command commands[] = {
    {&serve_option_table, command_serve},
    {&policy_set_default_option_table, command_change_set_default},
    {&policy_init_option_table, command_change_init},
    {&policy_allow_option_table, command_change_allow},
    {&policy_deny_option_table, command_change_deny},
    {&policy_rm_option_table, command_change_rm},
    {&policy_reset_option_table, command_change_reset},
    {&policy_validate_option_table, command_policy_validate},
    {&policy_ls_option_table, command_policy_ls},
    {&policy_inspect_option_table, command_policy_inspect},
    {&policy_schema_option_table, command_policy_schema},
    {&policy_check_option_table, command_policy_check},
    {&policy_explain_option_table, command_policy_explain},
    {&policy_test_option_table, command_policy_test},
    {&policy_import_option_table, command_policy_import},
    {&policy_log_option_table, command_policy_log},
    {&policy_status_option_table, command_policy_status},
    {&policy_reload_option_table, command_policy_reload},
    {&policy_suggest_option_table, command_policy_suggest},
    {&healthcheck_option_table, command_healthcheck},
    {&doctor_option_table, command_doctor},
    {&version_option_table, command_version},
    {&completion_option_table, command_completion},
};

static const struct command_table table = {
    "dockreeve", "A policy gate in front of the Docker Engine API and the internet.", commands, ARRAY_LEN(commands)};

static int command_completion(int argc, char **argv)
{
    return completion_run(&table, policy_words_append, argc, argv);
}

int main(int argc, char **argv)
{
    return command_main(&table, argc, argv);
}

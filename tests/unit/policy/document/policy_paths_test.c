/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/attributes.h"
#include "policy/document/policy_paths.h"

static void become_user(void)
{
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
}

/* A change of the user makes a process untraceable, and the leak check at its end has to trace it. */
static void become_root_again(void)
{
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    prctl(PR_SET_DUMPABLE, 1);
}

TestSuite(policy_paths, .fini = become_root_again);

static void expect(const char *config, const char *log, const char *state)
{
    AUTO_FREE char *config_path = policy_path_config();
    AUTO_FREE char *log_path = policy_path_log();
    AUTO_FREE char *state_path = policy_path_state();
    cr_assert_str_eq(config_path, config);
    cr_assert_str_eq(log_path, log);
    cr_assert_str_eq(state_path, state);
}

Test(policy_paths, a_user_has_the_xdg_folders_or_those_under_home)
{
    become_user();
    setenv("HOME", "/home/u", 1);
    setenv("XDG_CONFIG_HOME", "/c", 1);
    setenv("XDG_STATE_HOME", "/s", 1);
    expect("/c/dockreeve/policy.yaml", "/s/dockreeve/access.jsonl", "/s/dockreeve");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    setenv("XDG_STATE_HOME", "", 1);
    expect("/home/u/.config/dockreeve/policy.yaml", "/home/u/.local/state/dockreeve/access.jsonl",
           "/home/u/.local/state/dockreeve");
}

Test(policy_paths, a_user_without_a_home_has_the_paths_of_the_system)
{
    become_user();
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    static const char *const homes[] = {NULL, "", "/", "relative"};
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        if (homes[i] == NULL)
            unsetenv("HOME");
        else
            setenv("HOME", homes[i], 1);
        expect("/etc/dockreeve/policy.yaml", "/var/log/dockreeve/access.jsonl",
               "/var/lib/dockreeve");
    }
}

Test(policy_paths, root_has_the_paths_of_the_system_whatever_its_home)
{
    if (geteuid() != 0)
        cr_skip_test("only root can show this");
    setenv("HOME", "/home/u", 1);
    setenv("XDG_STATE_HOME", "/s", 1);
    expect("/etc/dockreeve/policy.yaml", "/var/log/dockreeve/access.jsonl", "/var/lib/dockreeve");
}

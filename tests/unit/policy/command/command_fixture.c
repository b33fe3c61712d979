/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "tests/unit/policy/command/command_fixture.h"

#include <criterion/criterion.h>

#include "policy/command/command_policy_check.h"

static bool find(void *, const struct host_name *host, struct ip_address *addresses,
                 unsigned *count_out, struct name_chain *, struct error *error)
{
    if (!slice_equal_text(host_name_slice(host), "two.test"))
        return error_set_reason(error, 502, "dns.not-found", "no such name");
    cr_assert(ip_address_parse(SLICE_LITERAL("10.0.0.1"), &addresses[0]));
    cr_assert(ip_address_parse(SLICE_LITERAL("8.8.8.8"), &addresses[1]));
    *count_out = 2;
    return true;
}

static bool open_lookup(const struct command_lookup_words *, struct asked_lookup *lookup_out,
                        struct error *)
{
    *lookup_out = (struct asked_lookup){.find = find};
    return true;
}

static void close_lookup(struct asked_lookup *)
{
}

static const struct command_lookup lookup = {open_lookup, close_lookup, NULL};

int command_fixture_check(int argc, char **argv)
{
    return command_policy_check_with(&lookup, argc, argv);
}

int command_fixture_explain(int argc, char **argv)
{
    return command_policy_explain_with(&lookup, argc, argv);
}

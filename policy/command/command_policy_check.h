/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check` and `policy explain` but for DNS and the machine's addresses: this folder knows no
 * sockets, so who has them hands in how they are found. */
#pragma once

#include "base/cli/option.h"
#include "policy/explain/asked_network.h"

/* As the options of those names say; borrowed. */
struct command_lookup_words {
    const struct option_value *resolver;
    const char *hosts; /* NULL = none */
    uint64_t timeout_ms;
};

struct command_lookup {
    /* Makes a lookup. False with `error` (code 2). */
    bool (*open)(const struct command_lookup_words *words, struct asked_lookup *lookup_out,
                 struct error *error);
    void (*close)(struct asked_lookup *lookup);
    const struct network_own_host *own_host; /* who knows this machine's addresses; borrowed */
};

/* The commands; argv and the result as of every command. `lookup` may be NULL: --resolve is then
 * refused, and of this machine's addresses those are known that the policy lists. */
int command_policy_check_with(const struct command_lookup *lookup, int argc, char **argv);
int command_policy_explain_with(const struct command_lookup *lookup, int argc, char **argv);

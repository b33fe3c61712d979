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
    /* Who knows this machine's addresses. open: NULL = nobody. */
    const struct network_own_host *(*open_own_host)(void);
    void (*close_own_host)(const struct network_own_host *own_host);
};

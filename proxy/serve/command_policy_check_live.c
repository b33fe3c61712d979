/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check` and `policy explain` with the gate's own resolver for --resolve, and the addresses of
 * the machine they run on. */
#include <string.h>

#include "policy/command/command_policy_check.h"
#include "proxy/serve/commands.h"
#include "proxy/io/own_host.h"
#include "proxy/resolve/name_finder.h"
#include "proxy/serve/serve_options.h"

static void close_finder(struct asked_lookup *lookup)
{
    struct name_finder *finder = lookup->context;
    name_finder_free(&finder);
}

static bool find(void *context, const struct host_name *host, struct ip_address *addresses,
                 unsigned *count_out, struct name_chain *chain_out, struct error *error)
{
    const struct resolver_answer *answer = name_finder_ask(context, host);
    *count_out = answer->count;
    *chain_out = answer->chain;
    memcpy(addresses, answer->addresses, answer->count * sizeof(answer->addresses[0]));
    if (answer->count == 0)
        *error = answer->error;
    return answer->count > 0;
}

static bool open_finder(const struct command_lookup_words *words, struct asked_lookup *lookup_out,
                        struct error *error)
{
    struct resolver_options asking = {
        .hosts_path = words->hosts, .timeout_ms = words->timeout_ms, .cache_entries = 1};
    if (!serve_options_read_resolvers(words->resolver, &asking, error))
        return false;
    *lookup_out = (struct asked_lookup){find, name_finder_new(&asking, error)};
    return lookup_out->context != NULL;
}

static const struct network_own_host *open_own_host(void)
{
    return own_host_asked(own_host_open());
}

static void close_own_host(const struct network_own_host *asked)
{
    struct own_host *own_host = asked->context;
    own_host_close(&own_host);
}

const struct command_lookup command_lookup_live = {open_finder, close_finder, open_own_host,
                                                   close_own_host};

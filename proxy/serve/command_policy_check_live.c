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

static int run(int (*command)(const struct command_lookup *lookup, int argc, char **argv), int argc,
               char **argv)
{
    struct own_host *own_host = own_host_open();
    const struct command_lookup lookup = {open_finder, close_finder, own_host_asked(own_host)};
    int code = command(&lookup, argc, argv);
    own_host_close(&own_host);
    return code;
}

int command_policy_check(int argc, char **argv)
{
    return run(command_policy_check_with, argc, argv);
}

int command_policy_explain(int argc, char **argv)
{
    return run(command_policy_explain_with, argc, argv);
}

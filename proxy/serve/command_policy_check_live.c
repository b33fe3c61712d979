/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy check` and `policy explain` with the gate's own resolver for --resolve, and the addresses of
 * the machine they run on. */
#include <stdlib.h>
#include <string.h>

#include "policy/command/command_policy_check.h"
#include "proxy/serve/commands.h"
#include "proxy/io/own_host.h"
#include "proxy/resolve/resolver.h"
#include "proxy/serve/serve_options.h"

/* A resolver in a loop of its own, asked for one name. */
struct name_finder {
    struct event_base *base;   /* owned */
    struct resolver *resolver; /* owned */
    struct resolver_answer answer;
};

static void close_finder(struct asked_lookup *lookup)
{
    struct name_finder *finder = lookup->context;
    resolver_free(&finder->resolver);
    event_base_free(finder->base);
    free(finder);
}

static void on_answer(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct name_finder *finder = query->context;
    finder->answer = *answer;
    event_base_loopbreak(finder->base);
}

static bool find(void *context, const struct host_name *host, struct ip_address *addresses,
                 unsigned *count_out, struct name_chain *chain_out, struct error *error)
{
    struct name_finder *finder = context;
    struct resolver_query query = {.answered = on_answer, .context = finder};
    if (!resolver_ask(finder->resolver, &query, host, &finder->answer))
        event_base_dispatch(finder->base);
    *count_out = finder->answer.count;
    *chain_out = finder->answer.chain;
    memcpy(addresses, finder->answer.addresses,
           finder->answer.count * sizeof(finder->answer.addresses[0]));
    if (finder->answer.count == 0)
        *error = finder->answer.error;
    return finder->answer.count > 0;
}

static bool open_finder(const struct command_lookup_words *words, struct asked_lookup *lookup_out,
                        struct error *error)
{
    struct resolver_options asking = {
        .hosts_path = words->hosts, .timeout_ms = words->timeout_ms, .cache_entries = 1};
    if (!serve_options_read_resolvers(words->resolver, &asking, error))
        return false;
    struct name_finder *finder = calloc(1, sizeof(*finder));
    if (finder == NULL || (finder->base = event_base_new()) == NULL)
        abort();
    *lookup_out = (struct asked_lookup){.find = find, .context = finder};
    finder->resolver = resolver_new(finder->base, &asking, error);
    if (finder->resolver != NULL)
        return true;
    event_base_free(finder->base);
    free(finder);
    return false;
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

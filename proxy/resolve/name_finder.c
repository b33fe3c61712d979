/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop runs until the answer is there. */
#include "proxy/resolve/name_finder.h"

#include <stdlib.h>

struct name_finder {
    struct event_base *base;   /* owned */
    struct resolver *resolver; /* owned */
    struct resolver_answer answer;
};

struct name_finder *name_finder_new(const struct resolver_options *options, struct error *error)
{
    struct name_finder *finder = calloc(1, sizeof(*finder));
    if (finder == NULL || (finder->base = event_base_new()) == NULL)
        abort();
    finder->resolver = resolver_new(finder->base, options, error);
    if (finder->resolver == NULL)
        name_finder_free(&finder);
    return finder;
}

void name_finder_free(struct name_finder **finder)
{
    struct name_finder *freed = steal_pointer(finder);
    if (freed == NULL)
        return;
    resolver_free(&freed->resolver);
    event_base_free(freed->base);
    free(freed);
}

static void on_answer(struct resolver_query *query, const struct resolver_answer *answer)
{
    struct name_finder *finder = query->context;
    finder->answer = *answer;
    event_base_loopbreak(finder->base);
}

const struct resolver_answer *name_finder_ask(struct name_finder *finder,
                                              const struct host_name *name)
{
    struct resolver_query query = {.answered = on_answer, .context = finder};
    if (!resolver_ask(finder->resolver, &query, name, &finder->answer))
        event_base_dispatch(finder->base);
    return &finder->answer;
}

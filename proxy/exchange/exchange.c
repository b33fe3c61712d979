/* SPDX-License-Identifier: Apache-2.0
 *
 * What an exchange counts for in the loop, and gives back at its end. */
#include "proxy/exchange/exchange.h"

void exchange_number(struct exchange *exchange, struct loop *loop)
{
    if (exchange->id != 0)
        return;
    exchange->id = ++loop->next_id;
    exchange->started_us = timestamp_monotonic_us();
}

void exchange_judged_by(struct exchange *exchange, struct policy *policy)
{
    if (exchange->policy == policy)
        return;
    policy_unref(&exchange->policy);
    exchange->policy = policy_ref(policy);
}

void exchange_count_stream(struct exchange *exchange, struct loop *loop, bool is_stream)
{
    if (exchange->stream == is_stream)
        return;
    exchange->stream = is_stream;
    if (is_stream)
        metrics_totals(loop->metrics)->open_streams++;
    else
        metrics_totals(loop->metrics)->open_streams--;
}

void exchange_forget(struct exchange *exchange, struct loop *loop)
{
    exchange_count_stream(exchange, loop, false);
    policy_unref(&exchange->policy);
    *exchange = (struct exchange){0};
}

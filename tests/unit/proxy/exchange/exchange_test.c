/* SPDX-License-Identifier: Apache-2.0
 *
 * What an exchange counts for in the loop is counted once and given back. */
#include <criterion/criterion.h>

#include "proxy/exchange/exchange.h"

static uint64_t open_streams(const struct loop *loop)
{
    return metrics_totals(loop->metrics)->open_streams;
}

Test(exchange, is_numbered_once_and_the_next_one_differs)
{
    struct loop loop = {.next_id = 6};
    struct exchange first = {0}, second = {0};
    exchange_number(&first, &loop);
    cr_expect_eq(first.id, 7);
    cr_expect_gt(first.started_us, 0);
    first.started_us = 1;
    exchange_number(&first, &loop);
    cr_expect_eq(first.id, 7);
    cr_expect_eq(first.started_us, 1, "its clock was started again");
    exchange_number(&second, &loop);
    cr_expect_eq(second.id, 8);
}

Test(exchange, is_one_open_stream_however_often_that_is_said)
{
    struct loop loop = {.metrics = metrics_new()};
    struct exchange one = {0}, other = {0};
    exchange_count_stream(&one, &loop, false);
    cr_expect_eq(open_streams(&loop), 0);
    exchange_count_stream(&one, &loop, true);
    exchange_count_stream(&one, &loop, true);
    exchange_count_stream(&other, &loop, true);
    cr_expect_eq(open_streams(&loop), 2);
    exchange_count_stream(&one, &loop, false);
    exchange_count_stream(&one, &loop, false);
    cr_expect_eq(open_streams(&loop), 1);
    metrics_free(&loop.metrics);
}

Test(exchange, that_is_forgotten_gives_back_its_stream_and_says_nothing)
{
    struct loop loop = {.metrics = metrics_new()};
    struct exchange exchange = {.status = 200, .judged = true, .opened = true, .reason = "rule"};
    exchange_number(&exchange, &loop);
    exchange_count_stream(&exchange, &loop, true);
    exchange_forget(&exchange, &loop);
    cr_expect_eq(open_streams(&loop), 0);
    cr_expect_eq(exchange.id, 0);
    cr_expect_null(exchange.reason);
    cr_expect(!exchange.judged && !exchange.opened && exchange.status == 0);
    exchange_number(&exchange, &loop);
    cr_expect_eq(exchange.id, 2, "the next one took the number of the last");
    metrics_free(&loop.metrics);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading one head in a test, whole and byte by byte. The outcome must not depend on how the bytes
 * arrive. */
#pragma once

#include <criterion/criterion.h>

#include "proxy/http/http_head.h"

static const struct http_head_limits widest = {HTTP_HEAD_LEN_MAX, HTTP_HEAD_TARGET_MAX,
                                               HTTP_HEAD_FIELDS_MAX};

enum side { REQUEST, RESPONSE, PROXY_REQUEST, ORIGIN_REQUEST };

struct outcome {
    enum http_head_result result;
    size_t consumed;
    struct http_head head;
    struct error error;
};

static inline enum http_head_result read_once(enum side side, struct slice bytes, size_t *scanned,
                                              const struct http_head_limits *limits,
                                              struct outcome *outcome)
{
    if (side == REQUEST)
        return http_head_parse_request(&outcome->head, bytes.ptr, bytes.len, scanned, limits,
                                       &outcome->consumed, &outcome->error);
    if (side == ORIGIN_REQUEST)
        return http_head_parse_origin_request(&outcome->head, bytes.ptr, bytes.len, scanned, limits,
                                              &outcome->consumed, &outcome->error);
    if (side == PROXY_REQUEST)
        return http_head_parse_proxy_request(&outcome->head, bytes.ptr, bytes.len, scanned, limits,
                                             &outcome->consumed, &outcome->error);
    const struct http_sender sender = {"the test", *limits};
    return http_head_parse_response(&outcome->head, bytes.ptr, bytes.len, scanned, &sender,
                                    &outcome->consumed, &outcome->error);
}

static inline void read_bytewise(enum side side, struct slice bytes,
                                 const struct http_head_limits *limits, struct outcome *outcome)
{
    size_t scanned = 0;
    outcome->result = HTTP_HEAD_MORE;
    for (size_t len = 0; len <= bytes.len && outcome->result == HTTP_HEAD_MORE; len++)
        outcome->result = read_once(side, slice_of(bytes.ptr, len), &scanned, limits, outcome);
}

/* Reads the bytes both ways, insists on one outcome and returns it; the slices of its head point
 * into `bytes`. */
static inline struct outcome read_both_ways(const char *name, enum side side, struct slice bytes,
                                            const struct http_head_limits *limits)
{
    static struct outcome whole, piecewise;
    size_t scanned = 0;
    whole.consumed = piecewise.consumed = 0;
    whole.result = read_once(side, bytes, &scanned, limits, &whole);
    read_bytewise(side, bytes, limits, &piecewise);
    cr_assert_eq(whole.result, piecewise.result, "%s: whole %d, byte by byte %d (%s)", name,
                 whole.result, piecewise.result, whole.error.text);
    if (whole.result == HTTP_HEAD_BAD) {
        cr_assert_eq(whole.error.status, piecewise.error.status, "%s", name);
        cr_assert_str_eq(whole.error.reason, piecewise.error.reason, "%s", name);
        cr_assert_str_eq(whole.error.text, piecewise.error.text, "%s", name);
    }
    if (whole.result == HTTP_HEAD_OK) {
        cr_assert_eq(whole.consumed, piecewise.consumed, "%s", name);
        cr_assert_eq(whole.head.field_count, piecewise.head.field_count, "%s", name);
        cr_assert_eq(whole.head.framing, piecewise.head.framing, "%s", name);
    }
    return whole;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What every exchange has, whichever gate it is of: its number, whose policy judged it, what is said
 * of it and which of its records are written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/loop/loop.h"

struct exchange {
    uint64_t id;           /* 0 = nothing was asked yet */
    int64_t started_us;    /* monotonic */
    struct policy *policy; /* a reference while the exchange lasts: the verdict's texts are in it */
    const char *reason;    /* stable code; static, or in the policy */
    const char *would_deny;
    uint16_t status;
    bool judged;  /* the verdict says something */
    bool refused; /* answered by us for a reason of our own, whatever the rules say */
    bool opened;  /* an open record was written; a close record is owed */
    bool logged;  /* the closing record was written */
    bool stream;  /* counted among the open streams */
};

/* Numbers it and starts its clock, once. */
void exchange_number(struct exchange *exchange, struct loop *loop);
/* The verdict is of that policy. */
void exchange_judged_by(struct exchange *exchange, struct policy *policy);
/* Counts it among the open streams, once, or not any more. */
void exchange_count_stream(struct exchange *exchange, struct loop *loop, bool is_stream);
/* Back to nothing asked. */
void exchange_forget(struct exchange *exchange, struct loop *loop);

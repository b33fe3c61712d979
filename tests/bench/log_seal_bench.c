/* SPDX-License-Identifier: Apache-2.0
 *
 * What sealing adds to a record, and how fast a sealed log is judged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "policy/seal/log_seal.h"
#include "policy/seal/log_verify.h"

enum { RECORDS = 300000, BODY_LEN = 400, ROUNDS = 5 };

static void add(struct log_sealer *sealer, struct buffer *out, unsigned number, bool seals)
{
    char body[BODY_LEN + 1];
    memset(body, 'x', sizeof(body));
    int len = snprintf(body, sizeof(body),
                       "{\"ts\":\"2026-11-21T08:00:00.000000Z\",\"id\":\"0a1b2c3d-%u\",\"seq\":%u,"
                       "\"event\":\"request\",\"path\":\"",
                       number, number);
    body[len] = 'x';
    body[BODY_LEN - 1] = '"';
    size_t begin = out->len;
    buffer_append(out, body, BODY_LEN);
    buffer_append_literal(out, "}\n");
    if (!buffer_reserve(out, LOG_SEAL_FIELDS_MAX))
        abort();
    if (seals)
        log_sealer_seal(sealer, out, begin);
}

/* Nanoseconds a record. */
static double run(struct log_sealer *sealer, struct buffer *out, bool seals)
{
    buffer_clear(out);
    int64_t begin = timestamp_monotonic_us();
    for (unsigned i = 0; i < RECORDS; i++)
        add(sealer, out, i, seals);
    return (double)(timestamp_monotonic_us() - begin) * 1e3 / RECORDS;
}

static double judge(const struct log_seal_key *first, unsigned keys, struct slice text)
{
    static struct log_verify verify;
    int64_t begin = timestamp_monotonic_us();
    size_t len = text.len;
    log_verify_init(&verify, first, keys);
    while (text.len > 0)
        log_verify_line(&verify, slice_cut(&text, '\n'));
    const struct log_verdict *verdict = log_verify_end(&verify);
    if (verdict->fault != LOG_FAULT_NONE || verdict->records != RECORDS)
        abort();
    return (double)len / (double)(timestamp_monotonic_us() - begin);
}

int main(void)
{
    static const struct log_chain none;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct log_seal_key first = {.epoch = 0}, key = first;
    log_seal_key_evolve(&key);
    for (int round = 0; round < ROUNDS; round++) {
        struct log_sealer sealer;
        log_sealer_init(&sealer, &key, &none);
        double plain = run(&sealer, &out, false), sealed = run(&sealer, &out, true);
        printf("record of %d bytes: %.0f ns, sealed %.0f ns; verified %.0f MB/s, with the key %.0f "
               "MB/s\n",
               BODY_LEN, plain, sealed, judge(&first, 0, buffer_slice(&out)),
               judge(&first, 1, buffer_slice(&out)));
    }
    return 0;
}

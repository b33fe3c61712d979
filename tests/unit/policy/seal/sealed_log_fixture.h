/* SPDX-License-Identifier: Apache-2.0
 *
 * A sealed log in memory, made as the gate makes one, and its judgement. For unit tests and the
 * fuzz target. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "policy/log/log_record.h"
#include "policy/seal/log_seal.h"
#include "policy/seal/log_verify.h"

struct sealed_log {
    struct buffer text; /* owned */
    struct log_sealer sealer;
    struct timestamp_cache cache;
    uint64_t seq, made;
};

static inline struct log_seal_key sealed_log_first_key(unsigned char fill)
{
    struct log_seal_key key = {.epoch = 0};
    memset(key.bytes, fill, sizeof(key.bytes));
    return key;
}

static inline void sealed_log_begin(struct sealed_log *log, unsigned char fill)
{
    static const struct log_chain none;
    struct log_seal_key key = sealed_log_first_key(fill);
    log_seal_key_evolve(&key);
    log_sealer_init(&log->sealer, &key, &none);
    log->seq = 0;
}

/* Another key seals from here on. */
static inline void sealed_log_begin_another(struct sealed_log *log, unsigned char fill)
{
    struct log_chain last = log->sealer.chain;
    sealed_log_begin(log, fill);
    log->sealer.chain = last;
}

static inline void sealed_log_add(struct sealed_log *log, enum log_event event)
{
    struct log_record record = {
        .time_us = 1700000000000000 + (int64_t)log->made++,
        .id = SLICE_LITERAL("0a1b2c3d-1"),
        .seq = ++log->seq,
        .event = event,
        .path = event == LOG_REQUEST ? SLICE_LITERAL("/info") : slice_of(NULL, 0),
        .status = event == LOG_REQUEST ? 200 : 0,
    };
    size_t begin = log->text.len;
    log_record_write(&record, &log->cache, &log->text);
    if (!buffer_reserve(&log->text, LOG_SEAL_FIELDS_MAX))
        abort();
    log_sealer_seal(&log->sealer, &log->text, begin);
    log_sealer_written(&log->sealer, log->text.data, log->text.len);
}

static inline void sealed_log_seal(struct sealed_log *log)
{
    sealed_log_add(log, LOG_SEAL);
    struct log_seal_key next = log->sealer.key;
    log_seal_key_evolve(&next);
    log_sealer_set_key(&log->sealer, &next);
}

/* `epochs` epochs with a start, `requests` requests and a seal each. */
static inline void sealed_log_make(struct sealed_log *log, unsigned epochs, unsigned requests)
{
    sealed_log_begin(log, 7);
    for (unsigned epoch = 0; epoch < epochs; epoch++) {
        if (epoch == 0)
            sealed_log_add(log, LOG_START);
        for (unsigned i = 0; i < requests; i++)
            sealed_log_add(log, LOG_REQUEST);
        sealed_log_seal(log);
    }
}

static inline void sealed_log_free(struct sealed_log *log)
{
    buffer_free(&log->text);
}

/* Judges a text of lines with the keys of the fills in `keys`, "" = none. `verify` keeps the
 * verdict. */
static inline const struct log_verdict *sealed_log_judge(struct log_verify *verify,
                                                         struct slice text, const char *keys)
{
    struct log_seal_key list[LOG_VERIFY_KEYS_MAX];
    unsigned count = 0;
    for (; keys[count] != '\0'; count++)
        list[count] = sealed_log_first_key((unsigned char)keys[count]);
    log_verify_init(verify, list, count);
    log_verify_file(verify, 0);
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        if (end == NULL) {
            log_verify_torn(verify, text, true);
            break;
        }
        size_t len = (size_t)(end - text.ptr);
        log_verify_line(verify, slice_of(text.ptr, len));
        text = slice_of(end + 1, text.len - len - 1);
    }
    return log_verify_end(verify);
}

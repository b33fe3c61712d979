/* SPDX-License-Identifier: Apache-2.0
 *
 * Forward-secure sealing of the log. Each record ends in three fields of fixed form,
 *
 *   ,"epoch":7,"chain":"<64 hex>","mac":"<32 hex>"}
 *
 *   body   the bytes of the line before `,"epoch":`
 *   digest SHA-256("dockreeve log record 1", epoch, body)
 *   chain  SHA-256("dockreeve log chain 1", chain of the record before, digest)
 *   mac    the first half of HMAC-SHA-256(key of the epoch, chain, digest)
 *
 * where the names in quotes fill a block each and the first record of all follows 32 zero bytes. A
 * new series, with a first key of its own, goes on behind the one before. The chain makes the place
 * of a record part of it; the mac proves chain and content by themselves, so that reading may begin
 * anywhere, where rotation has taken the beginning away.
 *
 * The key of the next epoch is SHA-256("dockreeve log key 1", key), and the old one is erased: who
 * takes the host over finds no key of an epoch that is over. A record with the
 * event `seal` is the last of its epoch, and a key is erased only when that record is on the disk:
 * epochs follow each other without a gap. The key
 * of epoch 0 is the auditor's; no record is sealed with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "policy/seal/log_digest.h"

enum {
    LOG_SEAL_KEY_LEN = LOG_DIGEST_LEN,
    LOG_SEAL_MAC_LEN = 16,
    /* The three fields with an epoch of twenty digits. */
    LOG_SEAL_FIELDS_MAX = 9 + 20 + 10 + 2 * LOG_DIGEST_LEN + 9 + 2 * LOG_SEAL_MAC_LEN + 1,
};

struct log_seal_key {
    uint64_t epoch;
    unsigned char bytes[LOG_SEAL_KEY_LEN];
};

/* Makes it the key of the next epoch; the earlier one cannot be had from it. */
void log_seal_key_evolve(struct log_seal_key *key);

struct log_chain {
    unsigned char bytes[LOG_DIGEST_LEN];
};

/* One sealed line, taken apart. */
struct log_sealed {
    struct slice body; /* where the line stands */
    uint64_t epoch;
    struct log_chain chain; /* as the line states it */
    unsigned char mac[LOG_SEAL_MAC_LEN];
    struct log_chain digest; /* of epoch and body */
};

/* Takes a line without its line end apart. False when it does not end in the three fields, spelled
 * exactly as the gate does. */
MUST_CHECK bool log_sealed_parse(struct log_sealed *sealed, struct slice line);
/* What `chain` has to be behind `before`. */
struct log_chain log_sealed_chain(const struct log_sealed *sealed, const struct log_chain *before);
bool log_sealed_follows(const struct log_sealed *sealed, const struct log_chain *before);
/* Whether the mac is that of the stated chain and the content, under the key of sealed->epoch. */
bool log_sealed_is_authentic(const struct log_sealed *sealed, const struct log_mac_key *key);

/* What seals the records of one log as they are written. */
struct log_sealer {
    struct log_seal_key key;
    struct log_mac_key mac;   /* of `key` */
    struct log_chain chain;   /* of the last record made */
    struct log_chain written; /* of the last record that is in the file */
    uint64_t unsealed;        /* records made since the last `seal` */
    struct log_digest record_domain, chain_domain;
};

/* `before`: the chain of the last record in the log; zeros when there is none. */
void log_sealer_init(struct log_sealer *sealer, const struct log_seal_key *key,
                     const struct log_chain *before);
/* Seals the line that is out->data[begin..len) and ends in "}\n". The buffer must have room for
 * LOG_SEAL_FIELDS_MAX more bytes. */
void log_sealer_seal(struct log_sealer *sealer, struct buffer *out, size_t begin);
/* bytes[0..len), the oldest lines made, are in the file; they end with a line end. */
void log_sealer_written(struct log_sealer *sealer, const char *bytes, size_t len);
/* Lines that were made and not written are given up: the next one follows the last one written. */
void log_sealer_rewind(struct log_sealer *sealer);
/* Goes on with the key of another epoch; the earlier one is wiped. */
void log_sealer_set_key(struct log_sealer *sealer, const struct log_seal_key *key);
void log_sealer_wipe(struct log_sealer *sealer);

/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) as the sealed log needs them. The only place
 * that knows a cryptographic library. States are plain bytes that may be copied: what is hashed
 * before every record (a domain, a padded key) is hashed once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LOG_DIGEST_LEN = 32, LOG_DIGEST_BLOCK_LEN = 64 };

/* A hash under way. */
struct log_digest {
    uint32_t words[28];
};

void log_digest_begin(struct log_digest *digest);
/* As log_digest_begin(), and the first block is `domain`, at most 64 bytes, filled up with zeros:
 * hashes for different purposes never have the same input. */
void log_digest_begin_domain(struct log_digest *digest, const char *domain);
void log_digest_add(struct log_digest *digest, const void *bytes, size_t len);
/* Eight bytes, the highest first. */
void log_digest_add_u64(struct log_digest *digest, uint64_t number);
/* The state is of no use afterwards, and wiped: it may hold a key. */
void log_digest_end(struct log_digest *digest, unsigned char out[static LOG_DIGEST_LEN]);

/* The two halves of HMAC with the key already in them: as secret as the key. */
struct log_mac_key {
    struct log_digest inner, outer;
};

void log_mac_key_set(struct log_mac_key *key, const unsigned char *bytes, size_t len);
void log_mac(const struct log_mac_key *key, const void *bytes, size_t len,
             unsigned char out[static LOG_DIGEST_LEN]);

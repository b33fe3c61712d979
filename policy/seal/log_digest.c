/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by libcrypto's SHA256_Init, _Update and _Final. OpenSSL 3 calls these deprecated in
 * favour of EVP. EVP would load providers and read configuration files in a confined process, and
 * bring its whole table of algorithms into a static binary: 4.1 MB more than these three, which add
 * 25 kB. They are the same assembler, and have no state but the one given. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "policy/seal/log_digest.h"

#include <string.h>

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) == sizeof(struct log_digest), "the state has another size");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct log_digest), "or another alignment");

static SHA256_CTX *context_of(struct log_digest *digest)
{
    return (SHA256_CTX *)(void *)digest;
}

void log_digest_begin(struct log_digest *digest)
{
    SHA256_Init(context_of(digest));
}

void log_digest_begin_domain(struct log_digest *digest, const char *domain)
{
    char block[LOG_DIGEST_BLOCK_LEN] = {0};
    size_t len = strlen(domain);
    memcpy(block, domain, len < sizeof(block) ? len : sizeof(block));
    log_digest_begin(digest);
    log_digest_add(digest, block, sizeof(block));
}

void log_digest_add(struct log_digest *digest, const void *bytes, size_t len)
{
    SHA256_Update(context_of(digest), bytes, len);
}

void log_digest_add_u64(struct log_digest *digest, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    log_digest_add(digest, bytes, sizeof(bytes));
}

void log_digest_end(struct log_digest *digest, unsigned char out[static LOG_DIGEST_LEN])
{
    SHA256_Final(out, context_of(digest));
    explicit_bzero(digest, sizeof(*digest));
}

void log_mac_key_set(struct log_mac_key *key, const unsigned char *bytes, size_t len)
{
    unsigned char block[LOG_DIGEST_BLOCK_LEN] = {0};
    log_digest_begin(&key->inner);
    log_digest_begin(&key->outer);
    if (len > sizeof(block)) {
        struct log_digest digest;
        log_digest_begin(&digest);
        log_digest_add(&digest, bytes, len);
        log_digest_end(&digest, block);
    } else {
        memcpy(block, bytes, len);
    }
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    log_digest_add(&key->inner, block, sizeof(block));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    log_digest_add(&key->outer, block, sizeof(block));
    explicit_bzero(block, sizeof(block));
}

void log_mac(const struct log_mac_key *key, const void *bytes, size_t len,
             unsigned char out[static LOG_DIGEST_LEN])
{
    struct log_digest digest = key->inner;
    log_digest_add(&digest, bytes, len);
    log_digest_end(&digest, out);
    digest = key->outer;
    log_digest_add(&digest, out, LOG_DIGEST_LEN);
    log_digest_end(&digest, out);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and taking apart of sealed lines. The fields stand at a fixed distance from the line's
 * end, so neither side looks for them. */
#include "policy/seal/log_seal.h"

#include <string.h>

#include "base/hex.h"

static const char record_domain[] = "dockreeve log record 1";
static const char chain_domain[] = "dockreeve log chain 1";
static const char key_domain[] = "dockreeve log key 1";

#define EPOCH_NAME ",\"epoch\":"
#define CHAIN_NAME ",\"chain\":\""
#define MAC_NAME "\",\"mac\":\""
#define LINE_REST "\"}"

enum {
    CHAIN_HEX_LEN = 2 * LOG_DIGEST_LEN,
    MAC_HEX_LEN = 2 * LOG_SEAL_MAC_LEN,
    /* From the first byte of the chain's name to the end of the line. */
    TAIL_LEN = sizeof(CHAIN_NAME) - 1 + CHAIN_HEX_LEN + sizeof(MAC_NAME) - 1 + MAC_HEX_LEN +
               sizeof(LINE_REST) - 1,
    EPOCH_DIGITS_MAX = 20,
};

void log_seal_key_evolve(struct log_seal_key *key)
{
    struct log_digest digest;
    log_digest_begin_domain(&digest, key_domain);
    log_digest_add(&digest, key->bytes, sizeof(key->bytes));
    log_digest_end(&digest, key->bytes);
    key->epoch++;
}

static void finish_record(struct log_digest *digest, uint64_t epoch, struct slice body,
                          struct log_chain *out)
{
    log_digest_add_u64(digest, epoch);
    log_digest_add(digest, body.ptr, body.len);
    log_digest_end(digest, out->bytes);
}

static void finish_chain(struct log_digest *digest, const struct log_chain *before,
                         const struct log_chain *record, struct log_chain *out)
{
    log_digest_add(digest, before->bytes, sizeof(before->bytes));
    log_digest_add(digest, record->bytes, sizeof(record->bytes));
    log_digest_end(digest, out->bytes);
}

static void compute_mac(const struct log_mac_key *key, const struct log_chain *chain,
                        const struct log_chain *record, unsigned char out[static LOG_DIGEST_LEN])
{
    struct log_chain both[2] = {*chain, *record};
    log_mac(key, both, sizeof(both), out);
}

/* The number at the end of `text`, with its name before it; what is left is the body. */
static bool read_epoch(struct slice *text, uint64_t *epoch_out)
{
    static const struct slice name = SLICE_LITERAL(EPOCH_NAME);
    size_t at = text->len;
    while (at > 0 && text->len - at < EPOCH_DIGITS_MAX && text->ptr[at - 1] >= '0' &&
           text->ptr[at - 1] <= '9')
        at--;
    struct slice digits = slice_of(text->ptr + at, text->len - at);
    if (!slice_to_u64(digits, epoch_out) || *epoch_out == 0 || digits.ptr[0] == '0' ||
        at < name.len || memcmp(text->ptr + at - name.len, name.ptr, name.len) != 0)
        return false;
    text->len = at - name.len;
    return text->len > 0;
}

bool log_sealed_parse(struct log_sealed *sealed, struct slice line)
{
    if (line.len < TAIL_LEN)
        return false;
    const char *tail = line.ptr + line.len - TAIL_LEN;
    const char *chain = tail + sizeof(CHAIN_NAME) - 1;
    const char *mac_name = chain + CHAIN_HEX_LEN;
    const char *mac = mac_name + sizeof(MAC_NAME) - 1;
    sealed->body = slice_of(line.ptr, (size_t)(tail - line.ptr));
    if (memcmp(tail, CHAIN_NAME, sizeof(CHAIN_NAME) - 1) != 0 ||
        memcmp(mac_name, MAC_NAME, sizeof(MAC_NAME) - 1) != 0 ||
        memcmp(mac + MAC_HEX_LEN, LINE_REST, sizeof(LINE_REST) - 1) != 0 ||
        !hex_read(chain, sealed->chain.bytes, LOG_DIGEST_LEN) ||
        !hex_read(mac, sealed->mac, LOG_SEAL_MAC_LEN) || !read_epoch(&sealed->body, &sealed->epoch))
        return false;
    struct log_digest digest;
    log_digest_begin_domain(&digest, record_domain);
    finish_record(&digest, sealed->epoch, sealed->body, &sealed->digest);
    return true;
}

struct log_chain log_sealed_chain(const struct log_sealed *sealed, const struct log_chain *before)
{
    struct log_chain chain;
    struct log_digest digest;
    log_digest_begin_domain(&digest, chain_domain);
    finish_chain(&digest, before, &sealed->digest, &chain);
    return chain;
}

bool log_sealed_follows(const struct log_sealed *sealed, const struct log_chain *before)
{
    struct log_chain chain = log_sealed_chain(sealed, before);
    return memcmp(chain.bytes, sealed->chain.bytes, sizeof(chain.bytes)) == 0;
}

bool log_sealed_is_authentic(const struct log_sealed *sealed, const struct log_mac_key *key)
{
    unsigned char mac[LOG_DIGEST_LEN];
    compute_mac(key, &sealed->chain, &sealed->digest, mac);
    return memcmp(mac, sealed->mac, LOG_SEAL_MAC_LEN) == 0;
}

void log_sealer_init(struct log_sealer *sealer, const struct log_seal_key *key,
                     const struct log_chain *before)
{
    *sealer = (struct log_sealer){.chain = *before, .written = *before};
    log_digest_begin_domain(&sealer->record_domain, record_domain);
    log_digest_begin_domain(&sealer->chain_domain, chain_domain);
    log_sealer_set_key(sealer, key);
}

void log_sealer_seal(struct log_sealer *sealer, struct buffer *out, size_t begin)
{
    unsigned char mac[LOG_DIGEST_LEN];
    struct log_chain record;
    out->len -= sizeof("}\n") - 1;
    struct slice body = slice_of(out->data + begin, out->len - begin);
    struct log_digest digest = sealer->record_domain;
    finish_record(&digest, sealer->key.epoch, body, &record);
    digest = sealer->chain_domain;
    finish_chain(&digest, &sealer->chain, &record, &sealer->chain);
    compute_mac(&sealer->mac, &sealer->chain, &record, mac);
    buffer_append_literal(out, EPOCH_NAME);
    buffer_append_u64(out, sealer->key.epoch);
    char tail[TAIL_LEN + 1];
    char *at = mempcpy(tail, CHAIN_NAME, sizeof(CHAIN_NAME) - 1);
    at = hex_write(at, sealer->chain.bytes, LOG_DIGEST_LEN);
    at = mempcpy(at, MAC_NAME, sizeof(MAC_NAME) - 1);
    at = hex_write(at, mac, LOG_SEAL_MAC_LEN);
    memcpy(at, LINE_REST "\n", sizeof(LINE_REST));
    buffer_append(out, tail, sizeof(tail));
    sealer->unsealed++;
}

void log_sealer_written(struct log_sealer *sealer, const char *bytes, size_t len)
{
    if (len > TAIL_LEN)
        hex_read(bytes + len - 1 - TAIL_LEN + sizeof(CHAIN_NAME) - 1, sealer->written.bytes,
                       LOG_DIGEST_LEN);
}

void log_sealer_rewind(struct log_sealer *sealer)
{
    sealer->chain = sealer->written;
}

void log_sealer_set_key(struct log_sealer *sealer, const struct log_seal_key *key)
{
    sealer->key = *key;
    log_mac_key_set(&sealer->mac, key->bytes, sizeof(key->bytes));
}

void log_sealer_wipe(struct log_sealer *sealer)
{
    explicit_bzero(sealer, sizeof(*sealer));
}

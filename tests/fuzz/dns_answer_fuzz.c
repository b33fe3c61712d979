/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of answers to the question for a.test. The first three input bytes choose type, code and
 * number of records, the rest are the records.
 * 1. Of what is taken, every name of the chain is canonical, stands there once and is not the one
 *    that was asked for; there is an address when one was found, and none without.
 * 2. The same with the records cut anywhere is never taken for whole: it finds nothing that the whole
 *    did not.
 * 3. A message with another question is never taken. Nothing is read outside. */
#include <string.h>

#include "proxy/resolve/dns_answer.h"
#include "proxy/resolve/dns_message.h"
#include "tests/fuzz/fuzz.h"

/* From memory of the exact size, so that a read behind it is seen. */
static enum dns_answer_result read_exact(const uint8_t *bytes, size_t len,
                                         const struct host_name *name, uint16_t type,
                                         struct dns_answer *answer)
{
    uint8_t *copy = malloc(len);
    require(copy != NULL);
    memcpy(copy, bytes, len);
    enum dns_answer_result result = dns_answer_read(copy, len, name, type, answer);
    free(copy);
    return result;
}

static void require_chain(const struct name_chain *chain, const struct host_name *asked)
{
    struct slice rest = name_chain_slice(chain);
    struct name_chain seen = {.len = 0};
    struct host_name name, again;
    struct error error;
    require(chain->count <= NAME_CHAIN_NAMES_MAX && chain->len <= NAME_CHAIN_LEN_MAX);
    while (name_chain_next(&rest, &name)) {
        require(host_name_parse_dns(host_name_slice(&name), &again, &error));
        require(host_name_equal(&name, &again) && !host_name_equal(&name, asked));
        require(!name_chain_has(&seen, &name) && name_chain_add(&seen, &name));
    }
    require(rest.len == 0 && seen.count == chain->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host_name asked, other;
    struct error error;
    struct dns_answer answer, cut;
    uint8_t message[4096];
    if (size < 3 || size > 3000)
        return 0;
    require(host_name_parse_dns(SLICE_LITERAL("a.test"), &asked, &error));
    require(host_name_parse_dns(SLICE_LITERAL("b.test"), &other, &error));
    uint16_t type = data[0] % 2 == 0 ? DNS_TYPE_A : DNS_TYPE_AAAA;
    size_t head = dns_answer_ask(7, &asked, type, message);
    message[2] = 0x81;
    message[3] = data[1] % 4;
    message[7] = data[2];
    memcpy(message + head, data + 3, size - 3);
    size_t len = head + size - 3;
    enum dns_answer_result result = read_exact(message, len, &asked, type, &answer);
    require(result != DNS_ANSWER_FOREIGN);
    require(read_exact(message, len, &other, type, &cut) == DNS_ANSWER_FOREIGN);
    if (result != DNS_ANSWER_OK)
        return 0;
    require_chain(&answer.chain, &asked);
    require((answer.outcome == DNS_FOUND) == (answer.count > 0));
    require(answer.count <= DNS_ANSWER_ADDRESSES_MAX);
    require(answer.count == 0 || answer.ttl_s <= INT32_MAX);
    for (size_t shorter = head; shorter < len; shorter++) {
        if (read_exact(message, shorter, &asked, type, &cut) != DNS_ANSWER_OK)
            continue;
        require(cut.outcome == answer.outcome && cut.count == answer.count);
        require(slice_equal(name_chain_slice(&cut.chain), name_chain_slice(&answer.chain)));
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of the first look into a tunnel. The first input byte chooses how the rest is cut.
 * 1. Read whole or growing byte by byte: the same answer, to the last word of the error; what
 * follows the bytes that settled it changes nothing.
 * 2. A hello that was read, its message cut into other records, is read as the same hello.
 * 3. A name that was read is canonical: read again it is itself. Nothing is read outside. */
#include <string.h>

#include "base/buffer.h"
#include "proxy/egress/tls_hello.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
    enum tls_hello_result result;
    size_t settled; /* after so many bytes */
    struct tls_hello hello;
    struct error error;
};

/* From memory of the exact size, so that a read behind it is seen. */
static void read_exact(const char *bytes, size_t len, struct outcome *outcome)
{
    char *copy = malloc(len + (len == 0));
    require(copy != NULL);
    memcpy(copy, bytes, len);
    outcome->result = tls_hello_read(copy, len, &outcome->hello, &outcome->error);
    outcome->settled = len;
    free(copy);
}

/* Long inputs grow in larger steps: an input is to be read in milliseconds. */
static void read_growing(const char *bytes, size_t len, struct outcome *outcome)
{
    size_t have = 0;
    read_exact(bytes, have, outcome);
    while (outcome->result == TLS_HELLO_MORE && have < len) {
        size_t step = 1 + have / 256;
        have = step < len - have ? have + step : len;
        read_exact(bytes, have, outcome);
    }
}

static void require_same(const struct outcome *a, const struct outcome *b)
{
    const struct tunnel_facts *left = &a->hello.facts, *right = &b->hello.facts;
    require(a->result == b->result);
    if (a->result == TLS_HELLO_BAD) {
        require(strcmp(a->error.reason, b->error.reason) == 0);
        require(strcmp(a->error.text, b->error.text) == 0);
    } else if (a->result == TLS_HELLO_OK) {
        require(left->protocol == right->protocol && left->ech == right->ech);
        require(left->has_sni == right->has_sni && left->sni_bad == right->sni_bad);
        require(host_name_equal(&left->sni, &right->sni));
        require(strcmp(a->hello.alpn, b->hello.alpn) == 0);
    }
}

/* The records of a hello that was read, without their heads. */
static void join(const char *bytes, size_t len, struct buffer *message)
{
    size_t wanted = 4;
    for (size_t at = 0; message->len < wanted;) {
        require(len - at >= 5);
        size_t record = (size_t)((uint8_t)bytes[at + 3] << 8 | (uint8_t)bytes[at + 4]);
        require(record <= len - at - 5);
        buffer_append(message, bytes + at + 5, record);
        at += 5 + record;
        if (message->len >= 4)
            wanted = 4 + (size_t)((uint8_t)message->data[1] << 16 | (uint8_t)message->data[2] << 8 |
                                  (uint8_t)message->data[3]);
    }
    require(message->len == wanted);
}

/* Cuts the message anew, in records of sizes that follow from `seed`. */
static void cut(const struct buffer *message, unsigned seed, struct buffer *out)
{
    for (size_t at = 0; at < message->len;) {
        seed = seed * 1103515245 + 12345;
        size_t size = 1 + (seed >> 16) % 512;
        if (size > message->len - at)
            size = message->len - at;
        const char head[] = {22, 3, (char)(seed >> 8), (char)(size >> 8), (char)size};
        buffer_append(out, head, sizeof(head));
        buffer_append(out, message->data + at, size);
        at += size;
    }
}

static void require_canonical(const struct host_name *sni)
{
    struct host_name again;
    struct error error;
    require(host_name_parse_dns(host_name_slice(sni), &again, &error));
    require(host_name_equal(sni, &again) && !sni->is_address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, other;
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t len = size - 1;
    read_exact(bytes, len, &whole);
    read_growing(bytes, len, &other);
    require_same(&whole, &other);
    if (whole.result != TLS_HELLO_OK || whole.hello.facts.protocol != NETWORK_PROTOCOL_TLS)
        return 0;

    require(!whole.hello.facts.sni_bad || whole.hello.facts.has_sni);
    require(whole.hello.len > 0 && whole.hello.len <= len);
    read_exact(bytes, whole.hello.len, &other); /* nothing behind its end was needed, */
    require_same(&whole, &other);
    read_exact(bytes, whole.hello.len - 1, &other); /* and nothing in front of it could be spared */
    require(other.result == TLS_HELLO_MORE);
    if (whole.hello.facts.has_sni && !whole.hello.facts.sni_bad)
        require_canonical(&whole.hello.facts.sni);
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY, anew = BUFFER_EMPTY;
    join(bytes, len, &message);
    cut(&message, data[0], &anew);
    if (anew.len > TLS_HELLO_LEN_MAX) /* more heads than it had: the limit */
        return 0;
    read_exact(anew.data, anew.len, &other);
    require_same(&whole, &other);
    return 0;
}

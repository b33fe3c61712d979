/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "tests/unit/proxy/egress/tls_hello_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum tls_hello_result hello_read_exact(const char *bytes, size_t len, struct tls_hello *hello,
                                       struct error *error)
{
    char *copy = malloc(len + (len == 0));
    cr_assert_not_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    enum tls_hello_result result = tls_hello_read(copy, len, hello, error);
    free(copy);
    return result;
}

static void require_same(const char *row, const struct tls_hello *a, const struct tls_hello *b)
{
    cr_assert(a->facts.protocol == b->facts.protocol, "%s", row);
    cr_assert(a->facts.has_sni == b->facts.has_sni && a->facts.sni_bad == b->facts.sni_bad, "%s",
              row);
    cr_assert(host_name_equal(&a->facts.sni, &b->facts.sni), "%s", row);
    cr_assert(a->facts.ech == b->facts.ech, "%s", row);
    cr_assert_str_eq(a->alpn, b->alpn, "%s", row);
}

enum tls_hello_result hello_read_all(const char *row, const char *bytes, size_t len,
                                     struct tls_hello *hello, struct error *error)
{
    struct tls_hello early;
    struct error early_error;
    enum tls_hello_result result = hello_read_exact(bytes, len, hello, error);
    bool known = false;
    for (size_t have = 0; have < len; have++) {
        enum tls_hello_result now = hello_read_exact(bytes, have, &early, &early_error);
        if (!known && now == TLS_HELLO_MORE)
            continue;
        known = true;
        cr_assert_eq(now, result, "%s: after %zu bytes", row, have);
        if (now == TLS_HELLO_BAD)
            cr_assert_str_eq(early_error.text, error->text, "%s: after %zu bytes", row, have);
        else
            require_same(row, &early, hello);
    }
    return result;
}

void hello_put_number(struct buffer *out, unsigned size, size_t number)
{
    while (size-- > 0)
        buffer_append_byte(out, (char)(number >> 8 * size));
}

void hello_put_vector(struct buffer *out, unsigned size, struct slice bytes)
{
    hello_put_number(out, size, bytes.len);
    buffer_append_slice(out, bytes);
}

void hello_put_extension(struct buffer *out, unsigned type, struct slice body)
{
    hello_put_number(out, 2, type);
    hello_put_vector(out, 2, body);
}

void hello_put_sni(struct buffer *out, struct slice name)
{
    AUTO_BUFFER struct buffer list = BUFFER_EMPTY, body = BUFFER_EMPTY;
    hello_put_number(&list, 1, 0);
    hello_put_vector(&list, 2, name);
    hello_put_vector(&body, 2, buffer_slice(&list));
    hello_put_extension(out, EXTENSION_SNI, buffer_slice(&body));
}

void hello_put_alpn(struct buffer *out, struct slice names)
{
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    hello_put_vector(&body, 2, names);
    hello_put_extension(out, EXTENSION_ALPN, buffer_slice(&body));
}

void hello_put_message(struct buffer *out, struct slice extensions)
{
    static const char filler[33] = "................................";
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    hello_put_number(&body, 2, 0x0303);
    buffer_append(&body, filler, 32);
    hello_put_vector(&body, 1, slice_of(filler, 32));
    hello_put_vector(&body, 2, SLICE_LITERAL("\x13\x01\x13\x02"));
    hello_put_vector(&body, 1, SLICE_LITERAL("\0"));
    if (extensions.ptr != NULL)
        hello_put_vector(&body, 2, extensions);
    hello_put_number(out, 1, 1);
    hello_put_vector(out, 3, buffer_slice(&body));
}

void hello_put_records(struct buffer *out, struct slice message, size_t size)
{
    while (message.len > 0) {
        size_t len = size < message.len ? size : message.len;
        hello_put_number(out, 3, 0x160301);
        hello_put_vector(out, 2, slice_of(message.ptr, len));
        message.ptr += len;
        message.len -= len;
    }
}

void hello_put(struct buffer *out, const struct buffer *extensions)
{
    AUTO_BUFFER struct buffer message = BUFFER_EMPTY;
    hello_put_message(&message, buffer_slice(extensions));
    hello_put_records(out, buffer_slice(&message), 16384);
}

void hello_read_extensions(const char *row, const struct buffer *extensions,
                           struct tls_hello *hello)
{
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
    struct error error = {0};
    hello_put(&bytes, extensions);
    cr_assert_eq(hello_read_all(row, bytes.data, bytes.len, hello, &error), TLS_HELLO_OK, "%s: %s",
                 row, error.text);
    cr_assert_eq(hello->facts.protocol, NETWORK_PROTOCOL_TLS, "%s", row);
}

void hello_expect_bad(const char *row, const struct buffer *bytes, const char *reason)
{
    struct tls_hello hello;
    struct error error = {0};
    cr_assert_eq(hello_read_all(row, bytes->data, bytes->len, &hello, &error), TLS_HELLO_BAD, "%s",
                 row);
    cr_assert_str_eq(error.reason, reason, "%s: %s", row, error.text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * ClientHellos made here to hide or to double what they ask for, and their reading: from memory of the exact size, so that a
 * read behind it is seen, and of every prefix. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "proxy/egress/tls_hello.h"

enum { EXTENSION_SNI = 0, EXTENSION_ALPN = 16, EXTENSION_ECH = 0xfe0d };

/* A number of `size` bytes, and a vector with its length in `size` bytes in front. */
void hello_put_number(struct buffer *out, unsigned size, size_t number);
void hello_put_vector(struct buffer *out, unsigned size, struct slice bytes);

void hello_put_extension(struct buffer *out, unsigned type, struct slice body);

/* A server_name extension of one entry. */
void hello_put_sni(struct buffer *out, struct slice name);

/* `names` is the content of the list, lengths included. */
void hello_put_alpn(struct buffer *out, struct slice names);

/* A handshake message; without extensions when their ptr is NULL. */
void hello_put_message(struct buffer *out, struct slice extensions);

/* Cuts a message into handshake records of `size` bytes. */
void hello_put_records(struct buffer *out, struct slice message, size_t size);

/* The message with these extensions in one record. */
void hello_put(struct buffer *out, const struct buffer *extensions);

/* Reads the bytes once, from a copy of their size. */
enum tls_hello_result hello_read_exact(const char *bytes, size_t len, struct tls_hello *hello,
                                       struct error *error);

/* Reads all of it, and then every prefix: MORE until the answer is known, and from there on always the same. `row` is named where
 * that does not hold. */
enum tls_hello_result hello_read_all(const char *row, const char *bytes, size_t len,
                                     struct tls_hello *hello, struct error *error);

/* Reads the hello with these extensions and expects it to be well-formed. */
void hello_read_extensions(const char *row, const struct buffer *extensions,
                           struct tls_hello *hello);

void hello_expect_bad(const char *row, const struct buffer *bytes, const char *reason);

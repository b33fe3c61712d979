/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing of JSON text (RFC 8259) into a buffer. The caller sets the commas' places by calling in
 * order; the writer only knows how a value is spelled. Strings from anywhere may be written: the
 * result is always valid JSON in UTF-8 and free of bytes that a terminal would obey. */
#ifndef DOCKREEVE_BASE_JSON_WRITE_H
#define DOCKREEVE_BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

/* A quoted string. Quote, backslash, control bytes, DEL and the C1 controls are escaped; bytes that
 * are not valid UTF-8 become \ufffd. */
void json_write_string(struct buffer *buffer, struct slice text);

/* `"key":value` with a comma before it unless the last byte of the buffer opens an object or array.
 * Keys are written as they are: static, plain names only. */
void json_write_key(struct buffer *buffer, const char *key);
void json_write_key_string(struct buffer *buffer, const char *key, struct slice value);
void json_write_key_text(struct buffer *buffer, const char *key, const char *value);
void json_write_key_u64(struct buffer *buffer, const char *key, uint64_t value);
void json_write_key_bool(struct buffer *buffer, const char *key, bool value);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing of JSON text (RFC 8259) into a buffer. The writer owns braces, brackets, quotes, colons
 * and commas: callers say what comes in its order. It keeps no state of its own: whether a comma is
 * due stands in the buffer's last byte, so that a text may begin in an empty buffer or on a new
 * line of a buffer that holds other things. Strings from anywhere may be written: the result is
 * always valid UTF-8 and free of bytes that a terminal would obey. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

void json_write_object_begin(struct buffer *buffer);
void json_write_object_end(struct buffer *buffer);
/* Ends the outermost object, and its line. */
void json_write_line_end(struct buffer *buffer);
/* Behind an element: the next one stands on a line of its own. */
void json_write_next_line(struct buffer *buffer);
void json_write_array_begin(struct buffer *buffer);
void json_write_array_end(struct buffer *buffer);

/* A quoted string. Quote, backslash, control bytes, DEL and the C1 controls are escaped; bytes that
 * are not valid UTF-8 become \ufffd. */
void json_write_string(struct buffer *buffer, struct slice text);
/* The same without looking for a comma: for log_record.h, whose keys bring theirs along. */
void json_write_quoted(struct buffer *buffer, struct slice text);
/* A value, or elements with commas between them, that are JSON already. Not empty. */
void json_write_raw(struct buffer *buffer, struct slice json);

/* A key, behind which its value is written. It is written as it is: our own names only. */
void json_write_key(struct buffer *buffer, const char *key);
/* A key that comes from anywhere. */
void json_write_foreign_key(struct buffer *buffer, struct slice key);
/* A key, and the beginning of its object or array. */
void json_write_key_object(struct buffer *buffer, const char *key);
void json_write_key_array(struct buffer *buffer, const char *key);
/* A key and its value. `json` is JSON already. */
void json_write_key_raw(struct buffer *buffer, const char *key, struct slice json);
void json_write_key_string(struct buffer *buffer, const char *key, struct slice value);
void json_write_key_text(struct buffer *buffer, const char *key, const char *value);
void json_write_key_u64(struct buffer *buffer, const char *key, uint64_t value);
void json_write_key_bool(struct buffer *buffer, const char *key, bool value);
/* What stands between the separators, as an array of strings; a separator at the end is none. */
void json_write_key_list(struct buffer *buffer, const char *key, struct slice list, char separator);
/* RFC 3339, in UTC. */
void json_write_key_time(struct buffer *buffer, const char *key, int64_t time_us);

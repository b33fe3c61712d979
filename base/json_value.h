/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into a JSON value without building a tree of it: members and elements are pieces of the
 * text. For answers that are small: each look for a member reads from the beginning. What is not
 * there, or no JSON, is a slice with ptr NULL, and so is everything that is looked for in that.
 */
#ifndef DOCKREEVE_BASE_JSON_VALUE_H
#define DOCKREEVE_BASE_JSON_VALUE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/json_token.h"
#include "base/slice.h"

/* The value of the object's first member of that name. */
struct slice json_value_member(struct slice object, const char *key);

/* The elements of an array one after the other: a reader is opened on it once; ptr NULL behind the
 * last. */
struct json_reader json_value_elements(struct slice array);
struct slice json_value_next(struct json_reader *elements);

/* Appends what a string means; the text of any other value. */
void json_value_append(struct slice value, struct buffer *out);

bool json_value_is_true(struct slice value);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the targets of bodies share: the choice of an operation, and keys as Go's decoder compares
 * them, written for these models alone. */
#pragma once

#include "base/buffer.h"
#include "rules/guard/body.h"
#include "tests/fuzz/fuzz.h"

/* An operation that has a JSON body. */
static inline enum docker_operation model_operation(uint8_t byte)
{
    unsigned operation = byte % DOCKER_OPERATION_COUNT;
    while (body_type_of((enum docker_operation)operation) == NULL)
        operation = (operation + 1) % DOCKER_OPERATION_COUNT;
    return (enum docker_operation)operation;
}

/* Appends a key without its case, a letter at a time. */
static inline void model_fold(struct slice key, struct buffer *out)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char byte = (unsigned char)key.ptr[i], next = 0, third = 0;
        if (i + 1 < key.len)
            next = (unsigned char)key.ptr[i + 1];
        if (i + 2 < key.len)
            third = (unsigned char)key.ptr[i + 2];
        if (byte == 0xc5 && next == 0xbf) {
            buffer_append_byte(out, 'S');
            i++;
        } else if (byte == 0xe2 && next == 0x84 && third == 0xaa) {
            buffer_append_byte(out, 'K');
            i += 2;
        } else {
            buffer_append_byte(out, (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte));
        }
    }
}

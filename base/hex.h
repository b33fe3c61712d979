/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as hexadecimal digits: two a byte, lower case, the one spelling that is written and read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The digits by their number. */
#define HEX_DIGITS "0123456789abcdef"
#define HEX_DIGITS_UPPER "0123456789ABCDEF"

/* Writes 2 * len digits, and no NUL. Returns what stands behind them. */
char *hex_write(char *out, const unsigned char *bytes, size_t len);

/* Reads 2 * len digits. False when one is none; `bytes` is then of no use. */
bool hex_read(const char *text, unsigned char *bytes, size_t len);

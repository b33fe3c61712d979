/* SPDX-License-Identifier: Apache-2.0
 *
 * write(2) until everything is written. */
#pragma once

#include "base/slice.h"

/* Writes all bytes to a blocking descriptor, however many calls and signals that takes. False, with
 * errno, when a call fails; some of the bytes may then be written. */
MUST_CHECK bool write_all(int fd, struct slice bytes);

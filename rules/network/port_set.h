/* SPDX-License-Identifier: Apache-2.0
 *
 * The ports of a host pattern: "80,443,8000-8100" or "*". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum { PORT_SET_RANGES_MAX = 16 };

struct port_set {
    struct {
        uint16_t first, last;
    } ranges[PORT_SET_RANGES_MAX]; /* ascending, apart by at least one port */
    uint8_t count;
};

/* Reads one port: 1 to 5 digits without leading zero, 1 to 65535, nothing around it. */
MUST_CHECK bool port_set_parse_port(struct slice text, uint16_t *port_out);
/* Reads a comma-separated list of ports and ranges (1 to 65535, no leading zeros), or "*" for all
 * of them. False with `error` for anything else, also a range that is the wrong way round. */
MUST_CHECK bool port_set_parse(struct slice text, struct port_set *ports_out, struct error *error);
/* What a pattern without ports means: 80 and 443 in an allow, every port in a deny. */
struct port_set port_set_default(bool allows);
bool port_set_has(const struct port_set *ports, uint16_t port);
bool port_set_equal(const struct port_set *a, const struct port_set *b);
/* Appends "80,443,8000-8100" or "*". */
void port_set_write(const struct port_set *ports, struct buffer *out);

/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of port lists into sorted ranges that neither overlap nor touch, so that equal sets are
 * equal structs and have one text. */
#include "rules/network/port_set.h"

#include <string.h>

enum { PORT_MAX = 65535 };

static const struct port_set every_port = {{{1, PORT_MAX}}, 1};

bool port_set_parse_port(struct slice text, uint16_t *port_out)
{
    uint64_t number;
    if (text.len > 5 || !slice_to_u64(text, &number) || text.ptr[0] == '0' || number > PORT_MAX)
        return false;
    *port_out = (uint16_t)number;
    return true;
}

/* Puts first..last where it belongs and joins it with what it overlaps or touches. */
static bool insert(struct port_set *ports, unsigned first, unsigned last)
{
    unsigned begin = 0; /* the ranges begin..end are joined with the new one */
    while (begin < ports->count && ports->ranges[begin].last + 1u < first)
        begin++;
    unsigned end = begin;
    while (end < ports->count && ports->ranges[end].first <= last + 1u) {
        first = ports->ranges[end].first < first ? ports->ranges[end].first : first;
        last = ports->ranges[end].last > last ? ports->ranges[end].last : last;
        end++;
    }
    if (end == begin && ports->count == PORT_SET_RANGES_MAX)
        return false;
    memmove(&ports->ranges[begin + 1], &ports->ranges[end],
            (ports->count - end) * sizeof(ports->ranges[0]));
    ports->ranges[begin].first = (uint16_t)first;
    ports->ranges[begin].last = (uint16_t)last;
    ports->count = (uint8_t)(ports->count + 1 + begin - end);
    return true;
}

bool port_set_parse(struct slice text, struct port_set *ports_out, struct error *error)
{
    if (slice_equal_text(text, "*")) {
        *ports_out = every_port;
        return true;
    }
    struct port_set ports = {.count = 0};
    struct slice rest = text;
    do {
        struct slice last_text = slice_cut(&rest, ',');
        struct slice first_text = slice_cut(&last_text, '-');
        uint16_t first, last;
        if (!port_set_parse_port(first_text, &first))
            return error_set(error, 2,
                             "ports are numbers from 1 to 65535 without leading zeros, lists and "
                             "ranges of them (`80,443,8000-8100`), or `*`");
        last = first;
        if (last_text.ptr != NULL && !port_set_parse_port(last_text, &last))
            return error_set(error, 2,
                             "a range of ports ends with a number from 1 to 65535: `8000-8100`");
        if (last < first)
            return error_set(error, 2, "the range of ports is the wrong way round: write `%u-%u`",
                             last, first);
        if (!insert(&ports, first, last))
            return error_set(error, 2, "a list of ports has at most %d ranges",
                             PORT_SET_RANGES_MAX);
    } while (rest.ptr != NULL);
    *ports_out = ports;
    return true;
}

struct port_set port_set_default(bool allows)
{
    static const struct port_set web = {{{80, 80}, {443, 443}}, 2};
    return allows ? web : every_port;
}

bool port_set_has(const struct port_set *ports, uint16_t port)
{
    for (unsigned i = 0; i < ports->count; i++) {
        if (port <= ports->ranges[i].last)
            return port >= ports->ranges[i].first;
    }
    return false;
}

bool port_set_equal(const struct port_set *a, const struct port_set *b)
{
    return a->count == b->count &&
           memcmp(a->ranges, b->ranges, a->count * sizeof(a->ranges[0])) == 0;
}

void port_set_write(const struct port_set *ports, struct buffer *out)
{
    if (port_set_equal(ports, &every_port)) {
        buffer_append_byte(out, '*');
        return;
    }
    for (unsigned i = 0; i < ports->count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        buffer_append_u64(out, ports->ranges[i].first);
        if (ports->ranges[i].last == ports->ranges[i].first)
            continue;
        buffer_append_byte(out, '-');
        buffer_append_u64(out, ports->ranges[i].last);
    }
}

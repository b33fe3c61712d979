/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses and ranges. inet_pton(3) reads exactly the two grammars that are wanted; the canonical
 * text is our own, since the C library writes ::1:2 as ::0.1.0.2. */
#include "rules/network/ip_range.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

const struct ip_address ip_loopback[IP_LOOPBACK_COUNT] = {
    {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}},
    {{[15] = 1}},
};

const struct ip_range ip_loopback_ranges[IP_LOOPBACK_COUNT] = {
    {{{[10] = 0xff, [11] = 0xff, [12] = 127}}, 96 + 8},
    {{{[15] = 1}}, 128},
};

bool ip_address_parse(struct slice text, struct ip_address *address_out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    struct ip_address address;
    memcpy(address.bytes, mapped_prefix, sizeof(mapped_prefix));
    if (inet_pton(AF_INET, copy, address.bytes + sizeof(mapped_prefix)) != 1 &&
        inet_pton(AF_INET6, copy, address.bytes) != 1)
        return false;
    *address_out = address;
    return true;
}

struct ip_address ip_address_from_v4(const void *bytes)
{
    struct ip_address address;
    memcpy(address.bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(address.bytes + sizeof(mapped_prefix), bytes, 4);
    return address;
}

bool ip_address_is_v4(const struct ip_address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static unsigned group_at(const struct ip_address *address, unsigned index)
{
    return (unsigned)address->bytes[index * 2] << 8 | address->bytes[index * 2 + 1];
}

/* Finds the first of the longest runs of at least two zero groups, which RFC 5952 section 4.2
 * writes as "::". */
static unsigned longest_zero_run(const struct ip_address *address, unsigned *start_out)
{
    unsigned best = 1, run = 0;
    *start_out = 8;
    for (unsigned i = 0; i < 8; i++) {
        run = group_at(address, i) == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            *start_out = i + 1 - run;
        }
    }
    return *start_out == 8 ? 0 : best;
}

void ip_address_write(const struct ip_address *address, struct buffer *out)
{
    if (ip_address_is_v4(address)) {
        for (unsigned i = 12; i < 16; i++) {
            if (i > 12)
                buffer_append_byte(out, '.');
            buffer_append_u64(out, address->bytes[i]);
        }
        return;
    }
    unsigned start, len = longest_zero_run(address, &start);
    for (unsigned i = 0; i < 8;) {
        if (i == start) {
            buffer_append_literal(out, "::");
            i += len;
            continue;
        }
        if (i > 0 && i != start + len)
            buffer_append_byte(out, ':');
        buffer_append_hex(out, group_at(address, i));
        i++;
    }
}

void ip_address_write_port(const struct ip_address *address, uint16_t port, struct buffer *out)
{
    bool v4 = ip_address_is_v4(address);
    buffer_append_text(out, v4 ? "" : "[");
    ip_address_write(address, out);
    buffer_append_text(out, v4 ? ":" : "]:");
    buffer_append_u64(out, port);
}

/* Whether the first `prefix` bits of a and b are equal. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    unsigned bytes = prefix / 8, bits = prefix % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return bits == 0 || ((a[bytes] ^ b[bytes]) >> (8 - bits)) == 0;
}

/* Whether all bits behind the prefix are zero. */
static bool is_network(const struct ip_address *address, unsigned prefix)
{
    for (unsigned bit = prefix; bit < 128; bit++) {
        if ((address->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false;
    }
    return true;
}

bool ip_range_parse(struct slice text, struct ip_range *range_out)
{
    struct slice prefix = text;
    struct slice address = slice_cut(&prefix, '/');
    struct ip_range range;
    if (!ip_address_parse(address, &range.address))
        return false;
    bool v4 = memchr(address.ptr, ':', address.len) == NULL;
    uint64_t number = v4 ? 32 : 128;
    if (prefix.ptr != NULL) {
        bool leading_zero = prefix.len > 1 && prefix.ptr[0] == '0';
        if (prefix.len > 3 || leading_zero || !slice_to_u64(prefix, &number) ||
            number > (v4 ? 32 : 128))
            return false;
    }
    range.prefix = (unsigned)number + (v4 ? 96 : 0);
    if (!is_network(&range.address, range.prefix))
        return false;
    *range_out = range;
    return true;
}

void ip_range_write(const struct ip_range *range, struct buffer *out)
{
    ip_address_write(&range->address, out);
    if (range->prefix == 128)
        return;
    buffer_append_byte(out, '/');
    buffer_append_u64(out, range->prefix - (ip_address_is_v4(&range->address) ? 96 : 0));
}

bool ip_range_contains(const struct ip_range *range, const struct ip_address *address)
{
    return same_prefix(range->address.bytes, address->bytes, range->prefix);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an accepted pattern is written as text that reads back as the same pattern; an exact
 * one matches its own host and nothing below it, one of subdomains never its apex but what is
 * below, a range its own address. A refused one says why, in one printable line. The first input
 * byte chooses the effect. */
#include <string.h>

#include "rules/network/host_pattern.h"
#include "tests/fuzz/fuzz.h"

static void require_same(const struct host_pattern *a, const struct host_pattern *b)
{
    require(a->kind == b->kind && a->has_ports == b->has_ports);
    require(port_set_equal(&a->ports, &b->ports));
    require(slice_equal(a->expression, b->expression));
    if (a->kind == HOST_PATTERN_EXACT || a->kind == HOST_PATTERN_SUBDOMAINS)
        require(host_name_equal(&a->host, &b->host) && !a->host.is_address);
    if (a->kind == HOST_PATTERN_RANGE) {
        require(memcmp(&a->range.address, &b->range.address, sizeof(a->range.address)) == 0);
        require(a->range.prefix == b->range.prefix);
    }
}

static void require_matches(const struct host_pattern *pattern)
{
    struct host_name below, address;
    struct error error;
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    host_name_from_address(&address, &pattern->range.address);
    buffer_append_literal(&name, "a.");
    buffer_append_slice(&name, host_name_slice(&pattern->host));
    switch (pattern->kind) {
    case HOST_PATTERN_EXACT:
        require(host_pattern_matches(pattern, &pattern->host));
        require(!host_name_parse(buffer_slice(&name), &below, &error) ||
                !host_pattern_matches(pattern, &below));
        break;
    case HOST_PATTERN_SUBDOMAINS:
        require(!host_pattern_matches(pattern, &pattern->host));
        require(host_name_parse(buffer_slice(&name), &below, &error));
        require(host_pattern_matches(pattern, &below));
        break;
    case HOST_PATTERN_RANGE:
        require(host_pattern_matches(pattern, &address));
        break;
    case HOST_PATTERN_ANY:
        require(host_pattern_matches(pattern, &address));
        break;
    case HOST_PATTERN_REGEX:
        require(!host_pattern_matches(pattern, &address) && pattern->expression.len > 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool allows = (data[0] & 1) != 0;
    struct host_pattern first = {.has_ports = false}, second = {.has_ports = false};
    struct error error = {0};
    if (!host_pattern_parse(slice_of((const char *)data + 1, size - 1), allows, &first, &error)) {
        require(error.exit_code == 2 && error.reason == NULL && error.text[0] != '\0');
        for (const char *at = error.text; *at != '\0'; at++)
            require(*at >= ' ' && *at < 0x7f);
        return 0;
    }
    require(first.ports.count > 0);
    require_matches(&first);
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
    host_pattern_write(&first, &once);
    require(host_pattern_parse(buffer_slice(&once), allows, &second, &error));
    require_same(&first, &second);
    host_pattern_write(&second, &twice);
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    return 0;
}

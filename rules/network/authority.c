/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitting of `host:port` at the one place where it can be split. Every byte that another reader
 * might take for a different border (userinfo, path, a second colon) is an error. */
#include "rules/network/authority.h"

#include "rules/network/port_set.h"
#include "rules/reason.h"

/* Says what is wrong with a text that holds a byte no authority has; true when there is none. */
static bool check_borders(struct slice text, struct error *error)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte == '@')
            return error_set_reason(error, 400, REASON_MALFORMED_AUTHORITY,
                                    "user and password have no place in front of a host: write "
                                    "host:port");
        if (byte == '/' || byte == '?' || byte == '#')
            return error_set_reason(error, 400, REASON_MALFORMED_AUTHORITY,
                                    "a path, a query or a URL has no place here: write host:port");
    }
    return true;
}

bool authority_parse(struct slice text, unsigned default_port, struct authority *authority_out,
                     struct error *error)
{
    if (text.len == 0)
        return host_name_parse(text, &authority_out->host, error);
    if (!check_borders(text, error))
        return false;
    const char *bracket = text.ptr[0] == '[' ? memchr(text.ptr, ']', text.len) : NULL;
    size_t skipped = bracket == NULL ? 0 : (size_t)(bracket + 1 - text.ptr);
    struct slice port = slice_of(text.ptr + skipped, text.len - skipped);
    struct slice host = slice_cut(&port, ':');
    host = slice_of(text.ptr, skipped + host.len);
    if (port.ptr != NULL && memchr(port.ptr, ':', port.len) != NULL)
        return error_set_reason(error, 400, REASON_MALFORMED_AUTHORITY,
                                "there are two colons: write host:port, an IPv6 address between "
                                "brackets");
    if (!host_name_parse(host, &authority_out->host, error))
        return false;
    if (port.ptr == NULL && default_port != 0) {
        authority_out->port = (uint16_t)default_port;
        return true;
    }
    if (port.ptr == NULL)
        return error_set_reason(error, 400, REASON_MALFORMED_PORT,
                                "the port is missing: write host:port, as in example.com:443");
    if (!port_set_parse_port(port, &authority_out->port))
        return error_set_reason(error, 400, REASON_MALFORMED_PORT,
                                "a port is a number from 1 to 65535 without leading zeros");
    return true;
}

bool authority_is_named(const struct authority *authority, struct slice text)
{
    struct authority named;
    struct error ignored;
    return authority_parse(text, authority->port, &named, &ignored) &&
           authority_equal(&named, authority);
}

bool authority_equal(const struct authority *a, const struct authority *b)
{
    return a->port == b->port && host_name_equal(&a->host, &b->host);
}

void authority_write(const struct authority *authority, unsigned default_port, struct buffer *out)
{
    host_name_write(&authority->host, out);
    if (authority->port == default_port)
        return;
    buffer_append_byte(out, ':');
    buffer_append_u64(out, authority->port);
}

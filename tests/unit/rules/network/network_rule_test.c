/* SPDX-License-Identifier: Apache-2.0
 *
 * The conditions of one rule, each with the fact known, unknown and against it. */
#include "rules/network/network_rule.h"

#include <criterion/criterion.h>

#define NOW 1000000

/* A rule and a request in the fields that matter; the rest is zero. */
struct row {
    const char *name;
    struct network_rule rule;
    enum host_pattern_kind kind;
    bool names_special;
    const char *ports, *host;
    uint16_t port;
    enum network_sight sight;
    enum http_method method;
    const char *path; /* "!" in front = ambiguous */
    const char *address;
    const struct tunnel_facts *tunnel;
    const char *sni;
    enum network_match match;
    const char *reason; /* NULL = none */
};

static const struct tunnel_facts tls = {.protocol = NETWORK_PROTOCOL_TLS};
static const struct tunnel_facts named = {.protocol = NETWORK_PROTOCOL_TLS, .has_sni = true};
static const struct tunnel_facts bad = {
    .protocol = NETWORK_PROTOCOL_TLS, .has_sni = true, .sni_bad = true};
static const struct tunnel_facts ech = {
    .protocol = NETWORK_PROTOCOL_TLS, .has_sni = true, .ech = true};
static const struct tunnel_facts ssh = {.protocol = NETWORK_PROTOCOL_SSH};
static const struct tunnel_facts other = {.protocol = NETWORK_PROTOCOL_OTHER};

static void parse_host(const char *text, struct host_name *host)
{
    struct error error;
    cr_assert(host_name_parse(slice_from_text(text), host, &error), "%s", text);
}

static void fill_request(const struct row *row, struct network_request *request,
                         struct ip_address *address, struct tunnel_facts *tunnel)
{
    *request = (struct network_request){
        .port = row->port, .sight = row->sight, .method = row->method, .now_us = NOW};
    parse_host(row->host == NULL ? "a.test" : row->host, &request->host);
    if (row->path != NULL) {
        request->path_ambiguous = row->path[0] == '!';
        request->path = slice_from_text(row->path + request->path_ambiguous);
    }
    if (row->address != NULL) {
        cr_assert(ip_address_parse(slice_from_text(row->address), address));
        request->address = address;
    }
    if (row->tunnel != NULL) {
        *tunnel = *row->tunnel;
        if (tunnel->has_sni && !tunnel->sni_bad)
            parse_host(row->sni == NULL ? "a.test" : row->sni, &tunnel->sni);
        request->tunnel = tunnel;
    }
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct network_request request;
        struct ip_address address;
        struct tunnel_facts tunnel;
        struct error error;
        struct port_set ports = port_set_default(row->rule.allows);
        const char *why = NULL, *reason = NULL;
        if (row->ports != NULL)
            cr_assert(port_set_parse(slice_from_text(row->ports), &ports, &error));
        const struct network_match_host host = {row->kind, row->names_special, &ports};
        fill_request(row, &request, &address, &tunnel);
        enum network_match match = network_rule_match(&row->rule, &host, &request, &why, &reason);
        cr_expect_eq(match, row->match, "%s: %d, %s", row->name, match, why);
        cr_expect_not_null(why, "%s", row->name);
        cr_expect(reason == NULL ? row->reason == NULL
                                 : row->reason != NULL && strcmp(reason, row->reason) == 0,
                  "%s: %s", row->name, reason == NULL ? "(none)" : reason);
        cr_expect_eq(network_rule_match(&row->rule, &host, &request, NULL, NULL), row->match);
    }
}

#define ALLOW .rule.allows = true
#define YES .match = NETWORK_MATCH_YES
#define NO(code) .match = NETWORK_MATCH_NO, .reason = (code)

Test(network_rule, ports_and_time)
{
    static const struct row rows[] = {
        {"443 without ports", ALLOW, .port = 443, YES},
        {"80 without ports", ALLOW, .port = 80, YES},
        {"another one", ALLOW, .port = 22, NO("port")},
        {"a deny without ports", .port = 22, YES},
        {"a deny of other ports", .ports = "80", .port = 22, NO("port")},
        {"not expired", ALLOW, .rule.expires_us = NOW + 1, .port = 443, YES},
        {"expired", ALLOW, .rule.expires_us = NOW, .port = 443, NO("expired")},
        {"an expired deny", .rule.expires_us = NOW, .port = 443, NO("expired")},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(network_rule, questions_are_about_any_port_and_any_request)
{
    static const struct row rows[] = {
        {"an allow of any port", ALLOW, .ports = "22", .sight = NETWORK_ASKED, YES},
        {"a question about one port", ALLOW, .ports = "22", .port = 80, .sight = NETWORK_ASKED,
         NO("port")},
        {"an allow of a method", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET,
         .sight = NETWORK_ASKED, YES},
        {"an allow of one protocol", ALLOW, .rule.protocols = NETWORK_PROTOCOL_SSH,
         .sight = NETWORK_ASKED, YES},
        {"a deny of every port", .sight = NETWORK_ASKED, YES},
        {"a deny of one port", .ports = "443", .sight = NETWORK_ASKED, NO("port")},
        {"a deny of a method", .rule.methods = 1u << HTTP_METHOD_GET, .sight = NETWORK_ASKED,
         NO("opaque")},
        {"an address that is special", ALLOW, .sight = NETWORK_ASKED, .address = "10.0.0.1",
         NO("address-class.private")},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(network_rule, addresses)
{
    static struct ip_range ten;
    cr_assert(ip_range_parse(SLICE_LITERAL("10.0.0.0/8"), &ten));
    const struct row rows[] = {
        {"not known", ALLOW, .port = 443, YES},
        {"public", ALLOW, .port = 443, .address = "8.8.8.8", YES},
        {"private", ALLOW, .port = 443, .address = "10.0.0.1", NO("address-class.private")},
        {"private, with a range for it", ALLOW, .rule.addresses = &ten, .rule.address_count = 1,
         .port = 443, .address = "10.0.0.1", YES},
        {"public, with a range for private ones", ALLOW, .rule.addresses = &ten,
         .rule.address_count = 1, .port = 443, .address = "8.8.8.8", NO("address")},
        {"a range, not known", ALLOW, .rule.addresses = &ten, .rule.address_count = 1, .port = 443,
         YES},
        {"a literal is known at once", ALLOW, .kind = HOST_PATTERN_ANY, .host = "127.0.0.1",
         .port = 443, NO("address-class.loopback")},
        {"a literal by its range", ALLOW, .kind = HOST_PATTERN_RANGE, .names_special = true,
         .host = "127.0.0.1", .port = 443, YES},
        {"localhost by its name", ALLOW, .names_special = true, .host = "localhost", .port = 443,
         .address = "127.0.0.1", YES},
        {"localhost elsewhere", ALLOW, .names_special = true, .host = "localhost", .port = 443,
         .address = "169.254.169.254", NO("address-class.metadata")},
        {"localhost by a star", ALLOW, .kind = HOST_PATTERN_ANY, .host = "localhost", .port = 443,
         NO("address-class.loopback")},
        {"localhost by an expression", ALLOW, .kind = HOST_PATTERN_REGEX, .host = "localhost",
         .port = 443, NO("address-class.loopback")},
        {"a deny needs no name", .kind = HOST_PATTERN_ANY, .host = "localhost", .port = 443, YES},
        {"a deny asks for no address", .port = 443, .address = "10.0.0.1", YES},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(network_rule, methods_and_paths)
{
    CLEANUP(pattern_clear) struct pattern path;
    struct error error;
    cr_assert(pattern_compile(&path, PATTERN_PATH, SLICE_LITERAL("/a/**"), &error));
    const struct row rows[] = {
        {"the method", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET, .port = 80,
         .sight = NETWORK_SEEN, .method = HTTP_METHOD_GET, .path = "/", YES},
        {"another", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET, .port = 80, .sight = NETWORK_SEEN,
         .method = HTTP_METHOD_POST, .path = "/", NO("method")},
        {"one that is not known", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET, .port = 80,
         .sight = NETWORK_SEEN, .method = HTTP_METHOD_UNKNOWN, .path = "/", NO("method")},
        {"the path", ALLOW, .rule.paths = &path, .rule.path_count = 1, .port = 80,
         .sight = NETWORK_SEEN, .path = "/a/b/c", YES},
        {"another", ALLOW, .rule.paths = &path, .rule.path_count = 1, .port = 80,
         .sight = NETWORK_SEEN, .path = "/b", NO("path")},
        {"two readings", ALLOW, .rule.paths = &path, .rule.path_count = 1, .port = 80,
         .sight = NETWORK_SEEN, .path = "!/b", .match = NETWORK_MATCH_MALFORMED,
         .reason = "malformed.path"},
        {"two readings, denied", .rule.paths = &path, .rule.path_count = 1, .port = 80,
         .sight = NETWORK_SEEN, .path = "!/b", .match = NETWORK_MATCH_MALFORMED,
         .reason = "malformed.path"},
        {"two readings of another method", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET,
         .rule.paths = &path, .rule.path_count = 1, .port = 80, .sight = NETWORK_SEEN,
         .method = HTTP_METHOD_POST, .path = "!/b", NO("method")},
        {"two readings without paths", ALLOW, .port = 80, .sight = NETWORK_SEEN, .path = "!/b",
         YES},
        {"a tunnel, allowed", ALLOW, .rule.paths = &path, .rule.path_count = 1, .port = 80,
         NO("opaque")},
        {"a tunnel, denied", .rule.paths = &path, .rule.path_count = 1, .port = 80, YES,
         .reason = "opaque"},
        {"a tunnel, its method denied", .rule.methods = 1u << HTTP_METHOD_POST, .port = 443, YES,
         .reason = "opaque"},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(network_rule, the_first_bytes_of_a_tunnel)
{
    static const struct row rows[] = {
        {"not known", ALLOW, .port = 443, YES},
        {"the same name", ALLOW, .port = 443, .tunnel = &named, YES},
        {"another name", ALLOW, .port = 443, .tunnel = &named, .sni = "b.test", NO("sni-mismatch")},
        {"another name on another port", ALLOW, .ports = "*", .port = 8443, .tunnel = &named,
         .sni = "b.test", NO("sni-mismatch")},
        {"a literal's name is judged elsewhere", ALLOW, .host = "8.8.8.8", .port = 443,
         .tunnel = &named, YES},
        {"no name on 443", ALLOW, .port = 443, .tunnel = &tls, NO("sni-missing")},
        {"no name elsewhere", ALLOW, .ports = "*", .port = 8443, .tunnel = &tls, YES},
        {"no name, none required", ALLOW, .rule.require_sni = NETWORK_NO, .port = 443,
         .tunnel = &tls, YES},
        {"no name, required elsewhere", ALLOW, .rule.require_sni = NETWORK_YES, .ports = "*",
         .port = 8443, .tunnel = &tls, NO("sni-missing")},
        {"a malformed name, none required", ALLOW, .rule.require_sni = NETWORK_NO, .port = 443,
         .tunnel = &bad, NO("sni-malformed")},
        {"ECH", ALLOW, .port = 443, .tunnel = &ech, YES},
        {"ECH allowed", ALLOW, .rule.ech = NETWORK_YES, .port = 443, .tunnel = &ech, YES},
        {"ECH denied", ALLOW, .rule.ech = NETWORK_NO, .port = 443, .tunnel = &ech, NO("ech")},
        {"none, and denied", ALLOW, .rule.ech = NETWORK_NO, .port = 443, .tunnel = &named, YES},
        {"SSH on 443", ALLOW, .port = 443, .tunnel = &ssh, NO("protocol")},
        {"SSH on 22", ALLOW, .ports = "22", .port = 22, .tunnel = &ssh, YES},
        {"SSH only", ALLOW, .rule.protocols = NETWORK_PROTOCOL_SSH, .ports = "22", .port = 22,
         .tunnel = &tls, NO("protocol")},
        {"anything on 443", ALLOW, .rule.protocols = NETWORK_PROTOCOLS_ANY, .port = 443,
         .tunnel = &other, YES},
        {"anything but what we do not know", ALLOW, .rule.protocols = 7, .port = 443,
         .tunnel = &other, NO("protocol")},
        {"a name required, and no TLS", ALLOW, .rule.require_sni = NETWORK_YES, .ports = "22",
         .port = 22, .tunnel = &ssh, NO("sni-missing")},
        {"a name required of TLS, SSH too", ALLOW, .rule.require_sni = NETWORK_YES,
         .rule.protocols = NETWORK_PROTOCOL_SSH | NETWORK_PROTOCOL_TLS, .ports = "22", .port = 22,
         .tunnel = &ssh, YES},
        {"plain HTTP on 443", ALLOW, .port = 443, .sight = NETWORK_SEEN, .path = "/",
         NO("protocol")},
        {"plain HTTP on 443, by name", ALLOW, .rule.protocols = NETWORK_PROTOCOL_HTTP, .port = 443,
         .sight = NETWORK_SEEN, .path = "/", YES},
        {"plain HTTP where a name is required of tunnels", ALLOW, .rule.require_sni = NETWORK_YES,
         .port = 80, .sight = NETWORK_SEEN, .path = "/", YES},
        {"an upgrade", ALLOW, .port = 80, .sight = NETWORK_SEEN, .path = "/", .tunnel = &other,
         YES},
        {"an upgrade where methods are looked at", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET,
         .port = 80, .sight = NETWORK_SEEN, .method = HTTP_METHOD_GET, .path = "/",
         .tunnel = &other, NO("protocol")},
        {"the same, admitted by name", ALLOW, .rule.methods = 1u << HTTP_METHOD_GET,
         .rule.protocols = NETWORK_PROTOCOLS_ANY, .port = 80, .sight = NETWORK_SEEN,
         .method = HTTP_METHOD_GET, .path = "/", .tunnel = &other, YES},
        {"an upgrade where only HTTP is admitted", ALLOW, .rule.protocols = NETWORK_PROTOCOL_HTTP,
         .port = 80, .sight = NETWORK_SEEN, .path = "/", .tunnel = &other, NO("protocol")},
        {"a deny looks at no bytes", .port = 443, .tunnel = &other, YES},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(network_rule, the_default_admits_public_hosts)
{
    static const struct row rows[] = {
        {"a name", .port = 22, YES},
        {"a public address", .port = 22, .address = "8.8.8.8", YES},
        {"a private one", .port = 22, .address = "10.0.0.1", NO("address-class.private")},
        {"a literal", .host = "[::1]", .port = 22, NO("address-class.loopback")},
        {"this machine", .host = "localhost", .port = 22, NO("address-class.loopback")},
        {"another name inside", .port = 443, .tunnel = &named, .sni = "b.test", NO("sni-mismatch")},
        {"no name on 443", .port = 443, .tunnel = &tls, NO("sni-missing")},
        {"SSH on 443", .port = 443, .tunnel = &ssh, NO("protocol")},
        {"SSH elsewhere", .port = 22, .tunnel = &ssh, YES},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network_request request;
        struct ip_address address;
        struct tunnel_facts tunnel;
        const char *why = NULL, *reason = NULL;
        fill_request(&rows[i], &request, &address, &tunnel);
        cr_expect_eq(network_default_match(&request, &why, &reason), rows[i].match, "%s: %s",
                     rows[i].name, why);
        if (rows[i].reason != NULL)
            cr_expect_str_eq(reason, rows[i].reason, "%s", rows[i].name);
    }
}

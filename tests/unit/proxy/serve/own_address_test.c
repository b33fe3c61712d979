/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses lead back to the gate: its listeners, its engine, its admin socket. */
#include "proxy/operator/admin.h"
#include "proxy/loop/own_address.h"
#include "tests/unit/proxy/egress_fixture.h"

static const char no_rules[] = "  - deny: nobody.test\n";

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    return address;
}

static bool is_own(const struct gate_fixture *fixture, const char *text, unsigned port)
{
    struct ip_address address = address_of(text);
    return own_address_is(fixture->loop, &address, (uint16_t)port);
}

Test(own_address, a_listener_at_one_address_is_reached_there_only)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    fixture_init(&fixture);
    egress_fixture_start(&fixture, "tcp:127.0.0.1:0", no_rules);
    unsigned port = egress_fixture_port(&fixture);
    cr_expect(is_own(&fixture, "127.0.0.1", port));
    cr_expect(is_own(&fixture, "::ffff:127.0.0.1", port), "the same address in another form");
    cr_expect_not(is_own(&fixture, "127.0.0.1", port ^ 1));
    cr_expect_not(is_own(&fixture, "127.0.0.2", port));
    cr_expect_not(is_own(&fixture, "::1", port));
    cr_expect_not(is_own(&fixture, "192.0.2.1", port));
    cr_expect(is_own(&fixture, "0.0.0.0", port), "Linux takes it for 127.0.0.1");
}

Test(own_address, a_listener_at_every_address_is_reached_by_each_of_this_host)
{
    static const struct {
        const char *name, *address;
        bool own;
    } rows[] = {
        {"loopback", "127.0.0.1", true},
        {"the rest of loopback", "127.9.9.9", true},
        {"the unspecified address, which Linux takes for loopback", "0.0.0.0", true},
        {"somebody else's", "192.0.2.1", false},
        {"somebody else's, IPv6", "2001:db8::1", false},
    };
    AUTO_FIXTURE struct gate_fixture fixture;
    fixture_init(&fixture);
    egress_fixture_start(&fixture, "tcp:0.0.0.0:0", no_rules);
    unsigned port = egress_fixture_port(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_eq(is_own(&fixture, rows[i].address, port), rows[i].own, "%s", rows[i].name);
        cr_expect_not(is_own(&fixture, rows[i].address, port ^ 1), "%s", rows[i].name);
    }
}

Test(own_address, the_engines_port_is_reached_by_any_loopback_address)
{
    struct error error = {0};
    AUTO_FIXTURE struct gate_fixture fixture;
    fixture_init(&fixture);
    cr_assert(endpoint_parse(&fixture.options.engine.address, SLICE_LITERAL("tcp:127.0.0.1:2375"),
                             &error),
              "%s", error.text);
    egress_fixture_start(&fixture, "tcp:127.0.0.1:0", no_rules);
    cr_expect(is_own(&fixture, "127.0.0.1", 2375));
    cr_expect(is_own(&fixture, "127.0.0.2", 2375));
    cr_expect(is_own(&fixture, "::1", 2375));
    cr_expect(is_own(&fixture, "0.0.0.0", 2375));
    cr_expect(is_own(&fixture, "::", 2375));
    cr_expect(is_own(&fixture, "::127.0.0.1", 2375));
    cr_expect(is_own(&fixture, "64:ff9b::127.0.0.1", 2375));
    cr_expect(is_own(&fixture, "64:ff9b:1::127.0.0.1", 2375));
    cr_expect(is_own(&fixture, "2002:7f00:1::1", 2375));
    cr_expect_not(is_own(&fixture, "127.0.0.1", 2376));
    cr_expect_not(is_own(&fixture, "192.0.2.1", 2375));
}

Test(own_address, an_engine_elsewhere_is_reached_at_its_address)
{
    struct error error = {0};
    AUTO_FIXTURE struct gate_fixture fixture;
    fixture_init(&fixture);
    cr_assert(endpoint_parse(&fixture.options.engine.address, SLICE_LITERAL("tcp:192.0.2.7:2375"),
                             &error),
              "%s", error.text);
    egress_fixture_start(&fixture, "tcp:127.0.0.1:0", no_rules);
    cr_expect(is_own(&fixture, "192.0.2.7", 2375));
    cr_expect(is_own(&fixture, "::ffff:192.0.2.7", 2375));
    cr_expect(is_own(&fixture, "64:ff9b::192.0.2.7", 2375));
    cr_expect(is_own(&fixture, "64:ff9b:1::192.0.2.7", 2375));
    cr_expect(is_own(&fixture, "2002:c000:207::1", 2375));
    cr_expect_not(is_own(&fixture, "192.0.2.8", 2375));
    cr_expect_not(is_own(&fixture, "127.0.0.1", 2375));
}

Test(own_address, the_admins_port_is_one_too)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    fixture_init(&fixture);
    fixture.options.admin.text = "tcp:127.0.0.1:0";
    egress_fixture_start(&fixture, "tcp:127.0.0.1:0", no_rules);
    unsigned port = endpoint_port(operator_socket_endpoint(fixture.gates->admin));
    cr_assert_neq(port, 0);
    cr_expect(is_own(&fixture, "127.0.0.1", port));
    cr_expect(is_own(&fixture, "0.0.0.0", port));
    cr_expect(is_own(&fixture, "::", port));
    cr_expect(is_own(&fixture, "64:ff9b::127.0.0.1", port));
    cr_expect_not(is_own(&fixture, "127.0.0.1", port ^ 1));
}

Test(own_address, unix_sockets_have_no_port)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    fixture_init(&fixture);
    buffer_printf(&path, "unix:%s", fixture.gate_path);
    egress_fixture_start(&fixture, buffer_text(&path), no_rules);
    cr_expect_not(is_own(&fixture, "127.0.0.1", 0));
    cr_expect_not(is_own(&fixture, "0.0.0.0", 0));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of an exchange, kept in one block of text, and the records made of them. */
#include "tests/unit/proxy/egress_fixture.h"

static const char rules[] = "  - {allow: a.test, name: the good one}\n  - deny: b.test\n";

static struct host_name host_of(const char *text)
{
    struct host_name host;
    struct error error = {0};
    cr_assert(host_name_parse(slice_from_text(text), &host, &error), "%s", error.text);
    return host;
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(slice_from_text(text), &address), "%s", text);
    return address;
}

static void judge(struct egress_exchange *exchange, const struct gate_fixture *fixture,
                  const struct host_name *host)
{
    struct network_verdict verdict;
    struct network_request request = {.host = *host, .port = 443, .sight = NETWORK_OPAQUE};
    policy_decide_network(fixture->loop->policy,
                          listener_policy_client(egress_fixture_listener(fixture)), &request, NULL,
                          &verdict);
    egress_exchange_judge(exchange, fixture->loop->policy, &verdict);
}

static void begin(struct egress_exchange *exchange, const struct gate_fixture *fixture,
                  const char *host_text, const char *path)
{
    struct host_name host = host_of(host_text);
    exchange_number(&exchange->common, fixture->loop);
    egress_exchange_set_target(exchange, SLICE_LITERAL("192.0.2.9:1234"), &host, 443,
                               slice_from_text(path));
    judge(exchange, fixture, &host);
}

static void expect_in_log(const struct gate_fixture *fixture, const char *const *parts,
                          size_t count)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    egress_fixture_read_log(fixture, &text);
    for (size_t i = 0; i < count; i++)
        cr_expect_not_null(strstr(buffer_text(&text), parts[i]), "%s is not in %s", parts[i],
                           buffer_text(&text));
}

static size_t count_in_log(const struct gate_fixture *fixture, const char *part)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    size_t count = 0;
    egress_fixture_read_log(fixture, &text);
    for (const char *at = buffer_text(&text); (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void setup(struct gate_fixture *fixture)
{
    fixture_init(fixture);
    egress_fixture_start(fixture, "tcp:127.0.0.1:0", rules);
}

/* sni NULL = none */
static void set_hello(struct egress_exchange *exchange, const char *sni, const char *alpn, bool ech)
{
    struct tunnel_facts facts = {
        .protocol = NETWORK_PROTOCOL_TLS, .has_sni = sni != NULL, .ech = ech};
    struct error error;
    if (sni != NULL)
        cr_assert(host_name_parse_dns(slice_from_text(sni), &facts.sni, &error));
    egress_exchange_set_hello(exchange, &facts, slice_from_text(alpn));
}

Test(egress_exchange, it_is_numbered_once)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {0};
    setup(&fixture);
    exchange_number(&exchange.common, fixture.loop);
    uint64_t id = exchange.common.id;
    cr_expect_neq(id, 0);
    exchange_number(&exchange.common, fixture.loop);
    cr_expect_eq(exchange.common.id, id);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, a_tunnels_records_say_what_was_asked_and_what_came_of_it)
{
    static const char *const opened[] = {
        "\"event\":\"open\"",
        "\"kind\":\"network\"",
        "\"via\":\"forward\"",
        "\"client\":\"one\"",
        "\"peer\":\"192.0.2.9:1234\"",
        "\"host\":\"a.test\"",
        "\"port\":443",
        "\"address\":\"198.51.100.7\"",
        "\"decision\":\"allow\"",
        "\"rule\":\"the good one\"",
        "policy.yaml:3",
    };
    static const char *const closed[] = {
        "\"event\":\"close\"",
        "\"sni\":\"a.test\"",
        "\"alpn\":\"h2,http/1.1\"",
        "\"bytes_in\":3",
        "\"bytes_out\":4",
        "\"close\":\"done\"",
        "10.0.0.1",
        "address-class.private",
    };
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_CONNECT};
    setup(&fixture);
    struct listener *listener = egress_fixture_listener(&fixture);
    struct ip_address refused = address_of("10.0.0.1");
    begin(&exchange, &fixture, "a.test", "");
    egress_exchange_add_refused(&exchange, &refused, "address-class.private");
    exchange.address = address_of("198.51.100.7");
    exchange.has_address = true;
    cr_expect_neq(egress_log_open(&exchange, fixture.loop, listener), 0);
    expect_in_log(&fixture, opened, ARRAY_LEN(opened));
    cr_expect_eq(count_in_log(&fixture, "\"sni\":\"a.test\""), 0);
    set_hello(&exchange, "a.test", "h2,http/1.1", false);
    exchange.bytes_in = 3;
    exchange.bytes_out = 4;
    cr_expect_neq(egress_log_close(&exchange, fixture.loop, listener, "done"), 0);
    cr_expect_eq(egress_log_close(&exchange, fixture.loop, listener, "again"), 0);
    expect_in_log(&fixture, closed, ARRAY_LEN(closed));
    cr_expect_eq(count_in_log(&fixture, "\"event\":\"close\""), 1);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, what_nobody_asked_for_leaves_no_record)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {0};
    setup(&fixture);
    cr_expect_eq(egress_log_close(&exchange, fixture.loop, egress_fixture_listener(&fixture), "x"),
                 0);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, a_request_has_one_record)
{
    static const char *const parts[] = {
        "\"event\":\"request\"", "\"method\":\"GET\"",    "\"host\":\"b.test\"",
        "\"path\":\"/x\"",       "\"decision\":\"deny\"", "\"via\":\"transparent\"",
        "policy.yaml:4",         "\"status\":403",
    };
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_GET, .transparent = true};
    setup(&fixture);
    struct listener *listener = egress_fixture_listener(&fixture);
    begin(&exchange, &fixture, "b.test", "/x");
    exchange.common.status = 403;
    cr_expect_neq(egress_log_close(&exchange, fixture.loop, listener, NULL), 0);
    cr_expect_eq(egress_log_close(&exchange, fixture.loop, listener, NULL), 0);
    cr_expect_eq(egress_log_close(&exchange, fixture.loop, listener, "done"), 0);
    expect_in_log(&fixture, parts, ARRAY_LEN(parts));
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, a_refusal_of_our_own_is_no_allow_whatever_the_rules_say)
{
    static const char *const parts[] = {"\"decision\":\"deny\"", "\"rule\":\"built-in\"",
                                        "\"reason\":\"own-address\""};
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_CONNECT};
    setup(&fixture);
    begin(&exchange, &fixture, "a.test", "");
    exchange.common.refused = true;
    exchange.common.reason = "own-address";
    cr_expect_neq(
        egress_log_close(&exchange, fixture.loop, egress_fixture_listener(&fixture), NULL), 0);
    expect_in_log(&fixture, parts, ARRAY_LEN(parts));
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, refused_addresses_are_bounded_and_come_apart_again)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_CONNECT};
    setup(&fixture);
    begin(&exchange, &fixture, "a.test", "");
    for (unsigned i = 0; i < 1000; i++) {
        char text[20];
        snprintf(text, sizeof(text), "10.0.%u.%u", i / 250, i % 250);
        struct ip_address address = address_of(text);
        egress_exchange_add_refused(&exchange, &address, "address-class.private");
    }
    cr_expect_gt(exchange.refused_count, 10);
    cr_expect_lt(exchange.facts.len, 4096);
    set_hello(&exchange, "a.test", "", true);
    egress_log_close(&exchange, fixture.loop, egress_fixture_listener(&fixture), NULL);
    cr_expect_eq(count_in_log(&fixture, "address-class.private"), exchange.refused_count);
    cr_expect_eq(count_in_log(&fixture, "\"sni\":\"a.test\""), 1);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, the_next_one_knows_nothing_of_the_last)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_GET};
    setup(&fixture);
    struct ip_address refused = address_of("10.0.0.1");
    begin(&exchange, &fixture, "a.test", "/secret");
    egress_exchange_add_refused(&exchange, &refused, "address-class.private");
    set_hello(&exchange, "a.test", "h2", true);
    uint64_t before = exchange.common.id;
    egress_exchange_clear(&exchange, fixture.loop);
    cr_expect_eq(exchange.common.id, 0);
    cr_expect_null(exchange.common.policy);
    begin(&exchange, &fixture, "b.test", "");
    cr_expect_gt(exchange.common.id, before);
    cr_expect(slice_equal_text(egress_exchange_host(&exchange), "b.test"));
    egress_log_close(&exchange, fixture.loop, egress_fixture_listener(&fixture), NULL);
    cr_expect_eq(count_in_log(&fixture, "secret"), 0);
    cr_expect_eq(count_in_log(&fixture, "\"sni\""), 0);
    cr_expect_eq(count_in_log(&fixture, "10.0.0.1"), 0);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, what_the_first_bytes_said_comes_out_as_it_went_in)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {.method = HTTP_METHOD_CONNECT};
    struct tunnel_facts facts, ssh = {.protocol = NETWORK_PROTOCOL_SSH};
    setup(&fixture);
    begin(&exchange, &fixture, "a.test", "");
    cr_expect_not(egress_exchange_hello(&exchange, &facts));
    set_hello(&exchange, NULL, "h2", true);
    cr_assert(egress_exchange_hello(&exchange, &facts));
    cr_expect(facts.protocol == NETWORK_PROTOCOL_TLS && facts.ech && !facts.has_sni);
    set_hello(&exchange, "a.test", "h2", false);
    size_t len = exchange.facts.len;
    for (int i = 0; i < 3; i++) /* a second hello takes the place of the first */
        set_hello(&exchange, "b.test", "h2", false);
    cr_expect_eq(exchange.facts.len, len);
    cr_assert(egress_exchange_hello(&exchange, &facts));
    cr_expect(facts.has_sni && !facts.sni_bad && !facts.ech);
    cr_expect(slice_equal_text(host_name_slice(&facts.sni), "b.test"));
    egress_exchange_set_hello(&exchange, &ssh, SLICE_LITERAL(""));
    cr_assert(egress_exchange_hello(&exchange, &facts));
    cr_expect(facts.protocol == NETWORK_PROTOCOL_SSH && !facts.has_sni && !facts.sni_bad);
    egress_exchange_free(&exchange, fixture.loop);
}

Test(egress_exchange, streams_are_counted_off_when_they_are_cleared)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct egress_exchange exchange = {0};
    setup(&fixture);
    uint64_t before = metrics_totals(fixture.loop->metrics)->open_streams;
    exchange.common.stream = true;
    metrics_totals(fixture.loop->metrics)->open_streams++;
    egress_exchange_clear(&exchange, fixture.loop);
    egress_exchange_clear(&exchange, fixture.loop);
    cr_expect_eq(metrics_totals(fixture.loop->metrics)->open_streams, before);
    egress_exchange_free(&exchange, fixture.loop);
}

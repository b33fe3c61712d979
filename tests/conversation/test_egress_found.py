# SPDX-License-Identifier: Apache-2.0
"""What a reading of the egress gate's state machines found to be wrong: a test for each, named by what must hold now."""

import resource
import threading

from harness import wire
from harness.client import Client
from harness.dns_client import FAILURE, ask_udp, question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, EgressGate, allow, connect, deny, forward, policy_of
from harness.gate import Gate, plain_binary, run
from harness.hello import hello, is_alert
from harness.origin import HttpOrigin, Origin, answer, echo

LOCAL = allow("127.0.0.1:*", special=False)
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"))
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def switch(connection, _):
    connection.send(SWITCHED)
    while connection.buffer or connection.fill():
        connection.send(connection.take(len(connection.buffer)))
    return False


class Leftovers(EgressCase):
    def start_chain(self, script, rules, *options):
        self.next = self.origin(Origin(script))
        dns = DnsServer({"*.test": ["127.0.0.1"]})
        self.addCleanup(dns.close)
        return self.start_egress(rules, resolver=dns.port, options=["--upstream-proxy", "http://127.0.0.1:%d" % self.next.port, *options])

    def test_an_answer_that_nobody_asked_for_is_not_the_next_ones(self):
        """Bytes behind the upstream proxy's 200 came before a request was sent. They were once kept and read as the answer of
        another origin."""
        def script(connection):
            connection.until(b"\r\n\r\n")
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + answer(200, b"poison"))
            connection.fill()

        web = self.origin(HttpOrigin())
        web.default = answer(200, b"genuine")
        gate = self.start_chain(script, allow("far.test:*", special=False, extra="protocols: [any]") + allow("near.test:*"), "--no-proxy", "near.test")
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://far.test:8080/", *UPGRADE)).status, 502)
            response = client.ask(forward("http://near.test:%d/" % web.port))
            self.assertEqual((response.status, response.body), (200, b"genuine"))

    def test_a_tunnel_leaves_no_memory_behind(self):
        """The sanitizer's leak report at the end is what this looks for."""
        def script(connection):
            connection.until(b"\r\n\r\n")
            connection.send(b"HTTP/1.1 200 OK\r\n\r\nbanner")
            echo(connection)

        gate = self.start_chain(script, allow("far.test:*", special=False))
        for _ in range(3):
            with gate.tunnel("far.test:22") as client:
                self.assertEqual(client.exactly(6), b"banner")

    def test_an_address_goes_by_the_upstream_proxy_too(self):
        heads = []

        def script(connection):
            heads.append(connection.until(b"\r\n\r\n"))
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            echo(connection)

        gate = self.start_chain(script, allow("192.0.2.7:*", special=False) + LOCAL)
        target = self.origin(Origin(echo))
        with gate.tunnel("192.0.2.7:8443") as client:
            self.passes_bytes(client)
        self.assertTrue(heads[0].startswith(b"CONNECT 192.0.2.7:8443 HTTP/1.1\r\n"), heads)
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.passes_bytes(client)
        self.assertEqual(self.next.count, 1, "loopback is this host's own")
        self.assertEqual(gate.ask(connect("192.0.2.8:8443")).status, 403)
        self.assertEqual(self.next.count, 1)

    def test_the_upstream_proxy_is_no_destination(self):
        """A tunnel to it would lead to whatever it is asked for, past every rule."""
        proxy = self.origin(Origin(echo))
        for url, targets in (("127.0.0.1", ("127.0.0.1", "near.test")), ("near.test", ("near.test", "NEAR.test."))):
            gate = self.start_egress(LOCAL + allow("near.test:*"), hosts={"near.test": "127.0.0.1"},
                                     options=["--upstream-proxy", "http://%s:%d" % (url, proxy.port), "--no-proxy", "near.test" if url != "near.test" else "x.test"])
            for host in targets:
                self.assert_refusal(gate.ask(connect("%s:%d" % (host, proxy.port))), 403, "own-address", gate=gate)
        self.assertEqual(proxy.count, 0)


class Reloads(EgressCase):
    def test_a_listener_that_went_while_a_request_was_to_be_repeated(self):
        """Its connection ends at once, and when the origin closes the kept one nobody is asked again."""
        goes = threading.Event()
        self.addCleanup(goes.set)
        web = self.origin(HttpOrigin())
        web.on("GET", "/last", lambda *_: (goes.wait(wire.DEADLINE), False)[-1])
        policy = "version: 1\nnetwork:\n  %sclients:\n  %%s:\n    egress: unix:@FOLDER@/run/old.sock\n" % LOCAL
        gate = self.start_egress(policy % "old")
        with gate.client(name="old") as client:
            self.assertEqual(client.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)
            client.send(forward("http://127.0.0.1:%d/last" % web.port))
            web.wait_request(1)
            gate.reload(policy_of(LOCAL))
            self.assertTrue(client.ended())
            goes.set()
        self.assertEqual(len(web.requests), 2)
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)

    def test_a_websocket_is_asked_for_again_as_what_it_was(self):
        """Rules with methods and paths admit it, which a tunnel that nobody can look into would not pass."""
        web = self.origin(HttpOrigin())
        web.on("GET", "/ws", switch)
        rules = allow("web.test:*", extra="methods: [GET], paths: [/ws], protocols: [any]")
        gate = self.start_egress(rules, hosts={"web.test": "127.0.0.1"})
        client = gate.client()
        client.send(forward("http://web.test:%d/ws" % web.port, *UPGRADE))
        self.assertEqual(client.read_head().status, 101)
        gate.reload(policy_of(rules + allow("more.test")) + "cut_on_revoke: true\n")
        self.passes_bytes(client)
        gate.reload(policy_of(rules.replace("/ws", "/other")) + "cut_on_revoke: true\n")
        self.assertEqual(client.to_end(), b"")
        self.assertEqual(gate.wait_closed(host="web.test")["close"], "revoked")

    def test_a_websocket_is_revoked_by_a_deny_that_looks_at_requests(self):
        web = self.origin(HttpOrigin())
        web.on("GET", "/ws", switch)
        rules = allow("web.test:*")
        gate = self.start_egress(rules, hosts={"web.test": "127.0.0.1"})
        client = gate.client()
        client.send(forward("http://web.test:%d/ws" % web.port, *UPGRADE))
        self.assertEqual(client.read_head().status, 101)
        gate.reload(policy_of(rules + deny("web.test", extra="paths: [/admin]")) + "cut_on_revoke: true\n")
        self.assertEqual(client.to_end(), b"")
        self.assertEqual(gate.wait_closed(host="web.test")["close"], "revoked")

    def test_what_was_revoked_on_its_way_does_not_begin(self):
        """The policy changes while the upstream proxy takes its time. A tunnel of a transparent client, whose hello was judged
        before, once began all the same, and nobody looked at it again."""
        goes = threading.Event()
        self.addCleanup(goes.set)
        seen = []

        def script(connection):
            seen.append(connection.until(b"\r\n\r\n"))
            goes.wait(wire.DEADLINE)
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            seen.append(connection.to_end())

        proxy = self.origin(Origin(script))
        gate = self.start_egress(allow("far.test", special=False), transparent=True, options=["--upstream-proxy", "http://127.0.0.1:%d" % proxy.port])
        client = gate.client("transparent-tls")
        gate.set_mark()
        client.send(hello("far.test"))
        proxy.wait_bytes(b"\r\n\r\n")
        gate.reload(policy_of(deny("far.test")) + "cut_on_revoke: true\n")
        goes.set()
        self.assertTrue(is_alert(client.to_end()))
        record = gate.wait_network(event="request")[-1]
        self.assertEqual((record["decision"], record["reason"], record["rule"]), ("deny", "rule", "deny far.test"))
        self.assertEqual(gate.network(event="open"), [])

    def test_an_upload_that_is_revoked(self):
        web = self.origin(Origin(lambda connection: connection.to_end()))
        gate = self.start_egress(LOCAL)
        client = gate.client()
        client.send(b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegins" % web.port)
        web.wait_bytes(b"begins")
        gate.reload(policy_of(allow("b.test")) + "cut_on_revoke: true\n")
        self.assertEqual(client.read_response().status, 403)
        self.assertEqual(gate.wait_network(event="close")[-1]["close"], "revoked")


class Records(EgressCase):
    def test_a_websocket_on_a_stale_connection_is_opened_once(self):
        web = self.origin(HttpOrigin())
        seen = []

        def first_fails(connection, request):
            seen.append(request)
            return False if len(seen) == 1 else switch(connection, request)

        web.on("GET", "/ws", first_fails)
        gate = self.start_egress(LOCAL)
        client = gate.client()
        self.assertEqual(client.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)
        client.send(forward("http://127.0.0.1:%d/ws" % web.port, *UPGRADE))
        self.assertEqual(client.read_head().status, 101)
        self.passes_bytes(client)
        client.finish_sending()
        self.assertTrue(client.ended())
        identity = gate.wait_network(event="close")[0]["id"]
        self.assertEqual([r["event"] for r in gate.network() if r["id"] == identity], ["open", "close"])


class Limits(EgressCase):
    def test_a_websocket_is_a_tunnel(self):
        web = self.origin(HttpOrigin())
        web.on("GET", "/ws", switch)
        gate = self.start_egress(LOCAL, options=["--max-tunnels", "1"])
        url = "http://127.0.0.1:%d/ws" % web.port
        first = gate.client()
        first.send(forward(url, *UPGRADE))
        self.assertEqual(first.read_head().status, 101)
        self.assert_refusal(gate.ask(forward(url, *UPGRADE)), 503, "limit.tunnels", gate=gate)
        self.assertEqual(len(web.requests), 1)
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)

    def test_a_reset_behind_the_clients_end_ends_the_tunnel(self):
        """The origin says nothing and goes on listening; nobody is left to tell."""
        goes = threading.Event()
        self.addCleanup(goes.set)

        def script(connection):
            connection.to_end()
            goes.wait(wire.DEADLINE)

        target = self.origin(Origin(script))
        gate = self.start_egress(LOCAL)
        client = gate.tunnel("127.0.0.1:%d" % target.port)
        client.send(b"bye")
        target.wait_bytes(b"bye")
        client.finish_sending()
        self.assertTrue(client.quiet())
        client.reset()
        self.assertEqual(gate.wait_closed()["close"], "client-reset")

    def test_slow_readers_without_pipes_cost_nothing(self):
        """Where no pipe is left bytes are copied, and a client that reads nothing is waited for, not asked again and again."""
        go = threading.Event()
        self.addCleanup(go.set)
        web = self.origin(HttpOrigin())
        block, size, count = b"x" * 65536, 64 << 20, 14

        def endless(connection, _):
            go.wait(wire.DEADLINE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            connection.send_until_full(block, 0.3)
            connection.fill()
            return False

        web.on("GET", "/endless", endless)
        gate = EgressGate(LOCAL, start=False, program=plain_binary())
        self.addCleanup(gate.remove)
        gate.start(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        clients = [gate.client() for _ in range(count)]
        for n, client in enumerate(clients):
            client.send(forward("http://127.0.0.1:%d/endless" % web.port))
            web.wait_request(n)
        go.set()  # two descriptors each for the pipes: there are not so many
        for client in clients:
            self.assertEqual(client.read_head().status, 200)
        gate.stand_still(1)
        self.assertLess(gate.stand_still(1), 0.3)
        for client in clients:
            client.reset()


class OwnAddresses(EgressCase):
    def test_the_unspecified_address_leads_to_the_gate(self):
        """Linux takes a connection to 0.0.0.0 or :: for one to the loopback address, where the gate, its admin and its engine are."""
        engine, admin = self.origin(Origin(echo)), self.held_port()
        rules = allow("zero.test:*", "zero6.test:*", special=False, extra="addresses: [0.0.0.0/8, '::/128']")
        rules += allow("0.0.0.0:*", "[::]:*", special=False)
        gate = self.start_egress(rules, hosts={"zero.test": "0.0.0.0", "zero6.test": "::"},
                                 options=["--admin", "tcp:127.0.0.1:%d" % admin, "--upstream", "tcp:127.0.0.1:%d" % engine.port])
        for port in (gate.proxy(), admin, engine.port):
            for host in ("0.0.0.0", "zero.test", "[::ffff:0.0.0.0]"):
                self.assert_refusal(gate.ask(connect("%s:%d" % (host, port))), 403, "own-address", gate=gate)
        for host in ("[::]", "zero6.test"):
            self.assert_refusal(gate.ask(connect("%s:%d" % (host, admin))), 403, "own-address", gate=gate)
        self.assertEqual(engine.count, 0)


class Agreement(EgressCase):
    def test_a_path_with_two_readings_is_told_by_check_as_it_is_enforced(self):
        """The gate asks by name before it knows the address, so a rule for another address of that name counts too."""
        web = self.origin(HttpOrigin())
        port = web.port
        rules = '- {allow: "d.test:%d", addresses: [127.0.0.1]}\n- {allow: "d.test:%d", addresses: [127.0.0.2], paths: ["/x"]}\n' % (port, port)
        gate = self.start_egress(rules, hosts={"d.test": "127.0.0.1"})
        for path, status, code in (("/a/b", 200, 0), ("/a//b", 400, 6), ("/a;b", 400, 6), ("/a%3Bb/c", 400, 6), ("/a./b", 400, 6), ("/a%EF%BC%8Fb", 400, 6)):
            url = "http://d.test:%d%s" % (port, path)
            self.assertEqual(gate.ask(forward(url)).status, status)
            told = run("policy", "check", "--config", gate.policy_path, "network", url, "--address", "127.0.0.1")
            self.assertEqual(told.returncode, code, told.stdout)


class Late(EgressCase):
    def test_half_a_beginning_is_answered_and_logged(self):
        """Who it was, and by which way it came; a TLS client hears an alert."""
        gate = self.start_egress(allow("a.test"), transparent=True, options=["--hello-timeout", "200ms", "--header-timeout", "200ms"])

        def check(role, data, reason, via):
            client = gate.client(role)
            gate.set_mark()
            client.send(data)
            end = client.to_end()
            self.assertTrue(is_alert(end) if role == "transparent-tls" else end.startswith(b"HTTP/1.1 408 "), end)
            record = self.refusal_record(gate, reason)
            self.assertEqual((record["via"], record["status"]), (via, 408))
            self.assertTrue(record["peer"].startswith("127.0.0.1:"), record)

        self.each([
            ("egress", "egress", b"GET", "limit.header-time", "forward"),
            ("plain", "transparent-http", b"GET", "limit.header-time", "transparent"),
            ("TLS", "transparent-tls", hello("a.test")[:30], "limit.hello-time", "transparent"),
        ], check)


class Unlogged(EgressCase):
    def test_nobody_hears_of_what_cannot_be_logged(self):
        """A name that is looked up, or a connection that is opened, says something already."""
        dns = DnsServer({"*.a.test": ["127.0.0.1"]})
        self.addCleanup(dns.close)
        target = self.origin(Origin(echo))
        where, port = "unix:@FOLDER@/run/out.sock", self.held_port()
        policy = ("version: 1\nnetwork:\n  %s  %s  %sclients:\n  out:\n    egress: %s\n    dns: {listen: \"127.0.0.1:%d\", answer: real}\n"
                  % (allow("*.a.test:*"), allow("b.test:*"), LOCAL, where, port))
        gate = EgressGate(policy, resolver=dns.port, hosts={"b.test": "127.0.0.1"}, egress=False, log="/dev/full", start=False)
        self.addCleanup(gate.remove)
        Gate.start(gate)  # there is no record of the start to wait for

        def ask(data):
            with Client.unix(gate.file("run", "out.sock")) as client:
                return client.ask(data, "CONNECT").status

        self.assertEqual(ask(connect("none.test:1")), 503)  # its record is the first that is lost: not even a denial is told
        self.assertEqual(ask(connect("secret.a.test:%d" % target.port)), 503)
        self.assertEqual(ask(connect("b.test:%d" % target.port)), 503)
        self.assertEqual(ask(connect("127.0.0.1:%d" % target.port)), 503)
        self.assertEqual(ask_udp(port, question("other.a.test")).code, FAILURE)
        self.assertEqual((dns.questions, target.count), ([], 0))
        self.assertEqual(gate.stop(), 0)

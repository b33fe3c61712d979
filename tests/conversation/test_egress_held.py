# SPDX-License-Identifier: Apache-2.0
"""The egress gate judges when the request, the 200 or the hello goes out, not when it was asked for; whoever is not admitted any
more loses the connection, whatever it is doing."""

import socket
import threading

from harness import wire
from harness.dns_client import question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, allow, connect, deny, forward, policy_of
from harness.gate import run
from harness.hello import hello, is_alert
from harness.origin import HttpOrigin, Origin, echo
from conversation.test_held import BlockedLog, expires_in


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Waiting(EgressCase):
    def change(self, gate, rules):
        gate.write_policy(policy_of(rules))
        done = run("policy", "reload", "--state", gate.state)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_name_that_is_resolved(self):
        web = self.origin(HttpOrigin())

        def check(raw):
            asked, goes = threading.Event(), threading.Event()
            self.addCleanup(goes.set)

            def answers(_name, _kind):
                asked.set()
                goes.wait(wire.DEADLINE)
                return ["127.0.0.1"]

            with DnsServer(answers) as dns:
                gate = self.start_egress(allow("slow.test:*"), resolver=dns.port, options=["--resolver-timeout", "20s"])
                client = gate.client()
                client.send(raw)
                self.assertTrue(asked.wait(wire.DEADLINE))
                self.change(gate, allow("slow.test:*") + deny("slow.test"))
                goes.set()
                self.assertEqual(client.read_response().status, 403)
            self.assertEqual(web.requests, [])

        self.each([
            ("a request", forward("http://slow.test:%d/" % web.port)),
            ("a tunnel", connect("slow.test:%d" % web.port)),
        ], check)

    def test_what_waits_for_its_record(self):
        target = self.origin(Origin(echo))

        def check(raw):
            rules = allow("127.0.0.1:*", special=False)
            gate = self.start_egress(rules)
            port = gate.proxy()
            gate.arguments[gate.arguments.index("127.0.0.1:0")] = "127.0.0.1:%d" % port
            log = BlockedLog(gate, lambda: listens(port))
            log.block()
            client = gate.client()
            client.send(raw)
            self.assertTrue(client.quiet())
            self.change(gate, rules + deny("127.0.0.1"))
            log.drain()
            self.assertEqual(client.read_response().status, 403)
            client.close()
            gate.stop()
            ends = [r for r in log.records() if r["event"] == "close"]
            self.assertEqual([(r["close"], r["reason"], r["decision"]) for r in ends], [("revoked", "revoked", "deny")])
            self.assertEqual([c for c in target.connections if c.received], [])

        self.each([
            ("a tunnel", connect(target.authority)),
            ("a change by plain HTTP", forward("http://%s/" % target.authority, method="POST", body=b"x")),
        ], check)

    def test_the_upstream_proxy_is_asked_for_what_is_allowed_then(self):
        """Its name takes a while to resolve, and what it is asked for was revoked meanwhile."""
        proxy = self.origin(Origin(lambda connection: connection.fill()))
        asked, goes = threading.Event(), threading.Event()
        self.addCleanup(goes.set)

        def answers(_name, _kind):
            asked.set()
            goes.wait(wire.DEADLINE)
            return ["127.0.0.1"]

        with DnsServer(answers) as dns:
            gate = self.start_egress(allow("far.test", special=False), resolver=dns.port,
                                     options=["--upstream-proxy", "http://proxy.test:%d" % proxy.port, "--resolver-timeout", "20s"])
            client = gate.client()
            client.send(connect("far.test:443"))
            self.assertTrue(asked.wait(wire.DEADLINE))
            self.change(gate, deny("far.test"))
            goes.set()
            self.assertEqual(client.read_response().status, 403)
        self.assertEqual([bytes(c.received) for c in proxy.connections if c.received], [])

    def test_a_rule_that_expires_while_the_upstream_proxy_thinks(self):
        goes = threading.Event()
        self.addCleanup(goes.set)

        def script(connection):
            connection.until(b"\r\n\r\n")
            goes.wait(wire.DEADLINE)
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.to_end()

        proxy = self.origin(Origin(script))
        gate = self.start_egress(allow("far.test", special=False, extra="expires: %s" % expires_in(3)), options=["--upstream-proxy", "http://127.0.0.1:%d" % proxy.port])
        client = gate.client()
        client.send(connect("far.test:443"))
        proxy.wait_bytes(b"\r\n\r\n")
        while run("policy", "check", "network", "far.test:443", "--config", gate.policy_path).returncode == 0:
            pass
        goes.set()
        self.assertEqual(client.read_response().status, 403)

    def test_a_hello_is_judged_when_it_comes(self):
        target = self.origin(Origin(echo))
        rules = allow("127.0.0.1:*", special=False, extra="protocols: [tls], require_sni: false")
        gate = self.start_egress(rules)
        client = gate.tunnel(target.authority)
        data = hello("a.test")
        client.send(data[:20])
        self.change(gate, rules + deny("127.0.0.1"))
        client.send(data[20:])
        self.assertTrue(is_alert(client.to_end()))
        self.assertEqual([c for c in target.connections if c.received], [])


POLICY = "version: 1\nnetwork:\n  - {allow: \"127.0.0.1:*\"}\n  - {allow: \"*.test:*\"}\nclients:\n  late:\n    from: [%s]\n    egress: tcp:127.0.0.1:0\n"


class Admission(EgressCase):
    def open_all(self, gate, dns):
        web = self.origin(HttpOrigin())
        web.on("GET", "/silent", lambda connection, _: (connection.fill(), False)[-1])
        web.on("POST", "/silent", lambda connection, _: (connection.fill(), False)[-1])
        web.on("GET", "/stream", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        target = self.origin(Origin(echo))
        url = "http://%s" % web.authority
        sent = {
            "nothing yet": b"",
            "a part of a head": b"GET http://a",
            "a name": connect("silent.test:443"),
            "an answer that is awaited": forward(url + "/silent"),
            "a stream": forward(url + "/stream"),
            "a tunnel that has said nothing": connect(target.authority),
            "a tunnel": connect(target.authority),
        }
        clients = {}
        for name, raw in sent.items():
            clients[name] = gate.connect_tcp(gate.port)
            clients[name].send(raw)
        for name in ("a stream", "a tunnel", "a tunnel that has said nothing"):
            self.assertEqual(clients[name].read_head().status, 200)
        self.assertEqual(clients["a stream"].chunk(), b"a")
        clients["a tunnel"].send(b"SSH-2.0-x\r\n")
        self.assertEqual(clients["a tunnel"].exactly(11), b"SSH-2.0-x\r\n")
        dns.wait_for("silent.test")
        return clients

    def check(self, after):
        with DnsServer({"silent.test": "silent"}) as dns:
            policy = POLICY.replace("127.0.0.1:*\"}", "127.0.0.1:*\", protocols: [any]}")
            gate = self.start_egress(policy % "127.0.0.0/8", resolver=dns.port, options=["--resolver-timeout", "20s"])
            clients = self.open_all(gate, dns)
            gate.reload(after(policy))
            for name, client in clients.items():
                with self.subTest(name):
                    self.assertTrue(client.ended())
            closed = gate.network(client="late", close="not-admitted")
            self.assertEqual(len(closed), 5, closed)
            self.assertEqual([r["decision"] for r in closed if r.get("host") == "silent.test"], ["deny"])

    def test_a_client_that_was_removed(self):
        self.check(lambda policy: policy[:policy.index("clients:")])

    def test_an_address_that_from_does_not_have_any_more(self):
        self.check(lambda policy: policy % "192.0.2.0/24")

    def test_questions_by_tcp(self):
        policy = "version: 1\nnetwork:\n  - {allow: \"*.test:*\"}\nclients:\n  box:\n    from: [%s]\n    dns: {listen: \"127.0.0.1:0\"}\n"
        gate = self.start_egress(policy % "127.0.0.0/8")
        client = gate.connect_tcp(gate.ports[("box", "dns")])
        packet = question("a.test")
        client.send(len(packet).to_bytes(2, "big") + packet)
        client.exactly(int.from_bytes(client.exactly(2), "big"))
        gate.reload(policy % "192.0.2.0/24")
        self.assertTrue(client.ended())

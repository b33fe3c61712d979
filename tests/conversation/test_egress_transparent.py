# SPDX-License-Identifier: Apache-2.0
"""Clients that know nothing of a proxy: TLS goes where its SNI says, plain HTTP where its Host says, by the same rules, with an end
that a client understands. The far side needs ports 443 and 80 of loopback addresses of our own."""

import ssl
import unittest

from harness import hello
from harness.client import request
from harness.egress import SharedEgressCase, allow, can_bind, deny
from harness.gate import wait_for
from harness.origin import HttpOrigin, Origin, TlsOrigin, authority, echo

WEB, RAW = "127.44.3.3", "127.44.3.4"


class TransparentCase(SharedEgressCase):
    @classmethod
    def setUpClass(cls):
        if not all(can_bind(port, host) for port in (80, 443) for host in (WEB, RAW)):
            raise unittest.SkipTest("this user may not take ports 80 and 443")
        super().setUpClass()

    @classmethod
    def prepare(cls):
        cls.tls = cls.add(TlsOrigin("secure.test", "other.test", host=WEB, port=443))
        cls.web = cls.add(HttpOrigin(host=WEB, port=80))
        cls.raw = cls.add(Origin(echo, host=RAW, port=443))
        cls.plain = cls.add(Origin(echo, host=RAW, port=80))
        rules = (allow("secure.test", "raw.test", "inside.test") + allow("noech.test", extra="ech: deny") + allow("seen.test", extra="methods: [GET], paths: [\"/public/**\"]")
                 + deny("bad.test"))
        hosts = {"secure.test": WEB, "other.test": WEB, "bad.test": WEB, "raw.test": RAW, "noech.test": RAW, "seen.test": WEB, "inside.test": "10.0.0.1"}
        return {"rules": rules, "hosts": hosts, "transparent": True, "options": ["--hello-timeout", "1500ms", "--header-timeout", "1500ms"]}

    def connect(self, role):
        self.gate.set_mark()
        return self.gate.client(role)


class Tls(TransparentCase):
    def test_a_real_handshake(self):
        client = self.connect("transparent-tls")
        secured = authority().client_context().wrap_socket(client.sock, server_hostname="secure.test")
        secured.sendall(request("GET", "/hello", host="secure.test"))
        self.assertIn(b"200 OK", secured.recv(4096))
        secured.close()
        story = self.gate.wait_closed(host="secure.test")
        expected = {"kind": "network", "via": "transparent", "port": 443, "sni": "secure.test", "address": WEB, "decision": "allow", "reason": "rule"}
        self.assertEqual({name: story.get(name) for name in expected}, expected)
        self.assertIn("GET /hello", self.tls.lines)

    def test_a_denial_is_an_alert(self):
        """The library says that access was denied, at once."""
        def check(name, reason):
            client = self.connect("transparent-tls")
            with self.assertRaises(ssl.SSLError) as caught:
                authority().client_context().wrap_socket(client.sock, server_hostname=name)
            self.assertIn("ALERT", str(caught.exception).upper())
            record = self.denial()
            self.assertRegex(record["reason"], reason)
            self.assertEqual(record["via"], "transparent")
            self.assertEqual(record["sni"], name)

        self.each([("by default", "other.test", "^default$"), ("by a rule", "bad.test", "^rule$"), ("an address inside", "inside.test", "^address-class")], check)
        self.assertEqual([name for name, _ in self.tls.seen if name != "secure.test"], [])

    def denial(self):
        return wait_for(lambda: self.gate.news(decision="deny"), "the denial", self.gate.process)[-1]

    def refused(self, data, reason, alert=True):
        before = self.raw.count
        with self.connect("transparent-tls") as client:
            client.send(data)
            rest = client.to_end()
        if alert:
            self.assertTrue(hello.is_alert(rest), rest)
        else:
            self.assertTrue(rest == b"" or hello.is_alert(rest), rest)
        self.assertRegex(self.denial()["reason"], reason)
        self.assertEqual(self.raw.count, before)

    def test_hellos(self):
        self.each([
            ("no SNI", hello.hello(), "^sni-missing$"),
            ("an address as SNI", hello.hello("127.44.3.4"), "^sni-malformed$"),
            ("two names", hello.records(hello.handshake(hello.server_name("raw.test", "bad.test"))), "^sni-malformed$|^malformed"),
            ("NUL in the name", hello.hello(b"raw.test\0bad.test"), "^sni-malformed$|^malformed"),
            ("localhost", hello.hello("localhost"), "."),
            ("ECH where the rule refuses it", hello.hello("noech.test", hello.ech()), "^ech$"),
        ], self.refused)
        self.each([
            ("HTTP to the TLS port", b"GET / HTTP/1.1\r\nHost: raw.test\r\n\r\n", "^protocol$|^malformed", False),
            ("SSH", b"SSH-2.0-x\r\n", "^protocol$|^malformed", False),
            ("noise", bytes(range(255, 200, -1)), "^protocol$|^malformed", False),
            ("a broken hello", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "^malformed|^limit", False),
        ], self.refused)

    def test_hellos_that_pass_unchanged(self):
        def check(*parts):
            data = b"".join(parts)
            with self.connect("transparent-tls") as client:
                for part in parts:
                    client.send(part)
                self.assertEqual(client.exactly(len(data)), data)

        whole = hello.hello("raw.test", alpn=["h2"])
        self.each([
            ("in one piece", whole),
            ("byte by byte", *[bytes([value]) for value in whole]),
            ("a record for each byte", hello.records(hello.handshake(hello.server_name("RAW.test")), size=1)),
            ("with GREASE ECH", hello.hello("raw.test", hello.ech())),
            ("with data behind it", whole + b"\x14\x03\x03\x00\x01\x01"),
        ], check)

    def test_silence(self):
        """Whoever does not say where it wants to go does not stay."""
        for said in (b"", hello.hello("raw.test")[:30]):
            with self.connect("transparent-tls") as client:
                client.send(said)
                self.assertTrue(hello.is_alert(client.to_end()))
            denial = self.denial()
            self.assertEqual(denial["reason"], "limit.hello-time")
            self.assertRegex(denial["peer"], r"^127\.0\.0\.1:\d+$")

    def test_half_close_and_counts(self):
        data = hello.hello("raw.test")
        with self.connect("transparent-tls") as client:
            client.send(data)
            self.assertEqual(client.exactly(len(data)), data)
            client.send(b"more")
            client.finish_sending()
            self.assertEqual(client.to_end(), b"more")
        story = self.gate.wait_closed(host="raw.test")
        self.assertEqual((story["bytes_in"], story["bytes_out"]), (len(data) + 4, len(data) + 4))


class Http(TransparentCase):
    def ask(self, raw, method=None):
        with self.connect("transparent-http") as client:
            return client.ask(raw, method)

    def test_by_host(self):
        response = self.ask(request("GET", "/x?y=z", [("User-Agent", "t"), ("Connection", "X-Hop"), ("X-Hop", "1")], host="Secure.Test."))
        self.assertEqual((response.status, response.body), (200, b"OK"))
        seen = self.web.requests[0]
        self.assertEqual((seen.line, seen.field("Host"), seen.fields.all("X-Hop")), ("GET /x?y=z", "secure.test", []))
        record = self.gate.news()[-1]
        expected = {"via": "transparent", "host": "secure.test", "port": 80, "address": WEB, "method": "GET", "path": "/x", "decision": "allow", "status": 200}
        self.assertEqual({name: record.get(name) for name in expected}, expected)

    def test_denials_are_the_same_as_everywhere(self):
        self.assert_refusal(self.ask(request("GET", "/", host="other.test")), 403, "default", via="transparent")
        self.assert_refusal(self.ask(request("GET", "/", host="bad.test")), 403, "rule", via="transparent")
        self.assert_refusal(self.ask(request("GET", "/", host="inside.test")), 403, "address-class\\.private", via="transparent")
        self.assertEqual(self.web.requests, [])

    def test_methods_and_paths(self):
        self.each([("allowed", "GET", "/public/x", 200), ("path", "GET", "/private", 403), ("method", "DELETE", "/public/x", 403), ("two readings", "GET", "/public/../private", 400)],
                  lambda method, path, status: self.assertEqual(self.ask(request(method, path, host="seen.test")).status, status))

    def test_malformed(self):
        self.each([
            ("no Host", b"GET / HTTP/1.1\r\n\r\n"),
            ("no Host in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"),
            ("two Hosts", b"GET / HTTP/1.1\r\nHost: secure.test\r\nHost: bad.test\r\n\r\n"),
            ("an empty Host", b"GET / HTTP/1.1\r\nHost: \r\n\r\n"),
            ("userinfo in Host", b"GET / HTTP/1.1\r\nHost: a@secure.test\r\n\r\n"),
            ("a path in Host", b"GET / HTTP/1.1\r\nHost: secure.test/x\r\n\r\n"),
            ("number forms", b"GET / HTTP/1.1\r\nHost: 127.1\r\n\r\n"),
            ("length and chunked", b"POST / HTTP/1.1\r\nHost: secure.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ], lambda raw: self.assertEqual(self.ask(raw, "GET").status, 400))
        self.assertEqual(self.web.requests, [])

    def test_an_absolute_form_cannot_say_one_thing_and_host_another(self):
        response = self.ask(b"GET http://bad.test/ HTTP/1.1\r\nHost: secure.test\r\n\r\n", "GET")
        self.assertIn(response.status, (400, 403))

    def test_connect_is_not_for_here(self):
        self.assertIn(self.ask(b"CONNECT secure.test:443 HTTP/1.1\r\nHost: secure.test:443\r\n\r\n", "CONNECT").status, (400, 405))

    def test_a_kept_connection_changes_hosts(self):
        with self.connect("transparent-http") as client:
            self.assertEqual([client.ask(request("GET", "/", host=host)).status for host in ("secure.test", "bad.test", "secure.test")], [200, 403, 200])

    def test_a_slow_head(self):
        with self.connect("transparent-http") as client:
            client.send(b"GET / HTTP/1.1\r\n")
            self.assertEqual(client.read_response().status, 408)

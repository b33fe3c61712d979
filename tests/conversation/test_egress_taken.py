# SPDX-License-Identifier: Apache-2.0
"""What real clients send and nothing is ambiguous about is taken: bytes that people type into URLs, ws:// in absolute form, a CONNECT
that says it has no body, methods beyond RFC 9110. And clients that speak another protocol to an HTTP port are told so in theirs."""

import unittest

from harness import hello
from harness.case import SharedGateCase
from harness.client import get
from harness.egress import SharedEgressCase, allow, connect, forward
from harness.gate import wait_for
from harness.origin import HttpOrigin, Origin, echo

ALERT = bytes([21, 3, 3, 0, 2, 2, 10])  # unexpected_message
FOREIGN = (
    ("TLS", hello.hello("a.test"), ALERT, "malformed.tls"),
    ("SOCKS 5", b"\x05\x01\x00", b"\x05\xff", "malformed.socks"),
    ("SOCKS 4", b"\x04\x01\x00\x50\x7f\x00\x00\x01user\x00", bytes([0, 91, 0, 0, 0, 0, 0, 0]), "malformed.socks"),
)


class Taken(SharedEgressCase):
    @classmethod
    def prepare(cls):
        cls.web, cls.target = cls.origin_for(HttpOrigin()), cls.origin_for(Origin(echo))
        rules = allow("web.test:*", "a.test:*") + '- {allow: "dav.test:*", methods: [PROPFIND, GET], addresses: [127.0.0.0/8]}\n'
        rules += '- {allow: "paths.test:*", paths: ["/a%7Cb"], addresses: [127.0.0.0/8]}\n'
        return {"rules": rules, "hosts": {name: "127.0.0.1" for name in ("web.test", "a.test", "dav.test", "paths.test")}}

    @classmethod
    def origin_for(cls, origin):
        cls.addClassCleanup(origin.stop)
        return origin

    def seen(self, path, host="web.test", method="GET", *fields):
        self.web.reset()
        response = self.gate.ask(forward("http://%s:%d%s" % (host, self.web.port, path), *fields, method=method))
        return response.status, [request.target for request in self.web.requests]

    def test_bytes_that_are_typed(self):
        self.each([
            ("a list of fonts", "/css?family=Open+Sans|Roboto", "/css?family=Open+Sans%7CRoboto"),
            ("JSON", '/q?filters={"a":"b"}', "/q?filters=%7B%22a%22:%22b%22%7D"),
            ("angle brackets, caret, back quote", "/<a>^`", "/%3Ca%3E%5E%60"),
            ("UTF-8", "/b\u00fccher?q=\u00fc".encode().decode("latin-1"), "/b%C3%BCcher?q=%C3%BC"),
            ("escapes stay as they are", "/a%7cb|", "/a%7cb%7C"),
        ], lambda path, sent: self.assertEqual(self.seen(path), (200, [sent])))

    def test_the_path_is_judged_as_it_is_sent(self):
        self.assertEqual(self.seen("/a|b", "paths.test")[0], 200)
        self.assertEqual(self.seen("/a%7Cb", "paths.test")[0], 200)
        self.assertEqual(self.seen("/a{b", "paths.test"), (403, []))

    def test_what_is_ambiguous_stays_refused(self):
        self.each([
            ("a fragment", "/a#b"), ("bytes that are no UTF-8", "/\xff"), ("a backslash where paths are judged", None),
        ], lambda path: self.assertEqual((self.seen(path) if path else self.seen("/a\\b", "paths.test"))[0] // 100, 4))

    def test_methods(self):
        self.each([(method, method, status) for method, status in (("PROPFIND", 200), ("MKCALENDAR", 200), ("FROBNICATE", 200), ("TRACE", 405))],
                  lambda method, status: self.assertEqual(self.seen("/", "web.test", method)[0], status))
        self.each([(method, method, status) for method, status in (("PROPFIND", 200), ("GET", 200), ("MKCOL", 403), ("FROBNICATE", 403))],
                  lambda method, status: self.assertEqual(self.seen("/", "dav.test", method)[0], status))

    def test_a_websocket_by_its_own_scheme(self):
        self.web.on("GET", "/chat", lambda connection, _: connection.send(
            b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") or False)
        with self.gate.client() as client:
            client.send(forward("ws://web.test:%d/chat" % self.web.port, ("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                ("Sec-WebSocket-Key", "a" * 24), ("Sec-WebSocket-Version", "13")))
            self.assertEqual(client.read_head().status, 101)

    def test_a_connect_without_a_byte_of_body(self):
        with self.gate.client() as client:
            client.send(connect("a.test:%d" % self.target.port, ("Content-Length", "0")) + b"early")
            self.assertEqual(client.read_head().status, 200)
            self.assertEqual(client.exactly(5), b"early")
        with self.gate.client() as client:
            client.send(connect("a.test:%d" % self.target.port, ("Content-Length", "1")) + b"x")
            self.assertEqual(client.read_head().status, 400)

    def test_another_protocol_at_the_proxy(self):
        def check(sent, received, reason):
            self.gate.set_mark()
            with self.gate.client() as client:
                client.send(sent)
                self.assertEqual(client.to_end(), received)
            record = wait_for(lambda: self.gate.news(reason=reason), "the record", self.gate.process)[0]
            self.assertIn("this proxy speaks HTTP: write http://", record["text"])

        self.each(FOREIGN, check)


class Docker(SharedGateCase):
    def test_another_protocol_at_the_docker_gate(self):
        def check(sent, received, reason):
            with self.gate.connect() as connection:
                connection.send(sent)
                self.assertEqual(connection.to_end(), received)
            self.barrier()
            record = next(record for record in reversed(self.gate.requests_logged()) if record.get("reason") == reason)
            self.assertIn("this listener speaks HTTP", record["text"])

        self.each(FOREIGN, check)
        self.assertEqual(self.gate.ask(get("/info")).status, 200)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Plain HTTP through the proxy: each request is judged by itself and written anew, so the origin reads what was judged, learns
nothing about who asks, and can tell the client nothing in two readings either."""

import base64
import hashlib
import threading
import unittest

from harness import wire
from harness.client import chunked
from harness.egress import EgressCase, SharedEgressCase, allow, can_bind, connect, deny, forward
from harness.gate import wait_for
from harness.origin import HttpOrigin, Origin, RefusingPort, Silence, answer

HOP_BY_HOP = ("connection", "proxy-connection", "keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "proxy-authenticate", "transfer-encoding")
IDENTIFYING = ("via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip", "client-ip", "x-proxy-id", "max-forwards", "server", "proxy-status")


class ForwardCase(SharedEgressCase):
    RULES = allow("web.test:*", "twin.test:*") + deny("evil.test")
    OPTIONS = ()

    @classmethod
    def prepare(cls):
        cls.web = cls.add(HttpOrigin())
        return {"rules": cls.RULES, "hosts": {name: "127.0.0.1" for name in ("web.test", "twin.test", "evil.test", "paths.test", "get.test", "open.test", "some.test", "posts.test")},
                "options": ["--header-timeout", "3s", "--dial-timeout", "1s", *cls.OPTIONS]}

    def setUp(self):
        super().setUp()
        self.web.routes.clear()

    def url(self, path="/", host="web.test"):
        return "http://%s:%d%s" % (host, self.web.port, path)

    def pass_through(self, raw, method=None):
        """The response, and the one request that the origin saw."""
        self.web.reset()
        response = self.gate.ask(raw, method)
        self.assertEqual(response.status, 200, response)
        self.assertEqual(len(self.web.requests), 1, self.web.requests)
        return response, self.web.requests[0]


class Requests(ForwardCase):
    def names(self, request):
        return [name.lower() for name, _ in request.fields]

    def test_what_the_origin_gets(self):
        _, seen = self.pass_through(forward(self.url("/a/b?c=d"), ("User-Agent", "test/1"), ("Accept", "*/*"), ("X-Odd", "  two  blanks ")))
        lines = seen.head.split(b"\r\n")
        self.assertEqual(lines[0], b"GET /a/b?c=d HTTP/1.1")
        self.assertEqual(seen.field("Host"), "web.test:%d" % self.web.port)
        rest = [(name, value) for name, value in seen.fields if name.lower() not in ("host", "connection")]
        self.assertEqual(rest, [("User-Agent", "test/1"), ("Accept", "*/*"), ("X-Odd", "two  blanks")])
        self.assertIn((seen.field("Connection") or "keep-alive").lower(), ("keep-alive",))

    def test_end_to_end_fields_stay(self):
        fields = [("Authorization", "Bearer token"), ("Cookie", "a=b; c=d"), ("Range", "bytes=0-9"), ("If-None-Match", '"x"'), ("Accept-Encoding", "gzip"),
                  ("Referer", "http://web.test/"), ("Origin", "http://web.test"), ("X-Twice", "1"), ("X-Twice", "2"), ("X-Empty", ""), ("Cache-Control", "no-cache")]
        _, seen = self.pass_through(forward(self.url(), *fields))
        for field in fields:
            self.assertIn(field, seen.fields)

    def test_what_concerns_this_hop_goes(self):
        def check(*fields):
            _, seen = self.pass_through(forward(self.url(), *fields))
            for name in self.names(seen):
                if name == "connection":
                    self.assertEqual(seen.field("Connection").lower(), "keep-alive")
                else:
                    self.assertNotIn(name, HOP_BY_HOP)
            self.assertNotIn("secret", seen.head.decode("latin-1"))

        self.each([
            ("Proxy-Authorization", ("Proxy-Authorization", "Basic secret")),
            ("Proxy-Authorization twice", ("Proxy-Authorization", "Basic secret"), ("proxy-authorization", "Basic secret2")),
            ("Proxy-Connection", ("Proxy-Connection", "keep-alive")),
            ("Proxy-Connection in another case", ("pROXY-cONNECTION", "close")),
            ("any Proxy- field", ("Proxy-Secret", "secret")),
            ("Keep-Alive", ("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")),
            ("TE", ("TE", "trailers"), ("Connection", "TE")),
            ("Trailer", ("Trailer", "X-Secret")),
            ("an Upgrade nobody asked to keep", ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"), ("Connection", "Upgrade, HTTP2-Settings")),
            ("Upgrade without Connection", ("Upgrade", "websocket")),
            ("a field that Connection names", ("Connection", "X-Hop"), ("X-Hop", "secret")),
            ("fields that Connection names", ("Connection", "close, X-Hop ,x-hop2"), ("X-Hop", "secret"), ("X-HOP2", "secret")),
            ("two Connection fields", ("Connection", "X-Hop"), ("Connection", "X-Hop2"), ("X-Hop", "secret"), ("X-Hop2", "secret")),
        ], check)

    def test_connection_cannot_remove_what_the_request_stands_on(self):
        def check(named):
            self.web.reset()
            response = self.gate.ask(forward(self.url(), ("Connection", named), ("Authorization", "Bearer x"), ("Cookie", "a=b"), method="POST", body=b"12345"))
            self.assertIn(response.status, (200, 400))
            if response.status == 200:
                seen = self.web.requests[0]
                self.assertEqual((seen.field("Host"), seen.body), ("web.test:%d" % self.web.port, b"12345"))
                if named != "Cookie":
                    self.assertEqual(seen.field("Authorization"), "Bearer x")

        self.each([(name, name) for name in ("Host", "Authorization", "Content-Length", "Host, Authorization, Content-Length", "Transfer-Encoding", "Content-Type")], check)

    def test_nothing_identifying_is_added(self):
        _, seen = self.pass_through(forward(self.url()))
        self.assertEqual([name for name in self.names(seen) if name in IDENTIFYING], [])
        self.assertEqual({name for name in self.names(seen)} - {"host", "connection"}, set())

    def test_what_a_client_says_of_itself_is_its_own(self):
        """The gate adds nothing, and takes away nothing that is end to end."""
        _, seen = self.pass_through(forward(self.url(), ("X-Forwarded-For", "10.9.9.9"), ("Via", "1.1 inner")))
        self.assertEqual(seen.fields.all("X-Forwarded-For"), ["10.9.9.9"])
        self.assertIn(seen.fields.all("Via"), (["1.1 inner"], []))

    def test_methods(self):
        def check(method, body):
            _, seen = self.pass_through(forward(self.url("/m"), method=method, body=body))
            self.assertEqual((seen.method, seen.body), (method, body or b""))

        self.each([(method, method, body) for method, body in
                   [("GET", None), ("HEAD", None), ("POST", b"data"), ("PUT", b"data"), ("PATCH", b"data"), ("DELETE", None), ("OPTIONS", None), ("POST", b""),
                    ("PROPFIND", b"<x/>"), ("FROBNICATE", b"data")]], check)
        self.each([("TRACE", "TRACE"), ("33 letters", "A" * 33), ("lower case", "get"), ("mixed case", "Get")],
                  lambda method: self.assertIn(self.gate.ask(forward(self.url(), method=method)).status, (400, 405, 501)))
        self.assertEqual(self.gate.ask(forward(self.url(), ("Cookie", "a=b"), method="TRACE")).status, 405)
        self.assertEqual([line for line in self.web.lines if line.startswith("TRACE")], [])

    def test_bodies(self):
        big = bytes(range(256)) * 4096
        base = forward(self.url("/b"), method="POST")[:-2]

        def check(raw, body):
            _, seen = self.pass_through(raw, "POST")
            self.assertEqual(seen.body, body)

        self.each([
            ("by length", forward(self.url("/b"), method="POST", body=b"hello"), b"hello"),
            ("1 MB by length", forward(self.url("/b"), method="POST", body=big), big),
            ("chunked", base + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo"), b"hello"),
            ("chunked, in capitals", base + b"Transfer-Encoding: Chunked\r\n\r\n" + chunked(b"hello"), b"hello"),
            ("1 MB chunked", base + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(big[:70000], big[70000:]), big),
            ("chunked and empty", base + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
            ("a body that looks like a request", forward(self.url("/b"), method="POST", body=forward(self.url("/inner"))), forward(self.url("/inner"))),
        ], check)

    def test_expect(self):
        with self.gate.client() as client:
            client.send(forward(self.url(), ("Expect", "100-continue"), method="PUT")[:-2] + b"Content-Length: 4\r\n\r\n")
            self.assertEqual(client.read_head().status, 100)
            client.send(b"data")
            response = client.read_response("PUT")
            self.assertEqual(response.status, 200)
        self.assertEqual(self.web.requests[-1].body, b"data")
        self.assertEqual(self.gate.ask(forward(self.url(), ("Expect", "200-ok"), method="PUT", body=b"x")).status, 417)

    def test_expect_of_a_denied_request(self):
        """Refused before the body is asked for."""
        with self.gate.client() as client:
            client.send(forward(self.url(host="evil.test"), ("Expect", "100-continue"), method="PUT")[:-2] + b"Content-Length: 4\r\n\r\n")
            self.assertEqual(client.read_head().status, 403)

    def test_the_log_of_a_request(self):
        response, _ = self.pass_through(forward(self.url("/dir/%66ile?token=secret")))
        self.assertEqual(response.body, b"OK")
        record = self.gate.news(event="request")[-1]
        expected = {"kind": "network", "via": "forward", "method": "GET", "host": "web.test", "port": self.web.port, "address": "127.0.0.1",
                    "decision": "allow", "reason": "rule", "status": 200, "client": "default"}
        self.assertEqual({name: record.get(name) for name in expected}, expected)
        self.assertRegex(record["path"], "^/dir/(%66|f)ile$")
        self.assertRegex(record["source"], r"policy\.yaml:\d+$")
        self.assertNotIn("secret", str(self.gate.news()))

    def test_an_effect_is_logged_before_it_happens(self):
        """A request that changes something stands in the log when the origin gets it."""
        logged = []
        self.web.on("POST", "/effect", lambda connection, _: (logged.extend(self.gate.network(path="/effect")), connection.send(answer()))[-1])
        self.gate.ask(forward(self.url("/effect"), method="POST", body=b"x"))
        self.assertEqual([record["decision"] for record in logged], ["allow"])


class Framing(ForwardCase):
    """Requests with two readings: refused, and nothing of them reaches an origin."""

    def head(self, *lines, path="/x", method="POST", version=b"HTTP/1.1", host=True):
        first = b"%s %s %s" % (method.encode(), self.url(path).encode(), version)
        return b"\r\n".join([first, *([b"Host: web.test:%d" % self.web.port] if host else []), *lines]) + b"\r\n\r\n"

    def check(self, raw, statuses):
        self.web.reset()
        response = self.gate.ask(raw, "POST")
        self.assertIn(response.status, statuses, response)
        self.assertEqual(self.web.requests, [], "it reached the origin")
        if response.status == 400:
            self.assert_refusal(response, 400, "malformed\\..*")

    def test_rows(self):
        head = self.head
        te, cl = b"Transfer-Encoding: chunked", b"Content-Length: 5"
        rest = b"0\r\n\r\n"
        self.each([
            ("length and chunked", head(cl, te) + rest, (400,)),
            ("chunked and length", head(te, cl) + rest, (400,)),
            ("`chunked,` and length", head(b"Transfer-Encoding: chunked,", cl) + rest, (400, 501)),
            ("`chunked, gzip` and length", head(b"Transfer-Encoding: chunked, gzip", cl) + rest, (400, 501)),
            ("gzip, chunked", head(b"Transfer-Encoding: gzip, chunked") + rest, (400, 501)),
            ("identity", head(b"Transfer-Encoding: identity", cl) + b"hello", (400, 501)),
            ("xchunked and length", head(b"Transfer-Encoding: xchunked", cl) + b"hello", (400, 501)),
            ("chunked twice in one field", head(b"Transfer-Encoding: chunked, chunked") + rest, (400, 501)),
            ("two coding fields", head(te, te) + rest, (400, 501)),
            ("identity, then chunked", head(b"Transfer-Encoding: identity", te) + rest, (400, 501)),
            ("a parameter", head(b"Transfer-Encoding: chunked;q=1") + rest, (400, 501)),
            ("quoted", head(b'Transfer-Encoding: "chunked"') + rest, (400, 501)),
            ("an empty coding", head(b"Transfer-Encoding:", cl) + b"hello", (400, 501)),
            ("chunked in HTTP/1.0", head(te, version=b"HTTP/1.0") + rest, (400, 501)),
            ("blank before the colon of a coding", head(b"Transfer-Encoding : chunked") + rest, (400,)),
            ("blank before the colon of a length", head(b"Content-Length : 5") + b"hello", (400,)),
            ("TAB before the colon", head(b"Content-Length\t: 5") + b"hello", (400,)),
            ("a folded coding", head(b"Transfer-Encoding:", b" chunked") + rest, (400,)),
            ("a folded line that hides a coding", head(b"X-A: b", b" Transfer-Encoding: chunked") + rest, (400,)),
            ("vertical TAB in a coding", head(b"Transfer-Encoding:\x0bchunked") + rest, (400,)),
            ("lengths that differ", head(cl, b"Content-Length: 6") + b"hello", (400,)),
            ("equal lengths", head(cl, cl) + b"hello", (400,)),
            ("a list of lengths", head(b"Content-Length: 5, 5") + b"hello", (400,)),
            ("a signed length", head(b"Content-Length: +5") + b"hello", (400,)),
            ("a negative length", head(b"Content-Length: -5") + b"hello", (400,)),
            ("a hexadecimal length", head(b"Content-Length: 0x5") + b"hello", (400,)),
            ("blanks inside a length", head(b"Content-Length: 5 5") + b"hello", (400,)),
            ("an empty length", head(b"Content-Length:") + b"hello", (400,)),
            ("a length beyond 64 bits", head(b"Content-Length: 18446744073709551621") + b"hello", (400, 413)),
            ("bare LF everywhere", head(cl).replace(b"\r\n", b"\n") + b"hello", (400,)),
            ("bare LF once", head(b"X-A: b\nX-C: d", cl) + b"hello", (400,)),
            ("bare CR in a value", head(b"X-A: b\rX-C: d", cl) + b"hello", (400,)),
            ("NUL in a value", head(b"X-A: b\0c", cl) + b"hello", (400,)),
            ("a control byte in a value", head(b"X-A: b\x01c", cl) + b"hello", (400,)),
            ("an empty field name", head(b": x", cl) + b"hello", (400,)),
            ("a blank in a field name", head(b"X Y: z", cl) + b"hello", (400,)),
            ("a line without colon", head(b"nonsense", cl) + b"hello", (400,)),
            ("two Hosts", head(b"Host: evil.test", cl) + b"hello", (400,)),
            ("no Host", head(cl, host=False) + b"hello", (400,)),
            ("an invalid Host", head(b"Host: a b", cl, host=False) + b"hello", (400,)),
            ("HTTP/0.9", b"GET " + self.url().encode() + b"\r\n", (400,)),
            ("HTTP/0.9 by number", head(version=b"HTTP/0.9"), (400, 505)),
            ("HTTP/1.2", head(version=b"HTTP/1.2"), (505,)),
            ("HTTP/2.0", head(version=b"HTTP/2.0"), (505,)),
            ("a version with leading zero", head(version=b"HTTP/01.1"), (400, 505)),
            ("another protocol", head(version=b"ICAP/1.1"), (400, 505)),
            ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 505)),
            ("101 fields", head(*[b"X-%d: a" % n for n in range(101)]), (431,)),
            ("1,000 fields", head(*[b"X-%d: a" % n for n in range(1000)]), (431,)),
            ("an empty line in front", b"\r\n" + head(cl) + b"hello", (400,)),
        ], self.check)

    def test_chunks(self):
        """What is wrong inside a body may come when the origin has its head already. It must never get a whole request out of it."""
        def check(body):
            self.web.reset()
            with self.gate.client() as client:
                client.send(self.head(b"Transfer-Encoding: chunked") + body)
                response = client.read_response("POST")
                self.assertEqual(response.status, 400)
                self.assertTrue(client.ended())
            self.assertEqual(self.web.requests, [])

        self.each([
            ("an extension", b"5;a=b\r\nhello\r\n0\r\n\r\n"),
            ("an extension ended by LF", b"5;a\nAAAAA\r\n0\r\n\r\n"),
            ("the pair of extensions that smuggles", b"8;\nzz\r\nXXXX\r\n0;\r\n2b;a: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n"),
            ("0x5", b"0x5\r\nhello\r\n0\r\n\r\n"),
            ("a blank in front", b" 5\r\nhello\r\n0\r\n\r\n"),
            ("a blank behind", b"5 \r\nhello\r\n0\r\n\r\n"),
            ("a sign", b"+5\r\nhello\r\n0\r\n\r\n"),
            ("17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("64 bits over", b"ffffffffffffffff1\r\nhello\r\n0\r\n\r\n"),
            ("no size", b"\r\nhello\r\n0\r\n\r\n"),
            ("LF behind the size", b"5\nhello\r\n0\r\n\r\n"),
            ("no line end behind the data", b"5\r\nhelloXX0\r\n\r\n"),
            ("LF behind the data", b"5\r\nhello\n0\r\n\r\n"),
            ("CR alone behind the data", b"5\r\nhello\rX0\r\n\r\n"),
            ("another line instead of the end", b"0\r\nX\n\r\n"),
        ], check)

    def test_trailers_never_become_fields(self):
        self.web.reset()
        with self.gate.client() as client:
            client.send(self.head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: evil.test\r\nX-Trailer: secret\r\n\r\n")
            self.assertIn(client.read_response("POST").status, (200, 400))
        for seen in self.web.requests:
            self.assertNotIn(b"evil.test", seen.head)
            self.assertEqual(seen.body, b"hello")

    def test_the_bytes_behind_a_refused_request_are_no_request(self):
        """Where the next request begins is not known: the connection ends."""
        with self.gate.client() as client:
            client.send(self.head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + forward(self.url("/smuggled")))
            self.assertEqual(client.read_response("POST").status, 400)
            self.assertTrue(client.ended())
        self.assertEqual(self.web.requests, [])

    def test_byte_by_byte(self):
        with self.gate.client() as client:
            for value in self.head(b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n":
                client.send(bytes([value]))
            self.assertEqual(client.read_response("POST").status, 200)
        self.assertEqual(self.web.requests[0].body, b"abcde")


class Connections(ForwardCase):
    def test_pipelined_requests_are_judged_one_by_one(self):
        denied = forward(self.url("/b", host="evil.test"))
        with self.gate.client() as client:
            client.send(forward(self.url("/a")) + denied + forward(self.url("/c", host="twin.test")))
            statuses = [client.read_response().status for _ in range(3)]
        self.assertEqual(statuses, [200, 403, 200])
        self.assertEqual(self.web.lines, ["GET /a", "GET /c"])
        self.assertEqual([r["decision"] for r in self.gate.wait_network(event="request")[-3:]], ["allow", "deny", "allow"])

    def test_a_pipelined_row_of_twenty_stays_in_order(self):
        for n in range(20):
            self.web.on("GET", "/%d" % n, answer(200, b"%d" % n))
        with self.gate.client() as client:
            client.send(b"".join(forward(self.url("/%d" % n)) for n in range(20)))
            self.assertEqual([client.read_response().body for _ in range(20)], [b"%d" % n for n in range(20)])

    def test_hosts_on_one_client_connection_keep_apart(self):
        """Two origins, one client connection: each gets its own."""
        other = self.origin(HttpOrigin())
        other.default = answer(200, b"other")
        with self.gate.client() as client:
            for _ in range(3):
                self.assertEqual(client.ask(forward(self.url("/1"))).body, b"OK")
                self.assertEqual(client.ask(forward("http://twin.test:%d/2" % other.port)).body, b"other")
        self.assertEqual((set(self.web.lines), set(other.lines)), ({"GET /1"}, {"GET /2"}))

    def test_the_origins_connection_is_kept(self):
        web = self.origin(HttpOrigin())
        with self.gate.client() as client:
            for n in range(5):
                self.assertEqual(client.ask(forward("http://web.test:%d/%d" % (web.port, n))).status, 200)
        self.assertEqual(web.count, 1, "a connection for each request")

    def test_a_kept_connection_that_the_origin_closed(self):
        """It costs the client nothing; but what may have had an effect is not sent twice."""
        web = self.origin(HttpOrigin())
        web.default = lambda connection, _: (connection.send(answer()), False)[-1]
        with self.gate.client() as client:
            for n in range(5):
                self.assertEqual(client.ask(forward("http://web.test:%d/%d" % (web.port, n))).status, 200)
        self.assertEqual(len(web.requests), 5)

    def test_an_effect_is_not_repeated(self):
        web = self.origin(HttpOrigin())
        web.on("POST", "/die", lambda connection, _: False)
        with self.gate.client() as client:
            client.ask(forward("http://web.test:%d/first" % web.port))
            self.assertEqual(client.ask(forward("http://web.test:%d/die" % web.port, method="POST", body=b"x")).status, 502)
        self.assertEqual(web.lines.count("POST /die"), 1)

    def test_a_client_that_wants_to_go(self):
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url(), ("Connection", "close"))).status, 200)
            self.assertTrue(client.ended())
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url(), ("Proxy-Connection", "close"))).status, 200)

    def test_http_1_0(self):
        with self.gate.client() as client:
            response = client.ask(forward(self.url(), version="1.0"))
            self.assertEqual((response.status, response.body), (200, b"OK"))
            self.assertTrue(client.ended())
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url(), version="1.0", host="")).status, 200)
        self.assertEqual(self.web.requests[-1].field("Host"), "web.test:%d" % self.web.port)

    def test_half_close_behind_the_request(self):
        """The answer comes all the same."""
        self.web.on("GET", "/slow", lambda connection, _: (self.gate.stand_still(0.2), connection.send(answer(200, b"late" * 10000)))[-1])
        with self.gate.client() as client:
            client.send(forward(self.url("/slow")))
            client.finish_sending()
            self.assertEqual(client.read_response().body, b"late" * 10000)

    def test_a_refused_request_leaves_the_connection_usable(self):
        with self.gate.client() as client:
            for _ in range(3):
                self.assertEqual(client.ask(forward(self.url(host="evil.test"))).status, 403)
                self.assertEqual(client.ask(forward(self.url())).status, 200)

    def test_connect_on_a_used_connection(self):
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url())).status, 200)
            self.assertEqual(client.ask(connect("evil.test:443"), "CONNECT").status, 403)
            client.send(connect("web.test:%d" % self.web.port))
            self.assertEqual(client.read_head().status, 200)
            client.send(b"GET /inside HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(client.read_response().status, 200)
        self.assertEqual(self.web.lines[-1], "GET /inside")


class Responses(ForwardCase):
    """What an origin may answer, and what is not passed on."""

    def give(self, raw, method="GET", then_close=True):
        self.web.on(method, "/r", lambda connection, _: (connection.send(raw), not then_close)[-1])

    def ask(self, method="GET"):
        with self.gate.client() as client:
            return client.ask(forward(self.url("/r"), method=method), method)

    def test_good_ones(self):
        def check(raw, status, body, method="GET"):
            self.give(raw, method)
            response = self.ask(method)
            self.assertEqual((response.status, response.body), (status, body))

        self.each([
            ("by length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
            ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo"), 200, b"hello"),
            ("until the end", b"HTTP/1.1 200 OK\r\n\r\nhello", 200, b"hello"),
            ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
            ("two equal lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nOK", 200, b"OK"),
            ("300 fields", b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 300 + b"Content-Length: 2\r\n\r\nOK", 200, b"OK"),
            ("a head of 60 kB", b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 60000 + b"\r\nContent-Length: 2\r\n\r\nOK", 200, b"OK"),
            ("no reason phrase", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nOK", 200, b"OK"),
            ("404", b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", 404, b"gone"),
            ("500", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, b""),
            ("a status nobody knows", b"HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n", 299, b""),
            ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n", 302, b""),
            ("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            ("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 304, b""),
            ("HEAD with a length", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 200, b"", "HEAD"),
            ("an interim response first", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200, b"OK"),
            ("UTF-8 in a field", "HTTP/1.1 200 OK\r\nX-Name: bücher\r\nContent-Length: 2\r\n\r\nOK".encode(), 200, b"OK"),
            ("a chunk extension, dropped", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", 200, b"hello"),
            ("a trailer, dropped", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: secret\r\n\r\n", 200, b"hello"),
            ("a trailer that would be framing, dropped", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n", 200, b"hello"),
        ], check)

    def test_fields_of_this_hop_go_the_others_stay(self):
        self.give(b"HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: secret\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nProxy-Connection: close\r\n"
                  b"Upgrade: h2c\r\nTrailer: X-T\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: origin/1\r\nDate: today\r\nETag: \"x\"\r\nContent-Length: 2\r\n\r\nOK")
        response = self.ask()
        names = {name.lower() for name, _ in response.fields}
        self.assertEqual(names & {"x-hop", "proxy-authenticate", "proxy-connection", "upgrade", "trailer"}, set())
        self.assertEqual(response.fields.all("Set-Cookie"), ["a=1", "b=2"])
        self.assertEqual((response.field("Server"), response.field("Date"), response.field("ETag")), ("origin/1", "today", '"x"'))
        self.assertEqual(names & {"via", "x-cache", "proxy-status"}, set())

    def test_bad_ones(self):
        """Two readings, or none: 502, and the connection to the origin is not used again."""
        def check(raw):
            self.give(raw)
            response = self.ask()
            self.assertEqual(response.status, 502, response)
            self.assertIn("origin", response.message)
            self.assertNotIn(b"secret", response.body)
            self.assertEqual(self.gate.news()[-1]["status"], 502)

        ok = b"HTTP/1.1 200 OK\r\n"
        self.each([
            ("length and chunked", ok + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("two lengths", ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            ("a list of lengths", ok + b"Content-Length: 5, 6\r\n\r\nhello!"),
            ("a signed length", ok + b"Content-Length: +5\r\n\r\nhello"),
            ("a negative length", ok + b"Content-Length: -1\r\n\r\nhello"),
            ("a coding nobody knows", ok + b"Transfer-Encoding: gzip\r\n\r\nhello"),
            ("gzip, chunked", ok + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            ("blank before the colon", ok + b"Content-Length : 5\r\n\r\nhello"),
            ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
            ("bare CR in a value", ok + b"X-A: b\rc\r\nContent-Length: 2\r\n\r\nOK"),
            ("NUL in a value", ok + b"X-A: b\0c\r\nContent-Length: 2\r\n\r\nOK"),
            ("a line without colon", ok + b"nonsense\r\nContent-Length: 2\r\n\r\nOK"),
            ("no HTTP", b"SSH-2.0-secret\r\n\r\n"),
            ("HTTP/2", b"HTTP/2 200\r\nContent-Length: 2\r\n\r\nOK"),
            ("HTTP/3.0", b"HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
            ("status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nOK"),
            ("status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nOK"),
            ("status 099", b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nOK"),
            ("101 that nobody asked for", b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsecret"),
            ("a huge head", ok + b"X-A: " + b"a" * 100000 + b"\r\nContent-Length: 2\r\n\r\nOK"),
            ("a thousand fields", ok + b"".join(b"X-%d: a\r\n" % n for n in range(1000)) + b"Content-Length: 2\r\n\r\nOK"),
            ("an end before the head's", ok + b"Content-Le"),
            ("nothing at all", b""),
        ], check)

    def test_bad_bodies(self):
        """The head may be on its way already. Then the client must see that the body is not whole."""
        def check(raw):
            self.give(raw)
            try:
                response = self.ask()
            except (wire.Ended, wire.Malformed, OSError):
                return
            self.assertEqual(response.status, 502, response)

        ok = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.each([
            ("a bad chunk size", ok + b"zz\r\nhello\r\n0\r\n\r\n"),
            ("17 digits", ok + b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("no line end behind the data", ok + b"5\r\nhelloXX0\r\n\r\n"),
            ("the end in a chunk", ok + b"a\r\nhello"),
            ("the end before the last chunk", ok + b"5\r\nhello\r\n"),
            ("the end in a body by length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
            ("an extension ended by LF", ok + b"5;a\nhello\r\n0\r\n\r\n"),
        ], check)

    def test_bytes_behind_a_response_belong_to_nobody(self):
        """Not to the next request of this client, not to another client."""
        def check(raw, method, status):
            web = self.origin(HttpOrigin())
            web.on(method, "/r", raw)
            with self.gate.client() as client:
                self.assertEqual(client.ask(forward("http://web.test:%d/r" % web.port, method=method), method).status, status)
                follow = client.ask(forward("http://web.test:%d/next" % web.port))
                self.assertEqual((follow.status, follow.body), (200, b"OK"))

        poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        self.each([
            ("a whole response behind a response", answer(200, b"x") + poison, "GET", 200),
            ("a body behind 204", b"HTTP/1.1 204 No Content\r\n\r\n" + poison, "GET", 204),
            ("a body behind 304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + poison, "GET", 304),
        ], check)

    def test_a_body_behind_head(self):
        web = self.origin(HttpOrigin())
        web.on("HEAD", "/r", lambda connection, _: connection.send(answer(200, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")))
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward("http://web.test:%d/r" % web.port, method="HEAD"), "HEAD").status, 200)
            self.assertEqual(client.ask(forward("http://web.test:%d/next" % web.port)).body, b"OK")

    def test_an_answer_before_the_request_was_whole(self):
        web = self.origin(Origin(lambda connection: (connection.until(b"\r\n\r\n"), connection.send(answer(413, b"too big")), connection.to_end())))
        with self.gate.client() as client:
            client.send(forward("http://web.test:%d/up" % web.port, method="POST")[:-2] + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
            self.assertEqual(client.read_response("POST").status, 413)

    def test_large_bodies(self):
        size = 16 << 20
        block = bytes(range(256)) * 256
        self.web.on("GET", "/down", lambda connection, _: (connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size),
                                                           [connection.send(block) for _ in range(size // len(block))], True)[-1])
        with self.gate.client() as client:
            client.keep = False
            body = client.ask(forward(self.url("/down"))).body
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(block * (size // len(block))).digest())
        record = wait_for(lambda: [r for r in self.gate.news() if r["event"] in ("request", "close") and "bytes_out" in r], "the record", self.gate.process)[-1]
        self.assertGreaterEqual(record["bytes_out"], size)

    def test_events_arrive_when_they_are_sent(self):
        """Server-sent events: each is here before the next one is made, and open and close stand in the log."""
        def check(head, encode):
            step = threading.Semaphore(0)

            def drip(connection, _):
                connection.send(head)
                for n in range(4):
                    if not step.acquire(timeout=wire.DEADLINE):
                        break
                    connection.send(encode(b"data: %d\n\n" % n))
                return False

            self.web.on("GET", "/events", drip)
            with self.gate.client() as client:
                self.gate.set_mark()
                client.send(forward(self.url("/events"), ("Accept", "text/event-stream")))
                step.release()
                kind = client.read_head().kind
                for n in range(4):
                    event = b"data: %d\n\n" % n
                    self.assertEqual(client.chunk() if kind == "chunked" else client.exactly(len(event)), event)
                    if n == 0:
                        wait_for(lambda: self.gate.news(event="open"), "the open record", self.gate.process)
                    if n < 3:
                        step.release()
            wait_for(lambda: self.gate.news(event="close"), "the close record", self.gate.process)

        self.each([
            ("chunked", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", lambda data: b"%x\r\n%s\r\n" % (len(data), data)),
            ("until the end", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", lambda data: data),
        ], check)

    def test_a_client_that_leaves_lets_the_origin_know(self):
        gone = threading.Event()

        def endless(connection, _):
            try:
                while True:
                    connection.send(b"x" * 65536)
            except OSError:
                gone.set()
            return False

        self.web.on("GET", "/endless", lambda connection, request: (connection.send(b"HTTP/1.1 200 OK\r\n\r\n"), endless(connection, request))[-1])
        client = self.gate.client()
        client.send(forward(self.url("/endless")))
        client.exactly(1000)
        client.close()
        self.assertTrue(gone.wait(wire.DEADLINE))


class Unreachable(ForwardCase):
    def test_nobody_there(self):
        port = RefusingPort()
        self.addCleanup(port.stop)
        self.assert_refusal(self.gate.ask(forward("http://web.test:%d/" % port.port)), 502, "connect\\.refused")
        self.assert_refusal(self.gate.ask(connect("web.test:%d" % port.port)), 502, "connect\\.refused")

    def test_nobody_answers(self):
        silence = Silence()
        self.addCleanup(silence.stop)
        for raw in (forward("http://web.test:%d/" % silence.port), connect("web.test:%d" % silence.port)):
            self.assert_refusal(self.gate.ask(raw), 504, "connect\\.timeout")


class Rules(ForwardCase):
    """Methods and paths, request by request."""

    RULES = (allow("get.test:*", extra="methods: [GET, HEAD], paths: [\"/debian/**\", \"/one/*/three\", \"/exact\"]")
             + allow("paths.test:*") + deny("paths.test", extra="paths: [\"/admin/**\", \"/admin\"]")
             + allow("open.test:*") + deny("open.test", extra="methods: [DELETE, PUT]"))

    def status(self, host, path, method="GET", body=None):
        return self.gate.ask(forward(self.url(path, host), method=method, body=body)).status

    def test_an_allow(self):
        self.each([
            ("below", "/debian/pool/main/a.deb", "GET", 200),
            ("HEAD", "/debian/x", "HEAD", 200),
            ("another method", "/debian/x", "POST", 403),
            ("another path", "/ubuntu/x", "GET", 403),
            ("the root", "/", "GET", 403),
            ("a longer name", "/debianX/x", "GET", 403),
            ("one segment", "/one/two/three", "GET", 200),
            ("two segments for one", "/one/two/2/three", "GET", 403),
            ("exactly", "/exact", "GET", 200),
            ("with a query", "/exact?a=/debian/", "GET", 200),
            ("exactly and more", "/exact/more", "GET", 403),
            ("another case", "/Exact", "GET", 403),
            ("escaped, the same path", "/%65xact", "GET", 200),
            ("a semicolon in the query", "/exact?a=1;b=2", "GET", 200),
        ], lambda path, method, status: self.assertEqual(self.status("get.test", path, method, b"x" if method == "POST" else None), status))

    def test_paths_with_two_readings(self):
        self.web.reset()
        self.each([(path, host, path) for host in ("get.test", "paths.test") for path in (
            "/debian/../admin", "/debian/%2e%2e/admin", "/debian/.%2E/admin", "/debian/./x", "/debian/%2e/x", "/debian%2Fx", "/debian/..%2fadmin", "/debian/%5c..%5cadmin",
            "/debian//x", "//admin", "/debian/x%00y", "/debian/%252e%252e/admin", "/debian/..", "/%2e%2e/debian/x", "/debian/%252fx",
            "/debian;x/y", "/admin;x/y", "/;x/admin/y", "/admin%3bx/y", "/debian/x;", "/debian/x;v=1", "/admin./y", "/admin.", "/admin%2e/y", "/admin%20/y", "/debian/.../x",
            "/debian/%c0%ae%c0%ae/admin", "/debian%ef%bc%8f..%ef%bc%8fadmin", "/debian/%ef%bc%8e%ef%bc%8e/admin", "/debian%ef%bc%bcadmin", "/debian/%e2%80%a5/admin",
            "/admin%ef%bc%9bx/y", "/debian%25u002fx", "/debian/%25252e")],
            lambda host, path: self.assertEqual(self.status(host, path), 400))
        self.assertEqual(self.web.requests, [])

    def test_odd_paths_pass_where_no_rule_looks_at_paths(self):
        for path in ("/a/../b", "/a//b", "/a%2Fb", "/a/%2e%2e/b", "/a;b/c", "/a%3bb", "/a./b"):
            self.web.reset()
            self.assertEqual(self.status("open.test", path), 200)
            self.assertEqual(self.web.lines, ["GET " + path])

    def test_a_deny(self):
        self.each([
            ("elsewhere", "/public", 200), ("the path", "/admin", 403), ("below", "/admin/users", 403), ("escaped", "/%61dmin/users", 403), ("longer", "/administrator", 200),
        ], lambda path, status: self.assertEqual(self.status("paths.test", path), status))
        self.each([("GET", "GET", 200), ("DELETE", "DELETE", 403), ("PUT", "PUT", 403), ("POST", "POST", 200)],
                  lambda method, status: self.assertEqual(self.status("open.test", "/x", method, b"x" if method != "GET" else None), status))

    def test_tunnels_cannot_walk_around(self):
        """Such an allow does not match a tunnel; such a deny refuses the tunnel as a whole, and the reason says so."""
        self.assert_refusal(self.gate.ask(connect("get.test:%d" % self.web.port)), 403, "opaque|default")
        self.assert_refusal(self.gate.ask(connect("paths.test:%d" % self.web.port)), 403, "opaque")
        self.assert_refusal(self.gate.ask(connect("open.test:%d" % self.web.port)), 403, "opaque")

    def test_the_second_request_of_a_connection(self):
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url("/debian/x", "get.test"))).status, 200)
            self.assertEqual(client.ask(forward(self.url("/secret", "get.test"))).status, 403)
            self.assertEqual(client.ask(forward(self.url("/debian/x", "get.test"), method="DELETE")).status, 403)
            self.assertEqual(client.ask(forward(self.url("/debian/y", "get.test"))).status, 200)
        self.assertEqual(self.web.lines, ["GET /debian/x", "GET /debian/y"])


class WebSockets(ForwardCase):
    RULES = (allow("web.test:*") + allow("get.test:*", extra="paths: [\"/public\"]")
             + allow("open.test:*", extra="paths: [\"/public\"], protocols: [any]") + allow("paths.test:*", extra="protocols: [http]")
             + allow("some.test:*", "posts.test:*") + deny("some.test", extra="paths: [\"/admin/**\"]") + deny("posts.test", extra="methods: [POST]"))
    KEY = "dGhlIHNhbXBsZSBub25jZQ=="
    FIELDS = (("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Protocol", "chat"),
              ("Origin", "http://web.test"))

    def serve(self, connection, request):
        accept = base64.b64encode(hashlib.sha1((request.field("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        connection.send(("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n" % accept).encode())
        while connection.buffer or connection.fill():
            connection.send(connection.take(len(connection.buffer)))
        return False

    def setUp(self):
        super().setUp()
        self.web.on("GET", "/ws", self.serve)
        self.web.on("GET", "/public", self.serve)

    def test_an_upgrade(self):
        with self.gate.client() as client:
            self.gate.set_mark()
            client.send(forward(self.url("/ws"), *self.FIELDS))
            response = client.read_head()
            self.assertEqual(response.status, 101)
            self.assertEqual((response.field("Upgrade"), response.field("Sec-WebSocket-Accept")), ("websocket", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            for frame in (b"\x81\x05hello", b"\x82\x04\x00\xff\r\n", forward(self.url("/inside"))):
                self.passes_bytes(client, frame)
            client.finish_sending()
            self.assertTrue(client.ended())
        seen = self.web.requests[0]
        self.assertEqual((seen.field("Upgrade"), seen.field("Sec-WebSocket-Key"), seen.field("Sec-WebSocket-Protocol"), seen.field("Origin")),
                         ("websocket", self.KEY, "chat", "http://web.test"))
        self.assertEqual(seen.field("Connection").lower(), "upgrade")
        self.assertEqual(len(self.web.requests), 1)
        story = self.gate.wait_closed()
        self.assertEqual((story["status"], story["host"], story["path"]), (101, "web.test", "/ws"))

    def test_early_frames_wait_for_the_switch(self):
        with self.gate.client() as client:
            client.send(forward(self.url("/ws"), *self.FIELDS) + b"\x81\x05early")
            self.assertEqual(client.read_head().status, 101)
            self.assertEqual(client.exactly(7), b"\x81\x05early")

    def test_a_server_that_does_not_switch(self):
        self.web.on("GET", "/ws", answer(200, b"no"))
        with self.gate.client() as client:
            self.assertEqual(client.ask(forward(self.url("/ws"), *self.FIELDS)).body, b"no")
            self.assertEqual(client.ask(forward(self.url("/next"))).status, 200)

    def test_a_switch_to_something_else(self):
        self.web.on("GET", "/ws", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        self.assertEqual(self.gate.ask(forward(self.url("/ws"), *self.FIELDS)).status, 502)

    def test_paths_count_here_too(self):
        """What follows an upgrade cannot be seen, so a rule that looks at requests has to say that it admits anything; else the
        origin is not asked to switch."""
        self.assertEqual(self.gate.ask(forward(self.url("/ws", "open.test"), *self.FIELDS)).status, 403)
        with self.gate.client() as client:
            client.send(forward(self.url("/public", "open.test"), *self.FIELDS))
            self.assertEqual(client.read_head().status, 101)
        for host in ("get.test", "paths.test"):
            before = len(self.web.requests)
            self.assertEqual(self.gate.ask(forward(self.url("/public", host), *self.FIELDS)).status, 502)
            self.assertIsNone(self.web.wait_request(before).field("Upgrade"))

    def test_a_deny_that_looks_at_requests(self):
        """It refuses the upgrade as it refuses a tunnel, whatever the request that asks for it: behind it nothing could be seen."""
        for host in ("some.test", "posts.test"):
            response = self.gate.ask(forward(self.url("/ws", host), *self.FIELDS))
            self.assert_refusal(response, 403, "opaque", host=host)
            self.assertIn("upgrade", response.message)
            self.assertEqual(self.gate.ask(forward(self.url("/plain", host))).status, 200)
            self.assertEqual(self.gate.ask(forward(self.url("/plain", host), ("Connection", "Upgrade"), ("Upgrade", "h2c"))).status, 200)
        self.assertEqual(self.web.lines, ["GET /plain"] * 4)

    def test_a_denied_upgrade(self):
        self.assert_refusal(self.gate.ask(forward(self.url("/ws", "evil.test"), *self.FIELDS)), 403, "default")


class Upstreams(EgressCase):
    def test_a_slow_answer_has_no_limit(self):
        """Only connecting has a timeout: an origin may think as long as it likes."""
        web = self.origin(HttpOrigin())
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--dial-timeout", "300ms", "--header-timeout", "300ms"])
        web.on("GET", "/think", lambda connection, _: (gate.stand_still(1.0), connection.send(answer(200, b"thought")))[-1])
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/think" % web.port)).body, b"thought")

    def test_port_80_is_left_out_of_host(self):
        host = "127.44.3.2"
        if not can_bind(80, host):
            raise unittest.SkipTest("this user may not take port 80")
        web = self.origin(HttpOrigin(host=host, port=80))
        gate = self.start_egress(allow("plain.test"), hosts={"plain.test": host})
        for url in ("http://plain.test/x", "http://plain.test:80/x"):
            self.assertEqual(gate.ask(forward(url)).status, 200)
        self.assertEqual([r.field("Host") for r in web.requests], ["plain.test", "plain.test"])

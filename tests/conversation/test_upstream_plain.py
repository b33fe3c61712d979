# SPDX-License-Identifier: Apache-2.0
"""Plain HTTP behind an upstream proxy: asked for with the whole URL, as squid's default wants it, which permits CONNECT to port 443
alone. The connection to that proxy is kept, for whatever goes by it in the clear and for nothing else."""

import base64

from harness import wire
from harness.dns_server import DnsServer
from harness.egress import EgressCase, allow, forward, policy_of
from harness.origin import HttpOrigin, answer, echo

UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"))
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Proxy(HttpOrigin):
    """A proxy that answers plain requests itself, and permits CONNECT to `ports` alone. `numbers` says on which of its connections
    each request came."""

    def __init__(self):
        self.ports = ("443",)
        self.numbers = []
        super().__init__()
        self.default = answer(200, b"from afar")

    def serve_one(self, connection):
        request = self.read_request(connection, wire.PROXY_REQUEST_LINE)
        if request is None:
            return False
        with self.changed:
            self.requests.append(request)
            self.numbers.append(self.connections.index(connection))
            self.changed.notify_all()
        if request.method == "CONNECT":
            return self.tunnel(connection, request.target.rsplit(":", 1)[1])
        if callable(self.default):
            return self.default(connection, request)
        connection.send(self.default[: self.default.index(b"\r\n\r\n") + 4] if request.method == "HEAD" else self.default)
        return None

    def tunnel(self, connection, port):
        if port not in self.ports:
            connection.send(answer(403, b"no"))
            return False
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        inner = self.read_request(connection)
        if inner is not None:
            self.requests.append(inner)
            connection.send(SWITCHED)
            echo(connection)
        return False


class Plain(EgressCase):
    def start_chain(self, rules, *options, **more):
        self.proxy = self.origin(Proxy())
        self.dns = DnsServer({"*.test": ["127.0.0.1"]})
        self.addCleanup(self.dns.close)
        return self.start_egress(rules, resolver=self.dns.port, options=["--upstream-proxy", "http://127.0.0.1:%d" % self.proxy.port, *options], **more)

    def test_the_line_that_the_proxy_gets(self):
        gate = self.start_chain(allow("a.test:*", special=False))

        def check(url, line, method="GET", **more):
            self.proxy.reset()
            self.assertEqual(gate.ask(forward(url, method=method, **more)).status, 200)
            self.assertEqual(self.proxy.lines, [line])
            self.assertEqual(self.proxy.requests[0].fields.all("Host"), [line.split("/")[2]])

        self.each([
            ("port 80", "http://A.Test/x?y=1", "GET http://a.test/x?y=1"),
            ("port 80 written out", "http://a.test:80/", "GET http://a.test/"),
            ("another port", "http://a.test:8080/x", "GET http://a.test:8080/x"),
            ("no path", "http://a.test", "GET http://a.test/"),
            ("a query without a path", "http://a.test?q=", "GET http://a.test/?q="),
            ("such bytes without a path", "http://a.test?a=|b", "GET http://a.test/?a=%7Cb"),
            ("bytes that are none of a URL", "http://a.test/?a=|b", "GET http://a.test/?a=%7Cb"),
            ("ws without an upgrade", "ws://a.test/x", "GET http://a.test/x"),
            ("HEAD", "http://a.test/", "HEAD http://a.test/", "HEAD"),
            ("another method", "http://a.test/", "PROPFIND http://a.test/", "PROPFIND"),
        ], check)

    def test_a_body(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        response = gate.ask(forward("http://a.test/", method="POST", body=b"12345"))
        self.assertEqual((response.status, response.body), (200, b"from afar"))
        chunked = forward("http://a.test/", ("Transfer-Encoding", "chunked"), method="POST") + b"3\r\nabc\r\n0\r\n\r\n"
        self.assertEqual(gate.ask(chunked).status, 200)
        self.assertEqual([request.body for request in self.proxy.requests], [b"12345", b"abc"])
        self.assertEqual(len(gate.wait_network(2, event="close", host="a.test")), 2)

    def test_credentials(self):
        """Of the file; the client's own never go on, and what the proxy asks for is the operator's."""
        gate = self.start_chain(allow("a.test:*", special=False), "--upstream-proxy-auth", "@FOLDER@/secrets/auth", files={"secrets/auth": "user:pass word\n"})
        self.assertEqual(gate.ask(forward("http://a.test/", ("Proxy-Authorization", "Basic c3B5"), ("Proxy-Connection", "keep-alive"))).status, 200)
        fields = self.proxy.requests[0].fields
        self.assertEqual(fields.all("Proxy-Authorization"), ["Basic " + base64.b64encode(b"user:pass word").decode()])
        self.assertEqual(fields.all("Proxy-Connection"), [])
        self.assertNotIn(base64.b64encode(b"user:pass word"), gate.log_text())

    def test_no_credentials_without_the_file(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        gate.ask(forward("http://a.test/", ("Proxy-Authorization", "Basic c3B5")))
        self.assertEqual(self.proxy.requests[0].fields.all("Proxy-Authorization"), [])

    def test_its_challenge_is_no_answer(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        self.proxy.default = b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 6\r\n\r\nsecret"
        response = self.assert_refusal(gate.ask(forward("http://a.test/")), 502, "upstream-proxy.credentials", gate=gate)
        self.assertIn("--upstream-proxy-auth", response.json()["message"])
        self.proxy.default = answer(200, b"x", ("Proxy-Authenticate", "Basic"), ("Proxy-Authentication-Info", "x"))
        response = gate.ask(forward("http://a.test/"))
        self.assertEqual(response.status, 200)
        self.assertEqual([name for name, _ in response.fields if name.lower().startswith("proxy-")], [])

    def test_what_it_answers_is_the_answer(self):
        """Whether it comes from the origin cannot be told."""
        gate = self.start_chain(allow("a.test:*", special=False))
        for status in (301, 403, 404, 503):
            self.proxy.default = answer(status, b"its page")
            response = gate.ask(forward("http://a.test/"))
            self.assertEqual((response.status, response.body), (status, b"its page"))

    def test_one_connection_for_all_that_goes_by_it(self):
        gate = self.start_chain(allow("a.test:*", "b.test:*", special=False))
        with gate.client() as client:
            for host in ("a.test", "b.test:8080", "a.test"):
                self.assertEqual(client.ask(forward("http://%s/" % host)).status, 200)
        self.assertEqual(self.proxy.numbers, [0, 0, 0])
        self.assertEqual([line.split(" ")[1] for line in self.proxy.lines], ["http://a.test/", "http://b.test:8080/", "http://a.test/"])
        self.assertEqual(self.dns.questions, [], "the names are the proxy's to resolve")

    def test_and_for_nothing_else(self):
        """A tunnel, and a target that is an exception, have connections of their own, before and behind."""
        web = self.origin(HttpOrigin())
        web.default = answer(200, b"near")
        gate = self.start_chain(allow("a.test:*", special=False, extra="protocols: [any]") + allow("near.test:*"), "--no-proxy", "near.test")
        with gate.client() as client:
            for url, body in (("http://a.test/", b"from afar"), ("http://near.test:%d/" % web.port, b"near"), ("http://a.test/", b"from afar")):
                self.assertEqual(client.ask(forward(url)).body, body)
            self.proxy.ports = ("80",)
            client.send(forward("http://a.test/", *UPGRADE))
            self.assertEqual(client.read_head().status, 101)
            client.send(b"frame")
            self.assertEqual(client.exactly(5), b"frame")
        self.assertEqual(self.proxy.numbers, [0, 1, 2])
        self.assertEqual(self.proxy.lines[2:], ["CONNECT a.test:80", "GET /"])
        self.assertEqual(web.lines, ["GET /"])
        self.assertEqual(web.requests[0].fields.all("Proxy-Authorization"), [])

    def test_a_denied_request_never_reaches_a_kept_connection(self):
        gate = self.start_chain(allow("a.test:*", "10.1.2.3:*", special=False))
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://a.test/")).status, 200)
            for host in ("b.test", "10.9.9.9", "127.0.0.1:%d" % self.proxy.port):
                self.assertEqual(client.ask(forward("http://%s/" % host)).status, 403, host)
            self.assertEqual(client.ask(forward("http://10.1.2.3/")).status, 200, "an address goes by it too")
            gate.reload(policy_of(allow("b.test", special=False)))
            self.assertEqual(client.ask(forward("http://a.test/")).status, 403)
        self.assertEqual([line.split(" ")[1] for line in self.proxy.lines], ["http://a.test/", "http://10.1.2.3/"])

    def test_the_proxy_itself_is_no_destination(self):
        """Whoever reaches it asks it for what the policy never sees; by any of its names, on a kept connection too."""
        gate = self.start_chain(allow("*.test:*", "127.0.0.1:*", special=False))
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://a.test/")).status, 200)
            for host in ("127.0.0.1", "a.test", "localhost"):
                self.assertEqual(client.ask(forward("http://%s:%d/" % (host, self.proxy.port))).status, 403, host)
        self.assertEqual(len(self.proxy.lines), 1)

    def test_a_kept_connection_that_it_closed(self):
        """What looks only is asked again, on a new one; what may change something is not."""
        gate = self.start_chain(allow("a.test:*", special=False))

        def once(connection, _):
            connection.send(answer(200, b"first"))
            connection.until(b"\r\n\r\n")  # the next request, which it does not answer
            return False

        self.proxy.default = once
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://a.test/1")).body, b"first")
            self.assertEqual(client.ask(forward("http://a.test/2")).body, b"first")
            self.assertEqual(self.proxy.numbers, [0, 1])
            self.assertEqual(client.ask(forward("http://a.test/3", method="POST", body=b"")).status, 502)
        self.assertEqual(gate.wait_closed(host="a.test")["reason"], "upstream-proxy.closed")
        self.assertEqual(self.proxy.numbers, [0, 1])

    def test_an_answer_that_nobody_asked_for(self):
        """Bytes behind an answer end the connection: they are nobody's."""
        gate = self.start_chain(allow("a.test:*", "b.test:*", special=False))
        self.proxy.default = answer(200, b"first") + answer(200, b"poison")
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://a.test/")).body, b"first")
            self.proxy.default = answer(200, b"second")
            self.assertEqual(client.ask(forward("http://b.test/")).body, b"second")
        self.assertEqual(self.proxy.numbers, [0, 1])

    def test_a_proxy_of_http_1_0(self):
        gate = self.start_chain(allow("a.test:*", special=False))

        def old(connection, _):
            connection.send(b"HTTP/1.0 200 OK\r\n\r\nto the end")
            return False

        self.proxy.default = old
        self.assertEqual(gate.ask(forward("http://a.test/")).body, b"to the end")
        self.assertEqual(gate.ask(forward("http://a.test/")).body, b"to the end")

    def test_what_it_may_not_answer(self):
        gate = self.start_chain(allow("a.test:*", special=False))

        def check(reply, reason):
            self.proxy.default = reply
            self.assert_refusal(gate.ask(forward("http://a.test/")), 502, reason, gate=gate)

        self.each([
            ("another protocol", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "upstream.unasked-upgrade"),
            ("garbage", b"SSH-2.0-x\r\n\r\n", "upstream.*"),
            ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "upstream.*"),
        ], check)

# SPDX-License-Identifier: Apache-2.0
"""Where a CONNECT or an absolute URI leads: one reading or none. What could be read in two ways is 400 before anything is resolved
or dialled; what is well spelled is judged in its canonical form."""

from harness.egress import SharedEgressCase, allow, connect, deny, forward
from harness.origin import HttpOrigin, Origin, echo

BAD = "malformed\\..*"


class Authorities(SharedEgressCase):
    """The rules admit every name and the whole of 127/8, so a refusal can only come from the spelling."""

    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo))
        cls.web = cls.add(HttpOrigin())
        names = ["allowed.test", "_srv.allowed.test", "a-b.allowed.test", "xn--bcher-kva.test", "a" * 63 + ".test", "evil.test"]
        return {"rules": allow("*:*") + allow("127.0.0.0/8:*", "[::1]:*", special=False) + deny("bad.test"),
                "hosts": {name: "127.0.0.1" for name in names}}

    def check_refused(self, raw, statuses=(400,)):
        before = self.target.count, self.web.count
        response = self.gate.ask(raw)
        self.assertIn(response.status, statuses, response)
        self.assert_refusal(response, response.status, BAD if response.status == 400 else None)
        self.assertEqual((self.target.count, self.web.count), before, "somebody was dialled")

    def test_connect_targets_with_two_readings(self):
        port = self.target.port
        wrapped = port + 65536
        rows = [
            ("no port", "allowed.test"),
            ("empty port", "allowed.test:"),
            ("port 0", "allowed.test:0"),
            ("port 65536", "allowed.test:65536"),
            ("a port that wraps around", "allowed.test:%d" % wrapped),
            ("a port beyond 64 bits", "allowed.test:%d" % (2**64 + port)),
            ("plus sign", "allowed.test:+%d" % port),
            ("minus sign", "allowed.test:-1"),
            ("leading zero", "allowed.test:0%d" % port),
            ("trailing letters", "allowed.test:%dabc" % port),
            ("hexadecimal port", "allowed.test:0x2378"),
            ("a service name", "allowed.test:https"),
            ("a port and a path", "allowed.test:%d/" % port),
            ("a query", "allowed.test:%d?x" % port),
            ("a fragment", "allowed.test:%d#x" % port),
            ("two ports", "allowed.test:%d:443" % port),
            ("two ports, the second right", "allowed.test:443:%d" % port),
            ("userinfo", "user@evil.test:%d" % port),
            ("a host as userinfo", "evil.test@allowed.test:%d" % port),
            ("host and port as userinfo", "allowed.test:80@evil.test:%d" % port),
            ("userinfo with password", "a:b@allowed.test:%d" % port),
            ("an absolute URI", "http://allowed.test:%d/" % port),
            ("an absolute https URI", "https://allowed.test:%d" % port),
            ("origin form", "/allowed.test:%d" % port),
            ("asterisk form", "*"),
            ("two slashes", "//allowed.test:%d" % port),
            ("name in brackets", "[allowed.test]:%d" % port),
            ("IPv4 in brackets", "[127.0.0.1]:%d" % port),
            ("bracket not closed", "[::1:%d" % port),
            ("bracket not opened", "::1]:%d" % port),
            ("text behind the bracket", "[::1]x:%d" % port),
            ("IPv6 without brackets", "::1:%d" % port),
            ("empty brackets", "[]:%d" % port),
            ("a zone", "[::1%%25lo]:%d" % port),
            ("a zone as written", "[::1%%lo]:%d" % port),
            ("future address form", "[v1.x]:%d" % port),
            ("too many groups", "[1:2:3:4:5:6:7:8:9]:%d" % port),
            ("two double colons", "[1::2::3]:%d" % port),
            ("five digits in a group", "[::00001]:%d" % port),
            ("dots too short in IPv6", "[::127.1]:%d" % port),
            ("empty host", ":%d" % port),
            ("a dot alone", ".:%d" % port),
            ("leading dot", ".allowed.test:%d" % port),
            ("two dots inside", "allowed..test:%d" % port),
            ("two dots behind", "allowed.test..:%d" % port),
            ("star as a label", "*.allowed.test:%d" % port),
            ("star alone", "*:%d" % port),
            ("label of 64", "a" * 64 + ".test:%d" % port),
            ("name of 254", ".".join(["a" * 49] * 5) + ".test:%d" % port),
            ("name of 8,000", "a." * 3900 + "test:%d" % port),
            ("hyphen in front", "-a.test:%d" % port),
            ("hyphen behind", "a-.test:%d" % port),
            ("percent escape", "ex%%61mple.test:%d" % port),
            ("escaped dot", "allowed%%2etest:%d" % port),
            ("escaped NUL", "allowed.test%%00.evil.test:%d" % port),
            ("comma", "allowed.test,evil.test:%d" % port),
            ("semicolon", "allowed.test;evil.test:%d" % port),
            ("backslash", "allowed.test\\@evil.test:%d" % port),
            ("tilde, the mark of our expressions", "~allowed.test:%d" % port),
            ("plus in the name", "a+b.test:%d" % port),
            ("exclamation mark", "allowed.test!:%d" % port),
        ]
        self.each([(name, connect(target)) for name, target in rows], self.check_refused)
        self.each([(name + ", beside a good Host", connect(target, host="allowed.test:%d" % port)) for name, target in rows], self.check_refused)

    def test_bytes_that_are_no_host(self):
        port = b":%d" % self.target.port
        rows = [
            ("NUL", b"allowed.test\0.evil.test"),
            ("TAB", b"allowed\t.test"),
            ("control byte", b"allowed\x01.test"),
            ("DEL", b"allowed\x7f.test"),
            ("escape sequence", b"\x1b[31mallowed.test"),
            ("bare CR", b"allowed\r.test"),
            ("bare LF", b"allowed\n.test"),
            ("Latin-1", b"b\xfccher.test"),
            ("UTF-8", "bücher.test".encode()),
            ("fullwidth letters", "ａllowed.test".encode()),
            ("ideographic full stop U+3002", "allowed。test".encode()),
            ("fullwidth full stop U+FF0E", "allowed．test".encode()),
            ("halfwidth full stop U+FF61", "allowed｡test".encode()),
            ("soft hyphen", "allo\u00adwed.test".encode()),
            ("zero width joiner", "allo\u200dwed.test".encode()),
            ("Kelvin sign for k", "\u212aey.test".encode()),
            ("overlong UTF-8 dot", b"allowed\xc0\xaetest"),
            ("not even UTF-8", b"\xff\xfe.test"),
            ("fullwidth digits", "１２７.0.0.1".encode()),
        ]
        self.each([(name, connect(host + port, host="allowed.test")) for name, host in rows], self.check_refused)

    def test_the_request_line(self):
        target = b"allowed.test:%d" % self.target.port
        tail = b"\r\nHost: allowed.test\r\n\r\n"
        self.each([
            ("two blanks before the target", b"CONNECT  " + target + b" HTTP/1.1" + tail, (400,)),
            ("two blanks after it", b"CONNECT " + target + b"  HTTP/1.1" + tail, (400,)),
            ("a TAB for the blank", b"CONNECT\t" + target + b" HTTP/1.1" + tail, (400,)),
            ("a leading blank", b" CONNECT " + target + b" HTTP/1.1" + tail, (400,)),
            ("a leading line end", b"\r\nCONNECT " + target + b" HTTP/1.1" + tail, (400,)),
            ("a trailing blank", b"CONNECT " + target + b" HTTP/1.1 " + tail, (400,)),
            ("a form feed", b"CONNECT " + target + b"\x0c HTTP/1.1" + tail, (400,)),
            ("no version", b"CONNECT " + target + b"\r\n\r\n", (400,)),
            ("no target", b"CONNECT HTTP/1.1" + tail, (400,)),
            ("lower case method", b"connect " + target + b" HTTP/1.1" + tail, (400, 405)),
            ("bare LF", b"CONNECT " + target + b" HTTP/1.1\nHost: allowed.test\n\n", (400,)),
            ("HTTP/1.2", b"CONNECT " + target + b" HTTP/1.2" + tail, (505,)),
            ("HTTP/2.0", b"CONNECT " + target + b" HTTP/2.0" + tail, (505,)),
            ("HTTP/9.9", b"CONNECT " + target + b" HTTP/9.9" + tail, (505,)),
            ("a body by length", b"CONNECT " + target + b" HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\n\r\nhello", (400,)),
            ("a chunked body", b"CONNECT " + target + b" HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
            ("two Hosts", b"CONNECT " + target + b" HTTP/1.1\r\nHost: allowed.test\r\nHost: evil.test\r\n\r\n", (400,)),
            ("no Host", b"CONNECT " + target + b" HTTP/1.1\r\n\r\n", (400,)),
            ("an invalid Host", b"CONNECT " + target + b" HTTP/1.1\r\nHost: u@allowed.test/x\r\n\r\n", (400,)),
            ("a folded line", b"CONNECT " + target + b" HTTP/1.1\r\nHost: allowed.test\r\nX-A: b\r\n c\r\n\r\n", (400,)),
            ("a blank before the colon", b"CONNECT " + target + b" HTTP/1.1\r\nHost : allowed.test\r\n\r\n", (400,)),
        ], self.check_refused)

    def test_lengths(self):
        port = self.target.port
        self.each([
            ("a target of 9 kB", connect("a" * 9000 + ":%d" % port, host="allowed.test"), (414, 431, 400)),
            ("a target of 70 kB", connect("a" * 70000 + ":%d" % port, host="allowed.test"), (414, 431)),
            ("101 fields", connect("allowed.test:%d" % port, *[("X-%d" % n, "a") for n in range(101)]), (431,)),
            ("a field of 66 kB", connect("allowed.test:%d" % port, ("X-A", "a" * 66000)), (431,)),
            ("a URL of 64 kB", forward("http://allowed.test:%d/%s" % (self.web.port, "a" * 65000)), (414, 431)),
            ("a URL of 50 kB", forward("http://allowed.test:%d/%s" % (self.web.port, "a" * 50000)), (414,)),
        ], self.check_refused)

    def test_one_name_however_it_is_spelled(self):
        """Also the log has one form of it."""
        def check(spelled, canonical):
            with self.gate.tunnel("%s:%d" % (spelled, self.target.port)) as client:
                self.passes_bytes(client)
            story = self.gate.wait_closed()
            self.assertEqual((story["host"], story["port"], story["address"]), (canonical, self.target.port, "127.0.0.1"))

        self.each([
            ("as in the rule", "allowed.test", "allowed.test"),
            ("upper case", "ALLOWED.TEST", "allowed.test"),
            ("mixed case", "AllOwed.Test", "allowed.test"),
            ("a dot behind", "allowed.test.", "allowed.test"),
            ("underscore", "_srv.allowed.test", "_srv.allowed.test"),
            ("hyphen inside", "a-b.allowed.test", "a-b.allowed.test"),
            ("label of 63", "a" * 63 + ".test", "a" * 63 + ".test"),
            ("A-label", "xn--bcher-kva.test", "xn--bcher-kva.test"),
            ("an address", "127.0.0.1", "127.0.0.1"),
            ("an address with a dot behind", "127.0.0.1.", "127.0.0.1"),
        ], check)

    def test_another_host_is_noted_and_decides_nothing(self):
        def check(host, noted):
            with self.gate.tunnel("allowed.test:%d" % self.target.port, host=host) as client:
                self.passes_bytes(client)
            self.assertEqual(self.gate.wait_closed().get("host_mismatch", False), noted)

        self.each([
            ("the target", "allowed.test:%d" % self.target.port, False),
            ("the target without its port", "ALLOWED.test", False),
            ("another host", "evil.test:443", True),
            ("another port", "allowed.test:1", True),
        ], check)

    def test_a_denied_name_however_it_is_spelled(self):
        self.each([(name, connect("%s:%d" % (spelled, self.target.port))) for name, spelled in [
            ("plain", "bad.test"), ("upper case", "BAD.TEST"), ("a dot behind", "bad.test."), ("both", "Bad.Test.")]],
            lambda raw: self.assert_refusal(self.gate.ask(raw), 403, "rule", host="bad.test"))

    def test_the_host_field_of_a_connect_decides_nothing(self):
        """Only the target counts. A Host that differs is 400 or ignored, never followed."""
        def check(host):
            response = None
            with self.gate.client() as client:
                client.send(connect("bad.test:%d" % self.target.port, host=host))
                response = client.read_head()
            self.assertIn(response.status, (400, 403))

        self.each([("an allowed name", "allowed.test:%d" % self.target.port), ("another port", "bad.test:1"), ("an address", "127.0.0.1:%d" % self.target.port)], check)

    def test_http_1_0_clients_need_no_host(self):
        with self.gate.client() as client:
            client.send(connect("allowed.test:%d" % self.target.port, host=None, version="1.0"))
            self.assertEqual(client.read_head().status, 200)
            self.passes_bytes(client)


class Urls(SharedEgressCase):
    """The same for plain HTTP: absolute URIs."""

    @classmethod
    def prepare(cls):
        cls.web = cls.add(HttpOrigin())
        return {"rules": allow("allowed.test:*", "evil.test:*") + allow("127.0.0.0/8:*", special=False),
                "hosts": {"allowed.test": "127.0.0.1", "evil.test": "127.0.0.1"}}

    def check_refused(self, raw, statuses=(400,)):
        response = self.gate.ask(raw)
        self.assertIn(response.status, statuses, response)
        self.assertEqual(self.web.requests, [])

    def test_targets_with_two_readings(self):
        port = self.web.port
        rows = [
            ("userinfo", "http://user@allowed.test:%d/"),
            ("user and password", "http://user:pass@allowed.test:%d/"),
            ("a host as userinfo", "http://evil.test@allowed.test:%d/"),
            ("https to the plain port", "https://allowed.test:%d/"),
            ("ftp", "ftp://allowed.test:%d/"),
            ("file", "file:///etc/passwd?%d"),
            ("no scheme", "allowed.test:%d/"),
            ("scheme alone", "http:?%d"),
            ("no authority", "http:///x?%d"),
            ("one slash", "http:/allowed.test:%d/"),
            ("three slashes", "http:///allowed.test:%d/"),
            ("backslashes", "http:\\\\allowed.test:%d\\"),
            ("backslash for the slash behind the host", "http://allowed.test:%d\\@evil.test/"),
            ("fragment", "http://allowed.test:%d/#x"),
            ("broken escape", "http://allowed.test:%d/%%zz"),
            ("cut escape", "http://allowed.test:%d/%%2"),
            ("escape in the host", "http://allowed%%2etest:%d/"),
            ("two ports", "http://allowed.test:%d:80/"),
            ("port with letters", "http://allowed.test:%dx/"),
            ("port with sign", "http://allowed.test:+%d/"),
            ("name in brackets", "http://[allowed.test]:%d/"),
            ("short IPv4", "http://127.1:%d/"),
            ("star", "http://*.allowed.test:%d/"),
        ]
        self.each([(name, forward(url % port, host="allowed.test")) for name, url in rows], self.check_refused)
        self.each([
            ("empty port", forward("http://allowed.test:/", host="allowed.test")),
            ("port 0", forward("http://allowed.test:0/", host="allowed.test")),
            ("TAB", b"GET http://allowed.test:%d/\tx HTTP/1.1\r\nHost: allowed.test\r\n\r\n" % port),
            ("NUL", b"GET http://allowed.test:%d/\0x HTTP/1.1\r\nHost: allowed.test\r\n\r\n" % port),
        ], self.check_refused)

    def test_the_proxy_is_no_server(self):
        """Origin form, asterisk form and authority form without CONNECT are addressed to nobody here."""
        port = self.web.port
        self.each([
            ("origin form", b"GET / HTTP/1.1\r\nHost: allowed.test:%d\r\n\r\n" % port),
            ("origin form with a path", b"GET /x/y HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port),
            ("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: allowed.test:%d\r\n\r\n" % port),
            ("authority form", b"GET allowed.test:%d HTTP/1.1\r\nHost: allowed.test\r\n\r\n" % port),
            ("double slash", b"GET //allowed.test:%d/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n" % port),
        ], lambda raw: self.assert_refusal(self.gate.ask(raw), 400, BAD))

    def test_spellings_of_one_origin(self):
        port = self.web.port

        def check(raw, line, host):
            self.web.reset()
            self.assertEqual(self.gate.ask(raw).status, 200)
            self.assertEqual([(r.line, r.field("Host")) for r in self.web.requests], [(line, host)])

        canonical = "allowed.test:%d" % port
        self.each([
            ("plain", forward("http://allowed.test:%d/a" % port), "GET /a", canonical),
            ("scheme in capitals", forward("HTTP://allowed.test:%d/a" % port), "GET /a", canonical),
            ("name in capitals", forward("http://ALLOWED.Test:%d/A" % port), "GET /A", canonical),
            ("a dot behind", forward("http://allowed.test.:%d/a" % port), "GET /a", canonical),
            ("no path", forward("http://allowed.test:%d" % port), "GET /", canonical),
            ("a query without path", forward("http://allowed.test:%d?x=1" % port), "GET /?x=1", canonical),
            ("a path as it was spelled", forward("http://allowed.test:%d/%%41/%%7e~;v=1?a=%%20b" % port), "GET /%41/%7e~;v=1?a=%20b", canonical),
            ("Host differs: the URI counts", forward("http://allowed.test:%d/a" % port, host="evil.test"), "GET /a", canonical),
            ("an address", forward("http://127.0.0.1:%d/a" % port), "GET /a", "127.0.0.1:%d" % port),
        ], check)

# SPDX-License-Identifier: Apache-2.0
"""Message framing: every head and body that two readers could read in two ways is refused, and no byte of it is sent on as a
request."""

from harness import client
from harness.case import SharedGateCase
from harness.client import chunked, get

JSON = b"Content-Type: application/json\r\n"
CREATE = b"POST /containers/create HTTP/1.1\r\nHost: docker\r\n" + JSON
HIDDEN = b"GET /version HTTP/1.1\r\nHost: smuggled\r\n\r\n"


class Heads(SharedGateCase):
    def closes(self, raw, statuses=(400,)):
        """Refused, and the connection is closed: nothing behind a malformed head can be trusted to be a request."""
        response = self.exchange(raw, "GET", closes=True)
        self.assertIn(response.status, statuses, response)
        self.assertEqual(self.engine.heads[:-1], [], "reached the engine")

    def test_lengths_that_contradict_or_are_no_numbers(self):
        body = b"{}"
        self.each([
            ("length, then chunked", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", chunked(body)),
            ("chunked, then length", b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", chunked(body)),
            ("two equal lengths", b"Content-Length: 2\r\nContent-Length: 2\r\n", body),
            ("two lengths", b"Content-Length: 2\r\nContent-Length: 9\r\n", body),
            ("list of lengths", b"Content-Length: 2, 2\r\n", body),
            ("plus sign", b"Content-Length: +2\r\n", body),
            ("minus sign", b"Content-Length: -2\r\n", body),
            ("hexadecimal", b"Content-Length: 0x2\r\n", body),
            ("blank inside", b"Content-Length: 2 2\r\n", body),
            ("empty", b"Content-Length:\r\n", body),
            ("19 digits", b"Content-Length: 0000000000000000002\r\n", body),
            ("2 to the 64", b"Content-Length: 18446744073709551616\r\n", body),
            ("blank before the colon", b"Content-Length : 2\r\n", body),
            ("folded", b"Content-Length:\r\n 2\r\n", body),
            ("with a point", b"Content-Length: 2.0\r\n", body),
            ("non-ASCII digit", b"Content-Length: \xd9\xa2\r\n", body),
        ], lambda fields, rest: self.closes(CREATE + fields + b"\r\n" + rest + HIDDEN))

    def test_transfer_codings_other_than_chunked(self):
        self.each([
            ("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n"),
            ("identity, chunked", b"Transfer-Encoding: identity, chunked\r\n"),
            ("chunked, identity", b"Transfer-Encoding: chunked, identity\r\n"),
            ("identity", b"Transfer-Encoding: identity\r\n"),
            ("xchunked", b"Transfer-Encoding: xchunked\r\n"),
            ("parameter", b"Transfer-Encoding: chunked;q=1\r\n"),
            ("quoted", b'Transfer-Encoding: "chunked"\r\n'),
            ("chunked twice", b"Transfer-Encoding: chunked, chunked\r\n"),
            ("two fields", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            ("identity, then chunked", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
            ("hidden in a parameter", b'Transfer-Encoding: x;a=", chunked"\r\n'),
            ("empty with a length", b"Transfer-Encoding:\r\nContent-Length: 2\r\n"),
            ("blank before the colon", b"Transfer-Encoding : chunked\r\n"),
            ("folded", b"Transfer-Encoding:\r\n chunked\r\n"),
            ("tab folded", b"Transfer-Encoding:\r\n\tchunked\r\n"),
            ("vertical tab", b"Transfer-Encoding: \x0bchunked\r\n"),
            ("behind a bare CR", b"X-A: \rZTransfer-Encoding: chunked\r\n"),
        ], lambda fields: self.closes(CREATE + fields + b"\r\n" + chunked(b"{}") + HIDDEN, (400, 501)))

    def test_field_lines(self):
        self.each([
            ("folded value", b"Host: d\r\nX-A: a\r\n b\r\n"),
            ("first line starts with a blank", b" Host: d\r\n"),
            ("line without a colon", b"Host: d\r\nnonsense\r\n"),
            ("empty name", b"Host: d\r\n: x\r\n"),
            ("blank in a name", b"Host: d\r\nX Y: 1\r\n"),
            ("blank before the colon", b"Host : d\r\n"),
            ("tab before the colon", b"Host\t: d\r\n"),
            ("LF alone in a head", b"Host: d\nX-A: b\r\n"),
            ("CR inside a value", b"Host: d\r\nX-A: a\rb\r\n"),
            ("CR in front of a name", b"Host: d\r\nX-A:\rZX-B: 1\r\n"),
            ("NUL in a value", b"Host: d\r\nX-A: a\x00b\r\n"),
            ("0x01 in a value", b"Host: d\r\nX-A: a\x01b\r\n"),
            ("DEL in a value", b"Host: d\r\nX-A: a\x7fb\r\n"),
            ("8-bit name", b"Host: d\r\nX-\xe9: 1\r\n"),
        ], lambda fields: self.closes(b"GET /containers/json HTTP/1.1\r\n" + fields + b"\r\n"))

    def test_lines_ended_by_lf_alone(self):
        self.closes(b"GET /containers/json HTTP/1.1\nHost: d\n\n")
        self.closes(b"GET /containers/json HTTP/1.1\nHost: d\r\n\r\n")
        self.closes(b"GET /containers/json HTTP/1.1\r\nHost: d\r\n\rZ\r\n\r\n")

    def test_host(self):
        self.each([
            ("none", b""),
            ("two", b"Host: d\r\nHost: d\r\n"),
            ("userinfo", b"Host: u@d\r\n"),
            ("path", b"Host: d/x\r\n"),
            ("blank inside", b"Host: d e\r\n"),
            ("two in one", b"Host: d, e\r\n"),
        ], lambda fields: self.closes(b"GET /containers/json HTTP/1.1\r\n" + fields + b"\r\n"))

    def test_hosts_that_real_clients_send(self):
        self.each([
            ("empty, as docker 20.10 sends on attach", ""),
            ("docker", "docker"),
            ("localhost with a port", "localhost:2375"),
            ("api.moby.localhost", "api.moby.localhost"),
            ("encoded socket path", "%2Fvar%2Frun%2Fdocker.sock"),
            ("address", "127.0.0.1:2375"),
            ("bracketed address", "[::1]:2375"),
        ], lambda host: self.passes(client.request("GET", "/containers/json", host=host), "GET /containers/json"))

    def test_request_lines(self):
        target = b"/containers/json"
        host = b"\r\nHost: d\r\n\r\n"
        self.each([
            ("two blanks before the target", b"GET  " + target + b" HTTP/1.1" + host, (400,)),
            ("two blanks behind the target", b"GET " + target + b"  HTTP/1.1" + host, (400,)),
            ("tab for a blank", b"GET\t" + target + b" HTTP/1.1" + host, (400,)),
            ("blank at the end", b"GET " + target + b" HTTP/1.1 " + host, (400, 505)),
            ("empty line in front", b"\r\nGET " + target + b" HTTP/1.1" + host, (400,)),
            ("many line feeds in front", b"\n" * 10000 + b"GET " + target + b" HTTP/1.1" + host, (400,)),
            ("blank in front", b" GET " + target + b" HTTP/1.1" + host, (400,)),
            ("HTTP/0.9", b"GET " + target + b"\r\n\r\n", (400, 505)),
            ("HTTP/1.2", b"GET " + target + b" HTTP/1.2" + host, (400, 505)),
            ("HTTP/2.0", b"GET " + target + b" HTTP/2.0" + host, (400, 505)),
            ("HTTP/9.9", b"GET " + target + b" HTTP/9.9" + host, (400, 505)),
            ("HTTP/1.10", b"GET " + target + b" HTTP/1.10" + host, (400, 505)),
            ("lower case", b"GET " + target + b" http/1.1" + host, (400, 505)),
            ("another protocol", b"GET " + target + b" HXYZ:1.1" + host, (400, 505)),
            ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 505)),
        ], self.closes)

    def test_http_1_0_with_chunked_is_refused(self):
        self.closes(b"POST /containers/create HTTP/1.0\r\nHost: d\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"),
                    (400, 501))

    def test_fields_that_decide_may_stand_once(self):
        self.each([
            ("Content-Type", JSON + b"Content-Type: text/plain\r\n"),
            ("Content-Type, equal", JSON + JSON),
            ("Expect", JSON + b"Expect: 100-continue\r\nExpect: 100-continue\r\n"),
        ], lambda fields: self.closes(b"POST /containers/create HTTP/1.1\r\nHost: d\r\n" + fields + b"Content-Length: 2\r\n\r\n{}"))

    def test_all_variants_byte_by_byte(self):
        """What is refused whole is refused in pieces, and what passes whole passes in pieces."""
        for raw, status in ((CREATE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"), 400),
                            (b"GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\n", 200),
                            (CREATE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{", b"}"), 200)):
            with self.subTest(raw[:60]), self.gate.connect() as connection:
                try:
                    for value in raw:
                        connection.send(bytes([value]))
                except (BrokenPipeError, ConnectionResetError):
                    self.assertEqual(status, 400)
                self.assertEqual(connection.read_response().status, status)


class Chunks(SharedGateCase):
    """A bad body is found only after its head was judged, so an engine may see the beginning of that one request. It must never
    see the request complete, nor another one."""

    def check(self, body, head=CREATE):
        self.engine.reset()
        with self.gate.connect() as connection:
            connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + body)
            response = connection.read_response("POST")
            self.assertEqual(response.status, 400, response)
            self.assertTrue(connection.ended(), "the connection stayed open")
        self.barrier()
        self.assertEqual(self.engine.lines(), [])
        self.assertNotIn("GET /version", [r.line for r in self.engine.heads])

    def test_bad_chunks(self):
        self.each([
            ("extension", b"2;a=b\r\n{}\r\n0\r\n\r\n"),
            ("empty extension", b"2;\r\n{}\r\n0\r\n\r\n"),
            ("extension on the last chunk", b"2\r\n{}\r\n0;x\r\n\r\n"),
            ("blank behind the size", b"2 \r\n{}\r\n0\r\n\r\n"),
            ("word behind the size", b"2 zzz\r\n{}\r\n0\r\n\r\n"),
            ("tab behind the size", b"2\t\r\n{}\r\n0\r\n\r\n"),
            ("blank before the size", b" 2\r\n{}\r\n0\r\n\r\n"),
            ("0x in front", b"0x2\r\n{}\r\n0\r\n\r\n"),
            ("plus sign", b"+2\r\n{}\r\n0\r\n\r\n"),
            ("minus sign", b"-2\r\n{}\r\n0\r\n\r\n"),
            ("17 digits", b"00000000000000002\r\n{}\r\n0\r\n\r\n"),
            ("overflow", b"ffffffffffffffff1\r\n{}\r\n0\r\n\r\n"),
            ("no size", b"\r\n{}\r\n0\r\n\r\n"),
            ("not a number", b"zz\r\n{}\r\n0\r\n\r\n"),
            ("LF alone behind the size", b"2\n{}\r\n0\r\n\r\n"),
            ("CR and another byte behind the size", b"2\rX{}\r\n0\r\n\r\n"),
            ("wrong bytes behind the data", b"2\r\n{}XX0\r\n\r\n"),
            ("LF alone behind the data", b"2\r\n{}\n0\r\n\r\n"),
            ("LF inside an extension", b"2;\nxx\r\n{}\r\n0\r\n\r\n"),
            ("NUL inside an extension", b"2;a\x00\r\n{}\r\n0\r\n\r\n"),
            ("LF alone at the end", b"2\r\n{}\r\n0\r\n\n"),
            ("CR and another byte at the end", b"2\r\n{}\r\n0\r\n\rX"),
            ("trailer", b"2\r\n{}\r\n0\r\nX-A: 1\r\n\r\n"),
            ("trailer with a length", b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
            ("trailer with a host", b"2\r\n{}\r\n0\r\nHost: evil\r\n\r\n"),
        ], self.check)

    def test_bad_chunk_in_front_of_a_hidden_request(self):
        """One request to http-parser, two to the engine."""
        body = b"8;\nzz\r\nXXXX\r\n0;\r\n2b;a: x\r\n\r\n" + HIDDEN + b"\r\n0\r\n\r\n"
        self.check(body)
        with self.subTest("on ping, as it was found"):
            self.engine.reset()
            with self.gate.connect() as connection:
                connection.send(b"POST /_ping HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
                self.assertIn(connection.read_response("POST").status, (400, 403, 405))
                self.assertTrue(connection.ended())
            self.barrier()
            self.assertEqual(self.engine.lines(), [])

    def test_long_extension_is_refused_at_once(self):
        self.check(b"2;" + b"a" * 20000)

    def test_good_chunks_are_framed_anew(self):
        self.each([
            ("one chunk", b"2\r\n{}\r\n0\r\n\r\n", b"{}"),
            ("a byte each", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}"),
            ("upper-case size", b"A\r\n{\"Cmd\":[]}\r\n0\r\n\r\n", b'{"Cmd":[]}'),
            ("leading zeros", b"0000002\r\n{}\r\n0\r\n\r\n", b"{}"),
            ("16 digits", b"0000000000000002\r\n{}\r\n0\r\n\r\n", b"{}"),
            ("several zeros at the end", b"2\r\n{}\r\n000\r\n\r\n", b"{}"),
        ], lambda body, payload: self.assertEqual(
            self.passes(CREATE + b"Transfer-Encoding: chunked\r\n\r\n" + body, "POST /containers/create").body, payload))


class Hidden(SharedGateCase):
    """Requests that ride behind or inside others."""

    def test_a_request_in_a_body_stays_a_body(self):
        raw = b"POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
        seen = self.passes(raw + HIDDEN, "POST /images/load")
        self.assertEqual(seen.body, HIDDEN)

    def test_a_request_in_a_dropped_body_stays_unread(self):
        seen = self.passes(client.request("GET", "/containers/json", body=HIDDEN), "GET /containers/json")
        self.assertEqual(seen.body, b"")

    def test_the_second_request_on_a_connection_is_judged_for_itself(self):
        with self.gate.connect() as connection:
            connection.send(get("/containers/json") + get("/whatever") + get("/info"))
            answers = [connection.read_response().status for _ in range(3)]
        self.assertEqual(answers, [200, 403, 200])
        self.assertEqual(self.engine.lines(), ["GET /containers/json", "GET /info"])

    def test_nothing_is_read_behind_connection_close(self):
        with self.gate.connect() as connection:
            connection.send(get("/containers/json", ("Connection", "close")) + HIDDEN)
            self.assertEqual(connection.read_response().status, 200)
            self.assertTrue(connection.ended())
        self.barrier()
        self.assertEqual(self.engine.lines(), ["GET /containers/json"])

    def test_a_refused_request_with_a_body_does_not_turn_its_body_into_a_request(self):
        with self.gate.connect() as connection:
            connection.send(client.request("POST", "/whatever", body=HIDDEN) + get("/info"))
            self.assertEqual(connection.read_response("POST").status, 403)
            rest = b"" if connection.ended() else connection.read_response().status
        self.barrier()
        self.assertIn(rest, (b"", 200))
        self.assertNotIn("GET /version", self.engine.lines())

# SPDX-License-Identifier: Apache-2.0
"""One connection with several requests, and what the two sides of the gate send each other beside bodies."""

from harness import client
from harness.case import GateCase, SharedGateCase
from harness.client import get, post, request
from harness.engine import answer


class Exchange(SharedGateCase):
    def test_a_connection_is_kept_alive_on_both_sides(self):
        with self.gate.connect() as connection:
            for _ in range(20):
                self.assertEqual(connection.ask(get("/containers/json")).status, 200)
        self.assertEqual(len(self.engine.lines()), 20)
        opened = len(self.engine.connections)
        with self.gate.connect() as connection:
            self.assertEqual(connection.ask(get("/info")).status, 200)
        self.assertLessEqual(len(self.engine.connections), opened + 1)
        self.assertLess(opened, 10, "an engine connection was opened for every request")

    def test_a_refusal_keeps_the_connection(self):
        with self.gate.connect() as connection:
            self.assertEqual(connection.ask(get("/whatever")).status, 403)
            self.assertEqual(connection.ask(get("/info")).status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        for number in range(10):
            self.engine.on("GET", "/containers/c%d/json" % number, answer(200, {"Number": number}))
        with self.gate.connect() as connection:
            connection.send(b"".join(get("/containers/c%d/json" % number) for number in range(10)))
            self.assertEqual([connection.read_response().json()["Number"] for _ in range(10)], list(range(10)))

    def test_the_second_request_waits_for_the_first_answer(self):
        def hold(connection, _request):
            self.assertTrue(connection.quiet(), "bytes of the next request came early")
            self.assertEqual(len(self.engine.heads), 1)
            connection.send(answer())

        self.engine.on("GET", "/info", hold)
        with self.gate.connect() as connection:
            connection.send(get("/info") + get("/version"))
            self.assertEqual([connection.read_response().status for _ in range(2)], [200, 200])

    def test_connection_close_is_honoured(self):
        with self.gate.connect() as connection:
            response = connection.ask(get("/info", ("Connection", "close")))
            self.assertEqual(response.status, 200)
            self.assertTrue(connection.ended())

    def test_a_client_that_has_said_everything_still_gets_its_answer(self):
        with self.gate.connect() as connection:
            connection.send(get("/info"))
            connection.finish_sending()
            self.assertEqual(connection.read_response().status, 200)

    def test_head_has_no_body(self):
        self.engine.on("HEAD", "/containers/x/archive", b"HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: e30=\r\nContent-Length: 5\r\n\r\n")
        with self.gate.connect() as connection:
            response = connection.ask(request("HEAD", "/containers/x/archive?path=%2F"))
            self.assertEqual((response.status, response.field("X-Docker-Container-Path-Stat")), (200, "e30="))
            self.assertEqual(connection.ask(get("/info")).status, 200)

    def test_statuses_without_a_body(self):
        for status in (204, 304):
            with self.subTest(status):
                self.engine.on("POST", "/containers/x/start", answer(status, reason="No Content"))
                with self.gate.connect() as connection:
                    response = connection.ask(post("/containers/x/start"))
                    self.assertEqual((response.status, response.fields.all("Transfer-Encoding")), (status, []))
                    self.assertEqual(connection.ask(get("/info")).status, 200)

    def test_interim_responses_of_the_engine_are_not_the_answer(self):
        self.engine.on("GET", "/info", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(200, b"yes"))
        with self.gate.connect() as connection:
            response = connection.ask(get("/info"))
            self.assertEqual((response.status, response.body), (200, b"yes"))

    def test_errors_of_the_engine_are_relayed(self):
        for status in (304, 400, 404, 409, 500, 503):
            with self.subTest(status):
                body = b"" if status == 304 else {"message": "No such container: x"}
                self.engine.on("GET", "/containers/x/json", answer(status, body, reason="As It Is"))
                response = self.gate.ask(get("/containers/x/json"))
                self.assertEqual(response.status, status)
                if status != 304:
                    self.assertEqual(response.message, "No such container: x")

    def test_http_1_0_gets_an_answer_that_ends_with_the_connection(self):
        self.engine.on("GET", "/info", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + client.chunked(b"ab", b"cd"))
        for name, raw in (("plain", b"GET /info HTTP/1.0\r\nHost: d\r\n\r\n"), ("without Host", b"GET /info HTTP/1.0\r\n\r\n"),
                          ("asks for keep-alive", b"GET /info HTTP/1.0\r\nHost: d\r\nConnection: keep-alive\r\n\r\n")):
            with self.subTest(name), self.gate.connect() as connection:
                connection.send(raw)
                response = connection.read_head()
                self.assertEqual((response.status, response.fields.all("Transfer-Encoding")), (200, []))
                self.assertEqual(connection.to_end(), b"abcd")

    def test_http_1_0_with_a_length(self):
        seen = self.passes(b"POST /containers/create HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        self.assertEqual((seen.line, seen.body), ("POST /containers/create", b"{}"))

    def test_bodies_of_the_engine_are_framed_anew(self):
        big = bytes(range(256)) * 1024
        self.each([
            ("length", answer(200, big), big, "length"),
            ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + client.chunked(big[:1], big[1:], b"z"), big + b"z", "chunked"),
            ("chunked in capitals", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + client.chunked(big), big, "chunked"),
            ("empty", answer(200, b""), b"", "length"),
        ], self.check_body)

    def check_body(self, raw, body, kind):
        self.engine.on("GET", "/containers/x/export", raw)
        with self.gate.connect() as connection:
            response = connection.ask(get("/containers/x/export"))
            self.assertEqual((response.status, response.body, response.kind), (200, body, kind))
            self.assertEqual(connection.ask(get("/info")).status, 200)

    def test_a_body_that_ends_with_the_engines_connection(self):
        def send(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            return False

        self.engine.on("GET", "/containers/x/export", send)
        self.assertEqual(self.gate.ask(get("/containers/x/export")).body, b"all of it")

    def test_hop_by_hop_fields_stop_at_the_gate(self):
        gone = [("Connection", "X-Secret, close"), ("X-Secret", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
                ("Proxy-Authorization", "Basic eDp5"), ("TE", "trailers"), ("Trailer", "X")]
        seen = self.passes(get("/containers/json", *gone), "GET /containers/json")
        for name, _ in gone:
            self.assertEqual([v for v in seen.fields.all(name) if v.lower() not in ("keep-alive",)], [], name)

    def test_what_the_engine_needs_gets_through(self):
        seen = self.passes(post("/images/create?fromImage=a", ("X-Registry-Auth", "eyJhIjoxfQ==")))
        self.assertEqual(seen.field("X-Registry-Auth"), "eyJhIjoxfQ==")
        seen = self.passes(post("/build?t=a", ("X-Registry-Config", "e30="), ("Content-Type", "application/x-tar"), body=b"tar"))
        self.assertEqual((seen.field("X-Registry-Config"), seen.field("Content-Type")), ("e30=", "application/x-tar"))

    def test_what_the_engine_tells_a_registry_gets_through(self):
        """The engine repeats X-Meta-* fields to the registry, in these operations alone."""
        meta = (("X-Meta-Trace", "1"), ("x-meta-job", "a b"), ("X-Meta-Trace", "2"))
        wanted = [("X-Meta-Trace", "1"), ("x-meta-job", "a b"), ("X-Meta-Trace", "2")]

        def check(raw, expected):
            seen = self.passes(raw)
            self.assertEqual([field for field in seen.fields if field[0].lower().startswith("x-meta-")], expected)
            self.assertNotIn("dropped_headers", self.gate.requests_logged()[-2])

        self.each([
            ("pull", post("/images/create?fromImage=a", *meta), wanted), ("push", post("/images/a/push?tag=1", *meta), wanted),
            ("search", get("/images/search?term=a", *meta), wanted), ("plugin push", post("/plugins/a/push", *meta), wanted),
            ("plugin privileges", get("/plugins/privileges?remote=a", *meta), wanted),
            ("plugin pull", post("/plugins/pull?remote=a", *meta), wanted), ("plugin upgrade", post("/plugins/a/upgrade?remote=a", *meta), wanted),
            ("where the engine does not look", get("/containers/json", *meta), []), ("distribution", get("/distribution/a/json", *meta), []),
        ], check)

    def test_what_the_engine_would_read_and_does_not_get_is_named(self):
        def check(fields, dropped):
            seen = self.passes(post("/images/create?fromImage=a", *fields))
            record = self.gate.requests_logged()[-2]
            self.assertEqual(record.get("dropped_headers"), dropped)
            for name in dropped or ():
                self.assertEqual([key for key, _ in seen.fields if key.lower().startswith(name.lower())], [])

        self.each([
            ("trace context", (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "a=b"), ("baggage", "c=d")),
             ["Traceparent", "Tracestate", "Baggage"]),
            ("of one hop, as the client says", (("X-Registry-Auth", "e30="), ("X-Meta-A", "1"), ("Connection", "x-registry-auth, x-meta-a")),
             ["X-Registry-Auth", "X-Meta-"]),
            ("nothing that the engine reads", (("Cookie", "a=b"), ("X-Forwarded-For", "1.2.3.4"), ("X-Metal", "1")), None),
        ], check)

    def test_what_the_client_needs_comes_back(self):
        fields = [("Api-Version", "1.41"), ("Docker-Experimental", "false"), ("Ostype", "linux"), ("Server", "Docker/20.10"),
                  ("Content-Type", "text/plain"), ("Builder-Version", "2"), ("Swarm", "inactive")]
        self.engine.on("GET", "/_ping", answer(200, b"OK", *fields))
        response = self.gate.ask(get("/_ping"))
        for name, value in fields:
            if name != "Server":
                self.assertEqual(response.field(name), value)
        self.engine.routes.clear()


class Smuggling(SharedGateCase):
    """An engine, or somebody between, whose responses two readers could read in two ways."""

    def bad(self, raw, close=True):
        def send(connection, _request):
            connection.send(raw)
            return not close

        self.engine.reset()
        self.engine.on("GET", "/info", send)
        with self.gate.connect() as connection:
            connection.send(get("/info"))
            response = connection.read_response()
        self.assert_message(response, 502)
        self.engine.routes.clear()
        self.assertEqual(self.gate.ask(get("/version")).body, b"OK", "the next request got a wrong answer")

    def test_ambiguous_responses_are_502(self):
        hidden = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        self.each([
            ("length and chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden),
            ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOK" + hidden),
            ("list of lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nOK" + hidden),
            ("signed length", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nOK" + hidden),
            ("coding not known", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden),
            ("coding twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden),
            ("folded", b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nOK" + hidden),
            ("LF alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK" + hidden),
            ("bare CR", b"HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 2\r\n\r\nOK" + hidden),
            ("no status line", b"nonsense\r\n\r\n" + hidden),
            ("status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nOK" + hidden),
            ("status 600", b"HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nOK" + hidden),
            ("another version", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nOK" + hidden),
            ("head without an end", b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20000),
            ("nothing at all", b""),
            ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le"),
            ("switch nobody asked for", b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + hidden),
            ("endless interim responses", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000),
        ], self.bad)

    def test_bytes_behind_a_response_spoil_the_connection_only(self):
        self.engine.on("GET", "/info", answer(200, b"yes") + answer(200, b"evil"))
        with self.gate.connect() as connection:
            self.assertEqual(connection.ask(get("/info")).body, b"yes")
            for _ in range(3):
                self.assertEqual(connection.ask(get("/version")).body, b"OK")

    def test_a_body_that_breaks_off_breaks_the_clients_connection_too(self):
        def cut(raw):
            def send(connection, _request):
                connection.send(raw)
                return False

            self.engine.on("GET", "/containers/x/export", send)
            with self.gate.connect() as connection:
                connection.send(get("/containers/x/export"))
                try:
                    status = connection.read_response().status
                except client.wire.Ended:
                    status = 502  # the head was on its way before the error came
                self.assertEqual(status, 502, "a cut answer looks complete")

        self.each([
            ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
            ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
            ("bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n"),
            ("chunk extension", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n5;a=b\r\nshort\r\n0\r\n\r\n"),
        ], cut)

    def test_hop_by_hop_fields_of_the_engine_stop_at_the_gate(self):
        self.engine.on("GET", "/info", answer(200, b"x", ("Connection", "X-Secret"), ("X-Secret", "1"), ("Keep-Alive", "timeout=1"),
                                              ("Proxy-Authenticate", "Basic"), ("Upgrade", "h2c")))
        response = self.gate.ask(get("/info"))
        for name in ("X-Secret", "Keep-Alive", "Proxy-Authenticate", "Upgrade"):
            self.assertEqual(response.fields.all(name), [], name)

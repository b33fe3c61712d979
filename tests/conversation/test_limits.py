# SPDX-License-Identifier: Apache-2.0
"""Limits: heads, targets, times, clients, and memory that does not grow with what passes through. Memory is measured on the build
without sanitizers."""

import json
import threading
import urllib.parse

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, post_json, request
from harness.engine import answer
from harness.gate import plain_binary, wait_for


class Sizes(SharedGateCase):
    def test_heads(self):
        def check(raw, statuses):
            response = self.exchange(raw)
            self.assertIn(response.status, statuses, response)
            if response.status != 200:
                self.assertEqual(self.engine.lines(), [])

        self.each([
            ("99 fields", get("/info", *[("X-%d" % n, "a") for n in range(98)]), (200,)),
            ("too many fields", get("/info", *[("X-%d" % n, "a") for n in range(101)]), (431,)),
            ("10,000 fields", get("/info", *[("X-%d" % n, "a") for n in range(10000)]), (431,)),
            ("one field of 20 kB", get("/info", ("X-A", "a" * 20000)), (200,)),
            ("one field of 40 kB", get("/info", ("X-A", "a" * 40000)), (200,)),
            ("one field of 64 kB", get("/info", ("X-A", "a" * 65536)), (431,)),
            ("one field of 1 MB", get("/info", ("X-A", "a" * 1000000)), (431,)),
            ("a field name of 70 kB", get("/info", ("X" * 70000, "a")), (431,)),
            ("target of 48 kB", get("/containers/json?filters=" + "a" * (49152 - 25)), (200,)),
            ("a byte more", get("/containers/json?filters=" + "a" * (49152 - 24)), (414,)),
            ("target of 70,000 bytes, more than 16 bits count", get("/containers/json?filters=" + "a" * 70000), (414, 431)),
            ("a method that does not end", b"A" * 40000 + b" /info HTTP/1.1\r\nHost: d\r\n\r\n", (400, 405, 431)),
        ], check)

    def test_a_large_head_is_refused_before_its_end(self):
        with self.gate.connect() as connection:
            connection.send(b"GET /info HTTP/1.1\r\nHost: d\r\nX-A: " + b"a" * 66000)
            self.assertEqual(connection.read_response().status, 431)
            self.assertTrue(connection.ended())

    def test_the_refusal_names_the_option(self):
        for raw, option in ((get("/info", ("X-A", "a" * 70000)), b"--max-head"), (get("/info?" + "a" * 50000), b"--max-target"),
                            (get("/info", *[("X-%d" % n, "a") for n in range(101)]), b"--max-fields")):
            self.assertIn(option, self.exchange(raw).body)


class Usual(SharedGateCase):
    """What clients send that people use."""

    def test_they_pass(self):
        images = ["registry.example/team/some-project/component-%03d:2026.11.30-build.%d" % (n, n) for n in range(130)]
        arguments = json.dumps({"ARGUMENT_NUMBER_%d" % n: "https://artifacts.example/some/path/%d" % n for n in range(120)})
        self.engine.on("GET", "/images/get", lambda connection, _: connection.send(answer(200, b"tar")))
        seen = self.passes(post_json("/containers/create?" + urllib.parse.urlencode({"Env": ["A=" + "b" * 10000]}), {"Image": "a"}))
        self.assertEqual(seen.path, "/containers/create")
        seen = self.passes(request("POST", "/build?" + urllib.parse.urlencode({"buildargs": arguments}), [("Content-Type", "application/x-tar")], b"tar"))
        self.assertEqual(dict(seen.query)["buildargs"], arguments)
        seen = self.passes(request("POST", "/build", [("Content-Type", "application/x-tar"), ("X-Registry-Config", "a" * 34000)], b"tar"))
        self.assertEqual(len(seen.field("X-Registry-Config")), 34000)
        seen = self.passes(get("/images/get?" + "&".join("names=" + name for name in images)))
        self.assertEqual([value for key, value in seen.query if key == "names"], images)


class Raised(GateCase):
    OPTIONS = ["--max-head", "1m", "--max-target", "1020k", "--max-fields", "1000", "--max-answer-head", "1m"]

    def test_up_to_what_the_engine_takes(self):
        gate = self.start_gate(options=self.OPTIONS)
        for raw, status in ((get("/info", ("X-A", "a" * 1000000)), 200), (get("/containers/json?filters=" + "a" * 1000000), 200),
                            (post("/build", ("X-Registry-Config", "b" * 900000), ("Content-Type", "application/x-tar"), body=b"tar"), 200),
                            (get("/info", *[("X-%d" % n, "a") for n in range(997)]), 200), (get("/info", *[("X-%d" % n, "a") for n in range(1000)]), 431),
                            (get("/info", ("X-A", "a" * 1048576)), 431)):
            with gate.connect() as connection:
                for at in range(0, len(raw), 30000):
                    connection.send(raw[at:at + 30000])
                    if connection.waiting():
                        break
                self.assertEqual(connection.read_response().status, status, raw[:80])
        self.assertEqual([len(seen.field("X-Registry-Config")) for seen in gate.engine.requests if seen.path == "/build"], [900000])

    def test_two_on_one_connection(self):
        gate = self.start_gate(options=self.OPTIONS)
        with gate.connect() as connection:
            connection.send(get("/containers/json?filters=" + "a" * 500000) + get("/info"))
            self.assertEqual([connection.read_response().status for _ in range(2)], [200, 200])
        self.assertEqual(gate.engine.lines()[-1], "GET /info")

    def test_long_heads_of_answers(self):
        gate = self.start_gate(options=self.OPTIONS)
        gate.engine.on("GET", "/info", lambda connection, _: connection.send(answer(200, b"x", ("X-A", "a" * 900000))))
        gate.engine.on("GET", "/version", lambda connection, _: connection.send(answer(200, b"x", ("X-A", "a" * 1100000))))
        with gate.connect() as connection:
            connection.send(get("/info"))
            self.assertEqual(connection.read_response().body, b"x")
        self.assert_message(gate.ask(get("/version")), 502, "the answer of the Docker Engine", "--max-answer-head")

    def test_ten_thousand_parameters(self):
        gate = self.start_gate(options=self.OPTIONS)
        names = ["name%d" % n for n in range(9000)]
        query = "&".join(["names=" + name for name in names] + ["old%d=1" % n for n in range(1000)])
        self.assertEqual(gate.ask(get("/images/get?" + query)).status, 200)
        self.assertEqual([value for _, value in gate.engine.requests[-1].query], names)
        record = gate.requests_logged()[-1]
        self.assertEqual((len(record["dropped_query"]), record["dropped_more"]), (32, 968))
        self.assert_message(gate.ask(get("/images/get?" + query + "&names=x")), 400, "10000 parameters")

    def test_a_crowd_of_long_heads_has_a_bound(self):
        """Bytes of heads that are not whole are counted: beyond the share of the peer it is told so, and others go on."""
        gate = self.start_gate(options=self.OPTIONS)
        held, refused = [], 0
        while not refused and len(held) < 400:
            connection = gate.connect()
            connection.send(b"GET /info HTTP/1.1\r\nHost: d\r\nX-A: " + b"a" * 900000)
            held.append(connection)
            refused += connection.waiting() and connection.read_response().status == 503
        self.assertEqual(refused, 1, "no end after %d MB" % len(held))


class Times(GateCase):
    def test_a_slow_head(self):
        gate = self.start_gate(options=["--header-timeout", "1s"])
        with gate.connect() as connection:
            connection.send(b"GET /info HTTP/1.1\r\nHost: d\r\n")
            for value in b"X-Slow: a":
                if not connection.quiet(0.3):
                    break
                connection.send(bytes([value]))
            self.assertEqual(connection.read_response().status, 408)
            self.assertTrue(connection.ended())
        self.assertEqual(gate.engine.heads, [])

    def test_a_slow_body(self):
        gate = self.start_gate(options=["--body-timeout", "1s"])
        with gate.connect() as connection:
            connection.send(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
            self.assertEqual(connection.read_response().status, 408)
        self.assertEqual(gate.engine.lines(), [])

    def test_a_stalled_chunk(self):
        gate = self.start_gate(options=["--upload-timeout", "1s"])
        with gate.connect() as connection:
            connection.send(b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
            self.assertEqual(connection.read_response().status, 408)
        self.assertEqual(gate.engine.lines(), [])

    def test_streams_have_no_such_limit(self):
        gate = self.start_gate(options=["--header-timeout", "1s", "--body-timeout", "1s"])
        switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        gate.engine.on("POST", "/containers/x/attach", lambda connection, _: (connection.send(switch), connection.fill(), connection.send(b"late"), False)[-1])
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        tunnel, stream = gate.connect(), gate.connect()
        tunnel.send(post("/containers/x/attach", ("Connection", "Upgrade"), ("Upgrade", "tcp")))
        self.assertEqual(tunnel.read_head().status, 101)
        stream.send(get("/events"))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        self.assertTrue(stream.quiet(3))
        self.assertTrue(tunnel.quiet(0.1))
        tunnel.send(b"x")
        self.assertEqual(tunnel.to_end(), b"late")
        stream.close()


class Crowds(GateCase):
    def setUp(self):
        super().setUp()
        self.raise_descriptor_limit()

    def test_two_thousand_idle_clients(self):
        gate = self.start_gate(program=plain_binary())
        gate.ask(get("/info"))
        before = gate.memory_kb()
        crowd = [gate.connect() for _ in range(2000)]
        for connection in crowd[::100]:
            self.assertEqual(connection.ask(get("/info")).status, 200)
        self.assertEqual(gate.ask(get("/info")).status, 200)
        self.assertLess(gate.memory_kb() - before, 16000, "more than 8 kB for each idle client")
        for connection in crowd:
            connection.close()
        wait_for(lambda: gate.descriptors() < 100, "the connections to be closed", gate.process)

    def test_more_clients_than_allowed(self):
        """The longest idle one makes room; when none is idle, the new one is told to come back."""
        gate = self.start_gate(options=["--max-connections", "10"])
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        crowd = [gate.connect() for _ in range(10)]
        for connection in crowd:
            self.assertEqual(connection.ask(get("/info")).status, 200)
        extra = gate.connect()
        self.assertEqual(extra.ask(get("/info")).status, 200)
        self.assertTrue(crowd[0].ended(), "nobody made room")
        busy = crowd[1:] + [extra]
        for connection in busy:
            connection.send(get("/events"))
            connection.read_head()
            self.assertEqual(connection.chunk(), b"a")
        with gate.connect() as late:
            response = late.ask(get("/info"))
            self.assertIn(response.status, (429, 503))
            self.assertTrue(response.field("Retry-After"))
        for connection in busy:
            connection.close()
        wait_for(lambda: gate.ask(get("/info")).status == 200, "room", gate.process)


class Memory(GateCase):
    LIMIT_KB = 3000

    def grown(self, gate, before):
        grown = gate.memory_kb() - before
        self.assertLess(grown, self.LIMIT_KB, "anonymous memory grew with what passed through")

    def pour(self, sent):
        """An answer that goes on for as long as somebody takes it."""
        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
            block = bytes(65536)
            for _ in range(4096):
                connection.send(block)
                sent.append(len(block))
            return True

        return serve

    def still(self, values, gate):
        """Waits until a list stops growing: both sides are blocked."""
        seen = [-1, 0]

        def unchanged():
            now = len(values)
            seen[1] = seen[1] + 1 if now == seen[0] else 0
            seen[0] = now
            return now and seen[1] > 40

        wait_for(unchanged, "the flow to stop", gate.process)

    def test_a_client_that_stops_reading(self):
        gate = self.start_gate(program=plain_binary())
        sent = []
        gate.engine.on("GET", "/images/x/get", self.pour(sent))
        gate.ask(get("/info"))
        before = gate.memory_kb()
        connection = gate.connect()
        connection.send(get("/images/x/get"))
        self.still(sent, gate)
        self.assertLess(sum(sent), 16 << 20, "the gate took what its client does not")
        self.grown(gate, before)
        connection.close()

    def test_a_client_that_stops_reading_a_tunnel(self):
        gate = self.start_gate(program=plain_binary())
        sent = []

        def serve(connection, _request):
            connection.send(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            for _ in range(4096):
                connection.send(bytes(65536))
                sent.append(65536)
            return False

        gate.engine.on("POST", "/containers/x/attach", serve)
        gate.ask(get("/info"))
        before = gate.memory_kb()
        connection = gate.connect()
        connection.send(post("/containers/x/attach", ("Connection", "Upgrade"), ("Upgrade", "tcp")))
        self.still(sent, gate)
        self.assertLess(sum(sent), 16 << 20)
        self.grown(gate, before)
        connection.close()

    def test_an_engine_that_stops_reading(self):
        gate = self.start_gate(program=plain_binary())
        gate.engine.read_bodies = False
        release = threading.Event()
        gate.engine.on("POST", "/images/load", lambda connection, _: release.wait(20) and False)
        gate.ask(get("/info"))
        before = gate.memory_kb()
        sent = []

        def push(connection):
            try:
                connection.send(b"POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 268435456\r\n\r\n")
                for _ in range(4096):
                    connection.send(bytes(65536))
                    sent.append(65536)
            except OSError:
                pass

        connection = gate.connect()
        connection.sock.settimeout(30)
        sender = threading.Thread(target=push, args=(connection,))
        sender.start()
        self.still(sent, gate)
        self.assertLess(sum(sent), 16 << 20)
        self.grown(gate, before)
        release.set()
        connection.sock.shutdown(2)
        sender.join()

    def test_large_transfers_need_no_more_memory(self):
        gate = self.start_gate(program=plain_binary())
        gate.engine.read_bodies = False
        sent, counted = [], []

        def count(connection, request):
            left = request.length
            connection.keep = False
            while left:
                if not connection.buffer and not connection.fill():
                    return False
                left -= len(connection.take(min(left, len(connection.buffer))))
            counted.append(request.length)
            connection.send(answer())

        gate.engine.on("GET", "/images/x/get", self.pour(sent))
        gate.engine.on("POST", "/images/load", count)
        gate.ask(get("/info"))
        before = gate.memory_kb()
        with gate.connect() as connection:
            connection.keep = False
            connection.send(get("/images/x/get"))
            connection.read_head()
            left = 268435456
            while left:
                if not connection.buffer:
                    connection.fill()
                left -= len(connection.take(len(connection.buffer)))
            self.grown(gate, before)
            connection.send(request("POST", "/images/load", [("Content-Length", "268435456")]))
            for _ in range(4096):
                connection.send(bytes(65536))
            self.assertEqual(connection.read_response("POST").status, 200)
        self.grown(gate, before)
        self.assertEqual(counted, [268435456])

    def test_idle_memory(self):
        gate = self.start_gate(program=plain_binary())
        gate.ask(get("/info"))
        self.assertLess(gate.memory_kb(), 2048)
        self.assertLess(gate.memory_kb("VmRSS"), 8192)

# SPDX-License-Identifier: Apache-2.0
"""Limits: heads, targets, times, clients, and memory that does not grow with what passes through. Memory is measured on the build
without sanitizers."""

import threading

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, request
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
            ("one field of 40 kB", get("/info", ("X-A", "a" * 40000)), (431,)),
            ("one field of 1 MB", get("/info", ("X-A", "a" * 1000000)), (431,)),
            ("a field name of 40 kB", get("/info", ("X" * 40000, "a")), (431,)),
            ("target of 8,000 bytes", get("/containers/json?filters=" + "a" * 7900), (200,)),
            ("target of 9,000 bytes", get("/containers/json?filters=" + "a" * 9000), (414,)),
            ("target of 70,000 bytes, more than 16 bits count", get("/containers/json?filters=" + "a" * 70000), (414, 431)),
            ("a method that does not end", b"A" * 40000 + b" /info HTTP/1.1\r\nHost: d\r\n\r\n", (400, 405, 431)),
        ], check)

    def test_a_large_head_is_refused_before_its_end(self):
        with self.gate.connect() as connection:
            connection.send(b"GET /info HTTP/1.1\r\nHost: d\r\nX-A: " + b"a" * 33000)
            self.assertEqual(connection.read_response().status, 431)
            self.assertTrue(connection.ended())


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

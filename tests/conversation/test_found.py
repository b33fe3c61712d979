# SPDX-License-Identifier: Apache-2.0
"""What a review found: each test fails on the code as it was before the finding was mended."""

import os
import signal
import socket
import threading

from harness import client
from harness.case import BARRIER, GateCase
from harness.client import chunked, get, post, request
from harness.gate import ALLOW_ALL, wait_for

UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
SWITCH = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
TAR = ("Content-Type", "application/x-tar")


class SlowSides(GateCase):
    def test_a_client_that_reads_late_gets_all_of_a_spliced_answer(self):
        size = 700000
        gate = self.start_gate()
        body = os.urandom(size)

        def chunks(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size + body)
            finish.wait(10)
            connection.send(b"\r\n0\r\n\r\n")

        def length(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)

        for name, serve in (("length", length), ("one chunk", chunks)):
            with self.subTest(name):
                finish = threading.Event()
                gate.engine.on("GET", "/images/x/get", serve)
                with gate.connect() as connection:
                    connection.send(get("/images/x/get"))
                    wait_for(connection.waiting, "the answer's first bytes", gate.process)
                    self.assert_idle(gate)
                    if name == "one chunk": # all of it comes before the engine says any more
                        connection.read_head()
                        received = b""
                        while len(received) < size:
                            received += connection.chunk()
                        self.assertEqual(received, body)
                    else:
                        self.assertEqual(connection.read_response().body, body)
                    finish.set()

    def test_an_engine_that_takes_no_connection_yet(self):
        gate = self.start_gate()
        gate.engine.stop()
        os.unlink(gate.upstream)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(gate.upstream)
            os.chmod(gate.upstream, 0o666)
            listener.listen(0)
            with socket.socket(socket.AF_UNIX) as filler:
                filler.connect(gate.upstream)
                with gate.connect() as connection:
                    connection.send(post("/images/load", TAR, body=b"x" * 100000)[:50000])
                    self.assert_idle(gate)

    def test_a_client_that_is_reset_while_the_engine_does_not_read(self):
        for name, size in (("length", request("POST", "/images/load", (TAR, ("Content-Length", "50000000")))),
                           ("chunk", request("POST", "/images/load", (TAR, ("Transfer-Encoding", "chunked"))) + b"2faf080\r\n")):
            with self.subTest(name):
                self.check_reset(size)

    def check_reset(self, head):
        go_on = threading.Event()
        gate = self.start_gate(tcp=True)
        gate.engine.read_bodies = False

        def serve(connection, _request):
            go_on.wait(10)
            connection.to_end()
            return False

        gate.engine.on("POST", "/images/load", serve)
        connection = gate.connect_tcp()
        connection.send(head)
        connection.send_until_full(b"x" * 65536)
        connection.reset()
        go_on.set()
        gate.wait_log(event="close", operation="ImageLoad")

    def test_an_engine_that_closes_while_the_client_sends_ahead(self):
        go_on = threading.Event()
        gate = self.start_gate()

        def serve(_connection, _request):
            go_on.wait(10)
            return False

        gate.engine.on("GET", "/info", serve)
        with gate.connect() as connection:
            connection.send(get("/info"))
            gate.engine.wait_request("GET", "/info")
            connection.send_until_full(b"GET /version HTTP/1.1\r\nHost: d\r\n\r\n" * 300)
            go_on.set()
            self.assertEqual(connection.read_response().status, 502)

    def test_a_client_that_goes_after_sending_more_ahead_than_is_kept(self):
        gate = self.start_gate(tcp=True)
        over = threading.Event()
        self.addCleanup(over.set)

        def events(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            over.wait(20)
            return False

        gate.engine.on("GET", "/events", events)
        connection = gate.connect_tcp()
        connection.send(get("/events"))
        connection.read_head()
        connection.send_until_full(b"x" * 100000)
        connection.reset()
        self.assertEqual(gate.wait_log(event="close", operation="SystemEvents")[0]["close"], "client-gone")

    def test_the_engine_learns_of_an_end_that_came_while_an_object_was_looked_up(self):
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@logs"\n    where: {name: "web"}\n')
        ends = []
        ended = threading.Event()

        def inspect(connection, _request):
            ended.wait(10)
            gate.ask(BARRIER)  # a turn of the gate's loop, in which it sees the end
            body = b'{"Id": "%s", "Name": "/web", "Config": {"Image": "x", "Labels": {}}, "Image": "sha256:%s"}' % (b"a" * 64, b"b" * 64)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        def logs(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            connection.sock.settimeout(3)
            ends.append(connection.ended())
            connection.send(b"0\r\n\r\n")
            return False

        gate.engine.on("GET", "/containers/web/json", inspect)
        gate.engine.on("GET", "/containers/%s/logs" % ("a" * 64), logs)
        with gate.connect() as connection:
            connection.send(get("/containers/web/logs?follow=1&stdout=1"))
            connection.finish_sending()
            ended.set()
            self.assertEqual(connection.read_response().body, b"x")
        self.assertEqual(ends, [True])


class Bodies(GateCase):
    def test_a_json_body_in_one_long_chunk_is_too_long_before_it_is_sent(self):
        gate = self.start_gate(options=["--max-json-body", "64k"])
        head = request("POST", "/containers/create", (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")))
        with gate.connect() as connection:
            threading.Thread(target=send_quietly, args=(connection, head + chunked(b'{"Image": "' + b"x" * 3000000)), daemon=True).start()
            self.assertEqual(connection.read_response().status, 413)
        self.assertEqual(gate.engine.heads, [])


def send_quietly(connection, data):
    try:
        connection.send(data)
    except OSError:
        pass


class Ends(GateCase):
    def test_pipelined_requests_and_the_end_behind_them(self):
        gate = self.start_gate()
        with gate.connect() as connection:
            connection.send(get("/info") + get("/version") + get("/containers/json"))
            connection.finish_sending()
            self.assertEqual([connection.read_response().status for _ in range(3)], [200, 200, 200])
            self.assertTrue(connection.ended())
        with gate.connect() as connection:
            connection.send(get("/info") + get("/version")[:-3])
            connection.finish_sending()
            self.assertEqual(connection.read_response().status, 200)
            self.assertTrue(connection.ended())

    def test_what_was_meant_for_a_stream_is_never_a_request(self):
        stdin = get("/info")
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@read"\n  - allow: ContainerAttach\n')
        gate.engine.on("POST", "/containers/gone/attach", client_error)
        rows = [
            ("denied exec", client.post_json("/exec/e1/start", {"Detach": False}, *UPGRADE), 403),
            ("denied exec without upgrade", client.post_json("/exec/e1/start", {"Detach": False}), 403),
            ("engine says 404", post("/containers/gone/attach?stdin=1", *UPGRADE), 404),
            ("engine says 404, no upgrade", post("/containers/gone/attach?stdin=1"), 404),
        ]

        def check(raw, status):
            gate.engine.reset()
            with gate.connect() as connection:
                connection.send(raw + stdin)
                response = connection.read_response()
                self.assertEqual((response.status, response.field("Connection")), (status, "close"))
                self.assertTrue(connection.ended())
            self.assertNotIn("GET /info", gate.engine.lines())

        self.each(rows, check)

    def test_all_output_arrives_over_tcp_while_input_still_flows(self):
        gate = self.start_gate(tcp=True)
        payload = os.urandom(400000)

        def serve(connection, _request):
            connection.send(SWITCH)
            connection.exactly(100000)
            connection.send(payload)
            return False

        gate.engine.on("POST", "/containers/x/attach", serve)
        with gate.connect_tcp() as connection:
            connection.send(post("/containers/x/attach?stream=1&stdin=1", *UPGRADE))
            connection.read_head()
            threading.Thread(target=send_quietly, args=(connection, b"y" * 3000000), daemon=True).start()
            self.wait_full(gate, connection)
            self.assertEqual(len(connection.to_end()), len(payload))

    @staticmethod
    def wait_full(gate, connection):
        """Waits until no more arrives for a client that does not read: not even over two turns of the gate's loop."""
        seen = [0, 0]

        def settled():
            gate.ask(BARRIER)
            seen.append(connection.waiting())
            return seen[-1] > 0 and seen[-3] == seen[-1]

        wait_for(settled, "the kernel to hold what it can for the client", gate.process)

    def test_a_policy_that_comes_while_the_gate_ends(self):
        gate = self.start_gate(drain="3s")

        def events(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            connection.ended()
            return False

        gate.engine.on("GET", "/events", events)
        stream = gate.connect()
        stream.send(get("/events"))
        stream.read_head()
        with gate.connect() as connection:
            connection.send(b"GET /info HTTP/1.1\r\nHost: d\r\n")
            gate.ask(BARRIER)  # so that the half head has been read
            gate.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not os.path.exists(gate.socket_path), "the socket to go away", gate.process)
            gate.write_policy(ALLOW_ALL + "  - deny: SystemInfo\n")
            self.assert_idle(gate)
            self.assertFalse(os.path.exists(gate.socket_path), "it listens again")
            connection.send(b"\r\n")
            self.assertEqual(connection.read_response().status, 200)
        stream.close()
        self.assertEqual(gate.wait_exit(), 0)


def client_error(connection, _request):
    connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + b'{"message": "x"}')

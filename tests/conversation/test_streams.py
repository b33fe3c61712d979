# SPDX-License-Identifier: Apache-2.0
"""Hijacked connections (attach, exec, session) and long answers (events, logs): bytes arrive complete, in order, in both
directions, and each side's end reaches the other."""

import os
import threading

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, post_json
from harness.engine import answer

SWITCH = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
RAW_200 = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
ATTACH = post("/containers/x/attach?stream=1&stdin=1&stdout=1", *UPGRADE)
EXEC = post_json("/exec/e1/start", {"Detach": False, "Tty": True}, *UPGRADE)
H2C = (("Connection", "Upgrade"), ("Upgrade", "h2c"))


def echo_after(head):
    """Answers with `head`, returns whatever comes and ends when the client has."""
    def serve(connection, _request):
        connection.send(head)
        while True:
            data = connection.take(len(connection.buffer))
            connection.send(data)
            if not connection.fill():
                connection.finish_sending()
                return False

    return serve


class Hijack(SharedGateCase):
    def open(self, raw, path, head=SWITCH, status=101):
        self.engine.on("POST", path, echo_after(head))
        connection = self.gate.connect()
        connection.send(raw)
        response = connection.read_head()
        self.assertEqual(response.status, status)
        return connection, response

    def test_bytes_go_both_ways_until_both_have_ended(self):
        self.each([
            ("attach with upgrade", ATTACH, "/containers/x/attach", SWITCH, 101),
            ("exec with upgrade", EXEC, "/exec/e1/start", SWITCH, 101),
            ("attach without upgrade", post("/containers/x/attach?stream=1&stdin=1"), "/containers/x/attach", RAW_200, 200),
            ("exec without upgrade", post_json("/exec/e1/start", {"Detach": False}), "/exec/e1/start", RAW_200, 200),
            ("session", post("/session", *H2C), "/session", SWITCH.replace(b"tcp", b"h2c"), 101),
            ("grpc", post("/grpc", *H2C), "/grpc", SWITCH.replace(b"tcp", b"h2c"), 101),
        ], self.check_both_ways)

    def check_both_ways(self, raw, path, head, status):
        connection, _ = self.open(raw, path, head, status)
        for part in (b"hello\n", b"\x00\x01\xff\r\n\r\n", b"GET /version HTTP/1.1\r\nHost: d\r\n\r\n"):
            connection.send(part)
            self.assertEqual(connection.exactly(len(part)), part)
        connection.finish_sending()
        self.assertTrue(connection.ended())
        self.assertEqual(len(self.engine.heads), 1 + [r.path for r in self.engine.heads[1:]].count(path))
        self.engine.reset()

    def test_the_switch_says_what_the_engine_said(self):
        _, response = self.open(ATTACH, "/containers/x/attach")
        self.assertEqual((response.field("Upgrade"), response.field("Connection").lower()), ("tcp", "upgrade"))
        self.assertEqual(response.field("Content-Type"), "application/vnd.docker.raw-stream")
        seen = self.engine.requests[0]
        self.assertEqual((seen.field("Upgrade"), seen.field("Connection").lower()), ("tcp", "upgrade"))

    def test_a_body_and_upgrade_together(self):
        connection, _ = self.open(EXEC, "/exec/e1/start")
        self.assertEqual(self.engine.requests[0].body, b'{"Detach":false,"Tty":true}')
        connection.send(b"x")
        self.assertEqual(connection.exactly(1), b"x")

    def test_early_stdin_waits_for_the_switch(self):
        self.each([("with upgrade", ATTACH, SWITCH), ("without", post("/containers/x/attach?stream=1&stdin=1"), RAW_200)],
                  self.check_early_stdin)

    def check_early_stdin(self, raw, head):
        outcome = []

        def serve(connection, _request):
            outcome.append(connection.quiet())
            connection.send(head)
            outcome.append(connection.exactly(5))
            connection.send(b"done!")
            return False

        self.engine.on("POST", "/containers/x/attach", serve)
        with self.gate.connect() as connection:
            connection.send(raw + b"early")
            connection.read_head()
            self.assertEqual(connection.exactly(5), b"done!")
        self.assertEqual(outcome, [True, b"early"], "stdin came before the switch, or not at all")

    def test_early_stdin_and_its_end(self):
        """docker run -i with a piped file: everything, and the end, may arrive before the answer."""
        received = []

        def serve(connection, _request):
            connection.send(SWITCH)
            received.append(connection.to_end())
            connection.send(b"output after the end of input")
            return False

        self.engine.on("POST", "/containers/x/attach", serve)
        payload = os.urandom(300000)
        with self.gate.connect() as connection:
            connection.send(ATTACH + payload[:1000])
            connection.send(payload[1000:])
            connection.finish_sending()
            connection.read_head()
            self.assertEqual(connection.to_end(), b"output after the end of input")
        self.assertEqual(received, [payload])

    def test_bytes_in_one_segment_with_the_switch_come_first(self):
        def serve(connection, _request):
            connection.send(SWITCH + b"first ")
            connection.send(b"second")
            return False

        self.engine.on("POST", "/containers/x/attach", serve)
        with self.gate.connect() as connection:
            connection.send(ATTACH)
            connection.read_head()
            self.assertEqual(connection.to_end(), b"first second")

    def test_the_engines_end_reaches_the_client_while_input_still_flows(self):
        received, done = [], threading.Event()

        def serve(connection, _request):
            connection.send(SWITCH + b"bye")
            connection.finish_sending()
            received.append(connection.to_end())
            done.set()
            return False

        self.engine.on("POST", "/containers/x/attach", serve)
        with self.gate.connect() as connection:
            connection.send(ATTACH)
            connection.read_head()
            self.assertEqual(connection.to_end(), b"bye")
            connection.send(b"still talking")
            connection.finish_sending()
            self.assertTrue(done.wait(10))
        self.assertEqual(received, [b"still talking"])
        self.gate.wait_log(event="close", path="/containers/x/attach")

    def test_much_in_both_directions_at_once(self):
        connection, _ = self.open(ATTACH, "/containers/x/attach")
        payload = os.urandom(1 << 20) * 8
        sender = threading.Thread(target=lambda: (connection.send(payload), connection.finish_sending()))
        sender.start()
        self.assertEqual(connection.to_end(), payload)
        sender.join()

    def test_a_hijacked_engine_connection_is_never_used_again(self):
        connection, _ = self.open(ATTACH, "/containers/x/attach")
        connection.send(b"mine")
        self.assertEqual(connection.exactly(4), b"mine")
        for _ in range(3):
            self.assertEqual(self.gate.ask(get("/version")).body, b"OK")
        connection.close()
        for _ in range(3):
            self.assertEqual(self.gate.ask(get("/version")).body, b"OK")

    def test_an_upgrade_that_the_engine_refuses_is_an_answer_like_others(self):
        for status in (400, 404, 409):
            with self.subTest(status):
                self.engine.on("POST", "/containers/x/attach", answer(status, {"message": "no"}, reason="No"))
                with self.gate.connect() as connection:
                    response = connection.ask(ATTACH)
                    self.assertEqual((response.status, response.message), (status, "no"))
                    self.assertEqual(connection.ask(get("/version")).status, 200)
        with self.subTest("200 with a length"):
            self.engine.on("POST", "/exec/e1/start", answer(200, b""))
            with self.gate.connect() as connection:
                self.assertEqual(connection.ask(EXEC).status, 200)
                self.assertEqual(connection.ask(get("/version")).status, 200)

    def test_a_switch_that_was_not_asked_for_is_502(self):
        self.each([
            ("on a list", get("/containers/json"), "GET", "/containers/json"),
            ("on attach without upgrade", post("/containers/x/attach?stream=1"), "POST", "/containers/x/attach"),
            ("to another protocol", ATTACH, "POST", "/containers/x/attach", SWITCH.replace(b"Upgrade: tcp", b"Upgrade: h2c")),
        ], self.check_wrong_switch)

    def check_wrong_switch(self, raw, method, path, head=SWITCH):
        self.engine.on(method, path, echo_after(head + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
        with self.gate.connect() as connection:
            connection.send(raw)
            self.assert_message(connection.read_response(), 502)

    def test_upgrades_elsewhere_are_refused_or_ignored(self):
        def check(raw):
            response = self.exchange(raw)
            if response.status == 200:
                for seen in self.engine.requests:
                    self.assertEqual(seen.fields.all("Upgrade"), [])
            else:
                self.assertIn(response.status, (400, 403, 501))
                self.assertEqual(self.engine.lines(), [])

        self.each([
            ("on a list", get("/containers/json", *UPGRADE)),
            ("h2c on a list", get("/containers/json", ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk"))),
            ("websocket on exec", post_json("/exec/e1/start", {}, ("Connection", "Upgrade"), ("Upgrade", "websocket"))),
            ("h2c on attach", post("/containers/x/attach", *H2C)),
            ("through Proxy-Connection", get("/containers/json", ("Proxy-Connection", "Upgrade"), ("Upgrade", "tcp"))),
        ], check)

    def test_upgrade_tokens_ignore_case(self):
        for value in ("TCP", "Tcp"):
            with self.subTest(value):
                self.engine.on("POST", "/containers/x/attach", echo_after(SWITCH))
                with self.gate.connect() as connection:
                    connection.send(post("/containers/x/attach", ("Connection", "keep-alive, upgrade"), ("Upgrade", value)))
                    self.assertEqual(connection.read_head().status, 101)

    def test_session_keeps_its_repeated_fields(self):
        self.engine.on("POST", "/session", echo_after(SWITCH.replace(b"tcp", b"h2c")))
        methods = ["/grpc.health.v1.Health/Check", "/moby.filesync.v1.FileSync/DiffCopy", "/moby.filesync.v1.Auth/Credentials"]
        fields = [("X-Docker-Expose-Session-Grpc-Method", m) for m in methods] + [("X-Docker-Expose-Session-Uuid", "u1")]
        with self.gate.connect() as connection:
            connection.send(post("/session", *H2C, *fields))
            self.assertEqual(connection.read_head().status, 101)
        seen = self.engine.requests[0]
        self.assertEqual(seen.fields.all("X-Docker-Expose-Session-Grpc-Method"), methods)
        self.assertEqual(seen.field("X-Docker-Expose-Session-Uuid"), "u1")

    def test_websocket_attach(self):
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc=\r\n\r\n"
        self.engine.on("GET", "/containers/x/attach/ws", echo_after(head))
        with self.gate.connect() as connection:
            connection.send(get("/containers/x/attach/ws?stream=1", ("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                ("Sec-WebSocket-Key", "a2V5"), ("Sec-WebSocket-Version", "13")))
            response = connection.read_head()
            self.assertEqual((response.status, response.field("Sec-WebSocket-Accept")), (101, "abc="))
            connection.send(b"frame")
            self.assertEqual(connection.exactly(5), b"frame")
        seen = self.engine.requests[0]
        self.assertEqual((seen.field("Sec-WebSocket-Key"), seen.field("Sec-WebSocket-Version")), ("a2V5", "13"))


class LongAnswers(SharedGateCase):
    def test_events_arrive_one_by_one(self):
        """Each part is read by the client before the engine sends the next one: nothing is held back."""
        seen = threading.Event()

        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in range(5):
                connection.send(b"%x\r\n%s\r\n" % (len(b"event %d\n" % number), b"event %d\n" % number))
                if not seen.wait(10):
                    return False
                seen.clear()
            connection.send(b"0\r\n\r\n")
            return True

        self.engine.on("GET", "/events", serve)
        with self.gate.connect() as connection:
            connection.send(get("/events"))
            self.assertEqual(connection.read_head().kind, "chunked")
            for number in range(5):
                self.assertEqual(connection.chunk(), b"event %d\n" % number)
                seen.set()
            self.assertEqual(connection.chunk(), b"")
            self.assertEqual(connection.ask(get("/version")).status, 200)

    def test_a_head_without_a_first_event_is_released(self):
        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.fill()
            return False

        self.engine.on("GET", "/events", serve)
        with self.gate.connect() as connection:
            connection.send(get("/events"))
            self.assertEqual(connection.read_head().status, 200)

    def test_a_client_that_leaves_ends_the_stream_at_the_engine(self):
        gone = threading.Event()

        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while connection.fill():
                pass
            gone.set()
            return False

        self.engine.on("GET", "/containers/x/logs", serve)
        connection = self.gate.connect()
        connection.send(get("/containers/x/logs?follow=1&stdout=1"))
        connection.read_head()
        connection.close()
        self.assertTrue(gone.wait(10), "the engine still thinks somebody listens")
        self.gate.wait_log(event="close", path="/containers/x/logs")

    def test_a_raw_stream_without_framing(self):
        """Old engines answer logs of a container with a terminal without any framing."""
        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
            connection.send(b"line 1\n")
            connection.send(b"line 2\n")
            return False

        self.engine.on("GET", "/containers/x/logs", serve)
        self.assertEqual(self.gate.ask(get("/containers/x/logs?stdout=1")).body, b"line 1\nline 2\n")

    def test_the_end_of_a_large_answer_arrives(self):
        """When the engine has said all, what still waits in buffers and pipes must be brought on though nothing wakes the gate but
        the client. It is a matter of timing, so it is tried often."""
        size, block = 8 << 20, bytes(65536)

        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(block)):
                connection.send(block)

        self.engine.on("GET", "/containers/x/export", serve)
        with self.gate.connect() as connection:
            connection.keep = False
            for _ in range(200):
                connection.send(get("/containers/x/export"))
                self.assertEqual(connection.read_head().length, size)
                left = size
                while left:
                    if not connection.buffer:
                        self.assertTrue(connection.fill())
                    left -= len(connection.take(left))

    def test_an_upload_may_be_answered_before_its_end(self):
        self.engine.read_bodies = False

        def serve(connection, _request):
            connection.exactly(10)
            connection.send(answer(400, {"message": "not an archive"}, ("Connection", "close"), reason="Bad Request"))
            return False

        self.engine.on("POST", "/images/load", serve)
        try:
            with self.gate.connect() as connection:
                connection.send(b"POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 100000000\r\n\r\n" + b"a" * 100000)
                response = connection.read_response("POST")
                self.assertEqual((response.status, response.message), (400, "not an archive"))
        finally:
            self.engine.read_bodies = True


class Denied(GateCase):
    def test_a_denied_upgrade_opens_nothing(self):
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@read"\n')
        for name, raw in (("attach", ATTACH), ("exec", EXEC), ("session", post("/session", *H2C)),
                          ("create of an exec", post_json("/containers/x/exec", {"Cmd": ["sh"]}))):
            with self.subTest(name), gate.connect() as connection:
                connection.send(raw)
                self.assert_message(connection.read_response("POST"), 403)
        self.assertEqual(gate.engine.heads, [])

    def test_many_streams_at_once(self):
        gate = self.start_gate()
        gate.engine.on("POST", "/containers/x/attach", echo_after(SWITCH))
        connections = [gate.connect() for _ in range(200)]
        for connection in connections:
            connection.send(ATTACH)
        for connection in connections:
            self.assertEqual(connection.read_head().status, 101)
        for number, connection in enumerate(connections):
            connection.send(b"stream %d" % number)
        for number, connection in enumerate(connections):
            self.assertEqual(connection.exactly(len("stream %d" % number)), b"stream %d" % number)
            connection.finish_sending()
            self.assertTrue(connection.ended())
        gate.wait_log(200, event="close", path="/containers/x/attach")

# SPDX-License-Identifier: Apache-2.0
"""The end is bounded even while a stream is open, and what is under way is finished first."""

import os
import signal
import threading
import time

from harness import wire
from harness.case import GateCase
from harness.client import get
from harness.engine import answer
from harness.gate import wait_for


class Shutdown(GateCase):
    def open_stream(self, gate, target, more=None):
        """A stream of which one chunk came; a second comes once `more` is set."""
        def serve(connection, _request):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            if more is not None and more.wait(wire.DEADLINE):
                connection.send(b"1\r\nb\r\n")
            connection.fill()
            return False

        gate.engine.on("GET", target.split("?")[0], serve)
        stream = gate.connect()
        stream.send(get(target))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        return stream

    def test_what_has_no_end_is_not_waited_for(self):
        for target in ("/events", "/containers/x/logs?follow=1&stdout=1", "/containers/x/stats", "/services/x/logs?follow=1"):
            with self.subTest(target):
                gate = self.start_gate(drain="3600s")
                stream = self.open_stream(gate, target)
                gate.process.send_signal(signal.SIGTERM)
                self.assertEqual(gate.wait_exit(), 0)
                stream.to_end()
                records = gate.log(path=target.split("?")[0])
                self.assertEqual([r["event"] for r in records], ["open", "close"])
                self.assertEqual(records[1]["close"], "shutdown")
                self.assertEqual(gate.log()[-1]["event"], "stop")

    def test_it_goes_on_while_something_else_is_under_way(self):
        gate = self.start_gate(drain="3600s")
        asked, go_on, more = threading.Event(), threading.Event(), threading.Event()

        def serve(connection, _request):
            asked.set()
            go_on.wait(wire.DEADLINE)
            connection.send(answer(200, b"finished"))

        gate.engine.on("GET", "/info", serve)
        stream = self.open_stream(gate, "/events", more)
        with gate.connect() as connection:
            connection.send(get("/info"))
            self.assertTrue(asked.wait(wire.DEADLINE))
            gate.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not self.accepts(gate), "the listener to close", gate.process)
            more.set()
            self.assertEqual(stream.chunk(), b"b")
            go_on.set()
            self.assertEqual(connection.read_response().body, b"finished")
        self.assertEqual(gate.wait_exit(), 0)
        stream.to_end()

    def test_the_bound(self):
        """Of what has an end the gate waits for the end as long as it was told, and eight seconds unless it was told."""
        for drain, most in (("1s", 4), (None, 9.5)):
            with self.subTest(drain):
                gate = self.start_gate(drain=drain)
                stream = self.open_stream(gate, "/containers/x/logs?stdout=1")
                began = time.monotonic()
                gate.process.send_signal(signal.SIGTERM)
                self.assertEqual(gate.wait_exit(), 0)
                self.assertLess(time.monotonic() - began, most)
                stream.to_end()

    def test_idle_connections_do_not_hold_it_up(self):
        gate = self.start_gate(drain="10s")
        idle = [gate.connect() for _ in range(5)]
        for connection in idle[1:]:
            self.assertEqual(connection.ask(get("/info")).status, 200)
        began = time.monotonic()
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.wait_exit(), 0)
        self.assertLess(time.monotonic() - began, 5)

    def test_a_request_under_way_is_finished(self):
        gate = self.start_gate(drain="10s")
        asked, go_on = threading.Event(), threading.Event()

        def serve(connection, _request):
            asked.set()
            go_on.wait(10)
            connection.send(answer(200, b"finished"))

        gate.engine.on("GET", "/info", serve)
        with gate.connect() as connection:
            connection.send(get("/info"))
            self.assertTrue(asked.wait(10))
            gate.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not self.accepts(gate), "the listener to close", gate.process)
            go_on.set()
            self.assertEqual(connection.read_response().body, b"finished")
        self.assertEqual(gate.wait_exit(), 0)

    @staticmethod
    def accepts(gate):
        try:
            gate.connect().close()
            return True
        except OSError:
            return False

    def test_the_socket_goes_with_the_gate(self):
        gate = self.start_gate()
        self.assertEqual(gate.stop(), 0)
        self.assertFalse(os.path.exists(gate.socket_path))

    def test_a_dead_socket_is_replaced_and_a_live_one_is_not(self):
        gate = self.start_gate()
        gate.kill()
        self.assertTrue(os.path.exists(gate.socket_path))
        gate.start()
        self.assertEqual(gate.ask(get("/info")).status, 200)
        first = gate.process
        gate.start(wait=False)
        self.assertNotEqual(gate.wait_exit(), 0)
        gate.process = first
        self.assertEqual(gate.ask(get("/info")).status, 200)

    def test_a_file_in_the_sockets_place_is_left_alone(self):
        gate = self.start_gate()
        gate.stop()
        gate.write(gate.socket_path, "precious")
        gate.start(wait=False)
        self.assertNotEqual(gate.wait_exit(), 0)
        with open(gate.socket_path, encoding="ascii") as stream:
            self.assertEqual(stream.read(), "precious")
        os.unlink(gate.socket_path)
        gate.start()

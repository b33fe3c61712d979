# SPDX-License-Identifier: Apache-2.0
"""A log whose reader stands still: nothing is lost in silence. What has begun finds room for its end, denials are answered only as
fast as they can be recorded, and what was not recorded one by one is counted."""

import fcntl
import json
import os
import resource
import socket
import subprocess
import threading

from harness.case import GateCase
from harness.client import get
from harness.egress import EgressCase, allow, connect
from harness.engine import answer
from harness.gate import clean_environment, wait_for
from harness.origin import Origin, echo

DENY_ALL = "version: 1\ndocker: []\n"


class Unread:
    """Standard output of a gate that was started anew, through a pipe that nobody reads until read_on()."""

    def __init__(self, case, gate, listens=None, pipe=4096):
        gate.stop()
        self.reader, writer = os.pipe()
        self.text = b""
        self.thread = None
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, pipe)
        gate.process = subprocess.Popen([gate.program, *gate.arguments], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=writer,
                                        stderr=subprocess.PIPE)
        os.close(writer)
        self.process = gate.process
        self.said = b""
        self.errors = threading.Thread(target=self.keep_errors)
        self.errors.start()
        case.addCleanup(self.end)
        wait_for(listens or gate.listens, "the socket", gate.process)

    def keep_errors(self):
        self.said = self.process.stderr.read()

    def read_on(self):
        def drain():
            with os.fdopen(self.reader, "rb") as stream:
                while block := stream.read1(65536):
                    self.text += block
        self.thread = threading.Thread(target=drain)
        self.thread.start()

    def end(self):
        """Ends the gate; returns its records."""
        if self.thread is None:
            self.read_on()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        self.thread.join()
        self.errors.join()
        return [json.loads(line) for line in self.text.splitlines()]


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Filling:
    def fill(self, gate, request):
        """Asks, on connections of their own, until answers are refused for want of a reader, or very many wait for it."""
        waiting = 0
        for _ in range(500):
            connection = gate.client() if hasattr(gate, "client") else gate.connect()
            self.addCleanup(connection.close)
            connection.send(request)
            if connection.quiet(0.02):
                waiting += 1
            elif connection.read_response().status == 503:
                return
            if waiting == 80:
                return
        self.fail("the log never filled")


def missing(records):
    """How many numbers are not there."""
    numbers = [record["seq"] for record in records]
    return max(numbers) - len(numbers)


def told(records):
    """Of how many denials the log tells, one by one or as a number."""
    return sum(1 if r["event"] == "request" else r["count"] for r in records if r["event"] in ("request", "suppressed"))


class DockerLog(Filling, GateCase):
    def test_a_flood_of_denials_is_answered_as_it_is_recorded(self):
        gate = self.start_gate(DENY_ALL, log="-", options=["--log-queue", "16k", "--denial-rate", "0"])
        log = Unread(self, gate)
        answered = {403: 0, 503: 0}
        waiting = []
        for _ in range(300):
            connection = gate.connect()
            self.addCleanup(connection.close)
            connection.send(get("/info"))
            if connection.quiet(0.02):
                waiting.append(connection)
            else:
                answered[connection.read_response().status] += 1
        for connection in waiting:  # for a reader that does not come
            answered[connection.read_response().status] += 1
        records = log.end()
        denied = [r for r in records if r["event"] == "request" and r.get("status") == 403]
        self.assertLessEqual(answered[403], len(denied), "answered without a record")
        self.assertEqual(missing(records), sum(r["count"] for r in records if r["event"] == "lost"))
        self.assertEqual(told(records), 300)
        self.assertGreater(300, len(denied))

    def test_what_was_refused_is_counted_though_the_reader_comes_late(self):
        """The gate ends while its queue is full: the count waits until there is room for it."""
        gate = self.start_gate(DENY_ALL, log="-", options=["--log-queue", "4k", "--denial-rate", "0"])
        log = Unread(self, gate)
        for _ in range(2):  # those who waited in vain leave their records, and others come in their place
            crowd = [gate.connect() for _ in range(40)]
            for connection in crowd:
                connection.send(get("/info"))
            answered = [connection.read_response().status for connection in crowd]
        self.assertEqual(answered, 40 * [503])
        gate.process.terminate()
        for connection in crowd:
            self.assertEqual(connection.to_end(), b"")
        self.assertEqual(told(log.end()), 80)

    def test_what_was_lost_is_told(self):
        """A disk that is full for a while: the count comes once there is room, and standard error has it."""
        gate = self.start_gate(DENY_ALL)
        self.assertEqual(gate.ask(get("/info")).status, 403)
        _, hard = resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (os.path.getsize(gate.log_path) + 10, hard))
        for _ in range(5):
            self.assert_message(gate.ask(get("/info")), 503, "log")
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_for(lambda: gate.ask(get("/info")).status == 403, "the log to be written again", gate.process)
        lost = gate.wait_log(event="lost")
        self.assertGreaterEqual(lost[0]["count"], 5)
        self.assertIn("lost", lost[0]["text"])
        gate.stop()
        self.assertEqual(missing(gate.log()), sum(r["count"] for r in gate.log(event="lost")))
        self.assertIn("records of this log could not be written and are lost", gate.stderr())

    def test_requests_under_way_find_room(self):
        """They were let in while the log was empty; all end while nobody reads it."""
        gate = self.start_gate(log="-", options=["--log-queue", "4k", "--upstream-idle", "0"])
        log = Unread(self, gate)
        release = threading.Event()
        held = []

        def serve(connection, _request):
            held.append(connection)
            release.wait(20)
            connection.send(answer(200, b"late"))
            return True

        gate.engine.on("GET", "/info", serve)
        crowd = [gate.connect() for _ in range(200)]
        for connection in crowd:
            connection.send(get("/info"))
        gate.engine.wait(lambda engine: len(held) == 200, "all requests")
        self.fill(gate, get("/containers/json"))
        release.set()
        log.read_on()
        for connection in crowd:
            self.assertIn(connection.read_response().status, (200, 503))
        records = log.end()
        self.assertEqual(missing(records), 0)
        self.assertEqual(len([r for r in records if r["event"] == "request" and r.get("path") == "/info"]), 200)


class TunnelEnds(Filling, EgressCase):
    def test_every_tunnel_that_opened_has_its_close(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), egress=False,
                                 options=["--egress", "127.0.0.1:0", "--log-queue", "16k"])
        gate.arguments[gate.arguments.index("127.0.0.1:0")] = "127.0.0.1:%d" % gate.proxy()
        gate.arguments[gate.arguments.index("--log") + 1] = "-"
        log = Unread(self, gate, lambda: can_connect(gate.proxy()), pipe=16384)
        tunnels = []
        for _ in range(16):
            client = gate.client()
            client.send(connect("127.0.0.1:%d" % target.port))
            self.assertEqual(client.read_head().status, 200)
            self.passes_bytes(client)
            tunnels.append(client)
        self.fill(gate, connect("127.0.0.2:1"))
        before = gate.descriptors()
        for client in tunnels:
            client.close()
        wait_for(lambda: gate.descriptors() <= before - 2 * len(tunnels), "the tunnels to end", gate.process)
        records = log.end()
        self.assertEqual(missing(records), sum(r["count"] for r in records if r["event"] == "lost"))
        opened = {r["id"] for r in records if r["event"] == "open" and r.get("status") == 200}
        closed = {r["id"] for r in records if r["event"] == "close"}
        self.assertEqual(len(opened), 16)
        self.assertEqual(opened - closed, set())

# SPDX-License-Identifier: Apache-2.0
"""Engines that die, logs that cannot be written, descriptors that run out: refused with a reason, and over when the fault is."""

import os
import resource
import select
import subprocess
import threading

from harness.case import GateCase
from harness.client import get, post
from harness.engine import answer
from harness.gate import plain_binary, wait_for


class EngineFaults(GateCase):
    def test_no_engine(self):
        gate = self.start_gate()
        gate.engine.stop()
        self.assert_message(gate.ask(get("/info")), 502, gate.upstream)
        self.assertEqual(gate.requests_logged(path="/info")[-1]["status"], 502)
        os.unlink(gate.upstream)
        self.assert_message(gate.ask(get("/info")), 502, gate.upstream)

    def test_an_engine_that_comes_back(self):
        gate = self.start_gate()
        with gate.connect() as connection:
            self.assertEqual(connection.ask(get("/info")).status, 200)
            gate.engine.stop()
            self.assertEqual(connection.ask(get("/info")).status, 502)
            gate.engine.start()
            self.assertEqual(connection.ask(get("/info")).status, 200)

    def test_an_engine_restarted_between_two_requests_is_not_noticed(self):
        gate = self.start_gate()
        with gate.connect() as connection:
            for _ in range(10):
                self.assertEqual(connection.ask(get("/info")).status, 200)
                gate.engine.stop()
                gate.engine.start()

    def test_a_kept_connection_that_died_does_not_repeat_an_effect(self):
        """A request that may have had its effect is not sent twice."""
        gate = self.start_gate()
        seen = []

        def die(connection, request):
            seen.append(request.line)
            return False

        gate.engine.on("POST", "/containers/x/start", die)
        gate.ask(get("/info"))
        self.assertEqual(gate.ask(post("/containers/x/start")).status, 502)
        self.assertEqual(seen, ["POST /containers/x/start"])

    def test_an_engine_that_dies_mid_stream(self):
        gate = self.start_gate()
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(get("/events"))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        gate.engine.stop()
        self.assertNotIn(b"0\r\n\r\n", stream.to_end(), "a cut stream looks complete")
        gate.wait_log(event="close", path="/events")
        gate.engine.start()
        self.assertEqual(gate.ask(get("/info")).status, 200)

    def test_an_engine_that_dies_in_a_tunnel(self):
        gate = self.start_gate()
        switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        gate.engine.on("POST", "/containers/x/attach", lambda connection, _: (connection.send(switch), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(post("/containers/x/attach", ("Connection", "Upgrade"), ("Upgrade", "tcp")))
        self.assertEqual(stream.read_head().status, 101)
        gate.engine.stop()
        self.assertEqual(stream.to_end(), b"")
        gate.wait_log(event="close", path="/containers/x/attach")

    def test_a_slow_engine_is_waited_for(self):
        gate = self.start_gate(options=["--header-timeout", "1s", "--body-timeout", "1s"])
        released = threading.Event()

        def serve(connection, _request):
            released.wait(10)
            connection.send(answer(200, b"at last"))

        gate.engine.on("POST", "/containers/x/wait", serve)
        with gate.connect() as connection:
            connection.send(post("/containers/x/wait"))
            self.assertTrue(connection.quiet(2.5), "the gate lost patience with the engine")
            released.set()
            self.assertEqual(connection.read_response().body, b"at last")


class LogFaults(GateCase):
    """RLIMIT_FSIZE is a full disk that needs no rights to make: writes beyond it fail."""

    def check_refusals(self, gate):
        def refused():
            response = gate.ask(get("/containers/json"))
            if response.status == 200:
                return None
            self.assert_message(response, 503, "log")
            return response

        wait_for(refused, "a refusal for want of a log", gate.process)
        gate.engine.reset()
        for raw in (get("/containers/json"), post("/containers/x/start")):
            self.assert_message(gate.ask(raw), 503, "log")
        self.assertEqual(gate.engine.lines(), [], "forwarded without a record")

    def test_a_full_disk(self):
        gate = self.start_gate()
        self.assertEqual(gate.ask(get("/info")).status, 200)
        size = os.path.getsize(gate.log_path)
        _, hard = resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (size + 700, hard))
        self.check_refusals(gate)
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_for(lambda: gate.ask(get("/info")).status == 200, "the gate to work again", gate.process)
        for record in gate.log():
            self.assertIn("event", record)

    def test_a_full_file_system(self):
        gate = self.start_gate()
        folder = gate.file("small")
        os.mkdir(folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs", folder], capture_output=True, check=False)
        if mounted.returncode:
            gate.stop()
            gate.arguments[gate.arguments.index("--log") + 1] = "/dev/full"
            gate.start()
            gate.log_path = "/dev/null"
        else:
            self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
            gate.stop()
            gate.log_path = os.path.join(folder, "access.jsonl")
            gate.arguments[gate.arguments.index("--log") + 1] = gate.log_path
            gate.start()
        self.check_refusals(gate)

    def test_a_log_that_cannot_be_opened(self):
        """Fails at the start, with the path, or refuses; never runs without a log."""
        gate = self.start_gate()
        gate.stop()
        folder = gate.file("nowhere")
        gate.write(folder, "a file where a folder should be")
        gate.arguments[gate.arguments.index("--log") + 1] = os.path.join(folder, "access.jsonl")
        gate.start(wait=False)
        self.assertNotEqual(gate.wait_exit(), 0)
        self.assertIn(folder, gate.stderr())

    def test_standard_output_that_nobody_reads(self):
        """A blocked pipe fills a bounded queue, then requests are refused; nothing hangs."""
        gate = self.start_gate(log="-", options=["--log-queue", "4k"])
        gate.stop()
        reader, writer = os.pipe()
        try:
            process = subprocess.Popen([gate.program, *gate.arguments], env=dict(os.environ), stdin=subprocess.DEVNULL, stdout=writer,
                                       stderr=subprocess.DEVNULL)
        finally:
            os.close(writer)
        gate.process = process
        wait_for(gate.listens, "the socket", process)
        refused = None
        for _ in range(2000):  # each held answer keeps its record in the queue until that is full
            connection = gate.connect()
            connection.send(get("/containers/json"))
            if select.select([connection.sock], [], [], 0.05)[0]:
                response = connection.read_response()
                if response.status == 503:
                    refused = response
                    break
        self.assertTrue(refused, "nobody was refused")
        self.assert_message(refused, 503, "log")
        with os.fdopen(reader, "rb") as stream:
            drain = threading.Thread(target=stream.read)
            drain.start()
            wait_for(lambda: gate.ask(get("/containers/json")).status == 200, "the gate to work again", process)
            process.terminate()
            self.assertEqual(process.wait(20), 0)
            drain.join()


class Descriptors(GateCase):
    def test_running_out_of_descriptors(self):
        gate = self.start_gate(program=plain_binary())
        with gate.connect() as connection:
            self.assertEqual(connection.ask(get("/info")).status, 200)
        limit = gate.descriptors() + 20
        _, hard = resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
        crowd = [gate.connect() for _ in range(60)]
        wait_for(lambda: gate.descriptors() >= limit - 4, "the descriptors to run out", gate.process)
        before = self.cpu_ticks(gate)
        self.assertTrue(crowd[-1].quiet(1.0))
        self.assertLess(self.cpu_ticks(gate) - before, 40, "the gate spins on accept()")
        for connection in crowd:
            connection.close()
        wait_for(lambda: gate.ask(get("/info")).status == 200, "the gate to work again", gate.process)

    @staticmethod
    def cpu_ticks(gate):
        with open("/proc/%d/stat" % gate.process.pid, encoding="ascii") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

# SPDX-License-Identifier: Apache-2.0
"""The test cases' common ground. A GateCase starts gates for one test; a SharedGateCase starts one for a whole class, for tables
of rows. In both an engine records what arrives, and at the end there must be no malformed byte, no crash and no leak."""

import os
import resource
import socket
import unittest

from . import client
from .engine import Engine
from .gate import ALLOW_ALL, Gate

BARRIER = client.get("/_ping")
REFUSED = (400, 403, 405, 411, 413, 414, 415, 417, 431, 501, 505)


def check_end(case, gate):
    """The gate ends when it is told to, with 0, and no sanitizer had anything to say."""
    if gate.process and gate.process.poll() is None:
        code = gate.stop()
        case.assertEqual(code, 0, "exit code of the gate; it said:\n" + gate.stderr())
    said = gate.stderr()
    for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        case.assertNotIn(word, said)


def raise_descriptor_limit():
    """To 20,000 where that is allowed; returns what it was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 20000) if hard != resource.RLIM_INFINITY else 20000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return soft, hard


class GateCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.engines = []

    def each(self, rows, check):
        """Calls check with what follows the name of each row; each row is a case of its own in the count."""
        for name, *row in rows:
            with self.subTest(name):
                check(*row)

    def raise_descriptor_limit(self):
        """Until the end of the test, for this process and the gates that it starts."""
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, raise_descriptor_limit())

    def held_port(self):
        """A port of 127.0.0.1 of the kernel's choice, for whoever must be told one. It stays bound until the end of the test, so nobody
        else gets it; a server that sets SO_REUSEADDR may listen there, and until then it refuses connections."""
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]

    def start_engine(self, gate_folder):
        engine = Engine(os.path.join(gate_folder, "engine.sock"))
        self.engines.append(engine)
        self.addCleanup(engine.stop)
        return engine

    def start_gate(self, policy=ALLOW_ALL, preexec=None, **options):
        """A running gate with an engine behind it; gate.engine is that engine."""
        gate = Gate(policy, start=False, **options)
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        self.addCleanup(self.check_gate, gate)
        gate.start(preexec=preexec)
        return gate

    def check_gate(self, gate):
        try:
            check_end(self, gate)
            self.assertEqual(gate.engine.violations, [], "the engine was sent malformed bytes")
        except AssertionError:
            gate.kill()
            raise

    def assert_idle(self, gate, seconds=0.4):
        """The gate does nothing while everybody waits."""
        self.assertLess(gate.stand_still(seconds), 1 / 3, "the gate runs in a circle")

    def assert_message(self, response, status, *parts):
        """A refusal in the form that Docker clients print."""
        self.assertEqual(response.status, status, response)
        self.assertEqual((response.field("Content-Type") or "").split(";")[0], "application/json")
        for part in parts:
            self.assertIn(part, response.message)


class SharedGateCase(GateCase):
    POLICY = ALLOW_ALL
    OPTIONS = {}

    @classmethod
    def setUpClass(cls):
        cls.gate = Gate(cls.POLICY, start=False, **cls.OPTIONS)
        cls.engine = cls.gate.engine = Engine(cls.gate.upstream)
        try:
            cls.gate.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.gate.process and cls.gate.process.poll() is None:
                code = cls.gate.stop()
                if code != 0:
                    raise AssertionError("the gate ended with %d; it said:\n%s" % (code, cls.gate.stderr()))
        finally:
            cls.engine.stop()
            cls.gate.remove()

    def setUp(self):
        super().setUp()
        self.engine.reset()
        self.engine.routes.clear()

    def tearDown(self):
        self.assertEqual(self.engine.violations, [], "the engine was sent malformed bytes")
        self.assertIsNone(self.gate.process.poll(), "the gate ended by itself:\n" + self.gate.stderr())

    def exchange(self, raw, method=None, closes=False):
        """Sends raw bytes on a connection of their own and returns the response. A request on another connection follows, so that
        whatever the first one let loose has reached the engine before anybody looks. With closes the gate must hang up."""
        self.engine.reset()
        with self.gate.connect() as connection:
            response = connection.ask(raw, method)
            if closes:
                self.assertTrue(connection.ended(), "the gate sends more")
        self.barrier()
        return response

    def barrier(self):
        self.gate.ask(BARRIER)

    def refused(self, raw, statuses, method=None):
        """The request is refused with one of the statuses and the engine never hears of it."""
        response = self.exchange(raw, method)
        self.assertIn(response.status, statuses, response)
        self.assertEqual(self.engine.lines(), [], "reached the engine")
        self.assertEqual([r.line for r in self.engine.heads if not r.path.endswith("/_ping")], [], "its head reached the engine")
        if response.body:
            self.assertTrue(response.message)
        return response

    def passes(self, raw, line=None, method=None):
        """The request is answered by the engine, which saw exactly one request (that request line, when given)."""
        response = self.exchange(raw, method)
        self.assertEqual(response.status, 200, response)
        seen = [r for r in self.engine.requests if r.target != "/_ping" or line == r.line]
        if line == "GET /_ping":
            seen = seen[:1]
        self.assertEqual(len(seen), 1, self.engine.requests)
        if line is not None:
            self.assertEqual(seen[0].line, line)
        return seen[0]

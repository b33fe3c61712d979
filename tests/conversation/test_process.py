# SPDX-License-Identifier: Apache-2.0
"""The gate as a process of the system: what it may still do once it serves, and sockets that another process opened for it."""

import os
import socket
import unittest

from harness.case import GateCase
from harness.client import get, post
from harness.gate import Gate, plain_binary

NOBODY = 65534
SHELL = 'LISTEN_PID=$$ exec "$0" "$@" 3<&0 0</dev/null'


@unittest.skipUnless(os.getuid() == 0, "needs root")
class Rights(GateCase):
    def check(self, gate, wanted):
        """What holds for every thread: the kernel keeps rights by thread. Sanitizers need more than the filter lets through, so
        this is the plain build."""
        for status in gate.status():
            self.assertEqual({name: status[name] for name in wanted}, wanted)
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"):
                self.assertEqual(int(status[name], 16), 0, "%s of thread %s" % (name, status["Pid"]))

    def test_another_user(self):
        gate = Gate(start=False, program=plain_binary(), options=["--user", "%d:%d" % (NOBODY, NOBODY)])
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        self.addCleanup(self.check_gate, gate)
        os.chmod(gate.folder, 0o755)
        for name in ("run", "log", "state"):
            os.chown(gate.file(name), NOBODY, NOBODY)
        gate.start()
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.check(gate, {"Uid": "\t".join([str(NOBODY)] * 4), "Gid": "\t".join([str(NOBODY)] * 4), "NoNewPrivs": "1", "Seccomp": "2"})
        self.assertEqual(gate.ask(post("/containers/x/start")).status, 200)
        self.assertEqual(gate.reload("version: 1\n")["event"], "policy")  # it still reads its policy
        self.assertEqual(gate.ask(get("/containers/json")).status, 403)

    def test_root_without_its_powers(self):
        gate = self.start_gate(program=plain_binary())
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.check(gate, {"Uid": "\t".join(["0"] * 4), "NoNewPrivs": "1", "Seccomp": "2"})

    def test_without_the_filter_when_told_so(self):
        gate = self.start_gate(program=plain_binary(), options=["--no-seccomp"])
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.check(gate, {"Seccomp": "0"})


class Activation(GateCase):
    """The protocol of sd_listen_fds(3), spoken by a shell that hands over its standard input as descriptor 3."""

    POLICY = "version: 1\ndocker:\n  - allow: ContainerList\nclients:\n  ops:\n    listen: unix:@FOLDER@/run/ops/docker.sock\n    docker:\n      - allow: SystemInfo\n"

    def activate(self, listener, policy=POLICY, script=SHELL, **environment):
        """A gate that is handed the listener and opens none itself."""
        gate = Gate(policy, start=False, unix=False, environment=dict({"LISTEN_FDS": "1"}, **environment))
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        gate.program, gate.arguments = "/bin/sh", ["-c", script, gate.program, *gate.arguments]
        gate.listener = listener
        return gate

    def listen(self, family=socket.AF_INET):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        return listener

    def statuses(self, listener):
        found = []
        for target in ("/containers/json", "/info", "/images/json"):
            with socket.create_connection(listener.getsockname(), 10) as sock:
                sock.sendall(get(target, ("Connection", "close")))
                found.append(int(sock.makefile("rb").readline().split()[1]))
        return found

    def test_the_name_of_the_socket_is_the_client(self):
        def check(environment, statuses):
            with self.listen() as listener:
                gate = self.activate(listener, **environment)
                self.addCleanup(self.check_gate, gate)
                gate.start(stdin=listener)
                self.assertEqual(self.statuses(listener), statuses)

        self.each([
            ("default", {"LISTEN_FDNAMES": "default"}, [200, 403, 403]),
            ("another client", {"LISTEN_FDNAMES": "ops"}, [200, 200, 403]),
            ("no name", {}, [200, 403, 403]),
        ], check)

    def test_a_client_that_came_before_the_gate(self):
        with self.listen() as listener, socket.create_connection(listener.getsockname(), 10) as early:
            early.sendall(get("/containers/json"))
            gate = self.activate(listener, LISTEN_FDNAMES="default")
            self.addCleanup(self.check_gate, gate)
            gate.start(stdin=listener)
            self.assertIn(b" 200 ", early.recv(65536).split(b"\r\n")[0])

    def test_a_handed_over_socket_outlives_a_new_policy(self):
        with self.listen() as listener:
            gate = self.activate(listener, LISTEN_FDNAMES="default")
            self.addCleanup(self.check_gate, gate)
            gate.start(stdin=listener)
            gate.reload("version: 1\ndocker:\n  - allow: SystemInfo\n")
            self.assertEqual(self.statuses(listener), [403, 200, 403])

    def test_what_cannot_be_served_ends_the_start(self):
        def check(environment, script, word):
            with self.listen() as listener:
                gate = self.activate(listener, script=script, **environment)
                with self.assertRaisesRegex(AssertionError, "ended with 2"):
                    gate.start(stdin=listener)
                self.assertIn(word, gate.stderr())

        self.each([
            ("more sockets than came", {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "default:ops"}, SHELL, "descriptor 4"),
            ("fewer names", {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "default"}, SHELL.replace("3<&0", "3<&0 4<&0"), "fewer names"),
            ("more names", {"LISTEN_FDNAMES": "default:ops"}, SHELL, "more names"),
            ("no listener", {}, SHELL.replace("3<&0", "3</dev/null"), "not a listening stream socket"),
            ("no number", {"LISTEN_FDS": "one"}, SHELL, "must be numbers"),
        ], check)

    def test_sockets_meant_for_another_process_are_not_taken(self):
        with self.listen() as listener:
            gate = self.activate(listener, script=SHELL.replace("$$", "1"), LISTEN_FDNAMES="default")
            gate.start(stdin=listener)
            with socket.create_connection(listener.getsockname(), 10) as sock:
                sock.sendall(get("/containers/json"))
                sock.settimeout(0.3)
                with self.assertRaises(TimeoutError):
                    sock.recv(100)
            gate.kill()

    def test_no_gate_serves_nobody(self):
        """The variables of another process leave this one without a socket of its own: that is no reason to say it is ready."""
        with self.listen() as listener:
            gate = self.activate(listener, policy="version: 1\n", script=SHELL.replace("$$", "1"))
            with self.assertRaisesRegex(AssertionError, "ended with 2"):
                gate.start(stdin=listener)
            self.assertIn("listen", gate.stderr())

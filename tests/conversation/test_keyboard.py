# SPDX-License-Identifier: Apache-2.0
"""The person at the keyboard: how wide a help is, when there is colour, what an address in use is called."""

import os
import pty
import select
import socket
import subprocess
import unittest

from harness import wire
from harness.case import GateCase
from harness.edit import EditCase
from harness.gate import binary, clean_environment, run

POLICY = "version: 1\ndocker:\n  - allow: SystemPing\n"


class Keyboard(GateCase):
    def help_of(self, *words, **environment):
        return subprocess.run([binary(), *words, "--help"], capture_output=True, env=dict(os.environ, **environment), timeout=30, check=True).stdout.decode()

    def test_a_help_is_as_wide_as_the_terminal(self):
        for words in (["serve"], ["policy", "allow"], ["policy", "log"]):
            for columns in (100, 80):
                with self.subTest(" ".join(words), columns=columns):
                    body = self.help_of(*words, COLUMNS=str(columns)).split("\nExamples:")[0]
                    self.assertLessEqual(max(map(len, body.splitlines())), columns)

    def on_terminal(self, *words, **environment):
        """What a command writes to a terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(binary(), [binary(), *words], clean_environment(environment))
        said = b""
        try:
            while select.select([terminal], [], [], wire.DEADLINE)[0]:
                more = os.read(terminal, 65536)
                if not more:
                    break
                said += more
        except OSError:
            pass  # the command has ended
        finally:
            os.close(terminal)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        return said

    def test_no_colour_on_a_terminal_that_has_none(self):
        gate = self.start_gate(POLICY + "  - deny: ContainerExec\n")
        for name, environment, coloured in (("a usual one", {"TERM": "xterm"}, True), ("a dumb one", {"TERM": "dumb"}, False),
                                            ("not wanted", {"TERM": "xterm", "NO_COLOR": "1"}, False)):
            with self.subTest(name):
                said = self.on_terminal("policy", "ls", "--config", gate.policy_path, **environment)
                self.assertIn(b"ContainerExec", said)
                self.assertEqual(b"\x1b" in said, coloured)

    def test_an_address_in_use_is_a_conflict(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            gate = self.start_gate(POLICY)
            address = "tcp:127.0.0.1:%d" % taken.getsockname()[1]
            done = run("serve", "--config", gate.policy_path, "--listen", address, "--log", gate.file("other.jsonl"), "--state", gate.file("other"),
                       "--no-seccomp")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(address.split(":", 1)[1], done.stderr)


class Addresses(EditCase):
    def test_one_command_admits_a_private_address(self):
        self.policy('version: 1\nnetwork:\n  - allow: "db.lan:5432"\n')
        for name, told in (("x.lan", True), ("db", True), ("a.db.internal", True), ("db.example.org", False), ("localhost", False), ("10.0.0.5", False)):
            fix = self.json("check", "network", name + ":5432", code=6)["fix"]
            self.assertEqual("--address ADDRESS" in fix, told, "a name that is denied is not looked up: " + fix)
        denied = self.json("check", "network", "db.lan:5432", "--address", "10.0.0.5", code=6)
        self.assertIn("--address 10.0.0.5", denied["fix"])
        self.do("allow", "network", "db.lan:5432", "--address", "10.0.0.0/8")
        self.do("check", "network", "db.lan:5432", "--address", "10.0.0.5")
        self.do("check", "network", "db.lan:5432", "--address", "192.168.0.5", code=6)


if __name__ == "__main__":
    unittest.main()

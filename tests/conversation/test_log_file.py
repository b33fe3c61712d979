# SPDX-License-Identifier: Apache-2.0
"""Whose file the log is: what somebody else made, can write or can replace is refused at the start, and a file that is taken away
while the gate runs is noticed."""

import json
import os
import shutil

from harness.case import GateCase
from harness.client import get
from harness.gate import wait_for


class Start(GateCase):
    def gate(self):
        gate = self.start_gate()
        gate.stop()
        os.unlink(gate.log_path)
        return gate

    def refused(self, gate, *said):
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 1)
        told = gate.stderr().splitlines()[-1]
        for part in said:
            self.assertIn(part, told)

    def log_to(self, gate, path):
        gate.arguments[gate.arguments.index("--log") + 1] = path

    def test_a_file_that_another_user_made(self):
        gate = self.gate()
        gate.write(gate.log_path, "")
        os.chown(gate.log_path, 65534, 65534)
        self.refused(gate, "access.jsonl", "belongs to user 65534")

    def test_a_file_that_others_can_write(self):
        gate = self.gate()
        gate.write(gate.log_path, "")
        for mode in (0o666, 0o660):
            os.chmod(gate.log_path, mode)
            self.refused(gate, "access.jsonl", "mode 0%o" % mode)

    def test_a_folder_that_others_can_write(self):
        gate = self.gate()
        folder = os.path.dirname(gate.log_path)
        for mode in (0o777, 0o775):
            os.chmod(folder, mode)
            self.refused(gate, "log's folder", "mode 0%o" % mode)
        os.chmod(folder, 0o755)
        os.chown(folder, 65534, -1)
        self.refused(gate, "log's folder", "belongs to user 65534")
        self.assertFalse(os.path.exists(gate.log_path))

    def test_a_folder_above_that_everybody_can_write(self):
        gate = self.gate()
        os.makedirs(gate.file("open", "log"), 0o755)
        self.log_to(gate, gate.file("open", "log", "access.jsonl"))
        os.chmod(gate.file("open"), 0o777)
        self.refused(gate, "open` has mode 0777")
        os.chmod(gate.file("open"), 0o775)
        gate.log_path = gate.file("open", "log", "access.jsonl")
        gate.start()

    def test_a_sticky_folder_is_good_for_ones_own_file(self):
        gate = self.gate()
        os.chmod(os.path.dirname(gate.log_path), 0o1777)
        gate.start()
        gate.stop()
        os.chown(gate.log_path, 65534, 65534)
        self.refused(gate, "mode 1777")

    def test_a_link_of_somebody_else_makes_no_file(self):
        gate = self.gate()
        os.makedirs(gate.file("open"), 0o755)
        os.chmod(gate.file("open"), 0o777)
        os.symlink(gate.file("open", "made"), gate.log_path)
        self.refused(gate, "open` has mode 0777")
        self.assertFalse(os.path.exists(gate.file("open", "made")))

    def test_a_pipe_that_others_can_write(self):
        gate = self.gate()
        os.mkfifo(gate.log_path)
        os.chmod(gate.log_path, 0o666)
        reader = os.open(gate.log_path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.refused(gate, "mode 0666")
        os.chmod(gate.log_path, 0o600)
        gate.log_path = gate.file("none")
        gate.start()
        os.set_blocking(reader, True)
        self.assertIn(b'"event":"start"', os.read(reader, 65536))

    def test_devices_and_own_descriptors_are_fine(self):
        gate = self.gate()
        for path in ("/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"):
            with self.subTest(path):
                self.log_to(gate, path)
                gate.start()
                self.assertEqual(gate.ask(get("/containers/json")).status, 200)
                self.assertEqual(gate.stop(), 0)

    def test_what_waits_under_the_name_of_the_next_file_is_not_written(self):
        gate = self.start_gate(options=("--log-max-size", "4k", "--log-keep", "1"))
        gate.write(gate.log_path + ".new", "")
        os.chown(gate.log_path + ".new", 65534, 65534)
        with open(gate.log_path + ".new", encoding="utf-8") as theirs:
            with gate.connect() as connection:
                for _ in range(40):
                    connection.ask(get("/containers/json"))
            wait_for(lambda: os.path.exists(gate.log_path + ".1"), "a new file", gate.process)
            self.assertEqual(theirs.read(), "")
        self.assertEqual(os.stat(gate.log_path).st_uid, 0)


class Running(GateCase):
    def reopened(self, gate, how):
        record = gate.wait_log(event="start", reason="note.log-reopened")[0]
        self.assertIn(how, record["text"])
        self.assertIn("opened anew", gate.stderr())
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.assertEqual(gate.wait_log(operation="ContainerList")[-1]["status"], 200)

    def test_a_file_that_was_removed(self):
        gate = self.start_gate()
        os.unlink(gate.log_path)
        self.reopened(gate, "removed")

    def test_a_file_that_was_renamed_without_a_signal(self):
        gate = self.start_gate()
        os.rename(gate.log_path, gate.log_path + ".old")
        self.reopened(gate, "renamed")
        numbers = []
        for path in (gate.log_path + ".old", gate.log_path):
            with open(path, encoding="utf-8") as stream:
                numbers += [json.loads(line)["seq"] for line in stream]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)), "no record is lost")

    def test_a_file_that_was_replaced(self):
        gate = self.start_gate()
        gate.write(gate.log_path + ".mine", "")
        os.rename(gate.log_path + ".mine", gate.log_path)
        self.reopened(gate, "removed")

    def test_requests_are_refused_where_it_cannot_be_opened(self):
        gate = self.start_gate()
        folder = os.path.dirname(gate.log_path)
        for name, take, give in (
                ("the folder is gone", lambda: shutil.rmtree(folder), lambda: os.mkdir(folder, 0o755)),
                ("another's file", lambda: (gate.write(gate.log_path + ".x", ""), os.chown(gate.log_path + ".x", 65534, 65534),
                                            os.rename(gate.log_path + ".x", gate.log_path)), lambda: os.unlink(gate.log_path)),
                ("others can write the folder", lambda: (os.unlink(gate.log_path), os.chmod(folder, 0o777)), lambda: os.chmod(folder, 0o755))):
            with self.subTest(name):
                take()
                wait_for(lambda: gate.ask(get("/containers/json")).status == 503, "requests to be refused", gate.process)
                give()
                wait_for(lambda: gate.ask(get("/containers/json")).status == 200, "requests to be served again", gate.process)
        self.assertIn("requests are refused until it can", gate.stderr())
        self.assertIn("can be written again", gate.stderr())

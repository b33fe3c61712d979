# SPDX-License-Identifier: Apache-2.0
"""The log's files: bounded in size and number, and without a hole wherever one file ends and the next begins."""

import json
import os
import signal
import stat
import threading

from harness.case import GateCase
from harness.client import get
from harness.gate import run, wait_for

SMALL = ["--log-max-size", "4k", "--log-keep", "2"]


class Rotation(GateCase):
    def paths(self, gate):
        """The log's files that exist, oldest first."""
        names = [name for name in os.listdir(os.path.dirname(gate.log_path)) if name.startswith("access.jsonl")]
        names.sort(key=lambda name: -int(name.rsplit(".", 1)[1]) if name != "access.jsonl" else 1)
        return [os.path.join(os.path.dirname(gate.log_path), name) for name in names]

    def records(self, gate):
        """All records in the order of the files."""
        found = []
        for path in self.paths(gate):
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            self.assertTrue(text.endswith("\n") or not text, path)
            found += [json.loads(line) for line in text.splitlines()]
        return found

    def assert_no_gap(self, records):
        numbers = [record["seq"] for record in records]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def read_by_command(self, gate):
        done = run("policy", "log", "--log", gate.log_path, "--limit", "0", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def fill(self, gate, count):
        with gate.connect() as connection:
            for number in range(count):
                self.assertEqual(connection.ask(get("/containers/c%d/json" % number)).status, 200)

    def test_files_are_bounded_in_size_and_number(self):
        gate = self.start_gate(options=SMALL)
        self.fill(gate, 120)
        paths = self.paths(gate)
        self.assertEqual([os.path.basename(path) for path in paths], ["access.jsonl.2", "access.jsonl.1", "access.jsonl"])
        for path in paths:
            self.assertLessEqual(os.path.getsize(path), 4096)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o037, 0)
        for path in paths[:2]:
            self.assertGreater(os.path.getsize(path), 2048, "a file was given up early")
        records = self.records(gate)
        self.assert_no_gap(records)
        self.assertEqual(records[-1]["path"], "/containers/c119/json")
        self.assertGreater(records[0]["seq"], 1)

    def test_nothing_is_lost_while_there_are_files_enough(self):
        gate = self.start_gate(options=["--log-max-size", "4k", "--log-keep", "100"])
        workers = [threading.Thread(target=self.fill, args=(gate, 30)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(gate.stop(), 0)
        records = self.records(gate)
        self.assertGreater(len(self.paths(gate)), 4)
        self.assert_no_gap(records)
        self.assertEqual(records[0]["seq"], 1)
        self.assertEqual(records[-1]["event"], "stop")
        self.assertEqual(len([r for r in records if r["event"] == "request"]), 120)

    def test_the_command_reads_all_files_in_order(self):
        gate = self.start_gate(options=SMALL)
        self.fill(gate, 60)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.read_by_command(gate), self.records(gate))

    def test_numbers_go_on_over_a_new_start(self):
        gate = self.start_gate(options=SMALL)
        self.fill(gate, 15)
        self.assertEqual(gate.stop(), 0)
        size = os.path.getsize(gate.log_path)
        gate.start()
        self.fill(gate, 30)
        for path in self.paths(gate):
            self.assertLessEqual(os.path.getsize(path), 4096)
        self.assertGreater(size, 0)

    def test_fewer_kept_files_remove_the_others(self):
        gate = self.start_gate(options=["--log-max-size", "4k", "--log-keep", "6"])
        self.fill(gate, 120)
        self.assertEqual(len(self.paths(gate)), 7)
        self.assertEqual(gate.stop(), 0)
        gate.arguments[gate.arguments.index("--log-keep") + 1] = "1"
        gate.start()
        self.fill(gate, 20)
        self.assertEqual(len(self.paths(gate)), 2)

    def test_a_rename_and_sigusr1_under_load(self):
        """What logrotate does: every answered request stands in one of the files, and no number is missing between them."""
        gate = self.start_gate()
        asked, over = [], threading.Event()

        def work():
            with gate.connect() as connection:
                while not over.is_set():
                    self.assertEqual(connection.ask(get("/containers/c%d/json" % len(asked))).status, 200)
                    asked.append("/containers/c%d/json" % len(asked))

        worker = threading.Thread(target=work)
        worker.start()
        try:
            for number in (3, 2, 1):
                seen = len(asked)
                wait_for(lambda: len(asked) > seen + 20, "some requests", gate.process)
                os.rename(gate.log_path, gate.log_path + ".%d" % number)
                gate.process.send_signal(signal.SIGUSR1)
                wait_for(lambda: os.path.exists(gate.log_path), "a new log file", gate.process)
            seen = len(asked)
            wait_for(lambda: len(asked) > seen + 20, "some requests", gate.process)
        finally:
            over.set()
            worker.join()
        self.assertEqual(gate.stop(), 0)
        records = self.records(gate)
        self.assertEqual(len(self.paths(gate)), 4)
        self.assert_no_gap(records)
        self.assertEqual([r["path"] for r in records if r["event"] == "request"], asked)
        self.assertEqual(self.read_by_command(gate), records)

    def test_a_file_opened_again_is_measured_anew(self):
        gate = self.start_gate(options=SMALL)
        self.fill(gate, 4)
        os.rename(gate.log_path, gate.log_path + ".away")
        gate.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(gate.log_path), "a new log file", gate.process)
        self.fill(gate, 4)
        os.unlink(gate.log_path + ".away")
        self.assertEqual([os.path.basename(path) for path in self.paths(gate)], ["access.jsonl"])

# SPDX-License-Identifier: Apache-2.0
"""A log on standard input: what `docker logs`, `docker logs -t` and `docker compose logs` give, for every view of it; and what is said
where a gate's log goes to standard output."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import wire
from harness.gate import binary, clean_environment, run


def record(second, operation, decision="allow", **more):
    return json.dumps({"ts": "2026-11-20T10:00:%02d.000000Z" % second, "id": "a-%d" % second, "seq": second + 1, "event": "request", "kind": "docker",
                       "client": "ci", "via": "docker", "operation": operation, "method": "GET", "decision": decision, "rule": "r", "source": "p:1",
                       "reason": "rule", "status": 200, **more}, separators=(",", ":"))


RECORDS = [record(0, "ImageList"), record(1, "ContainerExec", "deny"), record(2, "SystemInfo", path="/info?x={\"ts\":\"")]
PREFIXES = {"none": "%s\n", "compose 1": "gate_1  | %s\n", "compose 2": "gate-1  | %s\n", "coloured": "\x1b[36mgate-1  | \x1b[0m%s\n",
            "a time": "2026-11-20T10:00:00.123456789Z %s\n", "both": "gate-1  | 2026-11-20T10:00:00.123456789Z %s\n", "of a terminal": "%s\r\n"}


def ask(*words, stdin="", environment=None):
    return subprocess.run([binary(), *words], input=stdin, env=clean_environment(environment), capture_output=True, text=True,
                          timeout=wire.DEADLINE * 2, check=False)


class StandardInput(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "access.jsonl")
        with open(self.path, "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in RECORDS))

    def views(self):
        for words in ([], ["--denied"], ["--json"], ["--json", "-n", "1"], ["--since", "2026-11-20T10:00:01"], ["-q"], ["--summary"],
                      ["--summary", "--json"], ["--format", "table"], ["--summary", "--format", "table"], ["--operation", "@exec"]):
            yield ["policy", "log", *words]
        yield ["policy", "suggest"]

    def test_every_view_is_that_of_the_file(self):
        for words in self.views():
            of_file = run(*words, "--log", self.path)
            for name, prefix in PREFIXES.items():
                with self.subTest(" ".join(words) + ", " + name):
                    done = ask(*words, "--log", "-", stdin="".join(prefix % line for line in RECORDS))
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (of_file.returncode, of_file.stdout, of_file.stderr))
                    self.assertNotEqual(done.stdout, "")

    def test_a_file_as_standard_input(self):
        with open(self.path, encoding="utf-8") as log:
            done = run("policy", "log", "--log", "-", "--json", stdin=log)
        self.assertEqual(done.stdout.splitlines(), RECORDS)

    def test_a_file_that_compose_wrote(self):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write("".join("gate-1  | %s\n" % line for line in RECORDS))
        self.assertEqual(run("policy", "log", "--log", self.path, "--json").stdout.splitlines(), RECORDS)

    def test_the_page(self):
        done = ask("policy", "log", "--log", "-", "--html", "-", stdin="".join("gate-1  | %s\n" % line for line in RECORDS))
        self.assertIn("<code>standard input</code>", done.stdout)
        self.assertIn("ContainerExec", done.stdout)

    def test_lines_of_others_are_left_out_and_counted(self):
        done = ask("policy", "log", "--log", "-", "--json", stdin="db-1  | ready\ngate-1  | %s\nweb | {\"a\":1}x\n" % RECORDS[0])
        self.assertEqual(done.stdout, RECORDS[0] + "\n")
        self.assertIn("2 lines of the log could not be read", done.stderr)

    def test_following_shows_each_line_when_it_comes(self):
        with subprocess.Popen([binary(), "policy", "log", "--log", "-", "--follow", "--json", "--denied"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=clean_environment()) as process:
            for line in RECORDS:
                process.stdin.write(b"gate-1  | " + line.encode() + b"\n")
                process.stdin.flush()
                if "ContainerExec" in line:
                    self.assertEqual(process.stdout.readline().decode(), line + "\n")
            process.stdin.close()
            self.assertEqual(process.stdout.read(), b"")
            self.assertEqual(process.wait(), 0)

    def test_a_long_log(self):
        lines = [record(number % 60, "ImageList", number=number) for number in range(20000)]
        done = ask("policy", "log", "--log", "-", "--json", "-n", "3", stdin="".join("gate_1 | %s\n" % line for line in lines),
                   environment={"TMPDIR": "/no/such/folder"})
        self.assertEqual(done.stdout.splitlines(), lines[-3:])

    def test_a_sealed_log_is_verified(self):
        done = ask("policy", "log", "--log", "-", "--verify", stdin="".join("gate-1  | %s\n" % line for line in RECORDS))
        self.assertEqual((done.returncode, "not sealed" in done.stdout), (2, True))
        done = ask("policy", "log", "--log", "-", "--verify", "--key", "-", stdin="x")
        self.assertEqual((done.returncode, "both the log and the key" in done.stderr), (2, True))

    def test_where_the_log_goes_to_standard_output_the_line_to_paste_is_named(self):
        for words in (["policy", "log"], ["policy", "log", "--summary"], ["policy", "suggest"]):
            with self.subTest(" ".join(words)):
                done = run(*words, environment={"DOCKREEVE_LOG": "-"})
                self.assertEqual(done.returncode, 3)
                self.assertIn("docker logs CONTAINER | dockreeve %s --log -" % " ".join(words[:2]), done.stderr)
        done = ask("policy", "log", "--log", "-")
        self.assertEqual((done.returncode, "docker logs CONTAINER | dockreeve policy log --log -" in done.stderr), (3, True))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What holds for every command alike: help with examples, typos that are answered, and what becomes of output that nobody takes."""

import os
import re
import subprocess

from harness.edit import EditCase
from harness.gate import binary, clean_environment, run

LOGGED = ('{"ts":"2026-01-02T03:04:05.000006Z","id":"a","seq":1,"event":"request","kind":"network","client":"default","via":"forward",'
          '"host":"api.example.com","port":443,"decision":"allow","rule":"x","source":"policy.yaml:3","reason":"rule"}\n')
POLICY = 'version: 1\nnetwork:\n  - {allow: api.example.com, name: the-api}\n'
# The command, and words with which it prints something; None = it needs a gate, or prints nothing. FOLDER stands for a folder with a policy,
# a log, requests with verdicts, and another program's list.
ROWS = (
    ("serve", None),
    ("policy set-default", "deny-all --config FOLDER/policy.yaml"),
    ("policy init", "balanced --config FOLDER/policy.yaml"),
    ("policy allow", "network b.example.com --config FOLDER/policy.yaml"),
    ("policy deny", "docker @exec --config FOLDER/policy.yaml"),
    ("policy rm", "network old.example.com --config FOLDER/policy.yaml"),
    ("policy reset", "--force --config FOLDER/policy.yaml"),
    ("policy validate", "--config FOLDER/policy.yaml"),
    ("policy ls", "--config FOLDER/policy.yaml"),
    ("policy inspect", "the-api --config FOLDER/policy.yaml"),
    ("policy schema", ""),
    ("policy check", "network api.example.com --config FOLDER/policy.yaml"),
    ("policy explain", "network api.example.com --config FOLDER/policy.yaml"),
    ("policy test", "FOLDER/requests.yaml --config FOLDER/policy.yaml"),
    ("policy import", "FOLDER/list.txt --from hosts"),
    ("policy log", "--log FOLDER/access.jsonl"),
    ("policy status", None),
    ("policy reload", None),
    ("policy suggest", "--log FOLDER/access.jsonl --config FOLDER/policy.yaml"),
    ("healthcheck", None),
    ("doctor", "--config FOLDER/policy.yaml"),
    ("version", ""),
    ("completion", "bash"),
)


class EveryCommand(EditCase):
    def setUp(self):
        super().setUp()
        self.policy(POLICY)
        self.write(self.cli, "version: 1\nnetwork:\n  - allow: old.example.com\n")
        self.write(self.file("access.jsonl"), LOGGED)
        self.write(self.file("requests.yaml"), "tests:\n  - network: api.example.com:443\n    expect: allow\n")
        self.write(self.file("list.txt"), "0.0.0.0 bad.example.com\n")

    def words(self, command, more):
        return command.split() + more.replace("FOLDER", self.folder).split()

    def runs(self):
        """Command, and words that print: its help, and what it does."""
        for command, more in ROWS:
            yield command, command.split() + ["--help"]
            if more is not None:
                yield command, self.words(command, more)
        for other in (["help"], ["--help"], ["policy", "--help"], ["--version"]):
            yield other[0], other

    def into(self, words, output):
        return subprocess.run([binary(), *words], stdout=output, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
                              env=clean_environment())

    def test_the_rows_are_all_commands(self):
        listed = re.findall(r"^  (\S+(?: \S+)?)  ", run("help").stdout, re.MULTILINE)
        self.assertEqual([row[0] for row in ROWS], listed)

    def test_the_rows_print(self):
        for command, words in self.runs():
            with self.subTest(" ".join(words)):
                done = run(*words)
                self.assertTrue(done.stdout, done.stderr)
                self.assertEqual(done.returncode, 0 if command != "doctor" else done.returncode, done.stderr)
                self.write(self.cli, "version: 1\nnetwork:\n  - allow: old.example.com\n")

    def test_help_has_examples(self):
        for command, _ in ROWS:
            with self.subTest(command):
                for asking in (["--help"], ["-h"], ["--nonsense", "--help"]):
                    done = run(*command.split(), *asking)
                    if asking != ["-h"] or "-h, --help" in done.stdout:
                        self.assertEqual((done.returncode, done.stderr), (0, ""))
                        self.assertIn("dockreeve " + command, done.stdout.partition("\nExamples:\n")[2])
                self.assertEqual(run("help", *command.split()).stdout, run(*command.split(), "--help").stdout)

    def test_typos_in_options_are_answered(self):
        for command, _ in ROWS:
            names = re.findall(r"^ .*--([a-z-]+)", run(*command.split(), "--help").stdout.partition("Options:")[2].partition("Examples:")[0], re.MULTILINE)
            self.assertIn("help", names)
            for name in names:
                typo = "--" + name + "q"
                with self.subTest(command + " " + typo):
                    done = run(*command.split(), typo)
                    self.assertEqual((done.returncode, done.stdout), (2, ""))
                    self.assertIn("unknown option `%s`; did you mean --%s?\n" % (typo, name), done.stderr)

    def test_typos_in_commands_are_answered(self):
        for command, _ in ROWS:
            words = command.split()
            words[-1] += "q"
            with self.subTest(words):
                done = run(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("did you mean `dockreeve %s`?" % command, done.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for _, words in self.runs():
            with self.subTest(" ".join(words)), open("/dev/full", "w", encoding="ascii") as full:
                self.write(self.cli, "version: 1\nnetwork:\n  - allow: old.example.com\n")
                done = self.into(words, full)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("cannot write", done.stderr)

    def test_a_reader_that_has_gone_is_no_error(self):
        for _, words in self.runs():
            with self.subTest(" ".join(words)):
                self.write(self.cli, "version: 1\nnetwork:\n  - allow: old.example.com\n")
                reading, writing = os.pipe()
                os.close(reading)
                done = self.into(words, writing)
                os.close(writing)
                self.assertIn(done.returncode, (-13, 0), done.stderr)  # SIGPIPE, as other programs have it
                self.assertNotIn("cannot write", done.stderr)

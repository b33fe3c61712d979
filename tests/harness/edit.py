# SPDX-License-Identifier: Apache-2.0
"""A folder with a policy in it and the commands that edit it."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from .gate import binary, clean_environment, run

CLI = os.path.join("policy.d", "90-cli.yaml")
LOCK = ".90-cli.lock"
HEADER = "# Written by `dockreeve policy`"


class EditCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-edit-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.path = self.file("policy.yaml")
        self.cli = self.file(CLI)
        self.policy("version: 1\n")

    def file(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, 0o644)

    def policy(self, text):
        self.write(self.path, text)

    def store(self):
        """The text of 90-cli.yaml behind its first line; None without the file."""
        try:
            with open(self.cli, encoding="utf-8") as stream:
                first, _, rest = stream.read().partition("\n")
        except FileNotFoundError:
            return None
        self.assertTrue(first.startswith(HEADER), first)
        return rest

    def drop_ins(self):
        """What stands in policy.d, but for the lock, which stays there."""
        return sorted(name for name in os.listdir(self.file("policy.d")) if name != LOCK)

    def do(self, *words, code=0):
        """Runs `dockreeve policy WORDS`. The result's `said` is both streams, with the folder's name left out."""
        done = run("policy", *words, "--config", self.path)
        done.said = (done.stdout + done.stderr).replace(self.folder + "/", "")
        self.assertEqual(done.returncode, code, "%r: %s" % (words, done.said))
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            self.assertNotIn(word, done.said)
        return done

    def as_nobody(self, *words):
        """The same as a user without any right. The program is copied: the checkout may be where only its owner may look."""
        program = tempfile.mkdtemp(prefix="dockreeve-program-")
        self.addCleanup(shutil.rmtree, program, ignore_errors=True)
        os.chmod(program, 0o755)
        program = shutil.copy(binary(), os.path.join(program, "dockreeve"))
        return subprocess.run([program, "policy", *words, "--config", self.path], env=clean_environment(), user=65534, group=65534,
                              extra_groups=[], cwd="/", capture_output=True, text=True, timeout=60, check=False)

    def json(self, *words, code=0):
        return json.loads(self.do(*words, "--json", code=code).stdout)

    def rules(self, **wanted):
        """What `ls` has of 90-cli.yaml."""
        rows = [row for row in self.json("ls") if row["source"].startswith("policy.d/90-cli.yaml:")]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def check(self, *words):
        return run("policy", "check", *words, "--config", self.path).returncode

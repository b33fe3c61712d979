# SPDX-License-Identifier: Apache-2.0
"""`policy import`: what it prints is a valid policy, what it narrowed is said, and a list that cannot be converted leaves nothing behind."""

import json
import os
import stat
import tempfile
import unittest

from harness.gate import run

SQUID = """acl SSL_ports port 443
acl good dstdomain "/etc/squid/good.txt"
acl localnet src 10.0.0.0/8
http_access deny CONNECT !SSL_ports
http_access allow good
http_access allow localnet
http_access deny all
"""


class Import(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-import-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
        return path

    def convert(self, source, text, *more):
        return run("policy", "import", "--from", source, self.file("list", text), *more)

    def assert_valid(self, text):
        done = run("policy", "validate", "--config", self.file("policy.yaml", text))
        self.assertEqual(done.returncode, 0, done.stderr + text)

    def test_every_source_gives_a_valid_policy(self):
        self.file("filter", "^example\\.com$\n")
        for source, text in (("hosts", "0.0.0.0 ads.test\n"), ("sbx", "sbx policy allow network example.com\n"),
                             ("squid", "acl good dstdomain .example.com\nhttp_access allow good\nhttp_access deny all\n"),
                             ("tinyproxy", 'FilterDefaultDeny Yes\nFilter "/etc/tinyproxy/filter"\n'), ("hosts", "")):
            with self.subTest(source):
                done = self.convert(source, text)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_valid(done.stdout)

    def test_a_file_named_by_the_file_is_found_beside_it_and_narrowing_is_said(self):
        self.file("good.txt", ".example.com\n")
        done = self.convert("squid", SQUID)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/list:6: left out: it permits some clients alone", done.stderr)
        self.assertIn("# " + self.file("list") + ":6: left out", done.stdout)
        self.assertIn("*.example.com:443", done.stdout)
        self.assert_valid(done.stdout)

    def test_in_json(self):
        done = self.convert("hosts", "0.0.0.0 ads.test\n0.0.0.0 *.no\n", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertTrue(answer["converted"])
        self.assertEqual([note.get("line") for note in answer["notes"]], [2, None])
        self.assert_valid(answer["document"])

    def test_standard_input(self):
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as out:
            out.write("sbx policy allow network example.com:443\n")
        with os.fdopen(reading) as stdin:
            done = run("policy", "import", "--from", "sbx", "-", stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("'example.com:443'", done.stdout)

    def test_the_output_file_is_replaced_as_a_whole_and_loads_with_its_owner_check(self):
        target = self.file("imported.yaml", "old\n")
        done = self.convert("hosts", "0.0.0.0 ads.test\n", "-o", target)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(target).st_mode) & 0o022, 0)
        self.assert_valid("version: 1\nuse: [./imported.yaml]\n")
        failed = self.convert("sbx", "nonsense\n", "-o", target)
        self.assertEqual(failed.returncode, 2)
        with open(target, encoding="ascii") as stream:
            self.assertIn("ads.test", stream.read())
        self.assertEqual(sorted(os.listdir(self.folder)), ["imported.yaml", "list", "policy.yaml"])

    def test_a_large_blocklist(self):
        text = "".join("0.0.0.0 host%d.ads.test\n" % number for number in range(20000))
        done = self.convert("hosts", text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(".ads.test'"), 20000)
        self.assert_valid(done.stdout)

    def test_what_cannot_be_is_exit_2_or_3_and_prints_nothing(self):
        here = self.file("list", "ads\n")
        for words, code, says in ((["--from", "hosts"], 2, "one file"), ([here], 2, "--from"), (["--from", "sqid", here], 2, "did you mean `squid`?"),
                                  (["--from", "tinyproxy", here], 2, "--list allows"), (["--from", "tinyproxy", "--list", "both", here], 2, "--list"),
                                  (["--from", "hosts", here + ".not"], 3, "No such file"), (["--from", "hosts", self.folder], 1, "directory"),
                                  (["--from", "sbx", "--generation", "4", here], 2, "generation")):
            with self.subTest(" ".join(words)):
                done = run("policy", "import", *words)
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(says, done.stderr)

# SPDX-License-Identifier: Apache-2.0
"""`policy import`: what it prints is a valid policy, what it narrowed is said, and a list that cannot be converted leaves nothing behind."""

import json
import os
import re
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


# What Debian's squid.conf says, without its comments.
DEBIAN_SQUID = """acl localnet src 0.0.0.1-0.255.255.255\t# RFC 1122 "this" network (LAN)
acl localnet src 10.0.0.0/8\t\t# RFC 1918 local private network (LAN)
acl localnet src fe80::/10      \t# RFC 4291 link-local (directly plugged) machines
acl SSL_ports port 443
acl Safe_ports port 80\t\t# http
acl Safe_ports port 443\t\t# https
acl Safe_ports port 1025-65535\t# unregistered ports
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access deny manager
include /etc/squid-of-another-machine/conf.d/*.conf
http_access allow localhost
http_access deny all
http_port 3128
coredump_dir /var/spool/squid
refresh_pattern ^ftp:\t\t1440\t20%\t10080
refresh_pattern -i (/cgi-bin/|\\?) 0\t0%\t0
refresh_pattern .\t\t0\t20%\t4320
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

    def test_the_configuration_that_squid_comes_with(self):
        os.mkdir(self.file("conf.d"))
        self.file("conf.d/debian.conf", "logfile_rotate 0\n#http_access allow localnet\n")
        done = self.convert("squid", DEBIAN_SQUID)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("network: []", done.stdout)
        self.assertIn("/list:13: left out: it permits the proxy's own machine alone", done.stderr)
        self.assert_valid(done.stdout)
        self.file("conf.d/debian.conf", "http_access allow localnet\n")
        opened = self.convert("squid", DEBIAN_SQUID, "--any-client")
        self.assertEqual(opened.returncode, 0, opened.stderr)
        self.assert_valid(opened.stdout)
        self.assertIn("'*:443'    # conf.d/debian.conf:1", opened.stdout)
        self.assertIn("'*:80,1025-65535'    # conf.d/debian.conf:1", opened.stdout)

    def test_a_glob_that_matches_nothing_is_an_error(self):
        done = self.convert("squid", DEBIAN_SQUID)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("/list:12: no file is `/etc/squid-of-another-machine/conf.d/*.conf`", done.stderr)

    def test_a_glob_matches_folders_too_in_order_and_nothing_hidden(self):
        for folder in ("b", "a", ".hidden"):
            os.mkdir(self.file(folder))
            for name in ("2", "1", ".0"):
                self.file("%s/%s.conf" % (folder, name), "acl good dstdomain %s%s.example.com\n" % (folder.strip("."), name.strip(".")))
        for glob in ("*/[1-9].conf", self.file("?/*.conf"), "/elsewhere/a/*.conf /elsewhere/b/*.conf", "a/1.conf a/2.conf b/\\1.conf b/2.conf"):
            with self.subTest(glob):
                done = self.convert("squid", "include %s\nhttp_access allow good\nhttp_access deny all\n" % glob)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(re.findall(r"(\w\d)\.example\.com", done.stdout), ["a1", "a2", "b1", "b2"])

    def test_a_plain_list_of_hosts(self):
        """The format of agent-sandbox's allowed domains: the last line has no end."""
        text = "# agents\n\nexample.com\n*.example.org # all of it\nhost.docker.internal"
        done = self.convert("domains", text, "--star-includes-root")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_valid(done.stdout)
        hosts = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("      - ")]
        self.assertEqual(hosts, ["example.com:80,443", "example.org:80,443", "*.example.org:80,443"])
        self.assertIn("/list:5: left out: `host.docker.internal`", done.stderr)
        narrow = self.convert("domains", text)
        self.assertNotIn("'example.org", narrow.stdout)
        self.assertIn("--star-includes-root", narrow.stderr)

    def test_a_list_of_expressions_is_not_widened_in_silence(self):
        done = self.convert("tinyproxy", "github.com\n*.example.com\n", "--list", "allows")
        self.assertEqual(done.returncode, 0, done.stderr)
        for said in ("/list:1: `github.com` matches anywhere in a name", "/list:2: left out: no host matches `*.example.com`",
                     "/list: this looks like a list of names", "/list: every port is permitted"):
            self.assertIn(said, done.stderr)
        basic = self.convert("tinyproxy", "^(.*\\.)?example\\.com$\n", "--list", "allows")
        self.assertIn("network: []", basic.stdout)
        self.assertIn("--extended", basic.stderr)
        extended = self.convert("tinyproxy", "^(.*\\.)?example\\.com$\n", "--list", "allows", "--extended")
        self.assertIn("'*.example.com:*'", extended.stdout)

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

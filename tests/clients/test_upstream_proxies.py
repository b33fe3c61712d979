# SPDX-License-Identifier: Apache-2.0
"""The gate in front of squid, as its package sets it up (CONNECT to port 443 alone), and of tinyproxy: what programs ask for arrives,
what the policy denies is not asked of them."""

import os
import re
import socket
import subprocess

from client_case import HOSTS, NAMES, POLICY, ClientCase, need
from harness.gate import wait_for
from harness.origin import HttpOrigin, TlsOrigin, answer

SQUID_DEFAULTS = "/etc/squid/squid.conf"
SQUID = """
http_port 127.0.0.1:%(port)d
hosts_file %(folder)s/hosts
pid_filename none
access_log stdio:%(folder)s/access.log
cache_log /dev/null
cache_mem 0
shutdown_lifetime 0 seconds
netdb_filename none
coredump_dir %(folder)s
"""
TINYPROXY = """
Port %(port)d
Listen 127.0.0.1
Timeout 60
LogFile "%(folder)s/tinyproxy.log"
MaxClients 20
Allow 127.0.0.1
"""
HTTPS_ADDRESS = "127.81.43.1"  # port 443 of an address that nothing else listens on


class Chain(ClientCase):
    def setUp(self):
        super().setUp()
        self.plain = self.origin(HttpOrigin())
        self.plain.on("GET", "/file", answer(200, b"the content"))
        self.port = self.held_port()
        os.chmod(self.folder, 0o777)  # both serve as accounts of their own

    def path_of(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text % {"port": self.port, "folder": self.folder})
        return self.path(name)

    def start_proxy(self, *arguments):
        with open(self.path("said"), "wb") as said:
            process = subprocess.Popen(arguments, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(listens, arguments[0], process)
        self.gate = self.start_egress(self.policy(), hosts=HOSTS, options=["--upstream-proxy", "http://127.0.0.1:%d" % self.port])

    def policy(self):
        return POLICY

    def curl(self, *arguments):
        return ("curl", "-sS", "--fail", "--max-time", "30", *arguments)


class Squid(Chain):
    def setUp(self):
        super().setUp()
        need("squid", "curl")
        with open(SQUID_DEFAULTS, encoding="utf-8") as defaults:
            text = re.sub(r"(?m)^(http_port|coredump_dir|include) .*\n", "", defaults.read().replace("%", "%%"))
        with open(self.path("hosts"), "w", encoding="ascii") as hosts:
            hosts.write("".join("%s %s\n" % (HTTPS_ADDRESS if "good" in name else address, name) for name, address in HOSTS.items()))
        self.start_proxy("squid", "-N", "-f", self.path_of("squid.conf", text + SQUID))

    def http(self, host, path="/file"):
        return "http://%s:%d%s" % (host, self.plain.port, path)

    def test_plain_http(self):
        for tool in (self.curl(), ("wget", "-nv", "-t", "1", "-T", "20", "-O", "-")):
            need(tool[0])
            self.assertIn("the content", self.works(*tool, self.http("plain.test"), host="plain.test", rule="plain packages"))
            self.fails(*tool, self.http("evil.test"))
            self.fails(*tool, self.http("plain.test", "/other"), host="plain.test")
        self.assertEqual(self.plain.lines, ["GET /file"] * 2)
        said = self.works(*self.curl(self.http("plain.test"), self.http("plain.test")), host="plain.test", rule="plain packages")
        self.assertEqual(said, "the content" * 2)
        with open(self.path("access.log"), encoding="utf-8") as log:
            asked = log.read()
        self.assertEqual(asked.count("GET http://plain.test:%d/file" % self.plain.port), 4)
        self.assertNotIn("CONNECT", asked)
        self.assertNotIn("evil", asked)

    def test_a_page_of_its_own(self):
        """squid's answer for an origin that is not there is the answer: 503, and which of both said so cannot be told."""
        self.plain.stop()
        done = self.run_client("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", self.http("plain.test"))
        self.assertEqual(done.stdout, "503")

    def test_https(self):
        try:
            secure = self.origin(TlsOrigin(*NAMES, host=HTTPS_ADDRESS, port=443))
        except PermissionError:
            self.skipTest("port 443 is for root")
        secure.on("GET", "/file", answer(200, b"the content"))
        self.assertEqual(self.works(*self.curl("https://good.test/file")), "the content")
        self.fails(*self.curl("https://evil.test/file"))
        self.fails(*self.curl("https://bad.good.test/file"), host="bad.good.test", rule="not there")


class Tinyproxy(Chain):
    """It asks the machine for names: for the one that the machine has itself."""

    def setUp(self):
        super().setUp()
        need("tinyproxy", "curl")
        self.name = socket.gethostname().lower()
        try:
            address = socket.gethostbyname(self.name)
        except OSError:
            self.skipTest("this machine does not know its own name")
        self.plain = self.origin(HttpOrigin(host=address))
        self.plain.default = answer(200, b"the content")
        self.start_proxy("tinyproxy", "-d", "-c", self.path_of("tinyproxy.conf", TINYPROXY))

    def policy(self):
        return 'version: 1\nnetwork:\n  - {name: this machine, allow: "%s:*"}\n' % self.name

    def test_plain_http(self):
        url = "http://%s:%d/file" % (self.name, self.plain.port)
        self.assertEqual(self.works(*self.curl(url, url), host=self.name, rule="this machine"), "the content" * 2)
        self.assertEqual(self.works(*self.curl("-d", "sent", url), host=self.name, rule="this machine"), "the content")
        self.assertEqual(self.plain.requests[-1].body, b"sent")
        self.fails(*self.curl("http://evil.test:%d/file" % self.plain.port))

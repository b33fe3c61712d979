# SPDX-License-Identifier: Apache-2.0
"""Programs of daily use behind the egress gate, each in a folder and an environment of its own. Each test proves both sides: what the
policy allows works, what it does not allow fails with the gate's 403, and the log names the rule in both cases."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

from harness.egress import EgressCase
from harness.gate import wait_for
from harness.origin import authority

POLICY = """version: 1
network:
  - name: where the work is
    allow: ["good.test:*", "*.good.test:*"]
    addresses: [127.0.0.0/8]
    protocols: [tls]
    require_sni: true
  - name: plain packages
    allow: "plain.test:*"
    addresses: [127.0.0.0/8]
    methods: [GET, HEAD]
    paths: ["/debian/**", "/events", "/file"]
  - name: web sockets
    allow: "socket.test:*"
    addresses: [127.0.0.0/8]
  - name: shells
    allow: "shell.test:*"
    addresses: [127.0.0.0/8]
    protocols: [ssh]
  - name: not there
    deny: "bad.good.test"
"""
HOSTS = {name: "127.0.0.1" for name in ("good.test", "www.good.test", "bad.good.test", "plain.test", "socket.test", "shell.test", "evil.test")}
NAMES = ("good.test", "www.good.test", "bad.good.test", "evil.test", "socket.test")


def need(*programs):
    """A program that is not installed leaves its test out, which the output says (tests/run installs what is small)."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise unittest.SkipTest("not installed: " + ", ".join(missing))


def serve_websocket(connection, request):
    """Echoes frames until one closes."""
    accept = base64.b64encode(hashlib.sha1((request.field("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    connection.send(("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n" % accept).encode())
    while True:
        first, second = connection.exactly(2)
        length, mask = second & 127, connection.exactly(4)
        data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(connection.exactly(length)))
        connection.send(bytes([first, length]) + data)
        if first & 15 == 8:
            return False


class ClientCase(EgressCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="dockreeve-client-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.gate = self.start_egress(POLICY, hosts=HOSTS)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def environment(self, **more):
        """The proxy for all, in both spellings, and trust in the test authority in every program's own way."""
        names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE")
        environment = {name: authority().certificate for name in names}
        for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
            environment[name] = self.gate.url
        environment.update({"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C.UTF-8"}, **more)
        return environment

    def run_client(self, *arguments, **options):
        """Runs a program to its end; its output as text."""
        self.gate.set_mark()
        more = options.pop("environment", {})
        return subprocess.run(arguments, cwd=self.folder, env=self.environment(**more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60, check=False, **options)

    def works(self, *arguments, rule="where the work is", host="good.test", **options):
        done = self.run_client(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stdout)
        records = wait_for(lambda: [r for r in self.gate.news(decision="allow", host=host) if r["event"] != "close"], "an allow in the log", self.gate.process)
        self.assertEqual({record["rule"] for record in records}, {rule})
        self.assertEqual(self.gate.news(decision="deny"), [])
        return done.stdout

    def fails(self, *arguments, host="evil.test", rule=None, says="403", **options):
        """The program ends with an error that shows the 403, and the log says which rule it was (None: the default)."""
        done = self.run_client(*arguments, **options)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        if says:
            self.assertIn(says, done.stdout)
        record = wait_for(lambda: self.gate.news(decision="deny", host=host), "a denial in the log", self.gate.process)[-1]
        self.assertEqual(record["status"], 403)
        if rule:
            self.assertEqual((record["reason"], record["rule"]), ("rule", rule))
            self.assertRegex(record["source"], r"policy\.yaml:\d+$")
        else:
            self.assertEqual((record["reason"], record["source"]), ("default", "default"))
        return done.stdout

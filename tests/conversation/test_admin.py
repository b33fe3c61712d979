# SPDX-License-Identifier: Apache-2.0
"""The administration listener: alive, ready, and numbers."""

import json
import os
import re
import time

from harness.case import GateCase
from harness.client import Client, get
from harness.gate import Gate, run, wait_for


def listening_port(process):
    """The TCP port of a process that has one; the record of the start names none of this kind."""
    folder = "/proc/%d/fd" % process
    own = {os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)}
    with open("/proc/%d/net/tcp" % process, encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    (port,) = [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and "socket:[%s]" % row[9] in own]
    return port


class Admin(GateCase):
    def test_health_and_readiness(self):
        gate = self.start_gate(admin=True)
        self.assertEqual(gate.ask_admin("/healthz").status, 200)
        self.assertEqual(gate.ask_admin("/readyz").status, 200)
        self.assertTrue(any(r.path.endswith("/_ping") for r in gate.engine.heads), "the engine was not asked")
        gate.engine.stop()
        self.assertEqual(gate.ask_admin("/healthz").status, 200)
        self.assertEqual(gate.ask_admin("/readyz").status, 503)
        gate.engine.start()
        self.assertEqual(gate.ask_admin("/readyz").status, 200)

    def test_metrics(self):
        gate = self.start_gate('version: 1\ndocker:\n  - {name: looking, allow: "@read"}\n', admin=True)
        for _ in range(3):
            gate.ask(get("/containers/json"))
        gate.ask(get("/nothing"))
        gate.reload("broken")
        text = gate.ask_admin("/metrics").body.decode()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        for line in lines:
            self.assertRegex(line, r'^[a-z_]+(\{([a-z_]+="[^"]*",?)*\})? [-+0-9.eE]+(Inf)?$')
        wanted = [line for line in lines if 'operation="ContainerList"' in line and 'decision="allow"' in line]
        self.assertTrue(any(line.endswith(" 3") for line in wanted), lines)
        self.assertTrue(any('decision="deny"' in line for line in lines))
        self.assertTrue(any("_bucket" in line for line in lines), "no histogram")
        for word in ("stream", "reload", "policy"):
            self.assertTrue(any(word in line for line in lines), word)

    def test_only_these_paths_and_only_get(self):
        gate = self.start_gate(admin=True)
        self.assertEqual(gate.ask_admin("/containers/json").status, 404)
        self.assertIn(gate.ask(b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", path=gate.admin_path).status, (404, 405))
        self.assertEqual(gate.ask(b"GET /healthz HTTP/1.1\nHost: a\n\n", path=gate.admin_path).status, 400)

    def test_head(self):
        gate = self.start_gate(admin=True)
        for target, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/x", 404)):
            with Client.unix(gate.admin_path) as client:
                client.send(b"HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n" % target.encode())
                head, _, body = client.to_end().partition(b"\r\n\r\n")
            self.assertIn(b"HTTP/1.1 %d " % status, head)
            self.assertRegex(head, rb"Content-Length: [1-9]")
            self.assertEqual(body, b"")

    def test_what_runs_since_when(self):
        gate = self.start_gate(admin=True)
        text = gate.ask_admin("/metrics").body.decode()
        version = run("version").stdout.split()[1]
        self.assertIn('\ndockreeve_build_info{version="%s"} 1\n' % version, text)
        started = float(re.search(r"^process_start_time_seconds ([0-9]+)$", text, re.M)[1])
        self.assertLess(abs(started - time.time()), 600)

    def test_report_mode_is_a_decision_of_its_own(self):
        gate = self.start_gate('version: 1\nclients: {default: {mode: report}}\n', admin=True)
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        lines = [line for line in gate.ask_admin("/metrics").body.decode().splitlines() if line.startswith("dockreeve_requests_total{")]
        self.assertEqual(len(lines), 1)
        self.assertIn('operation="ContainerList",decision="would-deny"', lines[0])
        status = json.loads(run("policy", "status", "--json", "--state", gate.state).stdout)
        self.assertEqual((status["requests"]["allowed"], status["requests"]["denied"]), (1, 0))

    def test_beyond_loopback(self):
        """Only with the addresses that may ask; others are told no more than that."""
        gate = Gate(start=False)
        self.addCleanup(gate.remove)
        done = run(*gate.arguments, "--admin", "0.0.0.0:0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--admin-from", done.stderr)
        for ranges, status in ((["192.0.2.0/24", "127.0.0.0/8"], 200), (["192.0.2.0/24"], 403)):
            gate = Gate(start=False)
            self.addCleanup(gate.remove)
            gate.arguments += ["--admin", "0.0.0.0:0"] + [word for each in ranges for word in ("--admin-from", each)]
            gate.start()
            port = listening_port(gate.process.pid)
            with Client.tcp(port) as client:
                client.send(get("/metrics"))
                answer = client.to_end()
            self.assertIn(b"HTTP/1.1 %d " % status, answer)
            self.assertEqual(b"dockreeve_" in answer, status == 200)
            self.assertEqual(gate.stop(), 0)

    def test_the_docker_listener_has_none_of_it(self):
        gate = self.start_gate(admin=True)
        for target in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(gate.ask(get(target)).status, 403)

    def test_open_streams_are_counted(self):
        gate = self.start_gate(admin=True)
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])

        def streams():
            text = gate.ask_admin("/metrics").body.decode()
            return [float(v) for v in re.findall(r"^[a-z_]*streams?[a-z_]*(?:\{[^}]*\})? ([0-9.e+]+)$", text, re.M)]

        client = gate.connect()
        client.send(get("/events"))
        client.read_head()
        client.chunk()
        self.assertIn(1.0, streams())
        client.close()
        wait_for(lambda: 1.0 not in streams(), "the stream to be counted off", gate.process)

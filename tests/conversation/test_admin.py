# SPDX-License-Identifier: Apache-2.0
"""The administration listener: alive, ready, and numbers."""

import re

from harness.case import GateCase
from harness.client import get
from harness.gate import wait_for


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

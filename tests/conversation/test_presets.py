# SPDX-License-Identifier: Apache-2.0
"""Each built-in preset admits exactly the operations listed in presets/NAME.txt, and nothing else of the whole API."""

import glob
import os

from harness.case import GateCase
from harness.client import get, post, request

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHIVES = ("PutContainerArchive", "ImageBuild", "ImageLoad", "PluginCreate")
LISTS = ("PluginPull", "PluginSet", "PluginUpgrade")
H2C = (("Connection", "Upgrade"), ("Upgrade", "h2c"))
WEBSOCKET = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "a2V5"), ("Sec-WebSocket-Version", "13"))


def operations():
    """(name, bytes of a plain request) of every operation of the API descriptions."""
    with open(os.path.join(HERE, "fixtures", "operations.tsv"), encoding="ascii") as stream:
        for line in stream:
            name, method, path, body = line.rstrip("\n").split("\t")
            target = path.replace("{id}", "x").replace("{name}", "x")
            if name == "Session":
                yield name, post(target, *H2C)
            elif name == "ContainerAttachWebsocket":
                yield name, get(target, *WEBSOCKET)
            elif name in ARCHIVES:
                yield name, request(method, target, [("Content-Type", "application/x-tar")], b"tar")
            elif body == "json":
                yield name, request(method, target, [("Content-Type", "application/json")], b"[]" if name in LISTS else b"{}")
            else:
                yield name, request(method, target, body=b"" if method not in ("GET", "HEAD") else None)


def listed(path):
    with open(path, encoding="ascii") as stream:
        return {line.split("#")[0].strip() for line in stream} - {""}


class Presets(GateCase):
    def test_each_admits_exactly_what_is_listed(self):
        for path in sorted(glob.glob(os.path.join(HERE, "presets", "*.txt"))):
            name = os.path.basename(path)[:-4]
            with self.subTest(name):
                self.assertEqual(self.admitted("preset/" + name), sorted(listed(path)))

    def admitted(self, preset):
        gate = self.start_gate("version: 1\nuse: [%s]\n" % preset)
        admitted = []
        for operation, raw in operations():
            gate.engine.reset()
            with gate.connect() as connection:
                connection.send(raw)
                status = connection.read_head().status
            self.assertEqual(bool(gate.engine.heads), status != 403, operation)
            if status != 403:
                admitted.append(operation)
        return sorted(admitted)

    def test_all_is_everything_described(self):
        gate = self.start_gate()
        gate.engine.on("POST", "/session", lambda connection, _: False)
        gate.engine.on("GET", "/containers/x/attach/ws", lambda connection, _: False)
        for operation, raw in operations():
            with self.subTest(operation), gate.connect() as connection:
                connection.send(raw)
                self.assertIn(connection.read_head().status, (200, 502))
                self.assertEqual(gate.requests_logged()[-1]["operation"], operation)

    def test_an_unknown_preset_names_the_nearest(self):
        gate = self.start_gate("version: 1\n")
        record = gate.reload("version: 1\nuse: [preset/trafik]\n")
        self.assertIn("preset/traefik", record["text"])

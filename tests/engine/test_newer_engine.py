# SPDX-License-Identifier: Apache-2.0
"""Real clients before an engine of a newer API than the gate knows: they agree with the gate on a version that it can judge. That engine
is played: what counts is what the clients send."""

import json
import os
import re
import subprocess
import tempfile

import docker as docker_py

from harness.case import GateCase
from harness.engine import answer
from harness.gate import Gate

NEWEST = 55
API = ("Api-Version", "1.%d" % (NEWEST + 1))


class Negotiation(GateCase):
    def setUp(self):
        super().setUp()
        self.gate = Gate(start=False)
        self.addCleanup(self.gate.remove)
        engine = self.gate.engine = self.start_engine(self.gate.folder)
        engine.default = answer(200, b"OK", API)
        version = {"Version": "29.9", "ApiVersion": API[1], "MinAPIVersion": "1.40", "Os": "linux", "Arch": "amd64",
                   "Components": [{"Name": "Engine", "Version": "29.9", "Details": {"ApiVersion": API[1], "MinAPIVersion": "1.40"}}]}
        json_type = ("Content-Type", "application/json")
        engine.on("GET", "/version", answer(200, json.dumps(version).encode(), API, json_type))
        engine.on("GET", "/containers/json", answer(200, b"[]", API, json_type))
        self.addCleanup(self.check_gate, self.gate)
        self.gate.start()

    def versions_seen(self):
        """The versions that lists of containers were asked in."""
        paths = [seen.path for seen in self.gate.engine.requests if seen.path.endswith("/containers/json")]
        return [int(re.fullmatch(r"/v1\.([0-9]+)/containers/json", path).group(1)) for path in paths]

    def docker(self, *arguments):
        config = tempfile.TemporaryDirectory(prefix="dockreeve-docker-config-")
        self.addCleanup(config.cleanup)
        environment = {"PATH": os.environ["PATH"], "HOME": config.name, "DOCKER_CONFIG": config.name,
                       "DOCKER_HOST": "unix://" + self.gate.socket_path}
        return subprocess.run(["docker", *arguments], env=environment, capture_output=True, timeout=60, check=False)

    def test_the_docker_cli(self):
        done = self.docker("ps")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(all(minor <= NEWEST for minor in self.versions_seen()))
        said = self.docker("version", "--format", "{{.Server.APIVersion}}")
        self.assertEqual(said.stdout.decode().strip(), "1.%d" % NEWEST, said.stderr)

    def test_docker_py_takes_the_servers_version(self):
        client = docker_py.DockerClient(base_url="unix://" + self.gate.socket_path, version="auto")
        self.addCleanup(client.close)
        self.assertEqual(client.api.api_version, "1.%d" % NEWEST)
        self.assertEqual(client.containers.list(), [])
        self.assertEqual(self.versions_seen(), [NEWEST])

    def test_docker_py_insists_on_a_newer_one(self):
        client = docker_py.DockerClient(base_url="unix://" + self.gate.socket_path, version=API[1])
        self.addCleanup(client.close)
        with self.assertRaisesRegex(docker_py.errors.APIError, "client version %s is too new. Maximum supported API version is 1.%d"
                                    % (API[1], NEWEST)):
            client.containers.list()
        self.assertEqual(self.versions_seen(), [])

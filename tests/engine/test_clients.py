# SPDX-License-Identifier: Apache-2.0
"""Other clients of the Engine API: docker-compose and docker-py."""

import io
import os
import tarfile
import tempfile

import docker
from docker_case import IMAGE, PREFIX, DockerCase, directly

COMPOSE = """version: "3"
services:
  one:
    image: %s
    command: sleep 600
    volumes: ["data:/data"]
  two:
    image: %s
    command: sleep 600
    depends_on: [one]
volumes:
  data: {}
"""
UP = ["ContainerList", "ContainerInspect", "ContainerCreate", "ContainerStart", "NetworkInspect", "NetworkList", "NetworkCreate", "VolumeInspect",
      "VolumeCreate", "ImageInspect", "SystemInfo", "NetworkConnect", "NetworkDisconnect"]
DOWN = ["ContainerList", "ContainerInspect", "ContainerStop", "ContainerDelete", "NetworkInspect", "NetworkDelete", "VolumeInspect", "VolumeDelete"]


class Compose(DockerCase):
    def test_up_and_down(self):
        with tempfile.TemporaryDirectory(prefix="dockreeve-compose-") as folder:
            path = os.path.join(folder, "compose.yml")
            with open(path, "w", encoding="ascii") as stream:
                stream.write(COMPOSE % (IMAGE, IMAGE))

            def compose(*arguments):
                return self.docker("-p", PREFIX, "-f", path, *arguments, program="docker-compose")

            self.addCleanup(directly, "network", "rm", PREFIX + "_default", check=False)
            self.use(*[name for name in UP if name != "ContainerCreate"])
            done = compose("up", "-d")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("ContainerCreate", done.stderr.decode())
            self.use(*UP)
            done = compose("up", "-d")
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(self.denied_since(), set())
            names = directly("ps", "--filter", "name=" + PREFIX, "--format", "{{.Names}}").stdout.decode()
            self.assertIn("one_1", names)
            self.use(*[name for name in DOWN if name != "ContainerDelete"])
            done = compose("down", "-v", "-t", "0")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("ContainerDelete", done.stderr.decode())
            self.use(*DOWN)
            done = compose("down", "-v", "-t", "0")
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(self.denied_since(), set())
            self.assertEqual(directly("ps", "-aq", "--filter", "name=" + PREFIX + "_").stdout, b"")


class DockerPy(DockerCase):
    def client(self):
        client = docker.DockerClient(base_url="unix://" + self.gate.socket_path, timeout=60)
        self.addCleanup(client.close)
        return client

    def refused(self, missing, call):
        with self.assertRaises(docker.errors.APIError) as caught:
            call()
        self.assertEqual(caught.exception.status_code, 403)
        self.assertIn(missing, caught.exception.explanation)

    def test_list_and_inspect(self):
        name = self.container("sleep", "600")
        client = self.client()
        self.use("ContainerList", "ContainerInspect")
        self.assertIn(name, [c.name for c in client.containers.list()])
        self.use("ContainerInspect")
        self.refused("ContainerList", client.containers.list)

    def test_run(self):
        needed = ["ContainerCreate", "ContainerInspect", "ContainerStart", "ContainerWait", "ContainerLogs", "ContainerDelete"]
        client = self.client()
        self.use(*needed)
        self.assertEqual(client.containers.run(IMAGE, "echo hello", remove=True), b"hello\n")
        self.use(*[n for n in needed if n != "ContainerStart"])
        self.refused("ContainerStart", lambda: client.containers.run(IMAGE, "echo hello", name=PREFIX + "-py"))

    def test_exec(self):
        name = self.container("sleep", "600")
        needed = ["ContainerInspect", "ContainerExec", "ExecStart", "ExecInspect"]
        client = self.client()
        self.use(*needed)
        result = client.containers.get(name).exec_run("sh -c 'echo inside; exit 5'")
        self.assertEqual((result.exit_code, result.output), (5, b"inside\n"))
        _, sock = client.containers.get(name).exec_run("cat", stdin=True, socket=True)
        sock._sock.sendall(b"through the socket\n")
        self.assertIn(b"through the socket", sock._sock.recv(4096))
        sock.close()
        self.use(*[n for n in needed if n != "ExecStart"])
        self.refused("ExecStart", lambda: client.containers.get(name).exec_run("true"))

    def test_archives(self):
        name = self.container("sleep", "600")
        client = self.client()
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            entry = tarfile.TarInfo("file")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"bytes"))
        self.use("ContainerInspect", "PutContainerArchive", "ContainerArchive")
        container = client.containers.get(name)
        self.assertTrue(container.put_archive("/work", out.getvalue()))
        stream, _ = container.get_archive("/work/file")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            self.assertEqual(tar.extractfile("file").read(), b"bytes")
        self.use("ContainerInspect")
        self.refused("PutContainerArchive", lambda: container.put_archive("/work", out.getvalue()))

    def test_events_and_stats(self):
        name = self.container("sleep", "600")
        client = self.client()
        self.use("SystemEvents", "ContainerInspect", "ContainerStats")
        events = client.events(decode=True, filters={"event": "pause"})
        directly("pause", name)
        self.assertEqual(next(iter(events))["Actor"]["Attributes"]["name"], name)
        events.close()
        directly("unpause", name)
        self.assertIn("memory_stats", client.containers.get(name).stats(stream=False))

    def test_pull_is_judged_before_anything_goes_out(self):
        client = self.client()
        self.use("ContainerList")
        self.refused("ImageCreate", lambda: client.images.pull("nothing.example/nothing", tag="none"))

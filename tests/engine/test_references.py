# SPDX-License-Identifier: Apache-2.0
"""What the real engine makes of names: what was judged is what it reads, tags, pushes and deletes, also when a tag is taken away
between the question and the request."""

import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import unittest

from docker_case import ENGINE, PREFIX, directly
from harness.case import check_end
from harness.client import get, post, request
from harness.gate import Gate, plain_binary

PUBLIC, PRIVATE = PREFIX + "-public", PREFIX + "-private"
POLICY = """version: 1
docker:
  - allow: [ImageGet, ImageGetAll, ImageDelete, ImageTag, ImagePush, ImageInspect, ImageHistory]
    where: {label: "public=yes"}
"""
PULLS = """version: 1
docker:
  - {allow: [ContainerCreate, ContainerRename, ContainerDelete, ImageCreate, ImageTag]}
  - {deny: [ContainerCreate, ContainerRename], where: {query.name: "%s-prod*"}}
  - {deny: ImageTag, where: {query.repo: "%s:prod"}}
  - {deny: ImageCreate, where: {query.fromImage: "127.0.0.1:1/evil:1"}}
""" % (PREFIX, PUBLIC)


class Between:
    """A relay in front of the engine. `act` is called once, before the first request that `matches` goes on."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-between-")
        self.path = os.path.join(self.folder, "engine.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.lines, self.matches, self.act = [], None, None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            for source, sink, looks in ((client, engine, True), (engine, client, False)):
                threading.Thread(target=self.move, args=(source, sink, looks), daemon=True).start()

    def move(self, source, sink, looks):
        try:
            while data := source.recv(65536):
                line = data.split(b"\r\n", 1)[0].decode("latin-1")
                if looks and " HTTP/1.1" in line:
                    self.lines.append(line)
                    if self.matches and self.matches(line):
                        self.matches = None
                        self.act()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def layer(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("what")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def made(name, text, label=None):
    """An image of that name; its full id."""
    change = ["--change", "LABEL %s" % label] if label else []
    return directly("import", *change, "-", name, data=layer(text)).stdout.decode().strip()


def tags_in(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
    return {item["Config"].split(".")[0].rsplit("/", 1)[-1]: sorted(item["RepoTags"] or []) for item in manifest}


class References(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.remove)
        self.public = made(PUBLIC + ":1", b"public", "public=yes")
        self.private = made(PRIVATE + ":1", b"private")
        self.between = Between()
        self.addCleanup(self.between.close)
        self.gate = Gate(POLICY, upstream=self.between.path, program=plain_binary())
        self.addCleanup(self.gate.remove)
        self.addCleanup(check_end, self, self.gate)

    def remove(self):
        found = directly("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout.decode().splitlines()
        ours = [line.split()[0] for line in found if line.startswith(PREFIX) or line.split()[1] in (self.public, self.private)]
        if ours:
            directly("rmi", "-f", *ours, check=False)

    def there(self, name):
        return directly("image", "inspect", name, check=False).returncode == 0

    def untag(self, name):
        return lambda: directly("rmi", name)

    def test_a_tag_like_a_private_id_that_is_taken_away_in_between(self):
        """The engine then takes what is left of the name for the beginning of the id."""
        short = self.private[7:19]
        for what, ask, act in (
                ("delete", request("DELETE", "/v1.41/images/" + short), "DELETE"),
                ("get", get("/v1.41/images/%s/get" % short), "/get"),
                ("get of several", get("/v1.41/images/get?names=" + short), "/images/get?"),
                ("tag", post("/v1.41/images/%s/tag?repo=%s&tag=stolen" % (short, PUBLIC)), "/tag"),
                ("inspect", get("/v1.41/images/%s/json" % short), self.public),
                ("history", get("/v1.41/images/%s/history" % short), self.public)):
            with self.subTest(what):
                directly("tag", self.public, short)
                self.between.matches, self.between.act = (lambda line, act=act: act in line and "filters" not in line), self.untag(short + ":latest")
                answer = self.gate.ask(ask)
                self.assertIsNone(self.between.matches, self.between.lines)
                self.assertNotIn(self.private[7:].encode(), answer.body)
                self.assertTrue(self.there(self.private), what)
                stolen = directly("image", "inspect", "-f", "{{.Id}}", PUBLIC + ":stolen", check=False).stdout.decode().strip()
                self.assertIn(stolen, ("", self.public))
                self.assertIn(answer.status, (200, 201) if what in ("tag", "inspect", "history") else (404, 500), answer)

    def test_save_keeps_its_tags_and_judges_all_of_them(self):
        directly("tag", self.public, PUBLIC + ":2")
        both = tags_in(self.gate.ask(get("/v1.41/images/%s/get" % PUBLIC)).body)
        self.assertEqual(both, {self.public[7:]: [PUBLIC + ":1", PUBLIC + ":2"]})
        one = tags_in(self.gate.ask(get("/v1.41/images/get?names=%s:2" % PUBLIC)).body)
        self.assertEqual(one, {self.public[7:]: [PUBLIC + ":2"]})
        by_id = tags_in(self.gate.ask(get("/v1.41/images/%s/get" % self.public[7:19])).body)
        self.assertEqual(by_id, {self.public[7:]: []})
        directly("tag", self.private, PUBLIC + ":secret")
        self.assertEqual(self.gate.ask(get("/v1.41/images/%s/get" % PUBLIC)).status, 403)
        self.assertEqual(self.gate.ask(get("/v1.41/images/get?names=%s:1&names=%s" % (PUBLIC, PUBLIC))).status, 403)
        self.assertEqual(self.gate.ask(get("/v1.41/images/%s:1/get" % PUBLIC)).status, 200)

    def test_the_docker_command(self):
        environment = dict(os.environ, DOCKER_HOST="unix://" + self.gate.socket_path)
        self.gate.reload(POLICY + '  - allow: "@read"\n')

        def docker(*arguments):
            return subprocess.run(["docker", *arguments], capture_output=True, env=environment, timeout=120, check=False)
        self.assertEqual(tags_in(docker("save", PUBLIC).stdout), {self.public[7:]: [PUBLIC + ":1"]})
        self.assertNotEqual(docker("save", PRIVATE).returncode, 0)
        self.assertNotEqual(docker("save", PUBLIC + ":1", PRIVATE + ":1").returncode, 0)
        self.assertEqual(docker("tag", PUBLIC + ":1", PUBLIC + ":copy").returncode, 0)
        self.assertNotEqual(docker("tag", PRIVATE + ":1", PUBLIC + ":copy2").returncode, 0)
        self.assertEqual(docker("rmi", PUBLIC + ":copy").returncode, 0)
        self.assertTrue(self.there(PUBLIC + ":1"))
        self.assertNotEqual(docker("rmi", self.private[7:19]).returncode, 0)
        self.assertEqual(docker("rmi", self.public[7:19]).returncode, 0)
        self.assertFalse(self.there(self.public))
        self.assertTrue(self.there(self.private))

    def test_push_is_judged_by_what_is_pushed(self):
        auth = ("X-Registry-Auth", "e30=")
        self.gate.reload(POLICY + '  - {allow: ImagePush, where: {label: "public=yes", image: "**"}}\n')    # an address is named
        name = "127.0.0.1:1/%s" % PREFIX
        directly("tag", self.public, name + ":1")
        directly("tag", self.private, name + ":secret")
        self.addCleanup(directly, "rmi", name + ":1", name + ":secret", check=False)
        ask = lambda target: self.gate.ask(post(target, auth)).status
        self.assertEqual(ask("/v1.41/images/%s/push?tag=secret" % name), 403)
        self.assertEqual(ask("/v1.41/images/%s:1/push?tag=secret" % name), 403)
        self.assertEqual(ask("/v1.41/images/%s/push" % name), 403)
        self.assertNotEqual(ask("/v1.41/images/%s/push?tag=1" % name), 403)
        self.assertIn("POST /v1.41/images/%s/push?tag=1 HTTP/1.1" % name, self.between.lines)

    def test_names_are_what_the_engine_reads(self):
        self.gate.reload(PULLS)
        create = b'{"Image": "%s:1", "Cmd": ["x"]}' % PUBLIC.encode()
        json_type = ("Content-Type", "application/json")
        self.addCleanup(directly, "rm", "-f", PREFIX + "-dev", PREFIX + "-prod", check=False)

        def ask(target, body=b""):
            return self.gate.ask(post(target, *([json_type] if body else []), body=body)).status
        for name in ("%s-prod", "/%s-prod", "%%2F%s-prod", "%%2f%s-prod"):
            self.assertEqual(ask("/v1.41/containers/create?name=" + name % PREFIX, create), 403, name)
        self.assertEqual(ask("/v1.41/containers/create?name=/%s-dev" % PREFIX, create), 201)
        self.assertEqual(ask("/v1.41/containers/%s-dev/rename?name=/%s-prod" % (PREFIX, PREFIX)), 403)
        self.assertEqual(directly("inspect", "-f", "{{.Name}}", PREFIX + "-dev").stdout.strip().decode(), "/%s-dev" % PREFIX)
        for target in ("repo=%s:prod", "repo=%s&tag=prod", "repo=%s:x&tag=prod", "repo=docker.io/library/%s:prod"):
            self.assertEqual(ask("/v1.41/images/%s:1/tag?" % PUBLIC + target % PUBLIC), 403, target)
        self.assertEqual(ask("/v1.41/images/%s:1/tag?repo=%s:prod&tag=fine" % (PUBLIC, PUBLIC)), 201)
        self.assertTrue(self.there(PUBLIC + ":fine"))
        self.assertFalse(self.there(PUBLIC + ":prod"))
        for target in ("fromImage=127.0.0.1:1/evil:1", "fromImage=127.0.0.1:1/evil:good&tag=1", "fromImage=127.0.0.1:1/evil"):
            self.assertEqual(ask("/v1.41/images/create?" + target), 403, target)

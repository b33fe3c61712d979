# SPDX-License-Identifier: Apache-2.0
"""What a request reaches beyond its operation: folders of the host, addresses and registries of the client's choice. A rule must name
them (rules/docker/docker_reach.h), whoever else permits the operation, and reads are no exception."""

import json

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, request
from harness.engine import answer
from harness.gate import run

TAR = ("Content-Type", "application/x-tar")
COMPAT = {"DOCKREEVE_COMPAT": "tecnativa", "POST": "1", "CONTAINERS": "1", "IMAGES": "1", "BUILD": "1", "DISTRIBUTION": "1", "PLUGINS": "1"}
REACHING = [
    ("checkpoints in a folder", "GET /containers/x/checkpoints?dir=/etc", "guard.query", "query.dir"),
    ("the same with HEAD", "HEAD /containers/x/checkpoints?dir=/etc", "guard.query", None),
    ("the same, key encoded", "GET /v1.41/containers/x/checkpoints?%64ir=%2Fetc", "guard.query", "query.dir"),
    ("a relative folder", "GET /containers/x/checkpoints?dir=..", "guard.query", "query.dir"),
    ("a checkpoint removed in a folder", "DELETE /containers/x/checkpoints/c?dir=/any/folder", "guard.query", "query.dir"),
    ("a search at an address", "GET /images/search?term=127.0.0.1:5056/foo", "guard.query", "query.term"),
    ("a search at another registry", "GET /images/search?term=registry.example/foo", "guard.query", "query.term"),
    ("a search at localhost", "GET /images/search?term=localhost%2Ffoo", "guard.query", "query.term"),
    ("a manifest at an address", "GET /distribution/127.0.0.1:5056/foo/json", "guard.name", "path: \"/distribution/REGISTRY/**\""),
    ("a manifest at an encoded address", "GET /distribution/127.0.0.1%3A5056%2Ffoo/json", "guard.name", "REGISTRY"),
    ("a manifest at another registry", "GET /v1.41/distribution/ghcr.io/acme/foo:1/json", "guard.name", "REGISTRY"),
    ("a plugin's privileges elsewhere", "GET /plugins/privileges?remote=10.0.0.1/p", "guard.query", "query.remote"),
    ("a pull from an address", "POST /images/create?fromImage=127.0.0.1:5056/foo&tag=1", "guard.query", "query.fromImage"),
    ("a pull from the metadata service", "POST /images/create?fromImage=169.254.169.254/foo", "guard.query", "query.fromImage"),
    ("a pull from localhost", "POST /images/create?fromImage=localhost/foo", "guard.query", "query.fromImage"),
    ("a pull from a port", "POST /images/create?fromImage=registry.example:8080/foo", "guard.query", "query.fromImage"),
    ("a push to an address", "POST /images/127.0.0.1:5056/foo/push", "guard.name", "where: {image:"),
    ("results of a build sent away", "POST /build?outputs=%5B%7B%22Type%22%3A%22registry%22%7D%5D", "guard.query", "query.outputs"),
    ("a build's cache at an address", "POST /build?cachefrom=%5B%2210.0.0.1:5000/c%22%5D", "guard.query", "query.cachefrom"),
]
PLAIN = [
    ("checkpoints", "GET /containers/x/checkpoints"),
    ("checkpoints of no folder", "GET /containers/x/checkpoints?dir="),
    ("a checkpoint removed", "DELETE /containers/x/checkpoints/c"),
    ("a search", "GET /images/search?term=nginx&limit=3"),
    ("a search of a user", "GET /images/search?term=acme/nginx"),
    ("a search at Docker Hub", "GET /images/search?term=docker.io/nginx"),
    ("a manifest", "GET /distribution/nginx:1.27/json"),
    ("a manifest at Docker Hub", "GET /distribution/docker.io/library/nginx/json"),
    ("a pull", "POST /images/create?fromImage=nginx&tag=1.27"),
    ("a pull from a registry", "POST /images/create?fromImage=ghcr.io/acme/agent&tag=1"),
    ("a pull from a registry by digest", "POST /images/create?fromImage=registry.example.com/a/b@sha256:" + "0" * 64),
    ("a push", "POST /images/acme/foo/push?tag=1"),
    ("a push to a registry", "POST /images/ghcr.io/acme/foo/push?tag=1"),
    ("a build with caches", "POST /build?t=a&cachefrom=%5B%22ghcr.io/acme/c%22%2C%22b%22%5D"),
    ("a build without", "POST /build?t=a&cachefrom=%5B%5D&outputs="),
    ("a local image of a local registry", "GET /images/127.0.0.1:5056/foo/json"),
]


def make(line):
    method, target = line.split(" ", 1)
    if target.startswith("/build"):
        return post(target, TAR)
    return post(target) if method == "POST" else request(method, target)


class ReachCase(SharedGateCase):
    def named(self, line, wanted=200):
        self.assertEqual(self.exchange(make(line), line.split()[0]).status, wanted)
        self.assertEqual(any(not seen.path.endswith("/_ping") for seen in self.engine.requests), wanted == 200)
        done = run("policy", "check", "docker", line, "--config", self.gate.policy_path)
        self.assertEqual(done.returncode, 0 if wanted == 200 else 6, done.stdout + done.stderr)
        return done.stdout

    def refused_for(self, line, reason, advice):
        response = self.exchange(make(line), line.split()[0])
        self.assertEqual(response.status, 403)
        self.assertEqual(self.gate.requests_logged(status=403)[-1]["reason"], reason)
        if advice:
            self.assert_message(response, 403, "so a rule must name it", advice)
        said = self.named(line, 403)
        if advice:
            self.assertIn(advice.split(":")[0], said)


class AllowedByName(ReachCase):
    POLICY = """version: 1
docker:
  - allow: ["@read", "@all", CheckpointList, CheckpointDelete, ImageSearch, DistributionInspect, ImageCreate, ImagePush, ImageBuild]
  - allow: [GetPluginPrivileges, PluginPull]
"""

    def test_permitting_the_operation_permits_nothing_that_reaches_out(self):
        self.each(REACHING, self.refused_for)

    def test_what_is_ordinary_passes(self):
        self.each(PLAIN, self.named)


class ByDefault(ReachCase):
    POLICY = "version: 1\ndefault: {docker: allow}\ndocker:\n  - allow: {path: '/distribution/**'}\n  - allow: {path: '~/distribution/.*'}\n"

    def test_neither_the_default_nor_a_wide_path_names_it(self):
        self.each([row for row in REACHING if "/plugins/" not in row[1]], self.refused_for)


class Named(ReachCase):
    POLICY = """version: 1
docker:
  - allow: [CheckpointList, CheckpointDelete, ImageSearch, ImageCreate, ImagePush, ImageBuild, DistributionInspect]
  - allow: [CheckpointList, CheckpointDelete]
    where: {query.dir: {under: /srv/checkpoints}}
  - allow: ImageSearch
    where: {query.term: "registry.example/*"}
  - allow: ImageCreate
    where: {query.fromImage: "127.0.0.1:5056/good*"}
  - allow: ImagePush
    where: {image: "127.0.0.1:5056/good:*"}
  - allow: {method: GET, path: "/distribution/127.0.0.1:5056/good/json"}
  - allow: {path: "/distribution/ghcr.io/**"}
"""

    def test_what_a_rule_names_passes_and_its_neighbours_do_not(self):
        self.each([
            ("folder", "GET /containers/x/checkpoints?dir=/srv/checkpoints/a", 200),
            ("folder, delete", "DELETE /containers/x/checkpoints/c?dir=/srv/checkpoints", 200),
            ("folder above", "GET /containers/x/checkpoints?dir=/srv", 403),
            ("folder with dots", "GET /containers/x/checkpoints?dir=/srv/checkpoints/../..", 403),
            ("search", "GET /images/search?term=registry.example/foo", 200),
            ("search elsewhere", "GET /images/search?term=registry.example.evil.test/foo", 403),
            ("pull", "POST /images/create?fromImage=127.0.0.1:5056/good&tag=1", 200),
            ("pull from another port", "POST /images/create?fromImage=127.0.0.1:5057/good&tag=1", 403),
            ("manifest", "GET /distribution/127.0.0.1:5056/good/json", 200),
            ("manifest, another image", "GET /distribution/127.0.0.1:5056/bad/json", 403),
            ("manifests of a registry", "GET /distribution/ghcr.io/acme/foo:1/json", 200),
            ("manifests of one that begins like it", "GET /distribution/ghcr.io.evil.test/acme/foo:1/json", 403),
        ], self.named)

    def test_a_push_is_named_by_its_image(self):
        """The image is asked for although the operation is allowed without it."""
        for name, tag, status in (("good", "127.0.0.1:5056/good:1", 200), ("bad", "127.0.0.1:5056/bad:1", 403)):
            self.engine.on("GET", "/images/127.0.0.1:5056/%s:1/json" % name, answer(200, json.dumps(
                {"Id": "sha256:" + "a" * 64, "RepoTags": [tag], "RepoDigests": [], "Config": {}}).encode()))
            self.engine.on("GET", "/images/127.0.0.1:5056/%s/json" % name, self.engine.routes[("GET", "/images/127.0.0.1:5056/%s:1/json" % name)])
            response = self.exchange(post("/images/127.0.0.1:5056/%s/push?tag=1" % name))
            self.assertEqual(response.status, status, response)


class Variables(GateCase):
    def test_they_report_and_refuse_when_guards_are_enforced(self):
        reporting = self.start_gate(None, environment=COMPAT)
        enforcing = self.start_gate(None, environment=dict(COMPAT, DOCKREEVE_GUARD="enforce"))
        for name, line, reason, _ in REACHING:
            with self.subTest(name):
                self.assertEqual(reporting.ask(make(line), line.split()[0]).status, 200)
                self.assertEqual(reporting.requests_logged()[-1].get("would_deny"), reason)
                enforcing.engine.reset()
                self.assertEqual(enforcing.ask(make(line), line.split()[0]).status, 403)
                self.assertEqual(enforcing.requests_logged()[-1]["reason"], reason)
                self.assertEqual(enforcing.engine.lines(), [])
        for name, line in PLAIN:
            with self.subTest(name):
                self.assertEqual(enforcing.ask(make(line), line.split()[0]).status, 200)

    def test_a_drop_in_names_what_may_be_reached(self):
        gate = self.start_gate(None, environment=dict(COMPAT, DOCKREEVE_GUARD="enforce"), files={"etc/policy.d/10-dir.yaml":
                               "version: 1\ndocker:\n  - allow: CheckpointList\n    where: {query.dir: /srv/checkpoints}\n"},
                               options=())
        gate.stop()
        gate.arguments += ["--config", gate.file("etc", "policy.yaml")]
        gate.start()
        self.assertEqual(gate.ask(get("/containers/x/checkpoints?dir=/srv/checkpoints")).status, 200)
        self.assertEqual(gate.ask(get("/containers/x/checkpoints?dir=/etc")).status, 403)

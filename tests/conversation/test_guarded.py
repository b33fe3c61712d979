# SPDX-License-Identifier: Apache-2.0
"""Parameters that reach beyond their operation (a folder on the host, an address the engine connects to): a rule that permits the
operation does not permit them, only one whose `where` speaks of them (rules/docker/docker_reach.h)."""

import urllib.parse

from harness.case import GateCase, SharedGateCase
from harness.client import post
from harness.engine import answer
from harness.gate import run

TAR = ("Content-Type", "application/x-tar")
GOOD = "https://git.example.com/team/app.git"
BY_NAME = "  - allow: [ContainerStart, ImageCreate, ImageBuild]\n"
COMPAT = {"DOCKREEVE_COMPAT": "tecnativa", "POST": "1", "CONTAINERS": "1", "IMAGES": "1", "BUILD": "1"}


def target(path, *parameters):
    return path + "?" + urllib.parse.urlencode(parameters)


def ask(line):
    return post(line, TAR) if line.startswith("/build") else post(line)


GUARDED = [
    ("checkpoint", target("/containers/x/start", ("checkpoint", "c1")), "checkpoint"),
    ("folder of checkpoints", target("/containers/x/start", ("checkpoint-dir", "/etc")), "checkpoint-dir"),
    ("import from an address", target("/images/create", ("fromSrc", "http://evil.example/x.tar")), "fromSrc"),
    ("import from a relative address", target("/images/create", ("fromSrc", "evil.example/x.tar")), "fromSrc"),
    ("import, nearly from the body", target("/images/create", ("fromSrc", "-x")), "fromSrc"),
    ("build of an address", target("/build", ("remote", GOOD)), "remote"),
    ("build of a git address", target("/build", ("t", "a"), ("remote", "git://10.0.0.1/x")), "remote"),
    ("build, nearly of a session", target("/build", ("remote", "client-session2")), "remote"),
    ("key encoded", "/build?%72emote=" + urllib.parse.quote(GOOD, ""), "remote"),
    ("with a version", "/v1.41" + target("/build", ("remote", GOOD)), "remote"),
]
HARMLESS = [
    ("start", "/containers/x/start"),
    ("start with detach keys", target("/containers/x/start", ("detachKeys", "ctrl-p"))),
    ("empty checkpoint", "/containers/x/start?checkpoint="),
    ("pull", target("/images/create", ("fromImage", "alpine"), ("tag", "3"))),
    ("import of the body", target("/images/create", ("fromSrc", "-"), ("repo", "r"))),
    ("build of the body", target("/build", ("t", "a"))),
    ("build of a session", target("/build", ("remote", "client-session"), ("session", "s"))),
    ("empty remote", "/build?remote="),
]


class GuardedCase(SharedGateCase):
    def checked(self, line, *more):
        """The exit code of `policy check` for the same request."""
        done = run("policy", "check", "docker", "POST " + line, "--config", self.gate.policy_path, *more)
        self.assertIn(done.returncode, (0, 6), done.stderr)
        return done

    def permitted(self, line):
        self.passes(ask(line))
        self.assertEqual(self.checked(line).returncode, 0)

    def guarded(self, line, parameter):
        response = self.refused(ask(line), (403,))
        self.assertIn("query." + parameter + ":", response.message)
        record = self.gate.requests_logged(status=403)[-1]
        self.assertEqual((record["decision"], record["reason"]), ("deny", "guard.query"))
        self.assertNotIn("would_deny", record)
        done = self.checked(line)
        self.assertEqual(done.returncode, 6, done.stdout)
        self.assertIn(parameter, done.stdout)


class ByName(GuardedCase):
    POLICY = "version: 1\ndocker:\n" + BY_NAME

    def test_allowing_the_operation_does_not_allow_them(self):
        self.each(GUARDED, self.guarded)

    def test_values_that_reach_nowhere_pass(self):
        self.each(HARMLESS, self.permitted)


class ByGroup(GuardedCase):
    def test_allowing_everything_does_not_allow_them_either(self):
        self.each(GUARDED, self.guarded)


class Where(GuardedCase):
    POLICY = """version: 1
docker:
  - allow: [ContainerStart, ImageCreate, ImageBuild]
  - allow: ImageBuild
    where: {query.remote: "https://git.example.com/**"}
  - allow: ImageCreate
    where: {query.fromSrc: ["https://one.example/*", "~http://two[.]example/[a-z]+"]}
  - allow: ContainerStart
    where: {query.checkpoint: "safe-*"}
"""

    def test_the_named_value_passes(self):
        self.each([
            ("build", target("/build", ("remote", GOOD))),
            ("build with more", target("/build", ("t", "a"), ("remote", GOOD))),
            ("first of two", target("/images/create", ("fromSrc", "https://one.example/x.tar"))),
            ("expression", target("/images/create", ("fromSrc", "http://two.example/x"))),
            ("checkpoint", target("/containers/x/start", ("checkpoint", "safe-1"))),
            *HARMLESS,
        ], self.permitted)

    def test_another_value_is_refused(self):
        self.each([
            ("another host", target("/build", ("remote", "https://git.example.org/team/app.git")), "remote"),
            ("host as a user name", target("/build", ("remote", "https://git.example.com@evil.example/x")), "remote"),
            ("longer host", target("/build", ("remote", "https://git.example.com.evil.example/x")), "remote"),
            ("another scheme", target("/build", ("remote", "http://git.example.com/x")), "remote"),
            ("deeper than one star", target("/images/create", ("fromSrc", "https://one.example/x/y.tar")), "fromSrc"),
            ("expression not met", target("/images/create", ("fromSrc", "http://two.example/X")), "fromSrc"),
            ("another checkpoint", target("/containers/x/start", ("checkpoint", "c1")), "checkpoint"),
        ], self.guarded)

    def test_naming_one_parameter_does_not_permit_the_other(self):
        """Each guarded parameter needs its own permission, however they are ordered."""
        for name, pairs in (("first", [("checkpoint", "safe-1"), ("checkpoint-dir", "/etc")]),
                            ("last", [("checkpoint-dir", "/etc"), ("checkpoint", "safe-1")])):
            with self.subTest(name):
                self.refused(ask(target("/containers/x/start", *pairs)), (403,))


class AnyValue(GuardedCase):
    POLICY = """version: 1
docker:
  - allow: ImageBuild
    where: {query.remote: "*"}
  - allow: ImageCreate
    where: {query.fromSrc: "*/*"}
  - allow: [ContainerStart, ContainerStop]
    where: {image: "*"}
"""

    def test_a_lone_star_is_any_value(self):
        self.each([
            ("with slashes", target("/build", ("remote", GOOD))),
            ("without", target("/build", ("remote", "x"))),
        ], self.permitted)

    def test_a_star_beside_others_stays_within_slashes(self):
        self.permitted(target("/images/create", ("fromSrc", "one/two")))
        self.refused(ask(target("/images/create", ("fromSrc", "https://one/two"))), (403,))

    def test_a_lone_star_is_any_image(self):
        for name in ("nginx", "ghcr.io/acme/agent-1:2"):
            with self.subTest(name):
                self.engine.on("GET", "/containers/x/json", answer(200, {
                    "Id": "a" * 64, "Name": "/x", "Image": "sha256:" + "b" * 64, "Config": {"Image": name, "Labels": {}},
                    "NetworkSettings": {"Networks": {}}, "Mounts": []}))
                self.assertEqual(self.exchange(post("/containers/x/stop")).status, 200)
                self.assertEqual(self.engine.lines()[-1], "POST /containers/%s/stop" % ("a" * 64))


class Report(GateCase):
    def would_deny(self, gate, line, path=None):
        """The request passes; returns what the log says would have refused it."""
        gate.engine.reset()
        self.assertEqual(gate.ask(ask(line), path=path).status, 200)
        self.assertEqual(len(gate.engine.lines()), 1)
        record = gate.requests_logged(decision="allow")[-1]
        return record.get("would_deny")

    def test_report_mode_lets_them_pass_and_says_so(self):
        gate = self.start_gate("version: 1\ndocker:\n" + BY_NAME + "clients:\n  watched:\n    mode: report\n"
                               "    listen: unix:@FOLDER@/run/watched/docker.sock\n")
        path = gate.file("run", "watched", "docker.sock")
        self.each(GUARDED, lambda line, _: self.assertEqual(self.would_deny(gate, line, path), "guard.query"))
        self.each(HARMLESS, lambda line: self.assertIsNone(self.would_deny(gate, line, path)))
        self.assertEqual(gate.ask(ask(GUARDED[0][1])).status, 403)  # the other client's rules are not loosened

    def test_a_replaced_image_had_no_guards_so_they_only_report(self):
        gate = self.start_gate(None, environment=COMPAT)
        self.each(GUARDED, lambda line, _: self.assertEqual(self.would_deny(gate, line), "guard.query"))
        self.each(HARMLESS, lambda line: self.assertIsNone(self.would_deny(gate, line)))

    def test_until_they_are_enforced(self):
        gate = self.start_gate(None, environment=dict(COMPAT, DOCKREEVE_GUARD="enforce"))

        def check(line, _):
            gate.engine.reset()
            self.assertEqual(gate.ask(ask(line)).status, 403)
            self.assertEqual(gate.requests_logged()[-1]["reason"], "guard.query")
            self.assertEqual(gate.engine.lines(), [])

        self.each(GUARDED, check)
        self.each(HARMLESS, lambda line: self.assertIsNone(self.would_deny(gate, line)))

    def test_a_refused_operation_stays_refused_while_guards_report(self):
        gate = self.start_gate(None, environment=dict(COMPAT, BUILD="0"))
        self.assertEqual(gate.ask(ask(target("/build", ("remote", GOOD)))).status, 403)
        self.assertEqual(gate.engine.lines(), [])

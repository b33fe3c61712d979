# SPDX-License-Identifier: Apache-2.0
"""Rules at work: default deny, deny wins, several clients, report mode, and what a refusal teaches."""

import json
import os
import stat

from harness.case import GateCase, SharedGateCase
from harness.client import Client, get, post, post_json, request
from harness.wire import Ended


class Defaults(GateCase):
    def test_nothing_but_negotiation_without_rules(self):
        gate = self.start_gate("version: 1\n")
        for name, raw in (("ping", get("/_ping")), ("ping with HEAD", request("HEAD", "/_ping")), ("version", get("/version")),
                          ("versioned ping", get("/v1.41/_ping"))):
            with self.subTest(name):
                self.assertEqual(gate.ask(raw).status, 200)
        gate.engine.reset()
        for name, raw in (("list", get("/containers/json")), ("create", post_json("/containers/create", {})), ("info", get("/info")),
                          ("events", get("/events")), ("unknown", get("/nonsense")), ("build", post("/build"))):
            with self.subTest(name):
                self.assert_message(gate.ask(raw), 403)
        self.assertEqual(gate.engine.heads, [])

    def test_negotiation_can_be_denied(self):
        gate = self.start_gate("version: 1\ndocker:\n  - deny: [SystemPing, SystemPingHead, SystemVersion]\n")
        self.assertEqual(gate.ask(get("/_ping")).status, 403)
        self.assertEqual(gate.ask(get("/version")).status, 403)

    def test_allow_as_default(self):
        gate = self.start_gate("version: 1\ndefault: {docker: allow}\ndocker:\n  - deny: ContainerDelete\n")
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.assertEqual(gate.ask(request("DELETE", "/containers/x")).status, 403)
        record = gate.requests_logged(operation="ContainerList")[0]
        self.assertEqual((record["decision"], record["reason"]), ("allow", "default"))
        self.assertEqual(gate.ask(get("/nonsense")).status, 403)


class Rules(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: [Container*, "@read"]
  - deny: [ContainerExec, "@exec"]
    name: no exec here
  - deny: {method: POST, path: "/containers/*/kill"}
  - allow: {method: POST, path: "/containers/*/kill"}
  - deny: {method: GET, path: "~/containers/(private|secret)-[a-z]+/json"}
  - allow: {method: GET, path: "/plugins/**"}
  - deny: VolumeList
"""

    def test_verdicts(self):
        def check(raw, allowed):
            response = self.exchange(raw)
            self.assertEqual(response.status, 200 if allowed else 403)
            self.assertEqual(len(self.engine.lines()), 1 if allowed else 0)

        self.each([
            ("glob over names", post("/containers/x/start"), True),
            ("set", get("/images/json"), True),
            ("deny wins over a glob", post_json("/containers/x/exec", {}), False),
            ("set in a deny", post_json("/exec/e/start", {}), False),
            ("deny before an allow of the same path", post("/containers/x/kill"), False),
            ("the same with a version", post("/v1.41/containers/x/kill"), False),
            ("the same with slashes in the name", post("/containers/a/b/kill"), False),
            ("the same encoded", post("/containers/x/%6bill"), False),
            ("pattern", get("/containers/private-box/json"), False),
            ("pattern encoded", get("/containers/priv%61te-box/json"), False),
            ("pattern is anchored at the end", get("/containers/private-box2/json"), True),
            ("pattern is anchored at the start", get("/containers/x-private-box/json"), True),
            ("two stars", get("/plugins/a/b/json"), True),
            ("deny wins over a set", get("/volumes"), False),
            ("not in any rule", post_json("/networks/create", {}), False),
            ("reads that carry contents are not in @read", get("/images/x/get"), False),
            ("search goes out", get("/images/search?term=a"), False),
        ], check)

    def test_a_refusal_teaches(self):
        response = self.refused(post_json("/containers/x/exec?secret=1", {"Env": ["TOKEN=hunter2"]}), (403,))
        self.assertIn("no exec here", response.message)
        self.assertRegex(response.message, r"policy\.yaml:\d+")
        for hidden in ("secret=1", "hunter2", "TOKEN"):
            self.assertNotIn(hidden, response.message)
        response = self.refused(post_json("/networks/create", {}), (403,))
        self.assertIn("NetworkCreate", response.message)

    def test_a_refusal_is_one_json_object(self):
        response = self.refused(get("/containers/private-box/json"), (403,))
        self.assertIsInstance(json.loads(response.body)["message"], str)
        self.assertTrue(response.field("Content-Type").startswith("application/json"))
        self.assertNotIn("\n", response.message.strip())

    def test_a_refusal_of_head_has_no_body(self):
        with self.gate.connect() as connection:
            response = connection.ask(request("HEAD", "/containers/x/archive/nothing"))
            self.assertIn(response.status, (403, 405))
            self.assertEqual(connection.ask(get("/_ping")).status, 200)

    def test_method_without_path_and_libpod(self):
        self.refused(get("/libpod/containers/json"), (403,))


class QueryConditions(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: ContainerDelete
    where: {query.force: {absent: true}, query.v: {absent: true}}
  - allow: ImageCreate
    where: {query.fromImage: ["good", "reg.example/**"], query.fromSrc: {absent: true}}
  - allow: ContainerStop
    where: {query.t: {max: 30}}
  - deny: ImageBuild
    where: {query.remote: "**"}
  - allow: ImageBuild
    where: {query.networkmode: {absent: true}}
"""

    def test_verdicts(self):
        def check(raw, allowed):
            response = self.exchange(raw)
            self.assertEqual(response.status, 200 if allowed else 403, response)

        tar = ("Content-Type", "application/x-tar")
        self.each([
            ("plain removal", request("DELETE", "/containers/x"), True),
            ("forced removal", request("DELETE", "/containers/x?force=1"), False),
            ("forced, key encoded", request("DELETE", "/containers/x?%66orce=1"), False),
            ("with volumes", request("DELETE", "/containers/x?v=1"), False),
            ("pull of the named image", post("/images/create?fromImage=good&tag=1"), True),
            ("pull by glob", post("/images/create?fromImage=reg.example%2Fa%2Fb"), True),
            ("pull of another", post("/images/create?fromImage=evil"), False),
            ("pull with the value hidden in encoding", post("/images/create?fromImage=%65vil"), False),
            ("import", post("/images/create?fromSrc=-&repo=good"), False),
            ("import beside a good image", post("/images/create?fromImage=good&fromSrc=http%3A%2F%2Fx"), False),
            ("no image", post("/images/create"), False),
            ("short stop", post("/containers/x/stop?t=30"), True),
            ("long stop", post("/containers/x/stop?t=31"), False),
            ("no number", post("/containers/x/stop?t=abc"), False),
            ("negative", post("/containers/x/stop?t=-1"), None),
            ("build", post("/build?t=a", tar), True),
            ("build from elsewhere", post("/build?remote=http%3A%2F%2Fx", tar), False),
            ("build on the host's network", post("/build?networkmode=host", tar), False),
        ], lambda raw, allowed: allowed is None or check(raw, allowed))


class Clients(GateCase):
    POLICY = """version: 1
docker:
  - allow: ContainerList
  - deny: ContainerDelete
clients:
  ops:
    listen: unix:@FOLDER@/run/ops/docker.sock
    docker:
      - allow: "Container*"
  lonely:
    listen: unix:@FOLDER@/run/lonely/docker.sock
    inherit: false
    docker:
      - allow: [ImageList, ContainerDelete]
  watched:
    listen: unix:@FOLDER@/run/watched/docker.sock
    mode: report
  near:
    listen: tcp:127.0.0.1:0
    from: [127.0.0.0/8]
"""

    def test_each_client_has_its_listener_and_its_rules(self):
        gate = self.start_gate(self.POLICY)

        def check(client, raw, status):
            path = gate.socket_path if client == "default" else gate.file("run", client, "docker.sock")
            self.assertEqual(gate.ask(raw, path=path).status, status)
            self.assertEqual(gate.requests_logged()[-1]["client"], client)

        self.each([
            ("default has the common rules", "default", get("/containers/json"), 200),
            ("default has nobody else's", "default", post("/containers/x/start"), 403),
            ("ops adds to them", "ops", post("/containers/x/start"), 200),
            ("a common deny holds for ops", "ops", request("DELETE", "/containers/x"), 403),
            ("lonely has its own", "lonely", get("/images/json"), 200),
            ("lonely has no common rules", "lonely", get("/containers/json"), 403),
            ("nor a common deny", "lonely", request("DELETE", "/containers/x"), 200),
            ("ping is for all", "lonely", get("/_ping"), 200),
            ("watched is let through", "watched", post("/containers/x/start"), 200),
        ], check)
        with Client.tcp(gate.port) as connection:
            self.assertEqual(connection.ask(get("/containers/json")).status, 200)
        record = gate.requests_logged(client="near")[-1]
        self.assertRegex(record["peer"], r"^127\.0\.0\.1:\d+$")

    def test_sockets_are_tight(self):
        gate = self.start_gate(self.POLICY)
        for name in ("ops/docker.sock", "lonely/docker.sock", "docker.sock"):
            with self.subTest(name):
                self.assertEqual(stat.S_IMODE(os.stat(gate.file("run", name)).st_mode), 0o660)

    def test_report_mode_lets_pass_and_says_so(self):
        gate = self.start_gate(self.POLICY)
        path = gate.file("run", "watched", "docker.sock")
        self.assertEqual(gate.ask(request("DELETE", "/containers/x"), path=path).status, 200)
        record = gate.requests_logged(client="watched")[-1]
        self.assertEqual((record["decision"], record["would_deny"]), ("allow", "rule"))
        self.assertEqual(gate.ask(get("/info"), path=path).status, 200)
        self.assertEqual(gate.requests_logged(client="watched")[-1]["would_deny"], "default")
        self.assertEqual(gate.ask(get("/containers/json"), path=path).status, 200)
        self.assertNotIn("would_deny", gate.requests_logged(client="watched")[-1])
        for name, raw in (("malformed path", get("/containers/../json")), ("framing", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
                          ("form", post("/images/create", ("Content-Type", "application/x-www-form-urlencoded"), body=b"a=b"))):
            with self.subTest(name):
                self.assertIn(gate.ask(raw, path=path).status, (400, 415))
        self.assertIn("report", gate.stderr() + json.dumps(gate.log(event="start")) + json.dumps(gate.log(event="policy")))

    def test_addresses_outside_from_are_refused(self):
        gate = self.start_gate(self.POLICY.replace("127.0.0.0/8", "192.0.2.0/24"))
        with Client.tcp(gate.port) as connection:
            try:
                status = connection.ask(get("/containers/json")).status
            except (OSError, Ended):
                status = 403  # closed without a word is a refusal too
        self.assertEqual(status, 403)
        self.assertEqual(gate.engine.heads, [])

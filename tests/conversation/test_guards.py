# SPDX-License-Identifier: Apache-2.0
"""`guard`: what a body asks for is judged before the engine is given it, by the gate and by `policy check` alike."""

import json
import os

from harness.case import GateCase, SharedGateCase
from harness.client import chunked, get, post_json, request
from harness.engine import answer
from harness.gate import run

POLICY = """version: 1
docker:
  - deny: VolumeCreate
  - allow: "@all"
guard:
  binds: ["@FOLDER@/shared", "@FOLDER@/shared/*:ro"]
  publish: ["127.0.0.1:8000-8100"]
  restart: [on-failure]
clients:
  free:
    listen: unix:@FOLDER@/free/docker.sock
    guard: {inherit: false, privileged: true}
  tight:
    listen: unix:@FOLDER@/tight/docker.sock
    guard: {memory: 1g, publish: ["9090"]}
"""
CREATE = "/v1.41/containers/create"


def create(**host):
    return {"Image": "a", "HostConfig": host}


class Guards(SharedGateCase):
    POLICY = POLICY

    def ask(self, body, path=CREATE, client=None):
        self.engine.reset()
        response = self.gate.ask(post_json(path, body), path=client and self.gate.file(client, "docker.sock"))
        self.barrier()
        return response

    def denied(self, body, guard, *words, **where):
        response = self.ask(body, **where)
        self.assertEqual(response.status, 403, response)
        self.assertEqual([line for line in self.engine.lines() if "_ping" not in line], [])
        for word in ("guard " + guard, *words):
            self.assertIn(word, response.message)
        record = self.gate.wait_log(1, event="request", reason="guard." + guard)[-1]
        self.assertEqual((record["decision"], record["rule"], record["status"]), ("deny", "guard " + guard, 403))
        return record

    def test_the_safe_values_hold_where_nothing_is_said(self):
        record = self.denied(create(Privileged=True), "privileged", "(default guard): `HostConfig.Privileged`", "write `privileged: true` under `guard:`")
        self.assertEqual(record["source"], "default guard")
        self.denied({"Cmd": ["a"], "Privileged": True}, "exec", path="/v1.41/containers/x/exec")
        self.denied({"Name": "n", "Driver": "macvlan"}, "networks", path="/v1.41/networks/create")

    def test_what_is_permitted_passes(self):
        self.engine.on("POST", "/containers/create", answer(201, {"Id": "a" * 64}))
        self.each([
            ("nothing special", create()),
            ("a port", create(PortBindings={"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]})),
            ("a restart policy", create(RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 3})),
        ], lambda body: self.assertEqual(self.ask(body).status, 201))

    def test_the_line_that_decides_is_named(self):
        record = self.denied(create(PortBindings={"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}), "publish", "policy.yaml:7", 'publish: ["8080"]')
        self.assertEqual(record["source"], "policy.yaml:7")

    def test_rules_come_first(self):
        response = self.ask({"Name": "v", "DriverOpts": {"o": "bind"}}, path="/v1.41/volumes/create")
        self.assertIn("rule `deny VolumeCreate`", response.message)

    def test_a_client_says_some_of_it_anew(self):
        self.engine.on("POST", "/containers/create", answer(201, {"Id": "a" * 64}))
        self.assertEqual(self.ask(create(Privileged=True), client="free").status, 201)
        self.denied(create(PortBindings={"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}), "publish", "default guard", client="free")
        self.denied(create(), "memory", "policy.yaml:15", client="tight")
        self.assertEqual(self.ask(create(Memory=1 << 30, PortBindings={"80/tcp": [{"HostPort": "9090"}]}), client="tight").status, 201)
        self.denied(create(Memory=1 << 30, Privileged=True), "privileged", client="tight")

    def test_binds_are_what_they_say(self):
        shared = self.gate.file("shared")
        os.makedirs(os.path.join(shared, "inner", "deep"), exist_ok=True)
        if not os.path.lexists(os.path.join(shared, "link")):
            os.symlink("/etc", os.path.join(shared, "link"))
        self.engine.on("POST", "/containers/create", answer(201, {"Id": "a" * 64}))
        for source, mode in ((shared, ""), (shared, ":ro"), (shared + "/inner", ":ro")):
            self.assertEqual(self.ask(create(Binds=[source + ":/x" + mode])).status, 201, source)
        self.each([
            ("a link", shared + "/link:/x:ro", "is a link"),
            ("what is not there", shared + "/none:/x:ro", "is not there"),
            ("to be written", shared + "/inner:/x", "read-only"),
            ("deeper", shared + "/inner/deep:/x:ro", "of the host"),
            ("the folder above", self.gate.folder + ":/x", "of the host"),
            ("another spelling", shared + "/./inner:/x:ro", "of the host"),
            ("everything", "/:/x", "of the host"),
        ], lambda bind, word: self.denied(create(Binds=[bind]), "binds", word))

    def test_a_body_that_comes_in_pieces_is_judged_when_it_is_whole(self):
        body = json.dumps(create(Privileged=True)).encode()
        fields = (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
        with self.gate.connect() as client:
            client.send(request("POST", CREATE, fields) + chunked(body[:20])[:-5])
            client.send(chunked(body[20:]))
            response = client.read_response("POST")
        self.assertEqual(response.status, 403)
        self.assertIn("guard privileged", response.message)

    def test_several_are_counted(self):
        self.assertIn("(and 2 more)", self.ask(create(Privileged=True, PidMode="host", CapAdd=["ALL"])).message)

    def test_check_says_the_same(self):
        def check(body, code, *words):
            with open(self.gate.file("body.json"), "w", encoding="utf-8") as out:
                json.dump(body, out)
            done = run("policy", "check", "docker", "POST " + CREATE, "--config", self.gate.policy_path, "--body", self.gate.file("body.json"), "--json")
            self.assertEqual(done.returncode, code, done.stderr)
            told = json.loads(done.stdout)
            response = self.ask(body)
            if code:
                self.assertEqual(response.status, 403)
                self.assertEqual(told["reason"], self.gate.wait_log(1, event="request", reason=told["reason"])[-1]["reason"])
                self.assertIn(told["fix"], response.message)
                self.assertIn("%s (%s)" % (told["rule"], told["source"]), response.message)
            for word in words:
                self.assertIn(word, done.stdout)

        self.each([
            ("what passes", create(), 0),
            ("what a guard refuses", create(Privileged=True), 6, "guard.privileged"),
            ("a listed guard", create(PortBindings={"80/tcp": []}), 6, "policy.yaml:7"),
        ], check)


class Modes(GateCase):
    def test_report_lets_it_pass_and_says_so(self):
        for policy in (POLICY.replace("guard:\n", "guard:\n  mode: report\n", 1), POLICY.replace("version: 1\n", "version: 1\nmode: report\n")):
            gate = self.start_gate(policy)
            gate.engine.on("POST", "/containers/create", answer(201, {"Id": "a" * 64}))
            self.assertEqual(gate.ask(post_json(CREATE, create(Privileged=True))).status, 201)
            record = gate.wait_log(1, event="close")[-1]
            self.assertEqual((record["decision"], record["would_deny"], record["rule"]), ("allow", "guard.privileged", "allow @all"))
            self.assertEqual(gate.engine.requests[-1].body, b'{"Image":"a","HostConfig":{"Privileged":true}}')

    def test_the_safe_values_hold_without_the_key(self):
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@all"\n')
        response = gate.ask(post_json(CREATE, create(Privileged=True)))
        self.assertEqual(response.status, 403)
        self.assertIn("guard privileged (default guard)", response.message)

    def test_variables_only_report_unless_they_say_otherwise(self):
        for guard, status in ((None, 201), ("report", 201), ("enforce", 403)):
            environment = {"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1", "POST": "1"}
            if guard:
                environment["DOCKREEVE_GUARD"] = guard
            gate = self.start_gate(None, environment=environment)
            gate.engine.on("POST", "/containers/create", answer(201, {"Id": "a" * 64}))
            self.assertEqual(gate.ask(post_json(CREATE, create(Privileged=True))).status, status)
            record = gate.wait_log(1, operation="ContainerCreate")[-1]
            self.assertEqual(record["would_deny" if status == 201 else "reason"], "guard.privileged")

    def test_a_policy_that_comes_while_a_request_waits_is_the_one_that_judges(self):
        """The engine takes no connection until the new policy is there."""
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@all"\nguard: {privileged: true}\n')
        gate.engine.stop()
        with gate.connect() as client:
            self.assertEqual(client.ask(get("/_ping")).status, 502)
            body = json.dumps(create(Privileged=True)).encode()
            client.send(request("POST", CREATE, (("Content-Type", "application/json"), ("Content-Length", str(len(body))))) + body[:-1])
            gate.reload('version: 1\ndocker:\n  - allow: "@all"\nguard: {publish: ["*"]}\n')
            client.send(body[-1:])
            response = client.read_response("POST")
        self.assertEqual(response.status, 403)
        self.assertIn("guard privileged", response.message)

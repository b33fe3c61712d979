# SPDX-License-Identifier: Apache-2.0
"""A change of the policy leaves what is open as it is, says how much of it would not be allowed any more, and ends it on request."""

import json
import os

from harness.case import GateCase
from harness.client import get
from harness.egress import EgressCase, allow, deny, forward, policy_of
from harness.gate import run
from harness.origin import HttpOrigin, Origin, echo

OPEN = 'version: 1\ndocker:\n  - allow: "@all"\n'


def opens_stream(connection, _):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    connection.fill()
    return False


def expect(case, code, *words):
    done = run("policy", *words)
    case.assertEqual(done.returncode, code, done)
    for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        case.assertNotIn(word, done.stderr)
    return done


class Cutting:
    """Of both gates: commands and what they say."""

    def command(self, gate, *words, code=0, config=True):
        more = ["--config", gate.policy_path] if config else []
        return expect(self, code, *words, "--state", gate.state, *more)

    def json(self, gate, *words, **options):
        return json.loads(self.command(gate, *words, "--json", **options).stdout)

    def no_longer_allowed(self, gate):
        found = self.json(gate, "status", config=False)["no_longer_allowed"]
        return found["streams"], found["tunnels"]


class Streams(Cutting, GateCase):
    def open(self, gate, path="/events"):
        gate.engine.on("GET", path, opens_stream)
        stream = gate.connect()
        stream.send(get(path))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        return stream

    def test_a_reload_says_how_many_and_cuts_on_request(self):
        gate = self.start_gate(OPEN)
        revoked, kept = self.open(gate), self.open(gate, "/containers/x/stats")
        self.assertEqual(self.no_longer_allowed(gate), (0, 0))
        gate.write_policy(OPEN + "  - deny: SystemEvents\n")
        done = self.command(gate, "reload", config=False)
        self.assertIn("1 open stream would not be allowed any more", done.stderr)
        self.assertIn("--cut", done.stderr)
        self.assertEqual(self.no_longer_allowed(gate), (1, 0))
        self.assertTrue(revoked.quiet())
        self.assertIn("1 streams and 0 tunnels", self.command(gate, "status", config=False).stdout)
        told = self.json(gate, "reload", config=False)
        self.assertEqual((told["no_longer_allowed"], told["cut"]), ({"streams": 1, "tunnels": 0}, False))
        done = self.command(gate, "reload", "--cut", config=False)
        self.assertIn("ended: 1 open stream", done.stderr)
        self.assertTrue(revoked.ended())
        self.assertTrue(kept.quiet())
        self.assertEqual([r["close"] for r in gate.wait_log(event="close", operation="SystemEvents")], ["revoked"])
        self.assertEqual(self.no_longer_allowed(gate), (0, 0))

    def test_with_cut_on_revoke_nobody_has_to_ask(self):
        gate = self.start_gate(OPEN + "cut_on_revoke: true\n")
        stream = self.open(gate)
        told = self.json(gate, "deny", "docker", "SystemEvents")
        self.assertEqual(told["open"], {"streams": 1, "tunnels": 0, "cut": True})
        self.assertTrue(stream.ended())

    def test_every_command_that_changes_the_policy(self):
        def check(prepare, words):
            gate = self.start_gate("version: 1\n" if prepare else OPEN)
            if prepare:
                self.command(gate, *prepare)
            stream = self.open(gate)
            told = self.json(gate, *words)
            self.assertEqual(told["open"], {"streams": 1, "tunnels": 0, "cut": False}, told)
            self.assertTrue(stream.quiet())
            self.command(gate, "reload", "--cut", config=False)
            self.assertTrue(stream.ended())

        allowed = ("allow", "docker", "SystemEvents")
        self.each([
            ("deny", None, ("deny", "docker", "SystemEvents")),
            ("rm", allowed, ("rm", "docker", "SystemEvents")),
            ("reset", allowed, ("reset", "--force")),
        ], check)

    def test_cut_with_the_command_itself(self):
        gate = self.start_gate(OPEN)
        stream = self.open(gate)
        done = self.command(gate, "deny", "docker", "SystemEvents", "--cut")
        self.assertIn("ended: 1 open stream", done.stderr)
        self.assertTrue(stream.ended())
        self.assertEqual(gate.ask(get("/events")).status, 403, "the change is in force when the command has ended")

    def test_without_a_gate_a_change_is_made_and_nothing_said(self):
        gate = self.start_gate(OPEN)
        gate.stop()
        done = self.command(gate, "deny", "docker", "SystemEvents")
        self.assertEqual(done.stderr, "")
        self.assertIsNone(self.json(gate, "deny", "docker", "ContainerKill")["open"])
        done = self.command(gate, "deny", "docker", "ContainerStop", "--cut", code=9)
        self.assertIn("nothing was cut", done.stderr)
        with open(gate.file("policy.d", "90-cli.yaml"), encoding="utf-8") as stream:
            self.assertIn("ContainerStop", stream.read())
        gate.start()

    def test_another_ones_gate_is_let_be(self):
        gate = self.start_gate(OPEN)
        stream = self.open(gate)
        other = gate.file("run", "other")  # not beside the gate's own policy
        os.mkdir(other, 0o755)
        path = os.path.join(other, "policy.yaml")
        gate.write(path, OPEN)
        loads = len(gate.log(event="policy"))
        done = expect(self, 0, "deny", "docker", "SystemEvents", "--config", path, "--state", gate.state)
        self.assertEqual(done.stderr, "")
        done = expect(self, 9, "deny", "docker", "ContainerKill", "--config", path, "--state", gate.state, "--cut")
        self.assertIn("another policy file", done.stderr)
        self.assertEqual(len(gate.log(event="policy")), loads)
        self.assertTrue(stream.quiet())


class Tunnels(Cutting, EgressCase):
    def test_tunnels_and_streams_of_the_egress_gate(self):
        web = self.origin(HttpOrigin())
        web.on("GET", "/stream", opens_stream)
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False))
        tunnel = gate.tunnel("127.0.0.1:%d" % target.port)
        self.passes_bytes(tunnel)
        stream = gate.client()
        stream.send(forward("http://127.0.0.1:%d/stream" % web.port))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        told = self.json(gate, "deny", "network", "127.0.0.1:*")
        self.assertEqual(told["open"], {"streams": 1, "tunnels": 1, "cut": False})
        self.passes_bytes(tunnel)
        self.assertEqual(self.no_longer_allowed(gate), (1, 1))
        self.assertIn("1 open stream and 1 open tunnel", self.command(gate, "reload", config=False).stderr)
        told = self.json(gate, "reload", "--cut", config=False)
        self.assertEqual((told["no_longer_allowed"], told["cut"]), ({"streams": 1, "tunnels": 1}, True))
        self.assertTrue(tunnel.ended())
        self.assertTrue(stream.ended())
        self.assertEqual([r["close"] for r in gate.wait_network(2, event="close")], ["revoked"] * 2)

    def test_a_default_that_is_set(self):
        gate = self.start_egress(deny("other.test"))
        self.assertEqual(self.json(gate, "set-default", "deny-all")["open"], {"streams": 0, "tunnels": 0, "cut": False})

    def test_a_rule_that_expires_ends_its_tunnels_where_the_policy_says_so(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(policy_of(deny("other.test")) + "cut_on_revoke: true\n")
        self.command(gate, "allow", "network", "127.0.0.1:%d" % target.port, "--ttl", "3s")
        tunnel = gate.tunnel("127.0.0.1:%d" % target.port)
        self.passes_bytes(tunnel)
        self.assertTrue(tunnel.ended())
        self.assertEqual(gate.wait_network(event="close")[0]["close"], "revoked")

    def test_a_rule_that_expires_is_said_where_tunnels_stay(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(deny("other.test"))
        self.command(gate, "allow", "network", "127.0.0.1:%d" % target.port, "--ttl", "2s")
        tunnel = gate.tunnel("127.0.0.1:%d" % target.port)
        while self.no_longer_allowed(gate) == (0, 0):
            self.passes_bytes(tunnel)
        self.assertEqual(self.no_longer_allowed(gate), (0, 1))
        self.passes_bytes(tunnel)

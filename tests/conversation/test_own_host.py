# SPDX-License-Identifier: Apache-2.0
"""Addresses of the machine that the gate runs on: whatever allows the internet does not open the services of this machine, however
they are reached, and `policy check` says so too. The machine is a network namespace of the test's own with public addresses."""

import json
import subprocess
import unittest

from harness.dns_client import NO_NAME, ask_udp, question
from harness.egress import EgressCase, EgressGate, connect, forward
from harness.gate import binary, clean_environment
from harness.machine import MachineCase
from harness.network import Network
from harness.origin import HttpOrigin, Origin, echo

OWN, LATER, OWN_V6, LISTED = "198.20.0.7", "198.20.0.8", "2606:4700::7", "198.30.0.1"
REASON = "address-class\\.own-host"


class OwnHost(MachineCase):
    def setUp(self):
        super().setUp()
        self.network.add(OWN)

    def refuses(self, target, port):
        for raw in (connect("%s:%d" % (target, port)), forward("http://%s:%d/" % (target, port))):
            self.assert_refusal(self.ask(raw), 403, REASON)

    WIDE = (
        ("the default allows", "version: 1\ndefault: {network: allow}\n"),
        ("a star", "version: 1\nnetwork:\n  - allow: \"*:*\"\n"),
        ("preset/allow-all", "version: 1\nuse: [preset/allow-all]\n"),
        ("report mode", "version: 1\nmode: report\n"),
    )

    def test_what_allows_the_internet_does_not_open_this_machine(self):
        self.network.add(OWN_V6)
        service = self.listen(OWN, Origin, echo)
        newer = self.listen(OWN_V6, Origin, echo)

        def check(policy):
            self.serve(policy, hosts={"own.test": OWN, "mixed.test": [OWN, OWN_V6]})
            for target in (OWN, "own.test", "mixed.test", "[::ffff:%s]" % OWN, "[64:ff9b::%s]" % OWN, "[2002:c614:7::1]"):
                self.refuses(target, service.port)
            self.refuses("[%s]" % OWN_V6, newer.port)
            self.assertEqual((service.accepted, newer.accepted), (0, 0))

        self.each(self.WIDE, check)

    def test_an_address_that_is_added_later(self):
        self.serve("version: 1\nnetwork:\n  - allow: \"*:*\"\n", hosts={"later.test": LATER})
        self.assertEqual(self.ask(connect("%s:80" % LATER)).status, 502)
        self.assertEqual(self.ask(connect("later.test:80")).status, 502)
        self.network.add(LATER)
        service = self.listen(LATER, Origin, echo)
        for target in (LATER, "later.test"):
            self.refuses(target, service.port)
        self.assertEqual(service.accepted, 0)

    def test_a_rule_that_names_the_address_opens_it(self):
        service = self.listen(OWN, Origin, echo)
        web = self.listen(OWN, HttpOrigin)
        self.serve("version: 1\nnetwork:\n  - allow: [\"%s:*\"]\n  - {allow: \"own.test:*\", addresses: [198.20.0.0/16]}\n  - allow: \"*:*\"\n" % OWN,
                   hosts={"own.test": OWN, "other.test": OWN})
        for target in (OWN, "own.test"):
            with self.gate.tunnel("%s:%d" % (target, service.port), name="main") as client:
                self.passes_bytes(client)
            self.assertEqual(self.ask(forward("http://%s:%d/" % (target, web.port))).status, 200)
        self.refuses("other.test", service.port)

    def test_a_refusal_says_which_line_permits_it(self):
        self.serve("version: 1\nnetwork:\n  - allow: \"*:*\"\n", hosts={"own.test": OWN})
        said = self.assert_refusal(self.ask(connect("own.test:8443")), 403, REASON).json()
        self.assertIn("own machine", said["message"])
        self.assertIn("--address %s" % OWN, said["fix"])
        self.assertIn("own.test:8443", said["fix"])
        said = self.assert_refusal(self.ask(connect("%s:8443" % OWN)), 403, REASON).json()
        self.assertIn("%s:8443" % OWN, said["fix"])

    def test_what_localhost_names_is_loopback_alone(self):
        service = self.listen("127.0.0.1", Origin, echo)
        self.serve("version: 1\nnetwork:\n  - allow: [\"localhost:*\", \"*:*\"]\n")
        with self.gate.tunnel("localhost:%d" % service.port, name="main") as client:
            self.passes_bytes(client)
        self.assert_refusal(self.ask(connect("127.0.0.1:%d" % service.port)), 403, "address-class\\.loopback")
        self.refuses(OWN, service.port)

    def test_the_name_server_does_not_answer_them(self):
        client = "    dns: {listen: \"127.0.0.1:0\", answer: real}\n"
        self.serve("version: 1\nnetwork:\n  - allow: \"*:*\"\n", hosts={"own.test": OWN, "far.test": "198.20.0.9"}, client=client)
        with self.network.entered():
            port = self.gate.ports[("main", "dns")]
            self.assertEqual(ask_udp(port, question("far.test")).addresses, ["198.20.0.9"])
            answer = ask_udp(port, question("own.test"))
        self.assertEqual((answer.code, answer.addresses), (NO_NAME, []))
        record = self.gate.wait_network(via="dns", host="own.test")[-1]
        self.assertEqual((record["decision"], record["reason"]), ("deny", "address-class.own-host"))

    def test_a_listed_address(self):
        """A gate in a container does not see those of its host: the policy or the variable lists them."""
        policy = "version: 1\nnetwork:\n  - allow: \"*:*\"\n"
        rows = (("own_addresses", policy + "own_addresses: [198.30.0.0/24, \"2606:4700::30\"]\n", None),
                ("one alone", policy + "own_addresses: %s\n" % LISTED, None),
                ("the variable", policy, {"DOCKREEVE_OWN_ADDRESSES": "192.0.2.1, 198.30.0.1 2606:4700::30"}))

        def check(text, environment):
            self.serve(text, hosts={"listed.test": LISTED}, environment=environment)
            for target in (LISTED, "listed.test", "[64:ff9b::198.30.0.1]"):
                self.refuses(target, 80)
            self.assertEqual(self.ask(connect("198.30.1.1:80")).status, 502, "the machine has no way there")
            self.assertEqual(self.check(LISTED + ":80")["reason"], "address-class.own-host")

        self.each(rows, check)

    def test_check_and_explain_agree(self):
        other = Network()
        self.addCleanup(other.close)
        self.serve("version: 1\nnetwork:\n  - allow: \"*:*\"\n  - {allow: \"named.test:*\", addresses: [198.20.0.0/16]}\n",
                   hosts={"own.test": OWN, "named.test": OWN})
        for arguments, verdict in (((OWN + ":80",), "deny"), (("own.test:80", "--address", OWN), "deny"), (("own.test:80", "--address", LATER), "allow"),
                                   (("own.test:80", "--resolve", "--hosts", self.gate.file("hosts")), "deny"), (("named.test:80", "--address", OWN), "allow")):
            said = self.check(*arguments)
            self.assertEqual(said["decision"], verdict, said)
            gated = self.ask(connect(arguments[0])).status
            if "--address" not in arguments or OWN in arguments:
                self.assertEqual(gated == 403, verdict == "deny", (arguments, gated))
            if verdict == "deny":
                self.assertEqual(said["reason"], "address-class.own-host")
                self.assertEqual([a["class"] for a in said.get("addresses", [])][:1] or ["own-host"], ["own-host"])
        self.assertEqual(self.check(OWN + ":80", network=other)["decision"], "allow", "another machine does not have it")

    def test_what_cannot_be_listed(self):
        for text in ("own_addresses: host.test\n", "own_addresses: [10.0.0.1/8]\n", "own_addresses: {a: b}\n", "own_addresses: [[10.0.0.1]]\n"):
            with self.subTest(text):
                gate = self.gate_of("version: 1\n" + text)
                self.assertEqual(gate.wait_exit(), 2)
                self.assertRegex(gate.stderr(), "policy.yaml:2:[0-9]+: .*own_addresses|no address or range")
        gate = self.gate_of("version: 1\n", environment={"DOCKREEVE_OWN_ADDRESSES": "10.0.0.1,nowhere"})
        self.assertEqual(gate.wait_exit(), 2)
        self.assertRegex(gate.stderr(), "DOCKREEVE_OWN_ADDRESSES: `nowhere` is no address or range")

    def gate_of(self, policy, **options):
        gate = EgressGate(policy, start=False, **options)
        self.addCleanup(gate.remove)
        gate.start(wait=False)
        return gate


class InAContainer(EgressCase):
    """Where the gate cannot see the addresses of its host it says so, once, as long as nobody has listed them."""
    NOTE = "note.own-addresses"

    def said(self, policy, environment=None, **options):
        gate = self.start_egress(policy, environment={"container": "docker", **(environment or {})}, **options)
        logged = [record for record in gate.log(event="start") if record.get("reason") == self.NOTE]
        spoken = "cannot see the addresses of its host" in gate.stderr()
        self.assertEqual(len(logged), int(spoken), gate.stderr())
        return spoken

    def test_the_start_says_so(self):
        policy = "version: 1\nnetwork:\n  - allow: x.test\n"
        self.assertTrue(self.said(policy))
        self.assertTrue(self.said(policy, {"DOCKREEVE_OWN_ADDRESSES": ""}), "set to nothing is not set")
        self.assertFalse(self.said(policy + "own_addresses: [203.0.113.7]\n"))
        self.assertFalse(self.said(policy + "own_addresses: []\n"), "there are none")
        self.assertFalse(self.said(policy, {"DOCKREEVE_OWN_ADDRESSES": "none"}))
        self.assertFalse(self.said(policy, {"DOCKREEVE_OWN_ADDRESSES": "203.0.113.7"}))
        self.assertFalse(self.said(policy, egress=False, docker=True), "nobody is served to the internet")

    def test_doctor_says_so(self):
        for extra, wanted in (("", 1), ("own_addresses: []\n", 0)):
            gate = self.start_egress("version: 1\nclients:\n  main:\n    egress: unix:@FOLDER@/run/egress.sock\n" + extra, egress=False, files={"run/.kept": ""})
            done = subprocess.run([binary(), "doctor", "--json", "--config", gate.policy_path, "--state", gate.state, "--resolver", "127.0.0.1:1"],
                                  env=clean_environment({"container": "docker"}), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
            notes = [line for line in map(json.loads, done.stdout.splitlines()) if "addresses of its host" in line["text"]]
            self.assertEqual([note["finding"] for note in notes], ["note"] * wanted, done.stdout)


if __name__ == "__main__":
    unittest.main()

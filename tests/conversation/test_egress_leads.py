# SPDX-License-Identifier: Apache-2.0
"""A deny is held against where an address leads, however it is written and however it is reached: loopback by its names, by zeros
and by every form that carries an IPv4 address, for targets and for the answers of a name server. The gate and `policy check` say
the same. Nothing leaves the machine: what is allowed leads to loopback."""

import json

from harness.dns_server import DnsServer
from harness.egress import EgressCase, SharedEgressCase, connect, forward
from harness.gate import run
from harness.origin import Origin, echo

# Another spelling of 127.0.0.1 as a target.
LOOPBACK = (
    ("as it is", "127.0.0.1"),
    ("with a dot behind", "127.0.0.1."),
    ("its neighbour", "127.0.0.2"),
    ("mapped", "[::ffff:127.0.0.1]"),
    ("mapped, in hexadecimal", "[::ffff:7f00:1]"),
    ("zeros", "0.0.0.0"),
    ("mapped zeros", "[::ffff:0.0.0.0]"),
    ("unspecified", "[::]"),
    ("compatible", "[::127.0.0.1]"),
    ("translated", "[::ffff:0:127.0.0.1]"),
    ("NAT64", "[64:ff9b::127.0.0.1]"),
    ("local NAT64", "[64:ff9b:1::127.0.0.1]"),
    ("local NAT64, /64", "[64:ff9b:1:2:7f:0:100:0]"),
    ("local NAT64, /56", "[64:ff9b:1:7f::1:0:0]"),
    ("local NAT64, /48", "[64:ff9b:1:7f00:0:100::]"),
    ("6to4", "[2002:7f00:1::1]"),
    ("Teredo", "[2001:0:808:808:8000:ffff:80ff:fffe]"),
    ("ISATAP", "[2606:4700::5efe:7f00:1]"),
)
WIDE = "  - allow: [\"0.0.0.0/0:*\", \"[::]/0:*\", \"localhost:*\", \"a.localhost:*\"]\n  - {allow: \"*.leads.test:*\", addresses: [0.0.0.0/0, \"::/0\"]}\n"


class Leads:
    """Names below leads.test lead to an address of LOOPBACK each: n0.leads.test to the first."""
    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo))
        cls.other = cls.add(Origin(echo))
        cls.dns = DnsServer({"n%d.leads.test" % number: [address.strip("[]").rstrip(".")] for number, (_, address) in enumerate(LOOPBACK)})
        return {"rules": "version: 1\nnetwork:\n" + WIDE + cls.DENY % cls.target.port, "resolver": cls.dns.port}

    @classmethod
    def stop_all(cls):
        super().stop_all()
        if hasattr(cls, "dns"):
            cls.dns.close()

    def refused(self, host, *check):
        """By the deny, and by `policy check` in the same words."""
        target = "%s:%d" % (host, self.target.port)
        for raw in (connect(target), forward("http://%s/" % target)):
            self.assert_refusal(self.gate.ask(raw), 403, "rule", rule=self.RULE % self.target.port)
        done = run("policy", "check", "network", target, "--json", "--config", self.gate.policy_path, *check)
        said = json.loads(done.stdout)
        self.assertEqual((said["decision"], said["rule"]), ("deny", self.RULE % self.target.port), said)

    def by_answer(self, number):
        return "n%d.leads.test" % number, ("--resolve", "--resolver", "127.0.0.1:%d" % self.dns.port)

    def test_as_a_target(self):
        self.each(LOOPBACK, self.refused)
        self.assertEqual(self.target.count, 0)

    def test_as_an_answer(self):
        def check(number):
            host, more = self.by_answer(number)
            self.refused(host, *more)

        self.each([(name, number) for number, (name, _) in enumerate(LOOPBACK)], check)
        self.assertEqual(self.target.count, 0)


class DenyOfLocalhost(Leads, SharedEgressCase):
    DENY = "  - deny: \"localhost:%d\"\n"
    RULE = "deny localhost:%d"

    def test_its_names(self):
        for host in ("localhost", "LocalHost.", "a.localhost"):
            self.refused(host, "--address", "127.0.0.1")
        self.assertEqual(self.target.count, 0)

    def test_another_port_stays_open(self):
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "n0.leads.test"):
            with self.gate.tunnel("%s:%d" % (host, self.other.port)) as client:
                self.passes_bytes(client)


class DenyOfTheRange(Leads, SharedEgressCase):
    DENY = "  - deny: \"127.0.0.0/8:%d\"\n"
    RULE = "deny 127.0.0.0/8:%d"


class DenyOfAName(EgressCase):
    def test_names_below_localhost_are_other_services(self):
        """A deny of one covers the address, which could be any of them, and spares the other names."""
        target = self.origin(Origin(echo))
        gate = self.start_egress("version: 1\nnetwork:\n  - allow: [\"localhost:*\", \"b.localhost:*\", \"127.0.0.0/8:*\"]\n"
                                 "  - {allow: \"far.test:*\", addresses: [127.0.0.0/8]}\n  - deny: \"a.localhost\"\n", hosts={"far.test": "127.0.0.1"})
        for host in ("a.localhost", "127.0.0.1", "far.test"):
            self.assert_refusal(gate.ask(connect("%s:%d" % (host, target.port))), 403, "rule", gate=gate, rule="deny a.localhost")
        for host in ("localhost", "b.localhost"):
            with gate.tunnel("%s:%d" % (host, target.port)) as client:
                self.passes_bytes(client)

    def test_a_reload_brings_it_into_force(self):
        """A kept connection leads to an address that is denied now."""
        target = self.origin(Origin(echo))
        policy = "version: 1\nnetwork:\n  - allow: \"127.0.0.1:*\"\n"
        gate = self.start_egress(policy)
        client = gate.tunnel("127.0.0.1:%d" % target.port)
        self.passes_bytes(client)
        gate.reload(policy + "  - deny: localhost\ncut_on_revoke: true\n")
        self.assertEqual(client.to_end(), b"")
        self.assert_refusal(gate.ask(connect("127.0.0.1:%d" % target.port)), 403, "rule", gate=gate)

    def test_a_rule_that_never_decides_is_named(self):
        gate = self.start_egress("version: 1\nnetwork:\n  - allow: \"127.0.0.1:8080\"\n  - deny: localhost\n")
        done = run("policy", "validate", "--config", gate.policy_path)
        self.assertIn("can never decide", done.stdout + done.stderr)

# SPDX-License-Identifier: Apache-2.0
"""A name that is an alias of others (CNAME): the whole chain is in the log and held against denies wherever a name is used, and an
allow of an alias admits nothing. Only the chain of the name that was asked for counts, and only one that can be followed."""

import json

from harness import hello
from harness.client import request
from harness.dns_client import NO_NAME, ask_udp, question
from harness.dns_server import DnsServer, message, record
from harness.egress import EgressCase, SharedEgressCase, allow, connect, deny, forward, policy_of
from harness.gate import run, wait_for
from harness.origin import HttpOrigin, Origin, echo

RULES = (allow("*.test:*", "*.listed.example:*") + deny("denied.example", "*.evil.example", "~bad[0-9]+[.]example") + deny("ports.example:1")
         + deny("paths.example", extra='paths: ["/private/**"]'))
NAMES = {
    "direct.test": ("cname", "denied.example"), "denied.example": ["127.0.0.1"],
    "deep.test": ("cname", "one.cdn.example"), "one.cdn.example": ("cname", "two.cdn.example"), "two.cdn.example": ("cname", "denied.example"),
    "middle.test": ("cname", "Tracker.EVIL.example"), "tracker.evil.example": ("cname", "free.cdn.example"), "free.cdn.example": ["127.0.0.1"],
    "pattern.test": ("cname", "bad17.example"), "bad17.example": ["127.0.0.1"],
    "empty.test": ("cname", "nothing.evil.example"), "nothing.evil.example": [],
    "gone.test": ("cname", "gone.evil.example"),
    ("six.test", "AAAA"): ("cname", "denied.example"), ("six.test", "A"): ["127.0.0.1"],
    "free.test": ("cname", "one.free.example"), "one.free.example": ("cname", "two.free.example"), "two.free.example": ["127.0.0.1"],
    "plain.test": ["127.0.0.1"],
    "ports.test": ("cname", "ports.example"), "ports.example": ["127.0.0.1"],
    "paths.test": ("cname", "paths.example"), "paths.example": ["127.0.0.1"],
    "alias.example": ("cname", "plain.listed.example"), "plain.listed.example": ["127.0.0.1"],
}
DENIED = [
    ("at once", "direct.test", ["denied.example"], "denied.example", "deny denied.example"),
    ("after two others", "deep.test", ["one.cdn.example", "two.cdn.example", "denied.example"], "denied.example", "deny denied.example"),
    ("in the middle, by a star, in capitals", "middle.test", ["tracker.evil.example", "free.cdn.example"], "tracker.evil.example", "deny *.evil.example"),
    ("by an expression", "pattern.test", ["bad17.example"], "bad17.example", "deny ~bad[0-9]+[.]example"),
    ("of one family", "six.test", ["denied.example"], "denied.example", "deny denied.example"),
    ("without an address", "empty.test", ["nothing.evil.example"], "nothing.evil.example", "deny *.evil.example"),
    ("of a name that does not exist", "gone.test", ["gone.evil.example"], "gone.evil.example", "deny *.evil.example"),
]


class Uses(SharedEgressCase):
    @classmethod
    def prepare(cls):
        cls.dns = DnsServer(dict(NAMES))
        cls.target = cls.add(Origin(echo))
        cls.web = cls.add(HttpOrigin())
        return {"rules": RULES, "resolver": cls.dns.port, "transparent": True, "dns": True, "options": ["--dns-answer", "real"]}

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.dns.close()

    def denial(self, **wanted):
        return wait_for(lambda: self.gate.news(decision="deny", **wanted), "the denial", self.gate.process)[-1]

    def assert_chain(self, got, chain, name, rule):
        self.assertEqual((got["reason"], got["cname"], got["cname_denied"], got["rule"]), ("cname-denied", chain, name, rule))
        self.assertRegex(got["source"], r"^policy\.yaml:\d+$")

    def test_tunnels(self):
        def check(host, *chain):
            for _ in range(2):  # the second time it may come from the cache
                before = self.target.count
                response = self.gate.ask(connect("%s:%d" % (host, self.target.port)))
                self.assert_refusal(response, 403, "cname-denied")
                self.assert_chain(self.denial(host=host), *chain)
                self.assertIn(chain[1], response.json()["message"])
                self.assertEqual(self.target.count, before)

        self.each(DENIED, check)

    def test_plain_requests(self):
        def check(host, *chain):
            for _ in range(2):
                self.assert_refusal(self.gate.ask(forward("http://%s:%d/" % (host, self.web.port))), 403, "cname-denied")
                self.assert_chain(self.denial(host=host), *chain)
            self.assertEqual(self.web.lines, [])

        self.each(DENIED, check)

    def test_transparent_listeners(self):
        def check(host, *chain):
            self.gate.set_mark()
            with self.gate.client("transparent-http") as client:
                self.assertEqual(client.ask(request("GET", "/", host=host)).status, 403)
            self.assert_chain(self.denial(host=host, port=80), *chain)
            self.gate.set_mark()
            with self.gate.client("transparent-tls") as client:
                client.send(hello.hello(host))
                self.assertTrue(hello.is_alert(client.to_end()))
            self.assert_chain(self.denial(host=host, port=443), *chain)

        self.each(DENIED, check)

    def test_questions_to_the_dns_listener(self):
        def check(host, *chain):
            for kind in ("A", "AAAA", "A"):
                self.gate.set_mark()
                answer = ask_udp(self.gate.dns, question(host, kind))
                self.assertEqual((answer.code, answer.addresses), (NO_NAME, []))
                self.assert_chain(self.denial(host=host, via="dns"), *chain)

        self.each(DENIED, check)

    def test_a_chain_that_nothing_denies_is_in_the_log(self):
        chain = ["one.free.example", "two.free.example"]
        for _ in range(2):
            with self.gate.tunnel("free.test:%d" % self.target.port) as client:
                self.passes_bytes(client)
            story = self.gate.wait_closed(host="free.test")
            self.assertEqual((story["cname"], story["decision"], story["rule"]), (chain, "allow", "allow *.test:*"))
            self.assertNotIn("cname_denied", story)
        self.assertEqual([r["cname"] for r in self.gate.news(host="free.test")], [chain, chain], "of opening and of closing")
        self.assertEqual(self.gate.ask(forward("http://free.test:%d/" % self.web.port)).status, 200)
        self.assertEqual(wait_for(lambda: self.gate.news(host="free.test", event="request"), "the record")[-1]["cname"], chain)
        self.gate.set_mark()
        self.assertEqual(ask_udp(self.gate.dns, question("free.test")).addresses, ["127.0.0.1"])
        self.assertEqual(wait_for(lambda: self.gate.news(via="dns"), "the record")[-1]["cname"], chain)

    def test_a_name_without_aliases_has_no_chain(self):
        with self.gate.tunnel("plain.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assertNotIn("cname", self.gate.wait_closed(host="plain.test"))

    def test_an_allow_of_an_alias_admits_nothing(self):
        self.dns.forget()
        self.assert_refusal(self.gate.ask(connect("alias.example:%d" % self.target.port)), 403, "default")
        self.assertEqual(self.dns.count("alias.example"), 0, "what is denied by name is not resolved")

    def test_the_conditions_of_a_deny_hold_for_aliases_too(self):
        with self.gate.tunnel("ports.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assert_refusal(self.gate.ask(connect("ports.test:1")), 403, "cname-denied", cname_denied="ports.example")
        self.assertEqual(self.gate.ask(forward("http://paths.test:%d/public" % self.web.port)).status, 200)
        self.assert_refusal(self.gate.ask(forward("http://paths.test:%d/private/x" % self.web.port)), 403, "cname-denied", cname_denied="paths.example")
        self.assert_refusal(self.gate.ask(connect("paths.test:%d" % self.web.port)), 403, "cname-denied", cname_denied="paths.example")

    def test_check_and_explain_say_the_same(self):
        words = ["--config", self.gate.policy_path, "--resolve", "--resolver", self.dns.address]
        for title, host, chain, name, rule in DENIED:
            with self.subTest(title):
                done = run("policy", "check", "network", "%s:8443" % host, "--json", *words)
                self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
                for answer in (done.stdout, run("policy", "explain", "network", "%s:8443" % host, "--json", *words).stdout):
                    said = json.loads(answer)
                    self.assert_chain(said, chain, name, rule)
                text = run("policy", "explain", "network", "%s:8443" % host, *words).stdout
                self.assertIn("alias of " + chain[-1], text)
                self.assertRegex(text, r"denies")


class Answers(EgressCase):
    """What a name server says of other names, or in circles."""

    def setUp(self):
        super().setUp()
        self.dns = DnsServer()
        self.addCleanup(self.dns.close)
        self.target = self.origin(Origin(echo))
        self.gate = self.start_egress(RULES, resolver=self.dns.port, options=["--resolver-timeout", "2s"])

    def answer(self, name, *records):
        """The same records for both types, with the A records left out of the answer for AAAA."""
        for kind in ("A", "AAAA"):
            kept = [data for of, data in records if of in ("CNAME", kind)]
            self.dns.names[(name, kind)] = message(0, name, kind, kept)[2:]

    @staticmethod
    def alias(owner, target):
        target = target if isinstance(target, bytes) else b"".join(bytes([len(part)]) + part.encode() for part in target.split(".")) + b"\0"
        return ("CNAME", record(owner, "CNAME", 60, target))

    @staticmethod
    def address(owner, last=1):
        return ("A", record(owner, "A", 60, bytes([127, 0, 0, last])))

    def test_records_of_other_names_are_not_there(self):
        self.answer("a.test", self.address("a.test"), self.alias("other.test", "denied.example"), self.alias("denied.example", "a.test"),
                    self.address("denied.example", 9))
        with self.gate.tunnel("a.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        story = self.gate.wait_closed(host="a.test")
        self.assertEqual((story["address"], story.get("cname")), ("127.0.0.1", None))

    def test_the_order_of_records_does_not_matter(self):
        self.answer("a.test", self.address("c.example"), self.alias("b.example", "c.example"), self.alias("a.test", "b.example"))
        with self.gate.tunnel("a.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assertEqual(self.gate.wait_closed(host="a.test")["cname"], ["b.example", "c.example"])
        self.answer("d.test", self.address("denied.example"), self.alias("b.example", "denied.example"), self.alias("d.test", "b.example"))
        self.assert_refusal(self.gate.ask(connect("d.test:%d" % self.target.port)), 403, "cname-denied", cname=["b.example", "denied.example"])

    def test_addresses_beside_an_alias_are_not_taken(self):
        self.answer("a.test", self.address("a.test"), self.alias("a.test", "b.example"))
        self.assert_refusal(self.gate.ask(connect("a.test:%d" % self.target.port)), 502, "dns.no-address", cname=["b.example"])

    def test_chains_that_lead_nowhere(self):
        def check(name, *records):
            self.answer(name, *records)
            before = self.target.count
            self.assert_refusal(self.gate.ask(connect("%s:%d" % (name, self.target.port))), 502, "dns.cname")
            self.assertEqual(self.target.count, before)

        self.each([
            ("to itself", "l1.test", self.alias("l1.test", "l1.test"), self.address("l1.test")),
            ("a circle", "l2.test", self.alias("l2.test", "b.example"), self.alias("b.example", "L2.test"), self.address("l2.test")),
            ("a circle behind the name", "l3.test", self.alias("l3.test", "b.example"), self.alias("b.example", "c.example"), self.alias("c.example", "b.example")),
            ("two at once", "l4.test", self.alias("l4.test", "b.example"), self.alias("l4.test", "c.example"), self.address("b.example")),
            ("seventeen", "l5.test", self.alias("l5.test", "n1.example"),
             *(self.alias("n%d.example" % n, "n%d.example" % (n + 1)) for n in range(1, 17)), self.address("n17.example")),
            ("a kilobyte", "l6.test", *(self.alias("l6.test" if n == 0 else "n%d.%s.example" % (n, ".".join(["x" * 60] * 3)),
                                                   "n%d.%s.example" % (n + 1, ".".join(["x" * 60] * 3))) for n in range(6))),
            ("to a name with a dot in a label", "l7.test", self.alias("l7.test", b"\x08a.denied\x07example\0")),
            ("to a name with a NUL", "l8.test", self.alias("l8.test", b"\x07denied\0\x07example\0")),
            ("to bytes that no host has", "l9.test", self.alias("l9.test", b"\x03\xff\x1b[\x07example\0")),
            ("to an address", "l10.test", self.alias("l10.test", "127.0.0.1")),
            ("to the root", "l11.test", self.alias("l11.test", b"\0")),
        ], check)
        self.assertNotIn(b"\x1b", self.gate.log_text())

    def test_sixteen_are_followed(self):
        self.answer("long.test", self.alias("long.test", "n1.example"), *(self.alias("n%d.example" % n, "n%d.example" % (n + 1)) for n in range(1, 16)),
                    self.address("n16.example"))
        with self.gate.tunnel("long.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assertEqual(self.gate.wait_closed(host="long.test")["cname"], ["n%d.example" % n for n in range(1, 17)])


class Reloads(EgressCase):
    """The chain is kept with what it led to."""

    OPEN, CLOSED = allow("*.test:*"), allow("*.test:*") + deny("*.cdn.example")

    def setUp(self):
        super().setUp()
        self.dns = DnsServer({"a.test": ("cname", "a.cdn.example", 600), "a.cdn.example": [("127.0.0.1", 600)]})
        self.addCleanup(self.dns.close)

    def start(self, rules):
        return self.start_egress(rules, resolver=self.dns.port)

    def test_what_is_cached_is_held_against_a_new_deny(self):
        target = self.origin(Origin(echo))
        gate = self.start(self.OPEN)
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)
        gate.reload(policy_of(self.CLOSED))
        self.assert_refusal(gate.ask(connect("a.test:%d" % target.port)), 403, "cname-denied", gate, cname=["a.cdn.example"])
        self.assertEqual(self.dns.count("a.test", "A"), 1, "it is known")

    def test_a_kept_connection_is_not_used_for_it(self):
        web = self.origin(HttpOrigin())
        gate = self.start(self.OPEN)
        url = "http://a.test:%d/" % web.port
        with gate.client() as client:
            self.assertEqual(client.ask(forward(url)).status, 200)
            gate.set_mark()
            self.assertEqual(client.ask(forward(url)).status, 200)
            self.assertEqual(len(web.connections), 1, "the connection is kept")
            self.assertEqual(gate.wait_network(2, host="a.test")[-1]["cname"], ["a.cdn.example"], "and its chain with it")
            gate.reload(policy_of(self.CLOSED))
            gate.set_mark()
            self.assert_refusal(client.ask(forward(url)), 403, "cname-denied", gate)
        self.assertEqual(len(web.lines), 2)

    def test_tunnels_are_cut_where_the_policy_says_so(self):
        target = self.origin(Origin(echo))
        cut = "version: 1\ncut_on_revoke: true\n" + policy_of(self.OPEN).partition("\n")[2]
        gate = self.start(cut)
        client = gate.tunnel("a.test:%d" % target.port)
        self.passes_bytes(client)
        gate.reload("version: 1\ncut_on_revoke: true\n" + policy_of(self.CLOSED).partition("\n")[2])
        client.to_end()
        self.assertEqual(gate.wait_closed(host="a.test")["close"], "revoked")

    def test_in_report_mode_it_is_said(self):
        target = self.origin(Origin(echo))
        gate = self.start("version: 1\nclients:\n  default:\n    mode: report\n    network:\n"
                          + "".join("      " + line + "\n" for line in self.CLOSED.strip().splitlines()))
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)
        story = gate.wait_closed(host="a.test")
        self.assertEqual((story["decision"], story["would_deny"], story["cname_denied"]), ("allow", "cname-denied", "a.cdn.example"))

# SPDX-License-Identifier: Apache-2.0
"""Special-purpose addresses, however they are written and however they are reached: only a rule that names them opens them. Nothing
here leaves the machine, since what must be refused is refused before anybody is dialled."""

from harness.egress import EgressCase, SharedEgressCase, allow, connect, deny, forward
from harness.origin import HttpOrigin, Origin, echo

SPECIAL = [
    ("loopback", "127.0.0.2", "loopback"),
    ("loopback, the last", "127.255.255.255", "loopback"),
    ("loopback with a dot behind", "127.0.0.2.", "loopback"),
    ("IPv6 loopback", "[::1]", "loopback"),
    ("IPv6 loopback in full", "[0:0:0:0:0:0:0:1]", "loopback"),
    ("mapped loopback", "[::ffff:127.0.0.2]", "loopback"),
    ("mapped loopback in hexadecimal", "[::ffff:7f00:2]", "loopback"),
    ("compatible loopback", "[::127.0.0.1]", None),
    ("all zeros", "0.0.0.0", "this-network"),
    ("this network", "0.1.2.3", "this-network"),
    ("IPv6 unspecified", "[::]", "this-network"),
    ("mapped zeros", "[::ffff:0.0.0.0]", "this-network"),
    ("private 10/8", "10.0.0.1", "private"),
    ("private 172.16/12, the first", "172.16.0.0", "private"),
    ("private 172.16/12, the last", "172.31.255.255", "private"),
    ("private 192.168/16", "192.168.1.1", "private"),
    ("mapped private", "[::ffff:10.0.0.1]", "private"),
    ("unique local", "[fd00::1]", "private"),
    ("unique local, fc00", "[fc00::1]", "private"),
    ("site local", "[fec0::1]", "private"),
    ("shared 100.64/10", "100.64.0.1", None),
    ("shared, the last", "100.127.255.255", None),
    ("link local", "169.254.1.1", "link-local"),
    ("IPv6 link local", "[fe80::1]", "link-local"),
    ("IPv6 link local, the last", "[febf:ffff::1]", "link-local"),
    ("cloud metadata", "169.254.169.254", "metadata"),
    ("cloud metadata, mapped", "[::ffff:169.254.169.254]", "metadata"),
    ("cloud metadata of containers", "169.254.170.2", None),
    ("metadata over IPv6", "[fd00:ec2::254]", None),
    ("metadata in shared space", "100.100.100.200", None),
    ("metadata in protocol space", "192.0.0.192", None),
    ("host agent in public space", "168.63.129.16", "metadata"),
    ("protocol assignments", "192.0.0.1", None),
    ("documentation 1", "192.0.2.1", "documentation"),
    ("documentation 2", "198.51.100.1", "documentation"),
    ("documentation 3", "203.0.113.1", "documentation"),
    ("documentation IPv6", "[2001:db8::1]", "documentation"),
    ("documentation IPv6, the newer range", "[3fff::1]", "documentation"),
    ("benchmarking", "198.18.0.1", "benchmarking"),
    ("benchmarking, the last", "198.19.255.255", "benchmarking"),
    ("6to4 relay", "192.88.99.1", None),
    ("multicast", "224.0.0.1", "multicast"),
    ("multicast, the last", "239.255.255.255", "multicast"),
    ("IPv6 multicast", "[ff02::1]", "multicast"),
    ("reserved", "240.0.0.1", "reserved"),
    ("broadcast", "255.255.255.255", "broadcast"),
    ("NAT64 of loopback", "[64:ff9b::7f00:1]", "loopback"),
    ("NAT64 of metadata", "[64:ff9b::a9fe:a9fe]", "metadata"),
    ("NAT64 of private", "[64:ff9b::10.0.0.1]", "private"),
    ("local NAT64", "[64:ff9b:1::1]", None),
    ("6to4 of loopback", "[2002:7f00:1::1]", None),
    ("6to4 of private", "[2002:a00:1::1]", None),
    ("Teredo", "[2001::1]", None),
    ("ISATAP of loopback", "[2a00::5efe:7f00:1]", None),
    ("discard only", "[100::1]", "discard"),
    ("ORCHID", "[2001:20::1]", None),
    ("IPv6 outside the unicast range", "[4000::1]", None),
    ("translated, ::ffff:0:0:0/96", "[::ffff:0:127.0.0.1]", None),
]
NUMBERS = [
    ("two parts", "127.2"),
    ("three parts", "127.0.2"),
    ("one decimal number", "2130706434"),
    ("one hexadecimal number", "0x7f000002"),
    ("octal part", "0177.0.0.2"),
    ("hexadecimal part", "0x7f.0.0.2"),
    ("leading zeros", "127.000.000.002"),
    ("five parts", "127.0.0.2.5"),
    ("part over 255", "127.0.0.256"),
    ("a number over 32 bits", "4294967298"),
    ("a single digit", "0"),
    ("numeric last label", "foo.1"),
    ("hexadecimal last label", "foo.0x1"),
    ("0x alone as last label", "foo.0x"),
    ("numeric last label and a dot", "foo.1."),
    ("octal that looks decimal", "010.0.0.1"),
    ("empty part", "127..0.1"),
    ("signs", "127.0.0.-1"),
    ("plus", "127.0.0.+1"),
]


class Literals(SharedEgressCase):
    """Under `default: allow` and a star for every name and address: the widest policy there is."""

    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo, port=0))
        return {"rules": "version: 1\ndefault: {network: allow}\nnetwork:\n  - allow: \"*:*\"\n"}

    def check_special(self, address, name):
        reason = "address-class\\." + (name or "[a-z0-9-]+")
        for raw in (connect("%s:%d" % (address, self.target.port)), connect("%s:443" % address), forward("http://%s:%d/" % (address, self.target.port))):
            self.assert_refusal(self.gate.ask(raw), 403, reason)
        self.assertEqual(self.target.count, 0)

    def test_special_addresses_need_a_rule_that_names_them(self):
        self.each(SPECIAL, self.check_special)

    def test_number_forms_are_refused_or_judged_as_the_address(self):
        def check(host):
            for raw in (connect("%s:%d" % (host, self.target.port)), forward("http://%s:%d/" % (host, self.target.port))):
                response = self.gate.ask(raw)
                self.assertEqual(response.status, 400, response)
            self.assertEqual(self.target.count, 0)

        self.each(NUMBERS, check)


class ReportMode(SharedEgressCase):
    """Report mode lets pass what rules refuse, never special addresses, malformed targets or the gate itself."""

    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo))
        return {"rules": "version: 1\nclients:\n  loose:\n    egress: tcp:127.0.0.1:0\n    mode: report\n    network:\n      - allow: \"named.test:*\"\n        addresses: [127.0.0.0/8]\n",
                "hosts": {"named.test": "127.0.0.1", "other.test": "127.0.0.1"}}

    def ask(self, raw):
        self.gate.set_mark()
        with self.gate.client(name="loose") as client:
            return client.ask(raw, "CONNECT")

    def test_special_addresses_stay_closed(self):
        self.each([row for row in SPECIAL[:12]] + [("metadata", "169.254.169.254", "metadata")], lambda address, name: self.assert_refusal(
            self.ask(connect("%s:%d" % (address, self.target.port))), 403, "address-class\\..*"))

    def test_names_that_lead_there_stay_closed(self):
        self.assert_refusal(self.ask(connect("other.test:%d" % self.target.port)), 403, "address-class\\.loopback")
        self.assertEqual(self.target.count, 0)

    def test_malformed_targets_stay_refused(self):
        self.each(NUMBERS, lambda host: self.assert_refusal(self.ask(connect("%s:443" % host)), 400, "malformed\\..*"))


class Named(EgressCase):
    """What opens a special address, and only that one."""

    def test_rules_that_name_addresses(self):
        target = self.origin(Origin(echo, host="127.0.0.1"))
        port = target.port
        hosts = {"a.test": "127.0.0.1", "far.test": "127.0.0.3"}

        def check(rules, authority, status):
            gate = self.start_egress(rules, hosts=hosts)
            if status == 200:
                with gate.tunnel(authority) as client:
                    self.passes_bytes(client)
            else:
                self.assertEqual(gate.ask(connect(authority)).status, status)
            self.assertEqual(gate.stop(), 0)

        a, literal, local = "a.test:%d" % port, "127.0.0.1:%d" % port, "localhost:%d" % port
        self.each([
            ("an address opens itself", allow(literal, special=False), literal, 200),
            ("and not its neighbour", allow(literal, special=False), "127.0.0.3:%d" % port, 403),
            ("and not another port", allow("127.0.0.1:1", special=False), literal, 403),
            ("a range opens what is in it", allow("127.0.0.0/8:*", special=False), literal, 200),
            ("mapped is the same address", allow(literal, special=False), "[::ffff:127.0.0.1]:%d" % port, 200),
            ("a range does not open names", allow("127.0.0.0/8:*", special=False), a, 403),
            ("a star does not open an address", allow("*:*", special=False), literal, 403),
            ("a name alone does not", allow("a.test:*", special=False), a, 403),
            ("a name and the range of its address do", allow("a.test:*"), a, 200),
            ("a name and another range do not", allow("a.test:*", special=False, extra="addresses: [10.0.0.0/8]"), a, 403),
            ("a name and another loopback address do not", allow("a.test:*", special=False, extra="addresses: [127.0.0.3]"), a, 403),
            ("a rule for the name, another for the address: neither has both", allow("a.test:*", special=False) + allow(literal, special=False), a, 403),
            ("an exact localhost", allow(local, special=False), local, 200),
            ("localhost with a dot behind", allow(local, special=False), "localhost.:%d" % port, 200),
            ("localhost of another port", allow("localhost:1", special=False), local, 403),
            ("localhost is not below a star", allow("*:*"), local, 403),
            ("a rule that names a name below localhost", allow("x.localhost:*", special=False), "x.localhost:%d" % port, 200),
            ("a name below localhost", allow(local, special=False), "x.localhost:%d" % port, 403),
            ("a deny on an address holds for names", allow("a.test:*") + deny("127.0.0.0/8"), a, 403),
            ("a deny on the neighbour does not", allow("a.test:*") + deny("127.0.0.2"), a, 200),
            ("a deny on an address holds for localhost", allow(local, special=False) + deny("127.0.0.1", "::1"), local, 403),
            ("a deny on an address holds for the mapped form", allow("127.0.0.0/8:*", special=False) + deny("127.0.0.1"), "[::ffff:127.0.0.1]:%d" % port, 403),
            ("a deny on a port of it", allow("a.test:*") + deny(literal), a, 403),
            ("a deny on another port of it", allow("a.test:*") + deny("127.0.0.1:1"), a, 200),
        ], check)

    def test_ipv6(self):
        target = self.origin(Origin(echo, host="::1"))
        gate = self.start_egress(allow("[::1]:*", special=False) + allow("six.test:*"), hosts={"six.test": "::1"})
        for authority in ("[::1]:%d", "[0:0:0:0:0:0:0:1]:%d", "six.test:%d"):
            with gate.tunnel(authority % target.port) as client:
                self.passes_bytes(client)
        self.assertEqual({r["address"] for r in gate.network(event="open")}, {"::1"})

    def test_plain_http_to_ipv6_keeps_the_brackets(self):
        web = self.origin(HttpOrigin(host="::1"))
        gate = self.start_egress(allow("[::1]:*", special=False))
        self.assertEqual(gate.ask(forward("http://[0::1]:%d/x" % web.port)).status, 200)
        self.assertEqual(web.requests[0].field("Host"), "[::1]:%d" % web.port)

    def test_the_log_names_what_was_refused(self):
        gate = self.start_egress(allow("mixed.test:*", special=False, extra="addresses: [127.0.0.1]"), hosts={"mixed.test": ["127.0.0.9", "127.0.0.1", "10.1.2.3"]})
        target = self.origin(Origin(echo))
        with gate.tunnel("mixed.test:%d" % target.port) as client:
            self.passes_bytes(client)
        story = gate.wait_closed(host="mixed.test")
        self.assertEqual(story["address"], "127.0.0.1")
        refused = " ".join(story["refused_addresses"])
        self.assertIn("127.0.0.9", refused)
        self.assertIn("10.1.2.3", refused)


class OneSelf(EgressCase):
    """The gate is never a destination: not its proxy port, not its other listeners, by no name and in no spelling."""

    def test_own_listeners(self):
        gate = self.start_egress(allow("127.0.0.0/8:*", "[::1]:*", "localhost:*", special=False) + allow("self.test:*"), hosts={"self.test": "127.0.0.1"},
                                 transparent=True, dns=True, tcp=True)
        ports = dict(gate.ports)
        own = [("the proxy", ports[("default", "egress")]), ("transparent TLS", ports[("default", "transparent-tls")]),
               ("transparent HTTP", ports[("default", "transparent-http")]), ("DNS", gate.dns), ("the Docker gate", ports[("default", "")])]

        def check(port):
            self.assertIn(gate.ask(connect("localhost:%d" % port)).status, (403, 502))  # 502: nobody is at ::1, which localhost is too
            for host in ("127.0.0.1", "self.test", "[::ffff:127.0.0.1]"):
                self.assert_refusal(gate.ask(connect("%s:%d" % (host, port))), 403, "own-address", gate=gate)
                self.assert_refusal(gate.ask(forward("http://%s:%d/" % (host, port))), 403, "own-address", gate=gate)

        self.each(own, check)

    def test_admin_over_tcp(self):
        admin = self.held_port()
        gate = self.start_egress(allow("127.0.0.0/8:*", special=False), options=["--admin", "tcp:127.0.0.1:%d" % admin])
        self.assert_refusal(gate.ask(forward("http://127.0.0.1:%d/metrics" % admin)), 403, "own-address", gate=gate)

    def test_a_wildcard_listener_is_its_own_at_every_address(self):
        gate = self.start_egress(allow("127.0.0.0/8:*", special=False), egress=False, options=["--egress", "0.0.0.0:0"])
        for host in ("127.0.0.1", "127.0.0.7", "[::ffff:127.0.0.1]"):
            self.assert_refusal(gate.ask(connect("%s:%d" % (host, gate.proxy()))), 403, "own-address", gate=gate)

    def test_in_report_mode(self):
        gate = self.start_egress("version: 1\nclients:\n  loose:\n    egress: tcp:127.0.0.1:0\n    mode: report\n    network:\n      - allow: \"127.0.0.0/8:*\"\n")
        gate.set_mark()
        with gate.client(name="loose") as client:
            response = client.ask(connect("127.0.0.1:%d" % gate.proxy("loose")), "CONNECT")
        self.assert_refusal(response, 403, "own-address", gate=gate)

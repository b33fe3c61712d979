# SPDX-License-Identifier: Apache-2.0
"""Names in front of a hostile name server: whatever it answers, only an address that was judged is dialled, and a name that no rule
admits is never asked for."""

import threading

from harness.dns_server import DnsServer
from harness.egress import EgressCase, SharedEgressCase, allow, connect, deny, forward
from harness.gate import wait_for
from harness.origin import HttpOrigin, Origin, RefusingPort, echo

TIMEOUT = "600ms"
OVER_TCP_MAX = 1024


class DnsCase(SharedEgressCase):
    RULES = ""

    @classmethod
    def prepare(cls):
        cls.dns = DnsServer()
        cls.target = cls.add(Origin(echo))
        return {"rules": cls.RULES, "resolver": cls.dns.port, "options": ["--resolver-timeout", TIMEOUT, "--dial-timeout", "2s"]}

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.dns.close()

    def setUp(self):
        super().setUp()
        self.dns.forget()
        self.dns.names.clear()
        self.before = self.target.count

    def ask(self, name):
        return self.gate.ask(connect("%s:%d" % (name, self.target.port)))

    def assert_nobody_was_dialled(self):
        self.assertEqual(self.target.count, self.before)


class Special(DnsCase):
    """A rule that names the names only: no special address is reachable through it."""

    RULES = allow("*.test:*", special=False) + deny("denied.test", "*.denied.test") + deny("10.0.0.0/8")

    def test_answers_that_lead_inside(self):
        def check(answers, reason):
            self.dns.names["inside.test"] = answers
            self.gate_forgets("inside.test")
            self.assert_refusal(self.ask(self.fresh), 403, "address-class\\." + reason)
            self.assert_nobody_was_dialled()
            self.assert_refusal(self.gate.ask(forward("http://%s:%d/" % (self.fresh, self.target.port))), 403, "address-class\\." + reason)

        self.each([
            ("loopback", ["127.0.0.1"], "loopback"),
            ("another loopback", ["127.9.9.9"], "loopback"),
            ("IPv6 loopback", ["::1"], "loopback"),
            ("mapped loopback", ["::ffff:127.0.0.1"], "loopback"),
            ("compatible loopback", ["::127.0.0.1"], "[a-z-]+"),
            ("cloud metadata", ["169.254.169.254"], "metadata"),
            ("mapped metadata", ["::ffff:169.254.169.254"], "metadata"),
            ("metadata over IPv6", ["fd00:ec2::254"], "[a-z-]+"),
            ("metadata in public space", ["168.63.129.16"], "metadata"),
            ("zero", ["0.0.0.0"], "this-network"),
            ("IPv6 zero", ["::"], "this-network"),
            ("private", ["192.168.0.1"], "private"),
            ("shared", ["100.64.0.1"], "shared"),
            ("link local", ["fe80::1"], "link-local"),
            ("NAT64 of loopback", ["64:ff9b::7f00:1"], "loopback"),
            ("NAT64 of metadata", ["64:ff9b::a9fe:a9fe"], "metadata"),
            ("local NAT64", ["64:ff9b:1::7f00:1"], "[a-z-]+"),
            ("6to4 of loopback", ["2002:7f00:1::"], "[a-z-]+"),
            ("Teredo", ["2001:0:7f00:1::"], "[a-z-]+"),
            ("multicast", ["224.0.0.1"], "multicast"),
            ("broadcast", ["255.255.255.255"], "broadcast"),
            ("several, all of them special", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"], "[a-z-]+"),
            ("a record of each family", ["127.0.0.1", "::1"], "loopback"),
        ], check)

    def gate_forgets(self, name):
        """The cache keeps an answer for its TTL, so each row has a name of its own."""
        self.rows = getattr(self, "rows", 0) + 1
        self.fresh = "row%d.test" % self.rows
        self.dns.names[self.fresh] = self.dns.names[name]

    def test_an_alias_to_the_inside(self):
        self.dns.names.update({"alias.test": ("cname", "deep.elsewhere.example"), "deep.elsewhere.example": ("cname", "localhost"), "localhost": ["127.0.0.1"]})
        self.assert_refusal(self.ask("alias.test"), 403, "address-class\\.loopback")
        self.assertEqual(self.dns.count("alias.test", "A"), 1)

    def test_an_alias_to_a_denied_name_is_denied(self):
        self.dns.names.update({"alias2.test": ("cname", "denied.test"), "denied.test": ["127.0.0.1"]})
        self.assert_refusal(self.ask("alias2.test"), 403, "cname-denied", cname=["denied.test"], cname_denied="denied.test", rule="deny denied.test")
        self.assertEqual(self.dns.count("denied.test"), 0)

    def test_denied_names_are_never_resolved(self):
        def check(name, reason):
            self.dns.names[name.lower().rstrip(".")] = ["127.0.0.1"]
            for raw in (connect("%s:%d" % (name, self.target.port)), connect("%s:443" % name), forward("http://%s/" % name)):
                self.assert_refusal(self.gate.ask(raw), 403, reason)
            self.assertEqual(self.dns.questions, [])

        self.each([
            ("by a rule", "denied.test", "rule"),
            ("below a denied name", "secret.data.denied.test", "rule"),
            ("by default", "somewhere.example", "default"),
            ("data in the labels", "c2VjcmV0.exfil.example", "default"),
            ("in capitals, with a dot", "DENIED.test.", "rule"),
            ("a metadata name", "metadata.google.internal", "default"),
            ("the engine's name for the host", "host.docker.internal", "default"),
            ("the gateway's", "gateway.docker.internal", "default"),
        ], check)
        for malformed in ("a..test", "-a.test", "a" * 64 + ".test", "127.1", "x.1"):
            self.assertEqual(self.ask(malformed).status, 400)
        self.assertEqual(self.dns.questions, [])

    def test_local_names_are_never_resolved(self):
        def check(name):
            self.dns.names[name] = ["127.0.0.1"]
            self.assertEqual(self.ask(name).status, 403)
            self.assertEqual(self.dns.questions, [])

        self.each([(name, name) for name in ("localhost", "localhost.", "x.localhost", "a.b.localhost", "LOCALHOST", "ip6-localhost", "ip6-loopback")], check)

    def test_addresses_are_never_resolved_nor_looked_up_backwards(self):
        self.ask("127.0.0.1")
        self.ask("[::1]")
        self.ask("10.0.0.1")
        self.assertEqual(self.dns.questions, [])

    def test_the_question_is_absolute(self):
        """No search list: the name, and nothing else, is asked for."""
        self.ask("nothere.test")
        self.assertEqual({question.name for question in self.dns.questions}, {"nothere.test"})
        self.assertEqual({question.type for question in self.dns.questions}, {"A", "AAAA"})


class Answers(DnsCase):
    """A rule that admits 127.0.0.1 (and nothing else) through names."""

    RULES = allow("*.test:*", special=False, extra="addresses: [127.0.0.1]") + deny("127.0.0.66")

    def test_only_what_may_be_dialled_is(self):
        """What was refused stands in the log beside what was dialled."""
        def check(name, answers, refused):
            self.dns.names[name] = answers
            with self.gate.tunnel("%s:%d" % (name, self.target.port)) as client:
                self.passes_bytes(client)
            story = self.gate.wait_closed(host=name)
            self.assertEqual(story["address"], "127.0.0.1")
            told = " ".join(story.get("refused_addresses", []))
            for address in refused:
                self.assertIn(address, told)

        self.dns.names["m8.test"] = ["127.0.0.1"]
        self.each([
            ("one address", "one.test", ["127.0.0.1"], []),
            ("a special one first", "m1.test", ["10.0.0.1", "127.0.0.1"], ["10.0.0.1"]),
            ("a special one last", "m2.test", ["127.0.0.1", "169.254.169.254"], ["169.254.169.254"]),
            ("many", "m3.test", ["10.0.0.%d" % n for n in range(1, 8)] + ["127.0.0.1"], ["10.0.0.1", "10.0.0.7"]),
            ("IPv6 beside it", "m4.test", ["::1", "fd00::1", "127.0.0.1"], ["::1", "fd00::1"]),
            ("a denied address beside it", "m5.test", ["127.0.0.66", "127.0.0.1"], ["127.0.0.66"]),
            ("the mapped form of it", "m6.test", ["::ffff:127.0.0.1"], []),
            ("behind an alias", "m7.test", ("cname", "m8.test"), []),
            ("the same twice", "m9.test", ["127.0.0.1", "127.0.0.1"], []),
        ], check)

    def test_rebinding(self):
        """First an answer that may be dialled, then one that may not, with nothing to keep in between: each connection is judged by the answer it
        dials, and there is no second question between judging and dialling."""
        self.dns.names["flip.test"] = ("each", [[("127.0.0.1", 0)], [("10.0.0.1", 0)], [("127.0.0.1", 0)], [("169.254.169.254", 0)]])
        wanted = [200, 403, 200, 403]
        seen = []
        for status in wanted:
            asked = self.dns.count("flip.test", "A")
            with self.gate.client() as client:
                client.send(connect("flip.test:%d" % self.target.port))
                seen.append(client.read_head().status)
            self.assertEqual(self.dns.count("flip.test", "A"), asked + 1, "one question a connection")
        self.assertEqual(seen, wanted)
        self.assertEqual(self.target.count - self.before, 2)

    def test_a_kept_answer_is_judged_by_the_policy_of_now(self):
        gate = self.gate
        self.dns.names["kept.test"] = [("127.0.0.1", 300)]
        for _ in range(3):
            with gate.tunnel("kept.test:%d" % self.target.port) as client:
                self.passes_bytes(client)
        self.assertEqual(self.dns.count("kept.test", "A"), 1, "an answer is kept for its TTL")

    def test_lies(self):
        """None of them is believed; each takes bounded time."""
        def check(name, answer, statuses, reason):
            self.dns.names[name] = answer
            response = self.ask(name)
            self.assertIn(response.status, statuses, response)
            self.assert_refusal(response, response.status, reason, host=name)
            self.assert_nobody_was_dialled()

        self.dns.names["l13.test"] = ("cname", "l12.test")
        self.each([
            ("another id", "l1.test", "wrong-id", (502, 504), "dns\\..*"),
            ("an answer for another name", "l2.test", "wrong-name", (502, 504), "dns\\..*"),
            ("records of another name", "l3.test", "wrong-owner", (502, 504), "dns\\..*"),
            ("garbage", "l4.test", "garbage", (502, 504), "dns\\..*"),
            ("an empty datagram", "l5.test", "empty", (502, 504), "dns\\..*"),
            ("silence", "l6.test", "silent", (504,), "dns\\.timeout"),
            ("no such name", "l7.test", "nxdomain", (502,), "dns\\.not-found"),
            ("no address", "l8.test", [], (502,), "dns\\.no-address"),
            ("a failing server", "l9.test", "servfail", (502,), "dns\\.failed"),
            ("a refusing server", "l10.test", "refused", (502,), "dns\\.failed"),
            ("an alias to itself", "l11.test", ("cname", "l11.test"), (502,), "dns\\..*"),
            ("a ring of aliases", "l12.test", ("cname", "l13.test"), (502,), "dns\\..*"),
            ("later than anybody waits", "l14.test", ("delay", 3, ["127.0.0.1"]), (504,), "dns\\.timeout"),
        ], check)

    def test_slow_but_in_time(self):
        self.dns.names["slow.test"] = ("delay", 0.2, ["127.0.0.1"])
        with self.gate.tunnel("slow.test:%d" % self.target.port) as client:
            self.passes_bytes(client)

    def test_truncated_answers_are_fetched_over_tcp(self):
        self.dns.names["big.test"] = "truncate"
        self.dns.names[("big.test", "tcp")] = ["10.0.%d.1" % n for n in range(60)] + ["127.0.0.1"]
        self.dns.names["small.test"] = "truncate"
        self.dns.names[("small.test", "tcp")] = ["127.0.0.1"]
        with self.gate.tunnel("small.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assertGreater(self.dns.count("small.test", over="tcp"), 0)
        response = self.ask("big.test")  # more addresses than anybody needs: the bound may cut the good one off, nothing else
        self.assertIn(response.status, (200, 403))

    def test_one_family_fails_and_the_other_does_not(self):
        def check(name, a, aaaa):
            self.dns.names[(name, "A")] = a
            self.dns.names[(name, "AAAA")] = aaaa
            with self.gate.tunnel("%s:%d" % (name, self.target.port)) as client:
                self.passes_bytes(client)

        self.each([
            ("no AAAA record", "f1.test", ["127.0.0.1"], []),
            ("AAAA is refused by a broken server", "f2.test", ["127.0.0.1"], "nxdomain"),
            ("AAAA is private", "f3.test", ["127.0.0.1"], ["fd00::1"]),
        ], check)

    def test_many_ask_for_one_name(self):
        self.dns.names["busy.test"] = ("delay", 0.2, ["127.0.0.1"])
        clients = [self.gate.client() for _ in range(20)]
        for client in clients:
            client.send(connect("busy.test:%d" % self.target.port))
        for client in clients:
            self.assertEqual(client.read_head().status, 200)
        self.assertLessEqual(self.dns.count("busy.test", "A"), 3, "one question and its repetitions, not one for each")

    def test_a_client_that_leaves_while_its_name_is_asked_for(self):
        self.dns.names["gone.test"] = ("delay", 0.3, ["127.0.0.1"])
        for _ in range(5):
            client = self.gate.client()
            client.send(connect("gone.test:%d" % self.target.port))
            self.assertTrue(self.dns.wait_for("gone.test"))
            client.reset()
        self.dns.names["after.test"] = ["127.0.0.1"]
        with self.gate.tunnel("after.test:%d" % self.target.port) as client:
            self.passes_bytes(client)

    def test_plain_http_asks_again_for_each_request(self):
        """The second request of a connection, to a name that has moved inside: judged anew."""
        web = self.origin(HttpOrigin())
        self.dns.names["moves.test"] = ("each", [[("127.0.0.1", 0)], [("169.254.169.254", 0)]])
        with self.gate.client() as client:
            url = "http://moves.test:%d/" % web.port
            first = client.ask(forward(url))
            second = client.ask(forward(url))
        self.assertEqual(first.status, 200)
        # a kept connection to the checked address may serve it; a new one must be refused
        self.assertIn(second.status, (200, 403))
        self.assertEqual({c.peer[0] for c in web.connections}, {"127.0.0.1"})


class Both(EgressCase):
    """Two addresses, one of which does not answer."""

    def test_the_other_address_is_tried(self):
        target = self.origin(Origin(echo, host="127.0.0.1"))
        dns = DnsServer({"two.test": ["::1", "127.0.0.1"], "three.test": ["127.0.0.5", "127.0.0.1"]})
        self.addCleanup(dns.close)
        gate = self.start_egress(allow("*.test:*"), resolver=dns.port)
        for name in ("two.test", "three.test"):
            with gate.tunnel("%s:%d" % (name, target.port)) as client:
                self.passes_bytes(client)
            self.assertEqual(gate.wait_closed(host=name)["address"], "127.0.0.1")

    def test_a_refused_address_is_not_tried(self):
        """Not even when the permitted one fails."""
        wrong = self.origin(Origin(echo, host="127.0.0.2"))
        dns = DnsServer({"pair.test": ["127.0.0.1", "127.0.0.2"]})
        self.addCleanup(dns.close)
        gate = self.start_egress(allow("pair.test:*", special=False, extra="addresses: [127.0.0.1]"), resolver=dns.port)
        self.assert_refusal(gate.ask(connect("pair.test:%d" % wrong.port)), 502, "connect\\.refused", gate=gate)
        self.assertEqual(wrong.count, 0)


class Servers(EgressCase):
    def test_the_second_server_is_asked(self):
        dead = RefusingPort()
        self.addCleanup(dead.stop)
        dns = DnsServer({"a.test": ["127.0.0.1"]})
        self.addCleanup(dns.close)
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("a.test:*"), resolver=[dead.port, dns.port])
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)

    def test_a_server_that_comes_back(self):
        dns = DnsServer({"a.test": ["127.0.0.1"]})
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("*.test:*"), resolver=dns.port, options=["--resolver-timeout", TIMEOUT])
        port = dns.port
        dns.close()
        self.assertIn(gate.ask(connect("a.test:%d" % target.port)).status, (502, 504))
        again = DnsServer({"a.test": ["127.0.0.1"]}, port=port)
        self.addCleanup(again.close)

        def works():
            with gate.client() as client:
                client.send(connect("a.test:%d" % target.port))
                return client.read_head().status == 200

        wait_for(works, "the name server to be asked again", gate.process)

    def test_questions_over_tcp_that_nobody_waits_for_are_bounded(self):
        """The name server promises an answer over TCP and never gives it there. Whoever asks and leaves, again and again, does not fill
        the gate with questions that are gone through at every step."""
        dns = DnsServer(lambda _name, _kind: "truncate")
        self.addCleanup(dns.close)
        asked, lock = set(), threading.Condition()

        def silent(connection):
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(2):
                    with lock:
                        asked.add(stream.read(int.from_bytes(head, "big")))
                        lock.notify_all()

        dns.serve_tcp = silent
        gate = self.start_egress(allow("*.test:*"), resolver=dns.port, options=["--resolver-timeout", "30s"])
        waiting = []
        for number in range(OVER_TCP_MAX // 2 + 100):  # two questions a name
            waiting.append(gate.client())
            waiting[-1].send(connect("n%d.test:443" % number))
            if len(waiting) > 50:
                first = number + 1 - len(waiting)
                self.assertTrue(dns.wait_for("n%d.test" % first, times=2))
                waiting.pop(0).reset()
        self.assert_refusal(gate.ask(connect("last.test:443")), 502, "dns.failed", gate=gate)
        for client in waiting:
            client.reset()
        with lock:
            self.assertLessEqual(len(asked), OVER_TCP_MAX)

    def test_the_hosts_table_comes_first(self):
        dns = DnsServer({"a.test": ["10.0.0.1"]})
        self.addCleanup(dns.close)
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("a.test:*"), resolver=dns.port, hosts={"a.test": "127.0.0.1"})
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)
        self.assertEqual(dns.questions, [])

    def test_the_hosts_table_is_judged_like_an_answer(self):
        gate = self.start_egress(allow("a.test:*", special=False), hosts={"a.test": "127.0.0.1"})
        self.assert_refusal(gate.ask(connect("a.test:443")), 403, "address-class\\.loopback", gate=gate)

# SPDX-License-Identifier: Apache-2.0
"""Somebody who cannot see the gate's questions and answers them all the same: each has a port and an id of its own, and who guesses
is noticed before the guess is likely to be right."""

from harness.dns_client import FAILURE, ask_udp, question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, allow, connect
from harness.gate import run, wait_for
from harness.origin import Origin, echo

BORNE = 15  # wrong answers to one question


class ForgedCase(EgressCase):
    def setUp(self):
        super().setUp()
        self.dns = DnsServer()
        self.addCleanup(self.dns.close)
        self.target = self.origin(Origin(echo))

    def start(self, **options):
        return self.start_egress(allow("*.test:*"), resolver=self.dns.port, **options)


class Ports(ForgedCase):
    def test_questions_under_way_have_a_port_and_an_id_each(self):
        """While one is open its port tells nothing of the others'."""
        names = ["silent%d.test" % number for number in range(12)]
        self.dns.names.update({name: "silent" for name in names})
        gate = self.start(options=["--resolver-timeout", "20s"])
        clients = [gate.client() for _ in names]
        for name, client in zip(names, clients):
            client.send(connect("%s:443" % name))
        for name in names:
            self.assertTrue(self.dns.wait_for(name, kind="A") and self.dns.wait_for(name, kind="AAAA"))
        with self.dns.changed:
            asked = list(self.dns.questions)
        ports = {(q.name, q.type): q.port for q in asked}
        self.assertEqual(len(ports), 2 * len(names))
        self.assertEqual(len(set(ports.values())), len(ports), "each question has its own")
        self.assertEqual(len({(q.name, q.type, q.port, q.id) for q in asked}), len(ports), "a repeated one keeps it")
        self.assertGreater(len({q.id for q in asked}), len(names))
        for client in clients:
            client.reset()

    def test_questions_one_after_the_other_do_not_keep_a_port(self):
        gate = self.start()
        self.dns.names["*.test"] = ["127.0.0.1"]
        for number in range(8):
            with gate.tunnel("n%d.test:%d" % (number, self.target.port)) as client:
                self.passes_bytes(client)
        with self.dns.changed:
            asked = list(self.dns.questions)
        self.assertEqual(len(asked), 16)
        self.assertGreater(len({q.port for q in asked}), 8)

    def test_each_server_is_asked_from_a_port_of_its_own(self):
        second = DnsServer({"a.test": ["127.0.0.1"]})
        self.addCleanup(second.close)
        self.dns.names["a.test"] = "servfail"
        gate = self.start_egress(allow("*.test:*"), resolver=[self.dns.port, second.port])
        with gate.tunnel("a.test:%d" % self.target.port) as client:
            self.passes_bytes(client)
        self.assertEqual((len(self.dns.questions), len(second.questions)), (2, 2))
        for question_there, question_here in zip(self.dns.questions, second.questions):
            self.assertNotEqual(question_there.id << 16 | question_there.port, question_here.id << 16 | question_here.port)


class Guesses(ForgedCase):
    def test_a_few_wrong_answers_are_borne(self):
        def check(name, lie):
            self.dns.names[name] = ("all", [lie] * BORNE + [["127.0.0.1"]])
            with self.gate.tunnel("%s:%d" % (name, self.target.port)) as client:
                self.passes_bytes(client)
            self.assertEqual(self.gate.wait_closed(host=name)["address"], "127.0.0.1")

        self.gate = self.start()
        self.each([(lie, lie + ".test", lie) for lie in ("wrong-id", "wrong-name", "empty")], check)

    def test_more_of_them_end_the_lookup_and_are_logged(self):
        """Also when the truth follows: nobody knows which of the two it was."""
        def check(name, lie):
            self.dns.names[name] = ("all", [lie] * (BORNE + 1) + [["127.0.0.1"]])
            before = self.target.count
            response = self.gate.ask(connect("%s:%d" % (name, self.target.port)))
            self.assert_refusal(response, 502, "dns.forged", host=name)
            self.assertIn(name, response.json()["message"])
            self.assertEqual(self.target.count, before)

        self.gate = self.start(options=["--resolver-timeout", "20s"])
        self.each([(lie, lie + ".test", lie) for lie in ("wrong-id", "wrong-name", "empty")], check)

    def test_one_family_that_is_answered_for_spoils_the_name(self):
        self.dns.names.update({("a.test", "A"): ["127.0.0.1"], ("a.test", "AAAA"): ("all", ["wrong-id"] * (BORNE + 1))})
        gate = self.start(options=["--resolver-timeout", "20s"])
        response = gate.ask(connect("a.test:%d" % self.target.port))
        self.assertIn(response.status, (200, 502))  # by which of them came first
        if response.status == 502:
            self.assertEqual(wait_for(lambda: gate.news(event="request"), "the record")[-1]["reason"], "dns.forged")

    def test_it_is_not_remembered_and_others_do_not_suffer(self):
        self.dns.names.update({"a.test": ("each", [("all", ["wrong-id"] * (BORNE + 1)), ["127.0.0.1"]]), "b.test": ["127.0.0.1"]})
        gate = self.start(options=["--resolver-timeout", "20s"])
        self.assert_refusal(gate.ask(connect("a.test:%d" % self.target.port)), 502, "dns.forged", gate)
        for name in ("b.test", "a.test"):
            with gate.tunnel("%s:%d" % (name, self.target.port)) as client:
                self.passes_bytes(client)

    def test_questions_to_the_dns_listener(self):
        self.dns.names["a.test"] = ("all", ["wrong-id"] * (BORNE + 1))
        gate = self.start(dns=True, options=["--resolver-timeout", "20s", "--dns-answer", "real"])
        self.assertEqual(ask_udp(gate.dns, question("a.test")).code, FAILURE)
        self.assertEqual(gate.wait_network(via="dns")[-1]["reason"], "dns.forged")

    def test_check_says_it_too(self):
        self.dns.names["a.test"] = ("all", ["wrong-id"] * (BORNE + 1))
        gate = self.start()
        done = run("policy", "check", "network", "a.test:443", "--config", gate.policy_path, "--resolve", "--resolver", self.dns.address)
        self.assertEqual(done.returncode, 5)
        self.assertIn("dns.forged", done.stdout)

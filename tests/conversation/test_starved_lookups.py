# SPDX-License-Identifier: Apache-2.0
"""One peer asks for more names than anybody answers: by tunnels, by datagrams, by connections to the DNS listener. Another peer, of the
same listener or of another client's, is served as if it were alone, and what the first one held is free again when it has gone or
its time is up. Nothing here depends on how fast the machine is: what must not be waited for has no end."""

from harness.dns_client import FAILURE, NO_ERROR, Answer, question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, allow, connect
from harness.gate import wait_for
from harness.hostile import connect_from, datagrams_from, flood, flush
from harness.origin import Origin, echo
from harness.wire import DEADLINE

HOSTILE, OTHER = "127.0.0.1", "127.0.0.2"
MANY, REQUESTS, PART = 1100, 1000, 250  # lookups of the hostile peer, requests of the other one, what a peer gets at least
ENDLESS = ["--resolver-timeout", "120s", "--max-connections", "8000", "--max-client-connections", "8000"]


def policy(other=False):
    """The client `default` on its own listeners, and `other` on two more."""
    return ("version: 1\nnetwork:\n  " + allow("*.test:*") + "clients:\n  default: {dns: {answer: real}}\n"
            + ("  other:\n    egress: \"tcp:127.0.0.1:0\"\n    dns: {listen: \"127.0.0.1:0\", answer: real}\n" if other else ""))


class StarvedCase(EgressCase):
    def setUp(self):
        super().setUp()
        self.raise_descriptor_limit()
        self.dns = DnsServer({"*.silent.test": "silent", "*.good.test": [(HOSTILE, 0)]})
        self.addCleanup(self.dns.close)
        self.target = self.origin(Origin(echo))

    def start(self, options=(), **more):
        gate = self.start_egress(policy(other=True), resolver=self.dns.port, options=[*ENDLESS, *options], dns=True, **more)
        self.second, self.third = gate.ports[("other", "egress")], gate.ports[("other", "dns")]
        return gate

    def stream(self, gate, port, source):
        return gate.keep(connect_from(source, port))

    def datagrams(self, port, source):
        sock = datagrams_from(source, port)
        self.addCleanup(sock.close)
        return sock

    def wait_asked(self, count):
        """Until the name server was asked for so many of the silent names."""
        with self.dns.changed:
            self.assertTrue(self.dns.changed.wait_for(
                lambda: len({q.name for q in self.dns.questions if q.name.endswith(".silent.test")}) >= count, DEADLINE * 4))

    def occupy(self, gate, count=MANY, port=None):
        clients = []
        for number in range(count):
            client = self.stream(gate, port or gate.proxy(), HOSTILE)
            client.send(connect("h%d.silent.test:443" % number))
            clients.append(client)
        return clients

    def serves(self, gate, port, source=OTHER, requests=REQUESTS):
        """Names that nobody asked for before, one after the other."""
        for number in range(requests):
            self.names = getattr(self, "names", 0) + 1
            with self.stream(gate, port, source) as client:
                client.send(connect("n%d.good.test:%d" % (self.names, self.target.port)))
                head = client.read_head()
                self.assertEqual(head.status, 200, "request %d: %r" % (number, head.status != 200 and client.body(head.kind, head.length)))

    def answers(self, sock, requests=REQUESTS):
        for _ in range(requests):
            self.names = getattr(self, "names", 0) + 1
            sock.send(question("d%d.good.test" % self.names))
            answer = Answer(sock.recv(65535))
            self.assertEqual((answer.code, answer.addresses), (NO_ERROR, [HOSTILE]))


class Lookups(StarvedCase):
    def test_tunnels_to_names_that_nobody_answers_for(self):
        gate = self.start()
        hostile = self.occupy(gate)
        self.wait_asked(PART)
        self.serves(gate, gate.proxy())
        self.serves(gate, self.second)
        self.answers(self.datagrams(gate.dns, OTHER))
        self.answers(self.datagrams(self.third, OTHER))
        response = self.stream(gate, gate.proxy(), HOSTILE).ask(connect("late.silent.test:443"), "CONNECT")
        self.assertEqual((response.status, response.json()["reason"]), (503, "limit.lookups"))
        self.assertTrue(response.field("Retry-After"))
        for client in hostile:
            client.reset()

    def test_the_last_asker_frees_its_place(self):
        gate = self.start()
        alone = gate.descriptors()
        hostile = self.occupy(gate)
        self.wait_asked(PART)
        for client in hostile:
            client.reset()
        wait_for(lambda: self.stream(gate, gate.proxy(), HOSTILE).ask(connect("again.good.test:1"), "CONNECT").json()["reason"] != "limit.lookups",
                 "a lookup for the peer that let go", gate.process)
        wait_for(lambda: gate.descriptors() < alone + PART, "the end of those that were reset", gate.process)
        self.dns.forget()
        again = self.occupy(gate)
        self.wait_asked(PART)
        for client in again:
            client.reset()

    def test_one_of_two_askers_leaves_and_the_other_is_answered(self):
        gate = self.start()
        self.dns.names["both.test"] = ("delay", 1.5, [HOSTILE])
        leaves, stays = (self.stream(gate, gate.proxy(), source) for source in (HOSTILE, OTHER))
        for client in (leaves, stays):
            client.send(connect("both.test:%d" % self.target.port))
        self.assertTrue(self.dns.wait_for("both.test"))
        leaves.reset()
        self.assertEqual(stays.read_head().status, 200)

    def test_the_deadline_frees_places(self):
        gate = self.start_egress(policy(), resolver=self.dns.port, options=["--resolver-timeout", "1s"])
        hostile = self.occupy(gate, 400)
        self.assertLessEqual({client.read_head().status for client in hostile}, {503, 504})
        self.serves(gate, gate.proxy(), HOSTILE, requests=5)


class Questions(StarvedCase):
    def test_datagrams(self):
        """They have no end that could be seen: a share, an answer at once beyond it, and the lookup's time."""
        gate = self.start()
        hostile = self.datagrams(gate.dns, HOSTILE)
        flood(hostile, MANY)
        self.assertEqual(flush(hostile), FAILURE, "it has its share")
        self.answers(self.datagrams(gate.dns, OTHER))
        self.answers(self.datagrams(self.third, OTHER))
        self.serves(gate, gate.proxy())
        self.serves(gate, self.second)
        told = [r for r in gate.wait_log(1, event="suppressed") if r["reason"] == "limit.lookups"]
        self.assertTrue(told)
        self.assertEqual((told[0]["client"], told[0]["peer"]), ("default", HOSTILE))

    def test_connections_with_a_question_each(self):
        gate = self.start()
        hostile = [self.stream(gate, gate.dns, HOSTILE) for _ in range(64)]
        for number, client in enumerate(hostile):
            packet = question("t%d.silent.test" % number)
            client.send(len(packet).to_bytes(2, "big") + packet)
        self.wait_asked(64)
        for _ in range(20):
            with self.stream(gate, gate.dns, OTHER) as client:
                self.names = getattr(self, "names", 0) + 1
                packet = question("c%d.good.test" % self.names)
                client.send(len(packet).to_bytes(2, "big") + packet)
                self.assertEqual(Answer(client.exactly(int.from_bytes(client.exactly(2), "big"))).addresses, [HOSTILE])
        for client in hostile:
            client.reset()

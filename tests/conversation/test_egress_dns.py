# SPDX-License-Identifier: Apache-2.0
"""The gate as name server of a closed network: it answers names that some rule admits, with addresses, and nothing else. No question
leaves the gate unless real addresses are wanted, and then only for admitted names."""

import socket
import struct

from harness import dns_client
from harness.dns_client import FORMAT_ERROR, NO_ERROR, NO_NAME, NOT_DONE, REFUSED, ask_tcp, ask_udp, question
from harness.dns_server import DnsServer
from harness.egress import SharedEgressCase, allow, deny
from harness.gate import wait_for

RULES = allow("a.test", "*.wild.test", "web.test:8080") + deny("bad.wild.test") + deny("127.0.0.66")
DENIED = (NO_NAME, REFUSED)


class DnsCase(SharedEgressCase):
    OPTIONS = ()

    @classmethod
    def prepare(cls):
        cls.behind = DnsServer({"*.test": ["127.0.0.1"], "*.wild.test": ["127.0.0.1"]})
        return {"rules": RULES, "resolver": cls.behind.port, "dns": True, "options": list(cls.OPTIONS)}

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.behind.close()

    def setUp(self):
        super().setUp()
        self.behind.forget()

    def ask(self, name, kind="A", **options):
        self.gate.set_mark()
        answer = ask_udp(self.gate.dns, question(name, kind, **options))
        self.assertIsNotNone(answer, "no answer")
        return answer

    def record(self, **wanted):
        return wait_for(lambda: self.gate.news(via="dns", **wanted), "a record of the question", self.gate.process)[-1]


class Gate(DnsCase):
    """The default: the gate's own address."""

    def test_admitted_names(self):
        def check(name):
            answer = self.ask(name)
            self.assertEqual((answer.code, answer.addresses), (NO_ERROR, ["127.0.0.1"]))
            self.assertEqual((answer.id, answer.flags & 0x8000), (0x1234, 0x8000))
            self.assertEqual(answer.asked, [dns_client.encode_name(name) + struct.pack("!HH", 1, 1)], "the question comes back as it was spelled")

        self.each([(name, name) for name in ("a.test", "A.TEST", "x.wild.test", "deep.x.wild.test", "web.test", "aAaA.WiLd.test")], check)
        self.assertEqual(self.behind.questions, [])

    def test_names_that_nothing_admits(self):
        def check(name):
            answer = self.ask(name)
            self.assertIn(answer.code, DENIED)
            self.assertEqual(answer.records, [])
            record = self.record()
            self.assertEqual((record["decision"], record["question"]), ("deny", "A"))

        self.each([(name or "the root", name) for name in (
            "other.test", "wild.test", "bad.wild.test", "BAD.wild.test", "c2VjcmV0.exfil.example", "test", "", "localhost", "x.localhost", "metadata.google.internal",
            "1.0.0.127.in-addr.arpa", "host.docker.internal")], check)
        self.assertEqual(self.behind.questions, [])

    def test_the_log(self):
        self.ask("A.test")
        record = self.record(host="a.test")
        self.assertEqual((record["kind"], record["via"], record["decision"], record["question"], record["client"]), ("network", "dns", "allow", "A", "default"))
        self.assertRegex(record["peer"], r"^127\.0\.0\.1:\d+$")
        self.ask("a.test", 1234)
        self.assertEqual(self.record(host="a.test")["question"], "TYPE1234")

    def test_other_types_are_never_forwarded(self):
        def check(kind):
            answer = self.ask("a.test", kind)
            self.assertIn(answer.code, (NO_ERROR, NOT_DONE, REFUSED))
            self.assertEqual([r for r in answer.records if r[0] not in (1, 28)], [])
            answer = self.ask("other.test", kind)
            self.assertEqual(answer.records, [])

        self.each([(name, kind) for name, kind in dns_client.TYPES.items() if name != "A"] + [("a type nobody knows", 65399)], check)
        self.assertEqual(self.ask("a.test", "HTTPS").records, [], "the key for an encrypted hello is not for us to give")
        self.assertEqual(self.behind.questions, [])

    def test_names_that_are_none(self):
        def check(raw):
            answer = ask_udp(self.gate.dns, question(raw))
            self.assertIn(answer.code, (*DENIED, FORMAT_ERROR))
            self.assertEqual(answer.records, [])

        self.each([
            ("NUL in a label", b"\x08a.test\0x\0"),
            ("a dot in a label", b"\x06a.test\0"),
            ("a blank", b"\x03a b\x04test\0"),
            ("8 bit", b"\x03a\xff\xfe\x04test\0"),
            ("a hyphen in front", b"\x02-a\x04wild\x04test\0"),
            ("control bytes for the log", b"\x06\x1b[31m\n\x04test\0"),
        ], check)
        self.assertNotIn(b"\x1b", self.gate.log_text())

    def test_packets_that_are_no_questions(self):
        """Answered with an error or not at all; what is an answer itself never is (two servers would talk for ever)."""
        def check(packet, codes):
            answer = ask_udp(self.gate.dns, packet, timeout=0.15)
            if answer is not None:
                self.assertIn(answer.code, codes)
                self.assertEqual(answer.records, [])

        good = question("a.test")
        errors = (FORMAT_ERROR, NOT_DONE, REFUSED)
        self.each([
            ("empty", b"", ()),
            ("eleven bytes", good[:11], ()),
            ("an answer", question("a.test", flags=0x8180), ()),
            ("no question", question("a.test", count=0), errors),
            ("two questions", question("a.test", count=2), errors),
            ("cut in the name", good[:15], errors),
            ("cut in the type", good[:-3], errors),
            ("compression in the question", question(b"\x01a\xc0\x0c"), errors),
            ("a pointer to itself", question(b"\xc0\x0c"), errors),
            ("an unknown label type", question(b"\x41a\x00"), errors),
            ("an update", question("a.test", flags=0x2800), errors),
            ("an inverse query", question("a.test", flags=0x0900), errors),
            ("class CHAOS", question("version.bind", "TXT", qclass=3), (*errors, NO_NAME)),
        ], check)
        self.assertEqual(self.ask("a.test").addresses, ["127.0.0.1"])

    def test_over_tcp(self):
        answers = ask_tcp(self.gate.dns, question("a.test", identity=1), question("other.test", identity=2), question("x.wild.test", identity=3))
        self.assertEqual(sorted((a.id, bool(a.addresses)) for a in answers), [(1, True), (2, False), (3, True)])
        with socket.create_connection(("127.0.0.1", self.gate.dns), 5) as sock:
            packet = question("a.test")
            for value in struct.pack("!H", len(packet)) + packet:
                sock.sendall(bytes([value]))
            self.assertGreater(len(sock.recv(100)), 12)

    def test_edns(self):
        self.assertEqual(self.ask("a.test", edns=4096).addresses, ["127.0.0.1"])
        self.assertEqual(self.ask("a.test", edns=1).addresses, ["127.0.0.1"])


class Real(DnsCase):
    """Real addresses: judged like those of a tunnel."""

    OPTIONS = ("--dns-answer", "real", "--resolver-timeout", "500ms")

    def test_answers(self):
        self.behind.names.update({"mixed.wild.test": ["10.0.0.1", "127.0.0.1", "169.254.169.254", "127.0.0.66"], "inside.wild.test": ["10.0.0.1"],
                                  "dead.wild.test": "servfail", "gone.wild.test": "nxdomain", "far.wild.test": ("cname", "elsewhere.example"), "elsewhere.example": ["127.0.0.1"]})
        self.assertEqual(self.ask("a.test").addresses, ["127.0.0.1"])
        self.assertEqual(self.ask("far.wild.test").addresses, ["127.0.0.1"])
        self.assertEqual(self.ask("mixed.wild.test").addresses, ["127.0.0.1"])
        self.assertEqual(self.ask("inside.wild.test").addresses, [])
        self.assertEqual(self.ask("gone.wild.test").code, NO_NAME)
        self.assertNotEqual(self.ask("dead.wild.test").code, NO_ERROR)

    def test_denied_names_are_not_asked_for(self):
        for name in ("other.test", "bad.wild.test", "c2VjcmV0.exfil.example"):
            self.assertIn(self.ask(name).code, DENIED)
        self.assertEqual(self.behind.questions, [])

    def test_other_types_are_never_forwarded(self):
        for kind in ("TXT", "MX", "HTTPS", "ANY", "NS", 65399):
            self.assertEqual(self.ask("a.test", kind).records, [])
        self.assertEqual({q.type for q in self.behind.questions} - {"A", "AAAA"}, set())


class Fixed(DnsCase):
    OPTIONS = ("--dns-answer", "192.0.2.53,2001:db8::53")

    def test_the_given_addresses(self):
        self.assertEqual(self.ask("a.test").addresses, ["192.0.2.53"])
        self.assertEqual(self.ask("a.test", "AAAA").addresses, ["2001:db8::53"])
        self.assertEqual(self.ask("other.test").addresses, [])
        self.assertEqual(self.behind.questions, [])



# SPDX-License-Identifier: Apache-2.0
"""The DNS listener's sockets: which of its addresses was asked, connections that stay or stall, many questions at once, a client
that floods, a log that cannot be written."""

import socket
import struct

from harness.dns_client import FAILURE, FORMAT_ERROR, NO_ERROR, NO_NAME, NOT_DONE, REFUSED, Answer, question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, EgressGate, allow
from harness.gate import Gate, wait_for
from harness.wire import DEADLINE

RULES = allow("a.test", "*.wild.test")
OF_ONE_LISTENER = 64
EDNS_VERSION_1 = b"\0" + struct.pack("!HHBBHH", 41, 1232, 0, 1, 0, 0)


def framed(*packets):
    return b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)


class Connection:
    """A TCP connection to the listener."""

    def __init__(self, test, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), DEADLINE)
        test.addCleanup(self.sock.close)

    def send(self, data):
        self.sock.sendall(data)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise AssertionError("the connection ended after %r" % data)
            data += more
        return data

    def answer(self):
        return Answer(self.exactly(struct.unpack("!H", self.exactly(2))[0]))

    def ask(self, name, kind="A"):
        self.send(framed(question(name, kind)))
        return self.answer()

    def ended(self):
        """Waits for the end; True when nothing came before it."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


class DnsListenerCase(EgressCase):
    def start_dns(self, rules=RULES, address="127.0.0.1", options=(), **more):
        """A gate whose DNS listener is at `address`; gate.dns is its port."""
        return self.start_egress(rules, options=["--dns", address + ":0", *options], **more)

    def udp(self, gate, host="127.0.0.1", source=None):
        """A socket that takes answers only from the address it asks."""
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        if source:
            sock.bind((source, 0))
        sock.connect((host, gate.dns))
        return sock

    def ask(self, gate, packet, host="127.0.0.1", source=None):
        sock = self.udp(gate, host, source)
        sock.send(packet)
        return Answer(sock.recv(65535))


class Addresses(DnsListenerCase):
    def test_the_answer_is_the_address_that_was_asked_and_comes_from_it(self):
        gate = self.start_dns(address="0.0.0.0")
        for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3"):
            self.assertEqual(self.ask(gate, question("a.test"), host).addresses, [host])
            self.assertEqual(Connection(self, gate.dns, host).ask("a.test").addresses, [host])

    def test_both_families_at_one_listener(self):
        gate = self.start_dns(address="[::]")
        for host, kind, addresses in (("127.0.0.1", "A", ["127.0.0.1"]), ("127.0.0.1", "AAAA", []), ("127.0.0.2", "A", ["127.0.0.2"]),
                                      ("::1", "A", []), ("::1", "AAAA", ["::1"])):
            with self.subTest(host=host, kind=kind):
                for answer in (self.ask(gate, question("a.test", kind), host), Connection(self, gate.dns, host).ask("a.test", kind)):
                    self.assertEqual((answer.code, answer.addresses), (NO_ERROR, addresses))

    def test_local_names_need_a_rule_that_names_them(self):
        gate = self.start_dns(allow("localhost:5432", "*:443", special=False), options=["--dns-answer", "192.0.2.1"])
        self.assertEqual(self.ask(gate, question("localhost")).addresses, ["127.0.0.1"])
        self.assertEqual(self.ask(gate, question("LocalHost", "AAAA")).addresses, ["::1"])
        for name in ("x.localhost", "ip6-localhost", "ip6-loopback"):
            answer = self.ask(gate, question(name))
            self.assertEqual((answer.code, answer.addresses), (NO_NAME, []), name)
        record = gate.network(host="x.localhost")[-1]
        self.assertEqual((record["decision"], record["reason"]), ("deny", "address-class.loopback"))
        self.assertEqual(self.ask(gate, question("other.test")).addresses, ["192.0.2.1"])

    def test_peers_outside_from_are_not_answered(self):
        gate = self.start_egress("version: 1\nclients:\n  box:\n    from: [127.0.0.2/32]\n    dns: {listen: \"127.0.0.1:0\"}\n"
                                 "    network:\n      - allow: a.test\n", egress=False)
        gate.found_ports = {("default", "dns"): gate.port}
        stranger = self.udp(gate)
        stranger.send(question("a.test"))
        self.assertTrue(Connection(self, gate.port).ended())
        # What was sent before it was handled before it: this answer says that the stranger will get none.
        self.assertEqual(self.ask(gate, question("a.test"), source="127.0.0.2").addresses, ["127.0.0.1"])
        stranger.setblocking(False)
        self.assertRaises(BlockingIOError, stranger.recv, 1)
        self.assertEqual([record["peer"].split(":")[0] for record in gate.network(via="dns")], ["127.0.0.2"])


class Messages(DnsListenerCase):
    def test_the_limit_of_what_the_asker_takes(self):
        """Sixteen addresses of IPv6 are 448 bytes: with the longest question they do not fit into 512."""
        long = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 50, "wild.test"])
        addresses = ["2001:db8::%x" % number for number in range(1, 17)]
        with DnsServer({"*.wild.test": addresses}) as behind:
            gate = self.start_dns('- {allow: ["*.wild.test"], addresses: ["2001:db8::/32"]}', resolver=behind.port, options=["--dns-answer", "real"])
            for edns, whole in ((0, False), (512, False), (1232, True), (65535, True)):
                answer = self.ask(gate, question(long, "AAAA", edns=edns))
                self.assertEqual(answer.truncated, not whole)
                self.assertLessEqual(len(answer.packet), max(edns, 512))
                self.assertEqual(len(answer.addresses) == 16, whole, "EDNS %d: %d addresses" % (edns, len(answer.addresses)))
            answer = Connection(self, gate.dns).ask(long, "AAAA")
            self.assertEqual((len(answer.addresses), answer.truncated), (16, False))

    def test_how_long_an_answer_is_kept(self):
        with DnsServer({"short.wild.test": [("127.0.0.1", 7)], "long.wild.test": [("127.0.0.1", 86400)]}) as behind:
            gate = self.start_dns(resolver=behind.port, options=["--dns-answer", "real"])
            for name, longest in (("short.wild.test", 7), ("long.wild.test", 60)):
                self.assertIn(self.ask(gate, question(name)).records[0][1], range(longest - 2, longest + 1))
        gate = self.start_dns()
        self.assertEqual(self.ask(gate, question("a.test")).records, [(1, 5, "127.0.0.1")])

    def test_what_is_no_plain_question_has_its_code_and_its_record(self):
        gate = self.start_dns()
        version_1 = bytearray(question("a.test") + EDNS_VERSION_1)
        version_1[11] = 1
        for name, packet, code, reason in (
                ("cut", question("a.test")[:-1], FORMAT_ERROR, "malformed.dns-message"),
                ("update", question("a.test", flags=0x2800), NOT_DONE, "malformed.dns-message"),
                ("EDNS version 1: 16, of which the lower bits are 0", bytes(version_1), NO_ERROR, "malformed.dns-message"),
                ("class CHAOS", question("a.test", "TXT", qclass=3), REFUSED, "dns.class"),
                ("zone transfer", question("a.test", "AXFR"), REFUSED, "dns.transfer"),
                ("incremental zone transfer", question("a.test", 251), REFUSED, "dns.transfer"),
                ("a dot in a label", question(b"\x06a.test\0"), NO_NAME, "malformed.host")):
            with self.subTest(name):
                gate.set_mark()
                answer = self.ask(gate, packet)
                self.assertEqual((answer.code, answer.records), (code, []))
                record = gate.news(via="dns")[-1]
                self.assertEqual((record["decision"], record["reason"], record["rule"]), ("deny", reason, "built-in"))
        self.assertEqual(gate.network(via="dns")[-1]["host"], "a\\046test")

    def test_addresses_that_were_refused_are_in_the_record(self):
        with DnsServer({"mixed.wild.test": ["127.0.0.1", "10.0.0.1"], "inside.wild.test": ["10.0.0.1"]}) as behind:
            gate = self.start_dns(resolver=behind.port, options=["--dns-answer", "real"])
            self.assertEqual(self.ask(gate, question("mixed.wild.test")).addresses, ["127.0.0.1"])
            record = gate.network(host="mixed.wild.test")[-1]
            self.assertEqual((record["decision"], record["address"], len(record["refused_addresses"])), ("allow", "127.0.0.1", 1))
            self.assertRegex(record["refused_addresses"][0], r"^10\.0\.0\.1 address")
            answer = self.ask(gate, question("inside.wild.test"))
            self.assertEqual((answer.code, answer.addresses), (NO_NAME, []))
            record = gate.network(host="inside.wild.test")[-1]
            self.assertEqual((record["decision"], "address" in record), ("deny", False))


class Connections(DnsListenerCase):
    def test_questions_come_one_behind_the_other(self):
        gate = self.start_dns()
        connection = Connection(self, gate.dns)
        for name, code in (("a.test", NO_ERROR), ("other.test", NO_NAME), ("x.wild.test", NO_ERROR)):
            self.assertEqual(connection.ask(name).code, code)
        connection.send(framed(*(question("x%d.wild.test" % number, identity=number) for number in range(100))))
        self.assertEqual([connection.answer().id for _ in range(100)], list(range(100)))

    def test_who_ends_his_half_is_answered_first(self):
        gate = self.start_dns()
        connection = Connection(self, gate.dns)
        connection.send(framed(question("a.test", identity=1), question("a.test", identity=2)))
        connection.sock.shutdown(socket.SHUT_WR)
        self.assertEqual([connection.answer().id, connection.answer().id], [1, 2])
        self.assertTrue(connection.ended())

    def test_what_is_no_question_ends_the_connection(self):
        gate = self.start_dns()
        for name, data in (("nothing", framed(b"")), ("eleven bytes", framed(question("a.test")[:11])), ("an answer", framed(question("a.test", flags=0x8180))),
                           ("longer than any question", b"\xff\xff" + b"\0" * 16)):
            with self.subTest(name):
                connection = Connection(self, gate.dns)
                connection.send(data)
                self.assertTrue(connection.ended())
        connection = Connection(self, gate.dns)
        connection.send(framed(question("a.test", count=2)))
        self.assertEqual(connection.answer().code, FORMAT_ERROR, "a question that is malformed in itself is answered")
        self.assertEqual(connection.ask("a.test").code, NO_ERROR)

    def test_a_question_that_does_not_come_whole_ends_the_connection(self):
        gate = self.start_dns(options=["--header-timeout", "200ms"])
        for part in (b"", b"\0", framed(question("a.test"))[:-1]):
            connection = Connection(self, gate.dns)
            connection.send(part)
            self.assertTrue(connection.ended())
        self.assert_idle(gate)

    def test_a_new_connection_takes_the_place_of_the_one_idle_longest(self):
        gate = self.start_dns()
        kept = [Connection(self, gate.dns) for _ in range(OF_ONE_LISTENER)]
        for connection in kept:
            self.assertEqual(connection.ask("a.test").code, NO_ERROR)
        self.assertEqual(Connection(self, gate.dns).ask("a.test").code, NO_ERROR)
        self.assertTrue(kept[0].ended())
        self.assertEqual(kept[1].ask("a.test").code, NO_ERROR)

    def test_connections_that_are_waiting_for_an_answer_are_not_taken_from(self):
        with DnsServer({"*.wild.test": "silent"}) as behind:
            gate = self.start_dns(resolver=behind.port, options=["--dns-answer", "real", "--resolver-timeout", "1m"])
            busy = [Connection(self, gate.dns) for _ in range(OF_ONE_LISTENER)]
            for number, connection in enumerate(busy):
                connection.send(framed(question("x%d.wild.test" % number)))
            for number in range(OF_ONE_LISTENER):
                self.assertTrue(behind.wait_for("x%d.wild.test" % number))
            self.assertTrue(Connection(self, gate.dns).ended())
            # The gate ends with all of them under way.
            self.assertEqual(gate.stop(), 0)
            self.assertTrue(all(connection.ended() for connection in busy))


class Floods(DnsListenerCase):
    def test_one_name_that_is_slow_keeps_nobody_waiting(self):
        with DnsServer({"slow.wild.test": "silent", "*.wild.test": ["127.0.0.1"]}) as behind:
            gate = self.start_dns(resolver=behind.port, options=["--dns-answer", "real", "--resolver-timeout", "1m"])
            sock = self.udp(gate)
            for _ in range(100):
                sock.send(question("slow.wild.test"))
            self.assertEqual(self.ask(gate, question("fast.wild.test")).addresses, ["127.0.0.1"])

    def test_denials_beyond_the_rate_are_answered_and_counted(self):
        gate = self.start_dns(options=["--denial-rate", "1"])
        connection = Connection(self, gate.dns)
        connection.send(framed(*(question("x%d.example" % number) for number in range(50))))
        self.assertEqual({connection.answer().code for _ in range(50)}, {NO_NAME})

        def counted():
            written = len(gate.network(via="dns", decision="deny"))
            return written + sum(record["count"] for record in gate.log(event="suppressed")) == 50

        wait_for(counted, "records or counts of 50 denials", gate.process)
        self.assertLess(len(gate.network(via="dns")), 50)

    def test_nothing_is_allowed_that_cannot_be_logged(self):
        for required, code in (("yes", FAILURE), ("no", NO_ERROR)):
            with self.subTest(required=required):
                port = self.held_port()
                gate = EgressGate(RULES, start=False, options=["--dns", "127.0.0.1:%d" % port, "--log-required", required])
                self.addCleanup(gate.remove)
                self.addCleanup(self.check_egress, gate)
                gate.arguments[gate.arguments.index("--log") + 1] = "/dev/full"
                Gate.start(gate)  # there is no record of the start to wait for
                gate.found_ports = {("default", "dns"): port}
                self.assertEqual(self.ask(gate, question("a.test")).code, code)
                self.assertEqual(self.ask(gate, question("other.test")).code, NO_NAME)

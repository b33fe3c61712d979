# SPDX-License-Identifier: Apache-2.0
"""A server may ask for a second ClientHello (RFC 8446 section 4.1.4), and goes by the name that stands there: it is judged as the first
was. The server's answer is not held up, the client's bytes wait for it, and whatever comes of it is in the log."""

import os
import socket
import ssl
import subprocess
import threading
import unittest

from harness import hello, wire
from harness.client import request
from harness.egress import EgressCase, SharedEgressCase, allow, can_bind
from harness.gate import wait_for
from harness.origin import Origin, TlsOrigin, authority, echo

FIRST = hello.hello("tls.test")
SECOND = hello.records(hello.handshake(hello.server_name("tls.test"), hello.extension(51, b"\x00\x00")))
OTHER = hello.hello("other.test")
RETRY = hello.records(hello.server_hello(hello.RETRY), version=0x0303)
ORDINARY = hello.records(hello.server_hello(), version=0x0303)
EARLY = hello.record(hello.APPLICATION_DATA, b"early" * 20)


class Answers:
    """An origin's script: reads one record, sends its parts (byte for byte where told), then sends back what comes."""

    def __init__(self):
        self.parts, self.then = [RETRY], echo

    def __call__(self, connection):
        head = connection.exactly(5)
        connection.exactly(int.from_bytes(head[3:5], "big"))
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in self.parts:
            connection.send(part)
        return self.then(connection)


class RetryCase(SharedEgressCase):
    WEB = "127.44.3.5"

    @classmethod
    def prepare(cls):
        cls.script = Answers()
        cls.target = cls.add(Origin(cls.script))
        names = ["tls.test", "sub.tls.test", "any.test", "noech.test", "nosni.test", "other.test"]
        rules = (allow("tls.test:*", "*.tls.test:*", extra="protocols: [tls], require_sni: true") + allow("any.test:*") + allow("noech.test:*", extra="ech: deny")
                 + allow("nosni.test:*", extra="protocols: [tls], require_sni: false") + allow("127.0.0.1:*", special=False) + allow("raw.test"))
        hosts = dict({name: "127.0.0.1" for name in names}, **{"raw.test": cls.WEB})
        return {"rules": rules, "hosts": hosts, "transparent": True, "options": ["--hello-timeout", "1s"]}

    def setUp(self):
        super().setUp()
        self.script.parts, self.script.then = [RETRY], echo

    def begin(self, host="tls.test", first=None):
        client = self.gate.tunnel("%s:%d" % (host, self.target.port))
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.send(first if first is not None else hello.hello(host))
        return client

    def received(self):
        """What the last connection of the origin was sent behind the first hello."""
        data = bytes(self.target.connections[-1].received)
        return data[5 + int.from_bytes(data[3:5], "big"):]

    def ended(self, client, reason, passed=b""):
        """The tunnel is over, with its reason; the origin got no more than what may pass."""
        rest = client.to_end()
        self.assertTrue(passed.startswith(rest), "more than the origin's echo of %r: %r" % (passed, rest))
        story = self.gate.wait_closed()
        self.assertRegex(story.get("reason", ""), "^(%s)$" % reason, story)
        self.assertEqual((story["decision"], story["close"]), ("deny", story["reason"]))
        self.assertTrue(passed.startswith(self.received()), self.received())
        return story

    def refused(self, host, parts, reason, passed=b"", first=None):
        with self.begin(host, first) as client:
            self.assertEqual(client.exactly(len(RETRY)), RETRY)
            try:
                for part in [parts] if isinstance(parts, bytes) else parts:
                    client.send(part)
            except OSError:
                pass  # refused before the last part
            return self.ended(client, reason, passed)

    def passes(self, host, parts, first=None, **facts):
        parts = [parts] if isinstance(parts, bytes) else parts
        data = b"".join(parts)
        with self.begin(host, first) as client:
            self.assertEqual(client.exactly(len(RETRY)), RETRY)
            for part in parts:
                client.send(part)
            self.assertEqual(client.exactly(len(data)), data)
            self.passes_bytes(client, b"\x16 anything now \x16\x03\x01")
            client.finish_sending()
            self.assertTrue(client.ended())
        story = self.gate.wait_closed()
        self.assertEqual({name: story.get(name) for name in facts}, facts)
        self.assertEqual((story["decision"], story["close"]), ("allow", "done"))
        return story


class Second(RetryCase):
    def test_it_must_ask_for_the_same_host(self):
        self.each([
            ("the same name", "tls.test", SECOND, {"sni": "tls.test"}),
            ("behind change_cipher_spec", "tls.test", hello.CCS + SECOND, {"sni": "tls.test"}),
            ("below a wildcard", "sub.tls.test", hello.hello("sub.tls.test"), {"sni": "sub.tls.test"}),
            ("other protocols", "tls.test", hello.hello("tls.test", alpn=["h2"]), {"sni": "tls.test", "alpn": "h2"}),
            ("no name where none is needed", "any.test", hello.hello(), {"sni": None}),
            ("a hidden hello", "tls.test", hello.hello("tls.test", hello.ech()), {"sni": "tls.test", "ech": True}),
        ], lambda host, data, facts: self.passes(host, data, **facts))
        self.each([
            ("another name", "tls.test", OTHER, "sni-mismatch"),
            ("another allowed name", "tls.test", hello.hello("any.test"), "sni-mismatch"),
            ("another name where anything may pass", "any.test", OTHER, "sni-mismatch"),
            ("no name", "tls.test", hello.hello(), "sni-missing"),
            ("two names", "tls.test", hello.records(hello.handshake(hello.server_name("tls.test", "other.test"))), "sni-malformed"),
            ("a hidden hello", "noech.test", hello.hello("noech.test", hello.ech()), "ech"),
        ], self.refused)
        self.assertEqual(self.refused("tls.test", OTHER, "sni-mismatch")["sni"], "other.test")

    def test_an_address_as_target(self):
        """Each name must be allowed by itself; the log has the one that the server went by."""
        first = hello.hello("any.test")
        self.assertEqual(self.refused("127.0.0.1", OTHER, "sni-denied", first=first)["sni"], "other.test")
        self.passes("127.0.0.1", SECOND, first=first, sni="tls.test")
        self.passes("127.0.0.1", hello.hello(), first=first, sni=None)

    def test_in_pieces(self):
        message = hello.handshake(hello.server_name("other.test"))
        cut = message.index(b"other.test") + 3
        same = hello.handshake(hello.server_name("tls.test"))
        self.each([
            ("byte by byte", [bytes([value]) for value in hello.CCS + OTHER]),
            ("two records", hello.records(message, cut)),
            ("a record for each byte", hello.records(message, size=1)),
            ("cut in the record head", [OTHER[:3], OTHER[3:]]),
        ], lambda parts: self.refused("tls.test", parts, "sni-mismatch", passed=hello.CCS if len(parts) > 2 and isinstance(parts, list) else b""))
        self.each([
            ("byte by byte", [bytes([value]) for value in hello.CCS + SECOND]),
            ("two records", hello.records(same, 40)),
            ("a record for each byte", hello.records(same, size=1)),
        ], lambda parts: self.passes("tls.test", parts, sni="tls.test"))

    def test_what_may_stand_before_it(self):
        """Early data that was on its way is skipped by the server; what no server reads over ends the tunnel."""
        alert = hello.record(hello.ALERT, b"\x01\x5a")
        self.each([
            ("early data", EARLY),
            ("early data and change_cipher_spec", EARLY + hello.CCS),
            ("change_cipher_spec twice", hello.CCS + hello.CCS),
            ("an alert", alert),
            ("an empty record", hello.record(hello.APPLICATION_DATA, b"")),
            ("all of them", hello.CCS + EARLY + alert + EARLY),
        ], lambda before: (self.passes("tls.test", before + SECOND, sni="tls.test"), self.refused("tls.test", before + OTHER, "sni-mismatch", passed=before)))
        bad = "malformed\\.client-hello|limit\\.client-hello"
        self.each([
            ("a heartbeat", hello.record(hello.HEARTBEAT, b"\x01\x00\x00") + SECOND),
            ("a record of an unknown type", hello.record(25, b"x") + SECOND),
            ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
            ("a hello of SSL 2", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\0" * 40),
            ("a record of another version", b"\x16\x04" + SECOND[2:]),
            ("change_cipher_spec of another version", b"\x14\x04\x01\x00\x01\x01" + SECOND),
            ("another handshake message", hello.records(b"\x02" + hello.handshake(hello.server_name("tls.test"))[1:])),
            ("an empty handshake record", hello.record(hello.HANDSHAKE, b"") + SECOND),
            ("a record too long", b"\x17\x03\x03\xff\xff" + SECOND),
            ("a hello interrupted by another record", SECOND[:3] + b"\x00\x10" + SECOND[5:21] + hello.CCS + SECOND[21:]),
            ("a hello longer than 16 kB", hello.records(hello.handshake(hello.server_name("tls.test"), hello.extension(hello.PADDING, bytes(20000))))),
        ], lambda data: self.refused("tls.test", data, bad))

    def test_it_does_not_come(self):
        self.refused("tls.test", b"", "limit\\.hello-time")
        self.refused("tls.test", SECOND[:30], "limit\\.hello-time")
        self.refused("tls.test", EARLY, "limit\\.hello-time", passed=EARLY)

    def test_the_client_leaves_instead(self):
        """Its end reaches the origin as that; a hello that was begun ends the tunnel."""
        alert = hello.record(hello.ALERT, b"\x02\x28")
        for said in (b"", alert, hello.CCS):
            with self.begin() as client:
                client.exactly(len(RETRY))
                client.send(said)
                client.finish_sending()
                self.assertEqual(client.to_end(), said)
            self.assertEqual(self.gate.wait_closed()["close"], "done")
        for said in (SECOND[:3], SECOND[:30]):
            with self.begin() as client:
                client.exactly(len(RETRY))
                client.send(said)
                client.finish_sending()
                self.ended(client, "malformed\\.client-hello")

    def test_sent_before_it_was_asked_for(self):
        """The server would find it waiting, so it waits here."""
        for hidden in (OTHER, hello.CCS + OTHER, EARLY + hello.CCS + OTHER):
            self.script.then = lambda connection: connection.to_end()
            passed = hidden[:-len(OTHER)]
            with self.begin(first=FIRST + hidden) as client:
                self.assertEqual(client.exactly(len(RETRY)), RETRY)
                self.ended(client, "sni-mismatch", passed)
        self.script.then = echo
        with self.begin(first=FIRST + EARLY + hello.CCS + SECOND) as client:
            self.assertEqual(client.exactly(len(RETRY)), RETRY)
            self.assertEqual(client.exactly(len(EARLY + hello.CCS + SECOND)), EARLY + hello.CCS + SECOND)

    def test_a_new_policy_between_the_two(self):
        gate = self.gate
        before = open(gate.file("policy.yaml"), encoding="utf-8").read()
        self.addCleanup(gate.reload, before)
        client = self.begin("any.test")
        client.exactly(len(RETRY))
        gate.reload(before + "  - {deny: any.test}\n")
        client.send(hello.hello("any.test"))
        self.ended(client, "rule")


class Answer(RetryCase):
    """How the server says it, and what else it may say."""

    def test_a_retry_in_pieces_is_one(self):
        message = hello.server_hello(hello.RETRY)
        alert = hello.record(hello.ALERT, b"\x01\x70")
        self.each([
            ("byte by byte", [bytes([value]) for value in RETRY]),
            ("two records", [hello.records(message, 20, version=0x0303)]),
            ("a record for each byte", [hello.records(message, size=1, version=0x0303)]),
            ("cut in the random", [RETRY[:30], RETRY[30:]]),
            ("behind a warning", [alert + RETRY]),
            ("an alert between its records", [hello.records(message[:20], version=0x0303) + alert + hello.records(message[20:], version=0x0303)]),
            ("with change_cipher_spec behind it", [RETRY + hello.CCS]),
        ], self.check_retry)

    def check_retry(self, parts):
        self.script.parts = parts
        data = b"".join(parts)
        with self.begin(first=FIRST + OTHER) as client:
            said = client.to_end()  # it may end as soon as the random is there
            self.assertTrue(data.startswith(said), said)
            self.ended(client, "sni-mismatch")

    def test_any_other_answer_opens_the_tunnel(self):
        """What was held goes on then, unchanged: no second hello can follow."""
        near = hello.records(hello.server_hello(hello.RETRY[:31] + b"\0"), version=0x0303)
        held = hello.records(b"\x10" + hello.vector(3, b"key exchange")) + hello.CCS + EARLY
        self.each([
            ("a ServerHello", [ORDINARY]),
            ("a ServerHello whose random is nearly that", [near]),
            ("byte by byte", [bytes([value]) for value in ORDINARY]),
            ("behind a warning", [hello.record(hello.ALERT, b"\x01\x70") + ORDINARY]),
            ("another message", [hello.records(b"\x00\x00\x00\x00")]),
            ("no TLS", [b"220 mail.test\r\n"]),
            ("HTTP", [b"HTTP/1.1 400 Bad Request\r\n\r\n"]),
            ("one byte", [b"S"]),
            ("a record of another version", [b"\x16\x02\x00\x00\x10"]),
        ], lambda parts: self.check_open(parts, held))

    def check_open(self, parts, held):
        self.script.parts = parts
        data = b"".join(parts)
        with self.begin(first=FIRST + held) as client:
            self.assertEqual(client.exactly(len(data) + len(held)), data + held)
            self.passes_bytes(client)
            client.finish_sending()
            self.assertTrue(client.ended())
        self.assertEqual(self.gate.wait_closed()["close"], "done")

    def test_the_answer_is_not_held_up(self):
        """Each byte is passed on before the next one comes."""
        step = threading.Semaphore(0)
        self.addCleanup(step.release, len(ORDINARY))
        self.script.parts = []

        def drips(connection):
            for value in ORDINARY[:20]:
                connection.send(bytes([value]))
                step.acquire(timeout=wire.DEADLINE)
            return echo(connection)

        self.script.then = drips
        with self.begin() as client:
            for value in ORDINARY[:20]:
                self.assertEqual(client.exactly(1), bytes([value]))
                step.release()

    def test_early_data_does_not_wait_for_the_answer(self):
        """Application data and change_cipher_spec pass at once; up to 64 kB, then the client waits."""
        got = threading.Event()
        data = hello.CCS + EARLY * 100

        def script(connection):
            connection.exactly(len(data))
            got.set()
            connection.send(ORDINARY)
            return echo(connection)

        self.script.parts, self.script.then = [], script
        with self.begin(first=FIRST + data) as client:
            self.assertTrue(got.wait(wire.DEADLINE))
            self.assertEqual(client.exactly(len(ORDINARY)), ORDINARY)
            self.passes_bytes(client)

    def test_early_data_without_end(self):
        """A server that says nothing does not make the gate an uploader; once it has answered all of it passes."""
        answer = threading.Event()
        part = hello.record(hello.APPLICATION_DATA, bytes(16000)) * 4
        got = []

        def script(connection):
            connection.keep = False
            answer.wait(wire.DEADLINE)
            connection.send(ORDINARY)
            while connection.fill():
                got.append(len(connection.take(len(connection.buffer))))

        self.script.parts, self.script.then = [], script
        client = self.begin()
        client.send_until_full(part)
        answer.set()
        self.assertEqual(client.exactly(len(ORDINARY)), ORDINARY)
        client.finish_sending()
        self.assertTrue(client.ended())
        closed = self.gate.wait_closed()
        self.assertEqual(closed["bytes_in"], len(FIRST) + sum(got))

    def test_a_server_that_leaves(self):
        self.script.then = lambda connection: None
        self.each([("without a word", []), ("with an alert", [hello.record(hello.ALERT, b"\x02\x28")]), ("within its answer", [RETRY[:20]])], self.check_leaving)

    def check_leaving(self, parts):
        self.script.parts = parts
        with self.begin() as client:
            self.assertEqual(client.to_end(), b"".join(parts))
        self.assertIn(self.gate.wait_closed()["close"], ("done", "client-reset"))

    def test_a_server_that_resets(self):
        self.script.parts, self.script.then = [], lambda connection: (connection.reset(), True)[1]
        with self.begin() as client:
            with self.assertRaises(ConnectionResetError):
                client.sock.recv(1)
        self.assertEqual(self.gate.wait_closed()["close"], "origin-reset")

    def test_a_client_that_resets_while_it_waits(self):
        seen = threading.Event()
        self.script.parts, self.script.then = [], lambda connection: (connection.to_end(), seen.set())
        client = self.begin(first=FIRST + OTHER)  # what is held is not read any more
        self.target.wait(lambda origin: origin.connections and len(origin.connections[-1].received) == len(FIRST), "the hello")
        client.reset()
        self.assertTrue(seen.wait(wire.DEADLINE))
        self.assertEqual(self.gate.wait_closed()["close"], "client-reset")

    def test_the_client_half_closes_behind_its_hello(self):
        self.script.parts, self.script.then = [], lambda connection: connection.send(b"got %d" % len(connection.to_end()))
        with self.begin() as client:
            client.finish_sending()
            self.assertEqual(client.to_end(), b"got 0")


@unittest.skipUnless(can_bind(443, RetryCase.WEB), "this user may not take port 443")
class Transparent(RetryCase):
    @classmethod
    def prepare(cls):
        arguments = super().prepare()
        cls.target = cls.add(Origin(cls.script, host=cls.WEB, port=443))
        return arguments

    def begin(self, host="raw.test", first=None):
        self.gate.set_mark()
        client = self.gate.client("transparent-tls")
        client.send(first if first is not None else hello.hello(host))
        return client

    def test_the_same_rules(self):
        self.each([("the same name", hello.hello("raw.test")), ("with change_cipher_spec", hello.CCS + hello.hello("raw.test"))],
                  lambda data: self.passes("raw.test", data, sni="raw.test", via="transparent"))
        self.each([("another name", OTHER, "sni-mismatch"), ("another allowed name", hello.hello("tls.test"), "sni-mismatch"), ("none", hello.hello(), "sni-missing")],
                  lambda data, reason: self.refused("raw.test", data, reason))
        self.assertEqual(self.refused("raw.test", OTHER, "sni-mismatch")["sni"], "other.test")

    def test_sent_before_it_was_asked_for(self):
        for hidden in (OTHER, hello.CCS + OTHER):
            self.script.then = lambda connection: connection.to_end()
            with self.begin(first=hello.hello("raw.test") + hidden) as client:
                self.assertEqual(client.exactly(len(RETRY)), RETRY)
                self.ended(client, "sni-mismatch", hidden[:-len(OTHER)])


class RealPrograms(EgressCase):
    """Real handshakes: a server that takes P-384 only asks a client whose key share is X25519 once more."""

    def setUp(self):
        super().setUp()
        self.gate = self.start_egress(allow("secure.test:*", extra="protocols: [tls], require_sni: true"), hosts={"secure.test": "127.0.0.1"})

    def serve(self, *options):
        """openssl s_server on a port of its own."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        certificate, key = authority().pair("secure.test")
        server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", certificate, "-key", key, "-naccept", "100", *options],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(server.wait)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        while b"ACCEPT" not in server.stdout.readline():
            self.assertIsNone(server.poll(), "openssl s_server ended")
        return port

    def s_client(self, port, *options, until=lambda: True):
        """What openssl s_client says up to the end of its input, which comes once `until` holds."""
        client = subprocess.Popen(["openssl", "s_client", "-proxy", "127.0.0.1:%d" % self.gate.proxy(), "-connect", "secure.test:%d" % port, "-servername", "secure.test",
                                   "-CAfile", authority().certificate, "-verify_return_error", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_for(until, "openssl s_client to get so far", client)
            said, _ = client.communicate(b"GET / HTTP/1.0\r\n\r\n", timeout=60)
        finally:
            client.kill()
            client.wait()
        return client.returncode, said.decode("latin-1")

    def test_python_and_curl(self):
        for curve in ("prime256v1", "secp384r1"):
            target = TlsOrigin("secure.test")
            target.context.set_ecdh_curve(curve)
            self.origin(target)
            client = self.gate.tunnel("secure.test:%d" % target.port)
            secured = authority().client_context("http/1.1").wrap_socket(client.sock, server_hostname="secure.test")
            secured.sendall(request("GET", "/" + curve, host="secure.test"))
            self.assertIn(b"200 OK", secured.recv(4096))
            secured.close()
            done = subprocess.run(["curl", "-sS", "--max-time", "30", "--cacert", authority().certificate, "-x", self.gate.url, "https://secure.test:%d/curl" % target.port],
                                  capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, b"OK"), done.stderr)
            self.assertEqual(target.lines, ["GET /" + curve, "GET /curl"])
        self.assertEqual({r["sni"] for r in self.gate.wait_network(4, event="close")}, {"secure.test"})

    def test_openssl(self):
        for options in ((), ("-groups", "P-384"), ("-tls1_2",), ("-tls1_2", "-groups", "P-384")):
            port = self.serve(*options, "-www")
            client = ("-msg",) + (("-tls1_2",) if "-tls1_2" in options else ())
            code, text = self.s_client(port, *client)
            self.assertEqual(code, 0, text)
            hellos = text.count("ClientHello")
            self.assertEqual(hellos, 2 if options == ("-groups", "P-384") else 1, text)

    def test_early_data(self):
        """0-RTT, taken by the server and, with another group, skipped by it."""
        early = os.path.join(self.gate.folder, "early")
        session = os.path.join(self.gate.folder, "session")
        with open(early, "wb") as stream:
            stream.write(b"GET /early HTTP/1.0\r\n\r\n")
        port = self.serve("-early_data", "-groups", "P-256:P-384")
        code, text = self.s_client(port, "-sess_out", session, "-groups", "P-256:P-384", until=lambda: os.path.exists(session) and os.path.getsize(session) > 0)
        self.assertEqual(code, 0, text)
        for groups, taken in (("P-256:P-384", "was accepted"), ("X25519:P-384", "was rejected")):
            code, text = self.s_client(port, "-sess_in", session, "-early_data", early, "-groups", groups)
            self.assertEqual(code, 0, text)
            self.assertIn("Early data " + taken, text)

    def test_a_second_name_in_a_real_handshake(self):
        """A client that names another server when it is asked again, by hand, against a real server that would take it."""
        target = TlsOrigin("secure.test", "hidden.test")
        target.context.set_ecdh_curve("secp384r1")
        self.origin(target)
        outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority().client_context().wrap_bio(incoming, outgoing, server_hostname="secure.test")
        with self.assertRaises(ssl.SSLWantReadError):
            session.do_handshake()
        client = self.gate.tunnel("secure.test:%d" % target.port)
        client.send(outgoing.read())
        head = client.exactly(5)
        answer = head + client.exactly(int.from_bytes(head[3:5], "big"))
        self.assertIn(hello.RETRY, answer)
        incoming.write(answer)
        with self.assertRaises(ssl.SSLWantReadError):
            session.do_handshake()
        second = outgoing.read()
        self.assertIn(b"secure.test", second)
        client.send(second.replace(b"secure.test", b"hidden.test"))
        client.to_end()
        story = self.gate.wait_closed(host="secure.test")
        self.assertEqual((story["reason"], story["sni"]), ("sni-mismatch", "hidden.test"))
        self.assertEqual(target.seen, [])

# SPDX-License-Identifier: Apache-2.0
"""What happens behind the 200 of a CONNECT: bytes pass unchanged in both directions, each side's end reaches the other as what it
was, and the first bytes are looked at: TLS must ask for the host that the tunnel was opened to."""

import hashlib
import os
import resource
import socket
import ssl
import struct
import threading
import unittest

from harness import hello, wire
from harness.client import request
from harness.egress import EgressCase, SharedEgressCase, allow, can_bind, connect
from harness.gate import wait_for
from harness.hostile import connect_from
from harness.origin import Origin, TlsOrigin, authority, echo, says

SLOW = bool(os.environ.get("DOCKREEVE_SLOW_TESTS"))
BULK = (1 << 30) if SLOW else (64 << 20)


def hang_up_at_once(connection):
    connection.fill()
    connection.reset()
    return True


ACCESS_DENIED = bytes([21, 3, 3, 0, 2, 2, 49])  # a fatal alert of TLS, as the transparent listener sends it

class Bytes(SharedEgressCase):
    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo))
        return {"rules": allow("a.test:*") + allow("127.0.0.1:*", special=False), "hosts": {"a.test": "127.0.0.1"}}

    def serve(self, script):
        return self.origin(Origin(script))

    def test_both_ways_until_both_have_ended(self):
        def check(authority):
            with self.gate.tunnel(authority) as client:
                for part in (b"hello\n", b"\x00\x01\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", os.urandom(100000)):
                    self.passes_bytes(client, part)
                client.finish_sending()
                self.assertTrue(client.ended())

        self.each([("by name", "a.test:%d" % self.target.port), ("by address", "127.0.0.1:%d" % self.target.port)], check)

    def test_early_data_is_kept(self):
        """Sent with the request, before the 200: it must arrive, once, in front of what follows."""
        early = b"early bird " * 1000
        def check(data):
            with self.gate.tunnel("a.test:%d" % self.target.port, early=data) as client:
                client.send(b"later")
                self.assertEqual(client.exactly(len(data) + 5), data + b"later")

        self.each([("a little", b"x"), ("a line", b"hello\r\n"), ("11 kB", early), ("what looks like a request", connect("127.0.0.1:1"))], check)

    def test_a_request_byte_by_byte(self):
        with self.gate.client() as client:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for value in connect("a.test:%d" % self.target.port) + b"early":
                client.send(bytes([value]))
            self.assertEqual(client.read_head().status, 200)
            self.assertEqual(client.exactly(5), b"early")

    def test_the_origin_speaks_first(self):
        target = self.serve(says(b"220 mail.test ESMTP\r\n"))
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            self.assertEqual(client.exactly(21), b"220 mail.test ESMTP\r\n")

    def test_the_origin_speaks_and_leaves_before_the_client_says_a_word(self):
        target = self.serve(says(b"banner", then=lambda connection: None))
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            self.assertEqual(client.to_end(), b"banner")

    def test_half_close_of_the_client(self):
        target = self.serve(lambda connection: connection.send(b"got %d" % len(connection.to_end())))
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            client.send(b"question")
            client.finish_sending()
            self.assertEqual(client.to_end(), b"got 8")

    def test_half_close_of_the_client_with_the_request(self):
        target = self.serve(lambda connection: connection.send(b"got %d" % len(connection.to_end())))
        with self.gate.client() as client:
            client.send(connect("a.test:%d" % target.port) + b"question")
            client.finish_sending()
            self.assertEqual(client.read_head().status, 200)
            self.assertEqual(client.to_end(), b"got 8")

    def test_half_close_of_the_origin(self):
        got = []

        def script(connection):
            connection.send(b"all I have")
            connection.finish_sending()
            got.append(connection.to_end())

        target = self.serve(script)
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            self.assertEqual(client.to_end(), b"all I have")
            for _ in range(3):
                client.send(b"and this is mine ")
            client.finish_sending()
            target.wait(lambda _: got, "the origin to read to the end")
        self.assertEqual(got, [b"and this is mine " * 3])

    def test_a_reset_of_the_origin_is_a_reset(self):
        target = self.serve(hang_up_at_once)
        client = self.gate.tunnel("a.test:%d" % target.port)
        client.send(b"x")
        with self.assertRaises(ConnectionResetError):
            client.sock.recv(1)
        self.assertTrue(self.gate.wait_closed(port=target.port)["close"])

    def test_a_reset_of_the_client_is_a_reset(self):
        seen = []
        target = self.serve(lambda connection: seen.append((connection.exactly(1), connection.was_reset())))
        client = self.gate.tunnel("a.test:%d" % target.port)
        client.send(b"x")
        target.wait(lambda origin: origin.connections and origin.connections[0].received, "the first byte")
        client.reset()
        target.wait(lambda _: seen, "the end of the origin's connection")
        self.assertEqual(seen, [(b"x", True)])

    def test_an_orderly_end_is_none(self):
        seen = []
        target = self.serve(lambda connection: seen.append(connection.was_reset()))
        client = self.gate.tunnel("a.test:%d" % target.port)
        client.send(b"x")
        client.close()
        target.wait(lambda _: seen, "the end of the origin's connection")
        self.assertEqual(seen, [False])

    def test_nothing_in_a_tunnel_is_a_request(self):
        """The gate reads no second request, whatever the bytes look like, and adds nothing to what the origin gets."""
        wanted = connect("127.0.0.1:1") + b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\n"
        got = []
        target = self.serve(lambda connection: got.append(connection.to_end()))
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            client.send(wanted)
            client.finish_sending()
            target.wait(lambda _: got, "the end")
        self.assertEqual(got, [wanted])
        self.assertEqual(len(self.gate.news(event="open")), 1)

    def test_the_log_of_a_tunnel(self):
        with self.gate.tunnel("A.test.:%d" % self.target.port) as client:
            opened = self.gate.wait_network(event="open", host="a.test")[-1]
            self.passes_bytes(client, b"q" * 1000)
            client.finish_sending()
            self.assertTrue(client.ended())
        closed = self.gate.wait_closed(id=opened["id"])
        self.assertEqual(closed["id"], opened["id"])
        expected = {"kind": "network", "via": "forward", "method": "CONNECT", "client": "default", "host": "a.test", "port": self.target.port,
                    "address": "127.0.0.1", "decision": "allow", "reason": "rule", "status": 200}
        self.assertEqual({name: opened.get(name) for name in expected}, expected)
        self.assertIn("a.test", opened["rule"])
        self.assertRegex(opened["source"], r"policy\.yaml:\d+$")
        self.assertRegex(opened["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual((closed["bytes_in"], closed["bytes_out"]), (1000, 1000))
        self.assertGreater(closed["duration_us"], 0)
        self.assertTrue(closed["close"])
        self.assertEqual(len(self.gate.news(event="close", id=closed["id"])), 1)

    def test_bytes_are_counted_by_direction(self):
        target = self.serve(lambda connection: (connection.exactly(10), connection.send(b"a" * 300)))
        with self.gate.tunnel("a.test:%d" % target.port) as client:
            client.send(b"b" * 10)
            self.assertEqual(len(client.to_end()), 300)
        closed = self.gate.wait_closed(port=target.port)
        self.assertEqual((closed["bytes_in"], closed["bytes_out"]), (10, 300))

    def test_bulk(self):
        """Both ways at once; what arrives is what was sent, and all of it is counted."""
        block = os.urandom(1 << 20)
        expected = hashlib.sha256()
        for _ in range(BULK >> 20):
            expected.update(block)
        seen = {}

        def pump(sock):
            for _ in range(BULK >> 20):
                sock.sendall(block)
            sock.shutdown(socket.SHUT_WR)

        def drain(sock, before=b""):
            digest = hashlib.sha256(before)
            while data := sock.recv(1 << 20):
                digest.update(data)
            return digest.hexdigest()

        def script(connection):
            sender = threading.Thread(target=pump, args=(connection.sock,))
            sender.start()
            seen["origin"] = drain(connection.sock)
            sender.join()

        target = self.serve(script)
        client = self.gate.tunnel("a.test:%d" % target.port)
        client.sock.settimeout(60)
        sender = threading.Thread(target=pump, args=(client.sock,))
        sender.start()
        seen["client"] = drain(client.sock, bytes(client.buffer))  # some may have come with the 200
        sender.join()
        client.close()
        target.wait(lambda _: "origin" in seen, "the origin's end")
        self.assertEqual(seen, {"origin": expected.hexdigest(), "client": expected.hexdigest()})
        closed = self.gate.wait_closed(port=target.port)
        self.assertEqual((closed["bytes_in"], closed["bytes_out"]), (BULK, BULK))

    def test_a_reader_that_stops_holds_the_writer_back(self):
        """Bounded memory: what the slow side does not take stays with the fast side."""
        release = threading.Event()
        target = self.serve(lambda connection: (release.wait(wire.DEADLINE), connection.to_end()))
        client = self.gate.tunnel("a.test:%d" % target.port)
        client.send_until_full(b"x" * 65536)
        release.set()
        client.finish_sending()
        self.assertTrue(client.ended())

    def test_many_tunnels_keep_apart(self):
        clients = [self.gate.tunnel("a.test:%d" % self.target.port) for _ in range(40)]
        for number, client in enumerate(clients):
            client.send(b"%04d" % number * 50)
        for number, client in enumerate(clients):
            self.assertEqual(client.exactly(200), b"%04d" % number * 50)


class Hellos(SharedEgressCase):
    """ClientHellos made by hand; the far side records what it gets. `tls.test` has the defaults of port 443 put on its port by its rule
    (protocols: [tls], require_sni: true), `any.test` has the defaults of other ports."""

    @classmethod
    def prepare(cls):
        cls.target = cls.add(Origin(echo))
        rules = (allow("tls.test:*", "*.tls.test:*", extra="protocols: [tls], require_sni: true")
                 + allow("any.test:*")
                 + allow("noech.test:*", extra="ech: deny")
                 + allow("loose.test:*", extra="protocols: [any], require_sni: false")
                 + allow("nosni.test:*", extra="protocols: [tls], require_sni: false")
                 + allow("ssh.test:*", extra="protocols: [ssh]") + allow("http.test:*", extra="protocols: [http, tls]")
                 + allow("127.0.0.1:*", special=False))
        names = ["tls.test", "sub.tls.test", "any.test", "noech.test", "loose.test", "nosni.test", "ssh.test", "http.test", "other.test"]
        return {"rules": rules, "hosts": {name: "127.0.0.1" for name in names}, "options": ["--hello-timeout", "1s"]}

    def passes(self, host, parts, **facts):
        """The bytes arrive unchanged; facts are what the log must say."""
        parts = [parts] if isinstance(parts, bytes) else parts
        data = b"".join(parts)
        with self.gate.tunnel("%s:%d" % (host, self.target.port)) as client:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                client.send(part)
            self.assertEqual(client.exactly(len(data)), data)
            client.finish_sending()
            self.assertTrue(client.ended())
        story = self.gate.wait_closed()
        self.assertEqual({name: story.get(name) for name in facts}, facts)
        self.assertEqual(story["decision"], "allow")
        return story

    def refused(self, host, parts, reason):
        """The tunnel is closed, the origin never gets a byte, and the log says why."""
        parts = [parts] if isinstance(parts, bytes) else parts
        before = self.target.count
        with self.gate.tunnel("%s:%d" % (host, self.target.port)) as client:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for part in parts:
                    client.send(part)
                    if client.waiting():
                        break
            except OSError:
                pass  # refused before the last part
            rest = client.to_end()
        if reason == "sni-mismatch":
            self.assertEqual(rest, ACCESS_DENIED)
        self.assertTrue(rest == b"" or hello.is_alert(rest), rest)
        story = self.gate.wait_closed()
        self.assertRegex(story.get("reason", ""), "^(%s)$" % reason, story)
        self.assertEqual(story["decision"], "deny")
        for connection in self.target.connections[before:]:
            self.assertEqual(bytes(connection.received), b"", "the origin got some of it")
        return story

    def test_the_name_must_be_the_host(self):
        good, mixed = hello.hello("tls.test"), hello.hello("TLS.Test")
        self.each([
            ("the same", "tls.test", good, {"sni": "tls.test"}),
            ("in other case", "tls.test", mixed, {"sni": "tls.test"}),
            ("the tunnel in other case, with a dot", "TLS.test.", good, {"sni": "tls.test"}),
            ("below a wildcard", "sub.tls.test", hello.hello("sub.tls.test"), {"sni": "sub.tls.test"}),
            ("with ALPN", "tls.test", hello.hello("tls.test", alpn=["h2", "http/1.1"]), {"alpn": "h2,http/1.1"}),
            ("on a port of its own", "any.test", hello.hello("any.test"), {"sni": "any.test"}),
            ("TLS 1.2", "tls.test", hello.hello("tls.test", versions=(0x0303,)), {"sni": "tls.test"}),
            ("a large hello", "tls.test", hello.hello("tls.test", hello.extension(hello.PADDING, bytes(12000))), {"sni": "tls.test"}),
            ("unknown extensions in front", "tls.test", hello.records(hello.handshake(hello.extension(0x1A1A, b""), hello.server_name("tls.test"))), {"sni": "tls.test"}),
        ], lambda host, data, facts: self.passes(host, data, **facts))
        self.each([
            ("another name", "tls.test", hello.hello("other.test"), "sni-mismatch"),
            ("another allowed name", "tls.test", hello.hello("any.test"), "sni-mismatch"),
            ("a name below it", "tls.test", hello.hello("sub.tls.test"), "sni-mismatch"),
            ("the name above", "sub.tls.test", hello.hello("tls.test"), "sni-mismatch"),
            ("a name that begins like it", "tls.test", hello.hello("tls.test.evil.test"), "sni-mismatch"),
            ("a name that ends like it", "tls.test", hello.hello("eviltls.test"), "sni-mismatch"),
            ("another name where anything may pass", "any.test", hello.hello("other.test"), "sni-mismatch"),
            ("another name where no SNI is needed", "nosni.test", hello.hello("other.test"), "sni-mismatch"),
            ("another name in a loose tunnel", "loose.test", hello.hello("other.test"), "sni-mismatch"),
        ], self.refused)

    def test_names_that_are_none(self):
        first = hello.server_name("tls.test")
        bad = "sni-malformed|sni-mismatch|malformed\\.client-hello"
        self.each([
            ("two extensions", hello.records(hello.handshake(first, hello.server_name("other.test"))), bad),
            ("two extensions, both right", hello.records(hello.handshake(first, first)), bad),
            ("two names in one extension", hello.records(hello.handshake(hello.server_name("tls.test", "other.test"))), bad),
            ("NUL behind the name", hello.hello(b"tls.test\0.other.test"), bad),
            ("NUL in front", hello.hello(b"\0tls.test"), bad),
            ("an address", hello.hello("127.0.0.1"), bad),
            ("an IPv6 address", hello.hello("::1"), bad),
            ("an empty name", hello.hello(""), bad),
            ("an empty list", hello.records(hello.handshake(hello.extension(hello.SERVER_NAME, hello.vector(2, b"")))), bad),
            ("an empty extension", hello.records(hello.handshake(hello.extension(hello.SERVER_NAME, b""))), bad),
            ("a name type nobody knows", hello.records(hello.handshake(hello.server_name("tls.test", kind=1))), bad + "|sni-missing"),
            ("two dots behind", hello.hello("tls.test.."), bad),
            ("a blank behind", hello.hello("tls.test "), bad),
            ("UTF-8", hello.hello("tlſ.test"), bad),
            ("a star", hello.hello("*.test"), bad),
            ("a port behind", hello.hello("tls.test:443"), bad),
            ("a label of 64", hello.hello("a" * 64 + ".test"), bad),
            ("300 bytes", hello.hello("a." * 150), bad),
            ("a length that runs out of the extension", hello.records(hello.handshake(hello.extension(0, b"\x00\x0b\x00\xff\xfftls.test"))), bad),
            ("bytes behind the list", hello.records(hello.handshake(hello.extension(0, hello.vector(2, b"\0" + hello.vector(2, b"tls.test")) + b"x"))), bad),
        ], lambda data, reason: self.refused("tls.test", data, reason))

    def test_no_name(self):
        plain = hello.hello()
        self.refused("tls.test", plain, "sni-missing")
        self.passes("nosni.test", plain)
        self.passes("any.test", plain)

    def test_ech(self):
        """GREASE looks just like it, so it passes as long as the outer name is the host's, unless the rule refuses it."""
        self.passes("tls.test", hello.hello("tls.test", hello.ech()), ech=True, sni="tls.test")
        self.refused("noech.test", hello.hello("noech.test", hello.ech()), "ech")
        self.passes("noech.test", hello.hello("noech.test"))
        self.refused("tls.test", hello.hello("other.test", hello.ech()), "sni-mismatch")

    def test_protocols(self):
        tls, ssh, http = hello.hello("ssh.test"), b"SSH-2.0-OpenSSH_9.2\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        self.each([
            ("HTTP where TLS must be", "tls.test", http, "protocol"),
            ("SSH where TLS must be", "tls.test", ssh, "protocol"),
            ("anything where TLS must be", "tls.test", b"\x05\x01\x00\x00\x00\x00", "protocol"),
            ("TLS where SSH must be", "ssh.test", tls, "protocol"),
            ("HTTP where SSH must be", "ssh.test", http, "protocol"),
            ("SSH where HTTP must be", "http.test", ssh, "protocol"),
        ], self.refused)
        self.each([
            ("SSH where it may be", "ssh.test", ssh),
            ("HTTP where it may be", "http.test", http),
            ("TLS beside HTTP", "http.test", hello.hello("http.test")),
            ("SSH where anything may be", "any.test", ssh),
            ("noise where anything may be", "any.test", b"\xff\x00noise"),
            ("HTTP where anything may be", "loose.test", http),
        ], self.passes)

    def test_what_servers_read_over_before_a_hello(self):
        """Bad on every port, whatever the rule admits: the hello behind it would be nobody's."""
        behind = hello.hello("other.test")
        old = b"\x80\x2e\x01%s\x00\x15\x00\x00\x00\x10" + b"\0" * 40
        rows = [
            ("an alert first", hello.record(hello.ALERT, b"\x01\x70") + behind),
            ("an alert in a record of another version", hello.record(hello.ALERT, b"\x01\x70", version=0x0201) + behind),
            ("change_cipher_spec first", hello.CCS + behind),
            ("application data first", hello.record(hello.APPLICATION_DATA, b"x") + behind),
            ("a heartbeat first", hello.record(hello.HEARTBEAT, b"\x01\x00\x00") + behind),
            ("a hello in a record of another version", b"\x16\x04" + behind[2:]),
            ("a hello in a record of version 0", b"\x16\x00" + behind[2:]),
            ("a hello of SSL 2 for TLS", old % b"\x03\x01"),
            ("a hello of SSL 2", old % b"\x00\x02"),
        ]
        for host in ("tls.test", "any.test", "loose.test", "nosni.test", "127.0.0.1"):
            self.each([("%s, %s" % (host, name), host, data, "malformed\\.client-hello") for name, data in rows], self.refused)
        self.each([(name, "any.test", [data[:1], data[1:4], data[4:]], "malformed\\.client-hello") for name, data in rows], self.refused)
        self.each([
            ("another protocol that begins like a record", "any.test", b"\x16\x00\xfb\x05\x0bserver.test\x63\xdd\x01"),
            ("a length in front", "any.test", b"\x17\x00\x00\x00\x01\x00\x00\x00"),
            ("telnet", "any.test", b"\xff\xfd\x01"),
            ("DTLS", "any.test", b"\x16\xfe\xfd\x00\x00"),
        ], self.passes)

    def test_a_hello_in_pieces(self):
        """Split where it hurts: the bytes pass unchanged, the name is still found."""
        message = hello.handshake(hello.server_name("tls.test"))
        whole = hello.records(message)
        at = whole.index(b"tls.test")
        inner = message.index(b"tls.test")
        good = [
            ("byte by byte", [bytes([value]) for value in whole]),
            ("cut behind the first byte", [whole[:1], whole[1:]]),
            ("cut in the record header", [whole[:3], whole[3:]]),
            ("cut in the name", [whole[:at + 3], whole[at + 3:]]),
            ("two records, cut in the name", [hello.records(message, inner + 3)]),
            ("two records, cut in the length of the message", [hello.records(message, 2)]),
            ("two records in two segments", [hello.records(message, inner + 3)[:inner + 8], hello.records(message, inner + 3)[inner + 8:]]),
            ("a record for each byte", [hello.records(message, size=1)]),
            ("a record for each byte, in small segments", [hello.records(message, size=1)[n:n + 100] for n in range(0, len(message) * 6, 100)]),
            ("three bytes a record", [hello.records(message, size=3)]),
        ]
        self.each(good, lambda parts: self.passes("tls.test", parts, sni="tls.test"))
        other = hello.handshake(hello.server_name("other.test"))
        cut = other.index(b"other.test") + 3
        self.each([
            ("another name, byte by byte", [bytes([value]) for value in hello.records(other)]),
            ("another name in two records", [hello.records(other, cut)]),
            ("another name, a record for each byte", [hello.records(other, size=1)]),
            ("another name in two records and two segments", [hello.records(other, cut)[:cut + 8], hello.records(other, cut)[cut + 8:]]),
            ("an allowed prefix ends the first record", [hello.records(hello.handshake(hello.server_name("tls.test.evil.test")),
                                                                       hello.handshake(hello.server_name("tls.test.evil.test")).index(b".evil"))]),
        ], lambda parts: self.refused("tls.test", parts, "sni-mismatch"))

    def test_hellos_that_are_broken(self):
        message = hello.handshake(hello.server_name("tls.test"))
        whole = bytearray(hello.records(message))
        longer = bytes(whole[:6]) + b"\xff\xff\xff" + bytes(whole[9:])
        bad = "malformed\\.client-hello|limit\\.client-hello|limit\\.hello|protocol|sni-malformed"
        self.each([
            ("a message longer than 16 kB", b"".join([hello.records(hello.handshake(hello.server_name("tls.test"), hello.extension(hello.PADDING, bytes(20000))))])),
            ("a message that says it has 16 MB", longer + bytes(20000)),
            ("an empty record", struct.pack(">BHH", 22, 0x0301, 0) + bytes(whole)),
            ("empty records without end", struct.pack(">BHH", 22, 0x0301, 0) * 4000),
            ("another record type in between", hello.records(message[:20]) + struct.pack(">BHH", 23, 0x0303, 5) + b"hello" + hello.records(message[20:])),
            ("another handshake message", hello.records(b"\x02" + message[1:])),
            ("a record of 0xffff bytes", struct.pack(">BHH", 22, 0x0301, 0xFFFF) + bytes(message) + bytes(20000)),
            ("cipher suites that run out", hello.records(b"\x01" + hello.vector(3, b"\x03\x03" + b"r" * 32 + b"\x00\xff\xff"))),
            ("a session id of 33 bytes", hello.records(b"\x01" + hello.vector(3, b"\x03\x03" + b"r" * 32 + hello.vector(1, bytes(33)) + b"\x00\x02\x13\x01\x01\x00\x00\x00"))),
            ("extensions that run out", hello.records(b"\x01" + hello.vector(3, b"\x03\x03" + b"r" * 32 + b"\x00\x00\x02\x13\x01\x01\x00\xff\xff"))),
        ], lambda data: self.refused("tls.test", data, bad))

    def test_a_hello_that_does_not_come(self):
        """Where something is required of it, a tunnel without a word does not stay; where nothing is, it does."""
        with self.gate.tunnel("tls.test:%d" % self.target.port) as client:
            client.send(hello.hello("tls.test")[:20])
            self.assertEqual(client.to_end(), b"")
        story = self.gate.wait_closed()
        self.assertEqual(story["decision"], "deny", story)
        with self.gate.tunnel("any.test:%d" % self.target.port) as client:
            self.assertTrue(client.quiet(1.3))
            self.passes_bytes(client, b"at last")

    def test_an_address_as_target(self):
        """The name asked for must be allowed by itself, for that port."""
        self.passes("127.0.0.1", hello.hello("any.test"), sni="any.test")
        self.passes("127.0.0.1", hello.hello())
        self.refused("127.0.0.1", hello.hello("other.test"), "sni-denied")
        self.refused("127.0.0.1", hello.hello("evil.test"), "sni-denied")

    def test_the_client_is_told_by_an_alert_or_an_end(self):
        """A TLS library must see a failure at once, not a hang."""
        client = self.gate.tunnel("tls.test:%d" % self.target.port)
        context = authority().client_context()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(client.sock, server_hostname="other.test")


class PortDefaults(EgressCase):
    """What port 443 means without a word in the rule. It needs that port of an address of our own."""

    HOST = "127.44.3.1"

    def test_443_is_tls_with_its_name(self):
        if not can_bind(443, self.HOST):
            raise unittest.SkipTest("this user may not take port 443")
        target = self.origin(Origin(echo, host=self.HOST, port=443))
        gate = self.start_egress(allow("a.test"), hosts={"a.test": self.HOST}, options=["--hello-timeout", "1s"])
        for data, reason in ((hello.hello("b.test"), "sni-mismatch"), (hello.hello(), "sni-missing"), (b"SSH-2.0-x\r\n", "protocol"), (b"GET / HTTP/1.1\r\n\r\n", "protocol")):
            with gate.tunnel("a.test:443") as client:
                client.send(data)
                rest = client.to_end()
            self.assertTrue(rest == b"" or hello.is_alert(rest), rest)
            self.assertEqual(gate.wait_closed()["reason"], reason)
        data = hello.hello("a.test", hello.ech())
        with gate.tunnel("a.test:443") as client:
            client.send(data)
            self.assertEqual(client.exactly(len(data)), data)
        self.assertEqual([bytes(c.received) for c in target.connections if c.received], [data])

    def test_allows_without_port_mean_80_and_443_denies_all(self):
        gate = self.start_egress(allow("a.test", "*.b.test:*") + "- deny: bad.b.test\n", hosts={"a.test": "127.0.0.1", "x.b.test": "127.0.0.1"})
        target = self.origin(Origin(echo))
        self.assert_refusal(gate.ask(connect("a.test:%d" % target.port)), 403, "default", gate=gate)
        self.assert_refusal(gate.ask(connect("a.test:8080")), 403, "default", gate=gate)
        self.assert_refusal(gate.ask(connect("bad.b.test:%d" % target.port)), 403, "rule", gate=gate)
        with gate.tunnel("x.b.test:%d" % target.port) as client:
            self.passes_bytes(client)


class RealTls(EgressCase):
    """A real handshake through the tunnel, with a certificate of the test authority."""

    def test_end_to_end(self):
        target = self.origin(TlsOrigin("secure.test"))
        gate = self.start_egress(allow("secure.test:*", extra="protocols: [tls], require_sni: true"), hosts={"secure.test": "127.0.0.1"})
        client = gate.tunnel("secure.test:%d" % target.port)
        secured = authority().client_context("http/1.1").wrap_socket(client.sock, server_hostname="secure.test")
        secured.sendall(request("GET", "/hello", host="secure.test"))
        self.assertIn(b"200 OK", secured.recv(4096))
        secured.close()
        self.assertEqual(target.lines, ["GET /hello"])
        self.assertEqual(target.seen, [("secure.test", "http/1.1")])
        story = gate.wait_closed(host="secure.test")
        self.assertEqual((story["sni"], story["alpn"]), ("secure.test", "http/1.1"))

    def test_fronting(self):
        """The tunnel to an allowed name, the handshake for another name on the same server."""
        target = self.origin(TlsOrigin("secure.test", "hidden.test"))
        gate = self.start_egress(allow("secure.test:*"), hosts={"secure.test": "127.0.0.1", "hidden.test": "127.0.0.1"})
        client = gate.tunnel("secure.test:%d" % target.port)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            authority().client_context().wrap_socket(client.sock, server_hostname="hidden.test")
        self.assertEqual(gate.wait_closed(host="secure.test")["reason"], "sni-mismatch")
        self.assertEqual(target.seen, [])


class Times(EgressCase):
    def test_an_idle_tunnel(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--tunnel-idle", "500ms"])
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.passes_bytes(client)
            self.assertTrue(client.ended())
        self.assertIn("idle", gate.wait_closed()["close"])

    def test_a_busy_tunnel_is_not_idle(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--tunnel-idle", "1s"])
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            for _ in range(5):
                self.assertTrue(client.quiet(0.3))
                self.passes_bytes(client)
            self.assertTrue(client.ended())

    def test_a_lifetime(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--tunnel-lifetime", "700ms"])
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            with self.assertRaises((wire.Ended, OSError)):
                while True:
                    self.passes_bytes(client)
                    client.quiet(0.05)
        self.assertIn("lifetime", gate.wait_closed()["close"])

    def test_without_a_word_a_tunnel_stays(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--hello-timeout", "200ms", "--header-timeout", "200ms"])
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.assertTrue(client.quiet(1.0))
            self.passes_bytes(client)
        self.assert_idle(gate)

    def test_a_rate(self):
        """300 kB at 100 kB a second take more than a second (a burst may come first), and arrive."""
        target = self.origin(Origin(says(b"r" * 300000)))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--tunnel-rate", "100k"])
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.assertEqual(client.exactly(300000), b"r" * 300000)
        client.close()
        self.assertGreater(gate.wait_closed()["duration_us"], 1000000)

    def test_the_request_itself_has_its_time(self):
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--header-timeout", "500ms"])
        with gate.client() as client:
            client.send(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n")
            self.assertEqual(client.read_response().status, 408)
            self.assertTrue(client.ended())


class Crowd(EgressCase):
    def setUp(self):
        super().setUp()
        self.raise_descriptor_limit()

    def test_a_thousand_idle_tunnels(self):
        """Or as many as one client may have of half of the descriptors, from four addresses; the gate and this process need two for each."""
        count = min(10000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 * 4 // 5) if SLOW else 1000
        target = self.origin(Origin(lambda connection: True))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--max-connections", "25000", "--max-tunnels", "25000"])
        clients = []
        for number in range(count):
            client = gate.keep(connect_from("127.0.0.%d" % (2 + number % 4), gate.proxy()))
            client.send(connect("127.0.0.1:%d" % target.port))
            self.assertEqual(client.read_head().status, 200)
            clients.append(client)
        self.assert_idle(gate)
        self.assertEqual(len(gate.network(event="open")), count)
        target.wait(lambda origin: origin.count == count, "all connections")
        for client in clients:
            client.close()
        for connection in target.connections:
            connection.close()
        wait_for(lambda: gate.descriptors() < 100, "the descriptors to come back", gate.process)
        gate.wait_network(count, event="close")

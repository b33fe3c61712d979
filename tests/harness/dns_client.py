# SPDX-License-Identifier: Apache-2.0
"""Questions to the gate's DNS listener, and its answers taken apart (RFC 1035 section 4)."""

import ipaddress
import socket
import struct

from . import wire

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "SVCB": 64, "HTTPS": 65, "ANY": 255, "AXFR": 252}
NO_ERROR, FORMAT_ERROR, FAILURE, NO_NAME, NOT_DONE, REFUSED = range(6)


def encode_name(name):
    labels = name.rstrip(".").split(".") if name.rstrip(".") else []
    return b"".join(bytes([len(label)]) + (label if isinstance(label, bytes) else label.encode("latin-1")) for label in labels) + b"\0"


def question(name, kind="A", identity=0x1234, flags=0x0100, count=1, edns=0, qclass=1):
    """The bytes of a query. edns: the UDP size it offers, 0 for none."""
    encoded = name if isinstance(name, bytes) else encode_name(name)
    body = (encoded + struct.pack("!HH", TYPES.get(kind, kind), qclass)) * count
    extra = b"\0" + struct.pack("!HHIH", 41, edns, 0, 0) if edns else b""
    return struct.pack("!HHHHHH", identity, flags, count, 0, 0, 1 if edns else 0) + body + extra


class Answer:
    def __init__(self, packet):
        self.packet = packet
        self.id, self.flags, questions, answers, _, _ = struct.unpack("!HHHHHH", packet[:12])
        self.code = self.flags & 15
        self.truncated = bool(self.flags & 0x0200)
        at = 12
        self.asked = []
        for _ in range(questions):
            start, at = at, self.skip_name(at)
            self.asked.append(packet[start:at + 4])
            at += 4
        self.records = []
        for _ in range(answers):
            at = self.skip_name(at)
            kind, _, ttl, length = struct.unpack("!HHIH", packet[at:at + 10])
            data = packet[at + 10:at + 10 + length]
            at += 10 + length
            self.records.append((kind, ttl, str(ipaddress.ip_address(data)) if kind in (1, 28) else data))

    def skip_name(self, at):
        while True:
            length = self.packet[at]
            if length == 0:
                return at + 1
            if length >= 0xC0:
                return at + 2
            at += 1 + length

    @property
    def addresses(self):
        return [data for kind, _, data in self.records if kind in (1, 28)]

    def __repr__(self):
        return "<code %d %r>" % (self.code, self.records)


def ask_udp(port, packet, timeout=wire.DEADLINE):
    """The answer, or None when none came in that time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", port))
        sock.send(packet)
        try:
            return Answer(sock.recv(65535))
        except TimeoutError:
            return None


def ask_tcp(port, *packets):
    """All answers on one connection."""
    with socket.create_connection(("127.0.0.1", port), wire.DEADLINE) as sock:
        stream = wire.Stream(sock)
        for packet in packets:
            stream.send(struct.pack("!H", len(packet)) + packet)
        return [Answer(stream.exactly(struct.unpack("!H", stream.exactly(2))[0])) for _ in packets]

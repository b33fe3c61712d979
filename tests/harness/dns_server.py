# SPDX-License-Identifier: Apache-2.0
"""A name server for tests that lies, loses and delays as told, over UDP and TCP on one port of 127.0.0.1. It runs on threads of
its own and counts what it is asked.

    with DnsServer({"a.test": ["192.0.2.1", ("2001:db8::1", 60)], "gone.test": "nxdomain"}) as dns:
        serve("--resolver", dns.address)            # "127.0.0.1:PORT"
        dns.names["a.test"] = ["127.0.0.1"]         # answers may be flipped at any time
        assert dns.count("a.test", "A") == 1

`names` is a dict from a name (lower case, no final dot; "*.b.test" stands for every name below b.test) to an answer, or a function
(name, type) -> answer. The key may also be (name, type) with type "A" or "AAAA", which comes before the bare name. What is not in
the dict is answered with NXDOMAIN. An answer is one of:

    [ADDRESS, (ADDRESS, TTL), ...]  the records of the type that was asked (an address of the other family is left out, so a list
                                    of IPv4 addresses answers AAAA without data); the TTL is 60 where none is given
    []                              the name exists, without data
    ("cname", TARGET[, TTL])        an alias; the records of TARGET follow in the same answer where `names` has it
    "nxdomain" "servfail" "refused" that response code
    "silent"                        no answer at all
    "truncate"                      UDP: TC set, no records. TCP: the answer under the key (name, "tcp"), else without data
    "wrong-id"                      192.0.2.66 under another transaction id
    "wrong-name"                    192.0.2.66 with another name in the question and in the records
    "wrong-owner"                   192.0.2.66 with the right question, the records under another name
    "garbage"                       the right id and question, then bytes that are no record
    "empty"                         a datagram without a byte (TCP: closed)
    ("delay", SECONDS, ANSWER)      ANSWER after that time; other questions are answered meanwhile
    ("each", [ANSWER, ...])         one after the other, question by question of that name and type; the last one stays
    ("all", [ANSWER, ...])          all of them, one after the other, to the same question: a lie, then the truth
    bytes                           sent as they are behind the two bytes of the id

The lies wrong-id, wrong-name and empty are dropped by a good asker, who then waits for the truth: nothing follows unless
("all", [...]) sends it. UDP answers are as long as their records make them."""

import ipaddress
import socket
import struct
import threading

TYPES = {1: "A", 5: "CNAME", 28: "AAAA", 15: "MX", 16: "TXT", 12: "PTR", 65: "HTTPS"}
NUMBERS = {name: number for number, name in TYPES.items()}
CODES = {"servfail": 2, "nxdomain": 3, "refused": 5}
LIE = "192.0.2.66"


def wire_name(name):
    labels = [label.encode("latin-1") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, ttl, data):
    return wire_name(owner) + struct.pack("!HHIH", NUMBERS[kind], 1, ttl, len(data)) + data


def message(id_, name, kind, records=(), code=0, truncated=False):
    """A response to the question (name, kind) that holds these records."""
    flags = 0x8180 | (0x0200 if truncated else 0) | code
    question = wire_name(name) + struct.pack("!HH", kind if isinstance(kind, int) else NUMBERS[kind], 1)
    return struct.pack("!HHHHHH", id_, flags, 1, len(records), 0, 0) + question + b"".join(records)


class Question:
    """One question as it came: `name` in lower case without final dot, `type` as "A" (or a number as text), `over` "udp" or "tcp",
    `port` that it came from."""

    def __init__(self, packet, over, port):
        self.id, self.over, self.port = struct.unpack("!H", packet[:2])[0], over, port
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
            at += 1 + packet[at]
        self.spelled = ".".join(labels)
        self.name = self.spelled.lower()
        self.kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
        self.type = TYPES.get(self.kind, str(self.kind))

    def __repr__(self):
        return "<%s %s over %s>" % (self.name, self.type, self.over)


class DnsServer:
    """See above. `questions` holds every Question in the order of arrival; `unreadable` counts what was none."""

    def __init__(self, names=None, host="127.0.0.1", port=0):
        self.names = {} if names is None else names
        self.questions, self.unreadable = [], 0
        self.changed = threading.Condition()
        self.turns = {}
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.tcp, self.udp = self.bind_both(family, host, port)
        self.port = self.udp.getsockname()[1]
        self.address = ("[%s]:%d" if ":" in host else "%s:%d") % (host, self.port)
        self.closed = False
        for work in (self.serve_udp, self.accept_all):
            threading.Thread(target=work, daemon=True).start()

    @staticmethod
    def bind_both(family, host, port):
        """One port for both: the kernel's choice for UDP may be taken for TCP, then another one is tried."""
        while True:
            udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind((host, port))
            try:
                tcp.bind((host, udp.getsockname()[1]))
                tcp.listen(64)
                return tcp, udp
            except OSError:
                udp.close()
                tcp.close()
                if port:
                    raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """From now on the port refuses, as that of a server that died."""
        self.closed = True
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            except OSError:
                pass
            sock.close()

    def count(self, name=None, kind=None, over=None):
        """How many questions came: for that name, of that type, over "udp" or "tcp", where given."""
        with self.changed:
            return sum(1 for question in self.questions
                       if name in (None, question.name) and kind in (None, question.type) and over in (None, question.over))

    def wait_for(self, name, times=1, timeout=10, kind=None):
        """Waits until the name was asked for so often. False when it was not within the timeout."""
        with self.changed:
            return self.changed.wait_for(
                lambda: sum(1 for question in self.questions
                            if question.name == name and kind in (None, question.type)) >= times, timeout)

    def forget(self):
        """Empties the list of questions."""
        with self.changed:
            self.questions = []

    def serve_udp(self):
        while not self.closed:
            try:
                packet, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if peer is None:  # closed
                return
            self.take(packet, "udp", peer[1], lambda data, peer=peer: self.send_udp(data, peer))

    def send_udp(self, data, peer):
        try:
            self.udp.sendto(data, peer)
        except OSError:
            pass  # the asker or this server is gone

    def accept_all(self):
        while not self.closed:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_tcp, args=(connection,), daemon=True).start()

    def serve_tcp(self, connection):
        def send(data):
            try:
                if data:
                    connection.sendall(struct.pack("!H", len(data)) + data)
                else:
                    connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

        with connection, connection.makefile("rb") as stream:
            while True:
                try:
                    head = stream.read(2)
                    packet = stream.read(struct.unpack("!H", head)[0]) if len(head) == 2 else b""
                except OSError:
                    return
                if not packet:
                    return
                self.take(packet, "tcp", connection.getpeername()[1], send)

    def take(self, packet, over, port, send):
        try:
            question = Question(packet, over, port)
        except (IndexError, struct.error):
            self.unreadable += 1
            return
        with self.changed:
            self.questions.append(question)
            answer = self.answer_for(question.name, question.type)
            if answer == "truncate" and over == "tcp":
                answer = self.names.get((question.name, "tcp"), []) if isinstance(self.names, dict) else []
            self.changed.notify_all()
        self.reply(question, answer, send)

    def answer_for(self, name, kind):
        if callable(self.names):
            answer = self.names(name, kind)
        else:
            answer = self.find(name, kind)
        if isinstance(answer, tuple) and answer[0] == "each":
            turn = self.turns.get((name, kind), 0)
            self.turns[(name, kind)] = turn + 1
            answer = answer[1][min(turn, len(answer[1]) - 1)]
        return "nxdomain" if answer is None else answer

    def find(self, name, kind):
        parents = name.split(".")
        wildcards = ["*." + ".".join(parents[i:]) for i in range(1, len(parents))]
        for candidate in [name] + wildcards:
            for key in ((candidate, kind), candidate):
                if key in self.names:
                    return self.names[key]
        return None

    def reply(self, question, answer, send):
        if isinstance(answer, tuple) and answer[0] == "delay":
            timer = threading.Timer(answer[1], self.reply, (question, answer[2], send))
            timer.daemon = True
            timer.start()
        elif isinstance(answer, tuple) and answer[0] == "all":
            for part in answer[1]:
                self.reply(question, part, send)
        elif answer != "silent":
            send(self.encode(question, answer))

    def encode(self, question, answer):
        name, kind, id_ = question.spelled, question.kind, question.id
        if isinstance(answer, bytes):
            return struct.pack("!H", id_) + answer
        if isinstance(answer, str) and answer in CODES:
            return message(id_, name, kind, code=CODES[answer])
        if answer == "truncate":
            return message(id_, name, kind, truncated=True)
        if answer == "empty":
            return b""
        if answer == "garbage":
            return message(id_, name, kind, [b"\xc0\xff\xff\xff\xff"])
        if answer == "wrong-id":
            return message(id_ ^ 0x5555, name, kind, self.records(name, question.type, [LIE]))
        if answer == "wrong-name":
            return message(id_, "wrong.example", kind, self.records("wrong.example", question.type, [LIE]))
        if answer == "wrong-owner":
            return message(id_, name, kind, self.records("wrong.example", question.type, [LIE]))
        return message(id_, name, kind, self.records(name, question.type, answer))

    def records(self, owner, kind, answer):
        """The records of an answer that is a list or an alias; an alias is followed through `names`, a loop once around."""
        found, seen = [], set()
        while isinstance(answer, tuple) and answer[0] == "cname" and owner not in seen:
            seen.add(owner)
            target, ttl = answer[1].rstrip("."), answer[2] if len(answer) > 2 else 60
            found.append(record(owner, "CNAME", ttl, wire_name(target)))
            owner, answer = target, self.answer_for(target.lower(), kind)
        if not isinstance(answer, list):
            return found
        for item in answer:
            text, ttl = item if isinstance(item, tuple) else (item, 60)
            address = ipaddress.ip_address(text)
            if kind == ("A" if address.version == 4 else "AAAA"):
                found.append(record(owner, kind, ttl, address.packed))
        return found

# SPDX-License-Identifier: Apache-2.0
"""A peer that wants all of a gate for itself: what it says on how many connections, and keeps open without ever reading. The tests of
starvation see that nobody else is refused meanwhile, the bench of starvation how much slower the others are."""

import socket
import threading

from . import wire
from .client import Client, get, request
from .dns_client import Answer, question
from .egress import connect, forward

HOSTILE, OTHER = "127.0.0.2", "127.0.0.3"
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; in Python since 3.12
BARRIER = 0xffff  # the id of the question that is answered at once


def connect_from(source, port):
    """The port is chosen when it connects: bind() looks for one that nobody uses towards anybody, and thousands were used a moment ago."""
    sock = socket.socket()
    try:
        sock.settimeout(wire.DEADLINE)
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
        sock.connect(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return Client(sock)


def datagrams_from(source, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(wire.DEADLINE)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    return sock


def flush(sock):
    """Asks for a denied name, which is answered at once: whatever was sent before has been read then."""
    sock.send(question("denied.example", identity=BARRIER))
    while True:
        answer = Answer(sock.recv(65535))
        if answer.id == BARRIER:
            return answer.code


def flood(sock, count, first=0):
    """So many questions that nobody answers."""
    for number in range(first, first + count):
        sock.send(question("u%d.silent.test" % number, identity=number % BARRIER))
        if number % 32 == 0:  # the kernel has room for so many
            flush(sock)


class Hostile:
    """Connections of one peer, which are kept open and never read."""

    def __init__(self, port):
        self.port = port
        self.open = []
        self.said = 0

    def close(self):
        for client in self.open:
            client.close()
        self.open.clear()

    def say(self, data, count):
        """On each of `count` connections, as far as the gate takes it; data is bytes, or makes them from a number."""
        for _ in range(count):
            client = connect_from(HOSTILE, self.port)
            self.open.append(client)
            client.sock.settimeout(0.05)
            self.said += 1
            try:
                client.sock.sendall(data(self.said) if callable(data) else data)
            except OSError:  # turned away, or not read any more
                pass

    def say_again(self, data):
        """One more connection, instead of the oldest."""
        self.say(data, 1)
        self.open.pop(0).close()


class GoesOn:
    """Does something again and again, with a pause between, for as long as the block lasts."""

    def __init__(self, action, pause):
        self.action, self.pause = action, pause
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended.wait(self.pause):
            try:
                self.action()
            except OSError:  # not let in
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def docker_kinds():
    """What it says to a Docker gate, and on how many connections. /containers/slow is never described."""
    body = request("POST", "/containers/create", (("Content-Type", "application/json"), ("Content-Length", "3000000"))) + b" " * 1500000
    return {"connections": (b"G", 800),
            "silent connections": (b"", 800),
            "heads": (b"GET /info HTTP/1.1\r\nHost: d\r\nX-A: " + b"a" * 30000, 400),
            "bodies": (body, 60),
            "lookups": (get("/containers/slow/logs?stdout=1"), 200),
            "denials never read": (get("/nowhere") * 1000, 50)}


def egress_kinds(web, target):
    """What it says to an egress gate. web and target are ports that it may speak to; names below silent.test are never answered."""
    return {"connections": (b"C", 800),
            "heads": (b"CONNECT a.test:443 HTTP/1.1\r\nX-A: " + b"a" * 30000, 400),
            "bodies": (forward("http://127.0.0.1:%d/" % web, ("Content-Length", "1000000"), method="POST") + b"b" * 1000, 200),
            "tunnels": (connect("127.0.0.1:%d" % target), 400),
            "lookups": (lambda number: connect("h%d.silent.test:443" % number), 1100),
            "denials never read": (connect("evil.example:443") * 1000, 50)}

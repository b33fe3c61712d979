#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much slower the others are beside a hostile peer. `tests/bench/starvation.py BINARY` starts a gate for each kind of hostile peer
(tests/harness/hostile.py: connections, heads, bodies, lookups, datagrams, denials that are never read), lets a victim make its
requests alone and then beside that peer, on the same listener and on another one, and prints a table as markdown. The hostile peer
takes all that it gets, keeps it, and asks again, a connection or a datagram every few milliseconds, until the victim is done. Every
request of the victim is a connection of its own (of the name server: a datagram). Servers, hostile peer and victim are one process
of Python: the numbers tell what changes, not how fast the gate is. Exit code 1 when a request was not answered as it is alone."""

import argparse
import contextlib
import itertools
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import engine, origin, wire
from harness.case import raise_descriptor_limit
from harness.client import get
from harness.dns_client import Answer, question
from harness.dns_server import DnsServer
from harness.egress import EgressGate, allow, forward
from harness.gate import Gate
from harness.hostile import OTHER, GoesOn, Hostile, HOSTILE, connect_from, datagrams_from, docker_kinds, egress_kinds, flood

PAUSE = 0.005       # between two things that the hostile peer does while the victim asks
SECONDS = 1.5       # at most, for the victim's requests of one measurement
QUESTIONS = 1100    # by datagrams
OPTIONS = ["--header-timeout", "60s", "--body-timeout", "60s"]
DOCKER = OPTIONS + ["--lookup-timeout", "60s", "--max-connections", "400"]
EGRESS = OPTIONS + ["--resolver-timeout", "60s", "--max-connections"]
WEB = json.dumps({"Id": "a" * 64, "Name": "/web1", "Image": "sha256:" + "b" * 64, "Config": {"Image": "x", "Labels": {}}}).encode()
DOCKER_POLICY = """version: 1
docker:
  - allow: [SystemInfo, ContainerCreate]
  - allow: ContainerLogs
    where: {name: "web*"}
clients:
  shared: {listen: "tcp:127.0.0.1:0"}
  other: {listen: "tcp:127.0.0.1:0"}
"""
EGRESS_POLICY = ("version: 1\nnetwork:\n  " + allow("*.test:*") + "  " + allow("127.0.0.1:*", special=False) +
                 "clients:\n  default: {dns: {answer: real}}\n"
                 "  other:\n    egress: \"tcp:127.0.0.1:0\"\n    dns: {listen: \"127.0.0.1:0\", answer: real}\n")


class Figures:
    """Requests a second, the two percentiles in milliseconds, and how many were not answered with what is expected."""

    def __init__(self, ask, count):
        times, self.failed = [], 0
        start = time.monotonic()
        for number in range(count):
            before = time.monotonic()
            try:
                self.failed += not ask(number)
            except (OSError, wire.Malformed, AssertionError):
                self.failed += 1
            times.append(time.monotonic() - before)
            if times[-1] + before > start + SECONDS:
                break
        self.count = len(times)
        self.rate = self.count / (time.monotonic() - start)
        times.sort()
        self.p50, self.p99 = (1000 * times[int(part * (self.count - 1))] for part in (0.5, 0.99))


def row(gate, kind, where, alone, beside):
    print("| %s | %s | %s | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %d of %d |" % (
        gate, kind, where, format(round(alone.rate), ","), format(round(beside.rate), ","), beside.rate / alone.rate,
        alone.p50, beside.p50, alone.p99, beside.p99, beside.failed + alone.failed, alone.count + beside.count), flush=True)
    return beside.failed + alone.failed


def over_http(port, data):
    """A victim: one request on a connection of its own; data is bytes or makes them from a number."""
    def ask(number):
        with connect_from(OTHER, port) as client:
            return client.ask(data(number) if callable(data) else data, "GET").status == 200

    return ask


def by_datagrams(stack, port):
    sock = datagrams_from(OTHER, port)
    stack.callback(sock.close)
    serial = itertools.count()

    def ask(_):
        sock.send(question("d%d.good.test" % next(serial)))
        return Answer(sock.recv(65535)).addresses == ["127.0.0.1"]

    return ask


def measured(name, kind, victims, occupy, count):
    """victims: [(where, ask)]. occupy() takes what it gets and returns what the hostile peer goes on with."""
    alone = [Figures(ask, count) for _, ask in victims]
    with GoesOn(occupy(), PAUSE):
        return sum(row(name, kind, where, before, Figures(ask, count)) for (where, ask), before in zip(victims, alone))


def connections(stack, port, data, count):
    def occupy():
        hostile = Hostile(port)
        stack.callback(hostile.close)
        hostile.say(data, count)
        return lambda: hostile.say_again(data)

    return occupy


def datagrams(stack, port):
    def occupy():
        sock = datagrams_from(HOSTILE, port)
        stack.callback(sock.close)
        flood(sock, QUESTIONS)
        serial = itertools.count(QUESTIONS)
        return lambda: sock.send(question("u%d.silent.test" % next(serial)))

    return occupy


def docker_gate(binary, kind, count):
    with contextlib.ExitStack() as stack:
        gate = Gate(DOCKER_POLICY, start=False, program=binary, options=DOCKER, unix=False)
        stack.callback(gate.remove)
        server = engine.Engine(os.path.join(gate.folder, "engine.sock"))
        stack.callback(server.stop)
        server.on("GET", "/containers/slow/json", lambda connection, _: (connection.fill(), False)[-1])
        server.on("GET", "/containers/web1/json", lambda connection, _: connection.send(engine.answer(200, WEB)) or True)
        gate.start()
        ports = gate.ports[("shared", "")], gate.ports[("other", "")]
        requests = get("/info"), get("/containers/web1/logs?stdout=1")
        victims = [(where, over_http(port, lambda number: requests[number % 2])) for where, port in zip(("same", "another"), ports)]
        return measured("Docker", kind, victims, connections(stack, ports[0], *docker_kinds()[kind]), count)


def egress_gate(binary, kind, count):
    with contextlib.ExitStack() as stack:
        web, target = origin.HttpOrigin(), origin.Origin(lambda connection: True)
        names = DnsServer({"*.silent.test": "silent", "*.good.test": [("127.0.0.1", 0)]})
        for server in (web.stop, target.stop, names.close):
            stack.callback(server)
        by_name = kind in ("lookups", "datagrams")
        gate = EgressGate(EGRESS_POLICY, resolver=names.port, dns=True, program=binary,
                          options=EGRESS + (["8000", "--max-client-connections", "8000"] if by_name else ["400"]))
        stack.callback(gate.remove)
        ports = gate.ports[("other", "egress")], gate.ports[("other", "dns")]
        serial = itertools.count()
        page = "http://127.0.0.1:%d/" % web.port
        data = (lambda _: forward("http://n%d.good.test:%d/" % (next(serial), web.port))) if by_name else forward(page)
        victims = [("same", over_http(gate.proxy(), data)), ("another", over_http(ports[0], data))]
        if kind == "datagrams":
            victims = [("same", by_datagrams(stack, gate.dns)), ("another", by_datagrams(stack, ports[1])), ("the proxy", victims[0][1])]
            return measured("egress", kind, victims, datagrams(stack, gate.dns), count)
        return measured("egress", kind, victims, connections(stack, gate.proxy(), *egress_kinds(web.port, target.port)[kind]), count)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=1000, help="of the victim, for each figure (1000)")
    parser.add_argument("--only", default="", help="kinds whose name holds this text")
    options = parser.parse_args()
    raise_descriptor_limit()
    sys.setswitchinterval(0.0001)  # threads of Python give way after 5 ms otherwise, ten times what a request takes
    binary = os.path.abspath(options.binary)
    print("| gate | hostile peer | listener | alone req/s | beside it | ratio | p50 ms | beside it | p99 ms | beside it | not answered |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    failed = 0
    for kind in docker_kinds():
        if options.only in kind:
            failed += docker_gate(binary, kind, options.requests)
    for kind in [*egress_kinds(0, 0), "datagrams"]:
        if options.only in kind:
            failed += egress_gate(binary, kind, options.requests)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

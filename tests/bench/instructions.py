#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions a request: what one request costs the gate, counted by callgrind and not timed, so that two commits can be compared
on any machine, whatever else it does. `tests/bench/instructions.py BINARY [OLD-BINARY]` prints a table as markdown, with a second
binary beside it and the ratio. Each row is run twice, with few requests and with more; what the second run has more is the
requests' own. Needs valgrind; uses loopback and temporary folders only. The servers are those of the tests (tests/harness)."""

import argparse
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import egress, engine, origin, wire
from harness.gate import Gate

FEW, MORE = 100, 1100
LABELS = {"acme.restart": "yes"}
INSPECTED = {"Id": "5" * 64, "Name": "/web", "Image": "sha256:" + "6" * 64, "Mounts": [], "NetworkSettings": {"Networks": {}},
             "Config": {"Image": "nginx:1", "Labels": LABELS}, "State": {"Running": True}}
BODY = b'{"Image":"nginx:1","Env":["%s"],"HostConfig":{"Memory":67108864}}' % (b"A" * 1400)
DOCKER = """version: 1
docker:
  - allow: "@read"
  - allow: [ContainerCreate, ContainerStop]
  - allow: ContainerRestart
    where: {label: "acme.restart=yes"}
"""
RAW = "[|]" * 2500  # bytes that a URL wants escaped, and clients send as they are
RULES = egress.allow("origin.test:*") + egress.deny("*.telemetry.example.org")


def docker_get(path, method="GET", body=b"", fields=""):
    length = "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if body else ""
    return ("%s /v1.41%s HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client/20.10\r\n%s%s\r\n" % (method, path, fields, length)).encode() + body


def kept(data, status):
    """One connection that asks again and again."""
    def drive(connect, count):
        with connect() as client:
            for _ in range(count):
                expect(client.ask(data, data.split(b" ", 1)[0].decode()).status, status)

    return drive


def fresh(data, status):
    """A connection for each request."""
    def drive(connect, count):
        for _ in range(count):
            with connect() as client:
                expect(client.ask(data, data.split(b" ", 1)[0].decode()).status, status)

    return drive


def tunnel(authority):
    """A CONNECT, some bytes there and back, the end."""
    def drive(connect, count):
        for _ in range(count):
            with connect() as client:
                client.send(egress.connect(authority))
                expect(client.read_head().status, 200)
                client.send(b"ping")
                client.exactly(4)
                client.finish_sending()
                client.to_end()

    return drive


def expect(status, wanted):
    if status != wanted:
        raise RuntimeError("answered %d where %d was expected" % (status, wanted))


def under_callgrind(gate, binary, output):
    gate.arguments = ["--tool=callgrind", "--callgrind-out-file=" + output, binary] + gate.arguments + [
        "--no-seccomp", "--denial-rate", "0"]
    gate.program = "valgrind"
    gate.start()


def total(output):
    with open(output, encoding="ascii", errors="replace") as stream:
        return int(re.search(r"^(?:summary|totals): (\d+)", stream.read(), re.MULTILINE)[1])


def count_docker(binary, drive, requests, folder):
    upstream = engine.Engine(os.path.join(folder, "engine.sock"))
    upstream.on("GET", "/containers/json", engine.answer(200, [{"Id": "5" * 64, "Names": ["/web"]}] * 4))
    upstream.on("GET", "/containers/web/json", engine.answer(200, INSPECTED))
    gate = Gate(DOCKER, upstream=upstream.path, start=False)
    output = os.path.join(folder, "callgrind.out")
    try:
        under_callgrind(gate, binary, output)
        drive(gate.connect, requests)
        gate.stop()
        return total(output)
    finally:
        gate.remove()
        upstream.stop()


def count_egress(binary, make_drive, requests, folder):
    echoes, pages = origin.Origin(), origin.HttpOrigin()
    pages.on("GET", "/index.html", engine.answer(200, b"x" * 300))
    gate = egress.EgressGate(RULES, hosts={"origin.test": "127.0.0.1"}, start=False)
    output = os.path.join(folder, "callgrind.out")
    try:
        under_callgrind(gate, binary, output)
        make_drive(echoes, pages)(gate.client, requests)
        gate.stop()
        return total(output)
    finally:
        gate.remove()
        echoes.stop()
        pages.stop()


DOCKER_ROWS = {
    "Docker: list, kept connection": kept(docker_get("/containers/json"), 200),
    "Docker: list, 7.5 kB of raw bytes in the query": kept(docker_get("/containers/json?filters=" + RAW), 200),
    "Docker: list, a connection each": fresh(docker_get("/containers/json"), 200),
    "Docker: denied, kept connection": kept(docker_get("/containers/web/export"), 403),
    "Docker: stop (logged first)": kept(docker_get("/containers/web/stop", "POST"), 200),
    "Docker: restart by label (looked up)": kept(docker_get("/containers/web/restart", "POST"), 200),
    "Docker: create with 1.5 kB of JSON": kept(docker_get("/containers/create?name=a", "POST", BODY), 200),
}
EGRESS_ROWS = {
    "Egress: plain HTTP, kept connection": lambda echoes, pages: kept(egress.forward("http://origin.test:%d/index.html" % pages.port), 200),
    "Egress: plain HTTP, 7.5 kB of raw bytes in the query": lambda echoes, pages: kept(egress.forward("http://origin.test:%d/index.html?q=%s" % (pages.port, RAW)), 200),
    "Egress: denied, kept connection": lambda echoes, pages: kept(egress.forward("http://a.telemetry.example.org/"), 403),
    "Egress: tunnel by CONNECT": lambda echoes, pages: tunnel("origin.test:%d" % echoes.port),
}


def measure(binary, count, drive):
    with tempfile.TemporaryDirectory(prefix="dockreeve-instructions-") as folder:
        few = count(binary, drive, FEW, folder)
        return (count(binary, drive, MORE, folder) - few) / (MORE - FEW)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("old", nargs="?", help="a binary of the commit to compare with")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    options = parser.parse_args()
    wire.DEADLINE = 120
    rows = [(name, count_docker, drive) for name, drive in DOCKER_ROWS.items()]
    rows += [(name, count_egress, drive) for name, drive in EGRESS_ROWS.items()]
    print("| instructions a request | now |" + (" before | now / before |" if options.old else ""))
    print("|---|---|" + ("---|---|" if options.old else ""))
    for name, count, drive in rows:
        if options.only not in name:
            continue
        now = measure(os.path.abspath(options.binary), count, drive)
        line = "| %s | %s |" % (name, format(round(now), ","))
        if options.old:
            before = measure(os.path.abspath(options.old), count, drive)
            line += " %s | %.3f |" % (format(round(before), ","), now / before)
        print(line, flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast `policy log` reads: a log of realistic records (10 million, about 5 GB, unless --records says otherwise) is written to a
temporary folder, asked several questions, and removed. Beside each question stands what grep, and once jq, takes for the nearest
question on the same file. The file is in the page cache and the output goes through a pipe; each time is the best of --runs.

    make bench-log                                      # or: tests/bench/log.py --build BUILD [--records N] [--folder FOLDER]
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

START = 1795000000  # 2026-11-18T06:26:40Z
RATE = 50  # records a second


def bodies(random_source):
    """What stands behind id and seq in the records: requests of a few clients."""
    def docker(client, method, path, operation, decision, rule, source, reason, status, size):
        return {"event": "request", "kind": "docker", "client": client, "peer": "uid=1000 pid=%d" % random_source.randint(300, 60000),
                "via": "docker", "method": method, "path": path, "operation": operation, "decision": decision, "rule": rule,
                "source": source, "reason": reason, "status": status, "bytes_in": 0, "bytes_out": size,
                "duration_us": random_source.randint(200, 90000), "policy": "3f2a91c07b5d"}

    def network(client, host, via, decision, rule, source, reason, status):
        record = {"event": "request" if decision == "deny" else "close", "kind": "network", "client": client,
                  "peer": "172.18.0.%d:%d" % (random_source.randint(2, 60), random_source.randint(30000, 60000)), "via": via,
                  "method": "CONNECT", "host": host, "port": 443}
        if decision == "allow":
            record.update({"address": "203.0.113.%d" % random_source.randint(1, 254), "sni": host, "alpn": "h2,http/1.1"})
        record.update({"decision": decision, "rule": rule, "source": source, "reason": reason, "status": status,
                       "bytes_in": random_source.randint(500, 9000), "bytes_out": random_source.randint(500, 900000),
                       "duration_us": random_source.randint(9000, 9000000)})
        if decision == "allow":
            record["close"] = "client closed"
        record["policy"] = "3f2a91c07b5d"
        return record

    policy = "/etc/dockreeve/policy.yaml"
    found = []
    for number in range(600):
        name = "%064x" % random_source.getrandbits(256)
        found.append(docker("traefik", "GET", "/containers/%s/json" % name, "ContainerInspect", "allow", "look at them", policy + ":5",
                            "rule", 200, random_source.randint(2000, 9000)))
        found.append(docker("agents", "POST", "/containers/%s/start" % name, "ContainerStart", "allow", "start our agents",
                            policy + ":9", "rule", 204, 0))
        found.append(network("agents", "svc%d.example.org" % (number % 150), "forward", "allow", "*.example.org", policy + ":21",
                             "rule", 200))
        if number % 4 == 0:
            found.append(network("agents", "t%d.telemetry.example" % (number % 30), "transparent", "deny", "default", "default",
                                 "default", 403))
        if number % 6 == 0:
            found.append(docker("ci", "POST", "/containers/%s/exec" % name, "ContainerExec", "deny", "no commands in containers",
                                policy + ":12", "rule", 403, 180))
    return [json.dumps(record, separators=(",", ":"))[1:] for record in found]


def write(path, records):
    """One record in a million is for rare.example.net."""
    random_source = random.Random(7)
    lines = bodies(random_source)
    rare = json.dumps({"event": "request", "kind": "network", "client": "agents", "peer": "172.18.0.9:41000", "via": "forward",
                       "method": "CONNECT", "host": "rare.example.net", "port": 443, "decision": "deny", "rule": "default",
                       "source": "default", "reason": "default", "status": 403, "bytes_in": 0, "bytes_out": 0, "duration_us": 80,
                       "policy": "3f2a91c07b5d"}, separators=(",", ":"))[1:]
    with open(path, "w", encoding="ascii", buffering=1 << 22) as out:
        for begin in range(0, records, RATE):
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(START + begin // RATE))
            out.write("".join('{"ts":"%s.%06dZ","id":"1f2e3d4c-%012x","seq":%d,%s\n' % (
                second, i * (1000000 // RATE), begin + i, begin + i + 1,
                rare if (begin + i) % 1000000 == 500000 else random_source.choice(lines)) for i in range(min(RATE, records - begin))))


def best(command, runs):
    """Seconds, and lines of output. It goes through a pipe that wc empties: grep would end at the first match if it wrote to
    /dev/null."""
    fastest, lines = None, 0
    for _ in range(runs):
        with subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
            begin = time.monotonic()
            subprocess.run(command, stdout=reader.stdin, check=False)
            taken = time.monotonic() - begin
            lines = int(reader.communicate()[0])
        fastest = taken if fastest is None else min(fastest, taken)
    return fastest, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="folder of the dockreeve binary")
    parser.add_argument("--records", type=int, default=10000000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", help="where the log is written [the temporary folder]")
    parser.add_argument("--no-jq", action="store_true", help="jq reads 10 million records in minutes")
    wanted = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="dockreeve-bench-log-", dir=wanted.folder)
    try:
        path = os.path.join(folder, "access.jsonl")
        if shutil.disk_usage(folder).free < wanted.records * 600:  # a record has about 500 bytes
            sys.exit("%s has no room for %d records" % (folder, wanted.records))
        write(path, wanted.records)
        size = os.path.getsize(path)
        middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + wanted.records // RATE // 2))
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + wanted.records // RATE // 2 + 10))
        ask = [os.path.join(wanted.build, "dockreeve"), "policy", "log", "--log", path, "--json", "--limit", "0"]
        last = ask[:-1] + ["50"]
        deny, host = '"decision":"deny"', '"host":"rare.example.net"'
        rows = [("denied", ask + ["--denied"]), ("denied: grep", ["grep", "-F", deny, path]),
                ("a rare host", ask + ["--host", "rare.example.net"]), ("a rare host: grep", ["grep", "-F", host, path]),
                ("one client, denied", ask + ["--denied", "--client", "ci"]),
                ("one client: grep", ["grep", "-F", '"client":"ci"', path]),
                ("a client of two in three", ask + ["--client", "agents"]),
                ("a client of two in three: grep", ["grep", "-F", '"client":"agents"', path]),
                ("an operation", ask + ["--operation", "@exec"]),
                ("a domain", ask + ["--host", "*.telemetry.example"]),
                ("everything", ask), ("everything: grep", ["grep", "-F", "{", path]),
                ("summary", ask[:5] + ["--summary"]),
                ("the last 50", last), ("the last 50 of a client", last + ["--client", "ci"]),
                ("the last 50 of a rare host", last + ["--host", "rare.example.net"]),
                ("ten seconds in the middle", ask + ["--since", middle, "--until", later])]
        if not wanted.no_jq:
            rows.append(("denied: jq", ["jq", "-c", 'select(.decision == "deny")', path]))
        print("%d records, %.2f GB" % (wanted.records, size / 1e9))
        print("%-32s %9s %9s %10s" % ("question", "seconds", "GB/s", "lines"))
        for name, command in rows:
            seconds, lines = best(command, 1 if "jq" in name else wanted.runs)
            print("%-32s %9.3f %9.2f %10d" % (name, seconds, size / seconds / 1e9, lines), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

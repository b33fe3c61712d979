# SPDX-License-Identifier: Apache-2.0
"""One measurement of the egress bench each: drive a started contender, read the process's own accounts, return a dict of numbers."""

import datetime
import json
import os
import re
import signal
import subprocess
import time

from contenders import CLIENT_CORE, GATE_CORE, spawn
from egress_contenders import DENIED
from measure import TICK_S, core_busy_s, output_of

TRANSFERS = 4
NOT_KEPT = 3  # exit code of tunnel_client
PIPED = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def family(pid):
    """The process and what descends from it: Squid and tinyproxy may have helpers."""
    found = [pid]
    for parent in found:
        for task in os.listdir(f"/proc/{parent}/task"):
            try:
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    found += [int(child) for child in children.read().split()]
            except FileNotFoundError:
                pass  # a thread that has ended meanwhile
    return found


def cpu_s(contender):
    """User and system time of all threads and children, ended ones included."""
    if not contender.gate:
        return 0.0
    ticks = 0
    for pid in family(contender.pid):
        with open(f"/proc/{pid}/stat") as stat:
            ticks += sum(int(field) for field in stat.read().rpartition(")")[2].split()[11:15])
    return ticks * TICK_S


def anonymous_kb(contender):
    """From smaps_rollup, since the counters of /proc/PID/status lag behind by up to 64 pages a thread."""
    total = 0
    for pid in family(contender.pid):
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            total += int(re.search(r"^Anonymous:\s+(\d+) kB", rollup.read(), re.MULTILINE)[1])
    return total


def kernel_kb():
    """What the kernel holds on behalf of all processes of the machine: sockets, pipes, stacks, page tables."""
    with open("/proc/meminfo") as info:
        found = dict(re.findall(r"^(\w+):\s+(\d+) kB", info.read(), re.MULTILINE))
    return sum(int(found[key]) for key in ("Slab", "KernelStack", "PageTables"))


def client_argv(contender, programs, mode, target, clients, seconds, names=0):
    argv = [str(programs / "tunnel_client"), str(contender.port), mode, target, str(clients), str(seconds)]
    return argv + ([str(names)] if names else [])


def parsed(out):
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", out)}


def load(contender, programs, mode, target, clients, seconds, names=0):
    """Rate, latencies and the proxy's CPU time; None when the proxy does not keep its connections. Fails when an answer was not
    the expected one (the client sees to that), was lost or was not logged."""
    if not contender.gate:
        mode = "direct"
    cpu_before, core_before = cpu_s(contender), core_busy_s(GATE_CORE)
    client = spawn(CLIENT_CORE, client_argv(contender, programs, mode, target, clients, seconds, names),
                   **PIPED)
    try:
        out, problems = client.communicate(timeout=seconds + 30)
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()
    if mode == "denials-kept" and client.returncode == NOT_KEPT:
        return None
    if client.returncode != 0:
        raise RuntimeError(f"{contender.name}, {mode}: {problems.strip()}")
    cpu = cpu_s(contender) - cpu_before
    others = max(0.0, core_busy_s(GATE_CORE) - core_before - cpu)
    result = parsed(out)
    count, spent = result["count"], result["seconds"]
    if contender.logs and contender.logged_lines() < count:
        raise RuntimeError(f"{contender.name} logged {contender.logged_lines()} lines for {count:.0f} requests")
    return {"rate": count / spent, "p50_us": result["p50_ns"] / 1e3, "p99_us": result["p99_ns"] / 1e3,
            "cpu_us": cpu / count * 1e6, "busy": cpu / spent, "others": others / spent, "broken": result["broken"]}


def bulk(contender, programs, target, direction, length):
    cpu_before, seconds = cpu_s(contender), 0.0
    for _ in range(TRANSFERS):
        out = output_of([str(programs / "tunnel_bulk"), str(contender.port), target if contender.gate else "-", direction,
                         str(length)], 120)
        seconds += parsed(out)["seconds"]
    gigabytes = length * TRANSFERS / 1e9
    return {"mb_s": gigabytes * 1e3 / seconds, "cpu_s_gb": (cpu_s(contender) - cpu_before) / gigabytes}


class Parked:
    """Idle tunnels through a contender, for as long as the block lasts; afterwards `alive` says how many still answered."""

    def __init__(self, contender, programs, target, count):
        argv = [str(programs / "tunnel_park"), str(contender.port), target if contender.gate else "-", str(count)]
        self.process = spawn(CLIENT_CORE, argv, **PIPED)

    def __enter__(self):
        if self.process.stdout.readline() != "parked\n":
            self.process.kill()
            raise RuntimeError(f"tunnels could not be parked: {self.process.communicate()[1].strip()}")
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate(timeout=60)
        self.alive = parsed(out).get("alive", 0)


def idle_tunnels(contender, programs, target, count):
    if contender.gate:
        with Parked(contender, programs, target, 50):  # what is made once is there before
            pass
    time.sleep(1)  # the sockets of the moment before are freed by RCU
    before, kernel_before = anonymous_kb(contender) if contender.gate else 0, kernel_kb()
    with Parked(contender, programs, target, count) as parked:
        after, kernel_after = anonymous_kb(contender) if contender.gate else 0, kernel_kb()
        descriptors = len(os.listdir(f"/proc/{contender.pid}/fd")) if contender.gate else 0
    if parked.alive != count:
        raise RuntimeError(f"{contender.name}: {count - parked.alive:.0f} of {count} parked tunnels did not answer again")
    return {"tunnel_kb": (after - before) / count, "kernel_kb": (kernel_after - kernel_before) / count,
            "descriptors": descriptors / count, "base_kb": before}


def started(contender):
    return {"start_ms": contender.start_s * 1e3, "anon_kb": anonymous_kb(contender)}


def reload_records(path):
    """When a policy came into force, in seconds since the epoch."""
    with open(path, "rb") as log:
        records = [json.loads(line) for line in log if b'"event":"policy"' in line]
    return [datetime.datetime.fromisoformat(record["ts"].replace("Z", "+00:00")).timestamp()
            for record in records if record.get("reason", "").startswith("reload") and record.get("decision") != "deny"]


def reloads(contender, programs, target, names, count, gap_s, tunnels):
    """SIGHUP some times while one client asks without a pause and tunnels are parked: longest wait of the client with and without
    reloads, time from the signal to the log record where there is one, tunnels that were lost."""
    seconds = gap_s * (count + 1)
    argv = client_argv(contender, programs, "denials", DENIED, 1, seconds, names)
    quiet = parsed(output_of(argv, seconds + 30))
    with Parked(contender, programs, target, tunnels) as parked:
        client = spawn(CLIENT_CORE, argv, **PIPED)
        signals = []
        for _ in range(count):
            time.sleep(gap_s)
            signals.append(time.time())
            os.kill(contender.pid, signal.SIGHUP)
        out, problems = client.communicate(timeout=seconds + 30)
    if client.returncode != 0:
        raise RuntimeError(f"{contender.name} under reload: {problems.strip()}")
    result = parsed(out)
    sample = {"stall_ms": result["max_ns"] / 1e6, "quiet_ms": quiet["max_ns"] / 1e6, "p50_us": result["p50_ns"] / 1e3,
              "broken": result["broken"], "lost": tunnels - parked.alive}
    if contender.name == "Dockreeve":
        done = reload_records(contender.log)
        if len(done) < count:
            raise RuntimeError(f"{len(done)} of {count} reloads are in the log")
        sample["reload_ms"] = max(after - before for before, after in zip(signals, done[-count:])) * 1e3
    return sample


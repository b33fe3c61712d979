# SPDX-License-Identifier: Apache-2.0
"""One measurement each: drive a started contender, read the process's own accounts, return a dict of numbers.

Rates come from wrk, single bodies and one-client latency from the programs beside this file, CPU time and memory from /proc."""

import os
import re
import socket
import subprocess

from contenders import CLIENT_CORE, GATE_CORE, spawn, tool

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}
TRANSFERS = 8
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """User and system time of all threads so far, in steps of a clock tick."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def core_busy_s(core):
    """Time that a core has spent on anything but waiting, interrupts and other machines included."""
    with open("/proc/stat") as stat:
        fields = re.search(rf"^cpu{core} (.*)$", stat.read(), re.MULTILINE)[1].split()
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6, 7)) * TICK_S


def memory_kb(pid, key):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"^{key}:\s+(\d+) kB", status.read(), re.MULTILINE)[1])


def output_of(argv, deadline_s):
    process = spawn(CLIENT_CORE, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, problems = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(argv)} did not end within {deadline_s} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed: {problems.strip() or out.strip()}")
    return out


def requests(contender, target, clients, seconds, denied=False):
    """Rate, latencies and the gate's CPU time. Fails when an answer was not the expected one or was not logged."""
    cpu_before, core_before = cpu_s(contender.pid) if contender.gate else 0.0, core_busy_s(GATE_CORE)
    out = output_of([tool("wrk"), "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-H", "Host: docker",
                     f"http://127.0.0.1:{contender.port}{target}"], seconds + 20)
    cpu = cpu_s(contender.pid) - cpu_before if contender.gate else 0.0
    others = max(0.0, core_busy_s(GATE_CORE) - core_before - cpu)
    count, spent, unit = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", out).groups()
    count, spent_s = int(count), float(spent) * UNITS[unit] / 1e6
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if "Socket errors" in out or (int(refused[1]) if refused else 0) != (count if denied else 0):
        raise RuntimeError(f"{contender.name}: unexpected answers for {target}:\n{out}")
    if contender.gate and contender.logged_lines() < count:
        raise RuntimeError(f"{contender.name} logged {contender.logged_lines()} of {count} requests")

    def latency(percent):
        found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", out, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"{contender.name}: wrk printed no {percent}th percentile:\n{out}")
        return float(found[1]) * UNITS[found[2]]

    return {"rate": count / spent_s, "p50_us": latency(50), "p99_us": latency(99),
            "cpu_us": cpu / count * 1e6, "busy": cpu / spent_s,
            "others": others / spent_s}


def one_client(contender, programs, target, seconds):
    out = output_of([str(programs / "one_client"), str(contender.port), target, str(seconds)], seconds + 20)
    p50, p99 = re.search(r"p50_ns=(\d+) p99_ns=(\d+)", out).groups()
    return {"p50_us": int(p50) / 1e3, "p99_us": int(p99) / 1e3}


def bulk(contender, programs, direction, target, length):
    """Mean of some transfers one after the other: a single one is shorter than a few clock ticks of CPU time."""
    cpu_before = cpu_s(contender.pid) if contender.gate else 0.0
    seconds = 0.0
    for _ in range(TRANSFERS):
        out = output_of([str(programs / "bulk_client"), str(contender.port), direction, target, str(length)], 60)
        seconds += float(re.search(r"seconds=([\d.]+)", out)[1])
    cpu = cpu_s(contender.pid) - cpu_before if contender.gate else 0.0
    peak = memory_kb(contender.pid, "VmHWM") if contender.gate else 0
    moved = length * TRANSFERS
    return {"mb_s": moved / seconds / 1e6, "cpu_ms_gb": cpu * 1e3 / (moved / 1e9), "peak_kb": peak}


def idle(contender):
    return {"anon_kb": memory_kb(contender.pid, "RssAnon"), "rss_kb": memory_kb(contender.pid, "VmRSS"),
            "start_ms": contender.start_s * 1e3}


def open_streams(contender, target, count):
    """Anonymous memory that each open stream costs the gate, with all of them open at once."""
    before = memory_kb(contender.pid, "RssAnon")
    streams = []
    try:
        # All are asked before the first is read: HAProxy holds a head without a body back for 0.2 s each.
        for _ in range(count):
            streams.append(socket.create_connection(("127.0.0.1", contender.port), timeout=10))
            streams[-1].sendall(f"GET {target} HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
        for stream in streams:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = stream.recv(4096)
                if not piece:
                    raise RuntimeError(f"{contender.name} closed a stream before its head: {head[:80]!r}")
                head += piece
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"{contender.name} refused a stream: {head[:80]!r}")
        after = memory_kb(contender.pid, "RssAnon")
    finally:
        for stream in streams:
            stream.close()
    return {"stream_kb": (after - before) / count, "open_anon_kb": after}

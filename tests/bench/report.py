# SPDX-License-Identifier: Apache-2.0
"""The markdown of one bench run: what was measured where, one table a scenario, and the aims of the design beside the figures."""

import datetime
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys

from contenders import tool


def first_line(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip().splitlines()[0].strip() if done.stdout.strip() else "?"


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return re.search(r"^model name\s*:\s*(.*)$", info.read(), re.MULTILINE)[1]


class Results:
    """Samples by scenario and contender, in the order in which they were first seen."""

    def __init__(self):
        self.samples = {}

    def add(self, scenario, contender, sample):
        self.samples.setdefault(scenario, {}).setdefault(contender, []).append(sample)

    def median(self, scenario, contender, key):
        return statistics.median(sample[key] for sample in self.samples[scenario][contender])

    def median_ratio(self, scenario, contender, other, key):
        """Round by round, since the speed of a shared machine changes more between rounds than within one."""
        pairs = zip(self.samples[scenario][contender], self.samples[scenario][other])
        return statistics.median(mine[key] / theirs[key] for mine, theirs in pairs)

    def contenders(self, scenario):
        return list(self.samples.get(scenario, {}))


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def head(options, dockreeve):
    versions = [first_line([tool("haproxy"), "-v"]).split(" - ")[0], first_line([tool("nginx"), "-v"]),
                first_line([tool("wrk"), "-v"]).split(" Copyright")[0]]
    if dockreeve is not None:
        versions.insert(0, f"{first_line([str(dockreeve), 'version'])} ({os.path.getsize(dockreeve)} bytes)")
    when = datetime.datetime.now(datetime.timezone.utc)
    return f"""# Docker gate bench

- {when:%Y-%m-%d %H:%M} UTC, {cpu_name()}, {os.cpu_count()} cores, Linux {platform.release()}
- {"; ".join(versions)}
- `{shlex.join(sys.argv)}`
- client and upstream on core 0, the gate on core 1 unless said otherwise; median of {options.runs} run(s) of
  {options.seconds} s, of {options.starts} starts; every gate logs every request to a file (checked); upstream on a unix
  socket; client over TCP on 127.0.0.1
- CPU is user and system time of the gate's process; "busy" its share of its core. Where no gate is busy, the rate is the
  limit of client and upstream (`direct` shows it) and CPU per request is the figure to compare. "Others on core 1" is what
  interrupts and foreign processes took of the gate's core: above a few per cent the rates of that row are not to be trusted.
"""


def load_rows(results, scenario, without_gate):
    """A row a contender; the one without a gate has no gate's CPU to show."""
    rows = []
    for name in results.contenders(scenario):
        value = lambda key: results.median(scenario, name, key)
        gate = name != without_gate
        rows.append([name, f"{value('rate'):,.0f}", f"{value('p50_us'):,.0f}", f"{value('p99_us'):,.0f}",
                     f"{value('cpu_us'):.1f}" if gate else "–", f"{value('busy'):.0%}" if gate else "–",
                     f"{value('others'):.0%}"])
    return rows


def request_tables(results):
    titles = ["contender", "requests/s", "p50 µs", "p99 µs", "gate CPU µs/request", "gate busy", "others on core 1"]
    text = ""
    for scenario in ("1 client", "32 clients", "256 clients"):
        text += f"\n## GET /v1.41/containers/json, {scenario}\n\n" + table(titles, load_rows(results, scenario, "direct"))
    return text + "\n## Denied: GET /v1.41/secrets, 32 clients\n\n" + table(titles, load_rows(results, "denied", "direct"))


def latency_table(results):
    base = results.median("one core", "direct", "p50_us")
    rows = []
    for name in results.contenders("one core"):
        p50, p99 = results.median("one core", name, "p50_us"), results.median("one core", name, "p99_us")
        rows.append([name, f"{p50:.1f}", f"{p99:.1f}", "–" if name == "direct" else f"{p50 - base:.1f}"])
    return ("\n## One client, everything on one core\n\n"
            + table(["contender", "p50 µs", "p99 µs", "added at p50 µs"], rows))


def bulk_tables(results, scenarios, megabytes):
    text = ""
    for scenario in scenarios:
        base = results.median(scenario, "direct", "mb_s")
        rows = []
        for name in results.contenders(scenario):
            value = lambda key: results.median(scenario, name, key)
            gate = name != "direct"
            rows.append([name, f"{value('mb_s'):,.0f}", f"{value('mb_s') / base:.0%}",
                         f"{value('cpu_ms_gb'):.0f}" if gate else "–", f"{value('peak_kb'):,.0f}" if gate else "–"])
        text += f"\n## {scenario}, {megabytes} MB\n\n" + table(
            ["contender", "MB/s", "of direct", "gate CPU ms/GB", "gate peak resident kB"], rows)
    return text


def memory_table(results, streams):
    rows = [[name, f"{results.median('idle', name, 'anon_kb'):,.0f}", f"{results.median('idle', name, 'rss_kb'):,.0f}",
             f"{results.median('streams', name, 'stream_kb'):.1f}", f"{results.median('idle', name, 'start_ms'):.1f}"]
            for name in results.contenders("idle")]
    return "\n## Memory and start\n\n" + table(
        ["contender", "idle anonymous kB", "idle resident kB", f"anonymous kB for each of {streams:,} open /events",
         "start to first answer ms"], rows)


def aims_table(results, closing, kept, dockreeve, bulk_scenarios):
    times = lambda name: results.median_ratio("32 clients", dockreeve, name, "rate")
    p99 = lambda name: results.median("32 clients", name, "p99_us")
    mine = lambda scenario, key: results.median(scenario, dockreeve, key)
    added = mine("one core", "p50_us") - results.median("one core", "direct", "p50_us")
    aims = [
        ("32 clients: at least 1.5 × HAProxy with http-server-close", f"{times(closing):.2f} ×", times(closing) >= 1.5),
        ("32 clients: at least 1.1 × HAProxy kept-alive", f"{times(kept):.2f} ×", times(kept) >= 1.1),
        ("32 clients: p99 below both", f"{p99(dockreeve):,.0f} µs", p99(dockreeve) < min(p99(closing), p99(kept))),
        ("one client on one core: at most 15 µs added", f"{added:.1f} µs", added <= 15),
        ("open stream: under 8 kB anonymous", f"{mine('streams', 'stream_kb'):.1f} kB", mine("streams", "stream_kb") < 8),
        ("idle: at most 2 MB anonymous", f"{mine('idle', 'anon_kb'):,.0f} kB", mine("idle", "anon_kb") <= 2048),
        ("idle: at most 8 MB resident", f"{mine('idle', 'rss_kb'):,.0f} kB", mine("idle", "rss_kb") <= 8192),
        ("exec() to first answer under 10 ms", f"{mine('idle', 'start_ms'):.1f} ms", mine("idle", "start_ms") < 10),
    ]
    for scenario in bulk_scenarios:
        share = results.median_ratio(scenario, dockreeve, "direct", "mb_s")
        aims.append((f"{scenario}: within 10 % of direct", f"{share:.0%}", share >= 0.9))
    return "\n## Aims\n\n" + table(["aim", "measured", "met"],
                                   [[aim, value, "yes" if met else "**no**"] for aim, value, met in aims])

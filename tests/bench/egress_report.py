# SPDX-License-Identifier: Apache-2.0
"""The markdown of one egress bench run: where it was, one table a scenario, and the aims of the design beside the figures."""

import datetime
import os
import platform
import shlex
import subprocess
import sys

from contenders import tool
from report import cpu_name, first_line, load_rows, table

LOAD_TITLES = ["contender", "a second", "p50 µs", "p99 µs", "CPU µs each", "busy", "others on core 1"]
FLOOR, SQUID, OURS = "splice relay", "Squid", "Dockreeve"


def head(options, work):
    versions = [first_line([tool("squid"), "-v"]), first_line([tool("tinyproxy"), "-v"])]
    if not options.without_dockreeve:
        program = options.dockreeve.resolve()
        versions.insert(0, f"{first_line([str(program), 'version'])} ({os.path.getsize(program)} bytes)")
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(work)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    when = datetime.datetime.now(datetime.timezone.utc)
    return f"""# Egress gate bench

- {when:%Y-%m-%d %H:%M} UTC, {cpu_name()}, {os.cpu_count()} cores, Linux {platform.release()}
- {"; ".join(versions)}
- `{shlex.join(sys.argv)}`
- client and origin on core 0, the proxy on core 1; median of {options.runs} run(s) of {options.seconds} s, the contenders in turn;
  every proxy but the relay logs every request to a file ({kind}; checked); tinyproxy syncs each of its lines to the disk
- CPU is user and system time of the proxy's processes. Where a proxy is not busy, the rate is the limit of client and origin (`no
  proxy` shows it) and CPU is the figure to compare. "Others on core 1" is what interrupts and foreign processes took of the
  proxy's core: above a few per cent the rates of that row are not to be trusted.
"""


def load_tables(results):
    titles = {"tunnels": "Tunnels: CONNECT to an address, one small GET inside, end; 32 clients",
              "tunnels by name": "The same to a name in the hosts table; 32 clients",
              "denials": "Denied CONNECT, each on a fresh connection; 32 clients",
              "denials-kept": "Denied CONNECT on kept connections; 32 clients (who is missing keeps none)"}
    return "".join(f"\n## {title}\n\n" + table(LOAD_TITLES, load_rows(results, scenario, "no proxy"))
                   for scenario, title in titles.items() if results.contenders(scenario))


def bulk_tables(results, megabytes):
    text = ""
    for direction in ("download", "upload"):
        rows = [[name, f"{results.median(direction, name, 'mb_s'):,.0f}",
                 "–" if name == "no proxy" else f"{results.median(direction, name, 'cpu_s_gb'):.3f}",
                 "–" if name == "no proxy" else f"{results.median_ratio(direction, name, FLOOR, 'cpu_s_gb'):.2f}"]
                for name in results.contenders(direction)]
        if rows:
            text += f"\n## One tunnel, {direction} of {megabytes:,} MB\n\n" + table(
                ["contender", "MB/s", "CPU s/GB", "times the relay's"], rows)
    return text


def memory_table(results, tunnels):
    rows = [[name] + (["–"] * 2 if name == "no proxy" else [f"{results.median('parked', name, 'base_kb'):,.0f}",
                                                           f"{results.median('parked', name, 'tunnel_kb'):.2f}"])
            + [f"{results.median('parked', name, 'kernel_kb'):.1f}",
               "–" if name == "no proxy" else f"{results.median('parked', name, 'descriptors'):.2f}"]
            for name in results.contenders("parked")]
    return "" if not rows else f"\n## {tunnels:,} idle tunnels\n\n" + table(
        ["contender", "anonymous kB before", "anonymous kB a tunnel", "kernel kB a tunnel", "descriptors a tunnel"], rows) + (
        "\nKernel memory (slab, kernel stacks, page tables) is the whole machine's: the row without a proxy is what client and "
        "origin have of it.\n")


def list_tables(results, sizes):
    rows = []
    for size in sizes.values():
        for name in results.contenders(f"start {size}"):
            known = name in results.contenders(f"list {size}")
            value = lambda key: results.median(f"list {size}", name, key)
            rows.append([f"{size} rules, {name}", f"{value('p50_us'):.1f}" if known else "–",
                         f"{value('cpu_us'):.1f}" if known else "–", f"{results.median(f'start {size}', name, 'start_ms'):,.0f}",
                         f"{results.median(f'start {size}', name, 'anon_kb') / 1024:,.1f}"])
    text = "" if not rows else "\n## Denied names of a list, drawn at random; one client, kept connection\n\n" + table(
        ["list", "p50 µs", "CPU µs each", "start to first tunnel ms", "anonymous MB"], rows)
    rows = []
    for name in results.contenders("reload"):
        value = lambda key: results.median("reload", name, key)
        rows.append([name, f"{value('reload_ms'):,.0f}" if name == OURS else "–", f"{value('stall_ms'):,.1f}",
                     f"{value('quiet_ms'):,.1f}", f"{value('broken'):,.0f}", f"{value('lost'):.0f}"])
    if rows:
        text += "\n## Reload of 100k rules (SIGHUP) while one client asks and tunnels are parked\n\n" + table(
            ["contender", "signal to log record ms, slowest of 4", "longest answer ms", "longest without reload ms",
             "connections refused or broken", "tunnels lost"], rows)
    return text


def aims_table(results):
    aims = []
    if OURS in results.contenders("tunnels"):
        for scenario, least in (("tunnels", 1.8), ("denials", 3.0), ("denials-kept", 3.0)):
            times = results.median_ratio(scenario, OURS, SQUID, "rate") if OURS in results.contenders(scenario) else 0
            aims.append((f"{scenario}: at least {least} × Squid", f"{times:.2f} ×", times >= least))
    if OURS in results.contenders("download"):
        for direction in ("download", "upload"):
            share = results.median_ratio(direction, OURS, FLOOR, "cpu_s_gb")
            aims.append((f"{direction}: CPU a GB within 10 % of a bare splice relay", f"{share:.2f} ×", share <= 1.1))
        parked = results.median("parked", OURS, "tunnel_kb")
        aims.append(("parked tunnel: under 1 kB anonymous", f"{parked:.2f} kB", parked < 1))
    if OURS in results.contenders("reload"):
        value = lambda key: results.median("reload", OURS, key)
        start = results.median("start 1M", OURS, "start_ms")
        aims += [("reload of 100k rules within 200 ms", f"{value('reload_ms'):,.0f} ms", value("reload_ms") <= 200),
                 ("no stall over 5 ms under it", f"{value('stall_ms'):,.1f} ms", value("stall_ms") <= 5),
                 ("no tunnel lost by it", f"{value('lost'):.0f}", value("lost") == 0),
                 ("a million rules within 2 s, start to first tunnel", f"{start:,.0f} ms", start <= 2000)]
    rows = [[aim, value, "yes" if met else "**no**"] for aim, value, met in aims]
    return "" if not rows else "\n## Aims\n\n" + table(["aim", "measured", "met"], rows)


def markdown(results, options, sizes):
    return (load_tables(results) + bulk_tables(results, options.tunnel_megabytes) + memory_table(results, options.tunnels)
            + list_tables(results, sizes) + aims_table(results))

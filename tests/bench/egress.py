# SPDX-License-Identifier: Apache-2.0
"""`tests/bench/run egress`: the egress gate against Squid, tinyproxy, a bare splice relay and no proxy, in one run."""

import sys

import contenders
import egress_contenders
import egress_measure as measure
import egress_report
import report

CLIENTS = 32
SIZES = {10: "10", 1000: "1k", 100_000: "100k", 1_000_000: "1M"}
DIRECTIONS = ("download", "upload")
RELOAD_SIZE, RELOADS, RELOAD_GAP_S, RELOAD_TUNNELS = 100_000, 4, 2, 200


class EgressBench:
    def __init__(self, options, work):
        self.options, self.work, self.results = options, work, report.Results()
        self.programs = (options.build / "tests" / "bench").resolve()
        self.direct, self.relay = egress_contenders.Direct(), egress_contenders.Relay(self.programs)
        self.tinyproxy, self.squid = egress_contenders.Tinyproxy(), egress_contenders.Squid()
        self.gates = [self.squid]
        if not options.without_dockreeve:
            self.gates.append(egress_contenders.Dockreeve(options.dockreeve.resolve()))
        self.all = [self.direct, self.relay, self.tinyproxy, *self.gates]
        self.origin = None

    def measured(self, scenario, contender, function, *arguments, list_length=0):
        """One sample from a freshly started contender; none where it cannot be measured that way."""
        print(f"{scenario}: {contender.name}", file=sys.stderr, flush=True)
        contender.start(self.work, self.origin, contenders.GATE_CORE, list_length)
        try:
            sample = function(contender, *arguments)
        finally:
            contender.stop()
        if sample is not None:
            self.results.add(scenario, contender.name, sample)

    def tunnels_and_denials(self):
        seconds = self.options.seconds
        for contender in self.all:
            self.measured("tunnels", contender, measure.load, self.programs, "tunnels", self.origin.literal, CLIENTS, seconds)
        for gate in self.gates:
            self.measured("tunnels by name", gate, measure.load, self.programs, "tunnels", self.origin.named, CLIENTS, seconds)
        for mode in ("denials", "denials-kept"):
            for gate in [self.tinyproxy, *self.gates]:
                self.measured(mode, gate, measure.load, self.programs, mode, egress_contenders.DENIED, CLIENTS, seconds)

    def bulk_and_memory(self):
        length = self.options.tunnel_megabytes * 1_000_000
        for direction in DIRECTIONS:
            for contender in self.all:
                self.measured(direction, contender, measure.bulk, self.programs, self.origin.literal, direction, length)
        for contender in self.all:
            self.measured("parked", contender, measure.idle_tunnels, self.programs, self.origin.literal, self.options.tunnels)

    def lists(self):
        seconds = self.options.seconds
        for length, size in SIZES.items():
            for gate in self.gates:
                self.measured(f"start {size}", gate, measure.started, list_length=length)
                self.measured(f"list {size}", gate, measure.load, self.programs, "denials-kept", "-", 1, seconds, length,
                              list_length=length)
        for gate in self.gates:
            self.measured("reload", gate, measure.reloads, self.programs, self.origin.literal, RELOAD_SIZE, RELOADS,
                          RELOAD_GAP_S, RELOAD_TUNNELS, list_length=RELOAD_SIZE)

    def run(self):
        """Every scenario once a round, the contenders taking turns, so that a disturbance of the machine meets all of them."""
        self.origin = egress_contenders.Origin(self.programs, self.options.tunnel_megabytes * 1_000_000)
        parts = {"load": self.tunnels_and_denials, "bulk": self.bulk_and_memory, "lists": self.lists}
        for number in range(self.options.runs):
            print(f"round {number + 1} of {self.options.runs}", file=sys.stderr, flush=True)
            for name, part in parts.items():
                if not self.options.only or name in self.options.only:
                    part()

    def stop(self):
        if self.origin is not None:
            self.origin.stop()

    def head(self):
        return egress_report.head(self.options, self.work)

    def markdown(self):
        return egress_report.markdown(self.results, self.options, SIZES)

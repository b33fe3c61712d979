# SPDX-License-Identifier: Apache-2.0
"""What a gate and its commands said in each test, for replay.py: the bytes of every connection in both directions, the answers of name
servers, every command with its exit code and its words, and every gate's log, words and exit code. What differs from run to run by
nature (times, ids, ports, folders) is left out. main.py records where DOCKREEVE_TRANSCRIPT names a file."""

import collections
import hashlib
import json
import os
import random
import re
import subprocess

from . import dns_client, wire
from .gate import Gate, binary, plain_binary

KEPT = 1 << 16  # bytes of one direction of a connection; of the rest only the hash
BEGINS_REQUEST = re.compile(rb"[A-Z]+ \S")
LEFT_OUT = [(re.compile(pattern), put) for pattern, put in (
    (r"/tmp/[A-Za-z0-9_.-]+", "/tmp/FOLDER"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DAY"),
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "TIME"),
    (r'"(id|seq|pid|ts|prev|seal)":("[^"]*"|\d+)', r'"\1":*'),
    (r'"([a-z_]*(_ms|_us|_seconds|duration|bytes_in|bytes_out))":[0-9.]+', r'"\1":*'),
    (r"\bpid([= ])\d+", r"pid\1N"),
    (r"\b[0-9a-f]{12,64}\b", "HEX"),
    (r"\b[2-6]\d{4}\b", "PORT"),
    (r"\b\d+(\.\d+)? ?(ms|us|s)\b", "DURATION"))]


def plain(data):
    """Printable text of one line, without what differs by nature."""
    text = data.decode("latin-1") if isinstance(data, (bytes, bytearray)) else data
    for pattern, put in LEFT_OUT:
        text = pattern.sub(put, text)
    text = text.encode("unicode_escape").decode("ascii")
    return text if len(text) <= 4000 else "%s… %s" % (text[:400], hashlib.sha1(text.encode()).hexdigest())


class Direction:
    """Bytes that went one way."""

    def __init__(self):
        self.first, self.length, self.hash = bytearray(), 0, hashlib.sha1()

    def add(self, data):
        self.first += data[:max(0, KEPT - self.length)]
        self.length += len(data)
        self.hash.update(data)

    def lines(self):
        text = [plain(line) for line in re.split(rb"\r?\n", bytes(self.first)) if line]
        return text if self.length <= KEPT else text[:20] + ["%d bytes, %s" % (self.length, self.hash.hexdigest())]


def asking(stream):
    """In which direction requests go: 0 is what the test sends."""
    return 0 if type(stream).__name__ == "Client" else 1


def hear(stream, direction, data):
    """A request behind an answer begins an exchange, so that it does not matter which exchanges share a connection."""
    ask = asking(stream)
    if direction == ask and stream.said[-1][1 - ask].length > 0 and BEGINS_REQUEST.match(data):
        stream.said.append((Direction(), Direction()))
    stream.said[-1][direction].add(data)


class Transcript:
    def __init__(self):
        self.lines = collections.defaultdict(list)
        self.streams = []
        self.test = "before the first test"

    def begin(self, test):
        self.test = test

    def say(self, who, lines):
        self.lines[self.test] += ["%s | %s" % (who, line) for line in lines]

    def end(self):
        """What the connections said goes to the test that ends; those that stay open go on with the next."""
        for stream in self.streams:
            for exchange in stream.said:
                sent, came = (direction.lines() for direction in exchange)
                name = "%s %s" % (type(stream).__name__, ((sent, came)[asking(stream)] or [""])[0][:60])
                self.say(name + " >", sent)
                self.say(name + " <", came)
            stream.said = [(Direction(), Direction())]
        self.streams = [stream for stream in self.streams if stream.sock.fileno() >= 0]

    def keep_streams(self):
        make, fill, send = wire.Stream.__init__, wire.Stream.fill, wire.Stream.send

        def init_too(stream, *arguments):
            make(stream, *arguments)
            stream.said = [(Direction(), Direction())]
            self.streams.append(stream)

        def fill_too(stream):
            before = len(stream.buffer)
            more = fill(stream)
            hear(stream, 1, bytes(stream.buffer[before:]))
            return more

        def send_too(stream, data):
            hear(stream, 0, bytes(data))
            send(stream, data)

        wire.Stream.__init__, wire.Stream.fill, wire.Stream.send = init_too, fill_too, send_too

    def keep_names(self):
        make = dns_client.Answer.__init__

        def init_too(answer, packet):
            make(answer, packet)
            self.say("dns", [plain("%r %r" % (answer, sorted(map(str, answer.records))))])

        dns_client.Answer.__init__ = init_too

    def keep_commands(self):
        kept, programs = self, (binary(), plain_binary())

        class Popen(subprocess.Popen):
            def communicate(self, *arguments, **options):
                streams = super().communicate(*arguments, **options)
                words = self.args if isinstance(self.args, (list, tuple)) else [self.args]
                if any(program in words for program in programs):
                    name = plain(" ".join(str(word) for word in words if word not in programs))
                    kept.say(name, ["exit %s" % self.returncode])
                    for data, where in zip(streams, ("out", "err")):
                        kept.say("%s %s" % (name, where), [plain(line) for line in (data or "").splitlines()])
                return streams

        subprocess.Popen = Popen

    def keep_gates(self):
        remove = Gate.remove

        def remove_too(gate):
            try:
                code = gate.process.poll() if gate.process else None
                self.say("gate", ["exit %s" % ("running" if code is None else code)] if gate.process else [])
                if not os.path.exists(gate.log_path) or os.path.isfile(gate.log_path):  # of devices one has no end
                    self.say("gate log", [plain(line) for line in gate.log_text().splitlines()])
                self.say("gate err", [plain(line) for line in gate.stderr().splitlines()])
            except OSError:
                pass
            remove(gate)

        Gate.remove = remove_too

    def save(self, path):
        self.end()
        with open(path + ".new", "w", encoding="ascii") as out:
            json.dump(self.lines, out, indent=0)
        os.rename(path + ".new", path)


def start():
    """Records from now on, with bytes and lots that are the same in every run."""
    kept = Transcript()
    for keep in (kept.keep_streams, kept.keep_names, kept.keep_commands, kept.keep_gates):
        keep()
    os.urandom = random.Random(1).randbytes
    os.environ.update(DOCKREEVE_CHAOS_SEED="1", DOCKREEVE_HELD_SEED="1")
    return kept

# SPDX-License-Identifier: Apache-2.0
"""Replays the conversation tests at an old and a new binary and prints what they answered differently: `replay.py OLD NEW [MODULE…]`
(names without `.py`; all without). Equal are the bytes of every connection, every command's exit code and words, and every log record.

The old binary runs twice, so that what differs by itself is known; its transcripts are kept in build/replay for the next time. Where
something differs, both run twice more, and what is left differs in every run of the new binary from every run of the old one. A test
that fails is a difference too if it does not fail with the old binary. Exit code 1 when there is a difference."""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STORE = os.path.join(os.path.dirname(TESTS), "build", "replay")


def hash_of(*paths):
    digest = hashlib.sha1()
    for path in paths:
        with open(path, "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()[:16]


def sources(module):
    """The module and all that it stands on."""
    folder = os.path.join(TESTS, "harness")
    return [os.path.join(TESTS, "conversation", module + ".py")] + [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".py")]


def record(program, module, number):
    """The transcript of one run: for each test, how often each line was said."""
    path = os.path.join(STORE, "%s.%s.%s.%d" % (module, hash_of(program), hash_of(*sources(module)), number))
    if not os.path.exists(path):  # a run without a transcript, as of a module that does not load, raises below
        environment = dict(os.environ, DOCKREEVE_BINARY=program, DOCKREEVE_PLAIN_BINARY=program, DOCKREEVE_TRANSCRIPT=path)
        subprocess.run([sys.executable, os.path.join(TESTS, "harness", "main.py"), "conversation", module], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with open(path, encoding="ascii") as stream:
        return {test: collections.Counter(lines) for test, lines in json.load(stream).items()}


def shape(line):
    """A line without its numbers: what is unsteady in one number is unsteady in the next one."""
    return re.sub(r"[0-9a-f]{4,}|\d+", "#", line)


def bounds(runs, test, line):
    counts = [run.get(test, {}).get(line, 0) for run in runs]
    return min(counts), max(counts)


def differences(old, new):
    """[(test, line, how often in the old runs, how often in the new ones)] of all that is apart in every run."""
    found = []
    for test in sorted({test for run in old + new for test in run}):
        lines = sorted({line for run in old + new for line in run.get(test, ())})
        unsteady = {shape(line) for runs in (old, new) for line in lines if len(set(bounds(runs, test, line))) > 1}
        for line in lines:
            (least, most), (now_least, now_most) = bounds(old, test, line), bounds(new, test, line)
            if (now_least > most or now_most < least) and shape(line) not in unsteady:
                found.append((test, line, most, now_most))
    return found


def compare(old, new, module):
    before, after = [record(old, module, 0), record(old, module, 1)], [record(new, module, 0)]
    for number in (1, 2):
        if not differences(before, after):
            break
        before.append(record(old, module, number + 1))
        after.append(record(new, module, number))
    return differences(before, after), sum(sum(lines.values()) for lines in after[0].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--jobs", type=int, default=2, help="so many modules at a time (default: 2)")
    options = parser.parse_args()
    os.makedirs(STORE, exist_ok=True)
    modules = options.modules or sorted(name[:-3] for name in os.listdir(os.path.join(TESTS, "conversation")) if name.startswith("test_") and name.endswith(".py"))
    old, new, total = os.path.abspath(options.old), os.path.abspath(options.new), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for module, (found, lines) in zip(modules, pool.map(lambda name: compare(old, new, name), modules)):
            total += len(found)
            print("%-28s %7d lines, %d differ" % (module, lines, len(found)), flush=True)
            for test, line, before, now in found:
                print("    %s: %d times before, %d now: %s" % (test, before, now, line))
    print("%d modules, %d lines differ" % (len(modules), total))
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Runs test modules and counts every named row as a case: `main.py FOLDER [--report FILE] [NAME…]`. The report is one line,
"PASSED FAILED", for tests/run to add up."""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class CountingResult(unittest.TextTestResult):
    """A row (subTest) is a case; a test without rows is one too."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = self.failed = 0
        self.rows = 0
        self.slow = []

    transcript = None  # see transcript.py

    def startTest(self, test):
        super().startTest(test)
        if self.transcript:
            self.transcript.begin(test.id())
        self.rows = 0
        self.began = time.monotonic()
        self.bad_before = len(self.failures) + len(self.errors)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self.rows += 1
        if err is None:
            self.passed += 1
        else:
            self.failed += 1
            self.stream.writeln()
            self.stream.writeln("ROW %s" % subtest)

    def addSuccess(self, test):
        super().addSuccess(test)
        if self.rows == 0:
            self.passed += 1

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed += 1

    def addError(self, test, err):
        super().addError(test, err)
        self.failed += 1

    def stopTest(self, test):
        super().stopTest(test)
        if self.transcript:
            self.transcript.say("result", ["failed"] if len(self.failures) + len(self.errors) > self.bad_before else [])
            self.transcript.end()
        self.slow.append((time.monotonic() - self.began, str(test)))


def load(folder, names):
    loader = unittest.TestLoader()
    if names:
        return loader.loadTestsFromNames(names)
    return loader.discover(folder, top_level_dir=folder)


def run_here(options, folder):
    """Runs the tests in this process. Returns (passed, failed)."""
    sys.path.insert(0, TESTS)
    sys.path.insert(0, folder)
    record = os.environ.get("DOCKREEVE_TRANSCRIPT")
    if record:
        from harness import transcript  # pylint: disable=import-outside-toplevel
        CountingResult.transcript = transcript.start()
    runner = unittest.TextTestRunner(resultclass=CountingResult, verbosity=options.v)
    result = runner.run(load(folder, options.names))
    if record:
        CountingResult.transcript.save(record)
    for seconds, name in sorted(result.slow, reverse=True)[:5]:
        print("%6.1f s  %s" % (seconds, name))
    for test, why in result.skipped:
        print("left out: %s: %s" % (test, why))
    return result.passed, result.failed


def modules_of(folder):
    """The longest files first: they are likely to take longest, and the last one should be short."""
    names = [name[:-3] for name in os.listdir(folder) if name.startswith("test_") and name.endswith(".py")]
    return sorted(names, key=lambda name: -os.path.getsize(os.path.join(folder, name + ".py")))


def run_module(options, name, scratch):
    """One module in a process of its own, its words kept until it ends."""
    report = os.path.join(scratch, name)
    began = time.monotonic()
    passed, failed = 0, 1  # a process that ends without a report is a failure
    try:
        said = subprocess.run([sys.executable, os.path.abspath(__file__), options.folder, name, "--report", report],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=options.budget, check=False).stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"") + b"\n%s is over its budget of %d seconds\n" % (name.encode(), options.budget)
    if os.path.exists(report):
        with open(report, encoding="ascii") as text:
            passed, failed = map(int, text.read().split())
    return name, time.monotonic() - began, passed, failed, said.decode("utf-8", "replace")


def run_side_by_side(options, folder):
    """Each module in a process of its own, `jobs` at a time. Returns (passed, failed)."""
    waiting, done, lock = modules_of(folder), [], threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop(0)
            row = run_module(options, name, scratch)
            with lock:
                done.append(row)
                said = [line for line in row[4].splitlines() if line.startswith("left out: ")]
                print("\n".join([row[4]] if row[3] else said), end="\n" if row[3] or said else "", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        workers = [threading.Thread(target=work) for _ in range(options.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    for name, seconds, passed, failed, _ in sorted(done, key=lambda row: -row[1]):
        print("%6.1f s  %-28s %5d passed %3d failed" % (seconds, name, passed, failed))
    return sum(row[2] for row in done), sum(row[3] for row in done)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", help="unittest names (test_paths, test_paths.Paths.test_x); all without")
    parser.add_argument("--report")
    parser.add_argument("--jobs", type=int, default=1, help="so many modules at a time, each in a process of its own (default: 1)")
    parser.add_argument("--budget", type=int, default=300, help="seconds that a module beside others may take (default: 300); more is a failure")
    parser.add_argument("-v", action="count", default=1)
    options = parser.parse_intermixed_args()
    folder = os.path.join(TESTS, options.folder)
    side_by_side = options.jobs > 1 and not options.names
    passed, failed = run_side_by_side(options, folder) if side_by_side else run_here(options, folder)
    print("%s: %d passed, %d failed" % (options.folder, passed, failed))
    if options.report:
        with open(options.report, "w", encoding="ascii") as out:
            out.write("%d %d\n" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

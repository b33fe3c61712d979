# SPDX-License-Identifier: Apache-2.0
"""Runs test modules and counts every named row as a case: `main.py FOLDER [--report FILE] [NAME…]`. The report is one line,
"PASSED FAILED", for tests/run to add up."""

import argparse
import os
import sys
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

    def startTest(self, test):
        super().startTest(test)
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
        self.slow.append((time.monotonic() - self.began, str(test)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", help="unittest names (test_paths, test_paths.Paths.test_x); all without")
    parser.add_argument("--report")
    parser.add_argument("-v", action="count", default=1)
    options = parser.parse_args()
    sys.path.insert(0, TESTS)
    folder = os.path.join(TESTS, options.folder)
    sys.path.insert(0, folder)
    loader = unittest.TestLoader()
    if options.names:
        suite = loader.loadTestsFromNames(options.names)
    else:
        suite = loader.discover(folder, top_level_dir=folder)
    runner = unittest.TextTestRunner(resultclass=CountingResult, verbosity=options.v)
    result = runner.run(suite)
    for seconds, name in sorted(result.slow, reverse=True)[:5]:
        print("%6.1f s  %s" % (seconds, name))
    for test, why in result.skipped:
        print("left out: %s: %s" % (test, why))
    print("%s: %d passed, %d failed" % (options.folder, result.passed, result.failed))
    if options.report:
        with open(options.report, "w", encoding="ascii") as out:
            out.write("%d %d\n" % (result.passed, result.failed))
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())

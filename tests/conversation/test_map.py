# SPDX-License-Identifier: Apache-2.0
"""The map of the tests (tests/README.md): every source has a test of its name or a line that says where it is tested, and every fuzz target
has seeds."""

import os
import re
import unittest

from harness.gate import TOP

ROOMS = ("base", "rules", "policy", "proxy")
TESTS = os.path.join(TOP, "tests")


def files(folder, ending):
    """The paths below the folder without that ending."""
    found = {os.path.relpath(os.path.join(here, name), folder) for here, _, names in os.walk(folder) for name in names}
    return {name[:len(name) - len(ending)] for name in found if name.endswith(ending)}


def place(test):
    if test.endswith(".py"):
        return os.path.join(TESTS, "conversation", test)
    return os.path.join(TESTS, "fuzz" if test.endswith("_fuzz.c") else "unit", test)


class Map(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(TESTS, "README.md"), encoding="utf-8") as text:
            rows = re.findall(r"^\| `([a-z0-9/]+)/` \| (`.*`) \| (`.*`) \|$", text.read(), re.M)
        names = re.compile("`([^`]+)`")
        self.map = {room + "/" + source: names.findall(tests) for room, sources, tests in rows for source in names.findall(sources)}
        self.sources = {room + "/" + name for room in ROOMS for name in files(os.path.join(TOP, room), ".c")}
        self.unit = files(os.path.join(TESTS, "unit"), "_test.c")
        self.fuzz = files(os.path.join(TESTS, "fuzz"), "_fuzz.c")

    def test_every_source_has_a_test_of_its_name_or_a_line(self):
        self.assertEqual(sorted(self.sources - self.unit - set(self.map)), [], "give them a unit test or a line in tests/README.md")

    def test_no_line_is_about_what_is_gone_or_has_a_test(self):
        self.assertEqual(sorted(set(self.map) - self.sources), [], "no such source")
        self.assertEqual(sorted(set(self.map) & self.unit), [], "has a test of its name: take the line out of tests/README.md")
        self.assertEqual(sorted({test for tests in self.map.values() for test in tests if not os.path.exists(place(test))}), [], "no such test")

    def test_every_fuzz_target_has_seeds(self):
        self.assertEqual(sorted(name for name in self.fuzz if not files(os.path.join(TESTS, "fuzz", "corpus", name), "")), [])

# SPDX-License-Identifier: Apache-2.0
"""The maps. Of the tests (tests/README.md): every source has a test of its name or a line that says where it is tested, and every fuzz target
has seeds. Of the house (docs/architecture.md): what it names is there, and its table of rooms says what the makefiles link."""

import os
import re
import unittest

from harness.gate import TOP

ROOMS = ("base", "rules", "policy", "proxy")
FOLDERS = ROOMS + ("deploy", "docs", "tests")
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
        with open(os.path.join(TESTS, "fuzz", "local.mk"), encoding="utf-8") as text:
            targets = dict(re.findall(r"^fuzz_(\w+)_SOURCES = tests/fuzz/(\w+)_fuzz\.c", text.read(), re.M))
        self.assertEqual(sorted(self.fuzz - set(targets.values())), [], "no target is made of it")
        self.assertEqual(sorted(name for name in targets if not files(os.path.join(TESTS, "fuzz", "corpus", name), "")), [])


def text_of(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as text:
        return text.read()


class Guides(unittest.TestCase):
    """docs/architecture.md and docs/contributing.md."""

    def setUp(self):
        self.named = {}
        for guide in ("docs/architecture.md", "docs/contributing.md"):
            prose = re.sub(r"^ *```.*?^ *```$", "", text_of(guide), flags=re.M | re.S)
            self.named.update((name, guide) for name in re.findall("`([^`]+)`", prose))

    def test_every_file_that_they_name_is_there(self):
        def is_there(name):
            return any(os.path.exists(os.path.join(TOP, name + ending)) for ending in ("", ".h", ".c"))

        paths = [name for name in self.named if re.fullmatch(r"(%s)/[\w./-]*" % "|".join(FOLDERS), name)]
        self.assertGreater(len(paths), 50)
        self.assertEqual([(self.named[name], name) for name in paths if not is_there(name)], [], "no such file")

    def test_every_function_that_they_name_is_there(self):
        code = "".join(text_of(room, name + ending) for room in ROOMS + ("tests/unit",) for ending in (".h", ".c")
                       for name in files(os.path.join(TOP, room), ending))
        functions = [name for name in self.named if re.fullmatch(r"\w+\(\)", name)]
        self.assertGreater(len(functions), 2)
        self.assertEqual([(self.named[name], name) for name in functions if not re.search(r"\b%s\(" % name[:-2], code)], [], "no such function")

    def test_the_table_of_rooms_says_what_the_makefiles_link(self):
        table = {}
        for rooms, calls in re.findall(r"^\| (`[a-z/]+/`(?:, `[a-z/]+/`)*) \| .* \| ([a-z/, ]+) \|$", text_of("docs/architecture.md"), re.M):
            for room in re.findall("`([^`]+)/`", rooms):
                table[room] = [] if calls == "nothing" else calls.split(", ")
        folders = {folder.replace("/", "_"): folder for folder in re.findall(r"^include ((?:%s)[a-z/]*)/local.mk$" % "|".join(ROOMS),
                                                                             text_of("Makefile.am"), re.M)}
        linked = {}
        for chain, folder in folders.items():
            line = re.search(r"^%s_chain = (.*)$" % chain, text_of(folder, "local.mk"), re.M)
            linked[folder] = [folders[name] for name in re.findall(r"\$\((\w+)_chain\)", line.group(1))]
        self.assertEqual(table, linked, "the table of docs/architecture.md, and ROOM_chain of each local.mk")

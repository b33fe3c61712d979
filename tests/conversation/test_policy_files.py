# SPDX-License-Identifier: Apache-2.0
"""What a policy may be read from: a folder of drop-ins that is no folder, links that lead nowhere, folders that others can write on
the way, and characters with which a policy says something else than it shows. A running gate keeps its policy, a start is refused."""

import os
import shutil
import socket

from harness.case import GateCase
from harness.client import get
from harness.edit import EditCase

OPEN = 'version: 1\ndocker:\n  - allow: "@read"\n'
DENY = "version: 1\ndocker:\n  - deny: ContainerList\n"


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def bind_socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)


WAYS = [  # what stands in the place of a file or a folder
    ("a file", lambda path: open(path, "wb").close()),
    ("a dangling link", lambda path: os.symlink("nowhere", path)),
    ("a link behind a dangling link", lambda path: os.symlink("../no/where", path)),
    ("a link to itself", lambda path: os.symlink(os.path.basename(path), path)),
    ("a link to a device", lambda path: os.symlink("/dev/null", path)),
    ("a FIFO", os.mkfifo),
    ("a socket", bind_socket),
]


class DropIns(GateCase):
    """The folder's denies must not vanish without a word."""

    def start(self):
        gate = self.start_gate(OPEN, files={"policy.d/10-deny.yaml": DENY})
        self.assertEqual(gate.ask(get("/containers/json")).status, 403)
        return gate

    def refused(self, gate, said):
        """One reload that is refused; SIGHUP so that each change is looked at on its own."""
        before = len(gate.log(event="policy"))
        gate.process.send_signal(1)
        record = gate.wait_log(before + 1, event="policy")[-1]
        self.assertEqual(record["decision"], "deny", record)
        self.assertIn(said, record["text"])
        self.assertEqual(gate.ask(get("/containers/json")).status, 403, "the old policy stays")

    def exits(self, gate, said):
        gate.stop()
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 2)
        self.assertIn(said, gate.stderr())

    def test_what_is_there_and_is_no_folder_is_an_error(self):
        gate = self.start()
        folder = gate.file("policy.d")
        os.rename(folder, gate.file("away"))

        def row(make):
            make(folder)
            self.refused(gate, "policy.d")
            remove(folder)

        self.each(WAYS, row)

    def test_a_start_is_refused_too(self):
        gate = self.start()
        folder = gate.file("policy.d")
        os.rename(folder, gate.file("away"))

        def row(make):
            make(folder)
            self.exits(gate, "policy.d")
            remove(folder)

        self.each(WAYS, row)

    def test_no_folder_at_all_is_none(self):
        gate = self.start()
        shutil.rmtree(gate.file("policy.d"))
        gate.process.send_signal(1)
        gate.wait_log(event="policy", decision="allow")
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)

    def test_a_drop_in_that_is_no_file_is_an_error(self):
        gate = self.start()
        path = gate.file("policy.d", "20-more.yaml")

        def row(make):
            make(path)
            self.refused(gate, "20-more.yaml")
            remove(path)

        self.each(WAYS + [("a folder", os.mkdir)], row)

    def test_the_policy_itself_as_a_link_that_leads_nowhere(self):
        gate = self.start()
        for name, make in (("the file", lambda: os.symlink("nowhere", gate.policy_path)),
                           ("a FIFO", lambda: os.mkfifo(gate.policy_path))):
            with self.subTest(name):
                os.unlink(gate.policy_path)
                make()
                self.refused(gate, "policy.yaml")

    def test_a_dangling_policy_does_not_give_way_to_the_environment(self):
        gate = self.start_gate(None, environment={"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1"})
        gate.stop()
        gate.arguments += ["--config", gate.policy_path]
        os.symlink("nowhere", gate.policy_path)
        gate.environment["XDG_CONFIG_HOME"] = gate.folder
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 2)
        self.assertIn("leads nowhere", gate.stderr())


class Others(EditCase):
    """A file is as safe as the weakest folder on the way to it."""

    def refuse(self, *said):
        text = self.do("validate", code=2).said
        for part in said:
            self.assertIn(part, text)

    def test_a_used_file_below_a_folder_that_others_can_write(self):
        self.write(self.file("open", "inner", "x.yaml"), OPEN)
        self.policy("version: 1\nuse: [./open/inner/x.yaml]\n")
        self.do("validate")
        for mode in (0o777, 0o775):
            os.chmod(self.file("open"), mode)
            self.refuse("open: has mode 0%o, so others can write it" % mode)
        os.chmod(self.file("open"), 0o1777)
        self.do("validate")
        os.chown(self.file("open", "inner"), 65534, 65534)
        self.refuse("open: has mode 1777")

    def test_a_drop_in_that_is_a_link_through_a_folder_that_others_can_write(self):
        self.write(self.file("open", "inner", "x.yaml"), OPEN)
        os.mkdir(self.file("policy.d"), 0o755)
        os.symlink("../open/inner/x.yaml", self.file("policy.d", "x.yaml"))
        self.do("validate")
        os.chmod(self.file("open"), 0o777)
        self.refuse("open: has mode 0777, so others can write it")

    def test_a_link_in_a_sticky_folder_belongs_to_who_made_it(self):
        self.write(self.file("mine", "x.yaml"), OPEN)
        os.mkdir(self.file("shared"), 0o755)
        os.chmod(self.file("shared"), 0o1777)
        os.symlink("../mine", self.file("shared", "way"))
        os.mkdir(self.file("policy.d"), 0o755)
        os.symlink("../shared/way/x.yaml", self.file("policy.d", "x.yaml"))
        self.do("validate")
        os.lchown(self.file("shared", "way"), 65534, 65534)
        self.refuse("shared: has mode 1777")

    def test_a_parent_of_the_policys_folder(self):
        self.write(self.file("outer", "conf", "policy.yaml"), OPEN)
        self.path = self.file("outer", "conf", "policy.yaml")
        self.do("validate")
        os.chmod(self.file("outer"), 0o777)
        self.refuse("outer: has mode 0777")
        os.chmod(self.file("outer"), 0o755)
        os.chown(self.file("outer"), 65534, -1)
        self.refuse("outer: belongs to user 65534")


class Characters(EditCase):
    """A line that YAML sees and no editor shows."""

    def at(self, text, place, *said):
        self.policy(text)
        told = self.do("validate", code=2).said
        self.assertIn("policy.yaml:" + place, told)
        for part in said:
            self.assertIn(part, told)

    def test_what_ends_a_line_unseen(self):
        for name, character, code in (("NEL", "\u0085", "U+0085"), ("LS", "\u2028", "U+2028"), ("PS", "\u2029", "U+2029"),
                                      ("CR", "\r", "carriage return")):
            with self.subTest(name):
                self.at("version: 1\n# harmless%sdefault: {docker: allow}\n" % character, "2:11", code)
                self.at('version: 1\ndocker:\n  - allow: "a%sb"\n' % character, "3:14", code)

    def test_line_ends_of_windows_are_fine(self):
        self.policy("version: 1\r\ndefault: {docker: deny}\r\n")
        self.do("validate")

    def test_what_turns_a_line_around(self):
        for point in (0x061C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2066, 0x2069):
            with self.subTest(hex(point)):
                self.at("version: 1\n# a%sb\n" % chr(point), "2:4", "U+%04X" % point)
                self.at("version: 1\ndocker:\n  - deny: 'x%s'\n" % chr(point), "3:13", "U+%04X" % point)

    def test_what_does_not_show(self):
        for point in (0xA0, 0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0x3000, 0x3164, 0xFEFF, 0xE0041):
            with self.subTest(hex(point)):
                self.at('version: 1\nnetwork:\n  - deny: "a%s.example.com"\n' % chr(point), "3:13", "U+%04X" % point)
                self.at("version: 1\nnet%swork: []\n" % chr(point), "2:4", "U+%04X" % point)
                self.policy("version: 1\n# a%sb\nnetwork: [] # c%sd\n" % (chr(point), chr(point)))
                self.do("validate")

    def test_an_escape_shows(self):
        self.policy('version: 1\ndocker:\n  - allow: ContainerList\n    comment: "a\\u200Bb\\u2028c"\n')
        self.do("validate")

    def test_other_letters_are_fine(self):
        self.policy('version: 1\ndocker:\n  - allow: ContainerList\n    comment: "für 東京 \u26a0\ufe0f \U0001f600"\n')
        self.do("validate")

    def test_what_a_command_writes_is_escaped(self):
        self.do("allow", "docker", "ContainerList", "--comment", "a\u00a0b\u200dc")
        self.assertIn("\\u00A0" if "\\u00A0" in self.store() else "\\xA0", self.store())
        self.do("validate")

    def test_a_used_file_is_read_by_the_same_rules(self):
        self.write(self.file("x.yaml"), "version: 1\n# a\u2028docker: []\n")
        self.policy("version: 1\nuse: [./x.yaml]\n")
        self.assertIn("x.yaml:2:4", self.do("validate", code=2).said)

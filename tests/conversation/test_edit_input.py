# SPDX-License-Identifier: Apache-2.0
"""Files that are no policy, and words that make none: exit 2, each error with its place, nothing written, and a running gate goes on
with what it has."""

import json
import os
import shutil
import stat
import subprocess
import tempfile

from harness.case import GateCase
from harness.client import get
from harness.edit import LOCK, EditCase
from harness.gate import binary, clean_environment, run, wait_for

DEEP = "version: 1\nnetwork: " + "[" * 40 + "]" * 40 + "\n"
# Name, text of the file, what is said of it behind the file's name.
TEXTS = (
    ("unknown key", "version: 1\nnetwrok: []\n", ":2:1: `netwrok` is no key of a policy; did you mean `network`?"),
    ("two errors at once", "version: 1\nnetwrok: []\nnetwork:\n  - allow: a.example\n    name: [x]\n", ":5:11: `name` takes text here, not a list"),
    ("unknown key of a rule", "version: 1\nnetwork:\n  - allwo: a.example\n", ":3:5: `allwo` is no key of a network rule; did you mean `allow`?"),
    ("wrong type", "version: 1\nnetwork: a.example\n", ":2:10: `network` takes a list of rules, not text"),
    ("wrong type of a scope", "version: 1\nclients: [x]\n", ":2:10: `clients` takes a map of names"),
    ("tab", "version: 1\nnetwork:\n\t- allow: a.example\n", ":3:1: this is not YAML: a TAB stands where only blanks may"),
    ("star", "version: 1\nnetwork:\n  - allow: *.example.com\n", ":3:12: this is not YAML: a text may not begin with `*` unless it is in quotes: write \"*.example.com\""),
    ("backslash", "version: 1\nnetwork:\n  - allow: \"~x\\.y\"\n", ":3:15: this is not YAML: a backslash in double quotes begins an escape, and this is none: put the text in single quotes, '~x\\.y'"),
    ("blanks", "version: 1\nnetwork:\n  - allow: a.example b.example\n", ":3:12: `a.example b.example`: more than one: write a list, `[\"a.example\", \"b.example\"]`"),
    ("alias", "version: 1\nnetwork: &a\n  - allow: b.example\ndocker: *a\n", ":2:10: anchors"),
    ("alias, too", "version: 1\nnetwork: &a\n  - allow: b.example\ndocker: *a\n", ":4:9: aliases"),
    ("tag", "version: 1\nnetwork: !x []\n", ":2:10: tags"),
    ("duplicate key", "version: 1\nnetwork: []\nnetwork: []\n", ":3:1: the key `network` stands here for the second time (first in line 2)"),
    ("byte order mark", b"\xef\xbb\xbfversion: 1\n", ":1:1: begins with a byte order mark: save it as UTF-8 without one"),
    ("two documents", "version: 1\n---\nversion: 1\n", ":2:1: a policy file holds one document"),
    ("deep nesting", DEEP, ":2:41: nested deeper than 32 levels"),
    ("invalid UTF-8", b"version: 1\nnetwork:\n  - allow: \"a\xff.example\"\n", ":3:14: this is not YAML"),
    ("NUL", b"version: 1\nnetwork:\n  - allow: \"a\\0.example\"\n", ":3:12: a NUL character"),
    ("non-ASCII host", "version: 1\nnetwork:\n  - allow: b\u00fc.example\n", ":3:12: `b\\xc3\\xbc.example`: a host is written in ASCII"),
    ("impossible pattern", "version: 1\nnetwork:\n  - allow: \"a.*.example\"\n", ":3:12: `a.*.example`: a star stands alone"),
    ("impossible path", "version: 1\ndocker:\n  - allow: {path: /nothing/of/this}\n", ":3:19: `/nothing/of/this` can never match"),
    ("not a map", "- version\n", ":1:1: a policy is a map that begins with `version: 1`, not a list"),
    ("other version", "version: 2\n", ":1:10: `version` is 1"),
)
COMMANDS = (["allow", "network", "new.example.com"], ["deny", "docker", "@exec"], ["set-default", "deny-all"], ["init", "balanced"],
            ["rm", "network", "old.example.com"], ["reset", "--force", "--client", "x"])


class Files(EditCase):
    """What stands in policy.yaml or 90-cli.yaml before a command comes."""

    def content(self):
        """Everything below the folder but folders: name, content, inode."""
        found = []
        for folder, _, names in os.walk(self.folder):
            for name in sorted(set(names) - {LOCK}):
                path = os.path.join(folder, name)
                with open(path, "rb") as stream:
                    found.append((path, os.stat(path).st_size, stream.read(65536), os.stat(path).st_ino))
        return found

    def refused(self, place, *said, commands=COMMANDS):
        before = self.content()
        for words in commands:
            done = self.do(*words, code=2)
            for part in said:
                self.assertIn(place + part, done.stderr.replace(self.folder + "/", ""), words)
            self.assertIn("nothing was written", done.stderr)
            self.assertEqual(done.stdout, "")
        answer = self.json("allow", "network", "new.example.com", code=2)
        self.assertFalse(answer["changed"])
        self.assertTrue(any(error["file"].endswith(place) for error in answer["errors"]))
        self.assertEqual(self.content(), before)

    def test_texts_that_are_no_policy(self):
        for place, path in (("policy.yaml", self.path), ("policy.d/90-cli.yaml", self.cli)):
            for number, (name, text, said) in enumerate(TEXTS):
                with self.subTest("%s: %s" % (place, name)):
                    self.policy("version: 1\n")
                    self.write(path, text)
                    self.refused(place, said, commands=COMMANDS if number < 2 else COMMANDS[number % 2::4])
            self.write(path, "version: 1\n")

    def test_errors_of_several_files_are_said_at_once(self):
        self.policy("version: 1\nnetwrok: []\n")
        self.write(self.file("policy.d", "10-a.yaml"), "version: 1\nmode: x\n")
        self.write(self.cli, "version: 1\nuse: preset/nmp\n")
        said = self.do("allow", "network", "a.example.com", code=2).said
        for part in ("policy.yaml:2:1: ", "policy.d/10-a.yaml:2:7: ", "policy.d/90-cli.yaml:2:6: there is no `preset/nmp`; did you mean `preset/npm`?"):
            self.assertIn(part, said)

    def test_what_is_no_file(self):
        for place, path in (("policy.yaml", self.path), ("policy.d/90-cli.yaml", self.cli)):
            with self.subTest(place):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                if os.path.exists(path):
                    os.unlink(path)
                os.mkdir(path)
                self.refused(place, ": is not a regular file")
                os.rmdir(path)
                os.mkfifo(path)
                for words in COMMANDS:
                    self.assertIn(place + ": is not a regular file", self.do(*words, code=2).said)
                os.unlink(path)
                self.policy("version: 1\n")

    def test_a_link_in_the_place_of_the_file(self):
        self.write(self.file("mine.yaml"), "version: 1\n")
        os.mkdir(self.file("policy.d"), 0o755)
        os.symlink("../mine.yaml", self.cli)
        self.assertIn("policy.d/90-cli.yaml: is a link", self.do("allow", "network", "a.example.com", code=2).said)
        self.assertTrue(os.path.islink(self.cli))

    def test_a_folder_or_nothing_in_the_place_of_the_policy(self):
        """`--config /etc/dockreeve` must not make /etc/policy.d, nor `--config "$UNSET"` one where somebody happens to be."""
        inner = self.file("inner")
        os.mkdir(inner)
        for config, said in ((inner, "inner: is not a regular file but a folder"), (inner + "/", "but a folder"), ("", "--config takes a file, and is empty")):
            for words in (*COMMANDS, ["reset", "--force"]):
                with self.subTest(config + " " + " ".join(words)):
                    done = subprocess.run([binary(), "policy", *words, "--config", config], cwd=inner, env=clean_environment(), capture_output=True, text=True,
                                          stdin=subprocess.DEVNULL, check=False)
                    self.assertEqual(done.returncode, 2, done.stdout)
                    self.assertIn(said, done.stderr)
                    self.assertEqual(sorted(os.listdir(self.folder)), ["inner", "policy.yaml"])
                    self.assertEqual(os.listdir(inner), [])

    def test_what_others_can_write(self):
        self.do("allow", "network", "old.example.com")
        for place, path, mode in (("policy.yaml", self.path, 0o644), ("policy.d/90-cli.yaml", self.cli, 0o644), ("policy.d", self.file("policy.d"), 0o755)):
            for more in (0o020, 0o002):
                with self.subTest("%s %o" % (place, mode | more)):
                    os.chmod(path, mode | more)
                    self.refused(place, ": has mode %04o, so others can write it" % (mode | more))
                    os.chmod(path, mode)
        self.do("allow", "network", "new.example.com")

    def test_what_belongs_to_somebody_else(self):
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        self.do("allow", "network", "old.example.com")
        for place, path in (("policy.yaml", self.path), ("policy.d/90-cli.yaml", self.cli), ("policy.d", self.file("policy.d"))):
            with self.subTest(place):
                os.chown(path, 12345, -1)
                self.refused(place, ": belongs to user 12345")
                os.chown(path, 0, -1)

    def test_a_file_over_128_megabytes(self):
        for place, path in (("policy.yaml", self.path), ("policy.d/90-cli.yaml", self.cli)):
            with self.subTest(place):
                self.policy("version: 1\n")
                self.write(path, "version: 1\n")
                os.truncate(path, 128 * 1024 * 1024 + 1)
                self.assertIn(place + ": larger than 128 MB", self.do("allow", "network", "a.example.com", code=2).said)
                self.assertEqual(os.stat(path).st_size, 128 * 1024 * 1024 + 1)
                os.truncate(path, 11)

    def test_what_may_not_be_read_or_written(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.do("allow", "network", "old.example.com")
        before = self.content()
        done = self.as_nobody("allow", "network", "new.example.com")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("90-cli.yaml cannot be written: Permission denied", done.stderr)
        for place, path in (("policy.yaml", self.path), ("90-cli.yaml", self.cli)):
            with self.subTest(place):
                os.chmod(path, 0o600)
                done = self.as_nobody("allow", "network", "new.example.com")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(place + ": cannot be opened: Permission denied", done.stderr)
                os.chmod(path, 0o644)
        os.rename(self.file("policy.d"), self.file("away"))
        done = self.as_nobody("allow", "network", "new.example.com")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("policy.d: cannot be made: Permission denied", done.stderr)
        self.assertFalse(os.path.exists(self.file("policy.d")))
        os.rename(self.file("away"), self.file("policy.d"))
        self.assertEqual(self.content(), before)

    def test_the_mode_does_not_follow_the_umask(self):
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        self.do("allow", "network", "a.example.com")
        self.assertEqual(stat.S_IMODE(os.stat(self.cli).st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(self.file("policy.d")).st_mode), 0o755)


class Words(EditCase):
    """The same as arguments. What a document cannot hold, or only quoted, reaches the policy as it was said, or not at all."""

    def test_words_that_make_no_policy(self):
        self.do("allow", "network", "old.example.com")
        before = self.store()
        rows = (
            ("invalid UTF-8 host", ["allow", "network", b"a\xff.example"], "`a\\xff.example` is not UTF-8"),
            ("invalid UTF-8 comment", ["allow", "network", "a.example", "--comment", b"a\xed\xa0\x80"], "`a\\xed\\xa0\\x80` is not UTF-8"),
            ("non-ASCII host", ["allow", "network", "b\u00fc.example"], "a host is written in ASCII"),
            ("impossible pattern", ["allow", "network", "a.*.example"], "a star stands alone"),
            ("impossible path", ["allow", "docker", "--path", "/nothing"], "can never match"),
            ("line end", ["allow", "network", "a.example\nx"], "`a.example\\x0ax`: "),
            ("tab", ["allow", "network", "a\t.example"], "`a\\x09.example`: "),
            ("syntax", ["allow", "network", "*a"], "a star stands alone"),
            ("syntax, too", ["allow", "docker", "{allow: x}"], "there is no operation"),
            ("a key of where", ["allow", "docker", "ContainerStop", "--where", "a: b=c"], "is no key of `where`"),
            ("an empty selector", ["allow", "docker", ""], "`allow` is empty"),
            ("an empty name", ["allow", "network", "a.example", "--client", ""], "a client's name has"),
            ("a client that is a key", ["allow", "network", "a.example", "--client", "x: {}"], "a client's name has"),
        )
        for name, words, said in rows:
            with self.subTest(name):
                done = self.do(*words, code=2)
                self.assertIn(said, done.said)
                self.assertNotRegex(done.said.replace("\n", ""), "[\\x00-\\x1f]")
                self.assertEqual(self.store(), before)

    def test_any_comment_is_kept_as_it_was_said(self):
        words = ("true", "~", "null", "1", "-", "- x", "a: b", "# x", "'", '"', "\\", "&a", "*a", "!x", "%x", "@x", "`x", "x\ny", "\t", " x ", "{", "[x]", "|", ">",
                 "\u00fc \u4e2d \U0001f600", "\u2028\u2029\u0085", "\ufeff\u202e", "\x7f\x1b[2J", "---", "...", "<<", "x" * 3000, "2027-01-01", "0o17", "1:30", "=", "?")
        for word in words:
            with self.subTest(repr(word)):
                self.do("reset", "--force")
                self.do("allow", "network", "a.example.com", "--comment", word, "--name", word)
                self.assertEqual([row["name"] for row in self.rules()], [word])
                self.assertIn("already there", self.do("allow", "network", "a.example.com", "--comment", word, "--name", word).stdout)


class Readers(EditCase):
    """The commands that read a policy and change none refuse the same files, with the same words."""

    def setUp(self):
        super().setUp()
        self.write(self.file("requests.yaml"), "tests:\n  - network: a.example.com:443\n    expect: deny\n")
        self.write(self.file("access.jsonl"), "")
        self.commands = (["validate"], ["ls"], ["ls", "--json"], ["inspect", "00000001"], ["check", "network", "a.example.com"],
                         ["check", "docker", "GET /info", "--json"], ["explain", "network", "a.example.com"], ["explain", "docker", "ContainerList"],
                         ["test", self.file("requests.yaml")], ["suggest", "--log", self.file("access.jsonl")],
                         ["suggest", "--diff", "--log", self.file("access.jsonl")])

    def refused(self, said, commands=None):
        for words in commands or self.commands:
            with self.subTest(" ".join(words)):
                done = self.do(*words, code=2)
                self.assertIn(said, done.stderr.replace(self.folder + "/", ""))
                self.assertEqual(done.stdout, "")
        answer = self.json("validate", code=2)
        self.assertFalse(answer["valid"])
        self.assertTrue(answer["errors"])

    def test_texts_that_are_no_policy(self):
        for place, path in (("policy.yaml", self.path), ("policy.d/90-cli.yaml", self.cli)):
            for number, (name, text, said) in enumerate(TEXTS):
                with self.subTest("%s: %s" % (place, name)):
                    self.policy("version: 1\n")
                    self.write(path, text)
                    self.refused(place + said, self.commands[number % 4::4] if number else None)
            self.write(path, "version: 1\n")

    def test_what_is_no_file_or_may_be_written_by_others(self):
        self.do("allow", "network", "old.example.com")
        for place, path, mode in (("policy.yaml", self.path, 0o666), ("policy.d/90-cli.yaml", self.cli, 0o664), ("policy.d", self.file("policy.d"), 0o777)):
            before = os.stat(path).st_mode & 0o777
            os.chmod(path, mode)
            self.refused(place + ": has mode %04o, so others can write it" % mode)
            os.chmod(path, before)
        os.truncate(self.cli, 128 * 1024 * 1024 + 1)
        self.refused("policy.d/90-cli.yaml: larger than 128 MB", self.commands[::4])
        os.unlink(self.cli)
        os.mkfifo(self.cli)
        self.refused("policy.d/90-cli.yaml: is not a regular file")
        os.unlink(self.cli)
        os.mkdir(self.cli)
        self.refused("policy.d/90-cli.yaml: is not a regular file")
        os.rmdir(self.cli)
        os.unlink(self.path)
        self.refused("policy.yaml: there is no such file")

    def test_what_may_not_be_read(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        os.chmod(self.path, 0o600)
        for words in self.commands:
            with self.subTest(" ".join(words)):
                done = self.as_nobody(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(self.path + ": ", done.stderr)

    def test_files_of_requests_that_are_none(self):
        rows = (("unknown key", "tests:\n  - netwrok: a\n", ":2:5: "), ("alias", "tests: &a []\n", ":1:8: anchors"), ("tab", "tests:\n\t- a\n", ":2:1: "),
                ("duplicate key", "tests: []\ntests: []\n", ":2:1: the key `tests` stands here for the second time"),
                ("invalid UTF-8", b"tests: \xff\n", ":1:8: this is not YAML"), ("empty", "", ":1:1: "), ("deep", "tests: " + "[" * 40 + "]" * 40 + "\n", "deeper than 32"),
                ("byte order mark", b"\xef\xbb\xbftests: []\n", ":1:1: begins with a byte order mark"))
        for name, text, said in rows:
            with self.subTest(name):
                self.write(self.file("requests.yaml"), text)
                done = self.do("test", self.file("requests.yaml"), code=2)
                self.assertIn("requests.yaml" + said if said[0] == ":" else said, done.stderr)
                self.assertEqual(done.stdout, "")


class Running(GateCase):
    def test_status_and_reload_tell_what_is_wrong(self):
        gate = self.start_gate("version: 1\ndocker:\n  - allow: ContainerList\n", options=("--state", self.state()))
        for name, text, said in TEXTS:
            with self.subTest(name):
                if isinstance(text, str):
                    text = text.encode()
                with open(gate.policy_path, "wb") as out:
                    out.write(text)
                done = run("policy", "reload", "--state", self.folder)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn("policy.yaml" + said, done.stdout + done.stderr)
                self.assertIn("policy.yaml" + said, run("policy", "status", "--state", self.folder).stdout)
                self.assertEqual(gate.ask(get("/containers/json")).status, 200)

    def state(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-state-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        return self.folder

    def test_a_running_gate_is_untouched(self):
        gate = self.start_gate("version: 1\ndocker:\n  - allow: ContainerList\n")
        before = len(gate.log(event="policy"))
        for words in (["allow", "docker", "ContainerStrat"], ["allow", "network", "~("], ["rm", "docker", "ContainerList"], ["rm", "00000000"], ["reset"]):
            self.assertNotEqual(run("policy", *words, "--config", gate.policy_path).returncode, 0)
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.assertFalse(os.path.exists(gate.file("policy.d", "90-cli.yaml")))
        done = run("policy", "allow", "docker", "ImageList", "--config", gate.policy_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: gate.ask(get("/images/json")).status == 200, "the good rule to hold", gate.process)
        self.assertEqual([record for record in gate.log(event="policy")[before:] if record["decision"] == "deny"], [])
        added = json.loads(run("policy", "ls", "--json", "--config", gate.policy_path, "--source", "90-cli.yaml").stdout)
        self.assertEqual([rule["resource"] for rule in added], ["ImageList"])

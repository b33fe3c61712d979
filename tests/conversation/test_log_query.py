# SPDX-License-Identifier: Apache-2.0
"""`policy log` as evidence: every filter over the traffic of a real gate and over written logs, in text and JSON, over rotated files;
the summary; what is refused as an option; and that nothing a client sent reaches a terminal as it was."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import wire
from harness.case import GateCase
from harness.client import get, post
from harness.egress import EgressCase, connect, forward
from harness.gate import binary, clean_environment, run

POLICY = """version: 1
docker:
  - name: look at them
    allow: [ContainerList, ContainerInspect]
  - deny: ContainerExec
clients:
  ci:
    listen: unix:@FOLDER@/admin/ci.sock
  learner:
    listen: unix:@FOLDER@/state/learner.sock
    mode: report
"""

HOSTILE = ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202ereversed", "\x9b2J", "tab\there", "line\nbreak", "\x7f", "\ufeffbom"]


def record(time, client="ci", **fields):
    """One line as the gate writes it."""
    found = {"ts": time, "event": "request", "kind": "docker", "client": client, "via": "docker"}
    found.update(fields)
    return json.dumps(found, separators=(",", ":"))


def egress(time, host, decision="allow", client="agents", via="forward", port=443, **fields):
    return record(time, client, kind="network", via=via, host=host, port=port, decision=decision, **fields)


# From the oldest file to the newest.
WRITTEN = [
    [record("2026-11-19T23:00:00.000000Z", operation="ImageList", method="GET", decision="allow", rule="images", source="/etc/d/policy.yaml:4"),
     egress("2026-11-20T09:00:00.000000Z", "a.example.org", rule="*.example.org", source="/etc/d/policy.yaml:9", address="203.0.113.7")],
    [egress("2026-11-20T10:00:00.000000Z", "example.org", "deny", rule="default", source="default", reason="default"),
     egress("2026-11-20T10:30:00.000000Z", "b.a.example.org", port=8443, rule="*.example.org", source="/etc/d/policy.yaml:9"),
     record("2026-11-20T11:00:00.000000Z", operation="ContainerCreate", method="POST", decision="allow", would_deny="guard.binds",
            rule="guard binds", source="/etc/d/policy.yaml:20", reason="guard.binds"),
     "this is no record"],
    [record("2026-11-20T12:00:00.000000Z", "agents", event="suppressed", decision="deny", reason="limit.denial-rate", count=41),
     record("2026-11-20T12:30:00.000000Z", event="start", client="", text="listening"),
     egress("2026-11-20T13:00:00.000000Z", "2001:db8::1", via="transparent", rule="2001:db8::/32", source="preset/x:3"),
     egress("2026-11-20T13:30:00.000000Z", "b.a.example.org", via="dns", port=None, question="AAAA", rule="*.example.org",
            source="/etc/d/policy.yaml:9", address="2001:db8::9,203.0.113.7")],
]


class WrittenLog(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "access.jsonl")

    def write(self, files, torn=""):
        for number, lines in enumerate(reversed(files)):
            with open(self.path + (".%d" % number if number else ""), "w", encoding="utf-8") as out:
                out.write("".join(line.replace(',"port":null', "") + "\n" for line in lines) + (torn if number == 0 else ""))

    def ask(self, *arguments, code=0):
        done = run("policy", "log", "--log", self.path, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def times(self, *arguments):
        """Hour and minute of the records that are shown, which is how the written ones are told apart."""
        shown = [json.loads(line)["ts"][11:16] for line in self.ask("--json", *arguments).stdout.splitlines()]
        for more in (["--limit", "0"], ["--limit", "9"]):
            again = [json.loads(line)["ts"][11:16] for line in self.ask("--json", *arguments, *more).stdout.splitlines()]
            self.assertEqual(again, shown, "forwards and backwards")
        in_table = [line[11:16] for line in self.ask(*arguments).stdout.splitlines()]
        self.assertEqual(in_table, shown, "as a table")
        return " ".join(shown)

    def test_filters(self):
        self.write(WRITTEN)
        every = "23:00 09:00 10:00 10:30 11:00 12:00 12:30 13:00 13:30"
        rows = [
            ([], every),
            (["--denied"], "10:00 11:00 12:00"),
            (["--allowed"], "23:00 09:00 10:30 13:00 13:30"),
            (["agents"], "09:00 10:00 10:30 12:00 13:00 13:30"),
            (["--client", "ci"], "23:00 11:00"),
            (["--sandbox", "ci"], "23:00 11:00"),
            (["--sandbox", "nobody"], ""),
            (["--type", "docker"], "23:00 11:00 12:00 12:30"),
            (["--type", "network"], "09:00 10:00 10:30 13:00 13:30"),
            (["--via", "dns"], "13:30"),
            (["--via", "transparent"], "13:00"),
            (["--host", "example.org"], "10:00"),
            (["--host", "EXAMPLE.org."], "10:00"),
            (["--host", "*.example.org"], "09:00 10:30 13:30"),
            (["--host", "*.example.org:8443"], "10:30"),
            (["--host", "*.example.org:443,8000-9000"], "09:00 10:30"),
            (["--host", "~[ab].*"], "09:00 10:30 13:30"),
            (["--host", "2001:db8::/32"], "13:00 13:30"),
            (["--host", "[2001:db8::1]:443"], "13:00"),
            (["--host", "203.0.113.7"], "09:00 13:30"),
            (["--operation", "ContainerCreate"], "11:00"),
            (["--operation", "Container*"], "11:00"),
            (["--operation", "@read"], "23:00"),
            (["--operation", "@read,ContainerCreate"], "23:00 11:00"),
            (["--rule", "*.example.org"], "09:00 10:30 13:30"),
            (["--rule", "policy.yaml:4"], "23:00"),
            (["--rule", "policy.yaml"], "23:00 09:00 10:30 11:00 13:30"),
            (["--rule", "preset/x"], "13:00"),
            (["--rule", "default"], "10:00"),
            (["--since", "2026-11-20"], every[6:]),
            (["--since", "2026-11-20T10:30"], "10:30 11:00 12:00 12:30 13:00 13:30"),
            (["--until", "2026-11-20T10:30:00Z"], "23:00 09:00 10:00"),
            (["--since", "2026-11-20 12:00+01:00", "--until", "2026-11-20T12:00:00.5"], "11:00 12:00"),
            (["--since", "1h"], ""),
            (["--until", "1s", "--denied", "--host", "*"], "10:00"),
            (["--denied", "--type", "docker", "ci"], "11:00"),
        ]
        for arguments, expected in rows:
            with self.subTest(" ".join(arguments)):
                self.assertEqual(self.times(*arguments), expected)

    def test_a_limit_counts_what_matches(self):
        self.write(WRITTEN)
        self.assertEqual([json.loads(line)["ts"][11:16] for line in self.ask("--json", "--host", "*.example.org", "-n", "2").stdout.splitlines()],
                         ["10:30", "13:30"])

    def test_the_gate_itself_is_apart_and_takes_no_place_of_a_request(self):
        self.write(WRITTEN)
        self.assertEqual([json.loads(line)["ts"][11:16] for line in self.ask("--json", "-n", "3").stdout.splitlines()],
                         ["12:00", "12:30", "13:00", "13:30"], "12:30 is the start of a gate")
        text = self.ask("-n", "3", "--format", "table").stdout
        self.assertIn("\n2026-11-20T12:30:00Z  -- gate: start, listening\n", text)
        title = text.splitlines()[0]
        self.assertEqual(title.split(), ["TIME", "CLIENT", "DECISION", "OPERATION", "PATH", "STATUS", "RULE", "SOURCE", "DURATION", "VIA", "REASON"])
        # However much it says, as many of its records as there may be requests are kept.
        self.write([[record("2026-11-20T10:00:00.000000Z", operation="ImageList", decision="allow")] +
                    [record("2026-11-20T11:00:%02d.000000Z" % second, event="policy", client="", text="x") for second in range(50)]])
        self.assertEqual(self.ask("-n", "5").stdout.count("(policy)"), 5)
        self.assertEqual(self.ask("-n", "5").stdout.count("\tImageList\t"), 1)

    def test_rows_say_which_way_and_why(self):
        self.write(WRITTEN)
        rows = [line.split("\t") for line in self.ask("--denied").stdout.splitlines()]
        self.assertEqual([(row[2], row[-2], row[-1]) for row in rows],
                         [("deny", "forward", "default"), ("would-deny", "docker", "guard.binds"), ("deny", "docker", "limit.denial-rate")])

    def test_formats(self):
        self.write(WRITTEN)
        for more in ([], ["--summary"]):
            with self.subTest(" ".join(more)):
                self.assertEqual(self.ask("--format", "tsv", *more).stdout, self.ask(*more).stdout, "what a pipe is given")
                self.assertEqual(self.ask("--format", "json", *more).stdout, self.ask("--json", *more).stdout)
                shown = re.sub(r"\x1b\[[0-9]*m|\r|note: .*\n", "", self.on_terminal(*more).decode())
                self.assertEqual(self.ask("--format", "table", *more).stdout, shown)
        summary = self.ask("--summary").stdout.splitlines()
        table = self.ask("--summary", "--format", "table").stdout.splitlines()
        self.assertEqual(summary[0].split("\t")[:-1], table[1].split(), "the same columns in the same order")
        for words in (["--format", "yaml"], ["--format", "table", "--json"], ["--format", "json", "-q"], ["--format", "tsv", "--html", "-"]):
            self.assertEqual(run("policy", "log", "--log", self.path, *words).returncode, 2, words)

    def test_lost_records_are_told(self):
        self.write([WRITTEN[0] + [record("2026-11-20T12:00:00.000000Z", event="lost", client="", text="no space", count=number) for number in (3, 4)]])
        done = self.ask("--summary", "--client", "ci")
        self.assertIn("could not write 7 records", done.stderr)
        self.assertEqual(json.loads(self.ask("--summary", "--json").stdout)["lost"], 7)
        self.assertNotIn("could not write", self.ask("--summary", "--until", "2026-11-20T11:00").stderr)

    def test_what_is_no_record_is_told(self):
        self.write(WRITTEN, torn='{"ts":"2026-')
        done = self.ask("--limit", "0")
        self.assertIn("1 line of the log could not be read", done.stderr)
        self.assertIn("has no end", done.stderr)

    def test_a_client_that_the_log_does_not_know(self):
        self.write(WRITTEN)
        for more in ([], ["--limit", "0"], ["--summary"], ["--json"]):
            done = self.ask("agent", *more)
            self.assertIn("no record of a client agent; it has records of ci, agents; did you mean `agents`?\n", done.stderr, more)
        self.assertIn("note: the log has no record of a client nobody\\x1b; it has", self.ask("--sandbox", "nobody\x1b").stderr)
        self.assertNotIn("no record of a client", self.ask("ci", "--since", "2027-01-01").stderr, "it is known, and asked for nothing then")

    def test_names_only(self):
        self.write(WRITTEN)
        self.assertEqual(self.ask("-q", "--since", "2026-11-20T10:30").stdout.splitlines(),
                         ["b.a.example.org:8443", "ContainerCreate", "[2001:db8::1]:443", "b.a.example.org"])
        self.assertEqual(self.ask("-q", "-n", "1", "--until", "2026-11-20T12:45").stdout, "ContainerCreate\n")
        self.assertEqual(self.ask("-q", "--summary").stdout.splitlines(),
                         ["ContainerCreate", "example.org:443", "ImageList", "[2001:db8::1]:443", "a.example.org:443", "b.a.example.org",
                          "b.a.example.org:8443"])

    def test_summary(self):
        self.write(WRITTEN + [[egress("2026-11-20T14:00:00.000000Z", "a.example.org", rule="*.example.org", source="/etc/d/policy.yaml:9"),
                               record("2026-11-20T14:30:00.000000Z", event="stop", client="")]])
        rows = [line.split("\t") for line in self.ask("--summary").stdout.splitlines()]
        self.assertEqual(rows, [
            ["SANDBOX", "TYPE", "HOST", "VIA", "RULE", "REASON", "LAST-SEEN", "COUNT", "DECISION"],
            ["agents", "docker", "-", "docker", "-", "limit.denial-rate", "2026-11-20T12:00:00.000000Z", "41", "deny"],
            ["agents", "network", "example.org:443", "forward", "default", "default", "2026-11-20T10:00:00.000000Z", "1", "deny"],
            ["ci", "docker", "ContainerCreate", "docker", "guard binds (/etc/d/policy.yaml:20)", "guard.binds",
             "2026-11-20T11:00:00.000000Z", "1", "would-deny"],
            ["agents", "network", "a.example.org:443", "forward", "*.example.org (/etc/d/policy.yaml:9)", "-",
             "2026-11-20T14:00:00.000000Z", "2", "allow"],
            ["agents", "network", "[2001:db8::1]:443", "transparent", "2001:db8::/32 (preset/x:3)", "-", "2026-11-20T13:00:00.000000Z", "1", "allow"],
            ["agents", "network", "b.a.example.org", "dns", "*.example.org (/etc/d/policy.yaml:9)", "-", "2026-11-20T13:30:00.000000Z", "1", "allow"],
            ["agents", "network", "b.a.example.org:8443", "forward", "*.example.org (/etc/d/policy.yaml:9)", "-",
             "2026-11-20T10:30:00.000000Z", "1", "allow"],
            ["ci", "docker", "ImageList", "docker", "images (/etc/d/policy.yaml:4)", "-", "2026-11-19T23:00:00.000000Z", "1", "allow"]])
        document = json.loads(self.ask("--summary", "--json").stdout)
        self.assertEqual([(row["count"], row["decision"], row.get("would_deny")) for row in document["blocked"]],
                         [(41, "deny", None), (1, "deny", None), (1, "allow", "guard.binds")])
        self.assertEqual(document["allowed"][0], {
            "decision": "allow", "client": "agents", "kind": "network", "host": "a.example.org:443", "via": "forward", "rule": "*.example.org",
            "source": "/etc/d/policy.yaml:9", "first_seen": "2026-11-20T09:00:00.000000Z", "last_seen": "2026-11-20T14:00:00.000000Z",
            "count": 2, "bytes_in": 0, "bytes_out": 0})
        self.assertEqual(document["allowed"][-1]["operation"], "ImageList")
        self.assertEqual(len(self.ask("--summary", "--limit", "1").stdout.splitlines()), 4, "the titles and one row of each block")
        self.assertEqual(self.ask("--summary", "--denied", "--type", "network").stdout.count("\n"), 2)

    def test_an_empty_summary(self):
        self.write([[]])
        self.assertEqual(self.ask("--summary").stdout, "")
        self.assertEqual(json.loads(self.ask("--summary", "--json").stdout), {"blocked": [], "allowed": []})

    def test_a_long_log_over_files(self):
        """More than the blocks in which files are read, with times to be found in the middle."""
        files = [[record("2026-11-20T%02d:%02d:%02d.%06dZ" % (10 + number, i // 200, i // 4 % 50, i % 4), operation="ContainerList",
                         path="/containers/" + "x" * 300, decision="deny" if i % 1000 == 7 else "allow", seq=i)
                  for i in range(9000)] for number in range(3)]
        self.write(files)
        self.assertEqual(len(self.ask("--json", "--denied", "--limit", "0").stdout.splitlines()), 27)
        found = [json.loads(line) for line in self.ask("--json", "--limit", "0", "--since", "2026-11-20T11:20", "--until", "2026-11-20T11:21").stdout.splitlines()]
        self.assertEqual([line["seq"] for line in found], list(range(4000, 4200)))
        found = [json.loads(line) for line in self.ask("--json", "--limit", "3", "--until", "2026-11-20T12:00").stdout.splitlines()]
        self.assertEqual([line["seq"] for line in found], [8997, 8998, 8999])

    def test_bad_values(self):
        self.write(WRITTEN)
        rows = [
            (["--since", "soon"], ["--since `soon`", "2h", "2026-11-20T10:00"]),
            (["--until", "2026-02-30"], ["--until"]),
            (["--since", "1h", "--until", "2h"], ["--until is not later than --since"]),
            (["--type", "http"], ["docker or network"]),
            (["--via", "pigeon"], ["forward", "transparent", "browser-open"]),
            (["--operation", "ContainerLsit"], ["did you mean `ContainerList`?"]),
            (["--operation", "@raed"], ["did you mean `@read`?"]),
            (["--host", "https://example.org/"], ["--host"]),
            (["--host", "\x1b[31m"], ["--host `\\x1b[31m`"]),
            (["--denied", "--allowed"], ["--denied and --allowed"]),
            (["--follow", "--summary"], ["--summary", "--follow"]),
            (["--follow", "--until", "1h"], ["--until"]),
            (["--json", "-q"], ["--quiet", "--json"]),
            (["ci", "--client", "ci"], ["one client or sandbox"]),
            (["ci", "agents"], ["one client or sandbox"]),
            (["--sumary"], ["did you mean --summary?"]),
            (["--limit", "some"], ["--limit"]),
        ]
        for arguments, parts in rows:
            with self.subTest(" ".join(arguments)):
                done = self.ask(*arguments, code=2)
                self.assertEqual(done.stdout, "")
                for part in parts:
                    self.assertIn(part, done.stderr)

    def test_following_goes_on_where_the_reading_ended(self):
        """Also in the middle of a line that was half written, and whichever way the log was read before."""
        whole = egress("2026-11-20T15:00:00.000000Z", "late.example.org", rule="x")
        for limit in ("0", "3", "50"):
            with self.subTest(limit):
                self.write(WRITTEN, torn=whole[:40])
                process = subprocess.Popen([binary(), "policy", "log", "--log", self.path, "--follow", "--json", "--limit", limit, "--type", "network"],
                                           stdout=subprocess.PIPE, env=clean_environment(), text=True)
                try:
                    shown = [json.loads(process.stdout.readline())["ts"][11:16] for _ in range(3 if limit == "3" else 5)]
                    self.assertEqual(shown[-3:], ["10:30", "13:00", "13:30"])
                    with open(self.path, "a", encoding="utf-8") as out:
                        out.write(whole[40:] + "\n")
                    self.assertEqual(json.loads(process.stdout.readline())["host"], "late.example.org")
                finally:
                    process.terminate()
                    self.assertEqual(process.wait(10), 0)
                    process.stdout.close()

    def rotated_while_stopped(self, kept, rotations):
        """The hosts that a follower shows when its log is rotated while it cannot look, and what it says."""
        def write(number):
            with open(self.path, "a", encoding="utf-8") as out:
                out.write(egress("2026-11-20T15:00:00.000000Z", "h%d.example.org" % number, rule="x") + "\n")
        for name in os.listdir(os.path.dirname(self.path)):
            if name.startswith(os.path.basename(self.path)):
                os.remove(os.path.join(os.path.dirname(self.path), name))
        write(-1)
        os.rename(self.path, self.path + ".1")
        write(0)
        process = subprocess.Popen([binary(), "policy", "log", "--log", self.path, "--follow", "-q", "--limit", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=clean_environment(), text=True)
        try:
            shown = [process.stdout.readline()]
            write(1)
            shown.append(process.stdout.readline())  # now it follows
            process.send_signal(signal.SIGSTOP)
            while open("/proc/%d/stat" % process.pid, encoding="ascii").read().rpartition(")")[2].split()[0] != "T":
                pass
            for number in range(rotations):
                for place in range(kept, 0, -1):
                    source = self.path + (".%d" % (place - 1) if place > 1 else "")
                    if os.path.exists(source):
                        os.rename(source, self.path + ".%d" % place)
                write(number + 2)
            process.send_signal(signal.SIGCONT)
            while "h%d." % (rotations + 1) not in shown[-1]:
                shown.append(process.stdout.readline())
        finally:
            process.terminate()
            said = process.communicate(timeout=10)
        self.assertEqual(said[0], "")
        return [int(line.partition(".")[0][1:]) for line in shown], said[1]

    def test_following_loses_nothing_that_rotations_keep(self):
        for kept, rotations, lost in ((5, 3, []), (3, 3, []), (2, 3, []), (1, 3, [2, 3])):
            with self.subTest(kept=kept):
                hosts, said = self.rotated_while_stopped(kept, rotations)
                self.assertEqual(hosts, [number for number in range(rotations + 2) if number not in lost or number > rotations - kept], said)
                self.assertEqual("records may be missing" in said, kept <= 2, said)

    def test_no_log(self):
        self.assertIn("there is no log", self.ask("--summary", code=3).stderr)
        done = run("policy", "log", "--log", "-", "--summary")
        self.assertEqual((done.returncode, "docker logs" in done.stderr), (3, True))

    # -- on a terminal

    def on_terminal(self, *arguments, until=None):
        """What the command writes to a terminal: all of it, or what came when until() first holds (then it is interrupted)."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(binary(), [binary(), "policy", "log", "--log", self.path, *arguments],
                      {**clean_environment(), "TERM": "xterm", "NO_COLOR": "1"})
        said = b""
        try:
            while until is None or not until(said):
                if not select.select([terminal], [], [], wire.DEADLINE)[0]:
                    self.fail("nothing more on the terminal: %r" % said)
                try:
                    more = os.read(terminal, 65536)
                except OSError:
                    break
                if not more:
                    break
                said += more
        finally:
            if until is not None:
                os.kill(pid, signal.SIGINT)
            _, status = os.waitpid(pid, 0)
            os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, said)
        return said

    def assert_safe(self, said):
        text = said.replace(b"\r\n", b"\n").decode("utf-8")
        for letter in text:
            self.assertTrue(letter == "\n" or (letter.isprintable() and ord(letter) not in (0xfeff, 0x202e)), "%r in %r" % (letter, text))
        return text

    def hostile(self, **fields):
        return [record("2026-11-20T10:00:%02d.000000Z" % i, client="c" + text, method="GET", path="/" + text, operation="X" + text,
                       object=text, decision="deny" if i % 2 else "allow", rule=text, source=text, reason=text, **fields)
                for i, text in enumerate(HOSTILE)] + [
                    egress("2026-11-20T11:00:%02d.000000Z" % i, "h" + text, "deny", rule=text, via=text, would_deny=text)
                    for i, text in enumerate(HOSTILE)]

    def test_what_a_client_sent_never_reaches_the_terminal(self):
        self.write([self.hostile()])
        for arguments in ([], ["--limit", "0"], ["--summary"], ["-q"], ["-q", "--summary"]):
            with self.subTest(" ".join(arguments)):
                text = self.assert_safe(self.on_terminal(*arguments))
                self.assertIn("red", text)
        for arguments in (["--json"], ["--summary", "--json"]):
            with self.subTest(" ".join(arguments)):
                self.assertRegex(self.on_terminal(*arguments), rb"^([^\x00-\x1f\x7f]|\r\n)*$")
        text = self.assert_safe(self.on_terminal("--summary"))
        self.assertIn("\\x1b[31mred", text)
        self.assertRegex(text, r"^Blocked requests:\nSANDBOX +TYPE +HOST +VIA +RULE +REASON +LAST-SEEN +COUNT\n")
        self.assertRegex(text, r"\n\nAllowed requests:\nSANDBOX +TYPE ")

    def test_following_is_safe_too(self):
        self.write([[]])

        def fed(said):
            if b"c\\x1b[31mred" not in said:
                with open(self.path, "a", encoding="utf-8") as out:  # again and again, since it may not watch yet
                    out.write("".join(line + "\n" for line in self.hostile()))
            return said.count(b"\n") > len(HOSTILE)

        self.write([self.hostile()[:1]])
        text = self.assert_safe(self.on_terminal("--follow", until=fed))
        self.assertIn("\\xe2\\x80\\xae", text)

    def test_the_summary_of_nothing_on_a_terminal(self):
        self.write([[]])
        self.assertEqual(self.assert_safe(self.on_terminal("--summary")), "Blocked requests:\n  none\n\nAllowed requests:\n  none\n")

    def test_report_mode_is_told_on_a_terminal(self):
        self.write(WRITTEN)
        text = self.assert_safe(self.on_terminal("--summary"))
        blocked, _, allowed = text.partition("Allowed requests:")
        blocked, _, would = blocked.partition("Let pass by report mode, blocked otherwise:")
        self.assertNotIn("guard.binds", blocked)
        self.assertIn("would deny: guard.binds", would)
        self.assertNotIn("would deny", allowed)


class Traffic(GateCase):
    def ask(self, gate, *arguments):
        done = run("policy", "log", "--log", gate.log_path, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def names(self, gate, *arguments):
        return sorted(set(self.ask(gate, "--limit", "0", "-q", *arguments)))

    def test_docker_traffic_over_rotated_files(self):
        gate = self.start_gate(POLICY, options=["--log-max-size", "4k", "--log-keep", "100"])
        for number in range(20):
            with gate.connect() as connection:
                connection.ask(get("/containers/json"))
                connection.ask(get("/containers/c%d/json" % number))
            for path in (gate.file("admin", "ci.sock"), gate.file("state", "learner.sock")):
                with gate.connect(path) as connection:
                    connection.ask(get("/images/json"))
                    connection.ask(get("/containers/json"))
                    connection.ask(post("/containers/x/exec"))
        self.assertGreater(len(os.listdir(os.path.dirname(gate.log_path))), 3)
        self.assertEqual(self.names(gate, "--denied"), ["ContainerExec", "ImageList"])
        self.assertEqual(self.names(gate, "--allowed"), ["ContainerInspect", "ContainerList"])
        self.assertEqual(self.names(gate, "--rule", "look at them"), ["ContainerInspect", "ContainerList"])
        self.assertEqual(self.names(gate, "default"), ["ContainerInspect", "ContainerList"])
        self.assertEqual(self.names(gate, "--operation", "@exec"), ["ContainerExec"])
        self.assertEqual(self.names(gate, "--since", "1h", "--client", "ci", "--allowed"), ["ContainerList"])
        self.assertEqual(self.names(gate, "--until", "1h"), [])
        document = json.loads(self.ask(gate, "--summary", "--json")[0])
        counted = {(row["client"], row["operation"], "would_deny" in row): row["count"] for row in document["blocked"] + document["allowed"]}
        self.assertEqual(counted, {("default", "ContainerList", False): 20, ("default", "ContainerInspect", False): 20,
                                   ("ci", "ImageList", False): 20, ("ci", "ContainerList", False): 20, ("ci", "ContainerExec", False): 20,
                                   ("learner", "ImageList", True): 20, ("learner", "ContainerList", False): 20,
                                   ("learner", "ContainerExec", True): 20})
        requests = [r for r in map(json.loads, self.ask(gate, "--json", "--limit", "0")) if r["event"] in ("request", "close")]
        self.assertEqual(len(requests), 20 * 8)

    def test_following_with_a_filter(self):
        gate = self.start_gate(POLICY, options=["--log-max-size", "4k", "--log-keep", "100"])
        gate.ask(get("/images/json"))
        process = subprocess.Popen([gate.program, "policy", "log", "--log", gate.log_path, "--follow", "--json", "--denied", "--operation", "ImageList"],
                                   stdout=subprocess.PIPE, env=clean_environment(), text=True)
        self.addCleanup(process.stdout.close)
        try:
            self.assertEqual(json.loads(process.stdout.readline())["operation"], "ImageList")
            with gate.connect() as connection:
                for _ in range(30):
                    connection.ask(get("/containers/json"))
            gate.ask(get("/images/json"))
            self.assertEqual(json.loads(process.stdout.readline())["operation"], "ImageList")
            self.assertTrue(os.path.exists(gate.log_path + ".1"), "rotated meanwhile")
        finally:
            process.terminate()
            self.assertEqual(process.wait(10), 0)


class Destinations(EgressCase):
    def test_network_traffic(self):
        gate = self.start_egress('- {allow: ["a.test"], addresses: [127.0.0.0/8]}\n', hosts={"a.test": "127.0.0.1"})
        gate.ask(connect("b.test:443"))
        gate.ask(connect("b.test:443"))
        gate.ask(forward("http://c.test/"))
        gate.ask(connect("a.test:443"))  # nobody listens there
        gate.wait_network(4)
        document = json.loads(run("policy", "log", "--log", gate.log_path, "--summary", "--json").stdout)
        self.assertEqual([(row["host"], row["count"], row["via"], row["kind"]) for row in document["blocked"]][:2],
                         [("b.test:443", 2, "forward", "network"), ("c.test:80", 1, "forward", "network")])
        lines = run("policy", "log", "--log", gate.log_path, "--host", "*:443", "--type", "network", "-q").stdout.split()
        self.assertEqual(lines, ["b.test:443", "b.test:443", "a.test:443"])
        denied = run("policy", "log", "--log", gate.log_path, "--host", "~[bc]\\.test", "--denied", "--json").stdout.splitlines()
        self.assertEqual(len(denied), 3)

# SPDX-License-Identifier: Apache-2.0
"""`policy ls`: everything that decides is a row, whoever wrote it; and what is asked of the rows."""

import datetime
import json
import os
import pty
import re
import subprocess
import tempfile
import time
import unittest

from conversation.test_documents import read
from harness.case import GateCase
from harness.client import get
from harness.gate import binary, clean_environment, run

POLICY = """version: 1
default: {docker: deny, network: allow}
use: [preset/npm]
docker:
  - allow: ["@read", ContainerStop]
    name: looking
    comment: "everybody may look\\tand stop"
  - deny: "@exec"
  - allow: ContainerExec
  - allow: ContainerStart
    where: {name: "web-*"}
  - allow: ContainerLogs
    expires: 2001-01-01
network:
  - allow: ["*.example.org", "git.example.com:22"]
  - allow: in.example.com
    addresses: [10.0.0.0/8]
    comment: ours
    expires: 2037-01-31
  - deny: "*.telemetry.example.org"
  - allow: x.telemetry.example.org
  - allow: a.example.org
clients:
  ci:
    listen: unix:/run/dockreeve/ci/docker.sock
    docker:
      - allow: ContainerCreate
    network:
      - allow: 192.0.2.7
  lonely:
    listen: unix:/run/dockreeve/lonely/docker.sock
    inherit: false
    mode: report
    docker:
      - allow: SystemInfo
"""


class ListCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-ls-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "policy.yaml")
        self.state = os.path.join(self.folder, "state")
        self.write(POLICY)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(text)

    def count(self, hits):
        """hits: (key, count, microseconds)."""
        os.makedirs(self.state, exist_ok=True)
        with open(os.path.join(self.state, "hits"), "w", encoding="ascii") as out:
            out.write("dockreeve hits 1\n" + "".join("%s %d %d\n" % hit for hit in hits) + "end %d\n" % len(hits))

    def ls(self, *words, code=0, environment=None):
        done = run("policy", "ls", "--config", self.path, "--state", self.state, *words, environment=environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.said = done.stderr
        return done.stdout

    def rows(self, *words, **options):
        return json.loads(self.ls(*words, "--json", **options))

    def resources(self, *words):
        """As in the table: hosts without their ports."""
        return [row.get("host", row["resource"]) for row in self.rows(*words)]

    def row(self, resource, *words):
        found = [row for row in self.rows("--all", *words) if row.get("host", row["resource"]) == resource]
        self.assertEqual(len(found), 1, resource)
        return found[0]


class Table(ListCase):
    def test_plain_output_is_tab_separated_without_header(self):
        lines = self.ls().splitlines()
        self.assertEqual({line.count("\t") for line in lines}, {8})
        self.assertIn("policy.yaml:15\t*\tnetwork\tallow\tgit.example.com\t22\t-\t-\t", "\n".join(lines))
        self.assertIn("policy.yaml:10\t*\tdocker\tallow\tContainerStart where name=web-*\t-\t-\t-\t", "\n".join(lines))
        self.assertEqual({len(line.split("\t")[8]) for line in lines}, {8})

    def test_wide_has_more_columns(self):
        lines = [line.split("\t") for line in self.ls("--wide").splitlines()]
        self.assertEqual({len(line) for line in lines}, {13})
        found = {line[4]: line for line in lines}
        self.assertEqual(found["in.example.com"][9:], ["-", "addresses=10.0.0.0/8 expires=2037-01-31", "2037-01-31T00:00:00Z", "ours"])
        self.assertEqual(found["@read, ContainerStop"][9:], ["looking", "-", "-", "everybody may look\\x09and stop"])
        self.assertEqual(found["ContainerStart"][10], "name=web-*")

    def test_json_has_everything(self):
        row = self.row("in.example.com")
        self.assertEqual({key: row[key] for key in ("resource", "host", "scope", "kind", "decision", "ports", "comment", "expires", "source", "line")},
                         {"resource": "in.example.com:80,443", "host": "in.example.com", "scope": "*", "kind": "network", "decision": "allow", "ports": "80,443", "comment": "ours",
                          "expires": "2037-01-31T00:00:00.000000Z", "source": "policy.yaml:16", "line": 16})
        self.assertEqual(row["file"], self.path)
        self.assertNotIn("hits", row)
        self.assertEqual(self.row("@read, ContainerStop")["comment"], "everybody may look\tand stop")

    def test_quiet_prints_ids_only(self):
        ids = self.ls("-q").split()
        self.assertEqual(ids, [row["id"] for row in self.rows()])
        self.assertTrue(all(re.fullmatch("[0-9a-f]{8}", text) for text in ids))

    def test_what_a_policy_says_is_safe_on_a_terminal(self):
        self.write('version: 1\ndocker:\n  - allow: ContainerStart\n    name: "a\\e[31mb"\n    comment: "x\\u202Ey"\n    where: {name: "\\e]0;x"}\n')
        for words in ((), ("--wide",), ("--json",)):
            said = self.ls(*words)
            self.assertNotIn("\x1b", said)
            self.assertNotIn("\u202e" if "--json" not in words else "\x1b", said)


class Hits(ListCase):
    def test_hits_and_last_hit(self):
        key = self.row("ContainerStart")["key"]
        moment = 1763712345678901
        self.count([(key, 7, moment), ("%016x" % 2, 1234567, moment)])
        row = self.row("ContainerStart")
        self.assertEqual((row["hits"], row["last_hit"]), (7, "2025-11-21T08:05:45.678901Z"))
        self.assertEqual(self.row("every other host")["hits"], 1234567)
        never = self.row("@read, ContainerStop")
        self.assertEqual(never["hits"], 0)
        self.assertNotIn("last_hit", never)
        line = next(line for line in self.ls().splitlines() if "ContainerStart" in line)
        self.assertEqual(line.split("\t")[6:8], ["7", "2025-11-21T08:05:45Z"])
        built_in = self.row("the gate, its engine, administration and upstream proxy")
        self.assertNotIn("hits", built_in)

    def test_the_state_folder_by_the_environment(self):
        self.count([("%016x" % 1, 3, 1)])
        done = run("policy", "ls", "--config", self.path, "--json", environment={"DOCKREEVE_STATE": self.state})
        self.assertIn(3, [row.get("hits") for row in json.loads(done.stdout)])

    def test_unused(self):
        keys = {row.get("host", row["resource"]): row["key"] for row in self.rows()}
        self.count([(keys["ContainerStart"], 1, 5), (keys["*.example.org"], 2, 5)])
        unused = self.resources("--unused")
        self.assertIn("ContainerCreate", unused)
        self.assertIn("git.example.com", unused)
        for resource in ("ContainerStart", "*.example.org", "every other host", "private addresses"):
            self.assertNotIn(resource, unused)

    def test_without_counts_nobody_knows_what_is_unused(self):
        self.assertEqual(self.ls("--unused", code=3), "")
        self.assertIn("nobody has counted", self.said)

    def test_a_broken_file_is_said_and_left_out(self):
        self.count([])
        with open(os.path.join(self.state, "hits"), "w", encoding="ascii") as out:
            out.write("nonsense\n")
        self.assertEqual({row.get("hits") for row in self.rows()}, {None})
        self.assertIn("counts are left out", self.said)


class OfAGate(GateCase):
    def test_what_a_gate_decided_is_counted(self):
        gate = self.start_gate("version: 1\ndocker:\n  - allow: ContainerList\n    name: lists\n  - deny: ImageList\n  - allow: VolumeList\n"
                               "  - allow: ContainerInspect\n    where: {name: web}\n")
        for path, times in (("/containers/json", 3), ("/images/json", 2), ("/networks", 1)):
            for _ in range(times):
                gate.ask(get(path))
        gate.stop()  # writes what it has not written yet
        listed = json.loads(run("policy", "ls", "--config", gate.policy_path, "--state", gate.state, "--json").stdout)
        hits = {row["resource"]: row.get("hits") for row in listed}
        self.assertEqual((hits["ContainerList"], hits["ImageList"], hits["VolumeList"], hits["every other operation"]), (3, 2, 0, 1))
        unused = json.loads(run("policy", "ls", "--config", gate.policy_path, "--state", gate.state, "--json", "--unused", "--source", "policy.yaml").stdout)
        self.assertEqual([row["resource"] for row in unused], ["VolumeList", "ContainerInspect"])
        shown = json.loads(run("policy", "inspect", "lists", "--config", gate.policy_path, "--state", gate.state, "--json").stdout)
        self.assertEqual(shown["hits"], 3)
        age = time.time() - datetime.datetime.fromisoformat(shown["last_hit"].replace("Z", "+00:00")).timestamp()
        self.assertTrue(-5 < age < 600, shown["last_hit"])


class Shown(ListCase):
    def test_a_short_policy_is_a_short_list(self):
        self.write("version: 1\nuse: []\ndocker:\n  - allow: ContainerList\n  - deny: SystemInfo\n")
        self.assertEqual([line.split("\t")[0].split(":")[0] for line in self.ls().splitlines()],
                         ["preset/negotiate", "preset/negotiate", "policy.yaml", "policy.yaml", "default", "default"])


class Everything(ListCase):
    def rows(self, *words, **options):
        return super().rows("--all", *words, **options)

    def test_what_is_built_in_is_shown_when_it_is_asked_for(self):
        every, shown = self.rows(), super().rows()
        built_in = [row for row in every if row["source"] == "built-in" and row.get("name") not in ("report-mode", "from")]
        self.assertGreater(len(built_in), 30)
        self.assertEqual(shown, [row for row in every if row not in built_in])
        self.assertEqual(super().rows("--source", "built-in"), [row for row in every if row["source"] == "built-in"])
        self.assertEqual(self.ls("-q").split(), [row["id"] for row in shown])
        self.assertEqual(self.ls("-a", "-q").split(), [row["id"] for row in every])

    def test_presets_and_defaults_are_rows(self):
        rows = {row["resource"]: row for row in self.rows()}
        self.assertEqual((rows["every other operation"]["decision"], rows["every other operation"]["source"]), ("deny", "default"))
        self.assertEqual((rows["every other host"]["decision"], rows["every other host"]["where"]), ("allow", "as written in policy.yaml:2"))
        sources = {row["source"].split(":")[0] for row in rows.values()}
        self.assertLessEqual({"policy.yaml", "preset/negotiate", "preset/npm", "default", "built-in"}, sources)
        self.write("version: 1\n")
        self.assertNotIn("where", self.row("every other host"))

    def test_what_reaches_out_by_its_name_is_a_row(self):
        """That each class of addresses and each parameter has one is policy_builtin_test.c's, which has the tables."""
        rows = [row for row in self.rows() if row.get("name") in ("guard.query", "guard.name")]
        names = " ".join(row["resource"] for row in rows if row["name"] == "guard.name")
        for operation in ("DistributionInspect", "ImagePush", "PluginPush"):
            self.assertIn(operation, names)

    def test_reasons_that_refuse_without_a_rule_are_rows(self):
        """Codes of the log that no rule is behind: each is a row, or none that decides by what is allowed."""
        names = {row["name"] for row in self.rows() if row["source"] == "built-in"}
        texts = dict(re.findall(r'R\((\w+), "([^"]+)"\)', read("rules/reason.h")))
        coded = re.findall(r"(?:no\(|reason = )REASON_(\w+)|REASON_(OWN_ADDRESS|OPAQUE|SNI_DENIED|BROWSER|CONNECT_SELF|PROTOCOL|SNI_MISSING|ECH)\b",
                           read("rules/network/network_rule.c") + read("policy/snapshot/policy_network.c") + read("proxy/egress/egress_route.c") +
                           read("proxy/docker/docker_exchange.c") + read("proxy/docker/browser_guard.c"))
        codes = {texts[next(filter(None, found))] for found in coded}
        self.assertLessEqual({"protocol", "sni-missing", "ech", "own-address", "browser"}, codes)
        conditions = {"default", "rule", "listener-closed"}  # of rules
        self.assertEqual(codes - names - conditions, set())

    def test_the_manual_names_what_is_built_in(self):
        page = read("deploy/man/dockreeve-policy-ls.1")
        section = page[page.index(".Sh BUILT-IN"):page.index(".Sh EXIT STATUS")]
        lines = re.findall(r"^\.It Cm (.*)$", section, re.M)
        named = {name for line in lines for name in line.split(" Ns ")[0].split(" , ")}
        self.write(POLICY + "    egress: tcp:127.0.0.1:1\n    from: 127.0.0.1\n")
        names = {row["name"] for row in self.rows() if row["source"] == "built-in"}
        self.assertEqual(named, {re.sub(r"^address-class\..*", "address-class.", name) for name in names})

    def test_built_in_rows_have_ids_of_their_own(self):
        rows = [row for row in self.rows() if row["source"] in ("built-in", "default")]
        self.assertEqual(len({row["id"] for row in rows}), len(rows))

    def test_report_mode_is_a_row(self):
        rows = [row for row in self.rows() if row.get("name") == "report-mode"]
        self.assertEqual([(row["scope"], row["kind"], row["decision"]) for row in rows], [("lonely", "docker", "allow"), ("lonely", "network", "allow")])

    def test_addresses_that_may_not_connect_are_rows(self):
        self.write("version: 1\nclients:\n  a:\n    listen: [tcp:127.0.0.1:1]\n    egress: tcp:127.0.0.1:2\n    from: [10.0.0.0/8, '::1']\n"
                   "  b:\n    egress: tcp:127.0.0.1:3\n    from: 10.0.0.0/8\n")
        rows = [row for row in self.rows() if row.get("name") == "from"]
        self.assertEqual([(row["scope"], row["kind"], row["decision"], row["where"]) for row in rows],
                         [("a", "docker", "deny", "unless from 10.0.0.0/8, ::1"), ("a", "network", "deny", "unless from 10.0.0.0/8, ::1"),
                          ("b", "network", "deny", "unless from 10.0.0.0/8")])
        self.assertEqual(len({row["id"] for row in rows}), 3)

    def test_the_variables_of_the_replaced_images_are_rows(self):
        os.unlink(self.path)
        done = run("policy", "ls", "--all", "--json", environment={"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1", "EXEC": "0", "HOME": self.folder,
                                                          "DOCKREEVE_CONFIG": self.path})
        if done.returncode == 2:  # a file that is named must be there
            done = run("policy", "ls", "--all", "--json", environment={"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1", "EXEC": "0", "HOME": self.folder})
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)
        self.assertLessEqual({"env CONTAINERS=1", "env EXEC=0"}, {row["source"] for row in rows})
        guards = [row for row in rows if row.get("name") == "guard.query"]
        self.assertEqual({row["decision"] for row in guards}, {"allow"})


class Filters(ListCase):
    def test_filters(self):
        rows = self.rows()
        self.assertEqual({row["kind"] for row in rows}, {"docker", "network"})
        for words, key, values in ((("--type", "docker"), "kind", {"docker"}), (("--type", "network"), "kind", {"network"}),
                                   (("--decision", "allow"), "decision", {"allow"}), (("--decision", "deny"), "decision", {"deny"})):
            with self.subTest(words):
                found = self.rows(*words)
                self.assertEqual({row[key] for row in found}, values)
                self.assertEqual(found, [row for row in rows if row[key] in values])
        self.assertEqual({row["source"] for row in self.rows("--source", "preset/npm")}, {row["source"] for row in rows if "preset/npm" in row["source"]})
        self.assertEqual(self.rows("--source", "nowhere"), [])
        self.assertEqual(self.resources("--type", "network", "--decision", "deny", "--source", "policy.yaml"), ["*.telemetry.example.org"])

    def test_client(self):
        for words in (("--client", "ci"), ("--sandbox", "ci"), ("ci",), ("ci", "--client", "ci")):
            with self.subTest(words):
                rows = self.rows(*words)
                self.assertEqual({row["scope"] for row in rows}, {"*", "ci"})
                self.assertIn("@read, ContainerStop", [row["resource"] for row in rows])
        rows = self.rows("lonely")
        self.assertEqual({row["source"].split(":")[0] for row in rows}, {"policy.yaml", "preset/negotiate", "default", "built-in"})
        self.assertEqual([row["resource"] for row in rows if row["source"].startswith("policy.yaml")], ["SystemInfo"])

    def test_wrong_use(self):
        for words, code, said in ((("--client", "cj"), 3, "did you mean `ci`"), (("--client", "ci", "--sandbox", "lonely"), 2, "one client"),
                                  (("ci", "lonely"), 2, "one client"), (("--type", "dokcer"), 2, "docker or network"),
                                  (("--decision", "maybe"), 2, "allow or deny"), (("--nonsense",), 2, "nonsense")):
            with self.subTest(words):
                self.ls(*words, code=code)
                self.assertIn(said, self.said)


class Shadowed(ListCase):
    def test_rules_that_never_decide(self):
        found = {row.get("host", row["resource"]): row["shadowed"] for row in self.rows("--shadowed")}
        ids = {row.get("host", row["resource"]): row["id"] for row in self.rows()}
        self.assertEqual(found, {
            "ContainerExec": {"why": "denied", "rule": "deny @exec", "id": ids["@exec"], "source": "policy.yaml:8"},
            "ContainerLogs": {"why": "expired"},
            "x.telemetry.example.org": {"why": "denied", "rule": "*.telemetry.example.org", "id": ids["*.telemetry.example.org"], "source": "policy.yaml:20"},
            "a.example.org": {"why": "earlier", "rule": "*.example.org", "id": ids["*.example.org"], "source": "policy.yaml:15"},
        })

    def test_the_table_names_the_rule_to_blame(self):
        lines = [line.split("\t") for line in self.ls("--shadowed").splitlines()]
        self.assertIn(["ContainerExec", "deny @exec (policy.yaml:8)"], [[line[4], line[-1]] for line in lines])

    def test_notices_say_the_same(self):
        said = json.loads(run("policy", "validate", "--config", self.path, "--json").stdout)["notices"]
        texts = {(notice.get("line"), notice["text"]) for notice in said}
        self.assertIn((9, "this rule can never decide: all it allows is denied by rules without a condition (policy.yaml:8)"), texts)
        self.assertIn((22, "`a.example.org` adds nothing: `*.example.org` allows it already (policy.yaml:15)"), texts)

    def test_what_is_shadowed_never_decides(self):
        """Without the rule every verdict is the same."""
        lines = POLICY.splitlines(True)
        asked = [["docker", name] for name in ("ContainerExec", "ContainerLogs", "ContainerStop", "SystemInfo", "ContainerStart")]
        asked += [["network", host] for host in ("x.telemetry.example.org", "a.example.org", "b.example.org", "git.example.com:22")]

        def verdicts():
            return [json.loads(run("policy", "check", *words, "--config", self.path, "--json").stdout)["source"] for words in asked]

        before = verdicts()
        for row in self.rows("--shadowed"):
            number = row["line"]
            with self.subTest(row["resource"]):
                self.assertNotIn(row["source"], before)
                self.assertIn("- allow", lines[number - 1])


class Terminal(ListCase):
    def on_terminal(self, *words, environment=None):
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen([binary(), "policy", "ls", "--config", self.path, "--state", self.state, *words], stdout=theirs, stderr=theirs,
                                       env=clean_environment(environment))
            os.close(theirs)
            said = b""
            while True:
                try:
                    more = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if not more:
                    break
                said += more
            self.assertEqual(process.wait(30), 0, said)
        finally:
            os.close(ours)
        return said.decode().replace("\r\n", "\n")

    def test_a_table_with_header_and_ages(self):
        key = self.row("ContainerStart")["key"]
        old = self.row("ContainerCreate")["key"]
        self.count([(key, 7, int((time.time() - 200) * 1e6)), (old, 1, int((time.time() - 3 * 86400 - 60) * 1e6))])
        lines = self.on_terminal(environment={"NO_COLOR": "1"}).splitlines()
        self.assertEqual(lines[0].split(), ["SOURCE", "SCOPE", "KIND", "DECISION", "RESOURCE", "PORTS", "HITS", "LAST-HIT", "ID"])
        column = lines[0].index("LAST-HIT")
        by_resource = {line[lines[0].index("RESOURCE"):].split("  ")[0].strip(): line for line in lines[1:]}
        self.assertRegex(by_resource["ContainerStart where name=web-*"][column:], r"^3 min ago +[0-9a-f]{8}$")
        self.assertRegex(by_resource["ContainerCreate"][column:], r"^3 d ago +[0-9a-f]{8}$")
        self.assertEqual(len({line.rindex(" ") for line in lines[1:]}), 1, "the last column is aligned")

    def test_colour_only_where_it_is_wanted(self):
        self.assertIn("\x1b[31mdeny\x1b[0m", self.on_terminal())
        self.assertNotIn("\x1b", self.on_terminal(environment={"NO_COLOR": "1"}))

    def test_wide_and_shadowed_on_a_terminal(self):
        head = self.on_terminal("--wide", "--shadowed", environment={"NO_COLOR": "1"}).splitlines()[0].split()
        self.assertEqual(head[9:], ["NAME", "WHERE", "EXPIRES", "COMMENT", "SHADOWED-BY"])


class Many(ListCase):
    def test_a_long_list_is_passed_on(self):
        """More than one chunk of output, and a hit for the last of them."""
        count = 30000
        self.write("version: 1\nnetwork:\n  - deny:\n" + "".join("      - h%d.example.test\n" % number for number in range(count)))
        key = self.rows("--source", "policy.yaml:%d" % (count + 3))[0]["key"]
        self.count([(key, 9, 1000000)])
        lines = self.ls("--type", "network").splitlines()
        self.assertEqual(len([line for line in lines if "example.test" in line]), count)
        self.assertEqual([line.split("\t")[4] for line in lines if "\t9\t" in line], ["h%d.example.test" % (count - 1)])
        self.assertGreater(len(self.rows()), count)


if __name__ == "__main__":
    unittest.main()

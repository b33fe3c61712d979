# SPDX-License-Identifier: Apache-2.0
"""The commands that change the policy: what they write, what they say, in words and as JSON, and what a running gate makes of it."""

import os
import pty
import re
import shlex
import stat
import subprocess

from harness.case import GateCase
from harness.client import get, post
from harness.edit import EditCase
from harness.egress import EgressCase, EgressGate, connect
from harness.gate import binary, clean_environment, run, wait_for
from harness.origin import Origin, echo

ALLOWED, DENIED = 0, 6


class Network(EditCase):
    def test_the_first_rule_makes_folder_and_file(self):
        self.path = self.file("new", "deep", "policy.yaml")
        self.cli = self.file("new", "deep", "policy.d", "90-cli.yaml")
        done = self.do("allow", "network", "api.example.com,*.example.org")
        self.assertRegex(done.stdout, r"^added: [0-9a-f]{8}  allow network api\.example\.com:80,443\nadded: [0-9a-f]{8}  allow network \*\.example\.org:80,443\n$")
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.store(), 'version: 1\nnetwork:\n  - allow: api.example.com\n  - allow: "*.example.org"\n')
        for name, mode in (("new", 0o755), ("new/deep", 0o755), ("new/deep/policy.d", 0o755), ("new/deep/policy.d/90-cli.yaml", 0o644)):
            self.assertEqual(stat.S_IMODE(os.stat(self.file(name)).st_mode), mode, name)
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.cli))), [".90-cli.lock", "90-cli.yaml"])

    def test_what_is_written_for_what_is_said(self):
        rows = (
            ("one host", ["a.example.com"], '  - allow: a.example.com\n'),
            ("capitals and a dot at the end", ["A.Example.COM."], '  - allow: a.example.com\n'),
            ("every host", ["*"], '  - allow: "*"\n'),
            ("every host, as others write it", ["**"], '  - allow: "*"\n'),
            ("any depth, as others write it", ["**.example.com"], '  - allow: "*.example.com"\n'),
            ("every host on a port", ["**:443"], '  - allow: "*:443"\n'),
            ("ports", ["a.example.com:22,80,8000-8100,b.example.com"], '  - allow: "a.example.com:22,80,8000-8100"\n  - allow: b.example.com\n'),
            ("blanks", ["a.example.com, b.example.com"], '  - allow: a.example.com\n  - allow: b.example.com\n'),
            ("an expression with commas", ["~[a-z]{1,3}[.]example"], '  - allow: "~[a-z]{1,3}[.]example"\n'),
            ("--port", ["a.example.com,2001:db8::1", "--port", "22,8000-8100"],
             '  - allow: "a.example.com:22,8000-8100"\n  - allow: "[2001:db8::1]:22,8000-8100"\n'),
            ("an address", ["192.0.2.1"], '  - allow: "192.0.2.1"\n'),
            ("https", ["https://a.example.com"], '  - allow: "a.example.com:443"\n'),
            ("https and a path", ["https://a.example.com:8443/x/y?z"], '  - allow: "a.example.com:8443"\n'),
            ("http", ["HTTP://a.example.com/"], '  - allow: "a.example.com:80"\n'),
            ("https and --port", ["https://a.example.com/", "--port", "99"], '  - allow: "a.example.com:99"\n'),
            ("methods", ["a.example.com", "--method", "GET,head", "--method", "POST"],
             '  - allow: a.example.com\n    methods:\n      - GET\n      - HEAD\n      - POST\n'),
            ("every method", ["a.example.com", "--method", "ANY"], '  - allow: a.example.com\n'),
            ("a path", ["a.example.com", "--path", "/x/**"], '  - allow: a.example.com\n    paths: "/x/**"\n'),
            ("name and comment", ["a.example.com", "--name", "no: 1", "--comment", 'says "hi" # \u00fc'],
             '  - allow: a.example.com\n    name: "no: 1"\n    comment: "says \\"hi\\" # \u00fc"\n'),
            ("a comment that is a number", ["a.example.com", "--comment", "1e3"], '  - allow: a.example.com\n    comment: "1e3"\n'),
            ("global", ["-g", "a.example.com"], '  - allow: a.example.com\n'),
        )
        for name, words, written in rows:
            with self.subTest(name):
                self.do("reset", "--force")
                self.do("allow", "network", *words)
                self.assertEqual(self.store(), "version: 1\nnetwork:\n" + written)

    def test_scopes_in_all_spellings(self):
        wanted = "version: 1\nclients:\n  agents:\n    network:\n      - deny: a.example.com\n"
        for words in (["a.example.com", "--client", "agents"], ["a.example.com", "--sandbox", "agents"], ["agents", "a.example.com"],
                      ["agents", "a.example.com", "--client", "agents"]):
            with self.subTest(" ".join(words)):
                self.do("reset", "--force")
                done = self.do("deny", "network", *words)
                self.assertEqual(self.store(), wanted)
                self.assertIn("for client agents", done.stdout)
                self.assertIn("90-cli.yaml:4:3: client `agents` has no `listen`", done.said)

    def test_wrong_use_writes_nothing(self):
        rows = (
            (["allow"], "write `network` and hosts"),
            (["allow", "netwrok", "a.example"], "did you mean `network`?"),
            (["check", "netwrok", "a.example"], "did you mean `network`?"),
            (["explain", "dokcer", "GET /info"], "did you mean `docker`?"),
            (["deny", "network", "a.example.com", "--port", "22", "--port", "443"], "--port may be given once"),
            (["allow", "network", "a.example.com", "--client", "a", "--client", "b"], "--client may be given once"),
            (["rm", "network", "a.example.com", "--client", "a", "--client", "b"], "--client may be given once"),
            (["reset", "--force", "--client", "a", "--client", "b"], "--client may be given once"),
            (["allow", "network"], "name the hosts"),
            (["allow", "network", "a.example.com", "b.example.com"], "with commas between them"),
            (["allow", "network", "box", "a.example.com", "b.example.com"], "with commas between them"),
            (["allow", "network", "a.example.com b.example.com"], "more than one: put a comma between them, `a.example.com,b.example.com`"),
            (["deny", "docker", "ContainerStart  @exec"], "more than one: put a comma between them, `ContainerStart,@exec`"),
            (["allow", "network", "a.example.com", "--client", "a", "--sandbox", "b"], "a sandbox is a client"),
            (["allow", "network", "a.example.com", "-g", "--sandbox", "b"], "--global is for every client"),
            (["allow", "network", "a.example.com:22", "--port", "23"], "`a.example.com:22`: it has ports of its own"),
            (["allow", "network", "a.example.com", "--port", "0"], "port"),
            (["allow", "network", "a.example.com", "--where", "name=x"], "--where is for `docker`"),
            (["allow", "network", "a.example.com", "--ttl", "soon"], "--ttl"),
            (["allow", "network", "b\u00fc.example"], "A-label"),
            (["allow", "network", "a..example,,x/y,ftp://h.example"], "`ftp://h.example`: this is a URL"),
            (["allow", "network", "a..example,,x/y,ftp://h.example"], "``: the host is missing"),
            (["allow", "network", "a.*.example"], "a star stands alone"),
            (["allow", "network", "~a("], "90-cli.yaml:4:12: `~a(`"),
            (["allow", "network", "a.example.com", "--path", "x"], "90-cli.yaml:5:12: a path begins with `/`"),
            (["allow", "network", "a.example.com", "--method", "GTE"], "90-cli.yaml:5:14: `GTE` is no method"),
            (["allow", "network", "a.example.com:443", "--path", "/x"], "are seen in plain HTTP only"),
            (["allow", "network", "a.example.com", "--client", "UPPER"], "a client's name has"),
            (["allow", "docker"], "name operations"),
            (["allow", "docker", "ContainerStrat"], "did you mean `ContainerStart`?"),
            (["allow", "docker", "ContainerStart", "--path", "/x"], "an operation has its method and path"),
            (["allow", "docker", "--method", "POST"], "--method needs --path"),
            (["allow", "docker", "--path", "/nothing/of/this"], "90-cli.yaml:5:13: "),
            (["allow", "docker", "ContainerStart", "--port", "1"], "--port is for `network`"),
            (["allow", "docker", "ContainerStart", "--where", "name"], "--where takes KEY=VALUE"),
            (["allow", "docker", "ContainerStart", "--where", "nmae=x"], "did you mean `name`?"),
            (["allow", "docker", "ContainerStart", "--where", "name=~("], "90-cli.yaml:6:13: "),
            (["set-default"], "say allow-all, balanced or deny-all"),
            (["set-default", "balance"], "did you mean `balanced`?"),
            (["rm"], "name the rules by id or resource"),
        )
        for words, said in rows:
            with self.subTest(" ".join(words)):
                self.assertIn(said, self.do(*words, code=2).said)
                self.assertIsNone(self.store())

    def test_twice_is_once(self):
        self.do("allow", "network", "a.example.com,b.example.com")
        before = os.stat(self.cli)
        done = self.do("allow", "network", "A.example.com,b.example.com")
        self.assertRegex(done.stdout, r"^already there: [0-9a-f]{8}  allow network a\.example\.com:80,443\nalready there: ")
        self.assertEqual(os.stat(self.cli).st_ino, before.st_ino, "nothing was written")
        answer = self.json("allow", "network", "b.example.com,c.example.com")
        self.assertEqual([(row["resource"], row["state"]) for row in answer["rules"]],
                         [("b.example.com:80,443", "present"), ("c.example.com:80,443", "added")])
        self.assertTrue(answer["changed"])
        self.assertEqual(answer["rules"], [dict(row, id=listed["id"]) for row, listed in zip(answer["rules"], self.rules()[1:])])
        self.do("deny", "network", "a.example.com")
        self.do("allow", "network", "a.example.com", "--client", "x")
        self.assertEqual(len(self.rules()), 5, "another effect and another scope are other rules")

    def test_spellings_of_one_resource_are_one_rule(self):
        for words in (["a.example.com", "a.example.com:80,443", "A.EXAMPLE.com.", "a.example.com:443,80"], ["a.example.com:443", "https://a.example.com/x"],
                      ["*", "**", "*:80,443"], ["::1", "[::1]:80,443"], ["~a{1,3}.example", "~a{1,3}.example:80,443"], ["10.0.0.0/8", "10.0.0.0/8:80,443"]):
            for first in words:
                self.do("reset", "--force")
                self.do("allow", "network", first)
                text = self.store()
                for again in words:
                    with self.subTest(first + ", then " + again):
                        self.assertIn("already there", self.do("allow", "network", again).stdout)
                        self.assertEqual(self.store(), text)
                for again in words:
                    with self.subTest(first + " is removed by " + again):
                        self.do("rm", "network", again)
                        self.assertEqual(self.store(), "version: 1\n")
                        self.do("allow", "network", first)
        self.do("reset", "--force")
        self.assertEqual(self.do("allow", "network", "a.example.com,a.example.com:80,443,b.example.com").stdout.count("added"), 2)
        self.do("deny", "network", "b.example.com")
        self.assertIn("already there", self.do("deny", "network", "b.example.com:*").stdout)
        self.assertIn("added", self.do("deny", "network", "b.example.com:80,443").stdout, "a deny without ports is about all")

    def test_a_comment_can_be_changed(self):
        self.do("allow", "network", "a.example.com", "--comment", "one")
        done = self.do("allow", "network", "a.example.com", "--comment", "two")
        self.assertIn("changed: ", done.stdout)
        self.assertEqual(self.store(), "version: 1\nnetwork:\n  - allow: a.example.com\n    comment: two\n")

    def test_ttl_becomes_a_time_in_utc(self):
        done = self.json("allow", "network", "a.example.com", "--ttl", "2h")
        until = done["rules"][0]["expires"]
        self.assertRegex(until, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn('expires: "%s"\n' % until, self.store())
        self.assertEqual(self.check("network", "a.example.com"), ALLOWED)
        changed = self.json("allow", "network", "a.example.com", "--ttl", "4h")["rules"][0]
        self.assertEqual(changed["state"], "changed")
        self.assertGreater(changed["expires"], until)
        self.assertIn("this rule has expired", self.do("allow", "network", "a.example.com", "--ttl", "0").said)
        self.assertEqual(self.check("network", "a.example.com"), DENIED)
        self.do("allow", "network", "a.example.com")
        self.assertNotIn("expires", self.store())
        self.assertIn("has no end", self.do("allow", "network", "a.example.com", "--ttl", "2h").said)
        self.assertEqual(len(self.rules()), 1)

    def test_rules_that_other_rules_make_useless(self):
        self.policy('version: 1\nuse: [preset/npm]\nnetwork:\n  - deny: ["*.bad.example", "192.0.2.0/24"]\n'
                    '  - {deny: half.example, methods: POST}\n  - allow: "*.good.example"\n')
        rows = (
            ("allow", "x.bad.example", "90-cli.yaml:4: `x.bad.example` can never decide: `*.bad.example` denies it (policy.yaml:4)"),
            ("allow", "192.0.2.1", "can never decide: `192.0.2.0/24` denies it (policy.yaml:4)"),
            ("allow", "half.example", "port 80 is denied all the same: deny half.example (policy.yaml:5)"),
            ("allow", "x.good.example", "`x.good.example` adds nothing: `*.good.example` allows it already (policy.yaml:6)"),
            ("allow", "x.npmjs.org:443", "`x.npmjs.org:443` adds nothing: `*.npmjs.org:443` allows it already (preset/npm:4)"),
            ("deny", "x.bad.example", "`x.bad.example` adds nothing: `*.bad.example` denies it already (policy.yaml:4)"),
            ("deny", "*.good.example", "policy.yaml:6: `*.good.example` can never decide: `*.good.example` denies it (policy.d/90-cli.yaml:4)"),
        )
        for effect, resource, said in rows:
            with self.subTest(effect + " " + resource):
                self.do("reset", "--force")
                done = self.do(effect, "network", resource)
                self.assertEqual(done.stderr.replace(self.folder + "/", "").count(said), 1)
                self.assertIn("added: ", done.stdout)
                if not said.startswith("policy.yaml"):  # which is about the other rule
                    self.assertIn(said.partition(": ")[2], self.do(effect, "network", resource).said, "and again when it is there already")
        self.do("reset", "--force")
        self.assertEqual(self.do("allow", "network", "fine.example").stderr, "")

    def test_a_new_notice_is_said_once(self):
        self.policy('version: 1\nnetwork:\n  - deny: "*.bad.example"\n')
        self.do("allow", "network", "x.bad.example")
        self.assertEqual(self.do("allow", "network", "fine.example").stderr, "", "it was said before")

    def test_a_client_that_is_perhaps_mistyped(self):
        self.policy("version: 1\nclients: {agents: {egress: 127.0.0.1:3128}}\n")
        self.assertIn("there was no client `agnets` before; was `agents` meant?", self.do("allow", "network", "a.example.com", "--client", "agnets").said)
        self.assertEqual(self.do("allow", "network", "a.example.com", "--client", "agents").stderr, "")

    def test_what_a_person_wrote_into_the_file_stays(self):
        self.write(self.cli, 'version: 1 # mine\nstrict: true\nnetwork:\n  - {allow: [a.example.com, "b.example.com:22"], require_sni: false, comment: \'two: x\'}\n'
                   "clients: {ci: {egress: 'tcp:127.0.0.1:3128', network: [{allow: c.example.com, name: \"0x10\"}]}}\n"
                   "default: {docker: allow}\nuse: preset/npm\n")
        self.do("allow", "network", "new.example.com")
        self.assertEqual(self.store(), 'version: 1\ndefault:\n  docker: allow\nuse: preset/npm\nstrict: true\nnetwork:\n  - allow:\n      - a.example.com\n'
                         '      - "b.example.com:22"\n    require_sni: false\n    comment: "two: x"\n  - allow: new.example.com\n'
                         'clients:\n  ci:\n    egress: "tcp:127.0.0.1:3128"\n    network:\n      - allow: c.example.com\n        name: "0x10"\n')
        self.assertIn("already there", self.do("allow", "network", "c.example.com", "--client", "ci").stdout)


class Docker(EditCase):
    def test_what_is_written_for_what_is_said(self):
        rows = (
            ("operations", ["ContainerStart,Container*,@read"], '  - allow: ContainerStart\n  - allow: "Container*"\n  - allow: "@read"\n'),
            ("where", ["ContainerStop", "--where", "label=a=b", "--where", "name=x-*", "--where", "name=y"],
             '  - allow: ContainerStop\n    where:\n      label: "a=b"\n      name:\n        - "x-*"\n        - "y"\n'),
            ("a parameter", ["ImageDelete", "--where", "query.force=0"], '  - allow: ImageDelete\n    where:\n      query.force: "0"\n'),
            ("method and path", ["--method", "post", "--path", "/containers/*/start"],
             '  - allow:\n      method: POST\n      path: "/containers/*/start"\n'),
            ("two paths", ["--path", "/info", "--path", "/version", "--name", "looks"],
             '  - allow:\n      path: "/info"\n    name: looks\n  - allow:\n      path: "/version"\n    name: looks\n'),
        )
        for name, words, written in rows:
            with self.subTest(name):
                self.do("reset", "--force")
                first = self.json("allow", "docker", *words)
                self.assertEqual(self.store(), "version: 1\ndocker:\n" + written)
                self.assertEqual([row["id"] for row in first["rules"]], [row["id"] for row in self.rules()])
                again = self.json("allow", "docker", *words)
                self.assertFalse(again["changed"])
                self.assertEqual([row["state"] for row in again["rules"]], ["present"] * len(self.rules()))

    def test_it_decides(self):
        self.do("allow", "docker", "--method", "POST", "--path", "/containers/*/start", "--client", "ci")
        self.assertEqual(self.check("docker", "POST /containers/x/start", "--client", "ci"), ALLOWED)
        self.assertEqual(self.check("docker", "POST /containers/x/start"), DENIED)

    def test_rules_that_other_rules_make_useless(self):
        self.policy('version: 1\ndocker:\n  - deny: [ContainerKill, ContainerPause]\n  - {deny: ContainerStop, where: {name: db}}\n  - allow: "@logs"\n'
                    "clients: {ci: {listen: tcp:127.0.0.1:0, docker: [{deny: ContainerStart}]}}\n")
        rows = (
            ("ContainerKill", "this rule can never decide: all it allows is denied by rules without a condition (policy.yaml:3)"),
            ("@lifecycle", "(policy.yaml:3) denies ContainerKill, ContainerPause all the same"),
            ("ContainerStop", "(policy.yaml:4) denies ContainerStop all the same where it matches"),
            ("ContainerStart", "(policy.yaml:6) denies ContainerStart to client `ci` all the same"),
            ("ContainerLogs", "this rule adds nothing: all it allows is decided by rules without a condition (policy.yaml:5)"),
            ("SystemPing", "all it allows is decided by rules without a condition (preset/negotiate:5)"),
        )
        for selector, said in rows:
            with self.subTest(selector + ": " + said):
                self.do("reset", "--force")
                self.assertEqual(self.do("allow", "docker", selector).said.count(said), 1)
        self.assertEqual(self.do("deny", "docker", "ContainerPause").said.count("all it denies is decided by rules without a condition (policy.yaml:3)"), 1)
        self.policy("version: 1\ndefault: {docker: allow}\n")
        self.assertIn("`default: {docker: allow}` allows it already", self.do("allow", "docker", "ContainerRename").said)


class Remove(EditCase):
    def setUp(self):
        super().setUp()
        self.policy('version: 1\nnetwork:\n  - allow: [fixed.example.com, "*.both.example"]\ndocker:\n  - allow: ContainerList\n')
        self.do("allow", "network", "a.example.com,b.example.com,*.both.example")
        self.do("allow", "network", "a.example.com", "--client", "x")
        self.do("allow", "network", "b.example.com", "--method", "GET", "--path", "/y")
        self.do("allow", "docker", "ContainerStop,ContainerKill", "--client", "x")

    def identity(self, **wanted):
        found = self.rules(**wanted)
        self.assertEqual(len(found), 1, found)
        return found[0]["id"]

    def test_by_id_and_by_resource(self):
        b = self.identity(resource="b.example.com:80,443", where="methods=GET paths=/y")
        rows = (
            ("id", [self.identity(scope="x", kind="network")], 1),
            ("id behind the kind", ["network", b], 1),
            ("--id", ["network", "--id", b], 1),
            ("resource as it is listed", ["network", "--resource", "b.example.com:80,443", "--method", "GET"], 1),
            ("resource, narrowed by path", ["network", "--resource", "b.example.com", "--path", "/y"], 1),
            ("resource and client", ["network", "a.example.com", "--sandbox", "x"], 1),
            ("resource and scope in front", ["network", "x", "--resource", "a.example.com"], 1),
            ("resource of all", ["network", "-g", "--resource", "A.EXAMPLE.com."], 1),
            ("selector", ["docker", "ContainerStop"], 1),
            ("several", ["docker", "ContainerStop,ContainerKill"], 2),
            ("several of both kinds", ["ContainerStop", b, "*.both.example"], 3),
        )
        with open(self.cli, encoding="utf-8") as stream:
            whole = stream.read()
        for name, words, count in rows:
            with self.subTest(name):
                self.write(self.cli, whole)
                done = self.do("rm", *words)
                self.assertEqual(done.stdout.count("removed: "), count, done.stdout)
                self.assertEqual(len(self.rules()), 7 - count)

    def test_what_it_says(self):
        answer = self.json("rm", "docker", "ContainerKill")
        self.assertEqual([(row["kind"], row["scope"], row["decision"], row["resource"]) for row in answer["removed"]], [("docker", "x", "allow", "ContainerKill")])
        self.assertTrue(answer["changed"])
        self.assertIn("policy.yaml:3: the same resource has a rule here, which stays", self.do("rm", "network", "*.both.example").said)

    def test_refusals_change_nothing(self):
        with open(self.cli, encoding="utf-8") as stream:
            whole = stream.read()
        fixed = next(row["id"] for row in self.json("ls") if row["resource"] == "fixed.example.com:80,443")
        preset = next(row["id"] for row in self.json("ls") if row["resource"] == "SystemVersion")
        builtin = next(row for row in self.json("ls", "--all") if row["source"] == "built-in")
        rows = (
            ("it stands in a file", ["network", "fixed.example.com"], 4, "policy.yaml:3: " + fixed + "  allow network fixed.example.com:80,443: it does not stand in"),
            ("by id", [fixed], 4, "policy.yaml:3: " + fixed),
            ("a Docker rule in a file", ["docker", "ContainerList"], 4, "policy.yaml:5: "),
            ("it stands in a preset", [preset], 4, "preset/negotiate:6: "),
            ("there is none", ["network", "a.example.con"], 3, "did you mean `a.example.com`?"),
            ("no such id", ["00000000"], 3, "there is no such rule: `00000000`"),
            ("built in", [builtin["id"]], 4, builtin["id"] + " (built-in) is no rule: it always holds"),
            ("a default", ["00000002"], 4, "00000002 (default) is no rule: `dockreeve policy set-default` changes it"),
            ("a default of Docker", ["00000001"], 4, "00000001 (default) is no rule: it is a setting of the policy"),
            ("a kind mistyped", ["netwrok", "a.example.com", "-g"], 3, "did you mean `network`?"),
            ("of the other kind", ["docker", "a.example.com"], 3, "there is no such rule"),
            ("not of this client", ["network", "b.example.com", "--client", "x"], 3, "there is no such rule"),
            ("two scopes", ["network", "a.example.com"], 4, "allow network a.example.com:80,443 for client x: one of several"),
            ("two methods", ["network", "b.example.com"], 4, "where methods=GET paths=/y: one of several"),
            ("one of two is there", ["docker", "ContainerStop,ContainerStart"], 3, "`ContainerStart`"),
        )
        for name, words, code, said in rows:
            with self.subTest(name):
                done = self.do("rm", *words, code=code)
                self.assertIn(said, done.said)
                self.assertEqual(done.stdout, "")
                with open(self.cli, encoding="utf-8") as stream:
                    self.assertEqual(stream.read(), whole)
        errors = self.json("rm", "network", "fixed.example.com", code=4)
        self.assertEqual((errors["changed"], errors["errors"][0]["line"]), (False, 3))

    def test_nothing_empty_stays_behind(self):
        self.do("rm", *[row["id"] for row in self.rules()])
        self.assertEqual(self.store(), "version: 1\n")

    def test_one_host_of_a_list_and_rules_on_one_line(self):
        self.write(self.cli, "version: 1\nnetwork: [{allow: [a.example, b.example, c.example]}, {deny: d.example}]\ndocker: [{allow: ContainerStop}, {allow: ContainerKill}]\n")
        self.do("rm", "network", "b.example")
        self.do("rm", "docker", "ContainerKill")
        self.assertEqual(self.store(), "version: 1\ndocker:\n  - allow: ContainerStop\nnetwork:\n  - allow:\n      - a.example\n      - c.example\n  - deny: d.example\n")


class Default(EditCase):
    def test_the_three(self):
        rows = (("allow-all", "default:\n  network: allow\n"), ("balanced", "default:\n  network: deny\nuse:\n  - preset/balanced\n"),
                ("deny-all", "default:\n  network: deny\n"))
        for command in ("set-default", "init"):
            for choice, written in rows:
                with self.subTest(command + " " + choice):
                    self.assertIn("set: " + choice, self.do(command, choice).stdout)
                    self.assertEqual(self.store(), "version: 1\n" + written)
                    self.assertIn("already so: " + choice, self.do(command, choice).stdout)
                    self.assertFalse(self.json(command, choice)["changed"])
        self.assertEqual(self.json("set-default", "balanced")["default"], "balanced")
        self.assertEqual(self.check("network", "api.anthropic.com"), ALLOWED)

    def test_other_keys_stay(self):
        self.write(self.cli, "version: 1\nuse: [preset/balanced, preset/npm, preset/balanced]\n")
        self.do("set-default", "deny-all")
        self.assertEqual(self.store(), "version: 1\ndefault:\n  network: deny\nuse:\n  - preset/npm\n")
        self.write(self.cli, "version: 1\nuse: preset/npm\ndefault: {docker: allow}\n")
        self.do("set-default", "balanced")
        self.assertEqual(self.store(), "version: 1\ndefault:\n  docker: allow\n  network: deny\nuse:\n  - preset/npm\n  - preset/balanced\n")
        self.do("set-default", "deny-all")
        self.assertEqual(self.store(), "version: 1\ndefault:\n  docker: allow\n  network: deny\nuse:\n  - preset/npm\n")

    def test_it_overrides_the_file(self):
        self.policy("version: 1\ndefault: {network: allow}\n")
        self.do("set-default", "deny-all")
        self.assertEqual(self.check("network", "example.com"), DENIED)

    def test_it_says_what_still_opens_more(self):
        self.policy('version: 1\nuse:\n  - preset/docker-read\n  - preset/balanced\nnetwork:\n  - allow: [a.example, b.example]\n')
        self.write(self.file("policy.d", "10-more.yaml"), "version: 1\nuse: preset/pypi\nclients: {ci: {egress: '127.0.0.1:0', network: [{allow: c.example}]}}\n")
        self.do("allow", "network", "d.example")
        said = self.do("set-default", "deny-all").said
        for part in ("policy.yaml:4: `use` of preset/balanced still allows ", "policy.yaml:6: `a.example` and more are still allowed (2 host patterns in this file)",
                     "policy.d/10-more.yaml:3: `c.example` is still allowed", "policy.d/90-cli.yaml:6: `d.example` is still allowed"):
            self.assertIn(part, said)
        self.assertNotIn("docker-read", said)
        self.assertNotIn("preset/balanced", self.do("set-default", "balanced").said)
        self.assertEqual(self.do("set-default", "allow-all").stderr.count("still"), 0)


class Reset(EditCase):
    def test_without_a_terminal_it_wants_force(self):
        self.do("allow", "network", "a.example.com")
        self.assertIn("--force", self.do("reset", code=7).said)
        self.assertIsNotNone(self.store())
        self.assertIn("removed: ", self.do("reset", "-y").stdout)
        self.assertIsNone(self.store())
        self.assertIn("nothing to forget", self.do("reset", "--force").stdout)
        self.assertEqual(self.json("reset", "--force")["changed"], False)

    def on_terminal(self, answer, *words):
        primary, secondary = pty.openpty()
        self.addCleanup(os.close, primary)
        os.write(primary, answer)
        process = subprocess.Popen([binary(), "policy", "reset", "--config", self.path, *words], env=clean_environment(),
                                   stdin=secondary, stdout=subprocess.PIPE, stderr=secondary)
        os.close(secondary)
        process.communicate(timeout=60)
        return process.returncode

    def test_on_a_terminal_it_asks(self):
        self.do("allow", "network", "a.example.com")
        for answer, code, there in ((b"n\n", 7, True), (b"\n", 7, True), (b"yikes\n", 7, True), (b"nyet\n", 7, True), (b" y\n", 7, True),
                                    (b"y" * 30 + b"\n", 7, True), (b"\x04", 7, True), (b"y\n", 0, False)):
            with self.subTest(answer):
                self.assertEqual(self.on_terminal(answer), code)
                self.assertEqual(self.store() is not None, there)
        self.do("allow", "network", "a.example.com")
        self.assertEqual(self.on_terminal(b"YES\n"), 0)

    def test_of_one_client(self):
        self.write(self.cli, "version: 1\nclients: {x: {egress: '127.0.0.1:0', network: [{allow: a.example}]}, y: {docker: [{allow: ContainerStop}]}}\n")
        self.do("reset", "--force", "--client", "x")
        self.do("reset", "--force", "--sandbox", "y")
        self.assertEqual(self.store(), 'version: 1\nclients:\n  x:\n    egress: "127.0.0.1:0"\n')
        self.assertIn("nothing to forget", self.do("reset", "--force", "--client", "x").stdout)

    def test_a_file_with_errors_can_be_forgotten(self):
        self.write(self.cli, "version: 1\nnonsense: 1\n")
        self.do("allow", "network", "a.example.com", code=2)
        self.do("reset", "--force")
        self.do("allow", "network", "a.example.com")


class Help(EditCase):
    def test_every_command_has_examples_and_its_options_in_the_manual(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "man", "dockreeve-policy.1"), encoding="utf-8") as stream:
            manual = stream.read()
        for command in ("set-default", "init", "allow", "deny", "rm", "reset"):
            with self.subTest(command):
                text = run("policy", command, "--help").stdout
                self.assertIn("  dockreeve policy " + command, text)
                self.assertTrue(re.search(r"(?m)^\.It Cm (.* , )?%s( , .*)?$" % command, manual))
                for option in re.findall(r"--([a-z-]+)", text.partition("Examples")[0]):
                    if option != "help":
                        self.assertTrue(re.search(r"(?m)^\.It (Fl . , )*Fl -%s( .*)?$" % option, manual), option)

    def test_the_examples_work(self):
        for command in ("set-default", "init", "allow", "deny", "reset"):
            examples = re.findall(r"^  dockreeve policy (.*)$", run("policy", command, "--help").stdout, re.M)
            self.assertTrue(examples)
            for line in examples:
                with self.subTest(line):
                    words = shlex.split(line.replace("--config ./policy.yaml", ""))
                    self.do(*words, *(["--force"] if command == "reset" and "--force" not in words else []))


class Running(EgressCase, GateCase):
    """A gate that runs while the policy is edited."""

    def edit(self, gate, *words, code=0):
        done = run("policy", *words, "--config", gate.policy_path)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def status(self, gate, target):
        with gate.client() as client:
            client.send(connect(target))
            return client.read_head().status

    def test_an_egress_gate_obeys(self):
        origin = self.origin(Origin(echo))
        gate = self.start_egress("version: 1\n")
        target = "127.0.0.1:%d" % origin.port
        self.assertEqual(self.status(gate, target), 403)
        self.edit(gate, "allow", "network", target)
        wait_for(lambda: self.status(gate, target) == 200, "the allow to hold", gate.process)
        self.edit(gate, "deny", "network", "127.0.0.0/8")
        wait_for(lambda: self.status(gate, target) == 403, "the deny to hold", gate.process)
        self.edit(gate, "rm", "network", "127.0.0.0/8")
        wait_for(lambda: self.status(gate, target) == 200, "the deny to be gone", gate.process)
        self.edit(gate, "reset", "--force")
        wait_for(lambda: self.status(gate, target) == 403, "all to be forgotten", gate.process)
        self.assertIn("policy.d/90-cli.yaml:4", [record["source"] for record in gate.network(decision="allow")])

    def test_a_gate_needs_no_other_file(self):
        """Nobody has written a policy.yaml: the commands' own file is the policy, and forgetting it leaves an empty one."""
        origin = self.origin(Origin(echo))
        gate = EgressGate(None, start=False)
        self.addCleanup(gate.remove)
        gate.arguments += ["--config", gate.policy_path]
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 2)
        target = "127.0.0.1:%d" % origin.port
        self.edit(gate, "set-default", "deny-all")
        self.edit(gate, "allow", "network", target)
        gate.start()
        self.assertEqual(self.status(gate, target), 200)
        self.edit(gate, "reset", "--force")
        wait_for(lambda: self.status(gate, target) == 403, "all to be forgotten", gate.process)
        self.assertEqual(gate.read("policy.d/90-cli.yaml"), "version: 1\n")
        self.assertEqual(gate.stop(), 0)

    def test_a_policy_that_vanished_is_no_policy_of_the_commands_alone(self):
        origin = self.origin(Origin(echo))
        gate = self.start_egress("version: 1\nnetwork:\n  - deny: 127.0.0.2\n")
        target = "127.0.0.1:%d" % origin.port
        self.edit(gate, "allow", "network", target)
        wait_for(lambda: self.status(gate, target) == 200, "the allow to hold", gate.process)
        os.unlink(gate.policy_path)
        record = gate.wait_log(1, event="policy", reason="reload.refused")[0]
        self.assertIn("there is no such file", record["text"])

    def test_a_docker_gate_obeys(self):
        gate = self.start_gate("version: 1\n")
        self.assertEqual(gate.ask(get("/containers/json")).status, 403)
        self.edit(gate, "allow", "docker", "ContainerList")
        wait_for(lambda: gate.ask(get("/containers/json")).status == 200, "the allow to hold", gate.process)
        self.assertEqual(gate.ask(post("/containers/x/start")).status, 403)

    def test_a_gate_in_report_mode_obeys(self):
        gate = self.start_gate("version: 1\nmode: report\n")

        def is_denied():
            self.assertEqual(gate.ask(get("/containers/json")).status, 200)
            return "would_deny" in gate.log(operation="ContainerList")[-1]

        self.assertTrue(is_denied())
        self.edit(gate, "allow", "docker", "ContainerList")
        wait_for(lambda: not is_denied(), "the allow to hold", gate.process)
        self.edit(gate, "deny", "docker", "@read")
        wait_for(is_denied, "the deny to hold", gate.process)
        self.edit(gate, "rm", "docker", "@read")
        wait_for(lambda: not is_denied(), "the deny to be gone", gate.process)
        self.edit(gate, "reset", "--force")
        wait_for(is_denied, "all to be forgotten", gate.process)

    def test_edits_that_do_not_end_do_not_keep_the_gate_from_obeying(self):
        """Without a bound each edit would begin the wait for quiet anew. The edits go on until the gate obeys."""
        gate = self.start_gate("version: 1\n")
        count = 0

        def edited():
            nonlocal count
            count += 1
            gate.write_policy("version: 1\n# %d\ndocker:\n  - allow: ContainerList\n" % count, gate.file("policy.d", "50-x.yaml"))
            return gate.ask(get("/containers/json")).status == 200 and count > 1

        os.mkdir(gate.file("policy.d"), 0o755)
        wait_for(edited, "the gate to obey while the policy changes on and on", gate.process)

# SPDX-License-Identifier: Apache-2.0
"""`policy test`: files of requests with the verdicts that are expected, ours for the presets among them."""

import glob
import json
import os
import re
import tempfile
import unittest

from harness.gate import TOP, run

PRESETS = os.path.join(TOP, "policy", "document", "presets")
POLICY = """version: 1
docker:
  - name: looking
    allow: "@read"
  - {allow: ContainerStop, where: {name: "web-*", label: a=b}}
  - {deny: ContainerKill}
  - {allow: ContainerCreate}
network:
  - allow: [api.example.com, "*.example.org"]
  - deny: "*.telemetry.example.org"
  - {allow: in.example.com, addresses: 10.0.0.0/8}
clients:
  ci: {mode: report, listen: "tcp:127.0.0.1:0"}
"""


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-policy-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("policy.yaml", POLICY)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def ask(self, text, *more):
        return run("policy", "test", self.write("tests.yaml", text), *more)

    def row(self, row):
        done = self.ask("policy: policy.yaml\ntests:\n  - {%s}\n" % row, "-v")
        return done.returncode, done.stdout + done.stderr


class Verdicts(Files):
    def test_rows(self):
        self.write("small.json", "{}")
        self.write("long.bin", "x" * 70000)
        rows = (
            ("network", 'network: "api.example.com:443", expect: allow', 0),
            ("bare host", "network: api.example.com, expect: allow", 0),
            ("the opposite", "network: api.example.com, expect: deny", 1),
            ("a rule by its text", 'network: x.example.org, expect: allow, rule: "allow *.example.org"', 0),
            ("by its place", 'network: x.example.org, expect: allow, rule: "policy.yaml:9"', 0),
            ("another rule", 'network: x.example.org, expect: allow, rule: "policy.yaml:10"', 1),
            ("a rule by its name", "docker: SystemInfo, expect: allow, rule: looking", 0),
            ("a named rule by its text", 'docker: SystemInfo, expect: allow, rule: "allow @read"', 0),
            ("no rule", "docker: ImageBuild, expect: deny, rule: default", 0),
            ("the gate itself", 'docker: "GET /v1.4x/info", expect: deny, rule: built-in, reason: unknown.operation', 0),
            ("a reason", "network: a.telemetry.example.org, expect: deny, reason: rule", 0),
            ("another reason", "network: a.telemetry.example.org, expect: deny, reason: default", 1),
            ("an address", "network: in.example.com, address: 10.0.0.1, expect: allow", 0),
            ("addresses: one suffices", "network: in.example.com, address: [127.0.0.1, 10.0.0.1], expect: allow", 0),
            ("no address that may be dialled", "network: in.example.com, address: [127.0.0.1, 127.0.0.2], expect: deny, reason: address-class.loopback", 0),
            ("a server name", "network: api.example.com, sni: x.example.com, expect: deny, reason: sni-mismatch", 0),
            ("a method", 'network: "http://api.example.com/x", method: POST, expect: allow', 0),
            ("an object", "docker: ContainerStop, object: {name: web-1, label: [x=y, a=b]}, expect: allow", 0),
            ("another object", "docker: ContainerStop, object: {name: db, label: a=b}, expect: deny", 0),
            ("an unknown object", "docker: ContainerStop, expect: deny", 0),
            ("a body", 'docker: "POST /containers/create", body: small.json, expect: allow', 0),
            ("a body of another type", 'docker: "POST /containers/create", body: small.json, content_type: text/plain, expect: deny, '
                                       "reason: malformed.content-type", 0),
            ("a body that nobody takes", 'docker: "POST /containers/web-1/stop", body: long.bin, object: {name: web-1, label: a=b}, expect: deny, reason: limit.body', 0),
            ("a client", "docker: ImageBuild, client: ci, expect: allow", 0),
            ("a sandbox", "docker: ImageBuild, sandbox: ci, expect: allow, reason: default", 0),
        )
        for name, row, code in rows:
            with self.subTest(name):
                self.assertEqual(self.row(row)[0], code, self.row(row)[1])

    def test_a_rule_by_its_id(self):
        listed = json.loads(run("policy", "ls", "--config", self.path("policy.yaml"), "--json").stdout)
        for selector, row in (("*.example.org", "network: x.example.org"), ("ContainerKill", "docker: ContainerKill")):
            found = next(rule["id"] for rule in listed if rule["resource"].startswith(selector))
            expect = "allow" if selector[0] == "*" else "deny"
            self.assertEqual(self.row('%s, expect: %s, rule: "%s"' % (row, expect, found))[0], 0, found)
            self.assertEqual(self.row('%s, expect: %s, rule: "00000000"' % (row, expect))[0], 1)

    def test_what_failed_is_a_line_with_its_place(self):
        done = self.ask("policy: policy.yaml\ntests:\n  - {network: api.example.com, expect: allow}\n  - name: spies\n"
                        "    network: a.telemetry.example.org\n    expect: allow\n    rule: x\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "FAIL  %s:4: spies: expected allow by x, got deny by deny *.telemetry.example.org (policy.yaml:10)\n"
                                      "2 tests: 1 passed, 1 failed\n" % self.path("tests.yaml"))

    def test_all_are_listed_when_asked(self):
        done = self.ask("policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: allow}\n", "-v")
        self.assertEqual(done.stdout, "ok    %s:3: SystemInfo: allow by looking (policy.yaml:3)\n1 test: 1 passed, 0 failed\n" % self.path("tests.yaml"))
        self.assertEqual(self.ask("policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: allow}\n", "-q").stdout, "")

    def test_json(self):
        done = self.ask("policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: deny, name: n}\n", "--json", "--coverage")
        self.assertEqual(done.returncode, 1)
        said = json.loads(done.stdout)
        test = said["tests"][0]
        self.assertEqual((said["passed"], said["failed"]), (0, 1))
        self.assertEqual({name: test[name] for name in ("line", "name", "docker", "client", "passed", "expect", "decision", "rule", "source", "reason", "would_deny")},
                         {"line": 3, "name": "n", "docker": "SystemInfo", "client": "default", "passed": False, "expect": "deny", "decision": "allow",
                          "rule": "looking", "source": "policy.yaml:3", "reason": "rule", "would_deny": False})
        self.assertRegex(test["id"], "^[0-9a-f]{8}$")
        self.assertRegex(test["policy"], "^[0-9a-f]{12}$")
        self.assertNotIn("policy.yaml:3", [rule["source"] for rule in said["never_decided"]])
        self.assertIn({"source": "policy.yaml:10", "rule": "deny *.telemetry.example.org"}, said["never_decided"])

    def test_coverage_lists_what_never_decided(self):
        done = self.ask("policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: allow}\n  - {network: x.example.org, expect: allow}\n", "--coverage")
        self.assertEqual(done.returncode, 0)
        found = re.findall(r"^never decided: (\S+)  (.*)$", done.stdout, re.M)
        self.assertEqual(found, [("policy.yaml:5", "allow ContainerStop where name=web-* label=a=b"), ("policy.yaml:6", "deny ContainerKill"),
                                 ("policy.yaml:7", "allow ContainerCreate"), ("policy.yaml:9", "allow api.example.com"),
                                 ("policy.yaml:10", "deny *.telemetry.example.org"), ("policy.yaml:11", "allow in.example.com")])

    def test_coverage_knows_a_policy_by_every_name_of_it(self):
        os.mkdir(self.path("sub"))
        one = self.write("one.yaml", "policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: allow}\n  - {docker: ContainerCreate, expect: allow}\n")
        other = self.write("sub/other.yaml", "policy: ../policy.yaml\ntests:\n  - {docker: ContainerKill, expect: deny}\n")
        said = json.loads(run("policy", "test", "--coverage", "--json", one, other).stdout)
        self.assertEqual([rule["source"] for rule in said["never_decided"]], ["policy.yaml:%d" % line for line in (5, 9, 9, 10, 11)])

    def test_several_files_and_the_policy_of_the_command_line(self):
        first = self.write("first.yaml", "tests:\n  - {network: api.example.com, expect: allow}\n")
        second = self.write("second.yaml", "policy: preset/npm\ntests:\n  - {network: api.example.com, expect: deny}\n")
        done = run("policy", "test", "--config", self.path("policy.yaml"), first, second)
        self.assertEqual((done.returncode, done.stdout), (0, "2 tests: 2 passed, 0 failed\n"))

    def test_what_a_name_says_is_escaped(self):
        done = self.ask('policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: deny, name: "a\\e[31mb"}\n')
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("\\x1b", done.stdout)


class Documents(Files):
    def test_the_examples_pass(self):
        self.write("policy.yaml", """version: 1
docker: [{allow: ContainerStop, where: {label: "team=*"}}]
network: [{allow: [api.anthropic.com, "*.npmjs.org:443", api.example.com]}]
clients: {ci: {listen: "tcp:127.0.0.1:0"}}
""")
        with open(os.path.join(TOP, "deploy", "man", "dockreeve-policy-test.1"), encoding="ascii") as stream:
            manual = re.search(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", stream.read(), re.M | re.S).group(1)
        with open(os.path.join(TOP, "docs", "recipes.md"), encoding="utf-8") as stream:
            readme = re.search(r"^(    policy: policy.yaml\n(?:    .*\n)+)", stream.read(), re.M).group(1)
        for name, text, count in (("manual", manual, 6), ("recipes", "".join(line[4:] + "\n" for line in readme.splitlines()), 3)):
            with self.subTest(name):
                done = self.ask(text)
                self.assertEqual(done.stdout, "%d tests: %d passed, 0 failed\n" % (count, count), done.stdout + done.stderr)


class Strictness(Files):
    def test_what_is_wrong_is_named_with_its_place(self):
        rows = (
            ("unknown key", "tests:\n  - {netwrk: x, expect: allow}\n", r":2:6: `netwrk` is no key of a test; did you mean `network`\?"),
            ("unknown key of the file", "test: []\n", r":1:1: `test` is no key of a file of tests; did you mean `tests`\?"),
            ("no tests", "policy: policy.yaml\n", "there are no `tests`"),
            ("no list", "tests: x\n", ":1:8: `tests` takes a list, not text"),
            ("no map", "tests: [x]\n", ":1:9: a test is a map"),
            ("no document", "", ":1:1: a file of tests is a map"),
            ("neither kind", "tests:\n  - {expect: allow}\n", "asks about `network` or about `docker`"),
            ("both kinds", "tests:\n  - {network: x.test, docker: SystemInfo, expect: allow}\n", "asks about `network` or about `docker`"),
            ("no expectation", "tests:\n  - {network: x.test}\n", "needs `expect: allow` or `expect: deny`"),
            ("another expectation", "tests:\n  - {network: x.test, expect: permit}\n", "`expect` is allow or deny"),
            ("a key of the other kind", "tests:\n  - {network: x.test, object: {name: a}, expect: deny}\n", "are for `docker`"),
            ("and the other way round", "tests:\n  - {docker: SystemInfo, sni: a, expect: deny}\n", "are for `network`"),
            ("unknown fact", "tests:\n  - {docker: SystemInfo, object: {nam: a}, expect: deny}\n", "did you mean `name`"),
            ("both clients", "tests:\n  - {docker: SystemInfo, client: a, sandbox: a, expect: deny}\n", "mean the same"),
            ("a key twice", "tests:\n  - {docker: SystemInfo, docker: SystemInfo, expect: deny}\n", "docker"),
            ("an alias", "tests:\n  - &a {docker: SystemInfo, expect: deny}\n  - *a\n", "alias|anchor"),
            ("a tab", "tests:\n\t- x\n", "not YAML"),
            ("a type without a body", "tests:\n  - {docker: SystemInfo, content_type: a/b, expect: deny}\n", "is of a `body`"),
            ("no operation", "policy: policy.yaml\ntests:\n  - {docker: ContainerCraete, expect: deny}\n", r":3:5: .*did you mean `ContainerCreate`\?"),
            ("no client", "policy: policy.yaml\ntests:\n  - {docker: SystemInfo, client: cj, expect: deny}\n", ":3:5: the policy has no client `cj`; did you mean `ci`"),
            ("no address", "policy: policy.yaml\ntests:\n  - {network: x.test, address: y, expect: deny}\n", ":3:5: .*`y` is no address"),
            ("no body", "policy: policy.yaml\ntests:\n  - {docker: SystemInfo, body: nowhere, expect: deny}\n", ":3:5: .*nowhere cannot be read"),
            ("no policy", "policy: nowhere.yaml\ntests:\n  - {docker: SystemInfo, expect: deny}\n", "nowhere.yaml: there is no such file"),
            ("no preset", "policy: preset/nowhere\ntests:\n  - {docker: SystemInfo, expect: deny}\n", r":1:9: there is no `preset/nowhere`"),
        )
        for name, text, says in rows:
            with self.subTest(name):
                done = self.ask(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertRegex(done.stderr, says)

    def test_no_file(self):
        self.assertEqual(run("policy", "test").returncode, 2)
        done = run("policy", "test", self.path("nowhere.yaml"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no such file", done.stderr)

    def test_a_policy_that_is_wrong(self):
        self.write("policy.yaml", "version: 1\nnetwrk: []\n")
        done = self.ask("policy: policy.yaml\ntests:\n  - {docker: SystemInfo, expect: deny}\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("policy.yaml:2:1: `netwrk`", done.stderr)


class Presets(unittest.TestCase):
    def test_every_preset_has_tests_that_pass(self):
        presets = {os.path.basename(path) for path in glob.glob(os.path.join(PRESETS, "*.yaml"))}
        tests = {os.path.basename(path) for path in glob.glob(os.path.join(PRESETS, "tests", "*.yaml"))}
        self.assertGreater(len(presets), 40)
        self.assertEqual(tests, presets, "each preset has tests of its name")
        for name in sorted(tests):
            with self.subTest(name):
                path = os.path.join(PRESETS, "tests", name)
                done = run("policy", "test", "--json", "--coverage", path)
                said = json.loads(done.stdout)
                self.assertEqual([test for test in said["tests"] if not test["passed"]], [])
                decisions = {test["decision"] for test in said["tests"]}
                self.assertEqual(decisions, {"allow", "deny"})
                used = [test["policy"] for test in said["tests"]]
                self.assertEqual(len(set(used)), 1)
                with open(path, encoding="utf-8") as stream:
                    self.assertIn("\npolicy: preset/%s\n" % name[:-5], stream.read())

    def test_every_rule_of_a_preset_decides_a_test(self):
        """Of presets made of others only those others are asked. Of two rules that admit the same the first decides."""
        for path in sorted(glob.glob(os.path.join(PRESETS, "*.yaml"))):
            name = os.path.basename(path)[:-5]
            with open(path, encoding="utf-8") as stream:
                if "\nuse:" in stream.read():
                    continue
            with self.subTest(name):
                said = json.loads(run("policy", "test", "--json", "--coverage", os.path.join(PRESETS, "tests", name + ".yaml")).stdout)
                left = [rule for rule in said["never_decided"] if rule["rule"] != "allow SystemVersion"]  # preset/negotiate has it, too
                self.assertEqual(left, [])

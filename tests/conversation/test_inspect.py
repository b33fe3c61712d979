# SPDX-License-Identifier: Apache-2.0
"""`policy inspect`: one rule with everything, however it is named; and what is said when no rule or several are meant."""

import json
import os
import re
import unittest

from conversation.test_ls import ListCase
from harness.gate import run


class InspectCase(ListCase):
    def inspect(self, *words, code=0):
        done = run("policy", "inspect", "--config", self.path, "--state", self.state, *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.said = done.stderr
        return done.stdout

    def shown(self, *words):
        """The lines `Title: value`, and behind the empty line what stands in the file."""
        head, _, lines = self.inspect(*words).partition("\n\n")
        return dict(re.match(r"([A-Za-z ]+): +(.*)$", line).groups() for line in head.splitlines()), lines

    def read(self, name, **options):
        return json.loads(self.inspect(name, "--json", **options))

    def id_of(self, resource):
        return self.row(resource)["id"]


class Text(InspectCase):
    def test_a_docker_rule(self):
        found, lines = self.shown("looking")
        self.assertEqual(found["Rule"], "allow @read, ContainerStop")
        self.assertEqual(found["Id"], self.id_of("@read, ContainerStop"))
        self.assertEqual((found["Name"], found["Comment"], found["Scope"]), ("looking", "everybody may look\\x09and stop", "every client that inherits"))
        operations = found["Operations"].split(", ")
        self.assertLessEqual({"ContainerList", "ContainerInspect", "ContainerStop", "SystemInfo"}, set(operations))
        self.assertNotIn("ContainerLogs", operations)
        self.assertEqual(found["Place"], self.path + ":5:5")
        self.assertEqual(found["To remove"], "delete it from %s, line 5" % self.path)
        self.assertIn('\n>      5    - allow: ["@read", ContainerStop]\n', "\n" + lines)
        self.assertIn("\n       4  docker:\n", "\n" + lines)
        self.assertNotIn("Ports", found)

    def test_a_network_rule(self):
        found, lines = self.shown(self.id_of("in.example.com"))
        self.assertEqual(found["Rule"], "allow in.example.com:80,443 where addresses=10.0.0.0/8 expires=2037-01-31")
        self.assertEqual((found["Ports"], found["Expires"], found["Comment"]), ("80,443", "2037-01-31T00:00:00Z", "ours"))
        self.assertEqual((found["Protocols"], found["Server name"], found["ECH"]), ("tls on port 443, any elsewhere", "required on port 443", "allow"))
        self.assertIn("addresses: [10.0.0.0/8]", lines)

    def test_settings_of_tls_that_are_written(self):
        self.write("version: 1\nnetwork:\n  - allow: x.test:443\n    name: x\n    protocols: [tls, ssh]\n    require_sni: false\n    ech: deny\n"
                   "  - allow: y.test\n    name: y\n    require_sni: true\n    protocols: [any]\n  - deny: z.test\n    name: z\n")
        found, _ = self.shown("x")
        self.assertEqual((found["Protocols"], found["Server name"], found["ECH"]), ("tls, ssh", "not required", "deny"))
        found, _ = self.shown("y")
        self.assertEqual((found["Protocols"], found["Server name"]), ("any", "required"))
        found, _ = self.shown("z")
        self.assertNotIn("Protocols", found)

    def test_hits(self):
        key = self.row("ContainerStart")["key"]
        self.count([(key, 7, 1763712345678901)])
        found, _ = self.shown(self.id_of("ContainerStart"))
        self.assertEqual(found["Hits"], "7")
        self.assertRegex(found["Last hit"], r"^2025-11-21T08:05:45Z, \d+ d ago$")
        self.assertEqual(self.shown("looking")[0]["Hits"], "0")
        os.unlink(os.path.join(self.state, "hits"))
        self.assertEqual(self.shown("looking")[0]["Hits"], "not counted")

    def test_what_keeps_it_from_deciding(self):
        found, _ = self.shown(self.id_of("ContainerExec"))
        self.assertEqual(found["Never decides"], "all of it is denied by deny @exec (policy.yaml:8, %s)" % self.id_of("@exec"))
        found, _ = self.shown(self.id_of("a.example.org"))
        self.assertIn("all of it is decided before by *.example.org (policy.yaml:15, ", found["Never decides"])
        self.assertEqual(self.shown(self.id_of("ContainerLogs"))[0]["Never decides"], "it has expired")

    def test_what_is_not_of_a_file(self):
        found, lines = self.shown("address-class.private")
        self.assertEqual(found["Ranges"], "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, fec0::/10")
        self.assertIn("built in", found["To remove"])
        self.assertEqual(lines, "")
        self.assertNotIn("Place", found)
        found, _ = self.shown("00000002")
        self.assertEqual((found["Rule"], found["To remove"]), ("allow every other host", "write `default: {network: deny}`"))

    def test_where_it_comes_from_and_how_to_remove_it(self):
        os.mkdir(os.path.join(self.folder, "policy.d"))
        with open(os.path.join(self.folder, "policy.d", "90-cli.yaml"), "w", encoding="utf-8") as out:
            out.write("version: 1\nnetwork:\n  - allow: added.test\n")
        added = self.id_of("added.test")
        self.assertEqual(self.shown(added)[0]["To remove"], "dockreeve policy rm " + added)
        preset = next(row["id"] for row in self.rows() if row["source"].startswith("preset/npm"))
        found, lines = self.shown(preset)
        self.assertIn("leave preset/npm out of `use`", found["To remove"])
        self.assertIn(">", lines)
        negotiate = next(row["id"] for row in self.rows() if row["source"].startswith("preset/negotiate"))
        self.assertIn("a deny takes it away", self.shown(negotiate)[0]["To remove"])

    def test_lines_of_the_file_are_escaped_and_cut(self):
        self.write("version: 1\ndocker:\n  # \u200b and then %s\n  - allow: ContainerList\n    name: x\n" % ("long " * 100))
        said = self.inspect("x")
        self.assertNotIn("\u200b", said)
        self.assertIn("\\xe2\\x80\\x8b", said)
        self.assertTrue(all(len(line) < 300 for line in said.splitlines() if line[:1] in " >"))
        self.assertIn("...", said)

    def test_the_same_rule_twice(self):
        self.write("version: 1\ndocker:\n  - allow: ContainerList\n  - allow: ContainerList\n")
        found, _ = self.shown(self.rows("--source", "policy.yaml")[0]["id"])
        self.assertEqual((found["Source"], found["Also at"]), ("policy.yaml:3", "policy.yaml:4"))


class Json(InspectCase):
    def test_a_docker_rule(self):
        found = self.read("looking")
        self.assertEqual((found["text"], found["line"], found["column"], found["file"]), ("allow @read, ContainerStop", 5, 5, self.path))
        self.assertIn("ContainerStop", found["operations"])
        self.assertEqual(found["comment"], "everybody may look\tand stop")
        self.assertIn({"line": 6, "text": "    name: looking"}, found["lines"])
        listed = self.row("@read, ContainerStop")
        self.assertEqual({key: found.get(key) for key in listed}, listed)

    def test_a_network_rule(self):
        self.write("version: 1\nnetwork:\n  - allow: x.test:80\n    name: x\n    methods: [GET, HEAD]\n    paths: [/a, '/b/**']\n    addresses: 10.0.0.0/8\n"
                   "    protocols: [http]\n")
        found = self.read("x")
        self.assertEqual((found["methods"], found["paths"], found["addresses"]), (["GET", "HEAD"], ["/a", "/b/**"], ["10.0.0.0/8"]))
        self.assertEqual((found["protocols"], found["require_sni"], found["ech"], found["ports"]), ("http", "required on port 443", "allow", "80"))

    def test_an_address_with_ports(self):
        self.write("version: 1\nnetwork:\n  - allow: '[2001:db8::]/32:22'\n    name: x\n")
        found = self.read("x")
        self.assertEqual((found["text"], found["resource"], found["host"], found["ports"]),
                         ("allow [2001:db8::]/32:22", "[2001:db8::]/32:22", "2001:db8::/32", "22"))

    def test_shadow_hits_and_ranges(self):
        key = self.row("ContainerExec")["key"]
        self.count([(key, 2, 1763712345678901)])
        found = self.read(self.id_of("ContainerExec"))
        self.assertEqual((found["hits"], found["last_hit"], found["shadowed"]["source"]), (2, "2025-11-21T08:05:45.678901Z", "policy.yaml:8"))
        self.assertEqual(self.read("address-class.metadata")["source"], "built-in")
        self.assertIn("169.254.169.254/32", self.read("address-class.metadata")["ranges"])


class Naming(InspectCase):
    def test_a_unique_beginning(self):
        ids = [row["id"] for row in self.rows("--all")]
        for wanted in ids[:8]:
            length = next(length for length in range(1, 9) if len([text for text in ids if text.startswith(wanted[:length])]) == 1)
            with self.subTest(wanted[:length]):
                self.assertEqual(self.read(wanted[:length])["id"], wanted)
                self.assertEqual(self.read(wanted.upper())["id"], wanted)
                if length > 1:
                    self.inspect(wanted[:length - 1], code=4)
                    self.assertIn(wanted, self.said)

    def test_a_name_before_a_beginning(self):
        wanted = self.row("ContainerCreate")["id"]
        self.write("version: 1\nclients:\n  ci:\n    docker:\n      - allow: ContainerCreate\n      - allow: ContainerList\n        name: '%s'\n" % wanted[:4])
        self.assertEqual(self.read(wanted[:4])["resource"], "ContainerList")
        self.assertEqual(self.read(wanted)["resource"], "ContainerCreate")

    def test_the_whole_key(self):
        row = self.row("ContainerCreate")
        self.assertEqual(self.read(row["key"])["id"], row["id"])

    def test_several_are_listed(self):
        self.write("version: 1\nnetwork:\n  - allow: [x.test, y.test]\n    name: both\n")
        self.assertEqual(self.inspect("both", code=4), "")
        for word in ("x.test", "y.test", "policy.yaml:3", "2 rules"):
            self.assertIn(word, self.said)

    def test_none_names_the_nearest(self):
        self.inspect("lookin", code=3)
        self.assertIn("did you mean `looking`", self.said)
        self.inspect("\x1b[31m", code=3)
        self.assertNotIn("\x1b", self.said)
        self.inspect("", code=3)

    def test_wrong_use(self):
        for words in ((), ("a", "b"), ("--nonsense", "a")):
            with self.subTest(words):
                self.inspect(*words, code=2)
        self.write("version: 2\n")
        self.inspect("a", code=2)


if __name__ == "__main__":
    unittest.main()

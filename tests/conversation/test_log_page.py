# SPDX-License-Identifier: Apache-2.0
"""The log as a page: well-formed whatever the log holds, complete in itself, and the same page for the same log."""

import base64
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import unittest
from html.parser import HTMLParser

from harness.case import GateCase
from harness.client import get
from harness.gate import run

VOID = {"meta", "input", "br", "wbr", "link", "img", "hr"}
HOSTILE = (
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", "</style><style>*{display:none}", "\"><img src=x onerror=alert(3)>",
    "'onmouseover='alert(4)", "<!--", "]]>", "&lt;b&gt;", "\x1b[2J\x07", "a\u202egnp.exe", "\u2066isolated\u2069", "zero\u200bwidth", "\u2028line",
    "tab\tand\nline", "\U000e0041tag", "x" * 5000, "{{style}}", "{{rows}}", "%s%n", "\ufffe", "\x00nul",
)


class Tree(HTMLParser):
    """Elements with their texts. Every one must be closed in its order, every attribute must be of a known, harmless name."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.raw = [], [], {}
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError("not closed: %s" % [name for name, _ in self.open])

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attributes": dict(attrs), "text": "", "inside": [name for name, _ in self.open]}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append((tag, element))

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "attributes": dict(attrs), "text": "", "inside": [name for name, _ in self.open]})

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            raise AssertionError("</%s> closes %s" % (tag, self.open[-1:]))
        self.open.pop()

    def handle_data(self, data):
        for _, element in self.open:
            element["text"] += data

    def handle_comment(self, data):
        raise AssertionError("a comment: " + data)

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]


def record(number=0, **fields):
    found = {"ts": "2026-11-20T10:00:%02d.000000Z" % number, "id": "id-%d" % number, "seq": number, "event": "request", "kind": "network",
             "client": "ci", "peer": "127.0.0.1:1", "via": "forward", "method": "CONNECT", "host": "a.test", "port": 443, "decision": "allow",
             "rule": "r", "source": "policy.yaml:3", "reason": "rule", "status": 200, "bytes_in": 1, "bytes_out": 2, "duration_us": 3}
    found.update(fields)
    return found


class LogPage(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-page-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.log = os.path.join(self.folder, "access.jsonl")
        self.page = os.path.join(self.folder, "page.html")

    def write(self, *records):
        with open(self.log, "w", encoding="ascii") as out:
            out.writelines(json.dumps(one) + "\n" for one in records)

    def make(self, *options):
        done = run("policy", "log", "--log", self.log, "--html", self.page, *options)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with open(self.page, encoding="utf-8") as page:
            text = page.read()
        return text, Tree(text)

    def rows(self, tree):
        return [element["text"] for element in tree.all("tbody") if "data-decision" in element["attributes"]]

    def test_hostile_records_stay_text(self):
        fields = ("client", "peer", "via", "method", "path", "operation", "object", "judged", "host", "question", "address", "sni", "rule", "source",
                  "reason", "dropped_query", "would_deny", "close", "id", "ts", "event", "kind", "status", "port", "bytes_in", "duration_us")
        text = None
        for name in fields:
            with self.subTest(name):
                self.write(*(record(number, **{name: value}) for number, value in enumerate(HOSTILE)))
                text, tree = self.make()
                self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028\u2066\u2069\U000e0041]")
                self.assertEqual((len(tree.all("script")), len(tree.all("style")), len(tree.all("img"))), (1, 1, 0))
                for element in tree.elements:
                    self.assertEqual([key for key in element["attributes"] if key.startswith("on") or key in ("src", "style")], [])
                    self.assertTrue(element["attributes"].get("href", "#").startswith("#"))
        self.assertIsNotNone(text)

    def test_hostile_texts_are_shown(self):
        self.write(*(record(number, host=value, decision="deny") for number, value in enumerate(("<script>alert(1)</script>", "a\u202eb", "x" * 5000))))
        _, tree = self.make()
        names = sorted(element["text"] for element in tree.all("th") if element["attributes"].get("scope") == "row")
        self.assertEqual(names[:2], ["<script>alert(1)</script>:443", "a\\xe2\\x80\\xaeb:443"])
        self.assertEqual(names[2], "x" * 400 + "… and 4,604 bytes")

    def test_nothing_else_is_needed_or_allowed(self):
        self.write(record())
        text, tree = self.make()
        self.assertTrue(text.startswith("<!doctype html>\n"))
        policy = [m["attributes"]["content"] for m in tree.all("meta") if m["attributes"].get("http-equiv") == "Content-Security-Policy"]
        self.assertEqual(len(policy), 1)
        expected = ["default-src 'none'"]
        for tag in ("style", "script"):
            inside = re.search("<%s>(.*?)</%s>" % (tag, tag), text, re.S).group(1)
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            expected.append("%s-src 'sha256-%s'" % (tag, digest))
        self.assertEqual(policy[0].split("; "), expected + ["base-uri 'none'", "form-action 'none'"])
        self.assertEqual([e for e in tree.elements if {"src", "href", "srcset", "action", "data"} & set(e["attributes"]) and e["tag"] != "a"], [])
        self.assertNotRegex(text, r"https?://|@import|url\(")

    def test_denials_come_first_with_their_rule(self):
        self.write(record(1), record(2), record(3, host="b.test", decision="deny", rule="no b", source="policy.yaml:9", status=403),
                   record(4, kind="docker", via="docker", host=None, port=None, operation="ContainerExec", path="/containers/x/exec", would_deny="default"))
        _, tree = self.make()
        rows = [" ".join(row.split()) for row in self.rows(tree)]
        self.assertEqual([re.sub(r" \d+ records?.*", "", row) for row in rows], [
            "cinetworkb.test:443forwardno b policy.yaml:9rule2026-11-20 10:00:032026-11-20 10:00:031",
            "cidockerContainerExecdockerr policy.yaml:3default2026-11-20 10:00:042026-11-20 10:00:041",
            "cinetworka.test:443forwardr policy.yaml:3rule2026-11-20 10:00:012026-11-20 10:00:022"])
        self.assertEqual([e["attributes"]["data-decision"] for e in tree.all("tbody") if "data-decision" in e["attributes"]], ["denied", "would-deny", "allowed"])
        totals = [element["text"] for element in tree.all("dd")]
        self.assertEqual(totals[4:], ["4", "125 %", "1", "1", "4\u00a0B", "8\u00a0B"])
        self.assertEqual(len([e for e in tree.all("rect") if e["attributes"]["class"] == "bar-denied"]), 1)
        self.assertEqual(len([e for e in tree.all("rect") if e["attributes"]["class"] == "bar-allowed"]), 2)

    def test_denied_and_would_be_denied_are_apart(self):
        self.write(record(1, decision="deny", host="denied.test"), *(record(2 + n, would_deny="default", host="would.test") for n in range(3)))
        text, tree = self.make()
        titles = [" ".join(element["text"].split()) for element in tree.all("h2")]
        self.assertEqual(titles[1:], ["Denied 1 request in 1 row", "Would be denied, let pass by report mode 3 requests in 1 row", "Allowed"])
        self.assertEqual([element["text"] for element in tree.all("p") if element["text"].endswith(("up to 1", "up to 3", "none"))],
                         ["Denied up to 1", "Would be denied up to 1", "Allowed none"])
        self.assertLess(text.index('id="denied"'), text.index('id="would-deny"'))
        self.write(record(1))
        self.assertNotIn("let pass by report mode", self.make()[0])

    def test_the_axis_is_the_span_of_the_log(self):
        for name, seconds, axis in (("one request", [7], ["2026-11-20 10:00:07", "", ""]),
                                    ("two bars", [7, 8], ["2026-11-20 10:00:07", "", "2026-11-20 10:00:08"]),
                                    ("half a minute", [2, 33], ["2026-11-20 10:00:02", "2026-11-20 10:00:17", "2026-11-20 10:00:33"])):
            with self.subTest(name):
                self.write(*(record(second) for second in seconds))
                _, tree = self.make()
                self.assertEqual([element["text"] for element in tree.all("span") if element["inside"][-1] == "figcaption"], axis)
                bars = [element["attributes"] for element in tree.all("rect")]
                width = [float(element["attributes"]["viewbox"].split()[2]) for element in tree.all("svg")][0]
                self.assertLess(float(bars[0]["x"]), width / len(bars), "the first bar is at the beginning")
                self.assertGreater(float(bars[-1]["x"]) + float(bars[-1]["width"]), width * (len(bars) - 1) / len(bars), "the last at the end")

    def test_ids_are_short_and_stand_there_once(self):
        name = "0123456789abcdef" * 4
        self.write(record(1, kind="docker", host=None, port=None, operation="ContainerStart", method="POST", object=name,
                          path="/containers/%s/start" % name, decision="deny"),
                   record(2, kind="docker", host=None, port=None, operation="ImageDelete", method="DELETE", object="sha256:" + name, path="/images/web",
                          decision="deny"))
        text, tree = self.make()
        self.assertNotIn(name, text)
        requests = [element["text"] for element in tree.all("td") if element["text"].startswith(("POST", "DELETE"))]
        self.assertEqual(sorted(requests), ["DELETE /images/web \u00b7 sha256:0123456789ab", "POST /containers/0123456789ab/start"])

    def test_the_head_says_which_gate_and_policy_what_was_lost_and_whether_it_is_sealed(self):
        start = {"ts": "2026-11-20T09:00:00.000000Z", "event": "start", "policy": "aa00", "text": "dockreeve 1.2.3 in front of unix:/x; listening: y"}
        lost = {"ts": "2026-11-20T10:00:05.000000Z", "event": "lost", "count": 17, "text": "no space"}
        seal = {"chain": "00", "mac": "11"}
        for name, records, expected in (
                ("nothing known", [record(1)], ["not in this log", "not in this log", "not sealed", "0"]),
                ("all", [start, record(1, policy="aa00"), record(2, policy="bb11"), lost], ["Dockreeve 1.2.3", "bb11, the last of 2", "not sealed", "17"]),
                ("sealed", [{**start, "epoch": 3, **seal}, record(1, epoch=7, **seal)],
                 ["Dockreeve 1.2.3", "aa00", "sealed, epoch 3 to 7, not verified here", "0"]),
                ("in part", [start, record(1, epoch=1, **seal)], ["Dockreeve 1.2.3", "aa00", "sealed in part, epoch 1, not verified here", "0"])):
            with self.subTest(name):
                self.write(*records)
                text, tree = self.make("ci")
                self.assertEqual([element["text"] for element in tree.all("dd")][:4], expected, "whatever the filter")
                self.assertEqual("could not write" in text, expected[3] != "0")
        version = run("version").stdout.split()[1]
        self.assertIn("Written by Dockreeve %s." % version, text)

    def test_the_filters_of_the_command_hold_and_are_named(self):
        self.write(record(1), record(2, client="web"), record(3, decision="deny"))
        for name, options, count in (("denied", ("--denied",), 1), ("client", ("web",), 1), ("time", ("--since", "2026-11-20T10:00:02"), 2),
                                     ("none left", ("--host", "other.test"), 0)):
            with self.subTest(name):
                text, tree = self.make(*options)
                self.assertEqual(len(self.rows(tree)), count)
                self.assertIn(" ".join(options), text)

    def test_the_same_log_gives_the_same_page(self):
        self.write(*(record(number, host="h%d.test" % (number % 7)) for number in range(50)))
        first, _ = self.make()
        second, _ = self.make()
        self.assertEqual(first, second)
        done = run("policy", "log", "--log", self.log, "--html", "-")
        self.assertEqual((done.returncode, done.stdout), (0, first))

    def test_rotated_files_are_read_too(self):
        self.write(record(1, host="old.test"))
        os.rename(self.log, self.log + ".1")
        self.write(record(2, host="new.test"))
        text, _ = self.make()
        self.assertIn("old.test:443", text)
        self.assertIn("new.test:443", text)

    def test_the_file_is_replaced_as_a_whole(self):
        with open(self.page, "w", encoding="ascii") as out:
            out.write("old")
        self.write(record())
        with open(self.page, encoding="ascii") as old:
            self.make()
            self.assertEqual(old.read(), "old")
        self.assertEqual(stat.S_IMODE(os.stat(self.page).st_mode) & ~0o640, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["access.jsonl", "page.html"])

    def test_the_log_itself_is_not_overwritten(self):
        self.write(record())
        os.symlink(self.log, self.page)
        for path in (self.log, self.page):
            done = run("policy", "log", "--log", self.log, "--html", path)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("would take the place of the log", done.stderr)
        with open(self.log, encoding="ascii") as log:
            self.assertEqual(json.loads(log.read()), record())

    def test_what_cannot_be(self):
        self.write(record())
        for name, code, words, says in (
                ("a folder that is missing", 1, ("--html", self.folder + "/no/page.html"), "No such file"),
                ("follow", 2, ("--html", self.page, "--follow"), "--html"),
                ("json", 2, ("--html", self.page, "--json"), "--html"),
                ("summary", 2, ("--html", self.page, "--summary"), "--html"),
                ("limit", 2, ("--html", self.page, "--limit", "3"), "--html")):
            with self.subTest(name):
                done = run("policy", "log", "--log", self.log, *words)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertIn(says, done.stderr)
                self.assertFalse(os.path.exists(self.page))
        done = run("policy", "log", "--log", self.log + "x", "--html", self.page)
        self.assertEqual(done.returncode, 3)


class Served(GateCase):
    def test_what_a_gate_writes(self):
        gate = self.start_gate()
        gate.ask(get("/containers/json"))
        gate.ask(get("/<script>alert(1)</script>"))
        done = run("policy", "log", "--log", gate.log_path, "--html", "-")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tree = Tree(done.stdout)
        self.assertEqual(len(tree.all("script")), 1)
        self.assertIn("ContainerList", [element["text"] for element in tree.all("th")])

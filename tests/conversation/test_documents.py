# SPDX-License-Identifier: Apache-2.0
"""What the documents show is true: every policy in README.md, docs/ and the manual page is valid, every command has the options that it is
shown with, and the ten examples of docs/recipes.md decide as the words above them say."""

import os
import re
import shlex
import tempfile
import textwrap
import unittest

from harness.gate import TOP, run

ALLOWED, DENIED = 0, 6
# Behind the number of the example: request, verdict, more arguments.
VERDICTS = (
    (1, "GET /containers/json", ALLOWED),
    (1, "POST /containers/create", DENIED),
    (2, "ImageList", ALLOWED),
    (2, "GET /info", DENIED),
    (3, "POST /containers/web/stop", ALLOWED),
    (3, "POST /networks/create", ALLOWED),
    (3, "POST /containers/create", DENIED),
    (4, "POST /containers/web/restart", DENIED),
    (4, "POST /containers/web/restart", ALLOWED, "--object", "label=acme.restart=yes"),
    (4, "POST /containers/web/restart", DENIED, "--object", "label=acme.restart=no"),
    (5, "POST /containers/create", ALLOWED),
    (5, "POST /containers/web/exec", DENIED),
    (6, "DELETE /images/web", ALLOWED),
    (6, "DELETE /images/web?force=1", DENIED),
    (7, "GET /containers/web/json", ALLOWED),
    (7, "GET /containers/0123456789ab/top", ALLOWED),
    (7, "GET /containers/web/top", DENIED),
    (8, "GET /containers/json", ALLOWED, "--client", "traefik"),
    (8, "POST /containers/web/stop", DENIED, "--client", "traefik"),
    (9, "POST /containers/create", ALLOWED, "--client", "ci"),
    (9, "POST /build", DENIED, "--client", "ci"),
    (10, "GET /containers/json", ALLOWED, "--client", "dashboard"),
    (10, "POST /containers/create", ALLOWED, "--client", "dashboard"),
)


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as stream:
        return stream.read()


def documents():
    """Names of README.md, NEWS.md, SECURITY.md, tests/README.md and what is in docs/."""
    return ["README.md", "NEWS.md", "SECURITY.md", "tests/README.md"] + sorted("docs/" + name for name in os.listdir(os.path.join(TOP, "docs")) if name.endswith(".md"))


def policies_of(name):
    """The YAML blocks of a document but those of compose files."""
    blocks = [textwrap.dedent(text) for text in re.findall(r"^ *```yaml\n(.*?)^ *```$", read(name), re.M | re.S)]
    return [text for text in blocks if not text.startswith("services:")]


def shown_policies():
    """Every policy that a document shows: (where, text)."""
    return [(name + ": " + text.splitlines()[0], text) for name in documents() for text in policies_of(name)]


def manual_policies():
    text = read("deploy/man/dockreeve-policy.5")
    return re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", text[text.index(".Sh EXAMPLES"):], re.M | re.S)


def pages():
    """The manual pages by name and section: {"dockreeve-policy.1": text}."""
    folder = "deploy/man"
    return {name: read(os.path.join(folder, name)) for name in os.listdir(os.path.join(TOP, folder))}


def commands():
    """The lines of documents and manual that run the program, as words: (where, ["policy", "ls", "--unused"])."""
    lines = [(name, line) for name in documents() for line in re.findall(r"^ {4}((?:until )?dockreeve .*)$", read(name), re.M)]
    for name, text in pages().items():
        lines += [(name, line.replace(r"\(dq", '"')) for line in re.findall(r"^\.Dl (dockreeve .*)$", text, re.M)]
    for where, line in lines:
        words = shlex.split(line, comments=True)
        words = words[words.index("dockreeve") + 1:]
        end = next((at for at, word in enumerate(words) if word[0] in "|&>;"), len(words))
        yield where, line, words[:end]


class Documents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-documents-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "policy.yaml")

    def write(self, policy):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(policy if re.search("^version:", policy, re.M) else "version: 1\n" + policy)

    def assert_valid(self, path):
        done = run("policy", "validate", "--config", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_policy_is_valid(self):
        shown, manual = shown_policies(), [("manual: " + text.splitlines()[0], text) for text in manual_policies()]
        self.assertGreaterEqual(len(shown), 15)
        self.assertGreaterEqual(len(manual), 6)
        for name, policy in shown + manual:
            with self.subTest(name):
                self.write(policy)
                self.assert_valid(self.path)
        for name in ("deploy/policy.example.yaml", "deploy/egress/policy.yaml"):
            with self.subTest(name):
                self.write(read(name))
                self.assert_valid(self.path)

    def test_every_command_is_one(self):
        """With options that it has."""
        helps, count = {}, 0
        for where, line, words in commands():
            name = tuple(words[:2] if words[0] == "policy" else words[:1])
            if name not in helps:
                helps[name] = run(*name, "--help")
            count += 1
            with self.subTest("%s: %s" % (where, line)):
                self.assertEqual(helps[name].returncode, 0, helps[name].stderr)
                known = set(re.findall(r"(?<![a-z-])--?[a-z][a-z-]*", helps[name].stdout))
                self.assertEqual({word for word in words if re.match("--?[a-z]", word)} - known, set())
        self.assertGreater(count, 60)

    def test_pages_refer_to_pages(self):
        there = pages()
        for page, text in there.items():
            for name, section in re.findall(r"\.Xr (dockreeve\S*) (\d)", text):
                with self.subTest("%s: %s(%s)" % (page, name, section)):
                    self.assertIn("%s.%s" % (name, section), there)
            for heading, name, section in re.findall(r"\b[Ss]ee\s(?:\.Sx )?([A-Z][a-z]+ [a-z]+)\sof\n\.Xr (dockreeve\S*) (\d)", text):
                with self.subTest("%s: %s of %s(%s)" % (page, heading, name, section)):
                    self.assertRegex(there["%s.%s" % (name, section)], r"(?m)^\.S[sh] %s$" % heading)

    def test_documents_refer_to_what_is_there(self):
        headings = {name: {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", read(name), re.M)}
                    for name in documents()}
        for name in documents():
            for link in re.findall(r"\]\(((?!http)[^)]+)\)", read(name)):
                with self.subTest("%s: %s" % (name, link)):
                    path, _, heading = link.partition("#")
                    there = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
                    self.assertTrue(os.path.exists(os.path.join(TOP, there)))
                    self.assertTrue(not heading or heading in headings[there], heading)

    def test_the_ten_examples_decide_as_they_say(self):
        examples = policies_of("docs/recipes.md")
        for number, request, verdict, *more in VERDICTS:
            with self.subTest("%d: %s %s" % (number, request, " ".join(more))):
                self.write(examples[number - 1])
                done = run("policy", "check", "docker", request, "--config", self.path, *more)
                self.assertEqual(done.returncode, verdict, done.stdout + done.stderr)

    def test_the_policy_for_the_internet_decides_as_it_says(self):
        self.write(next(policy for policy in policies_of("docs/egress.md") if "preset/npm" in policy))
        for target, verdict, *more in (("https://api.example.com/v1/x", ALLOWED), ("http://api.example.com/", ALLOWED), ("api.example.com:22", DENIED),
                                       ("a.b.example.org:443", ALLOWED), ("example.org:443", DENIED), ("x.telemetry.example.org:443", DENIED),
                                       ("https://example.com/", DENIED), ("www.example.org:443", DENIED, "--address", "10.0.0.9"),
                                       ("www.example.org:443", DENIED, "--sni", "api.example.com"), ("169.254.169.254:80", DENIED)):
            with self.subTest("%s %s" % (target, " ".join(more))):
                done = run("policy", "check", "network", target, "--config", self.path, *more)
                self.assertEqual(done.returncode, verdict, done.stdout + done.stderr)

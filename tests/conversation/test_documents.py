# SPDX-License-Identifier: Apache-2.0
"""What the documents show is true: every policy in README.md and in the manual page is valid, and the README's ten examples decide as
the words above them say."""

import os
import re
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


def readme_policies():
    """The YAML blocks of the README but those of compose files."""
    blocks = [textwrap.dedent(text) for text in re.findall(r"^ *```yaml\n(.*?)^ *```$", read("README.md"), re.M | re.S)]
    return [text for text in blocks if not text.startswith("services:")]


def manual_policies():
    text = read("deploy/man/dockreeve-policy.5")
    return re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", text[text.index(".Sh EXAMPLES"):], re.M | re.S)


def reasons():
    """The codes for `reason` of network records, as they stand in the source."""
    found = set()
    for folder in ("rules", "policy", "proxy"):
        for name in os.listdir(os.path.join(TOP, folder)):
            if name.endswith(".c"):
                found |= set(re.findall(r'"((?:connect|dns|limit|log|upstream|upstream-proxy)\.[a-z-]+|sni-[a-z]+|own-address|listener-closed|opaque|ech|protocol)"',
                                        read(os.path.join(folder, name))))
    return found


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
        for name, policies, least in (("README", readme_policies(), 11), ("manual", manual_policies(), 6)):
            self.assertGreaterEqual(len(policies), least)
            for policy in policies:
                with self.subTest(name + ": " + policy.splitlines()[0]):
                    self.write(policy)
                    self.assert_valid(self.path)
        for name in ("deploy/policy.example.yaml", "deploy/egress/policy.yaml"):
            with self.subTest(name):
                self.write(read(name))
                self.assert_valid(self.path)

    def test_the_ten_examples_decide_as_they_say(self):
        text = read("README.md")
        examples = readme_policies()
        before = text[:text.index("## The policy in ten examples")].count("```yaml") - text[:text.index("## The policy")].count("```yaml\nservices:")
        for number, request, verdict, *more in VERDICTS:
            with self.subTest("%d: %s %s" % (number, request, " ".join(more))):
                self.write(examples[before + number - 1])
                done = run("policy", "check", "docker", request, "--config", self.path, *more)
                self.assertEqual(done.returncode, verdict, done.stdout + done.stderr)

    def test_the_policy_for_the_internet_decides_as_it_says(self):
        self.write(next(policy for policy in readme_policies() if "preset/npm" in policy))
        for target, verdict, *more in (("https://api.example.com/v1/x", ALLOWED), ("http://api.example.com/", ALLOWED), ("api.example.com:22", DENIED),
                                       ("a.b.example.org:443", ALLOWED), ("example.org:443", DENIED), ("x.telemetry.example.org:443", DENIED),
                                       ("https://example.com/", DENIED), ("www.example.org:443", DENIED, "--address", "10.0.0.9"),
                                       ("www.example.org:443", DENIED, "--sni", "api.example.com"), ("169.254.169.254:80", DENIED)):
            with self.subTest("%s %s" % (target, " ".join(more))):
                done = run("policy", "check", "network", target, "--config", self.path, *more)
                self.assertEqual(done.returncode, verdict, done.stdout + done.stderr)

    def test_the_manual_says_what_every_reason_means(self):
        page = read("deploy/man/dockreeve-serve.1")
        section = page[page.index(".Sh REASONS"):page.index(".Sh METRICS")]
        words = set(re.findall(r"[a-z.-]+", section))
        known = reasons()
        self.assertGreater(len(known), 40)
        classes = set(re.findall(r'"address-class\.([a-z-]+)"', read("rules/address_class.c"))) - {"public"}
        self.assertGreater(len(classes), 10)
        for reason in sorted(known | classes):
            with self.subTest(reason):
                self.assertIn(reason, words)

# SPDX-License-Identifier: Apache-2.0
"""Two sessions with commands alone, by somebody who has set DOCKREEVE_CONFIG, DOCKREEVE_LOG and DOCKREEVE_STATE. In CI: the log is
sealed, everything is refused, a little is allowed, traffic comes, the running gate obeys what is changed, and the log answers who
contacted what by which rule, and proves that nobody has rewritten it. And a newcomer's: one learning run, the policy that its log
suggests, and the same gate with that policy enforced."""

import json
import os
import re

from harness import hello
from harness.client import get, post
from harness.egress import EgressCase, EgressGate, connect
from harness.engine import answer
from harness.gate import run, wait_for
from harness.origin import Origin, echo

KEY = re.compile(r"dockreeve-seal-1:[0-9a-f]{64}")
WEB = {"Id": "a" * 64, "Name": "/web", "Image": "sha256:" + "b" * 64, "Config": {"Image": "x", "Labels": {}},
       "NetworkSettings": {"Networks": {}}, "Mounts": []}


class SessionCase(EgressCase):
    def prepared(self, policy=None, **options):
        """A gate that is not started yet and is told its policy, log and state by the variables alone, as the commands are."""
        gate = EgressGate(policy, start=False, **options)
        self.addCleanup(gate.remove)
        self.addCleanup(self.check_egress, gate)
        for option in ("--config", "--log", "--state"):
            if option in gate.arguments:
                at = gate.arguments.index(option)
                del gate.arguments[at:at + 2]
        gate.environment = {"DOCKREEVE_CONFIG": gate.policy_path, "DOCKREEVE_LOG": gate.log_path, "DOCKREEVE_STATE": gate.state}
        return gate

    def command(self, gate, *words, code=0):
        """What `dockreeve policy WORDS` prints to standard output."""
        done = run("policy", *words, environment=gate.environment)
        self.assertEqual(done.returncode, code, "dockreeve policy %s\n%s%s" % (" ".join(words), done.stdout, done.stderr))
        return done.stdout

    def reaches(self, gate, authority, said=b"hello over there"):
        """The status that a CONNECT gets. What is said in the tunnel comes back."""
        with gate.client() as client:
            client.send(connect(authority))
            status = client.read_head().status
            if status == 200:
                client.received.clear()
                self.passes_bytes(client, said)
            return status

    def obeys(self, gate, authority, status):
        wait_for(lambda: self.reaches(gate, authority) == status, "%s to be answered with %d" % (authority, status), gate.process)


class InCI(SessionCase):
    def setUp(self):
        super().setUp()
        self.wanted, self.unwanted = ("localhost:%d" % self.origin(Origin()).port for _ in range(2))
        self.gate = self.prepared()

    def policy(self, *words, **options):
        return self.command(self.gate, *words, **options)

    def check_questions(self):
        """The commands say what the gate does."""
        self.assertEqual(self.reaches(self.gate, self.wanted), 200)
        self.assertEqual(self.reaches(self.gate, self.unwanted), 403)
        self.assertEqual(json.loads(self.policy("check", "network", self.wanted, "--json"))["decision"], "allow")
        refused = self.policy("check", "network", self.unwanted, code=6)
        self.assertIn('dockreeve policy allow network "%s"' % self.unwanted, refused)

    def check_obedience(self):
        """The running gate does what the commands say, there and back."""
        self.policy("allow", "network", self.unwanted, "--ttl", "1h", "--comment", "release day")
        self.obeys(self.gate, self.unwanted, 200)
        self.policy("rm", "network", "--resource", self.unwanted)
        self.obeys(self.gate, self.unwanted, 403)
        self.policy("reload")
        status = json.loads(self.policy("status", "--json"))
        self.assertEqual(status["policy"]["hash"], self.gate.network(event="request")[-1]["policy"])
        self.assertTrue(status["reload"]["ok"])
        self.assertIn(status["policy"]["hash"], self.policy("status"))

    def check_log(self):
        """Who contacted what, how often, and which rule let it through."""
        lines = [line.split("\t") for line in self.policy("log", "--summary").splitlines()]
        rows = [dict(zip(lines[0], line)) for line in lines[1:]]
        allowed = [row for row in rows if row["DECISION"] == "allow" and row["HOST"] == self.wanted]
        self.assertEqual([(row["SANDBOX"], row["RULE"], row["COUNT"]) for row in allowed], [("default", "what CI needs (policy.d/90-cli.yaml:10)", "1")])
        denied = [row for row in rows if row["DECISION"] == "deny" and row["HOST"] == self.unwanted]
        self.assertEqual([row["REASON"] for row in denied], ["address-class.loopback"])
        summary = json.loads(self.policy("log", "--summary", "--json"))
        self.assertEqual({row["rule"] for row in summary["allowed"] if row["host"].startswith("localhost") and row["rule"] != "what CI needs"},
                         {"allow " + self.unwanted})
        shown = [json.loads(line) for line in self.policy("log", "--denied", "--host", self.unwanted, "--json", "--limit", "0").splitlines()]
        self.assertEqual(len(shown), int(denied[0]["COUNT"]))
        self.assertEqual({(record["host"], record["decision"]) for record in shown}, {("localhost", "deny")})
        self.assertEqual(self.policy("log", "--denied", "--host", self.wanted), "")

    def check_hits(self):
        listed = json.loads(self.policy("ls", "--json"))
        hits = {row["resource"]: row["hits"] for row in listed if row.get("name") == "what CI needs"}
        self.assertEqual(hits, {"api.anthropic.com:80,443": 0, "*.npmjs.org:80,443": 0, self.wanted: 1})

    def test_from_nothing_to_a_proven_log(self):
        key = KEY.search(self.policy("log", "--seal-init")).group()
        self.policy("set-default", "deny-all")
        self.policy("allow", "network", "api.anthropic.com,*.npmjs.org," + self.wanted, "--name", "what CI needs")
        self.gate.start()
        self.check_questions()
        self.check_obedience()
        self.check_log()
        self.assertEqual(self.gate.stop(), 0)
        self.check_hits()

        proven = json.loads(self.policy("log", "--verify", "--key", key, "--json"))
        self.assertEqual((proven["result"], proven["behind_proven"], proven["from_beginning"]), ("intact", 0, True))
        self.assertIn("proves less", self.policy("log", "--verify"))

        # Somebody who has taken the host over lets a refusal look like a permission.
        lines = self.gate.log_text().splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if b'"decision":"deny"' in line)
        lines[at] = lines[at].replace(b'"status":403', b'"status":203')
        with open(self.gate.log_path, "wb") as log:
            log.writelines(lines)
        for words in (("--key", key), ()):
            with self.subTest("with the key" if words else "without"):
                self.assertIn("%s:%d" % (self.gate.log_path, at + 1), self.policy("log", "--verify", *words, code=1))


class Learning(SessionCase):
    USED = (("api.example.org:443", hello.hello("api.example.org")), ("git.example.org:22", b"SSH-2.0-x\r\n"))
    OTHERS = ("api.example.org:8443", "www.example.org:443", "git.example.org:443")

    def next_proxy(self, connection):
        """No name of this test is ours to resolve: all are asked of another proxy, behind which each says what it is told."""
        connection.until(b"\r\n\r\n")
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        echo(connection)

    def ask(self, gate, request):
        with gate.connect() as connection:
            return connection.ask(request).status

    def use_all(self, gate):
        for authority, said in self.USED:
            self.assertEqual(self.reaches(gate, authority, said), 200, authority)
        self.assertEqual(self.ask(gate, get("/containers/json")), 200)
        self.assertEqual(self.ask(gate, post("/containers/web/restart")), 200)

    def test_from_everything_refused_to_a_minimal_policy(self):
        proxy = self.origin(Origin(self.next_proxy))
        gate = self.prepared("version: 1\nmode: report\n", docker=True, options=["--upstream-proxy", "http://127.0.0.1:%d" % proxy.port])
        self.start_engine(gate.folder).on("GET", "/containers/web/json", answer(200, WEB))
        gate.start()
        self.use_all(gate)
        wait_for(lambda: len(gate.network(event="close")) == len(self.USED), "the tunnels to be closed", gate.process)
        self.assertEqual(self.command(gate, "suggest", "--diff", code=6).count("+ "), 4)

        learned = gate.file("learned.yaml")
        self.command(gate, "suggest", "-o", learned)
        with open(learned, encoding="utf-8") as text:
            self.assertIn("mode: enforce\n", text.read())
        self.command(gate, "validate", "--config", learned)
        os.rename(learned, gate.policy_path)
        self.command(gate, "reload")
        self.assertEqual(json.loads(self.command(gate, "status", "--json"))["clients"][0]["mode"], "enforce")

        self.use_all(gate)
        for authority in self.OTHERS:
            self.assertEqual(self.reaches(gate, authority), 403, authority)
        self.assertEqual(self.ask(gate, post("/containers/web/stop")), 403)
        self.assertEqual(self.ask(gate, get("/info")), 403)
        self.assertEqual(self.command(gate, "suggest", "--diff"), "")

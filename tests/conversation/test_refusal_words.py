# SPDX-License-Identifier: Apache-2.0
"""`refusal` of a client: what it is told when it is refused, on both gates. The less it is told, the more the log has to hold."""

import re

from harness.client import get, post
from harness.dns_server import DnsServer
from harness.egress import EgressCase, connect, forward
from harness.gate import run, wait_for
from harness.policy_file import PolicyFile

POLICY = """version: 1
docker:
  - {name: no exports, deny: ContainerExport}
  - deny: ContainerKill
  - allow: "@all"
  - {deny: ImageDelete, where: {label: "keep"}}
network:
  - {name: no tracking, deny: "*.telemetry.test"}
  - {allow: "near.test:*", addresses: [127.0.0.0/8], paths: ["/pub/**"]}
  - allow: ["far.test:*", "inner.test:*"]
clients:
  default: {refusal: {%s}}
"""
PLACES = re.compile(r"policy\.yaml|preset/|(?<![\w/.])/(?!containers|x\b)[a-z]+/|dockreeve policy|--[a-z]|To permit|add `|allow network")

JSON = ("Content-Type", "application/json")
DOCKER = [
    ("a rule with a name", get("/v1.41/containers/x/export"), 403, "no exports"),
    ("a rule without", post("/v1.41/containers/x/kill"), 403, "deny ContainerKill"),
    ("an unknown operation", get("/v1.41/nothing"), 403, "unknown.operation"),
    ("a path of the host", post("/v1.41/containers/x/start?checkpoint=a&checkpoint-dir=/tmp"), 403, "guard"),
    ("an unknown field", post("/v1.41/containers/create", JSON, body=b'{"Foo":1}'), 403, "unknown.field"),
    ("no JSON", post("/v1.41/containers/create", JSON, body=b"{"), 400, "malformed.json"),
    ("a type of body", post("/v1.41/containers/create", ("Content-Type", "application/x-www-form-urlencoded"), body=b"a=b"), 415, "malformed.content-type"),
    ("a long target", get("/v1.41/containers/json?filters=" + "x" * 60000), 414, "limit.target"),
    ("a rebound name", get("/v1.41/containers/json", ("Origin", "http://evil.test")), 403, "browser"),
    ("an engine that is not there", get("/v1.41/info"), 502, "upstream.unreachable"),
]
EGRESS = [
    ("a rule", connect("a.telemetry.test:443"), 403, "no tracking"),
    ("the default", connect("other.test:443"), 403, "default"),
    ("a path", forward("http://near.test:1/private"), 403, "default"),
    ("a private address", forward("http://inner.test/"), 403, "address-class"),
    ("no address", forward("http://far.test/"), 502, "dns"),
    ("no URL", forward("/x", host="x"), 400, "malformed"),
    ("https in the clear", forward("https://far.test/"), 400, "malformed.scheme"),
]


class Words(EgressCase):
    def start(self, refusal):
        dns = DnsServer({"inner.test": ["10.1.2.3"]})
        self.addCleanup(dns.close)
        return self.start_egress(POLICY % refusal, hosts={"near.test": "127.0.0.1"}, resolver=dns.port, docker=False, tcp=True)

    def walk(self, refusal, test):
        """Calls test with each refusal, and its record."""
        gate = self.start(refusal)
        for rows, ask in ((DOCKER, lambda data: gate.connect_tcp().ask(data)), (EGRESS, gate.ask)):
            for name, data, status, code in rows:
                with self.subTest(name):
                    before = len(gate.log(event="request"))
                    response = ask(data)
                    self.assertEqual(response.status, status, response)
                    record = wait_for(lambda: gate.log(event="request")[before:], name, gate.process)[-1]
                    self.assertTrue(code in record["rule"] or code in record["reason"], record)
                    test(response, record)

    def test_full_is_what_holds_without_it(self):
        def told(response, record):
            self.assertTrue(response.json()["message"].startswith("dockreeve: "), response)
            self.assertNotIn(record["id"], response.json()["message"])
            self.assertEqual(response.json().get("reason", record["reason"]), record["reason"])

        self.walk("", told)
        self.walk("detail: full", told)

    def test_rule_names_no_place_of_the_host(self):
        def told(response, record):
            text = str(response.fields) + response.body.decode()
            self.assertNotRegex(text, PLACES)
            self.assertNotIn("fix", response.json())
            self.assertNotIn("source", response.json())
            said = response.json()["message"]
            self.assertTrue((record["reason"] in said or record["rule"] in said) and record["id"] in said, said)

        self.walk("detail: rule", told)

    def test_none_says_only_that_it_was_refused(self):
        def told(response, record):
            self.assertEqual(set(response.json()) - {"retry"}, {"message"})
            self.assertRegex(response.json()["message"], "^dockreeve: (denied|the request failed|the request is not taken) .request %s.$" % record["id"])
            text = str(response.fields) + response.body.decode()
            self.assertNotRegex(text, PLACES)
            for word in (record["reason"], record["rule"]):
                self.assertNotRegex(text, r"(?<![a-z])%s(?![a-z])" % re.escape(word))

        self.walk("detail: none", told)

    def test_the_operators_sentence_comes_first(self):
        def told(response, _):
            self.assertTrue(response.json()["message"].startswith("Ask \u201eops\u201c: #help. dockreeve: "), response)

        self.walk('text: "Ask \u201eops\u201c: #help."', told)
        self.walk('detail: none, text: "Ask \u201eops\u201c: #help."', told)

    def test_an_api_version_is_told_in_the_engines_words(self):
        """Clients read the sentence to choose an older one."""
        gate = self.start("detail: none")
        response = gate.connect_tcp().ask(get("/v1.99/info"))
        self.assertEqual(response.status, 400)
        self.assertEqual(response.json()["message"], "client version 1.99 is too new. Maximum supported API version is 1.55")

    def test_what_the_key_takes(self):
        def check(refusal, *words):
            with PolicyFile("version: 1\nclients:\n  a:\n    listen: unix:/run/x/a.sock\n    refusal: %s\n" % refusal) as path:
                done = run("policy", "validate", "--config", path)
                self.assertEqual(done.returncode, 2 if words else 0, done.stdout + done.stderr)
                for word in words:
                    self.assertIn(word, done.stdout + done.stderr)

        self.each([
            ("a word", "none", "takes a map"),
            ("another detail", "{detail: some}", "policy.yaml:5:23", "full, rule or none"),
            ("a misspelt key", "{details: none}", "did you mean `detail`"),
            ("an empty text", '{text: ""}', "is empty"),
            ("two lines", '{text: "a\\nb"}', "one line"),
            ("a terminal's sequence", '{text: "a\\e[31m"}', "one line"),
            ("too long", "{text: %s}" % ("x" * 301), "300 bytes"),
            ("as long as it may be", "{text: %s}" % ("x" * 300)),
            ("nothing", "{}"),
        ], check)

# SPDX-License-Identifier: Apache-2.0
"""The commands beside `serve`: they read the same files, come to the same verdicts and say so with the exit codes of the manual."""

import json
import os
import random
import socket
import subprocess
import tempfile
import unittest

from harness.case import GateCase
from harness.client import get, post, post_json, request
from harness.gate import clean_environment, run, wait_for

POLICY = """version: 1
docker:
  - name: looking
    allow: "@read"
  - allow: [ContainerStart, ContainerStop]
  - deny: {method: POST, path: "/containers/prod-*/stop"}
  - allow: {method: GET, path: "~/containers/[a-z]+/logs"}
  - deny: SystemInfo
"""


class Verdicts(GateCase):
    def check(self, gate, line, *more):
        return run("policy", "check", "docker", line, "--config", gate.policy_path, *more)

    def test_check_says_allow_or_deny(self):
        gate = self.start_gate(POLICY)
        for line, code in (("GET /containers/json", 0), ("POST /containers/x/start", 0), ("POST /containers/prod-1/stop", 6),
                           ("GET /v1.41/info", 6), ("DELETE /containers/x", 6), ("GET /containers/../json", 6), ("GET /nonsense", 6)):
            with self.subTest(line):
                done = self.check(gate, line)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn("policy.yaml:3", run("policy", "check", "docker", "GET /containers/json", "--config", gate.policy_path).stdout)

    def test_check_and_the_gate_agree(self):
        gate = self.start_gate(POLICY)
        chosen = random.Random(20)
        parts = ["containers", "images", "json", "x", "prod-1", "start", "stop", "logs", "%6cogs", "info", "v1.41", "..", "volumes", "a%2Fb", "events", ""]
        lines = {"GET /containers/abc/logs", "POST /containers/prod-x/stop"}
        while len(lines) < 120:
            lines.add(chosen.choice(["GET", "POST", "DELETE"]) + " /" + "/".join(chosen.choice(parts) for _ in range(chosen.randint(1, 4))))
        for line in sorted(lines):
            with self.subTest(line):
                method, target = line.split(" ")
                gate.engine.reset()
                with gate.connect() as connection:
                    connection.send(request(method, target, body=b"" if method == "POST" else None))
                    status = connection.read_head().status
                self.assertEqual(self.check(gate, line).returncode, 0 if status == 200 else 6, status)
                self.assertEqual(bool(gate.engine.heads), status == 200)

    def test_explain_lists_the_rules(self):
        gate = self.start_gate(POLICY)
        done = run("policy", "explain", "docker", "POST /containers/prod-1/stop", "--config", gate.policy_path)
        self.assertEqual(done.returncode, 6, done.stderr)
        for place in ("policy.yaml:5", "policy.yaml:6"):
            self.assertIn(place, done.stdout)

    def test_check_in_json(self):
        gate = self.start_gate(POLICY)
        verdict = json.loads(self.check(gate, "GET /info", "--json").stdout)
        self.assertEqual(verdict["decision"], "deny")
        self.assertIn("policy.yaml:8", verdict["source"])


NETWORK = """version: 1
network:
  - allow: [api.example.com, "*.example.org", "git.example.com:22"]
  - {allow: deb.example.com, methods: GET, paths: "/debian/**"}
  - deny: "*.telemetry.example.org"
  - {allow: in.example.com, addresses: 10.0.0.0/8}
"""


class Destinations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-destinations-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "network.yaml")
        self.write(NETWORK)

    def write(self, policy):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(policy)

    def ask(self, command, *words):
        return run("policy", command, "network", *words, "--config", self.path)

    def test_check_says_allow_or_deny(self):
        for words, code in ((["api.example.com"], 0), (["API.example.com."], 0), (["api.example.com:22"], 6), (["git.example.com:22"], 0),
                            (["a.b.example.org"], 0), (["example.org"], 6), (["x.telemetry.example.org:80"], 6),
                            (["http://deb.example.com/debian/x"], 0), (["http://deb.example.com/debian/x", "--method", "POST"], 6),
                            (["http://deb.example.com/debian/%2e%2e/x"], 6), (["https://deb.example.com/debian/x"], 6),
                            (["in.example.com", "--address", "10.0.0.8"], 0), (["in.example.com", "--address", "127.0.0.1"], 6),
                            (["a.example.org", "--address", "169.254.169.254"], 6), (["127.0.0.1:22"], 6), (["0x7f.1"], 6),
                            (["api.example.com", "--sni", "other.example.com"], 6), (["api.example.com", "--sni", "api.example.com"], 0),
                            (["api.example.com", "--method", "GET"], 2), (["api.example.com", "--object", "name=x"], 2)):
            with self.subTest(" ".join(words)):
                done = self.ask("check", *words)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_check_in_json(self):
        verdict = json.loads(self.ask("check", "x.telemetry.example.org", "--json").stdout)
        self.assertEqual((verdict["decision"], verdict["reason"], verdict["host"], verdict["port"]), ("deny", "rule", "x.telemetry.example.org", 443))
        self.assertEqual(verdict["source"], "network.yaml:5")
        self.assertEqual(verdict["rule"], "deny *.telemetry.example.org")

    def test_explain_lists_the_rules(self):
        explained = json.loads(self.ask("explain", "x.telemetry.example.org", "--json").stdout)
        matched = [rule["rule"] for rule in explained["considered"] if rule["matched"]]
        self.assertEqual(matched, ["allow *.example.org", "deny *.telemetry.example.org"])

    def test_what_a_fix_says_is_a_rule_that_permits(self):
        for words in (["new.example.net:8443"], ["10.1.2.3:22"], ["localhost:5432"], ["api.example.com", "--address", "10.1.2.3"],
                      ["api.example.com", "--sni", "-"], ["http://deb.example.com/debian/x", "--method", "POST"], ["[fd00::1]:80"]):
            with self.subTest(" ".join(words)):
                self.write(NETWORK)
                denied = json.loads(self.ask("check", *words, "--json").stdout)
                self.assertEqual(denied["decision"], "deny")
                rule = denied["fix"].split("`")[1]
                self.write(NETWORK + "  " + rule + "\n")
                self.assertEqual(json.loads(self.ask("check", *words, "--json").stdout)["decision"], "allow", rule)

    def test_ls(self):
        listed = json.loads(run("policy", "ls", "--config", self.path, "--json").stdout)
        found = [(rule["decision"], rule["resource"]) for rule in listed if rule["kind"] == "network" and "file" in rule]
        self.assertEqual(found, [("allow", "api.example.com:80,443"), ("allow", "*.example.org:80,443"), ("allow", "git.example.com:22"),
                                 ("allow", "deb.example.com:80,443"), ("deny", "*.telemetry.example.org:*"), ("allow", "in.example.com:80,443")])


class Files(GateCase):
    def test_validate(self):
        gate = self.start_gate(POLICY)
        self.assertEqual(run("policy", "validate", "--config", gate.policy_path).returncode, 0)
        gate.write(gate.file("bad.yaml"), "version: 1\ndocker:\n  - allow: ContainerLits\nfoo: 1\n")
        done = run("policy", "validate", "--config", gate.file("bad.yaml"))
        self.assertEqual(done.returncode, 2)
        said = done.stdout + done.stderr
        for word in ("bad.yaml:3", "bad.yaml:4", "ContainerList"):
            self.assertIn(word, said)

    def test_ls(self):
        gate = self.start_gate(POLICY)
        done = run("policy", "ls", "--config", gate.policy_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("policy.yaml:3", "@read", "preset/negotiate"):
            self.assertIn(word, done.stdout)
        listed = json.loads(run("policy", "ls", "--config", gate.policy_path, "--json").stdout)
        self.assertIn("looking", [rule.get("name") for rule in listed])

    def test_usage_errors_are_exit_2(self):
        for arguments in (["nonsense"], ["serve", "--nonsense"], ["policy", "nonsense"], ["policy", "check", "docker"],
                          ["serve", "--listen", "http:x"], ["serve", "--header-timeout", "soon"], ["serve", "--max-connections", "-1"]):
            with self.subTest(" ".join(arguments)):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertTrue(done.stderr)

    def test_help_and_version(self):
        for arguments in (["--help"], ["serve", "--help"], ["policy", "--help"], ["policy", "check", "--help"], ["policy", "log", "--help"], ["version"]):
            with self.subTest(" ".join(arguments)):
                done = run(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout)


class Log(GateCase):
    def fill(self):
        gate = self.start_gate(POLICY)
        gate.ask(get("/containers/json"))
        gate.ask(post("/containers/x/start"))
        gate.ask(post_json("/containers/create", {}))
        gate.ask(get("/containers/%1b%5bm/json"))
        return gate

    def test_log(self):
        gate = self.fill()
        done = run("policy", "log", "--log", gate.log_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("ContainerList", "ContainerCreate"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        denied = run("policy", "log", "--log", gate.log_path, "--denied").stdout
        self.assertIn("ContainerCreate", denied)
        self.assertNotIn("ContainerList", denied)

    def test_json_and_limit(self):
        gate = self.fill()
        lines = run("policy", "log", "--log", gate.log_path, "--json", "--limit", "2").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            json.loads(line)

    def test_follow(self):
        gate = self.fill()
        process = subprocess.Popen([gate.program, "policy", "log", "--log", gate.log_path, "--follow", "--json", "--limit", "1"],
                                   stdout=subprocess.PIPE, env=clean_environment(), text=True)
        self.addCleanup(process.stdout.close)
        try:
            process.stdout.readline()
            gate.ask(get("/images/json"))
            self.assertEqual(json.loads(process.stdout.readline())["operation"], "ImageList")
        finally:
            process.terminate()
            process.wait(10)


class Health(GateCase):
    def test_healthcheck(self):
        gate = self.start_gate(POLICY)
        arguments = ["healthcheck", "--listen", "unix:" + gate.socket_path]
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        gate.engine.stop()
        self.assertNotEqual(run(*arguments).returncode, 0)
        gate.engine.start()
        gate.stop()
        self.assertNotEqual(run(*arguments).returncode, 0)

    def test_doctor(self):
        gate = self.start_gate(POLICY)
        done = run("doctor", "--upstream", "unix:" + gate.upstream, "--config", gate.policy_path)
        self.assertIn(gate.upstream, done.stdout + done.stderr)
        gate.engine.stop()
        os.unlink(gate.upstream)
        done = run("doctor", "--upstream", "unix:" + gate.upstream, "--config", gate.policy_path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(gate.upstream, done.stdout + done.stderr)

    def test_systemd_socket_activation(self):
        gate = self.start_gate(POLICY)
        gate.stop()
        index = gate.arguments.index("--listen")
        arguments = gate.arguments[:index] + gate.arguments[index + 2:]
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(gate.socket_path)
        listener.listen(16)

        def hand_over():
            os.dup2(listener.fileno(), 3, inheritable=True)
            os.execve(gate.program, [gate.program, *arguments], dict(clean_environment(), LISTEN_FDS="1", LISTEN_PID=str(os.getpid())))

        pid = os.fork()
        if pid == 0:
            try:
                hand_over()
            finally:
                os._exit(127)
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        os.kill(pid, 15)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        listener.close()
        self.assertTrue(wait_for(lambda: gate.log(event="stop"), "the last record"))

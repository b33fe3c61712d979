# SPDX-License-Identifier: Apache-2.0
"""The commands beside `serve`: they read the same files, come to the same verdicts and say so with the exit codes of the manual."""

import json
import os
import random
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import wire
from harness.case import GateCase
from harness.client import get, post, post_json, request
from harness.dns_server import DnsServer
from harness.engine import answer
from harness.gate import Gate, clean_environment, plain_binary, run, wait_for

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


class Bodies(GateCase):
    """As the gate judges them: type and length, and nothing in them."""

    def setUp(self):
        super().setUp()
        self.gate = self.start_gate('version: 1\ndocker:\n  - allow: "@all"\n')

    def ask(self, request, content, *more, command="check"):
        self.gate.write(self.gate.file("body"), content)
        return run("policy", command, "docker", request, "--config", self.gate.policy_path, "--body", self.gate.file("body"), *more)

    def test_rows(self):
        rows = (
            ("json", "POST /containers/create", "{}", (), 0, "allow: ContainerCreate"),
            ("fields that say nothing", "POST /containers/create", '{"A":{},"HostConfig":{"B":0}}', (), 0, "not sent on: A, HostConfig.B\n"),
            ("no json", "POST /containers/create", "{", (), 6, "(malformed.json)"),
            ("a folded field", "POST /containers/create", '{"hostconfig":{}}', (), 6, "would be taken for HostConfig"),
            ("an unknown field", "POST /containers/create", '{"New":1}', (), 6, "(unknown.field)"),
            ("another type", "POST /containers/create", "{}", ("--content-type", "text/plain"), 6, "(malformed.content-type)"),
            ("a form", "POST /containers/x/stop", "{}", ("--content-type", "application/x-www-form-urlencoded"), 6, "(malformed.content-type)"),
            ("nobody reads it", "POST /containers/x/stop", "{}", (), 0, "the operation takes no body: it is read, dropped and logged"),
            ("too long for that", "POST /containers/x/stop", "x" * 65537, (), 6, "(limit.body)"),
            ("a start's settings", "POST /containers/x/start", '{"Binds":[]}', (), 6, "(malformed.start-body)"),
            ("an archive", "POST /images/load", "tar", (), 0, "what stands in it is not judged by this version"),
            ("none", "POST /containers/create", "", (), 0, "allow: ContainerCreate"),
        )
        for name, line, content, more, code, says in rows:
            with self.subTest(name):
                for command in ("check", "explain"):
                    done = self.ask(line, content, *more, command=command)
                    self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                    self.assertIn(says, done.stdout)

    def test_the_gate_agrees(self):
        for line, content, type_ in (("POST /containers/create", "{}", "application/json"), ("POST /containers/create", "[]", "application/json"),
                                     ("POST /containers/create", '{"New":1}', "application/json"), ("POST /containers/create", "{}", "text/plain"),
                                     ("POST /containers/x/start", "12345678", "application/json"), ("POST /containers/x/stop", "y" * 70000, "text/plain")):
            with self.subTest(line + " " + type_):
                method, target = line.split(" ")
                response = self.gate.ask(request(method, target, [("Content-Type", type_)], content.encode()))
                done = self.ask(line, content, "--content-type", type_, "--json")
                self.assertEqual(done.returncode, 0 if response.status == 200 else 6)
                said, logged = json.loads(done.stdout), self.gate.requests_logged()[-1]
                self.assertEqual([said[name] for name in ("decision", "rule", "source", "reason")],
                                 [logged[name] for name in ("decision", "rule", "source", "reason")])

    def test_in_json(self):
        body = json.loads(self.ask("POST /containers/create", '{"A":0}', "--json").stdout)["body"]
        self.assertEqual(body, {"taken": "json", "bytes": 7, "content_type": "application/json", "dropped_fields": ["A"]})

    def test_from_standard_input(self):
        with open(self.gate.file("body"), "w", encoding="ascii") as out:
            out.write("{}")
        with open(self.gate.file("body"), encoding="ascii") as stdin:
            done = run("policy", "check", "docker", "ContainerCreate", "--config", self.gate.policy_path, "--body", "-", "--json", stdin=stdin)
        self.assertEqual(json.loads(done.stdout)["body"]["bytes"], 2)


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

    def rule_of(self, advice):
        """The line of YAML that is advised, or that the advised command writes."""
        words = shlex.split(advice)
        if words[0] != "dockreeve":
            return advice
        self.assertEqual(words[1:4], ["policy", "allow", "network"])
        self.assertEqual(words[-2:], ["--config", self.path])
        keys = {"--method": "methods", "--address": "addresses"}
        more = "".join(", %s: [%s]" % (keys[word], words[i + 1]) for i, word in enumerate(words) if word in keys)
        return '- {allow: "%s"%s}' % (words[4], more)

    def test_what_a_fix_says_is_a_rule_that_permits(self):
        for words in (["new.example.net:8443"], ["10.1.2.3:22"], ["localhost:5432"], ["api.example.com", "--address", "10.1.2.3"],
                      ["api.example.com", "--sni", "-"], ["http://deb.example.com/debian/x", "--method", "POST"], ["[fd00::1]:80"]):
            with self.subTest(" ".join(words)):
                self.write(NETWORK)
                denied = json.loads(self.ask("check", *words, "--json").stdout)
                self.assertEqual(denied["decision"], "deny")
                rule = self.rule_of(denied["fix"].split("`")[1])
                self.write(NETWORK + "  " + rule + "\n")
                self.assertEqual(json.loads(self.ask("check", *words, "--json").stdout)["decision"], "allow", rule)

    def resolve(self, *words):
        """With a name server and a hosts table of our own."""
        names = DnsServer({"api.example.com": ["8.8.8.8", "10.0.0.9"], "a.example.org": ["127.0.0.1", "169.254.169.254"], "b.example.org": "nxdomain",
                           "in.example.com": ["10.1.2.3"]})
        self.addCleanup(names.close)
        done = run("policy", "check", "network", *words, "--config", self.path, "--resolve", "--resolver", names.address)
        return done, names

    def test_resolve_judges_every_address(self):
        for words, code, says in ((["api.example.com"], 0, ["  8.8.8.8  public  allow: dialled first\n", "  10.0.0.9  private  deny (address-class.private)\n"]),
                                  (["a.example.org"], 6, ["  127.0.0.1  loopback  deny (address-class.loopback)\n", "169.254.169.254  metadata  deny"]),
                                  (["in.example.com"], 0, ["  10.1.2.3  private  allow: dialled first\n"]),
                                  (["b.example.org"], 5, ["it is allowed and cannot be reached: ", "(dns.not-found)"])):
            with self.subTest(words[0]):
                done, _ = self.resolve(*words)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                for part in says:
                    self.assertIn(part, done.stdout)

    def test_resolve_in_json(self):
        said = json.loads(self.resolve("api.example.com", "--json")[0].stdout)
        found = {address["address"]: (address["class"], address["decision"], address["reason"], address["dialled"]) for address in said["addresses"]}
        self.assertEqual(found, {"8.8.8.8": ("public", "allow", "rule", True), "10.0.0.9": ("private", "deny", "address-class.private", False)})
        self.assertEqual(json.loads(self.resolve("b.example.org", "--json")[0].stdout)["unresolved"], "dns.not-found")

    def test_what_is_denied_by_name_is_never_resolved(self):
        done, names = self.resolve("x.telemetry.example.org")
        self.assertEqual((done.returncode, names.count()), (6, 0))

    def test_resolve_reads_a_table_of_names(self):
        with tempfile.NamedTemporaryFile("w", suffix=".hosts") as table:
            table.write("10.1.2.3 in.example.com\n")
            table.flush()
            done, names = self.resolve("in.example.com", "--hosts", table.name)
            self.assertEqual((done.returncode, names.count()), (0, 0), done.stderr)
            table.write("nonsense\n")
            table.flush()
            done, _ = self.resolve("in.example.com", "--hosts", table.name)
            self.assertEqual(done.returncode, 2)
            self.assertIn("nonsense", done.stderr)

    def test_what_does_not_go_together(self):
        for words, says in ((["api.example.com", "--resolve", "--address", "8.8.8.8"], "--address says what --resolve would find"),
                            (["api.example.com", "--resolver", "127.0.0.1"], "are for --resolve"),
                            (["api.example.com", "--resolver-timeout", "1s"], "are for --resolve"),
                            (["api.example.com", "--body", "-"], "--body is for `docker`"),
                            (["api.example.com", "--sandbox", "a", "--client", "b"], "mean the same")):
            with self.subTest(" ".join(words)):
                done = self.ask("check", *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(says, done.stderr)

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

    def test_validate_says_what_each_line_is_and_ends_with_the_verdict(self):
        gate = self.start_gate(POLICY)
        good, noted, bad = gate.file("good.yaml"), gate.file("noted.yaml"), gate.file("bad.yaml")
        gate.write(good, "version: 1\ndocker:\n  - allow: ContainerList\n")
        gate.write(noted, "version: 1\ndocker:\n  - allow: ContainerList\n  - allow: ContainerList\n")
        gate.write(bad, "version: 1\ndocker:\n  - allow: ContainerLits\nfoo: 1\n")
        for words in ([good], ["--config", good], [good, "--config", good]):
            done = run("policy", "validate", *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertRegex(done.stdout, r"\A%s: valid, \d+ rules, \d+ clients?, policy [0-9a-f]+\n\Z" % good)
        done = run("policy", "validate", noted)
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("note: %s:4:" % noted), lines)
        self.assertRegex(lines[-1], ": valid, .*, 1 note$")
        done = run("policy", "validate", bad)
        lines = done.stderr.splitlines()
        self.assertEqual((done.returncode, [line.split(":")[0] for line in lines[:-1]]), (2, ["error", "error"]))
        self.assertEqual(lines[-1], bad + ": not valid, 2 errors")
        self.assertEqual(run("policy", "validate", "-q", bad).stderr.splitlines(), lines[:-1])
        self.assertEqual(run("policy", "validate", "-q", noted).stdout, "")
        for words, code in (([good, bad], 2), ([good, "--config", bad], 2), ([gate.file("not.yaml")], 2)):
            self.assertEqual(run("policy", "validate", *words).returncode, code, words)
        self.assertEqual(json.loads(run("policy", "validate", "--json", bad).stdout)["valid"], False)

    def test_other_commands_say_what_each_line_is(self):
        gate = self.start_gate(POLICY)
        gate.write(gate.file("bad.yaml"), "version: 1\nfoo: 1\n")
        for words in (["ls"], ["allow", "network", "a.example.com"], ["check", "docker", "GET /info"]):
            done = run("policy", *words, "--config", gate.file("bad.yaml"))
            self.assertEqual(done.returncode, 2)
            self.assertIn("\nerror: %s:2" % gate.file("bad.yaml"), done.stderr, words)
        done = run("policy", "allow", "network", "a.example.com", "--config", gate.file("fresh.yaml"), "--client", "nobody")
        self.assertTrue(all(line.startswith("note: ") for line in done.stderr.splitlines()), done.stderr)

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


class Start(GateCase):
    def test_listeners_of_named_clients_by_options(self):
        gate = Gate("version: 1\nclients: {ci: {mode: report}}\n", unix=False, start=False)
        self.addCleanup(gate.remove)
        engine = self.start_engine(gate.folder)
        self.addCleanup(engine.stop)
        gate.arguments += ["--listen", "ci=unix:" + gate.file("ci", "docker.sock"), "--egress", "agents=unix:" + gate.file("agents", "proxy.sock")]
        gate.start()
        self.assertEqual(gate.ask(get("/containers/json"), path=gate.file("ci", "docker.sock")).status, 200, "it is the client of the policy")
        gate.ask(request("GET", "http://a.test/"), path=gate.file("agents", "proxy.sock"))
        self.assertEqual([(record["kind"], record["client"]) for record in gate.requests_logged()], [("docker", "ci"), ("network", "agents")])
        done = run("healthcheck", "--config", gate.policy_path, "--listen", "ci=unix:" + gate.file("ci", "docker.sock"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for wrong in ("CI=unix:/run/x.sock", "=unix:/run/x.sock"):
            done = run("serve", "--listen", wrong, "--log", "-", "--state", "none")
            self.assertEqual(done.returncode, 2)
            self.assertIn("a client's name has 1 to 63 lower-case letters", done.stderr)

    @unittest.skipIf(os.geteuid() != 0, "becomes another user")
    def test_the_first_start_of_an_ordinary_user(self):
        """The folders of the default paths are made; a home that is closed to the user is none."""
        gate = Gate(None, start=False, program=plain_binary())
        self.addCleanup(gate.remove)
        home, closed = gate.file("home"), gate.file("closed")
        os.mkdir(home)
        os.mkdir(closed, 0o700)
        for path in (gate.folder, home, gate.file("run")):
            os.chown(path, 65534, 65534)
        os.chmod(gate.folder, 0o755)
        for at, more in ((home, ()), (closed, ()), (closed, ("--log", "-", "--state", "none"))):
            with self.subTest(at):
                gate.arguments = ["serve", "--upstream", "unix:" + gate.upstream, "--listen", "unix:" + gate.socket_path, *more]
                gate.environment = {"HOME": at}
                before = os.umask(0)
                try:
                    gate.start(preexec=lambda: (os.umask(0o022), os.setgroups([]), os.setgid(65534), os.setuid(65534)))
                finally:
                    os.umask(before)
                self.assertEqual(gate.ask(get("/containers/json")).status, 403)
                self.assertEqual(gate.stop(), 0)
                if at == closed:
                    self.assertIn('"operation":"ContainerList"', gate.stdout())
                self.assertEqual("the log goes to standard output" in gate.stderr(), at == closed)
        self.assertTrue(os.path.exists(os.path.join(home, ".local", "state", "dockreeve", "access.jsonl")))


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

    def test_a_gate_that_ends_speaks_for_no_other(self):
        ending, gate = self.start_gate(POLICY, drain="3600s"), self.start_gate(POLICY)
        asked, go_on = threading.Event(), threading.Event()
        ending.engine.on("GET", "/containers/json", lambda connection, _: (asked.set(), go_on.wait(wire.DEADLINE), connection.send(answer(200, b"OK")))[-1])
        with ending.connect() as connection:
            connection.send(get("/containers/json"))
            self.assertTrue(asked.wait(wire.DEADLINE))
            ending.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not os.path.exists(ending.socket_path), "the listener to close", ending.process)
            for _ in range(5):
                done = run("healthcheck", "--listen", "unix:" + gate.socket_path)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            go_on.set()
            self.assertEqual(connection.read_response().status, 200)
        self.assertEqual(ending.wait_exit(), 0)

    def test_it_is_nobodys_request(self):
        """Not in the log, the metrics, the counts of rules; whether the policy permits a ping or not."""
        for name, policy in (("permitted", POLICY), ("refused", 'version: 1\ndocker: [{deny: "@all"}]\n')):
            with self.subTest(name):
                gate = self.start_gate(policy, admin=True)
                for _ in range(3):
                    done = run("healthcheck", "--listen", "unix:" + gate.socket_path, "--upstream", "unix:" + gate.upstream)
                    self.assertEqual(done.returncode, 0, done.stderr)
                metrics = gate.ask_admin("/metrics").body.decode()
                self.assertNotIn("dockreeve_requests_total{", metrics)
                status = json.loads(run("policy", "status", "--json", "--state", gate.state).stdout)
                self.assertEqual(status["requests"], {"allowed": 0, "denied": 0, "suppressed": 0, "rules_hit": 0})
                gate.stop()
                self.assertEqual(gate.requests_logged(), [])

    def test_a_gate_that_stands_still_and_one_beside_it(self):
        gate, other = self.start_gate(POLICY), self.start_gate(POLICY)
        ask = lambda each: run("healthcheck", "--listen", "unix:" + each.socket_path, "--timeout", "500ms").returncode
        gate.process.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual((ask(gate), ask(other)), (1, 0))
        finally:
            gate.process.send_signal(signal.SIGCONT)
        os.unlink(gate.socket_path)
        self.assertEqual(ask(gate), 1, "nobody can reach it any more")

    def test_what_is_wrong_with_the_engine_is_said_at_the_start_and_by_the_check(self):
        def missing(path):
            pass

        def dead(path):
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)

        def check(arrange, words):
            gate = Gate(POLICY, start=False)
            self.addCleanup(gate.remove)
            arrange(gate.upstream)
            gate.start()
            self.assertIn(words, gate.stderr())
            gate.wait_log(event="start", reason="note.engine-away")
            done = run("healthcheck", "--listen", "unix:" + gate.socket_path, "--upstream", "unix:" + gate.upstream)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)

        self.each([("missing", missing, "is the Docker Engine installed and running, or its socket mounted?"),
                   ("a folder", os.mkdir, "is no socket; a mount made a folder of it"),
                   ("left behind", dead, "a socket that was left behind")], check)

    @unittest.skipIf(os.geteuid() != 0, "becomes another user")
    def test_a_socket_of_the_engine_that_is_forbidden(self):
        gate = Gate(POLICY, start=False, program=plain_binary())
        self.addCleanup(gate.remove)
        engine = self.start_engine(gate.folder)
        os.chmod(gate.upstream, 0o600)
        os.chmod(gate.folder, 0o777)
        for name in ("log", "run", "state"):
            os.makedirs(gate.file(name), exist_ok=True)
            os.chown(gate.file(name), 65534, 65534)
        os.chown(gate.policy_path, 65534, 65534)
        os.chmod(gate.folder, 0o755)
        os.chown(gate.folder, 65534, 65534)

        def as_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        before = os.umask(0)  # it says that it is ready to a socket of ours
        try:
            gate.start(preexec=as_nobody)
        finally:
            os.umask(before)
        self.assertIn("%s belongs to uid 0, group 0, mode 600, and this is uid 65534: add group 0" % gate.upstream, gate.stderr())
        engine.stop()

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

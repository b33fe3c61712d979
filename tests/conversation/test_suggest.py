# SPDX-License-Identifier: Apache-2.0
"""`policy suggest`: traffic in report mode, the policy that is learned from its log, and the same traffic under that policy. What was
used passes, its neighbours do not, and nothing that a client wrote gets out of its string or comment."""

import json
import os
import pty
import random
import re
import subprocess
import tempfile
import unittest

from harness import hello, wire
from harness.egress import EgressCase, connect, forward
from harness.engine import answer
from harness.gate import binary, clean_environment, run
from harness.origin import HttpOrigin, Origin

# Names go to another proxy, whose answers are not ours to judge, but near.test, which is on this machine: in report mode, too, only a
# rule that names its address opens it. This one does, and permits nothing that is used here.
REPORT = """version: 1
mode: report
network:
  - {allow: "near.test:*", addresses: [127.0.0.0/8], methods: [OPTIONS]}
"""
OBJECT = {"Id": "a" * 64, "Image": "sha256:" + "b" * 64, "Config": {"Image": "x", "Labels": {}}, "NetworkSettings": {"Networks": {}}, "Mounts": []}
SHOP = "d" * 64
LIFECYCLE = ("start", "stop", "restart", "kill", "pause", "unpause", "wait")
SIBLINGS = tuple("%s.example.com" % name for name in "abcd")
STRANGERS = tuple("%s.github.io" % name for name in "abc")


def docker(line):
    method, path = line.split(" ")
    return ("%s %s HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n" % (method, path)).encode()


def record(**fields):
    """A record of the log as the gate writes it in report mode."""
    usual = {"ts": "2026-11-20T12:00:00.000000Z", "event": "request", "kind": "network", "client": "default", "method": "CONNECT", "decision": "allow",
             "rule": "default", "source": "default", "reason": "default", "would_deny": "default", "status": 200}
    return json.dumps({**usual, **fields})


def called(operation, path, **fields):
    return record(kind="docker", method="POST", operation=operation, path=path, **fields)


class Learned(EgressCase):
    """One kind of use is a tuple: ("docker", "GET /info"), ("tunnel", host, port, what), ("plain", method, host, port, path)."""

    def next_proxy(self, connection):
        if not connection.until(b"\r\n\r\n").startswith(b"CONNECT "):
            connection.send(answer(200, b"far", ("Connection", "close")))
            return
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        while connection.fill():
            connection.send(connection.take(len(connection.buffer)))
        connection.finish_sending()

    def start_learned(self, policy):
        policy = policy[policy.index("version: 1"):]  # the head is comments
        gate = self.start_egress(policy, docker=True, hosts={"near.test": "127.0.0.1"},
                                 options=["--upstream-proxy", "http://127.0.0.1:%d" % self.proxy.port, "--no-proxy", "near.test"])
        gate.engine = self.start_engine(gate.folder)
        for name in ("web", "app"):
            gate.engine.on("GET", "/containers/%s/json" % name, answer(200, dict(OBJECT, Name="/" + name)))
        compose = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "com.docker.compose.version": "1.29.2"}
        gate.engine.on("GET", "/containers/%s/json" % SHOP, answer(200, dict(OBJECT, Id=SHOP, Name="/shop_web_1", Config={"Image": "x", "Labels": compose})))
        gate.engine.on("GET", "/containers/%s/json" % ("e" * 64), answer(404, {"message": "No such container"}, reason="Not Found"))
        return gate

    def setUp(self):
        super().setUp()
        self.proxy = self.origin(Origin(self.next_proxy))
        self.web = self.origin(HttpOrigin())

    def passes(self, gate, use):
        kind, *what = use
        if kind == "docker":
            return gate.connect().ask(docker(what[0]), what[0].split(" ")[0]).status < 400
        if kind == "plain":
            method, host, port, path = what
            with gate.client() as client:
                return client.ask(forward("http://%s:%d%s" % (host, port, path), method=method, body=b"x" if method == "POST" else None), method).status == 200
        host, port, said = what
        data = {"tls": hello.hello(host), "nameless": hello.hello(), "ssh": b"SSH-2.0-x\r\n"}[said]
        with gate.client() as client:
            client.send(connect("%s:%d" % (host, port)))
            if client.read_head().status != 200:
                return False
            client.received.clear()
            client.send(data)
            try:
                return client.exactly(len(data)) == data
            except (wire.Ended, ConnectionError):
                return False

    def learn(self, uses):
        """The policy that the uses need."""
        gate = self.start_learned(REPORT)
        for use in uses:
            self.assertTrue(self.passes(gate, use), use)
        self.assertEqual(gate.stop(), 0)
        done = run("policy", "suggest", "--config", gate.policy_path, "--log", gate.log_path)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def check(self, uses, neighbours, *lines):
        text = self.learn(uses)
        for line in lines:
            self.assertIn(line, text)
        gate = self.start_learned(text)
        for use in uses:
            self.assertTrue(self.passes(gate, use), "%r was used\n%s" % (use, text))
        for use in neighbours:
            self.assertFalse(self.passes(gate, use), "%r was not used\n%s" % (use, text))

    def test_operations(self):
        uses = [("docker", "GET /info"), ("docker", "GET /containers/json"), ("docker", "GET /containers/web/json"), ("docker", "POST /containers/app/restart"),
                ("docker", "POST /images/create?fromImage=nginx")]
        self.check(uses, [("docker", "GET /images/json"), ("docker", "POST /containers/web/restart"), ("docker", "POST /containers/app/stop"),
                          ("docker", "POST /containers/create"), ("docker", "POST /images/create?fromSrc=http://192.0.2.1/x")], 'where: {"name": ["app"]}')

    def test_what_was_named_by_an_id_is_learned_by_its_name(self):
        """As docker-compose does: it lists, and goes on with ids."""
        uses = [("docker", "POST /containers/%s/%s" % (SHOP, verb)) for verb in ("start", "stop")] + [("docker", "DELETE /containers/%s" % SHOP)]
        self.check(uses, [("docker", "POST /containers/web/start"), ("docker", "POST /containers/%s/kill" % SHOP), ("docker", "DELETE /containers/app")],
                   'where: {"name": ["shop_web_1"]}')

    def test_the_log_has_the_name_and_the_project_of_what_was_looked_at(self):
        gate = self.start_learned(REPORT)
        self.assertTrue(self.passes(gate, ("docker", "POST /containers/%s/start" % SHOP)))
        self.assertTrue(self.passes(gate, ("docker", "POST /containers/%s/start" % ("e" * 64))))
        self.assertTrue(self.passes(gate, ("docker", "GET /containers/%s/json" % SHOP)))
        self.assertTrue(self.passes(gate, ("docker", "POST /containers/web/start")))
        first, gone, *others = gate.requests_logged(kind="docker")
        self.assertEqual((first["object"], first["object_name"]), (SHOP, "shop_web_1"))
        self.assertEqual(first["object_labels"], ["com.docker.compose.project=shop", "com.docker.compose.service=web"])
        self.assertEqual([record.get("object_name") for record in [gone] + others], [None, None, None])

    def test_a_set_when_all_of_it_was_used(self):
        uses = [("docker", "POST /containers/web/" + verb) for verb in LIFECYCLE]
        self.check(uses, [("docker", "POST /containers/app/stop"), ("docker", "POST /containers/web/rename?name=x")], '- "@lifecycle"  # 7 operations, 7 requests')

    def test_guarded_parameters_are_left_out(self):
        source = ("docker", "POST /images/create?fromSrc=http://192.0.2.1/x")
        text = self.learn([source, ("docker", "GET /info")])
        self.assertRegex(text, r"#   default: ImageCreate: a guard refuses its parameters")
        self.assertNotIn("- ImageCreate", text)

    def test_hosts(self):
        uses = [("tunnel", name, 443, "tls") for name in SIBLINGS + STRANGERS] + [("tunnel", "git.example.org", 22, "ssh")]
        self.check(uses + [("tunnel", "other.example.com", 443, "tls")],
                   [("tunnel", "example.com", 443, "tls"), ("tunnel", "a.example.com", 8443, "tls"), ("tunnel", "d.github.io", 443, "tls"),
                    ("tunnel", "git.example.org", 443, "tls"), ("tunnel", "a.example.com", 443, "ssh"), ("tunnel", "a.example.com", 443, "nameless")],
                   '- "*.example.com:443"', '- "a.github.io:443"')

    def test_a_star_admits_the_siblings_that_were_not_seen(self):
        text = self.learn([("tunnel", name, 443, "tls") for name in SIBLINGS[:3]])
        gate = self.start_learned(text)
        self.assertTrue(self.passes(gate, ("tunnel", SIBLINGS[3], 443, "tls")))

    def test_plain_http(self):
        uses = [("plain", "GET", "deb.example.org", 80, "/a"), ("plain", "GET", "deb.example.org", 80, "/b/c"), ("plain", "POST", "deb.example.org", 80, "/up")]
        self.check(uses, [("plain", "POST", "deb.example.org", 80, "/a"), ("plain", "GET", "deb.example.org", 80, "/up"), ("plain", "GET", "deb.example.org", 80, "/b"),
                          ("plain", "GET", "deb.example.org", 8080, "/a"), ("tunnel", "deb.example.org", 80, "tls")], 'paths: ["/a", "/b/c"]')

    def test_what_is_not_tls_with_a_name(self):
        uses = [("tunnel", "a.example.org", 443, "ssh"), ("tunnel", "b.example.org", 443, "nameless")]
        self.check(uses, [("tunnel", "a.example.org", 443, "nameless"), ("tunnel", "b.example.org", 443, "ssh")], "require_sni: false", 'protocols: ["any"]')

    def test_special_addresses_are_named(self):
        uses = [("plain", "GET", "near.test", self.web.port, "/x")]
        self.check(uses, [("plain", "GET", "near.test", self.web.port, "/y")], 'addresses: ["127.0.0.1"]', "# WARNING: a special-purpose address (loopback)")

    def test_a_log_of_enforcement_finds_what_was_never_used(self):
        """What only the object's facts decide is known by the log of the very policy that is in force."""
        gate = self.start_learned("""version: 1
docker:
  - {allow: ContainerStop, where: {name: web}}
  - allow: SystemInfo
  - allow: ImageList
network:
  - allow: ["a.example.org:443", "*.example.com:443"]
""")
        for use in (("docker", "POST /containers/web/stop"), ("docker", "GET /info"), ("tunnel", "a.example.org", 443, "tls")):
            self.assertTrue(self.passes(gate, use), use)
        self.assertFalse(self.passes(gate, ("tunnel", "b.example.org", 443, "tls")))
        self.assertEqual(gate.stop(), 0)
        words = ("policy", "suggest", "--diff", "--config", gate.policy_path, "--log", gate.log_path)
        done = run(*words)
        self.assertEqual((done.returncode, [line.split("  #")[0] for line in done.stdout.splitlines()]),
                         (0, ["- * docker allow ImageList", "- * network allow *.example.com:443"]))
        done = run(*words, "--include-denied")
        self.assertEqual(done.returncode, 6)
        self.assertIn("+ default network allow b.example.org:443", done.stdout)
        gate.write_policy("version: 1\nnetwork:\n  - deny: a.example.org\n")
        done = run(*words)
        self.assertEqual(done.returncode, 6)
        self.assertNotIn("a.example.org", done.stdout)  # what a rule denies is no suggestion
        self.assertIn("+ default docker allow SystemInfo", done.stdout)

    def test_random_traffic(self):
        for seed in range(4):
            with self.subTest(seed):
                self.check_random(random.Random(seed))

    def check_random(self, chance):
        universe = [("docker", "%s /%s" % line) for line in (("GET", "info"), ("GET", "containers/json"), ("GET", "images/json"), ("GET", "networks"),
                                                           ("POST", "containers/prune"), ("POST", "containers/create"), ("DELETE", "images/nginx"))]
        universe += [("docker", "POST /containers/%s/%s" % (name, verb)) for name in ("web", "app") for verb in LIFECYCLE]
        hosts = ("a.example.org", "x.y.example.net", "example.com") + STRANGERS
        universe += [("tunnel", host, port, said) for host in hosts for port in (22, 443) for said in ("tls", "ssh", "nameless")]
        universe += [("plain", method, host, port, path) for method in ("GET", "POST") for host in hosts for port in (80, 8080) for path in ("/a", "/b")]
        uses = chance.sample(universe, 24)
        tunnelled = {use[1:3] for use in uses if use[0] == "tunnel"}

        def implied(use):
            """Beside what was used a tunnel that cannot be looked into admits all of its port; on 443 each is what it was, and one without a
            name could have one."""
            if use in uses:
                return True
            if use[0] == "tunnel" and use[2] != 443:
                return use[1:3] in tunnelled
            if use[0] == "tunnel" and use[3] == "tls":
                return use[1:3] in tunnelled
            return False

        self.check(uses, [use for use in universe if not implied(use)])


class Command(unittest.TestCase):
    POLICY = """version: 1
strict: true
clients:
  agents:
    listen: unix:/run/dockreeve/agents/docker.sock
    socket: {mode: "0600"}
    egress: tcp:127.0.0.1:3128
    mode: report
    network:
      - deny: ["*.telemetry.example"]    # why
      - allow: old.example.org
"""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-suggest-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.config = self.write("policy.yaml", self.POLICY)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
        os.chmod(path, 0o644)
        return path

    def suggest(self, *words, log=(), config=None):
        return run("policy", "suggest", "--config", config or self.config, "--log", self.write("log", "".join(line + "\n" for line in log)), *words)

    def assert_valid(self, text):
        done = run("policy", "validate", "--config", self.write("learned.yaml", text))
        self.assertEqual(done.returncode, 0, done.stderr + text)

    def allows(self, text, *words):
        return run("policy", "check", *words, "--client", "agents", "--config", self.write("learned.yaml", text)).returncode == 0

    USED = [record(client="agents", host="a.example.org", port=443, sni="a.example.org"), called("ContainerCreate", "/containers/create", client="agents"),
            record(client="agents", host="x.telemetry.example", port=443, would_deny="rule", reason="rule")]

    def test_settings_and_denies_of_the_present_policy_stay(self):
        done = self.suggest(log=self.USED)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for part in ('listen: "unix:/run/dockreeve/agents/docker.sock"', 'socket: {mode: "0600"}', 'egress: "tcp:127.0.0.1:3128"', "strict: true",
                     '- {deny: ["*.telemetry.example"]}  # as before', "mode: enforce", '- "a.example.org:443"  # 1 request, 2026-11-20T12:00:00Z',
                     "#   agents: x.telemetry.example:443: a rule denies it (1 request"):
            self.assertIn(part, done.stdout)
        self.assertNotIn("report", done.stdout)
        self.assertNotIn("old.example.org", done.stdout)
        self.assertRegex(done.stdout, r"# WARNING: whoever may create containers is root on the host.*\n *- ContainerCreate ")
        self.assert_valid(done.stdout)
        self.assertTrue(self.allows(done.stdout, "network", "a.example.org:443"))
        self.assertFalse(self.allows(done.stdout, "network", "old.example.org:443"))

    def test_denies_of_the_top_level_stay_and_so_do_clients_without_traffic(self):
        config = self.write("more.yaml", """version: 1
use: preset/npm
cut_on_revoke: true
docker:
  - deny: "@exec"
  - allow: "@read"
network:
  - {deny: ["x.example.org"], comment: "it's bad: #1"}
clients:
  agents: {listen: "unix:/run/dockreeve/agents/docker.sock"}
  idle: {listen: "unix:/run/dockreeve/idle/docker.sock", inherit: false, docker: [{deny: ContainerKill, where: {name: db}}, {allow: "@lifecycle"}]}
""")
        done = self.suggest(log=self.USED[:2] + [record(client="agents", host="x.example.org", port=443, sni="x.example.org")], config=config)
        for part in ('\ndocker:\n  - {deny: "@exec"}', '\nnetwork:\n  - {deny: [x.example.org], comment: "it\'s bad: #1"}', "cut_on_revoke: true", "inherit: false",
                     "- {deny: ContainerKill, where: {name: db}}", "# Its `use` is not taken over", "#   agents: x.example.org:443: a rule denies it"):
            self.assertIn(part, done.stdout)
        self.assertNotIn("allow: \"@", done.stdout)
        self.assert_valid(done.stdout)
        self.assertFalse(self.allows(done.stdout, "network", "x.example.org:443"))

    def test_denies_of_files_that_are_used_stay_for_whoever_used_them(self):
        os.mkdir(os.path.join(self.folder, "rules"), 0o755)
        self.write("rules/inner.yaml", 'version: 1\ndocker:\n  - deny: "@exec"\n  - allow: ContainerList\n')
        self.write("rules/outer.yaml", 'version: 1\nuse: [preset/npm, ./inner.yaml]\nnetwork:\n  - {deny: [a.bad.example, "*.worse.example"], comment: "no: #1"}\n  - allow: b.example.org\n')
        self.write("rules/mine.yaml", "version: 1\ndocker:\n  - {deny: ContainerDelete, where: {name: db}}\nnetwork: [{deny: c.example.org}]\n")
        config = self.write("more.yaml", """version: 1
use: [./rules/outer.yaml]
network: [{deny: d.example.org}]
clients:
  agents: {listen: "unix:/run/dockreeve/agents/docker.sock", use: ./rules/mine.yaml}
  idle: {listen: "unix:/run/dockreeve/idle/docker.sock", docker: [{deny: ContainerKill}], use: [./rules/mine.yaml]}
""")
        done = self.suggest(log=self.USED[:1], config=config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        top, agents, idle = re.split(r"\n  (?:agents|idle):\n", done.stdout)
        self.assertIn('\ndocker:\n  - {deny: "@exec"}  # as before\nnetwork:\n  - {deny: d.example.org}  # as before\n'
                      '  - {deny: [a.bad.example, "*.worse.example"], comment: "no: #1"}  # as before\n', top)
        self.assertIn("- {deny: ContainerDelete, where: {name: db}}  # as before", agents)
        self.assertIn("docker:\n      - {deny: ContainerKill}  # as before\n      - {deny: ContainerDelete, where: {name: db}}  # as before", idle)
        self.assertEqual((agents.count("c.example.org"), idle.count("c.example.org"), top.count("c.example.org")), (1, 1, 0))
        self.assertNotIn("b.example.org", done.stdout)
        self.assertNotIn("ContainerList", done.stdout)
        self.assert_valid(done.stdout)
        self.assertNotIn("as before", self.suggest("--drop-in", log=self.USED[:1], config=config).stdout)
        self.assertNotIn("was used of it", self.suggest(log=self.USED[:1]).stdout)

    def test_a_client_cannot_have_more_suggested_than_it_did(self):
        def deleted(name, **fields):
            return called("ContainerDelete", "/containers/x", client="agents", object=name, **fields)
        log = [deleted("web", status=204)] + [deleted(name, status=204) for name in ("*", "~.*", "w?b", "web,db", "../db", "a b", "web" * 50)] + [deleted("cafe", status=404)]
        log += [record(client="agents", host="8.8.8.8", port=443, sni="%s.bank.example" % name) for name in "abc"]
        log += [record(client="agents", host="star.example", port=80, method="GET", path=path) for path in ("/a*", "/**", "/{x}|y")]
        log += [record(client="agents", host="odd.example", port=80, method="FOO", path="/")]
        log += [record(client="agents", host="own.example", port=22, address="10.0.%d.%d" % (n // 250, n % 250)) for n in range(2000)]
        done = self.suggest(log=log)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_valid(done.stdout)
        self.assertIn('where: {"name": ["web"]}', done.stdout)
        self.assertIn("agents: ContainerDelete: it was asked for what was not there", done.stdout)
        self.assertIn("agents: ContainerDelete: nothing can be called what it was asked for (7 requests", done.stdout)
        self.assertIn("own.example:22: it is at more special-purpose addresses than a rule should name (1936 requests", done.stdout)
        self.assertIn('- "a.bank.example:443"', done.stdout)
        for url, allowed in (("/a*", True), ("/ab", False), ("/**", True), ("/x/y", False), ("/a", False), ("/", False)):
            self.assertEqual(self.allows(done.stdout, "network", "http://star.example" + url), allowed, url)
        for target in ("d.bank.example:443", "odd.example:80", "http://odd.example/"):
            self.assertFalse(self.allows(done.stdout, "network", target), target)
        wide = self.suggest(log=[deleted("web", status=204), deleted("0123456789ab", status=204)]).stdout
        self.assertRegex(wide, r"# WARNING: for everything, since it was used by an id.*\n *- ContainerDelete ")
        wide = self.suggest("--any-object", log=log[:9]).stdout
        self.assertRegex(wide, r"allow:\n *- ContainerDelete  # 9 requests")

    def test_many_objects_of_one_project_are_learned_by_it(self):
        def started(number, project, **fields):
            return called("ContainerStart", "/containers/x/start", client="agents", object="%064x" % number, object_name="%s_%d" % (project[:5], number),
                          object_labels=["com.docker.compose.service=web", "com.docker.compose.project=" + project], status=204, **fields)
        shop = [started(number, "shop") for number in range(6)]
        done = self.suggest(log=shop)
        self.assert_valid(done.stdout)
        self.assertIn('where: {"label": "com.docker.compose.project=shop"}', done.stdout)
        known = self.suggest("--diff", log=shop, config=self.write("learned.yaml", done.stdout))
        self.assertEqual(known.returncode, 0, known.stdout + known.stderr)
        for log in (shop + [started(7, "other")], shop + [called("ContainerStart", "/x", client="agents", object="9" * 64, status=204)],
                    [started(number, 'other"x') for number in range(6)]):
            self.assertIn("# WARNING: for everything", self.suggest(log=log).stdout)
        few = self.suggest(log=shop[:2] + [started(7, "other")]).stdout
        self.assertIn('where: {"name": ["other_7", "shop_0", "shop_1"]}', few)

    def test_a_drop_in_stands_beside_the_present_policy(self):
        done = self.suggest("--drop-in", log=self.USED)
        self.assertNotIn("listen", done.stdout)
        os.mkdir(os.path.join(self.folder, "policy.d"), 0o755)
        self.write("policy.d/50-learned.yaml", done.stdout)
        checked = run("policy", "validate", "--config", self.config)
        self.assertEqual(checked.returncode, 0, checked.stderr + done.stdout)
        self.assertIn("50-learned.yaml", run("policy", "ls", "--config", self.config).stdout)

    def test_json(self):
        done = self.suggest("--json", log=self.USED)
        found = json.loads(done.stdout)
        self.assertEqual(found["requests"], 2)
        self.assert_valid(found["document"])
        self.assertEqual([(rule["client"], rule["kind"], [item["pattern"] for item in rule["allow"]]) for rule in found["rules"]],
                         [("agents", "docker", ["ContainerCreate"]), ("agents", "network", ["a.example.org:443"])])
        self.assertIn("root on the host", found["rules"][0]["allow"][0]["warning"])
        self.assertEqual(found["rules"][1]["allow"][0]["first"], "2026-11-20T12:00:00.000000Z")
        self.assertEqual([(left["what"], left["why"]) for left in found["left_out"]], [("x.telemetry.example:443", "a rule denies it")])

    def test_filters(self):
        log = self.USED + [record(client="ci", host="b.example.org", port=443), record(client="agents", host="c.example.org", port=443, ts="2026-11-19T12:00:00Z")]
        for words, patterns in ((["--client", "ci"], ["b.example.org:443"]), (["--sandbox", "ci"], ["b.example.org:443"]),
                                (["--host", "a.example.org"], ["a.example.org:443"]), (["--operation", "Container*"], ["ContainerCreate"]),
                                (["--until", "2026-11-20"], ["c.example.org:443"]), (["--since", "2026-11-20", "--client", "agents"], ["ContainerCreate", "a.example.org:443"])):
            with self.subTest(words):
                found = json.loads(self.suggest("--json", *words, log=log).stdout)
                self.assertEqual([item["pattern"] for rule in found["rules"] for item in rule["allow"]], patterns)

    def test_diff(self):
        done = self.suggest("--diff", log=self.USED)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^\+ agents docker allow ContainerCreate  # 1 request, .*WARNING")
        self.assertRegex(done.stdout, r"(?m)^\+ agents network allow a\.example\.org:443  # 1 request")
        self.assertRegex(done.stdout, r"(?m)^- agents network allow old\.example\.org:80,443  # never used, policy\.yaml:11$")
        self.assertNotIn("telemetry", done.stdout)
        found = json.loads(self.suggest("--diff", "--json", log=self.USED).stdout)
        self.assertEqual([line["allow"]["pattern"] for line in found["add"]], ["ContainerCreate", "a.example.org:443"])
        self.assertEqual([(line["resource"], line["source"]) for line in found["unused"]], [("old.example.org:80,443", "policy.yaml:11")])
        learned = self.write("enforced.yaml", self.suggest(log=self.USED).stdout)
        done = self.suggest("--diff", log=self.USED, config=learned)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_docker_rule_that_will_end_permits_until_then(self):
        config = self.write("ending.yaml", "version: 1\ndocker:\n  - {allow: ContainerCreate, expires: 2100-01-01}\nnetwork:\n  - {allow: a.example.org, expires: 2100-01-01}\n"
                            "clients:\n  agents: {listen: \"unix:/run/dockreeve/agents/docker.sock\"}\n")
        self.assertNotRegex(self.suggest("--diff", log=self.USED, config=config).stdout, "(?m)^[+-]")

    def test_a_difference_is_coloured_on_a_terminal_unless_no_color_is_set(self):
        log = self.write("log", "".join(line + "\n" for line in self.USED))
        for extra, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            master, slave = pty.openpty()
            with os.fdopen(master, "rb", buffering=0) as terminal:
                done = subprocess.run([binary(), "policy", "suggest", "--diff", "--config", self.config, "--log", log], env=clean_environment(extra),
                                      stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, timeout=wire.DEADLINE, check=False)
                os.close(slave)
                shown = terminal.read(65536).decode()
            self.assertEqual(done.returncode, 6)
            self.assertEqual(("\x1b[32m+ " in shown, "\x1b[" in shown), (coloured, coloured))

    def test_an_unused_rule_alone_is_no_failure(self):
        done = self.suggest("--diff", log=[])
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^- agents network allow old")

    def test_nothing_and_no_log(self):
        done = self.suggest(log=[])
        self.assertEqual(done.returncode, 0)
        self.assertIn("run with `mode: report` first", done.stderr)
        self.assert_valid(done.stdout)
        self.assertEqual(run("policy", "suggest", "--config", self.config, "--log", os.path.join(self.folder, "none")).returncode, 3)
        self.assertEqual(self.suggest("--since", "soon").returncode, 2)
        self.assertEqual(self.suggest("--diff", "-o", "x").returncode, 2)
        self.assertEqual(self.suggest(config=self.write("broken.yaml", "version: 2\n")).returncode, 2)

    def test_refusals_are_taken_only_when_asked_for(self):
        refused = [record(client="agents", host="a.example.org", port=443, decision="deny", would_deny=None),
                   record(client="agents", host="db.example.org", port=5432, decision="deny", reason="address-class.private", would_deny=None,
                          refused_addresses=["10.0.0.7 address-class.private"]),
                   record(client="agents", host="own.example.org", port=8443, decision="deny", reason="address-class.own-host", would_deny=None,
                          refused_addresses=["198.20.0.7 address-class.own-host"]),
                   record(client="agents", host="169.254.169.254", port=80, decision="deny", reason="address-class.metadata", would_deny=None)]
        refused = [json.dumps({key: value for key, value in json.loads(line).items() if value is not None}) for line in refused]
        done = self.suggest(log=refused)
        self.assertIn("--include-denied suggests it too", done.stdout)
        self.assertNotIn('- "a.example.org', done.stdout)
        done = self.suggest("--include-denied", log=refused)
        self.assertIn('- "a.example.org:443"', done.stdout)
        self.assertIn('addresses: ["10.0.0.7"]', done.stdout)
        self.assertIn('addresses: ["198.20.0.7"]', done.stdout)
        self.assertIn("an address of the machine that the gate runs on", done.stdout)
        self.assertIn("169.254.169.254:80: it is a cloud's metadata service", done.stdout)
        self.assert_valid(done.stdout)

    def test_nothing_of_a_client_gets_out_of_its_string_or_comment(self):
        hostile = ("x\nnetwork: [{allow: '*'}]", "x # y", 'x", "*', "x'", "*/", "\u202ex", "\u2028allow", "x\r\n- allow: '*'", "%0a", "{{x}}", "~.*", "*", "*.com", "a: b",
                   "@all", "&a", "\\", "\x1b[2J", "\u00fc.example", "-", "[", "")
        log = []
        for text in hostile:
            log += [record(host=text, port=443, sni=text), record(host="a.example.org", port=443, sni=text), record(client=text, host="a.example.org", port=443),
                    record(host="b.example.org", port=80, method="GET", path="/" + text), record(host="c.example.org", port=80, method=text, path="/"),
                    record(host="d.example.org", port=text, method="GET"), record(host="e.example.org", port=443, reason=text, would_deny=text),
                    record(host="f.example.org", port=443, source=text, rule=text, ts=text, id=text, event="open"),
                    called(text, "/x"), called("ContainerStop", "/containers/x/stop", object=text, status=204), called("ContainerKill", text, object="web", status=204)]
        log += ["{", "x", "[]", '{"kind":"network","kind":"docker"}']
        for words in ([], ["--include-denied"], ["--drop-in"], ["--any-object"]):
            done = self.suggest(*words, log=log)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("4 lines of the log could not be read", done.stderr)
            self.assertTrue(done.stdout.isascii() and "\x1b" not in done.stdout)
            self.assert_valid(done.stdout)
            for line in done.stdout.splitlines():
                self.assertRegex(line, r"""^(#.*|version: 1|default: \{docker: deny, network: deny\}|mode: enforce|strict: true|(docker|network|clients):| +[a-z_]+:.*| *- \{deny: .*| *- allow:| *- [A-Za-z0-9"*@].*| +# WARNING.*)$""")
            for host in ("evil.example", "x.com"):
                self.assertFalse(self.allows(done.stdout, "network", host + ":443"))
        hosts = json.loads(self.suggest("--json", log=log).stdout)
        patterns = {item["pattern"] for rule in hosts["rules"] for item in rule["allow"] if rule["kind"] == "network"}
        self.assertLessEqual(patterns, {"a.example.org:443", "b.example.org:80", "e.example.org:443", "f.example.org:443", "c.example.org:80", "%s:443" % "x", "-:443"})
        self.assertEqual(self.suggest("--diff", log=log).returncode, 6)

    def test_output_replaces_the_file_whole_and_a_redirection_into_the_policy_is_noticed(self):
        target = os.path.join(self.folder, "out.yaml")
        done = self.suggest("-o", target, log=self.USED)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        with open(target, encoding="utf-8") as stream:
            self.assertIn("a.example.org:443", stream.read())
        done = self.suggest("--output", self.config, log=self.USED)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(run("policy", "validate", "--config", self.config).returncode, 0)
        with open(self.config, "w", encoding="utf-8") as emptied:
            done = subprocess.run([binary(), "policy", "suggest", "--config", self.config, "--log", self.write("log", "")], env=clean_environment(),
                                  stdout=emptied, stderr=subprocess.PIPE, text=True, timeout=wire.DEADLINE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("which the shell has emptied: write to another file and move it there, or use --output", done.stderr)

    def test_every_file_of_a_log_is_read_and_a_torn_line_is_told(self):
        log = self.write("access.jsonl", record(client="agents", host="new.example.org", port=443) + "\n" + '{"ts":"2026')
        self.write("access.jsonl.1", record(client="agents", host="old.example.net", port=443) + "\n")
        done = run("policy", "suggest", "--config", self.config, "--log", log)
        self.assertIn('- "new.example.org:443"', done.stdout)
        self.assertIn('- "old.example.net:443"', done.stdout)
        self.assertIn("has no end", done.stderr)


if __name__ == "__main__":
    unittest.main()

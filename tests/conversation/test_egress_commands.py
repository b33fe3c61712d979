# SPDX-License-Identifier: Apache-2.0
"""What `healthcheck`, `doctor` and the numbers say of a gate that leads to the internet. There is no Docker Engine in these tests but
where one is said to be."""

import json
import re
import socket

from harness.client import Client
from harness.dns_client import ask_udp, question
from harness.dns_server import DnsServer
from harness.egress import EgressCase, allow, connect, forward
from harness.gate import run
from harness.origin import HttpOrigin, Origin, RefusingPort, echo

NETWORK = """version: 1
clients:
  agents:
    egress: 127.0.0.1:%d
    transparent: {tls: "127.0.0.1:%d", http: "127.0.0.1:%d"}
    dns: {listen: "127.0.0.1:%d"}
"""


def lines_of(text, metric):
    """{labels: value} of one metric."""
    found = {}
    for name, labels, value in re.findall(r"^([a-z_]+)\{([^}]*)\} ([0-9.]+)$", text, re.M):
        if name == metric:
            found[tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', labels)))] = float(value)
    return found


class Healthcheck(EgressCase):
    def network_gate(self, policy=NETWORK):
        ports = [self.held_port() for _ in range(policy.count("%d"))]
        gate = self.start_egress(policy % tuple(ports), egress=False, admin=True)
        return gate, ports

    def test_no_engine_is_asked_for(self):
        gate, _ = self.network_gate()
        done = run("healthcheck", "--config", gate.policy_path, "--upstream", "unix:" + gate.upstream)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(gate.network(), [], "it is neither a request nor a denial of anybody")
        self.assertNotIn("dockreeve_requests_total{", gate.ask_admin("/metrics").body.decode())

    def test_it_fails_when_the_gate_is_gone(self):
        gate, ports = self.network_gate()
        gate.stop()
        done = run("healthcheck", "--config", gate.policy_path)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertTrue(any("127.0.0.1:%d" % port in done.stderr for port in ports), done.stderr)

    def test_each_kind_of_listener_is_asked(self):
        for listen in ("egress: 127.0.0.1:%d", 'transparent: {http: "127.0.0.1:%d"}', 'transparent: {tls: "127.0.0.1:%d"}', 'dns: {listen: "127.0.0.1:%d"}'):
            with self.subTest(listen):
                gate, ports = self.network_gate("version: 1\nclients:\n  agents:\n    " + listen + "\n")
                self.assertEqual(run("healthcheck", "--config", gate.policy_path).returncode, 0)
                self.assertEqual(gate.network(), [])
                gate.stop()
                done = run("healthcheck", "--config", gate.policy_path)
                self.assertEqual(done.returncode, 1)
                self.assertIn("127.0.0.1:%d" % ports[0], done.stderr)

    def test_that_connections_are_taken_is_not_enough_for_a_proxy(self):
        """As by a loop that hangs: the kernel takes the connection, nobody answers."""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        gate, ports = self.network_gate()
        other = gate.file("other.yaml")
        gate.write(other, 'version: 1\nclients:\n  agents:\n    egress: 127.0.0.1:%d\n    transparent: {tls: "127.0.0.1:%d"}\n' %
                   (silent.getsockname()[1], ports[1]))
        done = run("healthcheck", "--config", other, "--timeout", "200ms")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("127.0.0.1:%d" % silent.getsockname()[1], done.stderr)

    def test_a_client_that_leaves_out_this_machine_is_an_answer(self):
        gate, _ = self.network_gate("version: 1\nclients:\n  agents:\n    egress: 127.0.0.1:%d\n    from: [192.0.2.0/24]\n")
        done = run("healthcheck", "--config", gate.policy_path)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_option_of_serve_is_given_here_too(self):
        gate = self.start_egress("version: 1\n")
        self.assertEqual(run("healthcheck", "--config", gate.policy_path, "--egress", "127.0.0.1:%d" % gate.proxy()).returncode, 0)
        gate.stop()
        self.assertEqual(run("healthcheck", "--config", gate.policy_path, "--egress", "127.0.0.1:%d" % gate.proxy()).returncode, 1)

    def test_beside_the_docker_api_the_engine_counts(self):
        gate = self.start_egress("version: 1\n", docker=True)
        engine = self.start_engine(gate.folder)
        arguments = ["healthcheck", "--config", gate.policy_path, "--listen", "unix:" + gate.socket_path, "--egress", "127.0.0.1:%d" % gate.proxy()]
        self.assertEqual(run(*arguments).returncode, 0)
        engine.stop()
        self.assertEqual(run(*arguments).returncode, 1)


class Doctor(EgressCase):
    def setUp(self):
        super().setUp()
        self.names = DnsServer({})
        self.addCleanup(self.names.close)
        self.gate = self.start_egress("version: 1\n")

    def ask(self, policy, *more, resolver=None):
        path = self.gate.file("other.yaml")
        self.gate.write(path, "version: 1\n" + policy)
        return run("doctor", "--config", path, "--resolver", "127.0.0.1:%d" % (resolver or self.names.port), "--json", *more)

    def findings(self, done):
        return [(found["finding"], found["topic"], found["text"]) for found in map(json.loads, done.stdout.splitlines())]

    def test_an_open_proxy_is_named(self):
        rows = (("everywhere", "egress: 0.0.0.0:3128", True), ("everywhere, IPv6", "egress: \"[::]:3128\"", True),
                ("from a network", "egress: 0.0.0.0:3128\n    from: [172.16.0.0/12]", False), ("loopback", "egress: 127.0.0.1:3128", False),
                ("a unix socket", "egress: unix:/run/agents/proxy.sock", False), ("name server", "dns: {listen: \"0.0.0.0:53\"}", True))
        for name, listen, open_to_all in rows:
            with self.subTest(name):
                done = self.ask("clients:\n  agents:\n    %s\n" % listen)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                said = [text for finding, topic, text in self.findings(done) if finding == "note" and topic == "client"]
                self.assertEqual(any("open proxy" in text and "agents" in text for text in said), open_to_all, said)

    def test_the_resolver_is_asked(self):
        done = self.ask("clients:\n  agents:\n    egress: 127.0.0.1:3128\n")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(("ok", "resolver"), [found[:2] for found in self.findings(done)])
        self.assertTrue(self.names.count("dockreeve.invalid"))

    def test_a_resolver_that_is_down_is_wrong(self):
        down = RefusingPort()
        done = self.ask("clients:\n  agents:\n    egress: 127.0.0.1:3128\n", resolver=down.port)
        down.stop()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(("wrong", "resolver"), [found[:2] for found in self.findings(done)])

    def test_the_engine_is_asked_where_somebody_needs_it(self):
        for name, policy, more, asked in (("egress alone", "clients:\n  agents:\n    egress: 127.0.0.1:3128\n", (), False),
                                          ("both", "clients:\n  agents:\n    egress: 127.0.0.1:3128\n    listen: unix:/run/agents/docker.sock\n", (), True),
                                          ("it is named", "clients:\n  agents:\n    egress: 127.0.0.1:3128\n", ("--upstream", "unix:/nonexistent"), True),
                                          ("no listener", "", (), True)):
            with self.subTest(name):
                self.assertEqual("engine" in [topic for _, topic, _ in self.findings(self.ask(policy, *more))], asked)


class Numbers(EgressCase):
    def test_origins_that_are_looked_for_in_vain(self):
        closed = RefusingPort()
        self.addCleanup(closed.stop)
        for line in (connect("a.test:%d" % closed.port), forward("http://a.test:%d/" % closed.port), connect("b.test:%d" % closed.port)):
            gate = self.start_egress(allow("a.test:*", "b.test:*"), hosts={"a.test": "127.0.0.1"}, admin=True)
            self.assertEqual(gate.ask(line).status, 502)
            self.assertIn("\ndockreeve_upstream_errors_total 1\n", self.ask_admin(gate, "/metrics").body.decode())

    def test_tunnels_requests_and_questions_are_counted_by_client_decision_and_rule(self):
        web, raw = self.origin(HttpOrigin()), Origin(echo)
        self.addCleanup(raw.stop)
        rules = allow("raw.test:%d" % raw.port, "web.test:%d" % web.port).replace("{", "{name: ours, ", 1)
        gate = self.start_egress(rules, hosts={"raw.test": "127.0.0.1", "web.test": "127.0.0.1"}, dns=True, admin=True)
        for _ in range(2):
            with gate.tunnel("raw.test:%d" % raw.port) as client:
                self.passes_bytes(client)
            gate.wait_closed(host="raw.test")
        gate.ask(forward("http://web.test:%d/" % web.port))
        gate.ask(connect("other.test:443"))
        for name in ("raw.test", "other.test", "other.test"):
            ask_udp(gate.dns, question(name, "A"))
        gate.wait_network(3, via="dns")
        text = self.ask_admin(gate, "/metrics").body.decode()
        counted = lines_of(text, "dockreeve_requests_total")
        expected = {("tunnel", "allow", "ours"): 2, ("forward", "allow", "ours"): 1, ("tunnel", "deny", "default"): 1,
                    ("dns", "allow", "ours"): 1, ("dns", "deny", "default"): 2}
        for (operation, decision, rule), count in expected.items():
            labels = tuple(sorted({"client": "default", "operation": operation, "decision": decision, "rule": rule}.items()))
            self.assertEqual(counted.get(labels), count, (labels, counted))

    def ask_admin(self, gate, target):
        with Client.unix(gate.admin_path) as client:
            return client.ask(b"GET %s HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n" % target.encode())

    def test_a_gate_without_the_docker_api_is_ready_without_an_engine(self):
        gate = self.start_egress("version: 1\n", admin=True)
        self.assertEqual(self.ask_admin(gate, "/readyz").status, 200)
        both = self.start_egress("version: 1\n", admin=True, docker=True)
        self.assertEqual(self.ask_admin(both, "/readyz").status, 503)

    def test_faults_of_origins_stay_counted(self):
        broken = Origin(lambda connection: None)
        self.addCleanup(broken.stop)
        gate = self.start_egress(allow("broken.test:%d" % broken.port), hosts={"broken.test": "127.0.0.1"}, admin=True)
        self.assertEqual(gate.ask(forward("http://broken.test:%d/" % broken.port)).status, 502)
        for _ in range(2):
            self.assertRegex(self.ask_admin(gate, "/metrics").body.decode(), r"(?m)^dockreeve_upstream_errors_total 1$")

# SPDX-License-Identifier: Apache-2.0
"""deploy/compose.egress.yaml with the image of `make image`: agents on a network that leads nowhere but to the gate, one that uses the
gate as its proxy and one that knows nothing of it. What the policy allows works, what it does not fails, and there is no way around.

The internet of these tests is one more container, beside the gate and away from the agents: busybox serves HTTP there, openssl TLS."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from docker_case import ENGINE, PATIENCE, PREFIX, busybox_root, directly
from harness.gate import TOP, wait_for
from test_image import GATE_IMAGE, inspect, records
from test_image import setUpModule as make_images
from test_image import tearDownModule  # noqa: F401 (unittest calls it)

AGENT_IMAGE = PREFIX + ":openssl"
ADDRESS = "10.203.53.2"  # of the gate, in compose.egress.yaml and its policy
PRIVATE = "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]"
RULES = """version: 1
network:
  - {name: the test, allow: [allowed.test, secure.test], addresses: %s}
  - allow: inside.test
""" % PRIVATE
OVERRIDE = """services:
  gate:
    healthcheck: {test: [CMD, /dockreeve, healthcheck], interval: 1s}
  agent:
    command: sleep 600
    stop_grace_period: 0s
  agent-without-proxy:
    command: sleep 600
    stop_grace_period: 0s
  origin:
    image: %s
    command: sh -c "httpd -p 80 -h /www && exec openssl s_server -accept 443 -www -quiet -cert /etc/origin.pem -key /etc/origin.pem"
    stop_grace_period: 0s
    networks:
      outside:
        aliases: [allowed.test, denied.test, secure.test, inside.test]
"""


def with_libraries(program):
    """(name, bytes) of a program and of the libraries it needs."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    paths = [program] + [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    files = []
    for path in paths:
        with open(path, "rb") as stream:
            files.append((path.lstrip("/"), stream.read()))
    return files


def certificate():
    """A key and a certificate that nobody has to trust: the clients of these tests do not look."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as key, tempfile.NamedTemporaryFile(suffix=".pem") as chain:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=secure.test", "-keyout", key.name, "-out", chain.name], capture_output=True, timeout=PATIENCE, check=True)
        return key.read() + chain.read()


def setUpModule():
    make_images()
    extra = with_libraries("/usr/bin/openssl") + [("etc/origin.pem", certificate()), ("www/index.html", b"hello from outside\n")]
    directly("import", "-", AGENT_IMAGE, data=busybox_root(extra))
    unittest.addModuleCleanup(directly, "rmi", "-f", AGENT_IMAGE, check=False)


class Agents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = PREFIX + "-egress"
        cls.folder = tempfile.mkdtemp(prefix="dockreeve-egress-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.policy = os.path.join(cls.folder, "policy")
        os.makedirs(os.path.join(cls.policy, "policy.d"))
        shutil.copy(os.path.join(TOP, "deploy/egress/policy.yaml"), cls.policy)
        for name, text in (("policy/policy.d/test.yaml", RULES), ("override.yaml", OVERRIDE % AGENT_IMAGE)):
            with open(os.path.join(cls.folder, name), "w", encoding="ascii") as out:
                out.write(text)
        for folder, _, names in os.walk(cls.folder):
            os.chmod(folder, 0o755)
            for name in names:
                os.chmod(os.path.join(folder, name), 0o644)
        cls.addClassCleanup(cls.compose, "down", "-t", "0")
        up = cls.compose("up", "-d")
        if up.returncode != 0:
            raise AssertionError((up.stderr + cls.compose("logs").stdout).decode())
        cls.gate = cls.compose("ps", "-q", "gate").stdout.decode().strip()

    @classmethod
    def compose(cls, *arguments):
        environment = dict(os.environ, DOCKER_HOST="unix://" + ENGINE, DOCKREEVE_IMAGE=GATE_IMAGE, AGENT_IMAGE=AGENT_IMAGE, GATE_POLICY=cls.policy,
                           GATE_USER="65534")
        return subprocess.run(["docker-compose", "-p", cls.project, "-f", os.path.join(TOP, "deploy/compose.egress.yaml"), "-f",
                               os.path.join(cls.folder, "override.yaml"), *arguments], capture_output=True, env=environment, timeout=PATIENCE, check=False)

    def setUp(self):
        self.mark = len(records(self.gate))

    def run_in(self, service, *command):
        return self.compose("exec", "-T", service, *command)

    def fetch(self, service, url):
        return self.run_in(service, "wget", "-q", "-O", "-", url)

    def handshake(self, service, name, *more):
        return self.run_in(service, "sh", "-c", "echo | timeout 20 openssl s_client -brief -servername %s %s" % (name, " ".join(more)))

    def logged(self, **wanted):
        """The first record of this test with these fields."""
        def found():
            return [r for r in records(self.gate)[self.mark:] if all(r.get(name) == value for name, value in wanted.items())]

        return wait_for(found, "a record with %r" % wanted)[0]

    def assert_works(self, done):
        self.assertEqual(done.returncode, 0, done.stderr.decode() + json.dumps(records(self.gate)[self.mark:]))

    def assert_fails(self, done):
        self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_the_gate_runs_as_nobody_and_is_healthy(self):
        self.assertEqual(inspect(self.gate, ".Config.User"), "65534")
        self.assertEqual(inspect(self.gate, ".State.Health.Status"), "healthy")
        said = self.run_in("gate", "/dockreeve", "doctor").stdout.decode()
        self.assertIn("ok     gate ", said)
        # The name servers are not of this machine.
        self.assertEqual([line for line in said.splitlines() if line.startswith("wrong ") and " resolver " not in line], [])
        self.assert_works(self.run_in("gate", "/dockreeve", "policy", "status"))

    def test_the_agents_network_leads_nowhere(self):
        self.assertTrue(inspect(self.project + "_agents", ".Internal"))
        origin = self.compose("ps", "-q", "origin").stdout.decode().strip()
        address = inspect(origin, ".NetworkSettings.Networks")[self.project + "_outside"]["IPAddress"]
        for service in ("agent", "agent-without-proxy"):
            with self.subTest(service):
                self.assert_fails(self.run_in(service, "nc", "-w", "3", address, "80", "-e", "true"))

    def test_the_gate_is_no_router(self):
        """What an agent sends to the gate's hardware address for somebody outside goes nowhere."""
        def in_network_of(container, *command):
            """From a container beside it, which may do what the agent may not."""
            return directly("run", "--rm", "--network", "container:" + container, "--cap-add", "NET_ADMIN", AGENT_IMAGE, *command).stdout.decode()

        def forwarded():
            names, values = [line.split() for line in in_network_of(self.gate, "cat", "/proc/net/snmp").splitlines() if line.startswith("Ip:")]
            return int(values[names.index("ForwDatagrams")])

        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.assertEqual(in_network_of(self.gate, "cat", "/proc/sys/net/" + setting).strip(), "0")
        agent = self.compose("ps", "-q", "agent").stdout.decode().strip()
        origin = inspect(self.compose("ps", "-q", "origin").stdout.decode().strip(), ".NetworkSettings.Networks")[self.project + "_outside"]["IPAddress"]
        in_network_of(agent, "ip", "route", "add", origin, "via", ADDRESS)
        self.addCleanup(in_network_of, agent, "ip", "route", "del", origin)
        self.assert_fails(self.run_in("agent", "nc", "-w", "3", origin, "80", "-e", "true"))
        self.assertEqual(forwarded(), 0)
        self.assertNotIn("note.forwarding", [r.get("reason") for r in records(self.gate)])

    def test_a_proxy_for_plain_http(self):
        done = self.fetch("agent", "http://allowed.test/")
        self.assert_works(done)
        self.assertEqual(done.stdout, b"hello from outside\n")
        record = self.logged(via="forward", host="allowed.test")
        self.assertEqual((record["client"], record["decision"], record["rule"]), ("agents", "allow", "the test"))

    def test_a_proxy_refuses_the_rest(self):
        for url, reason in (("http://denied.test/", "default"), ("http://inside.test/", "address-class.private"),
                            ("http://169.254.169.254/", "address-class.metadata"), ("http://%s:3128/" % ADDRESS, "address-class.own-host")):
            with self.subTest(url):
                self.mark = len(records(self.gate))
                done = self.fetch("agent", url)
                self.assert_fails(done)
                self.assertIn(b"403", done.stderr)
                self.assertEqual(self.logged(via="forward", decision="deny", method="GET", status=403)["reason"], reason)

    def test_a_tunnel(self):
        self.assert_works(self.handshake("agent", "secure.test", "-proxy", "gate:3128", "-connect", "secure.test:443"))
        self.assertEqual(self.logged(event="open", host="secure.test")["via"], "forward")
        self.assertEqual(self.logged(event="close", host="secure.test")["sni"], "secure.test")

    def test_a_tunnel_that_is_refused(self):
        done = self.handshake("agent", "denied.test", "-proxy", "gate:3128", "-connect", "denied.test:443")
        self.assert_fails(done)
        self.assertIn(b"403", done.stderr)
        self.assertEqual(self.logged(method="CONNECT", host="denied.test")["reason"], "default")

    def test_a_tunnel_whose_tls_means_another_host(self):
        self.assert_fails(self.handshake("agent", "denied.test", "-proxy", "gate:3128", "-connect", "secure.test:443"))
        self.assertEqual(self.logged(event="close", host="secure.test")["reason"], "sni-mismatch")

    def test_names_without_a_proxy(self):
        allowed = self.run_in("agent-without-proxy", "nslookup", "allowed.test")
        self.assertIn(ADDRESS, allowed.stdout.decode())
        self.assertEqual(self.logged(via="dns", host="allowed.test")["decision"], "allow")
        denied = self.run_in("agent-without-proxy", "nslookup", "denied.test")
        self.assertNotIn(ADDRESS, denied.stdout.decode().split("denied.test", 1)[1])
        self.assertEqual(self.logged(via="dns", host="denied.test")["decision"], "deny")

    def test_plain_http_without_a_proxy(self):
        done = self.fetch("agent-without-proxy", "http://allowed.test/")
        self.assert_works(done)
        self.assertEqual(done.stdout, b"hello from outside\n")
        self.assertEqual(self.logged(via="transparent", host="allowed.test")["decision"], "allow")
        self.assert_fails(self.fetch("agent-without-proxy", "http://denied.test/"))

    def test_tls_without_a_proxy(self):
        self.assert_works(self.handshake("agent-without-proxy", "secure.test", "-connect", "secure.test:443"))
        record = self.logged(event="open", via="transparent")
        self.assertEqual((record["sni"], record["decision"]), ("secure.test", "allow"))
        refused = self.handshake("agent-without-proxy", "denied.test", "-connect", "secure.test:443")
        self.assert_fails(refused)
        self.assertIn(b"alert", refused.stderr)
        self.assertEqual(self.logged(via="transparent", sni="denied.test")["decision"], "deny")

# SPDX-License-Identifier: Apache-2.0
"""The image that `make image` builds, run as its documents say: any user, read-only, no capability; and the compose files of deploy/
with it. The client is the busybox of the other tests, whose wget stands for a Docker client."""

import json
import os
import select
import subprocess
import tempfile
import time
import unittest

from docker_case import ENGINE, IMAGE, PATIENCE, PREFIX, busybox_root, directly
from harness.gate import TOP, plain_binary, wait_for

GATE_IMAGE = PREFIX + "-gate:latest"
HEALTHY = 60  # seconds until a container is healthy
JSON_TYPE = "Content-Type: application/json"


def inspect(name, template):
    return json.loads(directly("inspect", "--format", "{{json %s}}" % template, name).stdout)


def records(name):
    """What the gate wrote to standard output: every line is a record. The engine takes its time to keep them."""
    return [json.loads(line) for line in directly("logs", name).stdout.splitlines()]


def records_until(name, operation):
    """The records as soon as a denial of the operation is among them."""
    def found():
        said = records(name)
        return said if any(r.get("operation") == operation and r.get("decision") == "deny" for r in said) else None

    return wait_for(found, "the record of " + operation)


def wait_healthy(case, name, since):
    """Waits for the engine's event; one from before the call counts too."""
    events = subprocess.Popen(["docker", "-H", "unix://" + ENGINE, "events", "--since", "%d" % since, "--filter", "container=" + name,
                               "--filter", "event=health_status", "--format", "{{.Status}}"], stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + HEALTHY
        seen = b""
        while b"health_status: healthy" not in seen:
            ready, _, _ = select.select([events.stdout], [], [], max(0, deadline - time.monotonic()))
            data = os.read(events.stdout.fileno(), 4096) if ready else b""
            if not data:
                logs = directly("logs", name)
                case.fail("%s did not become healthy: %r\n%r\n%s" % (name, inspect(name, ".State.Health"), logs.stdout, logs.stderr.decode()))
            seen += data
    finally:
        events.kill()
        events.stdout.close()
        events.wait()


def setUpModule():
    directly("import", "-", IMAGE, data=busybox_root())
    made = subprocess.run(["make", "-s", "-C", os.path.dirname(plain_binary()), "image", "IMAGE=" + GATE_IMAGE], capture_output=True,
                          env=dict(os.environ, DOCKER_HOST="unix://" + ENGINE), timeout=PATIENCE, check=False)
    if made.returncode != 0:
        raise AssertionError("make image failed:\n%s" % (made.stdout + made.stderr).decode())


def tearDownModule():
    left = directly("ps", "-aq", "--filter", "name=" + PREFIX).stdout.decode().split()
    if left:
        directly("rm", "-f", *left, check=False)
    directly("rmi", "-f", GATE_IMAGE, IMAGE, check=False)


class Image(unittest.TestCase):
    def start(self, *options, command=()):
        """The gate as the README says to run it: a user who owns nothing, in the group of the engine's socket."""
        name = "%s-gate-%d" % (PREFIX, time.monotonic_ns())
        self.addCleanup(directly, "rm", "-f", name, check=False)
        since = time.time() - 1
        directly("run", "-d", "--name", name, "--user", "54321", "--group-add", str(os.stat(ENGINE).st_gid), "--read-only", "--cap-drop", "ALL",
                 "--security-opt", "no-new-privileges", "--health-interval", "1s", "-v", ENGINE + ":/var/run/docker.sock", *options, GATE_IMAGE,
                 *command)
        wait_healthy(self, name, since)
        return name

    def ask(self, gate, path, *more):
        """A request from beside the gate, within its network namespace."""
        return subprocess.run(["docker", "-H", "unix://" + ENGINE, "run", "--rm", "--network", "container:" + gate, IMAGE, "wget", "-q", "-O", "-",
                               *more, "http://127.0.0.1:2375" + path], capture_output=True, timeout=PATIENCE, check=False)

    def test_it_is_one_small_file_with_a_health_check(self):
        shown = json.loads(directly("image", "inspect", GATE_IMAGE).stdout)[0]
        self.assertLess(shown["Size"], 5_000_000)
        self.assertEqual(len(shown["RootFS"]["Layers"]), 1)
        self.assertEqual(shown["Config"]["Healthcheck"]["Test"], ["CMD", "/dockreeve", "healthcheck"])
        names = [line.split("=")[0] for line in shown["Config"]["Env"]]
        self.assertEqual(sorted(name for name in names if name != "PATH"), ["DOCKREEVE_COMPAT", "DOCKREEVE_LOG"])

    def test_the_environment_decides_and_the_log_is_on_standard_output(self):
        gate = self.start("-e", "CONTAINERS=1")
        allowed = self.ask(gate, "/v1.41/containers/json")
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        self.assertIsInstance(json.loads(allowed.stdout), list)
        refused = self.ask(gate, "/containers/create", "--header", JSON_TYPE, "--post-data", "{}")
        self.assertIn(b"403", refused.stderr)
        said = records_until(gate, "ContainerCreate")
        self.assertEqual(said[0]["event"], "start")
        # A list that the engine sends in two pieces has two records, `open` and `close`.
        verdicts = {r["operation"]: (r["decision"], r["source"]) for r in said if r["event"] in ("request", "open")}
        self.assertEqual(verdicts["ContainerList"], ("allow", "env CONTAINERS=1"))

    def test_a_policy_in_a_mounted_folder_ends_the_environment_and_keeps_the_image_s_port(self):
        with tempfile.TemporaryDirectory(prefix="dockreeve-image-") as folder:
            os.chmod(folder, 0o755)
            with open(os.path.join(folder, "policy.yaml"), "w", encoding="ascii") as policy:
                policy.write("version: 1\ndocker:\n  - allow: SystemInfo\n")
            gate = self.start("-e", "CONTAINERS=1", "-v", folder + ":/etc/dockreeve:ro")
            self.assertEqual(self.ask(gate, "/info").returncode, 0)
            self.assertIn(b"403", self.ask(gate, "/containers/json").stderr)

    def test_it_stops_within_ten_seconds_though_a_stream_is_open(self):
        gate = self.start()
        stream = PREFIX + "-stream"
        self.addCleanup(directly, "rm", "-f", stream, check=False)
        directly("run", "-d", "--name", stream, "--network", "container:" + gate, IMAGE, "wget", "-q", "-O", "-", "http://127.0.0.1:2375/events")
        deadline = time.monotonic() + PATIENCE
        while not any(r["event"] == "open" and r["operation"] == "SystemEvents" for r in records(gate)):
            self.assertLess(time.monotonic(), deadline, "the stream was not opened")
        before = time.monotonic()
        directly("stop", "-t", "20", gate)
        self.assertLess(time.monotonic() - before, 10)
        self.assertEqual(inspect(gate, ".State.ExitCode"), 0)
        self.assertEqual(records(gate)[-1]["event"], "stop")

    def test_it_says_that_a_socket_mounted_read_only_protects_nothing(self):
        gate = self.start("-v", os.path.dirname(ENGINE) + ":/engine:ro", "-e", "SOCKET_PATH=/engine/" + os.path.basename(ENGINE))
        self.assertIn("note.read-only-socket", [r.get("reason") for r in records(gate)])

    def test_it_says_what_is_missing_when_the_socket_is_closed_to_its_user(self):
        gate = self.start()
        done = subprocess.run(["docker", "-H", "unix://" + ENGINE, "run", "--rm", "--user", "54321", "--cap-drop", "ALL", "-v",
                               ENGINE + ":/var/run/docker.sock", GATE_IMAGE, "doctor"], capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn("--group-add %d" % os.stat(ENGINE).st_gid, done.stdout.decode())
        self.assertEqual(directly("exec", gate, "/dockreeve", "doctor").returncode, 0)


class Compose(unittest.TestCase):
    """A file of deploy/ as it is; only what the client runs is replaced, and the health check asks more often."""

    FILE = CLIENT = None

    def setUp(self):
        self.project = "%s-%s" % (PREFIX, self.CLIENT)
        handle, self.override = tempfile.mkstemp(prefix="dockreeve-compose-", suffix=".yaml")
        self.addCleanup(os.unlink, self.override)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write("services:\n  docker-gate:\n    healthcheck: {test: [CMD, /dockreeve, healthcheck], interval: 1s}\n"
                      "  %s:\n    command: sleep 600\n" % self.CLIENT)
        self.addCleanup(self.compose, "down", "-v", "-t", "0", check=False)
        self.compose("up", "-d")
        self.gate = self.compose("ps", "-q", "docker-gate").stdout.decode().strip()

    def compose(self, *arguments, check=True):
        environment = dict(os.environ, DOCKER_HOST="unix://" + ENGINE, DOCKREEVE_IMAGE=GATE_IMAGE, CLIENT_IMAGE=IMAGE, SERVER_IMAGE=IMAGE,
                           SCRAPER_IMAGE=IMAGE, PROMETHEUS_PORT="0")
        done = subprocess.run(["docker-compose", "-p", self.project, "-f", os.path.join(TOP, "deploy", self.FILE), "-f", self.override, *arguments],
                              capture_output=True, env=environment, timeout=PATIENCE, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def ask(self, path, *more):
        return self.compose("exec", "-T", self.CLIENT, "wget", "-q", "-O", "-", *more, "http://docker-gate:2375" + path, check=False)

    def post(self, path, body=""):
        return self.ask(path, "--header", JSON_TYPE, "--post-data", body)

    def assert_allowed(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_denied(self, done):
        self.assertIn(b"403", done.stdout + done.stderr)

    def denied(self, last):
        return {r.get("operation") for r in records_until(self.gate, last) if r.get("decision") == "deny"}


class Sidecar(Compose):
    FILE, CLIENT = "compose.yaml", "client"

    def test_the_client_may_list_and_do_no_more(self):
        for path in ("/containers/json", "/images/json", "/info"):
            with self.subTest(path):
                self.assert_allowed(self.ask(path))
        for name, done in (("volumes", self.ask("/volumes")), ("create", self.post("/containers/create", "{}"))):
            with self.subTest(name):
                self.assert_denied(done)
        self.assertEqual(self.denied("ContainerCreate"), {"VolumeList", "ContainerCreate"})

    def test_the_gate_keeps_its_state_although_it_is_read_only(self):
        status = json.loads(self.compose("exec", "-T", "docker-gate", "/dockreeve", "policy", "status", "--json").stdout)
        self.assertEqual((status["pid"], status["policy"]["files"][0]["path"]), (1, "environment"))
        self.compose("exec", "-T", "docker-gate", "/dockreeve", "policy", "reload")
        self.assertNotIn(b"policy status", directly("logs", self.gate).stderr)

    def test_the_clients_network_leads_to_no_other_machine(self):
        self.assertTrue(inspect(self.project + "_docker-gate", ".Internal"))


class Agents(Compose):
    FILE, CLIENT = "compose.agents.yaml", "server"

    def test_the_server_starts_and_stops_containers_but_enters_none(self):
        name = PREFIX + "-agent"
        self.addCleanup(directly, "rm", "-f", name, check=False)
        created = self.post("/v1.41/containers/create?name=" + name, json.dumps({"Image": IMAGE, "Cmd": ["sleep", "600"]}))
        self.assert_allowed(created)
        self.assertIn("Id", json.loads(created.stdout))
        self.assert_allowed(self.post("/v1.41/containers/%s/start" % name))
        self.assertTrue(inspect(name, ".State.Running"))
        for denied, done in (("exec", self.post("/v1.41/containers/%s/exec" % name, '{"Cmd": ["id"]}')),
                             ("kill", self.post("/v1.41/containers/%s/kill" % name)),
                             ("restart", self.post("/v1.41/containers/%s/restart" % name)),
                             ("networks", self.ask("/networks")), ("volumes", self.ask("/volumes")), ("secrets", self.ask("/secrets"))):
            with self.subTest(denied):
                self.assert_denied(done)
        self.assert_allowed(self.post("/v1.41/containers/%s/stop?t=0" % name))
        self.assertFalse(inspect(name, ".State.Running"))
        self.assertEqual(self.denied("SecretList"), {"ContainerExec", "ContainerKill", "ContainerRestart", "NetworkList", "VolumeList", "SecretList"})


class Metrics(Compose):
    """Gate, scraper and log reader, three containers of one project."""

    FILE, CLIENT = "compose.metrics.yaml", "scraper"

    def scrape(self):
        return self.compose("exec", "-T", "scraper", "wget", "-q", "-O", "-", "http://docker-gate:9323/metrics").stdout.decode()

    def test_the_scraper_reads_numbers_and_the_reader_reads_the_log(self):
        self.assertIn("dockreeve_build_info{", self.scrape())
        self.assertNotIn("dockreeve_requests_total{", self.scrape(), "the health check is nobody's request")
        self.assert_allowed(self.ask("/containers/json"))
        self.assert_denied(self.ask("/images/json"))
        said = self.scrape()
        self.assertIn('operation="ContainerList",decision="allow"', said)
        self.assertIn('operation="ImageList",decision="deny"', said)

        def read():
            text = self.compose("logs", "log-reader").stdout.decode()
            return "ContainerList" in text and "ImageList" in text

        wait_for(read, "the log reader to show both requests")
        self.assertNotIn("SystemPing", self.compose("logs", "log-reader").stdout.decode())

    def test_clients_of_the_docker_network_cannot_ask_for_the_numbers(self):
        done = directly("run", "--rm", "--network", self.project + "_docker-gate", IMAGE, "wget", "-q", "-O", "-", "http://docker-gate:9323/metrics", check=False)
        self.assertIn(b"403", done.stdout + done.stderr)

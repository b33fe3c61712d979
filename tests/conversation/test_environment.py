# SPDX-License-Identifier: Apache-2.0
"""The variables of tecnativa/docker-socket-proxy (T) and linuxserver/socket-proxy (L). The two verdict columns were measured on
those images' own HAProxy configurations (A = forwarded, D = refused); where the gate differs on purpose, a third says how."""

import os
import re
import tempfile

from harness.case import GateCase
from harness.client import Client, get, post, post_json, request
from harness.gate import TOP, run
from harness.network import Network, Unavailable

TAR = ("Content-Type", "application/x-tar")
H2C = (("Connection", "Upgrade"), ("Upgrade", "h2c"))
WEBSOCKET = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "a2V5"), ("Sec-WebSocket-Version", "13"))
JSON_ENDINGS = ("/create", "/update", "/exec", "/exec/e/start")


def make(line):
    """The bytes of "METHOD target", with the body and fields that the operation's real clients send."""
    method, target = line.split(" ", 1)
    host = "d"
    if " Host: " in target:
        target, host = target.split(" Host: ")
    path = target.split("?")[0]
    if path.endswith("/attach/ws"):
        return get(target, *WEBSOCKET)
    if path.endswith(("/session", "/grpc")):
        return post(target, *H2C)
    if method == "POST" and path.endswith(JSON_ENDINGS) and not path.endswith("/images/create"):
        return post_json(target, {})
    if method == "PUT" or (method == "POST" and path.endswith(("/build", "/load"))):
        return request(method, target, (TAR,), b"tar", host)
    return request(method, target, (), b"" if method not in ("GET", "HEAD") else None, host)


# (number in facts, environment, requests, T, L, wanted instead in both modes, or None)
ROWS = [
    ("2", {}, ["GET /info", "GET /containers/json", "POST /_ping", "PUT /version", "OPTIONS /_ping"], "D", "D", None),
    ("3", {}, ["get /_ping"], "D", "D", "D"),
    ("4", {}, ["GET /_ping?x=/containers"], "A", "A", None),
    ("5", {}, ["GET /x?/_ping"], "D", "D", None),
    ("7", {}, ["GET /_PING", "GET /V1.41/_PING"], "A", "A", "D"),
    ("8", {}, ["GET /%5fping"], "A", "A", "A"),
    ("9", {}, ["GET /%255fping"], "D", "D", None),
    ("11", {}, ["GET /v1.41./_ping", "GET /v...../_ping"], "A", "A", "D"),
    ("12", {}, ["GET //_ping", "GET /./_ping"], "D", "D", None),
    ("14", {}, ["GET /_ping%00"], "A", "A", "D"),
    ("15", {}, ["GET /x#/_ping"], "D", "D", "D"),
    ("16 defaults that are on", {}, ["GET /_ping", "HEAD /_ping", "GET /version", "GET /events", "GET /v1.41/version"], "A", "A", None),
    ("18", {"PING": "0"}, ["GET /_ping"], "D", "D", None),
    ("18 events", {"EVENTS": "0"}, ["GET /events"], "D", "D", None),
    ("18 version", {"VERSION": "0"}, ["GET /version"], "D", "D", None),
    ("19", {"POST": "1"}, ["POST /containers/create", "GET /containers/json"], "D", "D", None),
    ("22", {"CONTAINERS": "1"}, ["GET /containers/json"], "A", "A", None),
    ("23", {"CONTAINERS": "1"}, ["GET /v1.51/containers/json"], "A", "A", None),
    ("24", {"CONTAINERS": "1"}, ["HEAD /containers/json"], "A", "A", None),
    ("25", {"CONTAINERS": "1"}, ["GET /containers/x/json", "GET /containers/x/stats"], "A", "A", None),
    ("26", {"CONTAINERS": "1"}, ["GET /containers/x/attach/ws"], "A", "A", None),
    ("27 logs", {"CONTAINERS": "1"}, ["GET /containers/x/logs"], "A", "D", None),
    ("28", {"CONTAINERS": "1"}, ["GET /containers/x/top", "GET /containers/x/changes", "GET /containers/x/export"], "A", "D", None),
    ("29 archive", {"CONTAINERS": "1"}, ["GET /containers/x/archive?path=%2F", "HEAD /containers/x/archive?path=%2F"], "A", "D", None),
    ("34 in T", {"CONTAINERS": "1"}, ["GET /containers/x/y/logs"], "A", "D", None),
    ("35", {"CONTAINERS": "1"}, ["GET /containers%2fjson", "GET /%63ontainers/json"], "A", "A", "A"),
    ("36", {"CONTAINERS": "1"}, ["GET /containersfoo"], "A", "A", "D"),
    ("38", {"CONTAINERS": "1"}, ["GET http://d/containers/json Host: d"], "A", "A", None),
    ("39", {"CONTAINERS": "1"}, ["GET http://e/containers/json Host: d"], "D", "D", None),
    ("40", {"CONTAINERS": "1"}, ["GET /libpod/containers/json", "GET /v5.0.0/libpod/containers/json"], "D", "D", None),
    ("42", {"CONTAINERS": "1"}, ["POST /containers/x/start"], "D", "D", None),
    ("44 true", {"CONTAINERS": "true"}, ["GET /containers/json"], "D", "D", "D"),
    ("44 yes", {"CONTAINERS": "yes"}, ["GET /containers/json"], "D", "D", "D"),
    ("44 on", {"CONTAINERS": "on"}, ["GET /containers/json"], "D", "D", "D"),
    ("44 empty", {"CONTAINERS": ""}, ["GET /containers/json"], "D", "D", "D"),
    ("48", {"CONTAINERS": "1", "POST": "1"},
     ["POST /containers/x/start", "POST /containers/x/stop", "POST /containers/x/kill", "POST /containers/x/restart",
      "POST /containers/x/update", "POST /containers/x/rename?name=y", "POST /containers/x/wait", "POST /containers/x/attach",
      "POST /containers/prune"], "A", "A", None),
    ("49", {"CONTAINERS": "1", "POST": "1"}, ["POST /containers/x/exec"], "A", "A", None),
    ("50", {"CONTAINERS": "1", "POST": "1"}, ["POST /exec/e/start"], "D", "D", None),
    ("51", {"CONTAINERS": "1", "POST": "1"}, ["DELETE /containers/x"], "A", "A", None),
    ("52", {"CONTAINERS": "1", "POST": "1"}, ["PUT /containers/x/archive?path=%2F"], "A", "D", None),
    ("53", {"CONTAINERS": "1", "POST": "1", "ALLOW_ARCHIVE": "1"}, ["PUT /containers/x/archive?path=%2F"], "A", "A", None),
    ("54 create and prune", {"CONTAINERS": "1", "POST": "1"}, ["POST /containers/create?name=n"], "A", "A", None),
    ("57", {"ALLOW_START": "1", "POST": "1"}, ["POST /containers/x/start", "POST /v1.24/containers/x/start?x=1"], "A", "A", None),
    ("58 without POST", {"ALLOW_START": "1"}, ["POST /containers/x/start"], "D", "A", None),
    ("59", {"ALLOW_START": "1", "POST": "1"}, ["GET /containers/x/json"], "D", "D", None),
    ("60", {"ALLOW_START": "1", "POST": "1"}, ["DELETE /containers/x/start"], "A", "A", "D"),
    ("61 prefix", {"ALLOW_START": "1", "POST": "1"}, ["POST /containers/x/startfoo"], "A", "A", "D"),
    ("64", {"ALLOW_START": "1", "POST": "1"}, ["POST /containers/x%2fstart"], "A", "A", "A"),
    ("65", {"ALLOW_STOP": "1"}, ["POST /containers/x/stop"], "D", "A", None),
    ("66", {"ALLOW_STOP": "1", "POST": "1"}, ["POST /containers/x/stop"], "A", "A", None),
    ("67 stop is stop only", {"ALLOW_STOP": "1", "POST": "1"}, ["POST /containers/x/kill", "POST /containers/x/restart"], "D", "D", None),
    ("69", {"ALLOW_RESTARTS": "1", "POST": "1"}, ["POST /containers/x/restart", "POST /containers/x/stop", "POST /containers/x/kill"], "A", "A", None),
    ("71", {"ALLOW_RESTARTS": "1", "POST": "1"}, ["POST /containers/x/stopx", "POST /containers/x/killall"], "A", "A", "D"),
    ("72", {"ALLOW_PAUSE": "1"}, ["POST /containers/x/pause"], "D", "A", None),
    ("72 unpause", {"ALLOW_UNPAUSE": "1"}, ["POST /containers/x/unpause"], "D", "A", None),
    ("73", {"ALLOW_LOGS": "1"}, ["GET /containers/x/logs"], "D", "D", None),
    ("74 logs with containers", {"ALLOW_LOGS": "1", "CONTAINERS": "1"}, ["GET /containers/x/logs"], "A", "A", None),
    ("75", {"EXEC": "1"}, ["GET /exec/e/json"], "A", "A", None),
    ("76", {"EXEC": "1"}, ["POST /exec/e/start"], "D", "D", None),
    ("77 with POST", {"EXEC": "1", "POST": "1"}, ["POST /exec/e/start", "POST /exec/e/resize?h=1&w=1"], "A", "A", None),
    ("78", {"EXEC": "1", "POST": "1"}, ["POST /containers/x/exec"], "D", "D", None),
    ("79", {"BUILD": "1", "POST": "1"}, ["POST /build?t=a", "POST /build/prune", "POST /build/cancel"], "A", "A", None),
    ("80 session", {"SESSION": "1", "POST": "1"}, ["POST /session", "POST /v1.41/session"], "A", "A", None),
    ("80 grpc", {"GRPC": "1", "POST": "1"}, ["POST /grpc"], "A", "A", None),
    ("81 no such operation", {"SESSION": "1", "POST": "1"}, ["POST /sessionfoo"], "A", "A", "D"),
    ("82", {"IMAGES": "1"}, ["GET /images/json", "GET /images/a/get", "GET /images/get?names=a"], "A", "A", None),
    ("83", {"IMAGES": "1", "POST": "1"}, ["POST /images/create?fromImage=a", "POST /images/load", "DELETE /images/a"], "A", "A", None),
    ("84", {"SWARM": "1"}, ["GET /swarm/unlockkey"], "A", "A", None),
]

VALUES = [("1", True), ("2", True), ("-1", True), ("01", True), ("+1", True), ("1x", True), ("1.5", True), ("1 ", True),
          ("0", False), ("true", False), ("TRUE", False), ("yes", False), ("on", False), ("", False), (" 1", False), ("x1", False),
          ("0x1", False), ("0.9", False)]

SECTIONS = {
    "AUTH": "POST /auth", "BUILD": "POST /build?t=a", "COMMIT": "POST /commit?container=x", "CONFIGS": "GET /configs",
    "CONTAINERS": "GET /containers/json", "DISTRIBUTION": "GET /distribution/x/json", "EXEC": "GET /exec/e/json", "IMAGES": "GET /images/json",
    "INFO": "GET /info", "NETWORKS": "GET /networks", "NODES": "GET /nodes", "PLUGINS": "GET /plugins", "SECRETS": "GET /secrets",
    "SERVICES": "GET /services", "SWARM": "GET /swarm", "SYSTEM": "GET /system/df", "TASKS": "GET /tasks", "VOLUMES": "GET /volumes",
}


class EnvironmentCase(GateCase):
    def gate_for(self, mode, environment):
        gate = self.start_gate(None, environment=dict(environment, DOCKREEVE_COMPAT=mode))
        switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n"
        for path in ("/session", "/grpc"):
            gate.engine.on("POST", path, lambda connection, _: connection.send(switch % b"h2c") or False)
        gate.engine.on("GET", "/containers/x/attach/ws", lambda connection, _: connection.send(switch % b"websocket") or False)
        return gate

    def verdict(self, gate, line):
        gate.engine.reset()
        raw = make(line)
        with gate.connect() as connection:
            connection.send(raw)
            response = connection.read_head()
        reached = bool(gate.engine.heads)
        if response.status in (101, 200):
            self.assertTrue(reached, "answered without asking the engine")
            return "A"
        self.assertIn(response.status, (301, 400, 403, 405, 415))
        self.assertFalse(reached, "refused, but the engine heard of it")
        return "D"


class Table(EnvironmentCase):
    def run_column(self, mode, column):
        gates = {}
        for number, environment, lines, *columns in ROWS:
            wanted = columns[2] or columns[column]
            key = tuple(sorted(environment.items()))
            if key not in gates:
                gates[key] = self.gate_for(mode, environment)
            for line in lines:
                with self.subTest("%s %s: %s" % (number, " ".join("=".join(pair) for pair in key) or "(defaults)", line)):
                    self.assertEqual(self.verdict(gates[key], line), wanted)

    def test_tecnativa(self):
        self.run_column("tecnativa", 0)

    def test_linuxserver(self):
        self.run_column("linuxserver", 1)

    def test_tecnativa_literal(self):
        self.run_column("tecnativa-literal", 0)

    def test_an_encoded_slash_after_the_version(self):
        for mode in ("tecnativa", "linuxserver"):
            with self.subTest(mode):
                gate = self.gate_for(mode, {})
                self.assertIn(gate.ask(get("/v1.41%2f_ping")).status, (200, 400))


class Values(EnvironmentCase):
    def test_what_counts_as_one(self):
        for value, true in VALUES:
            with self.subTest(repr(value)):
                gate = self.gate_for("tecnativa", {"CONTAINERS": value})
                self.assertEqual(self.verdict(gate, "GET /containers/json"), "A" if true else "D")

    def test_every_section_opens_its_own_operations_and_no_others(self):
        for name, line in SECTIONS.items():
            with self.subTest(name):
                gate = self.gate_for("tecnativa", {name: "1", "POST": "1"})
                self.assertEqual(self.verdict(gate, line), "A")
                for other, other_line in SECTIONS.items():
                    if other != name:
                        self.assertEqual(self.verdict(gate, other_line), "D", other)


class Tightened(EnvironmentCase):
    OPEN = {"CONTAINERS": "1", "POST": "1"}

    def test_explicit_zeros(self):
        self.each([
            ("EXEC=0 in tecnativa mode", "tecnativa", {"EXEC": "0"}, "POST /containers/x/exec", "D"),
            ("EXEC unset", "tecnativa", {}, "POST /containers/x/exec", "A"),
            ("EXEC=0 literally", "tecnativa-literal", {"EXEC": "0"}, "POST /containers/x/exec", "A"),
            ("EXEC=0 in linuxserver mode", "linuxserver", {"EXEC": "0"}, "POST /containers/x/exec", "A"),
            ("ALLOW_START=0", "tecnativa", {"ALLOW_START": "0"}, "POST /containers/x/start", "D"),
            ("ALLOW_START=0 leaves stop", "tecnativa", {"ALLOW_START": "0"}, "POST /containers/x/stop", "A"),
            ("ALLOW_START=0 literally", "tecnativa-literal", {"ALLOW_START": "0"}, "POST /containers/x/start", "A"),
            ("ALLOW_START=0 in linuxserver mode", "linuxserver", {"ALLOW_START": "0"}, "POST /containers/x/start", "A"),
            ("ALLOW_STOP=0", "tecnativa", {"ALLOW_STOP": "0"}, "POST /containers/x/stop", "D"),
            ("ALLOW_STOP=0 leaves restart", "tecnativa", {"ALLOW_STOP": "0"}, "POST /containers/x/restart", "A"),
            ("ALLOW_STOP=0 beside ALLOW_RESTARTS=1", "tecnativa", {"ALLOW_STOP": "0", "ALLOW_RESTARTS": "1"}, "POST /containers/x/stop", "A"),
            ("ALLOW_RESTARTS=0", "tecnativa", {"ALLOW_RESTARTS": "0"}, "POST /containers/x/restart", "D"),
            ("ALLOW_RESTARTS=0 on kill", "tecnativa", {"ALLOW_RESTARTS": "0"}, "POST /containers/x/kill", "D"),
            ("ALLOW_RESTARTS=0 leaves stop", "tecnativa", {"ALLOW_RESTARTS": "0"}, "POST /containers/x/stop", "A"),
            ("ALLOW_RESTARTS=0 beside ALLOW_STOP=1", "tecnativa", {"ALLOW_RESTARTS": "0", "ALLOW_STOP": "1"}, "POST /containers/x/stop", "A"),
            ("DELETE=0", "tecnativa", {"DELETE": "0"}, "DELETE /containers/x", "D"),
            ("DELETE=1", "tecnativa", {"DELETE": "1"}, "DELETE /containers/x", "A"),
            ("DELETE unset", "tecnativa", {}, "DELETE /containers/x", "A"),
            ("DELETE=1 without POST", "tecnativa", {"DELETE": "1", "POST": "0"}, "DELETE /containers/x", "D"),
        ], lambda mode, environment, line, wanted: self.assertEqual(
            self.verdict(self.gate_for(mode, dict(self.OPEN, **environment)), line), wanted))

    def test_a_server_that_starts_agent_containers(self):
        """The variables of the compose file in deploy/."""
        environment = {name: "1" for name in ("CONTAINERS", "IMAGES", "POST", "DELETE", "ALLOW_START", "ALLOW_STOP")}
        environment.update({name: "0" for name in ("NETWORKS", "VOLUMES", "EXEC", "ALLOW_RESTARTS")})
        gate = self.gate_for("tecnativa", environment)
        for line, wanted in (("POST /containers/create", "A"), ("POST /containers/x/start", "A"), ("POST /containers/x/stop", "A"),
                             ("DELETE /containers/x", "A"), ("GET /containers/x/logs", "A"), ("POST /images/create?fromImage=a", "A"),
                             ("POST /containers/x/wait", "A"), ("POST /containers/x/attach", "A"), ("POST /containers/x/exec", "D"),
                             ("POST /exec/e/start", "D"), ("POST /containers/x/restart", "D"), ("POST /containers/x/kill", "D"),
                             ("GET /networks", "D"), ("POST /volumes/create", "D"), ("GET /info", "D"), ("POST /build?t=a", "D")):
            with self.subTest(line):
                self.assertEqual(self.verdict(gate, line), wanted)

    def test_the_log_names_the_variable(self):
        gate = self.gate_for("tecnativa", dict(self.OPEN, EXEC="0"))
        self.verdict(gate, "GET /containers/json")
        self.assertEqual(gate.requests_logged(operation="ContainerList")[-1]["source"], "env CONTAINERS=1")
        self.verdict(gate, "POST /containers/x/exec")
        self.assertEqual(gate.requests_logged(operation="ContainerExec")[-1]["source"], "env EXEC=0")
        self.verdict(gate, "GET /info")
        self.assertEqual(gate.requests_logged(operation="SystemInfo")[-1]["decision"], "deny")

    def test_log_level_hides_no_request(self):
        gate = self.gate_for("tecnativa", {"LOG_LEVEL": "emerg"})
        self.verdict(gate, "GET /info")
        self.assertEqual(len(gate.requests_logged(operation="SystemInfo")), 1)

    def test_a_refusal_says_which_variable_would_permit_it(self):
        gate = self.gate_for("tecnativa", {})
        self.assertIn("CONTAINERS=1", gate.ask(get("/containers/json")).message)


class Notices(EnvironmentCase):
    def validate(self, environment, **drop_ins):
        """What is said of variables and files of policy.d where there is no policy.yaml."""
        with tempfile.TemporaryDirectory(prefix="dockreeve-notices-") as folder:
            os.mkdir(os.path.join(folder, "policy.d"))
            for name, text in dict(drop_ins, **{"90-cli.yaml": "version: 1\n"}).items():
                with open(os.path.join(folder, "policy.d", name), "w", encoding="ascii") as out:
                    out.write(text)
            done = run("policy", "validate", environment=dict(environment, DOCKREEVE_CONFIG=os.path.join(folder, "policy.yaml")))
            return done.stdout + done.stderr

    def test_notices_at_start(self):
        def check(mode, environment, *words):
            gate = self.gate_for(mode, environment)
            said = gate.stderr() + "".join(r.get("text", "") for r in gate.log())
            for word in words:
                self.assertIn(word, said)

        self.each([
            ("true means 0", "tecnativa", {"CONTAINERS": "true"}, "CONTAINERS", "true"),
            ("variable that is nothing", "tecnativa", {"ALLOW_PAUSE": "1"}, "ALLOW_PAUSE"),
            ("typing error", "tecnativa", {"CONTAINER": "1"}, "CONTAINER"),
            ("zero that only notices", "linuxserver", {"CONTAINERS": "1", "POST": "1", "EXEC": "0"}, "EXEC"),
        ], check)

    def test_no_notice_claims_what_is_refused(self):
        """What is said of ContainerCreate and of zeros is asked of the decision."""
        def said(mode, environment, drop_in=None):
            return self.validate(dict(environment, DOCKREEVE_COMPAT=mode), **({"10.yaml": drop_in} if drop_in else {}))

        self.assertNotIn("ContainerCreate is allowed", said("linuxserver", {"CONTAINERS": "1", "POST": "0", "ALLOW_START": "1"}))
        self.assertIn("ContainerCreate is allowed", said("linuxserver", {"CONTAINERS": "1", "POST": "1"}))
        zeros = {"CONTAINERS": "1", "POST": "1", "EXEC": "0"}
        denied = "version: 1\ndocker:\n  - deny: [ContainerCreate, ContainerExec]\n"
        self.assertIn("EXEC=0 does not deny ContainerExec", said("linuxserver", zeros))
        for claim in ("EXEC=0 does not deny", "ContainerCreate is allowed"):
            self.assertNotIn(claim, said("linuxserver", zeros, denied))
        opened = "version: 1\ndocker:\n  - allow: ContainerPause\n"
        self.assertIn("ALLOW_PAUSE=0 does not deny ContainerPause: policy.d/10.yaml:3: allow ContainerPause opens it",
                      said("linuxserver", {"ALLOW_PAUSE": "0"}, opened))

    def test_what_looks_like_ours_and_is_not_followed_is_named(self):
        gate = self.start_gate(None, environment={"CONTAINERS": "1", "POST": "1", "DOCKREEVE_LOGS": "-"})
        for said in ("not followed: CONTAINERS=`1`, POST=`1`: such variables are the policy only with DOCKREEVE_COMPAT",
                     "the variable `DOCKREEVE_LOGS` is not read; did you mean `DOCKREEVE_LOG`?"):
            self.assertIn(said, gate.stderr())
        said = self.validate({}, **{"60.yml": "version: 1\n", "70.YAML": "", "80.txt": "", "90.yaml": "version: 1\n"})
        for name in ("60.yml", "70.YAML"):
            self.assertIn("policy.d: `%s` is not read" % name, said)
        for name in ("80.txt", "90.yaml"):
            self.assertNotIn(name, said)
        self.assertIn("policy.yml: this file is not read", self.validate({}, **{"../policy.yml": ""}))
        for name, value, said in (("CONTAINERS", "2", "CONTAINERS=`2` means 1"), ("EXEC", "", "EXEC is set to nothing")):
            self.assertIn(said, self.gate_for("tecnativa", {name: value}).stderr())

    def test_every_variable_of_the_manual_is_known(self):
        folder = os.path.join(TOP, "deploy", "man")
        names = set()
        for page in os.listdir(folder):
            with open(os.path.join(folder, page), encoding="utf-8") as manual:
                names |= set(re.findall(r"DOCKREEVE_[A-Z_]+", manual.read()))
        self.assertIn("DOCKREEVE_USER", names)
        done = run("policy", "validate", environment=dict.fromkeys(names, ""))
        self.assertNotIn("is not read", done.stdout + done.stderr)

    def test_a_misspelt_guard_is_an_error(self):
        for policy, environment in ((None, {"DOCKREEVE_COMPAT": "tecnativa"}), ("version: 1\n", {})):
            gate = self.start_gate(policy, environment=environment)
            gate.stop()
            gate.environment = dict(environment, DOCKREEVE_GUARD="Enforce")
            gate.start(wait=False)
            self.assertEqual(gate.wait_exit(), 2)
            self.assertIn("DOCKREEVE_GUARD=`Enforce`: write enforce, or report", gate.stderr())

    def test_nothing_is_open_without_mode_and_policy(self):
        gate = self.start_gate(None, environment={"CONTAINERS": "1", "POST": "1"})
        self.assertEqual(self.verdict(gate, "GET /_ping"), "A")
        self.assertEqual(self.verdict(gate, "GET /version"), "A")
        for line in ("GET /containers/json", "GET /events", "POST /containers/create"):
            self.assertEqual(self.verdict(gate, line), "D")

    def test_an_unknown_mode_is_an_error(self):
        gate = self.start_gate(None, environment={"DOCKREEVE_COMPAT": "tecnativa"})
        gate.stop()
        gate.environment = {"DOCKREEVE_COMPAT": "technativa"}
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 2)
        self.assertIn("technativa", gate.stderr())


class ImageListener(GateCase):
    """A policy file beside what the image sets by itself. The port is the image's own, so each gate has a network of its own."""

    IMAGE = {"DOCKREEVE_COMPAT": "tecnativa", "DOCKREEVE_LOG": "-"}

    def setUp(self):
        super().setUp()
        try:
            self.network = Network()
        except Unavailable:
            self.skipTest("no network of one's own here")
        self.addCleanup(self.network.close)

    def test_a_policy_without_a_listener_is_reached_at_the_image_s_port(self):
        gate = self.start_gate("version: 1\ndocker:\n  - allow: ImageList\n", unix=False, environment=self.IMAGE, preexec=self.network.enter)
        with self.network.entered():
            for host in ("127.0.0.1", "::1"):
                with Client.tcp(2375, host) as client:
                    self.assertEqual(client.ask(get("/images/json")).status, 200)
        self.assertNotIn("DOCKREEVE_COMPAT", gate.stderr(), "the image set it, not the user")
        self.assertNotIn("note.", gate.log_text().decode())

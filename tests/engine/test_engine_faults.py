# SPDX-License-Identifier: Apache-2.0
"""The gate and the engine's own oddities: what only the real one can show."""

import os
import socket

from docker_case import ENGINE, IMAGE, PREFIX, DockerCase, directly, engine_network
from harness.client import Client, get, post, post_json


class Raw(DockerCase):
    def test_versions_old_and_new(self):
        self.use("ContainerList", "ContainerInspect")
        for version in ("1.24", "1.40", "1.41"):
            with self.subTest(version):
                self.assertEqual(self.gate.ask(get("/v%s/containers/json" % version)).status, 200)
        for version in ("1.12", "1.18", "1.23"):
            with self.subTest(version):
                self.both(b"GET /v%s/containers/none/json" % version.encode())
        self.assertEqual(self.gate.ask(get("/v1.11/containers/json")).status, 400)

    def both(self, line):
        """What the engine answers to such a request, directly and through the gate: it must be the same."""
        answers = []
        for connect in (lambda: Client.unix(ENGINE), self.gate.connect):
            with connect() as connection:
                answer = connection.ask(line + b" HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n", line.split(b" ")[0].decode())
                answers.append((answer.status, answer.field("Location"), answer.body))
        if answers[0][0] != 400 or answers[1][0] != 400:  # the gate refuses in words of its own
            self.assertEqual(answers[1], answers[0])
        return answers[0]

    def test_every_byte_of_a_query_means_what_the_engine_takes_it_for(self):
        """The engine repeats a limit that is no number."""
        self.use("ContainerList")
        for byte in range(0x100):
            if byte not in b"%\r\n ":
                with self.subTest("0x%02x" % byte):
                    self.both(b"GET /v1.41/containers/json?limit=a%cb" % byte)
        self.assertIn(b'parsing \\"a\\"', self.both(b"GET /v1.41/containers/json?limit=a&limit=b&all=1&all=0")[2])

    def test_a_doubled_slash_leads_where_the_engine_leads(self):
        self.use("ContainerList")
        for line in (b"GET /containers//web/json", b'GET //containers/json?all=1&filters={"a"|}', b"HEAD /containers//json", b"POST /containers//create",
                     b"DELETE /v1.41//containers/x", b"GET /v1.41/containers/%2Fweb/json?size=1;a", b"GET //", b"GET /containers/json//",
                     b"GET /a//b%20c!*()'$&+,;=@:~%2e%3F%25%C3%A9?x", b"PATCH ///v1.41///_ping", b"GET /containers//web/json?"):
            with self.subTest(line):
                self.assertEqual(self.both(line)[0], 301)

    def test_a_network_whose_name_has_a_space(self):
        self.use("@all")
        name, path = PREFIX + " my net", ("/v1.41/networks/%s%%20my%%20net" % PREFIX).encode()
        directly("network", "create", name)
        self.addCleanup(directly, "network", "rm", name, check=False)
        self.assertEqual(self.both(b"GET " + path)[0], 200)
        self.assertEqual(self.docker("network", "rm", name).returncode, 0)
        self.assertEqual(self.both(b"GET " + path)[0], 404)

    def test_the_smuggling_that_works_on_the_engine_itself(self):
        """An engine built with an old Go answers twice; through the gate there is one answer, a refusal."""
        hidden = (b"8;\nzz\r\nXXXX\r\n0;\r\n2b;a: x\r\n\r\nGET /version HTTP/1.1\r\nHost: smuggled\r\n\r\n\r\n0\r\n\r\n")
        self.use("@all")
        for target in (b"/_ping", b"/containers/x/stop", b"/images/load"):
            with self.subTest(target), self.gate.connect() as connection:
                connection.send(b"POST " + target + b" HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden)
                everything = connection.to_end()
                self.assertEqual(everything.count(b"HTTP/1.1 "), 1, everything)
                self.assertNotIn(b"ApiVersion", everything)

    def test_a_name_becomes_the_full_id(self):
        name = self.container("sleep", "600", options=["--label", "dockreeve.test=yes"])
        other = self.container("sleep", "600")
        self.gate.reload("version: 1\ndocker:\n  - allow: [ContainerInspect, ContainerKill]\n    where: {label: \"dockreeve.test=yes\"}\n")
        self.assertEqual(self.docker("inspect", name).returncode, 0)
        self.assertEqual(self.docker("kill", other).returncode, 1)
        self.assertEqual(directly("inspect", "-f", "{{.State.Running}}", other).stdout.strip(), b"true")
        self.assertEqual(self.docker("kill", name).returncode, 0)

    def test_the_forms_that_override_a_query(self):
        """The engine itself tags what the form says."""
        self.use("ImageTag", "ImageInspect")
        form = ("Content-Type", "application/x-www-form-urlencoded")
        raw = post("/images/%s/tag?repo=%s&tag=good" % (IMAGE, PREFIX), form, body=b"tag=evil")
        self.assertEqual(self.gate.ask(raw).status, 415)
        self.assertNotEqual(directly("image", "inspect", PREFIX + ":evil", check=False).returncode, 0)

    def test_the_engine_is_sent_to_no_registry_that_no_rule_names(self):
        with engine_network():
            registry = socket.create_server(("127.0.0.1", 0))
        with registry:
            at = "127.0.0.1:%d" % registry.getsockname()[1]
            asked = [get("/v1.41/distribution/%s/foo/json" % at), get("/v1.41/images/search?term=%s/foo" % at),
                     post("/v1.41/images/create?fromImage=%s/foo&tag=1" % at)]
            self.use("DistributionInspect", "ImageSearch", "ImageCreate", "CheckpointList", "CheckpointDelete")
            for raw in asked:
                self.assertEqual(self.gate.ask(raw).status, 403, raw)
            name = self.container("sleep", "600")
            self.assertEqual(self.gate.ask(get("/v1.41/containers/%s/checkpoints?dir=/etc" % name)).status, 403)
            self.assertNotIn(self.gate.ask(get("/v1.41/containers/%s/checkpoints" % name)).status, (400, 403))
            registry.settimeout(0.0)
            self.assertRaises(BlockingIOError, registry.accept)
            self.gate.reload("version: 1\ndocker:\n  - allow: {path: '/distribution/%s/**'}\n" % at)
            registry.settimeout(30)
            with self.gate.connect() as connection:
                connection.send(asked[0])
                registry.accept()[0].close()

    def test_a_request_that_is_held_open_is_judged_at_its_end(self):
        """A create and a kill whose last bytes come after the policy that allowed them."""
        running = self.container("sleep", "600")
        create = post_json("/containers/create?name=%s-held" % PREFIX, {"Image": IMAGE, "Cmd": ["sleep", "600"]})
        kill = post("/containers/%s/kill" % running, body=b"0123456789")
        self.use("ContainerCreate", "ContainerKill")
        held = [(self.gate.connect(), raw) for raw in (create, kill)]
        for connection, raw in held:
            connection.send(raw[:-5])
        self.gate.reload("version: 1\ndocker:\n  - allow: [ContainerCreate, ContainerKill]\n  - deny: \"@all\"\n")
        for connection, raw in held:
            connection.send(raw[-5:])
            self.assertEqual(connection.read_response().status, 403)
        self.assertNotEqual(directly("inspect", PREFIX + "-held", check=False).returncode, 0)
        self.assertEqual(directly("inspect", "-f", "{{.State.Running}}", running).stdout.strip(), b"true")

    def test_errors_of_the_engine_are_shown(self):
        self.use("ContainerInspect", "ContainerStart", "ContainerCreate")
        done = self.docker("start", PREFIX + "-none")
        self.assertIn(b"No such container", done.stderr)
        response = self.gate.ask(post_json("/containers/create", b"{broken"))
        self.assertIn(response.status, (400, 500))  # the engine says 500 before version 23
        self.assertTrue(response.message)

    def test_the_engine_is_where_the_test_thinks(self):
        self.assertTrue(os.path.exists(ENGINE))
        with Client.unix(ENGINE) as connection:
            self.assertEqual(connection.ask(get("/_ping", ("Connection", "close"))).body, b"OK")

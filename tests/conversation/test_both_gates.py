# SPDX-License-Identifier: Apache-2.0
"""What a client of either gate may rely on: the same rows against the Docker gate and the egress gate. Which answers keep a
connection, what a denial that is not logged says, and what the end of a client's input means."""

import os
import resource
import threading

from harness.client import get, post, post_json, request
from harness.egress import EgressCase, forward
from harness.engine import answer
from harness.origin import HttpOrigin

URL = "http://evil.test/"
LATE = "dockreeve: the request head did not arrive in time"
FLOOD = "dockreeve: too many refused requests; slow down"


class BothGates(EgressCase):
    def start_both(self, policy="version: 1\n", **options):
        return self.start_egress(policy, docker=True, **options)

    def on_both(self, gate, docker, egress, check):
        """Calls check with a connection to each gate and what is to be sent over it."""
        for role, raw in (("docker", docker), ("egress", egress)):
            with self.subTest(role), gate.connect() if role == "docker" else gate.client() as client:
                check(client, raw)

    def check_kept(self, client, raw, status):
        for _ in range(3):
            response = client.ask(raw)
            self.assertEqual(response.status, status, response)
            self.assertIsNone(response.field("Connection"))
        return response

    def check_ended(self, client, raw, status):
        response = client.ask(raw)
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.field("Connection"), "close")
        self.assertTrue(client.ended())
        return response

    def test_answers_that_keep_the_connection(self):
        port = self.held_port()
        gate = self.start_both("version: 1\ndocker:\n  - allow: SystemInfo\nnetwork:\n  - allow: '127.0.0.1:*'\n", options=["--denial-rate", "0"])
        self.each([
            ("denied", 403, get("/containers/json"), forward(URL)),
            ("denied, a body read over", 403, post_json("/containers/create", {}), forward(URL, method="POST", body=b"{}")),
            ("out of reach", 502, get("/v1.44/info"), forward("http://127.0.0.1:%d/" % port)),
        ], lambda status, docker, egress: self.on_both(gate, docker, egress, lambda client, raw: self.check_kept(client, raw, status)))

    def test_answers_that_end_the_connection(self):
        gate = self.start_both(options=["--denial-rate", "0"])
        unread = [("Content-Length", "5")]
        self.each([
            ("a target that is none", 400, get("/containers/../info"), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("a head that is none", 400, b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET  http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("a body that is still to come", 403, request("POST", "/containers/x/stop", unread), forward(URL, *unread, method="POST")),
            ("Connection: close", 403, get("/containers/json", ("Connection", "close")), forward(URL, ("Connection", "close"))),
        ], lambda status, docker, egress: self.on_both(gate, docker, egress, lambda client, raw: self.check_ended(client, raw, status)))

    def test_a_head_that_does_not_come(self):
        gate = self.start_both(options=["--header-timeout", "200ms"])
        self.on_both(gate, b"GET /", b"GET http", lambda client, raw: self.assertEqual(self.check_ended(client, raw, 408).message, LATE))

    def test_a_denial_that_is_not_logged(self):
        def check(client, raw):
            while (response := client.ask(raw)).status == 403:
                pass
            self.assertEqual((response.status, response.message, response.field("Retry-After")), (429, FLOOD, "1"))
            self.assertEqual(response.json().get("reason", "limit.denial-rate"), "limit.denial-rate")
            self.assertIsNone(response.field("Connection"))

        self.on_both(self.start_both(options=["--denial-rate", "1"]), get("/containers/json"), forward(URL), check)

    def test_a_log_that_cannot_be_written(self):
        def check(client, raw):
            self.assertIn("the request log cannot be written", self.check_kept(client, raw, 503).message)

        gate = self.start_both()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (os.path.getsize(gate.log_path), limits[1]))
        self.on_both(gate, get("/containers/json"), forward(URL), check)

    def test_an_end_behind_a_whole_request(self):
        """Also while the request waits: the engine is asked for its version first."""
        web = self.origin(HttpOrigin())
        gate = self.start_both("version: 1\ndocker:\n  - allow: [ImageBuild]\nnetwork:\n  - allow: '127.0.0.1:*'\n")
        engine, said = self.start_engine(gate.folder), threading.Event()

        def ping(connection, _request):
            said.wait(10)
            connection.send(answer(200, b"OK", ("Api-Version", "1.44")))

        def check(client, raw):
            client.send(raw)
            client.finish_sending()
            said.set()
            self.assertEqual(client.read_response().status, 200)

        engine.on("GET", "/_ping", ping)
        self.on_both(gate, post("/build", ("Content-Type", "application/x-tar"), body=b"x" * 600),
                     forward("http://127.0.0.1:%d/" % web.port, method="POST", body=b"x" * 600), check)

# SPDX-License-Identifier: Apache-2.0
"""The log: one JSON object a line, every request with the rule that decided it, effects before they happen."""

import json
import os
import re
import signal
import stat
import threading

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, post_json
from harness.engine import answer
from harness.gate import wait_for

FIELDS = {"ts", "id", "seq", "event", "kind", "client", "peer", "via", "method", "path", "operation", "object", "judged", "host", "port",
          "address", "sni", "decision", "rule", "source", "reason", "dropped_query", "dropped_body", "dropped_headers", "would_deny", "status",
          "bytes_in", "bytes_out", "duration_us", "close", "policy", "text", "count"}

POLICY = """version: 1
docker:
  - name: look at them
    allow: [ContainerList, ContainerInspect]
  - allow: ContainerStart
  - deny: {method: GET, path: "/containers/secret/json"}
"""


class Records(SharedGateCase):
    POLICY = POLICY

    def record(self, raw):
        with self.gate.connect() as connection:
            connection.ask(raw)
        return self.gate.requests_logged()[-1]

    def test_an_allowed_request(self):
        record = self.record(get("/v1.41/containers/web/json?size=1"))
        expected = {"event": "request", "kind": "docker", "client": "default", "via": "docker", "method": "GET",
                    "path": "/containers/web/json", "operation": "ContainerInspect", "decision": "allow", "rule": "look at them",
                    "reason": "rule", "status": 200}
        self.assertEqual({name: record.get(name) for name in expected}, expected)
        self.assertEqual(record["object"], "web")
        self.assertTrue(record["source"].endswith("policy.yaml:3") or record["source"].endswith("policy.yaml:4"), record["source"])
        self.assertRegex(record["ts"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertRegex(record["policy"], r"^[0-9a-f]{12}$")
        self.assertRegex(record["peer"], r"uid=%d .*pid=%d|pid=%d.*uid=%d" % (os.getuid(), os.getpid(), os.getpid(), os.getuid()))
        self.assertGreater(record["bytes_out"], 0)
        self.assertGreaterEqual(record["duration_us"], 0)

    def test_denials(self):
        self.each([
            ("by default", get("/images/json"), {"operation": "ImageList", "decision": "deny", "reason": "default", "source": "default", "status": 403}),
            ("by a rule", get("/containers/secret/json"), {"operation": "ContainerInspect", "decision": "deny", "reason": "rule", "status": 403}),
            ("unknown path", get("/whatever"), {"decision": "deny", "status": 403, "path": "/whatever"}),
            ("malformed", get("/containers/%00/json"), {"decision": "deny", "status": 400}),
        ], self.check_record)

    def check_record(self, raw, expected):
        record = self.record(raw)
        self.assertEqual({name: record.get(name) for name in expected}, expected)
        self.assertEqual(record["event"], "request")
        if record["status"] == 400:
            self.assertRegex(record["reason"], r"^malformed\.[a-z-]+$")

    def test_a_head_that_cannot_be_read_is_logged_too(self):
        before = len(self.gate.log())
        self.gate.ask(b"GET /containers/json HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        record = self.gate.log()[before]
        self.assertEqual((record["event"], record["decision"], record["status"]), ("request", "deny", 400))
        self.assertRegex(record["reason"], r"^malformed\.")

    def test_ids_and_numbers(self):
        for _ in range(5):
            self.gate.ask(get("/containers/json"))
            self.gate.ask(get("/nothing"))
        records = self.gate.log()
        self.assertEqual([r["seq"] for r in records], list(range(records[0]["seq"], records[0]["seq"] + len(records))))
        ids = [r["id"] for r in records if r["event"] == "request"]
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_clients_own_request_id_is_not_taken(self):
        record = self.record(get("/containers/json", ("X-Request-Id", "forged-id-1")))
        self.assertNotIn("forged-id-1", json.dumps(record))

    def test_only_described_fields(self):
        for record in self.gate.log():
            self.assertEqual(set(record) - FIELDS, set(), record)

    def test_secrets_and_queries_stay_out(self):
        self.gate.ask(post("/images/create?fromImage=private-name", ("X-Registry-Auth", "c2VjcmV0LXRva2Vu"), ("Authorization", "Bearer abcdef")))
        self.gate.ask(post_json("/containers/create?name=query-name", {"Env": ["PASSWORD=hunter2"]}))
        text = self.gate.log_text()
        for secret in (b"c2VjcmV0LXRva2Vu", b"hunter2", b"private-name", b"query-name", b"Bearer"):
            self.assertNotIn(secret, text)

    def test_foreign_bytes_are_escaped(self):
        for raw in (get("/containers/%1b%5b31mred%0d%0aforged/json"), get("/containers/%22,%22decision%22:%22allow/json"),
                    b"GET /\xff\xfe\x1b[31m HTTP/1.1\r\nHost: d\r\n\r\n", get("/containers/json", ("User-Agent", "\x9b31m")),
                    b"\x00\x1b]0;title\x07 / HTTP/1.1\r\n\r\n", get("/containers/%c3%28%e2%80%ae/json")):
            self.gate.ask(raw, "GET")
        for line in self.gate.log_text().split(b"\n"):
            self.assertNotRegex(line, rb"[\x00-\x1f\x7f]")
            line.decode("utf-8")
        self.assertEqual([r for r in self.gate.log() if r.get("path", "").endswith("forged/json") and r["decision"] == "allow"], [])

    def test_an_effect_is_logged_before_it_happens(self):
        found = []

        def serve(connection, _request):
            found.extend(self.gate.log(path="/containers/now/start"))
            connection.send(answer(204))

        self.engine.on("POST", "/containers/now/start", serve)
        self.assertEqual(self.gate.ask(post("/containers/now/start")).status, 204)
        self.assertEqual([(r["decision"], r["operation"]) for r in found], [("allow", "ContainerStart")])
        records = self.gate.wait_log(path="/containers/now/start", status=204)
        self.assertEqual(records[-1]["id"], found[0]["id"])

    def test_dropped_parameters_and_bodies(self):
        record = self.record(get("/containers/json?trunc_cmd=1&all=1&only_ids=1"))
        self.assertEqual(sorted(record["dropped_query"]), ["only_ids", "trunc_cmd"])
        record = self.record(get("/containers/json?all=1"))
        self.assertNotIn("dropped_query", record)
        self.assertNotIn("dropped_body", record)


class Streams(GateCase):
    def test_a_stream_is_logged_when_it_opens_and_when_it_ends(self):
        gate = self.start_gate()
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), connection.fill(), False)[-1])
        connection = gate.connect()
        connection.send(get("/events"))
        connection.read_head()
        self.assertEqual(connection.chunk(), b"hello")
        opened = gate.log(path="/events")
        self.assertEqual([r["event"] for r in opened], ["open"])
        self.assertEqual((opened[0]["decision"], opened[0]["operation"]), ("allow", "SystemEvents"))
        connection.close()
        closed = gate.wait_log(event="close", path="/events")[0]
        self.assertEqual((closed["id"], closed["status"]), (opened[0]["id"], 200))
        self.assertGreaterEqual(closed["bytes_out"], 5)
        self.assertTrue(closed["close"])

    def test_a_tunnel_counts_its_bytes(self):
        gate = self.start_gate()
        switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

        def serve(connection, _request):
            connection.send(switch)
            connection.exactly(1000)
            connection.send(b"b" * 500)
            return False

        gate.engine.on("POST", "/containers/x/attach", serve)
        with gate.connect() as connection:
            connection.send(post("/containers/x/attach?stream=1", ("Connection", "Upgrade"), ("Upgrade", "tcp")))
            connection.read_head()
            connection.send(b"a" * 1000)
            self.assertEqual(connection.to_end(), b"b" * 500)
        closed = gate.wait_log(event="close", path="/containers/x/attach")[0]
        self.assertGreaterEqual(closed["bytes_in"], 1000)
        self.assertGreaterEqual(closed["bytes_out"], 500)
        self.assertEqual(closed["status"], 101)


class Life(GateCase):
    def test_start_and_stop(self):
        gate = self.start_gate()
        gate.ask(get("/_ping"))
        self.assertEqual(gate.stop(), 0)
        records = gate.log()
        self.assertIn("start", [r["event"] for r in records])
        self.assertEqual(records[-1]["event"], "stop")
        self.assertIn(gate.socket_path, json.dumps([r for r in records if r["event"] == "start"]))

    def test_the_log_is_appended_to(self):
        gate = self.start_gate()
        gate.ask(get("/containers/json"))
        gate.stop()
        before = gate.log_text()
        gate.start()
        gate.ask(get("/containers/json"))
        self.assertTrue(gate.log_text().startswith(before))
        self.assertEqual(len(gate.requests_logged(operation="ContainerList")), 2)

    def test_the_log_is_not_for_everybody(self):
        gate = self.start_gate()
        gate.ask(get("/_ping"))
        self.assertEqual(stat.S_IMODE(os.stat(gate.log_path).st_mode) & 0o037, 0)

    def test_standard_output(self):
        gate = self.start_gate(log="-")
        gate.ask(get("/containers/json"))
        lines = [json.loads(line) for line in gate.stdout().splitlines()]
        self.assertIn(("request", "ContainerList"), [(r["event"], r.get("operation")) for r in lines])

    def test_sigusr1_opens_the_log_again(self):
        gate = self.start_gate()
        gate.ask(get("/containers/json"))
        os.rename(gate.log_path, gate.log_path + ".1")
        gate.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(gate.log_path), "a new log file", gate.process)
        gate.ask(get("/info"))
        self.assertEqual([r["operation"] for r in gate.requests_logged()], ["SystemInfo"])
        with open(gate.log_path + ".1", encoding="ascii") as old:
            self.assertIn("ContainerList", old.read())

    def test_what_was_answered_survives_a_kill(self):
        """Every answer that a client got stands in the log, however abruptly the gate ends."""
        gate = self.start_gate()
        answered, lock = [], threading.Lock()

        def work(worker):
            try:
                with gate.connect() as connection:
                    for number in range(100000):
                        name = "w%dn%d" % (worker, number)
                        target = "/containers/%s/start" % name
                        raw = post(target) if number % 2 else get("/containers/%s/json" % name)
                        if connection.ask(raw).status == 200:
                            with lock:
                                answered.append(name)
            except Exception:  # the gate is killed under the client's hands: any way of ending is right
                pass

        workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for worker in workers:
            worker.start()
        wait_for(lambda: len(answered) > 400, "some answers", gate.process)
        gate.kill()
        for worker in workers:
            worker.join()
        text = gate.log_text().decode()
        logged = set(re.findall(r'"path": ?"/containers/(w\dn\d+)/', text))
        self.assertEqual(set(answered) - logged, set())
        complete = text[: text.rfind("\n") + 1]
        self.assertEqual(complete, text, "half a line was written")
        for line in complete.splitlines():
            json.loads(line)

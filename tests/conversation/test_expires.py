# SPDX-License-Identifier: Apache-2.0
"""A Docker rule that ends while the gate runs: the next request on a connection that stays open is judged by the clock, what streams
goes on, and the commands say at that moment what the gate does."""

import datetime
import json

from harness.case import GateCase
from harness.client import get, post
from harness.gate import run, wait_for

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
POLICY = """version: 1
docker:
  - allow: SystemEvents
    expires: "%s"
  - {allow: ContainerList, expires: "%s"}
  - allow: "@lifecycle"
  - {deny: ContainerKill, expires: "%s"}
"""


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def behind(seconds):
    """A moment from now with a fraction, as a policy writes it."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Expires(GateCase):
    def start(self, end):
        gate = self.start_gate(POLICY % (end, end, end), options=["--denial-rate", "0"])
        gate.engine.on("GET", "/events", lambda connection, _: (connection.send(STREAM + b"3\r\n{}\n\r\n"), self.wait_for_word(connection))[1])
        return gate

    @staticmethod
    def wait_for_word(connection):
        """Says a last word when the gate has nothing more to send: never, as long as the client holds the stream."""
        connection.fill()
        return False

    def start_in_time(self):
        """A gate that allowed a stream before its rule ended; on a machine that was too slow for that the rule ends later."""
        for seconds in (2, 5, 12):
            end = behind(seconds)
            gate = self.start(end)
            stream = gate.connect()
            stream.send(get("/events"))
            head = stream.read_head()
            if head.status == 200:
                return gate, stream, end
        raise AssertionError("twelve seconds were not enough to ask the gate")

    def test_the_next_request_is_judged_by_the_clock(self):
        gate, stream, end = self.start_in_time()
        self.assertEqual(stream.exactly(8), b"3\r\n{}\n\r\n")
        kept = gate.connect()
        wait_for(lambda: kept.ask(get("/containers/json")).status == 403, "the rule to end", gate.process)
        self.assertIn("the rule that allowed it has expired", kept.ask(get("/containers/json")).message)
        self.assertEqual(kept.ask(post("/containers/web/kill")).status, 200, "the deny has ended, too")
        for record in gate.requests_logged(operation="ContainerList"):
            began = moment(record["ts"]) - datetime.timedelta(microseconds=record["duration_us"])
            if record["decision"] == "allow":
                self.assertLess(began, moment(end), record)
            else:
                self.assertGreaterEqual(moment(record["ts"]), moment(end), record)
        self.assertEqual(gate.log(event="close", operation="SystemEvents"), [], "the stream was cut")
        self.check_commands(gate)

    def check_commands(self, gate):
        config = ("--config", gate.policy_path)
        for operation, code, rule in (("ContainerList", 6, "default"), ("SystemEvents", 6, "default"), ("ContainerKill", 0, "allow @lifecycle")):
            done = run("policy", "check", "docker", operation, "--json", *config)
            self.assertEqual((done.returncode, json.loads(done.stdout)["rule"]), (code, rule))
        self.assertIn("it has expired", run("policy", "explain", "docker", "ContainerList", *config).stdout)
        notices = run("policy", "validate", *config)
        self.assertEqual(notices.returncode, 0)
        self.assertEqual((notices.stdout + notices.stderr).count("this rule has expired"), 3)
        rows = json.loads(run("policy", "ls", "--shadowed", "--json", *config).stdout)
        self.assertEqual(sorted(row["line"] for row in rows if row["source"].startswith("policy.yaml")), [3, 5, 7])
        row = next(row for row in rows if row["source"] == "policy.yaml:5")
        self.assertIn("expired", run("policy", "inspect", row["id"], *config).stdout)

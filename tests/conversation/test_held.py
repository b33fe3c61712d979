# SPDX-License-Identifier: Apache-2.0
"""A verdict is as old as the moment at which the engine is given the request: whoever holds a request back gets the policy of the
end, not that of the beginning."""

import select
import time

from harness.case import GateCase
from harness.client import chunked, get, post, post_json, request
from harness.engine import answer

OPEN = 'version: 1\ndocker:\n  - allow: "@all"\n'
CLOSED = OPEN + '  - deny: "@all"\n'
CREATE = post_json("/containers/create", {"Image": "x", "Cmd": ["true"]})


def expires_in(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Held(GateCase):
    def hold(self, gate, raw, rest):
        """A connection that has sent all but the last bytes, and those."""
        connection = gate.connect()
        connection.send(raw[:-rest])
        return connection, raw[-rest:]

    def barrier(self, gate):
        """What was sent before is with the gate now."""
        self.assertEqual(gate.ask(get("/_ping")).status, 200)

    def check_held(self, raw, rest):
        gate = self.start_gate(OPEN)
        connection, last = self.hold(gate, raw, rest)
        self.barrier(gate)
        gate.reload(CLOSED)
        connection.send(last)
        self.assert_message(connection.read_response(), 403, "deny @all")
        self.assertEqual(gate.engine.lines(), [])
        self.assertEqual(connection.ask(get("/containers/json")).status, 403, "the connection goes on")
        self.assertEqual(gate.requests_logged(operation="ContainerList")[-1]["decision"], "deny")
        record = gate.requests_logged()[1]
        self.assertEqual((record["decision"], record["status"], record["reason"]), ("deny", 403, "rule"))

    def test_a_held_request_is_judged_by_the_policy_of_its_end(self):
        chunks = b"POST %s HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.each([
            ("a body that is dropped", post("/containers/x/kill", body=b"0123456789"), 5),
            ("the same in chunks", b"POST /containers/x/kill HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"), 2),
            ("the body of a read", request("GET", "/containers/json", (), b"0123456789"), 5),
            ("JSON", CREATE, 5),
            ("JSON, all of it", CREATE, len(CREATE) - CREATE.index(b"\r\n\r\n") - 4),
            ("JSON in chunks", chunks % b"/containers/create" + chunked(b'{"Image":', b'"x"}'), 3),
            ("long JSON", post_json("/containers/create", {"Image": "x", "Env": ["A=" + "b" * 300000]}), 7),
            ("JSON of a stream to be", post_json("/exec/x/start", {"Detach": False, "Tty": True}, ("Connection", "Upgrade"), ("Upgrade", "tcp")), 1),
            ("a head", get("/containers/json"), 3),
        ], self.check_held)

    def test_what_was_held_is_sent_whole_when_it_stays_allowed(self):
        long = {"Image": "x", "Env": ["A=" + "b" * 1000000], "Cmd": ["c"] * 3}
        raw = post_json("/containers/create", long)
        head = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = raw[raw.index(b"\r\n\r\n") + 4:]

        def check(sent, expected):
            gate = self.start_gate(OPEN)
            connection, last = self.hold(gate, sent, 4)
            self.barrier(gate)
            gate.reload(OPEN + "  - deny: ContainerKill\n")
            connection.send(last + get("/containers/json"))
            self.assertEqual(connection.read_response().status, 200)
            self.assertEqual(connection.read_response().status, 200)
            seen = gate.engine.requests[-2]
            self.assertEqual((seen.line, seen.kind, seen.body), ("POST /containers/create", "length", expected))

        self.each([
            ("with a length", raw, body),
            ("in chunks", head + chunked(*[body[at:at + 40000] for at in range(0, len(body), 40000)]), body),
            ("in small chunks", head + chunked(b'{"Image', b'":"x"', b"}"), b'{"Image":"x"}'),
            ("an empty one in chunks", head + chunked(), b""),
        ], check)

    def test_the_engine_hears_nothing_while_a_body_is_held(self):
        gate = self.start_gate(OPEN)
        connection, last = self.hold(gate, CREATE, 5)
        self.barrier(gate)
        self.assertEqual([h.path for h in gate.engine.heads if h.path != "/_ping"], [])
        connection.send(last)
        self.assertEqual(connection.read_response().status, 200)

    def test_a_rule_that_expires_meanwhile(self):
        def check(raw, rest):
            gate = self.start_gate('version: 1\ndocker:\n  - allow: "@all"\n    expires: %s\n' % expires_in(3))
            connection, last = self.hold(gate, raw, rest)
            self.barrier(gate)
            while gate.ask(get("/containers/json")).status == 200:
                pass
            connection.send(last)
            self.assertEqual(connection.read_response().status, 403)
            self.assertEqual([line for line in gate.engine.lines() if line.startswith("POST")], [])

        self.each([("dropped", post("/containers/x/kill", body=b"0123456789"), 5), ("JSON", CREATE, 5)], check)

    def test_the_object_is_asked_for_when_the_body_is_there(self):
        policy = 'version: 1\ndocker:\n  - allow: [ContainerKill, ContainerUpdate]\n    where: {label: "mine=yes"}\n'

        def inspect(label):
            return answer(200, {"Id": "a" * 64, "Name": "/web", "Config": {"Image": "x", "Labels": {"mine": label}}, "Image": "sha256:" + "b" * 64})

        def check(raw, before, after, status):
            gate = self.start_gate(policy)
            gate.engine.on("GET", "/containers/web/json", inspect(before))
            connection, last = self.hold(gate, raw, 2)
            self.assertEqual(gate.ask(get("/_ping")).status, 200)
            self.assertEqual(gate.engine.lines(), [], "nobody asks for the object yet")
            gate.engine.on("GET", "/containers/web/json", inspect(after))
            connection.send(last)
            self.assertEqual(connection.read_response().status, status)

        kill, update = post("/containers/web/kill", body=b"0123"), post_json("/containers/web/update", {"Memory": 1})
        self.each([
            ("dropped, no longer allowed", kill, "yes", "no", 403),
            ("dropped, allowed by now", kill, "no", "yes", 200),
            ("JSON, no longer allowed", update, "yes", "no", 403),
            ("JSON, allowed by now", update, "no", "yes", 200),
        ], check)

    def test_what_is_denied_whatever_its_body_is_refused_at_its_head(self):
        gate = self.start_gate("version: 1\n")
        for raw in (CREATE, post("/containers/x/kill", body=b"0123456789")):
            connection, _ = self.hold(gate, raw, 5)
            self.assertEqual(connection.read_response().status, 403)
            self.assertTrue(connection.ended())

    def test_the_time_for_a_body_is_one_for_all_of_it(self):
        def check(raw):
            gate = self.start_gate(OPEN, options=["--body-timeout", "1s"])
            with gate.connect() as connection:
                connection.send(raw)
                poller = select.poll()
                poller.register(connection.sock, select.POLLIN)
                for _ in range(40):
                    if poller.poll(250):
                        break
                    connection.send(b" ")
                else:
                    self.fail("a byte now and then holds the request for ever")
                self.assertEqual(connection.read_response().status, 408)
            self.assertEqual(gate.engine.lines(), [])

        head = b"POST %s HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        self.each([("JSON", head % b"/containers/create"), ("dropped", head % b"/containers/x/kill")], check)

    def test_a_client_that_asks_whether_to_go_on_is_told_so(self):
        gate = self.start_gate(OPEN)
        for target in ("/containers/create", "/containers/x/kill"):
            with gate.connect() as connection:
                connection.send(request("POST", target, (("Content-Type", "application/json"), ("Expect", "100-continue"), ("Content-Length", "2"))))
                self.assertEqual(connection.read_head().status, 100)
                connection.send(b"{}")
                self.assertEqual(connection.read_response().status, 200)

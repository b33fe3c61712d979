# SPDX-License-Identifier: Apache-2.0
"""A verdict is as old as the moment at which the engine is given the request: whoever holds a request back gets the policy of the
end, not that of the beginning."""

import errno
import fcntl
import json
import os
import select
import socket
import subprocess
import threading
import time

from harness.case import GateCase
from harness.client import chunked, get, post, post_json, request
from harness.engine import answer
from harness.gate import clean_environment, run, wait_for
from harness.wire import DEADLINE

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


class BlockedLog:
    """The gate's standard output is its log, a pipe that nobody reads; `block` fills it, `drain` reads it from then on."""

    def __init__(self, gate, listens=None):
        gate.stop()
        self.gate = gate
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        gate.arguments[gate.arguments.index("--log") + 1] = "-"
        gate.process = subprocess.Popen([gate.program, *gate.arguments], env=clean_environment(gate.environment), stdin=subprocess.DEVNULL,
                                        stdout=self.writer, stderr=subprocess.DEVNULL)
        wait_for(listens or gate.listens, "the socket", gate.process)
        self.text = b""

    def block(self):
        os.set_blocking(self.writer, False)
        try:
            while True:
                os.write(self.writer, b"\n" * 64)
        except BlockingIOError:
            pass

    def drain(self):
        os.close(self.writer)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        with os.fdopen(self.reader, "rb") as stream:
            self.text = stream.read()

    def records(self):
        """After the end of the gate."""
        self.thread.join(DEADLINE)
        return [json.loads(line) for line in self.text.splitlines() if line]


class Waiting(GateCase):
    """What waits for something else than its body."""

    def change(self, gate, policy):
        """A reload that the gate confirms at its control socket: the policy is in force."""
        gate.write_policy(policy)
        done = run("policy", "reload", "--state", gate.state)
        self.assertEqual(done.returncode, 0, done.stderr)

    def check_log(self, policy, status):
        gate = self.start_gate(OPEN)
        log = BlockedLog(gate)
        log.block()
        connection = gate.connect()
        connection.send(post("/containers/x/kill"))
        self.assertTrue(connection.quiet())
        self.change(gate, policy)
        log.drain()
        self.assertEqual(connection.read_response().status, status)
        self.assertEqual(gate.engine.lines(), ["POST /containers/x/kill"] if status == 200 else [])
        gate.stop()
        return [r for r in log.records() if r.get("operation") == "ContainerKill"]

    def test_a_change_that_waits_for_its_record(self):
        records = self.check_log(CLOSED, 403)
        self.assertEqual([(r["event"], r["decision"]) for r in records], [("open", "allow"), ("close", "deny")])
        self.assertEqual((records[1]["close"], records[1]["reason"], records[1]["status"], records[1]["rule"]), ("revoked", "revoked", 403, "deny @all"))

    def test_a_change_that_stays_allowed_goes_on(self):
        records = self.check_log(OPEN + "  - deny: ContainerCreate\n", 200)
        self.assertEqual([(r["event"], r["decision"]) for r in records], [("open", "allow"), ("close", "allow")])

    def full_engine(self, gate):
        """An engine that takes no connections for now: its queue is full. Returns its listener."""
        gate.engine.stop()
        os.unlink(gate.upstream)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(gate.upstream)
        listener.listen(0)
        while True:
            filler = socket.socket(socket.AF_UNIX)
            filler.setblocking(False)
            self.addCleanup(filler.close)
            if filler.connect_ex(gate.upstream) == errno.EAGAIN:
                return listener

    def take_all(self, listener, sent):
        """Takes the connections that wait, ours and the gate's, answers the one that asks, and notes what it asked."""
        listener.settimeout(1)
        try:
            while True:
                sock, _ = listener.accept()
                self.addCleanup(sock.close)
                sock.settimeout(0.2)
                try:
                    sent.append(sock.recv(4096))
                except TimeoutError:
                    continue
                if sent[-1]:
                    sock.sendall(answer(200, b"OK"))
        except OSError:
            return

    def test_a_request_that_waits_for_a_connection_to_the_engine(self):
        def check(raw, policy, status):
            gate = self.start_gate(OPEN, options=["--connect-timeout", "15s"])
            listener = self.full_engine(gate)
            connection = gate.connect()
            connection.send(raw)
            self.assertTrue(connection.quiet())
            self.change(gate, policy)
            sent = []
            thread = threading.Thread(target=self.take_all, args=(listener, sent), daemon=True)
            thread.start()
            self.assertEqual(connection.read_response().status, status)
            thread.join(DEADLINE)
            self.assertEqual(b"/containers/" in b"".join(sent), status == 200)

        self.each([
            ("a read", get("/containers/json"), CLOSED, 403),
            ("a change", post("/containers/x/kill"), CLOSED, 403),
            ("a read that stays allowed", get("/containers/json"), OPEN + "  - deny: ContainerKill\n", 200),
        ], check)

    def test_the_version_that_was_chosen_for_a_request_stays(self):
        """The engine is lost sight of while the request waits for a connection, and it is written once more."""
        gate = self.start_gate(OPEN, options=["--connect-timeout", "15s"])
        gate.engine.on("GET", "/events", lambda c, _: (c.send(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), c.fill()))
        stream = gate.connect()
        stream.send(get("/events"))
        stream.until(b"1\r\na\r\n")
        kept, gate.engine.connections = gate.engine.connections, []
        listener = self.full_engine(gate)
        connection = gate.connect()
        connection.send(get("/containers/json"))
        self.assertTrue(connection.quiet())
        for other in kept:
            if other.sock.fileno() >= 0:
                other.sock.shutdown(socket.SHUT_RDWR)
        self.assertTrue(stream.ended())
        self.change(gate, OPEN + "  - deny: ContainerKill\n")
        sent = []
        thread = threading.Thread(target=self.take_all, args=(listener, sent), daemon=True)
        thread.start()
        self.assertEqual(connection.read_response().status, 200)
        thread.join(DEADLINE)
        self.assertIn(b"GET /v1.41/containers/json ", b"".join(sent))

    def test_a_second_try_on_a_new_connection(self):
        """The engine closes a kept connection instead of answering; meanwhile the policy has changed."""
        gate = self.start_gate(OPEN)
        goes = threading.Event()
        self.addCleanup(goes.set)
        gate.engine.on("GET", "/info", lambda *_: (goes.wait(DEADLINE), False)[-1])
        connection = gate.connect()
        self.assertEqual(connection.ask(get("/version")).status, 200)
        connection.send(get("/info"))
        gate.engine.wait_request("GET", "/info")
        self.change(gate, CLOSED)
        goes.set()
        self.assertEqual(connection.read_response().status, 403)
        self.assertEqual(len([h for h in gate.engine.heads if h.path == "/info"]), 1)

    def test_requests_behind_one_another(self):
        gate = self.start_gate(OPEN)
        goes = threading.Event()
        self.addCleanup(goes.set)
        gate.engine.on("GET", "/info", lambda connection, _: (goes.wait(DEADLINE), connection.send(answer(200, b"OK")))[0])
        connection = gate.connect()
        connection.send(get("/info") + get("/version"))
        gate.engine.wait_request("GET", "/info")
        self.change(gate, CLOSED)
        goes.set()
        self.assertEqual([connection.read_response().status for _ in range(2)], [200, 403])
        self.assertEqual(gate.engine.lines(), ["GET /info"])


CLIENT = OPEN + "clients:\n  late:\n    listen: %s\n"
SWITCH = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def opens_stream(connection, _):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    connection.fill()
    return False


def is_silent(connection, _):
    connection.fill()
    return False


class Admission(GateCase):
    """A client or an address that the policy does not have any more loses its connections at once, whatever they are doing."""

    def open_all(self, gate, connect):
        inspect = post("/containers/lookedup/kill", body=b"")
        engine = gate.engine
        engine.on("GET", "/events", opens_stream)
        engine.on("GET", "/info", is_silent)
        engine.on("GET", "/containers/lookedup/json", is_silent)
        engine.on("POST", "/containers/x/attach", lambda connection, _: (connection.send(SWITCH), connection.fill(), False)[-1])
        engine.on("POST", "/images/load", is_silent)
        upload = b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        sent = {
            "nothing yet": b"",
            "a part of a head": b"GET /containers",
            "between requests": get("/version"),
            "JSON": CREATE[:-3],
            "a dropped body": post("/containers/x/kill", body=b"0123")[:-2],
            "a lookup": inspect,
            "an answer that is awaited": get("/info"),
            "an upload": upload,
            "a stream": get("/events"),
            "a tunnel": post("/containers/x/attach", ("Connection", "Upgrade"), ("Upgrade", "tcp")),
        }
        connections = {}
        for name, raw in sent.items():
            connections[name] = connect()
            connections[name].send(raw)
        self.assertEqual(connections["between requests"].read_response().status, 200)
        self.assertEqual(connections["a stream"].read_head().status, 200)
        self.assertEqual(connections["a stream"].chunk(), b"a")
        self.assertEqual(connections["a tunnel"].read_head().status, 101)
        for method, path in (("GET", "/info"), ("GET", "/containers/lookedup/json"), ("POST", "/images/load")):
            engine.wait_request(method, path)
        return connections

    def check(self, gate, connect, policy):
        connections = self.open_all(gate, connect)
        before = len(gate.engine.heads)
        gate.reload(policy)
        for name, connection in connections.items():
            with self.subTest(name):
                self.assertTrue(connection.ended())
        records = [r for r in gate.log(client="late") if r.get("close")]
        self.assertEqual({r["close"] for r in records}, {"not-admitted"})
        decisions = {r["operation"]: r["decision"] for r in records}
        self.assertEqual(decisions, {"ContainerCreate": "deny", "ContainerKill": "deny", "SystemInfo": "allow", "ImageLoad": "allow",
                                     "SystemEvents": "allow", "ContainerAttach": "allow"})
        self.assertEqual(len(gate.engine.heads), before)
        self.assertEqual(gate.ask(get("/version")).status, 200, "others go on")

    WHERE = "  - deny: ContainerKill\n    where: {label: \"keep=yes\"}\n"

    def with_lookup(self, text):
        return text.replace("clients:", self.WHERE + "clients:")

    def test_a_client_that_was_removed(self):
        listen = "unix:@FOLDER@/run/late/docker.sock"
        gate = self.start_gate(self.with_lookup(CLIENT % listen))
        self.check(gate, lambda: gate.connect(gate.file("run", "late", "docker.sock")), OPEN)

    def test_a_listener_that_was_removed(self):
        gate = self.start_gate(self.with_lookup(CLIENT % "unix:@FOLDER@/run/late/docker.sock"))
        self.check(gate, lambda: gate.connect(gate.file("run", "late", "docker.sock")), CLIENT % "unix:@FOLDER@/run/later/docker.sock")

    def test_an_address_that_from_does_not_have_any_more(self):
        policy = CLIENT % "tcp:127.0.0.1:0" + "    from: [%s]\n"
        gate = self.start_gate(self.with_lookup(policy % "127.0.0.0/8"))
        self.check(gate, gate.connect_tcp, policy % "192.0.2.0/24")

    def test_who_stays_admitted_is_let_be(self):
        policy = CLIENT % "tcp:127.0.0.1:0" + "    from: [%s]\n"
        gate = self.start_gate(self.with_lookup(policy % "127.0.0.0/8"))
        connections = self.open_all(gate, gate.connect_tcp)
        gate.reload(policy % "127.0.0.1")
        for name, connection in connections.items():
            with self.subTest(name):
                self.assertTrue(connection.quiet(0.05))


class Revocation(GateCase):
    """Under cut_on_revoke what was sent on and is not over ends with its permission."""

    CUT = "version: 1\ncut_on_revoke: true\ndocker:\n  - allow: \"@all\"\n"

    def upload(self, gate):
        gate.engine.on("POST", "/images/load", is_silent)
        connection = gate.connect()
        connection.send(b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        gate.engine.wait_request("POST", "/images/load")
        return connection

    def test_an_upload(self):
        gate = self.start_gate(self.CUT)
        connection = self.upload(gate)
        gate.reload(self.CUT + "  - deny: ImageLoad\n")
        self.assert_message(connection.read_response(), 403, "policy changed")
        self.assertEqual(gate.wait_log(event="close", operation="ImageLoad")[0]["close"], "revoked")

    def test_an_answer_that_is_awaited(self):
        gate = self.start_gate(self.CUT)
        gate.engine.on("GET", "/info", is_silent)
        gate.engine.on("GET", "/version", is_silent)
        revoked, kept = gate.connect(), gate.connect()
        revoked.send(get("/info"))
        kept.send(get("/version"))
        gate.engine.wait_request("GET", "/info")
        gate.engine.wait_request("GET", "/version")
        gate.reload(self.CUT + "  - deny: SystemInfo\n")
        self.assertEqual(revoked.read_response().status, 403)
        self.assertTrue(kept.quiet())
        kept.close()

    def test_without_it_what_is_under_way_stays(self):
        gate = self.start_gate(OPEN)
        connection = self.upload(gate)
        gate.reload(CLOSED)
        self.assertTrue(connection.quiet())
        connection.send(b"0\r\n\r\n")
        self.assertTrue(connection.quiet())

    def test_a_rule_that_expires(self):
        gate = self.start_gate("version: 1\ncut_on_revoke: true\ndocker:\n  - allow: SystemInfo\n  - allow: SystemEvents\n    expires: %s\n" % expires_in(3))
        gate.engine.on("GET", "/events", opens_stream)
        stream = gate.connect()
        stream.send(get("/events"))
        self.assertEqual(stream.read_head().status, 200)
        self.assertEqual(stream.chunk(), b"a")
        self.assertTrue(stream.ended())
        self.assertEqual(gate.wait_log(event="close", operation="SystemEvents")[0]["close"], "revoked")

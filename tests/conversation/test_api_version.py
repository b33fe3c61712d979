# SPDX-License-Identifier: Apache-2.0
"""The gate is an engine of its table's API version: a newer engine behind it is spoken to, and shows itself, as one of that version."""

import json
import socket
import threading

from harness.case import GateCase
from harness.client import get, post, request
from harness.engine import answer
from harness.gate import Gate, run
from harness.wire import DEADLINE

NEWEST = 55  # as DOCKER_API_NEWEST of rules/docker/docker_operation.h
NEWER = "1.%d" % (NEWEST + 1)
TABLE = "1.%d" % NEWEST
VERSION = ('{"Platform":{"Name":""}, "Components":[{"Name":"Engine","Version":"29.9","Details":{"ApiVersion":"%s","Arch":"amd64",'
           '"MinAPIVersion":"%s"}},{"Name":"runc","Details":{"GitCommit":"\\u00e9 1.10"}}],\n "Version":"29.9","ApiVersion":"%s",'
           '"MinAPIVersion":"%s","Odd":[1.10,-0,1e5], "Nested":{"ApiVersion":"%s"}}\n')


def version_of(api, minimum="1.40"):
    return VERSION % (api, minimum, api, minimum, api)


def too_old(asked, minimum):
    return ("client version %s is too old. Minimum supported API version is %s, please upgrade your client to a newer version"
            % (asked, minimum)).encode()


def hang_up(connections):
    for connection in connections:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has ended
            pass


class VersionCase(GateCase):
    def gate_before(self, api, policy='version: 1\ndocker:\n  - allow: "@all"\n  - allow: {path: "/libpod/**"}\n', **options):
        gate = Gate(policy, start=False, **options)
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        self.become(gate.engine, api)
        self.addCleanup(self.check_gate, gate)
        gate.start()
        return gate

    @staticmethod
    def become(engine, api, minimum="1.40"):
        def field(text):
            return ("Api-Version", text)

        engine.default = answer(200, b"OK", field(api))
        engine.on("GET", "/version", answer(200, version_of(api, minimum).encode(), field(api), ("Content-Type", "application/json")))

    def sent(self, gate, raw):
        gate.engine.reset()
        self.assertEqual(gate.ask(raw).status, 200)
        return gate.engine.lines()


class Answers(VersionCase):
    def test_the_version_of_every_answer_is_lowered(self):
        gate = self.gate_before(NEWER)
        for target in ("/_ping", "/v%s/_ping" % TABLE, "/v1.41/containers/json", "/containers/json"):
            response = gate.ask(get(target))
            self.assertEqual((response.status, response.fields.all("Api-Version")), (200, [TABLE]), target)
        gate.engine.on("GET", "/images/x/json", answer(404, b'{"message":"no"}', ("api-version", "2.0")))
        self.assertEqual(gate.ask(get("/v1.41/images/x/json")).field("Api-Version"), TABLE)

    def test_one_that_is_not_newer_stays(self):
        for api in (TABLE, "1.41", "1.24", "strange"):
            gate = self.gate_before(api)
            self.assertEqual(gate.ask(get("/v1.24/_ping")).field("Api-Version"), api)
            self.assertEqual(gate.ask(get("/v1.24/version")).body.decode(), version_of(api))

    def test_the_answer_to_version_is_lowered_and_nothing_else_of_it(self):
        gate = self.gate_before(NEWER)
        wanted = VERSION % (TABLE, "1.40", TABLE, "1.40", NEWER)
        plain = version_of(NEWER).encode()
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(plain[i:i + 7]), plain[i:i + 7]) for i in range(0, len(plain), 7)) + b"0\r\n\r\n"
        head = b"HTTP/1.1 200 OK\r\nApi-Version: " + NEWER.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"

        def slowly(connection, _request):
            for i in range(0, len(head + pieces), 11):
                connection.send((head + pieces)[i:i + 11])
            return True

        for name, reply in (("with a length", gate.engine.routes[("GET", "/version")]), ("in chunks", head + pieces), ("slowly", slowly)):
            gate.engine.on("GET", "/version", reply)
            with self.subTest(name):
                for target in ("/version", "/v1.40/version"):
                    response = gate.ask(get(target))
                    self.assertEqual((response.status, response.body.decode()), (200, wanted))
                    self.assertEqual(response.field("Api-Version"), TABLE)
        self.assertEqual(gate.ask(b"GET /version HTTP/1.0\r\n\r\n").body.decode(), wanted)
        with gate.connect() as connection:  # and the connection goes on
            self.assertEqual(connection.ask(get("/version")).body.decode(), wanted)
            self.assertEqual(connection.ask(get("/_ping")).body, b"OK")

    def test_of_another_length(self):
        for api in ("1.100", "2.0"):
            gate = self.gate_before(api)
            self.assertEqual(gate.ask(get("/v1.40/version")).body.decode(), VERSION % (TABLE, "1.40", TABLE, "1.40", api))

    def test_what_is_no_such_answer_passes_as_it_is(self):
        gate = self.gate_before(NEWER)
        for body in (b"", b"not json", b'{"ApiVersion":"' + NEWER.encode()):
            gate.engine.on("GET", "/version", answer(200, body, ("Api-Version", NEWER)))
            self.assertEqual(gate.ask(get("/v1.40/version")).body, body)
        gate.engine.on("GET", "/version", answer(500, b'{"ApiVersion":"%s"}' % NEWER.encode()))
        self.assertEqual(gate.ask(get("/v1.40/version")).body, b'{"ApiVersion":"%s"}' % NEWER.encode())

    def test_libpod_is_left_alone(self):
        gate = self.gate_before(NEWER)
        response = gate.ask(get("/v5.0.0/libpod/info"))
        self.assertEqual((response.status, response.field("Api-Version")), (200, NEWER))
        self.assertEqual(self.sent(gate, get("/libpod/info")), ["GET /libpod/info"])
        self.assertEqual(self.sent(gate, get("/v%s/libpod/info" % NEWER)), ["GET /v%s/libpod/info" % NEWER])


class Requests(VersionCase):
    def test_a_newer_version_gets_the_engines_own_answer(self):
        gate = self.gate_before(NEWER)
        for target in ("/v%s/images/json?only_ids=0" % NEWER, "/v%s/_ping" % NEWER, "/v%s/nothing" % NEWER):
            gate.engine.reset()
            response = gate.ask(get(target))
            self.assertEqual(response.status, 400)
            self.assertEqual(response.message, "client version %s is too new. Maximum supported API version is %s" % (NEWER, TABLE))
            self.assertEqual(gate.engine.lines(), [])
            self.assertEqual(gate.requests_logged()[-1]["reason"], "version.too-new")
        done = run("policy", "check", "docker", "GET /v%s/images/json" % NEWER, "--config", gate.policy_path)
        self.assertIn("too new", done.stdout + done.stderr)

    def test_the_lower_one_of_both_is_named(self):
        gate = self.gate_before("1.41")
        self.assertEqual(gate.ask(get("/v%s/info" % NEWER)).message, "client version %s is too new. Maximum supported API version is 1.41" % NEWER)
        self.assertEqual(self.sent(gate, get("/v%s/info" % TABLE)), ["GET /v%s/info" % TABLE])  # the engine's to refuse

    def test_without_a_version_the_lower_one_is_sent(self):
        for api, wanted in ((NEWER, TABLE), (TABLE, TABLE), ("1.41", "1.41"), ("2.0", TABLE)):
            with self.subTest(api):
                gate = self.gate_before(api)
                self.assertEqual(self.sent(gate, get("/containers/json?all=1")), ["GET /v%s/containers/json?all=1" % wanted])
                self.assertEqual(self.sent(gate, post("/containers/x/stop")), ["POST /v%s/containers/x/stop" % wanted])
                self.assertEqual(self.sent(gate, get("/v1.40/containers/json")), ["GET /v1.40/containers/json"])

    def test_ping_and_debug_have_none(self):
        gate = self.gate_before(NEWER)
        with gate.connect() as connection:
            for method, target in (("GET", "/_ping"), ("HEAD", "/_ping"), ("GET", "/debug/vars")):
                gate.engine.reset()
                self.assertEqual(connection.ask(request(method, target), method).status, 200)
                self.assertEqual(gate.engine.requests[-1].line, "%s %s" % (method, target))

    def test_an_engine_that_names_no_version_gets_none(self):
        gate = self.start_gate()
        self.assertEqual(self.sent(gate, get("/containers/json")), ["GET /containers/json"])

    def test_an_engine_that_comes_later_is_asked_first(self):
        gate = self.gate_before("1.41")
        gate.engine.stop()
        gate.stop()
        gate.start()
        self.assertEqual(gate.ask(get("/containers/json")).status, 502)
        gate.engine.start()
        self.become(gate.engine, NEWER)
        gate.engine.versions.clear()
        self.assertEqual(self.sent(gate, post("/containers/x/stop")), ["POST /v%s/containers/x/stop" % TABLE])
        self.assertEqual([seen.path for seen in gate.engine.versions], ["/v%s/_ping" % TABLE])
        self.assertEqual(self.sent(gate, get("/containers/json")), ["GET /v%s/containers/json" % TABLE])
        self.assertEqual(len(gate.engine.versions), 1)

    def test_a_question_that_is_not_answered_is_a_bad_gateway(self):
        gate = self.gate_before("1.41")
        gate.engine.stop()
        gate.stop()
        gate.start()
        gate.engine.start()
        gate.engine.routes["version"] = lambda connection, request: False
        response = gate.ask(post("/containers/x/stop"))
        self.assert_message(response, 502, "closed the connection before it answered")
        self.assertEqual(gate.engine.lines(), [])
        gate.engine.routes["version"] = b"nonsense\r\n\r\n"
        self.assertEqual(gate.ask(get("/containers/json")).status, 502)
        del gate.engine.routes["version"]
        self.assertEqual(self.sent(gate, get("/containers/json")), ["GET /v1.41/containers/json"])

    def test_a_question_that_is_not_answered_ends(self):
        gate = self.gate_before("1.41", options=["--lookup-timeout", "1s"])
        gate.engine.stop()
        gate.stop()
        gate.start()
        gate.engine.start()
        goes = threading.Event()
        self.addCleanup(goes.set)
        gate.engine.routes["version"] = lambda *_: (goes.wait(DEADLINE), False)[-1]
        for raw in (post("/containers/x/stop"), get("/info")):
            self.assert_message(gate.ask(raw), 504, "did not say in time which version")
        self.assertEqual([r["reason"] for r in gate.requests_logged()], ["upstream.lookup-timeout"] * 2)
        self.assertEqual(gate.engine.lines(), [])

    def test_an_engine_that_is_lost_sight_of_while_it_is_asked_for_an_object(self):
        """What it says of the object comes, and then nothing."""
        gate = self.gate_before("1.41", 'version: 1\ndocker:\n  - allow: ContainerStop\n    where: {name: x}\n', options=["--lookup-timeout", "1s"])
        goes, ends = threading.Event(), threading.Event()
        self.addCleanup(ends.set)
        inspected = answer(200, {"Id": "c" * 64, "Name": "/x", "Image": "sha256:" + "b" * 64, "Config": {"Image": "i", "Labels": {}}})
        gate.engine.on("GET", "/containers/x/json", lambda connection, _: (goes.wait(DEADLINE), connection.send(inspected))[0])
        self.assertEqual(gate.ask(get("/_ping")).status, 200)
        idle = list(gate.engine.connections)
        connection = gate.connect()
        connection.send(post("/containers/x/stop"))
        gate.engine.wait_request("GET", "/v1.41/containers/x/json")
        gate.engine.routes["version"] = lambda *_: (goes.wait(DEADLINE), ends.wait(DEADLINE), False)[-1]
        before = len(gate.engine.versions)
        gate.engine.default = answer(200, b"OK")  # names no version
        hang_up(idle)
        self.assertEqual(gate.ask(get("/v1.41/_ping")).status, 200, "the gate has seen their end")
        goes.set()
        self.assert_message(connection.read_response(), 504, "did not say in time which version")
        self.assertEqual(len(gate.engine.versions), before + 1)

    def test_what_answers_for_an_engine_that_is_not_there_says_nothing_of_it(self):
        gate = Gate('version: 1\ndocker:\n  - allow: "@all"\n', start=False)
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        self.addCleanup(self.check_gate, gate)
        gate.engine.default = answer(503, b"no backend", reason="Service Unavailable")
        gate.start()
        self.assert_message(gate.ask(get("/info")), 502, "answers a ping with 503")
        self.assertEqual(gate.engine.lines(), [])
        self.become(gate.engine, NEWER)
        self.assertEqual(self.sent(gate, get("/info")), ["GET /v%s/info" % TABLE])

    def test_a_version_of_any_length_is_newer(self):
        for api in ("1.100000", "1.99999999999999999999999999", "18446744073709551617.41"):
            gate = self.gate_before(api)
            self.assertEqual(self.sent(gate, get("/info")), ["GET /v%s/info" % TABLE])
            response = gate.ask(get("/version"))
            self.assertEqual((response.field("Api-Version"), response.body.decode()), (TABLE, VERSION % (TABLE, "1.40", TABLE, "1.40", api)))

    def test_engines_are_replaced_under_a_running_gate(self):
        gate = self.gate_before("1.41")
        self.assertEqual(self.sent(gate, get("/info")), ["GET /v1.41/info"])
        self.become(gate.engine, NEWER)  # the same connections: each answer counts
        self.assertEqual(self.sent(gate, get("/info")), ["GET /v1.41/info"])
        self.assertEqual(self.sent(gate, get("/info")), ["GET /v%s/info" % TABLE])
        gate.engine.stop()
        self.assertEqual(gate.ask(get("/info")).status, 502)
        gate.engine.start()  # another one, and an older one
        self.become(gate.engine, "1.41")
        self.assertEqual(self.sent(gate, get("/info")), ["GET /v1.41/info"])

    def test_a_held_object_is_looked_up_in_that_version(self):
        gate = self.gate_before(NEWER, 'version: 1\ndocker:\n  - allow: ContainerStop\n    where: {label: "a=b"}\n')
        gate.engine.on("GET", "/containers/x/json", answer(200, json.dumps({
            "Id": "c" * 64, "Name": "/x", "Image": "sha256:" + "b" * 64, "Config": {"Image": "i", "Labels": {"a": "b"}},
            "NetworkSettings": {"Networks": {}}, "Mounts": []}).encode(), ("Api-Version", NEWER)))
        self.assertEqual(self.sent(gate, post("/containers/x/stop")),
                         ["GET /v%s/containers/x/json" % TABLE, "POST /v%s/containers/%s/stop" % (TABLE, "c" * 64)])

    def test_before_an_engine_of_which_nothing_is_known_the_requests_version_is_the_questions(self):
        gate = self.gate_before(NEWER, 'version: 1\ndocker:\n  - allow: ContainerStop\n    where: {label: "a=b"}\n')
        gate.engine.stop()
        gate.stop()
        gate.start()
        gate.engine.start()
        gate.engine.on("GET", "/containers/x/json", answer(200, {
            "Id": "c" * 64, "Name": "/x", "Image": "sha256:" + "b" * 64, "Config": {"Image": "i", "Labels": {"a": "b"}}}))
        self.assertEqual(self.sent(gate, post("/v1.41/containers/x/stop")),
                         ["GET /v1.41/containers/x/json", "POST /v1.41/containers/%s/stop" % ("c" * 64)])

    def test_the_format_of_logs_is_a_parameter(self):
        gate = self.gate_before(NEWER)
        self.assertEqual(self.sent(gate, get("/v1.54/containers/x/logs?stdout=1&format=json")), ["GET /v1.54/containers/x/logs?stdout=1&format=json"])

    def test_only_what_is_allowed_asks(self):
        gate = self.gate_before("1.41", "version: 1\n")
        gate.engine.stop()
        gate.stop()
        gate.start()
        gate.engine.start()
        gate.engine.versions.clear()
        self.assertEqual(gate.ask(get("/containers/json")).status, 403)
        self.assertEqual(gate.engine.versions, [])


class LeftBehind(VersionCase):
    MINIMUM = "1.%d" % (NEWEST + 5)

    def gate_left_behind(self):
        gate = Gate(start=False)
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        self.become(gate.engine, "1.70", self.MINIMUM)
        gate.engine.routes["version"] = answer(400, too_old(TABLE, self.MINIMUM), ("Api-Version", "1.70"))
        self.addCleanup(self.check_gate, gate)
        gate.start()
        return gate

    def test_start_refusal_and_doctor_say_so(self):
        gate = self.gate_left_behind()
        words = ("oldest API version", self.MINIMUM, TABLE, "newer Dockreeve")
        for word in words:
            self.assertIn(word, gate.stderr())
            self.assertIn(word, gate.ask(get("/v%s/info" % NEWER)).message)
        self.assertIn("too new. Maximum supported API version is " + TABLE, gate.ask(get("/v%s/info" % NEWER)).message)
        done = run("doctor", "--upstream", "unix:" + gate.upstream, "--config", gate.policy_path)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)

    def test_it_is_learned_from_the_answer_to_version_too(self):
        gate = self.gate_before("1.70")
        self.become(gate.engine, "1.70", self.MINIMUM)
        self.assertNotIn("oldest", gate.ask(get("/v%s/info" % NEWER)).message)
        gate.ask(get("/version"))
        self.assertIn("oldest API version", gate.ask(get("/v%s/info" % NEWER)).message)

    def test_doctor_names_a_newer_engine(self):
        gate = self.gate_before(NEWER)
        done = run("doctor", "--upstream", "unix:" + gate.upstream, "--config", gate.policy_path)
        self.assertIn("engine of API " + TABLE, done.stdout + done.stderr)

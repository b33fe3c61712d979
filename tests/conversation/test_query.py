# SPDX-License-Identifier: Apache-2.0
"""Query parameters: decoded once, each known to the operation, the first where the engine reads one, written anew."""

import urllib.parse

from harness.case import GateCase, SharedGateCase
from harness.client import get, post, request


class Parameters(SharedGateCase):
    def query_of(self, raw):
        return self.passes(raw).query

    def dropped(self):
        return self.gate.requests_logged()[-2].get("dropped_query", [])

    def test_known_parameters_arrive_as_they_were_meant(self):
        self.each([
            ("plain", "/containers/json?all=1&limit=5", [("all", "1"), ("limit", "5")]),
            ("encoded key", "/containers/json?%61ll=1", [("all", "1")]),
            ("encoded value", "/containers/json?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D", [("filters", '{"label":["a=b"]}')]),
            ("plus is a blank", "/containers/json?filters=a+b", [("filters", "a b")]),
            ("encoded plus", "/containers/json?filters=a%2Bb", [("filters", "a+b")]),
            ("encoded ampersand stays in the value", "/containers/json?filters=a%26all%3D1", [("filters", "a&all=1")]),
            ("encoded hash", "/containers/json?filters=a%23b", [("filters", "a#b")]),
            ("encoded percent sign", "/containers/json?filters=%2561", [("filters", "%61")]),
            ("second equals sign", "/containers/json?filters=a=b", [("filters", "a=b")]),
            ("empty value", "/containers/json?all=", [("all", "")]),
            ("empty query", "/containers/json?", []),
            ("empty pairs", "/containers/json?&&all=1&", [("all", "1")]),
            ("question mark in a value", "/containers/json?filters=a?b", [("filters", "a?b")]),
            ("Unicode", "/containers/json?filters=%C3%A9", [("filters", "\u00e9")]),
        ], lambda target, expected: self.assertEqual(self.query_of(get(target)), expected))

    def test_key_without_a_value(self):
        self.assertEqual(self.query_of(get("/containers/json?all")), [("all", "")])

    def test_of_a_single_parameter_the_first_is_sent_on_as_the_engine_reads_it(self):
        archive = ("Content-Type", "application/x-tar")

        def check(raw, kept, dropped):
            self.assertEqual(self.query_of(raw), kept)
            self.assertEqual(self.dropped(), dropped)

        self.each([
            ("as docker-py builds", post("/build?t=a&dockerfile=A&dockerfile=B", archive), [("t", "a"), ("dockerfile", "A")], ["dockerfile"]),
            ("plain", post("/images/create?fromImage=good&fromImage=evil"), [("fromImage", "good")], ["fromImage"]),
            ("second one encoded", post("/images/create?fromImage=good&%66romImage=evil"), [("fromImage", "good")], ["fromImage"]),
            ("equal", get("/containers/json?all=1&all=true"), [("all", "1")], ["all"]),
            ("second one empty", get("/containers/json?all=1&all"), [("all", "1")], ["all"]),
            ("first one empty", get("/containers/json?all&all=1"), [("all", "")], ["all"]),
            ("three, and an unknown one", get("/containers/json?x&all=0&all=1&all=2"), [("all", "0")], ["x", "all"]),
            ("with others between", post("/containers/create?name=a&platform=&name=b"), [("name", "a"), ("platform", "")], ["name"]),
            ("filters", post("/containers/prune?filters=%7B%7D&filters=%7B%22a%22%3A%5B%5D%7D"), [("filters", "{}")], ["filters"]),
            ("container of a commit", post("/commit?container=a&container=b"), [("container", "a")], ["container"]),
            ("lists beside it", post("/build?t=a&q=1&t=b&q=0", archive), [("t", "a"), ("q", "1"), ("t", "b")], ["q"]),
        ], check)

    def test_what_is_judged_is_the_first(self):
        """The rule looks at the parameter that the engine will read, and at nothing that does not arrive."""
        self.refused(post("/build?remote=http://a&remote=", ("Content-Type", "application/x-tar")), (403,))
        seen = self.passes(post("/build?remote=&remote=http://a", ("Content-Type", "application/x-tar")))
        self.assertEqual(seen.query, [("remote", "")])

    def test_repeatable_parameters_repeat(self):
        self.each([
            ("tags of a build", post("/build?t=a&t=b", ("Content-Type", "application/x-tar")), [("t", "a"), ("t", "b")]),
            ("hosts of a build", post("/build?extrahosts=a%3A1&extrahosts=b%3A2", ("Content-Type", "application/x-tar")),
             [("extrahosts", "a:1"), ("extrahosts", "b:2")]),
            ("names to save", get("/images/get?names=a&names=b"), [("names", "a"), ("names", "b")]),
            ("changes of a commit", post("/commit?container=x&changes=A&changes=B"),
             [("container", "x"), ("changes", "A"), ("changes", "B")]),
            ("types of df", get("/system/df?type=image&type=volume"), [("type", "image"), ("type", "volume")]),
        ], lambda raw, expected: self.assertEqual(self.query_of(raw), expected))

    def test_unknown_parameters_are_dropped_and_logged(self):
        def check(target, kept, dropped):
            self.assertEqual(self.query_of(get(target)), kept)
            self.assertEqual(sorted(self.dropped()), sorted(dropped))

        self.each([
            ("of docker-py", "/containers/json?trunc_cmd=0&all=1", [("all", "1")], ["trunc_cmd"]),
            ("of an old docker-py", "/images/json?only_ids=1&all=0", [("all", "0")], ["only_ids"]),
            ("another case", "/containers/json?All=1&limit=2", [("limit", "2")], ["All"]),
            ("of another operation", "/containers/json?fromImage=evil", [], ["fromImage"]),
            ("repeated", "/containers/json?x=1&x=2&all=1", [("all", "1")], None),
            ("none known to info", "/info?x=/containers", [], ["x"]),
        ], lambda target, kept, dropped: check(target, kept, dropped) if dropped is not None
            else self.assertEqual(self.query_of(get(target)), kept))

    def test_the_query_of_a_build_is_a_closed_list(self):
        raw = post("/build?t=a&evil=1&Remote=http%3A%2F%2Fx&networkmode=none&cgroupparent=c&ulimits=%5B%5D&buildid=b&session=s",
                   ("Content-Type", "application/x-tar"))
        keys = [key for key, _ in self.query_of(raw)]
        self.assertEqual(keys, ["t", "networkmode", "cgroupparent", "ulimits", "buildid", "session"])

    def test_what_two_readers_split_differently(self):
        """The engine's URL library refuses a semicolon in newer versions and split at it in older ones."""
        self.refused(post("/images/create?fromImage=good;fromImage=evil"), (400,))
        self.assertEqual(self.query_of(get("/containers/json?filters=a%3Bb")), [("filters", "a;b")])

    def test_raw_bytes_are_taken_as_the_engine_takes_them(self):
        def check(raw, value):
            seen = self.passes(b"GET /containers/json?filters=%s HTTP/1.1\r\nHost: d\r\n\r\n" % raw)
            self.assertEqual(urllib.parse.parse_qsl(seen.target.partition("?")[2], encoding="latin-1"), [("filters", value.decode("latin-1"))])

        self.each([
            ("as autoheal asks", b'{"health":["unhealthy"]}', b'{"health":["unhealthy"]}'),
            ("UTF-8", b"caf\xc3\xa9", b"caf\xc3\xa9"),
            ("as many escapes as raw bytes", b'{%22a":%5B]}', b'{"a":[]}'),
            ("plus is still a blank", b"{+}", b"{ }"),
        ], check)
        taken = [byte for byte in range(0x21, 0x100) if byte != 0x7f and bytes([byte]) not in (b"%", b"&", b"+", b";")]
        self.each([("0x%02x" % byte, b"a%cz" % byte, b"a%cz" % byte) for byte in taken], check)

    def test_bytes_that_the_engine_refuses_are_refused(self):
        refused = list(range(0x21)) + [0x7f, ord(";")]
        self.each([("0x%02x" % byte, b"GET /containers/json?filters=a%cz HTTP/1.1\r\nHost: d\r\n\r\n" % byte) for byte in refused],
                  lambda raw: self.refused(raw, (400,)))

    def test_malformed_queries_are_refused(self):
        self.each([
            ("invalid escape in a value", get("/containers/json?all=%zz")),
            ("cut escape", get("/containers/json?all=%2")),
            ("invalid escape in a key", get("/containers/json?%zz=1")),
            ("invalid escape in what would be dropped", get("/containers/json?x=%zz")),
            ("raw blank", b"GET /containers/json?filters=a b HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("more than the engine takes", get("/containers/json?" + "&".join("a" for i in range(10001)))),
        ], lambda raw: self.refused(raw, (400, 414)))

    def test_control_bytes_in_a_query_stay_encoded(self):
        self.each([("NUL", "%00"), ("CR LF", "%0d%0a"), ("escape", "%1b")], self.check_control_byte)

    def check_control_byte(self, encoded):
        response = self.exchange(get("/containers/json?filters=a%sb" % encoded))
        self.assertIn(response.status, (200, 400))
        if response.status == 200:
            self.assertRegex(self.engine.requests[0].target, r"^/containers/json\?filters=a(%[0-9A-F]{2})+b$")


class Checkpoints(GateCase):
    def test_checkpoints_of_a_start_are_not_part_of_starting(self):
        """A plain permission to start must not let a client name a folder on the host."""
        gate = self.start_gate('version: 1\ndocker:\n  - allow: "@lifecycle"\n')
        raw = request("POST", "/containers/x/start?checkpoint=c&checkpoint-dir=%2Fetc", body=b"")
        response = gate.ask(raw)
        if response.status == 200:
            self.assertEqual(gate.engine.requests[0].query, [])
        else:
            self.assertIn(response.status, (400, 403))
            self.assertEqual(gate.engine.heads, [])


class Strict(GateCase):
    def test_strict_refuses_what_is_dropped_otherwise(self):
        gate = self.start_gate('version: 1\nstrict: true\ndocker:\n  - allow: "@all"\n')
        response = gate.ask(get("/containers/json?trunc_cmd=0"))
        self.assert_message(response, response.status, "trunc_cmd")
        self.assertIn(response.status, (400, 403))
        self.assert_message(gate.ask(get("/containers/json?all=0&all=1")), 400, "all", "only once")
        self.assertEqual(gate.ask(get("/containers/json?all=0")).status, 200)
        self.assertEqual(gate.engine.lines(), ["GET /containers/json?all=0"])

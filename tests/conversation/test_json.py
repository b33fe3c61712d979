# SPDX-License-Identifier: Apache-2.0
"""JSON bodies: the engine is sent what was judged, written anew, under the names of its own fields; what it might read otherwise is
refused, what it would not read is left out and logged."""

import json
import unittest

from harness.gate import ALLOW_ALL
from harness.case import GateCase, SharedGateCase
from harness.client import chunked, get, post_json, request

CREATE = "/containers/create"


class Written(SharedGateCase):
    POLICY = ALLOW_ALL + "guard: {mode: report}\n"

    def check(self, sent, received, dropped=None):
        self.assertEqual(self.passes(post_json(CREATE, sent)).body, received)
        self.barrier()
        self.assertEqual(self.last().get("dropped_fields"), dropped)

    def last(self):
        return next(record for record in reversed(self.gate.requests_logged()) if record.get("operation") == "ContainerCreate")

    def test_anew(self):
        self.each([
            ("blanks go", b' { "Image" : "a" ,\n"Cmd" : [ ] } \n', b'{"Image":"a","Cmd":[]}'),
            ("escapes are written in one way", b'{"\\u0049mage":"\\u0041\\/\\u00e9"}', '{"Image":"A/é"}'.encode()),
            ("one text for a list", b'{"Entrypoint":"sh"}', b'{"Entrypoint":["sh"]}'),
            ("digits stay", b'{"HostConfig":{"Memory":9007199254740993,"NanoCpus":-0}}', b'{"HostConfig":{"Memory":9007199254740993,"NanoCpus":-0}}'),
            ("null, [] and absence stay", b'{"HostConfig":{"MaskedPaths":null,"ReadonlyPaths":[]}}', b'{"HostConfig":{"MaskedPaths":null,"ReadonlyPaths":[]}}'),
            ("data keeps its keys", '{"Labels":{"a":"","A":"","ſ":null}}'.encode(), '{"Labels":{"a":"","A":"","ſ":null}}'.encode()),
            ("fields that say nothing go", b'{"A":0,"HostConfig":{"B":[],"C":{}}}', b'{"HostConfig":{}}', ["A", "HostConfig.B", "HostConfig.C"]),
            ("what repeats the query goes", b'{"name":"n","platform":"p","Image":"a"}', b'{"Image":"a"}', ["name", "platform"]),
            ("a comma in a name is a part of it", b'{"A,B":0,"C":0}', b"{}", ["A,B", "C"]),
        ], self.check)

    def test_in_chunks_and_byte_by_byte(self):
        head = (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
        body = b'{ "Image": "\\u0061", "Old": null }'
        for parts in ([body], [body[at:at + 1] for at in range(len(body))]):
            seen = self.passes(request("POST", CREATE, head) + chunked(*parts))
            self.assertEqual((seen.kind, seen.body), ("length", b'{"Image":"a"}'))

    def test_a_long_one(self):
        sent = {"Image": "a", "Env": ["A=" + "b" * 300000], "Old": []}
        seen = self.passes(post_json(CREATE, json.dumps(sent).encode()))
        self.assertEqual(json.loads(seen.body), {"Image": "a", "Env": sent["Env"]})

    def test_the_next_request_is_the_next(self):
        with self.gate.connect() as connection:
            connection.send(post_json(CREATE, b'{ "A": 0 }') + get("/containers/json"))
            self.assertEqual([connection.read_response().status for _ in range(2)], [200, 200])


class Refused(SharedGateCase):
    def test_rows(self):
        self.each([
            ("no JSON", b"{", 400, "malformed.json"),
            ("a repeated field", b'{"Tty":true,"Tty":true}', 400, "malformed.json"),
            ("one that escapes hide", b'{"Tty":true,"\\u0054ty":false}', 400, "malformed.json"),
            ("a folded field", b'{"HostConfig":{"privileged":true}}', 400, "malformed.field"),
            ("folded beyond ASCII", '{"HoſtConfig":{}}'.encode(), 400, "malformed.field"),
            ("another type", b'{"Tty":"true"}', 400, "malformed.field"),
            ("a list for an object", b"[]", 400, "malformed.field"),
            ("null for an object", b"null", 400, "malformed.field"),
            ("an unknown field", b'{"HostConfig":{"New":true}}', 403, "unknown.field"),
            ("HostConfig at the top", b'{"Privileged":true}', 403, "unknown.field"),
            ("more values than are read", b'{"Env":[' + b",".join([b'""'] * 100001) + b"]}", 413, "limit.body"),
        ], self.check)

    def check(self, body, status, reason):
        for raw in (post_json(CREATE, body), request("POST", CREATE, (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))) + chunked(body)):
            self.engine.reset()
            response = self.gate.ask(raw)
            self.assertEqual(response.status, status, response)
            self.assertIn(b"ContainerCreate: ", response.body)
            self.barrier()
            self.assertEqual(self.engine.lines(), [])
            self.assertEqual(next(record for record in reversed(self.gate.requests_logged()) if record["status"] == status)["reason"], reason)


class Modes(GateCase):
    def test_report_mode_and_variables_refuse_too(self):
        for policy, options in (("version: 1\nclients:\n  default: {mode: report}\n", {}),
                                (None, {"environment": {"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1", "POST": "1"}})):
            gate = self.start_gate(policy, **options) if policy else self.start_gate(None, **options)
            for body, status in ((b'{"New":1}', 403), (b'{"image":"x"}', 400), (b'{"Old":0}', 200)):
                self.assertEqual(gate.ask(post_json(CREATE, body)).status, status)

    def test_a_rule_that_denies_comes_first(self):
        gate = self.start_gate("version: 1\n")
        self.assertEqual(gate.ask(post_json(CREATE, b'{"New":1}')).status, 403)
        self.assertEqual(gate.requests_logged()[-1]["reason"], "default")


if __name__ == "__main__":
    unittest.main()

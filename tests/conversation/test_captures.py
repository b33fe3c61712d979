# SPDX-License-Identifier: Apache-2.0
"""Every request that real clients were seen to send passes, and nothing is lost on the way that the engine would have used."""

import json
import urllib.parse

import captures
from harness.case import SharedGateCase
from harness.gate import ALLOW_ALL
from harness.wire import Fields

# What clients send in the query and no engine reads there.
IDLE = {
    "/containers/json": {"trunc_cmd"},
    "/images/json": {"only_ids"},
    "/tag": {"force"},
    "/attach": {"hijack"},
    "/containers/create": {"Image", "Cmd", "Tty", "Hostname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin",
                           "StdinOnce", "Env", "Volumes"},
    "/volumes/create": {"Name"},
    "/networks/create": {"Name"},
}
# Where the reference to an image is composed of two parameters: it is written on in one spelling, its tag with it.
REFERENCES = {"/images/create": ("fromImage", "repo"), "/commit": ("repo",), "/tag": ("repo",)}
# What the engine reads every value of; of any other parameter it takes the first.
LISTS = {"t", "names", "extrahosts", "changes", "type", "platform", "platforms", "securityopt"}
# Fields that end at one hop or that the gate writes itself, and what no engine reads.
ONE_HOP = {"host", "connection", "upgrade", "content-length", "transfer-encoding", "accept-encoding", "content-encoding"}
# Endings of paths whose body no engine reads; dockerode sends its options there a second time.
BODILESS = ("/stop", "/kill", "/wait", "/resize", "/attach", "/rename", "/tag", "/prune", "/start")


def one_spelling(path, query):
    """The query as it is written on: a reference without what every engine adds to it, and with the tag that it means."""
    names = next((names for ending, names in REFERENCES.items() if path.endswith(ending)), ())
    repository = next((value for key, value in query if key in names and value), None)
    if repository is None:
        return query
    tag = next((value for key, value in query if key == "tag" and value), None)
    written = [(key, repository.removeprefix("docker.io/").removeprefix("library/") if key in names and value else value)
               for key, value in query if key != "tag"]
    place = next((number for number, (key, _) in enumerate(query) if key == "tag"), len(query))
    pulls_all = tag is None and any(key == "fromImage" and value for key, value in query)
    return query if pulls_all else written[:place] + [("tag", tag or "latest")] + written[place:]


def as_the_engine_reads(query):
    """The parameters without the second values of single ones."""
    return [(key, value) for number, (key, value) in enumerate(query) if key in LISTS or key not in [earlier for earlier, _ in query[:number]]]


# Fields of bodies that no engine reads: dockerode repeats the query, the CLI and docker-py say of an exec what its start or path says.
UNREAD = {"VolumesFrom", "container", "hijack", "name", "repo", "stdin", "tag"}
UNREAD_OF_EXEC = {"Container", "Detach"}
# Names of fields as docker-py writes them, and as they are written on.
SPELLINGS = {"detachKeys": "DetachKeys", "CPURealtimePeriod": "CpuRealtimePeriod", "CPURealtimeRuntime": "CpuRealtimeRuntime"}


def spelt(value):
    if not isinstance(value, dict):
        return value
    return {SPELLINGS.get(key, key): spelt(inside) for key, inside in value.items()}


def without_unread(path, body):
    unread = UNREAD | (UNREAD_OF_EXEC if path.endswith("/exec") else set())
    return {key: value for key, value in body.items() if key not in unread}



class Captures(SharedGateCase):
    POLICY = ALLOW_ALL + "guard: {mode: report}\n"  # some publish ports, or are privileged

    def test_there_are_captures(self):
        self.assertGreater(len(captures.read_all()), 150)

    def test_all_of_them_pass(self):
        for captured in captures.read_all():
            with self.subTest(captured.name):
                self.check(captured)

    def check(self, captured):
        path, _, query = captured.target.partition("?")
        fields = Fields(tuple(part.strip() for part in line.decode("latin-1").split(":", 1)) for line in captured.lines[1:])
        self.engine.reset()
        self.engine.routes.clear()
        upgrade = fields.one("Upgrade")
        if upgrade:
            switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n" % upgrade.encode()
            self.engine.default, plain = (lambda connection, _: connection.send(switch) or False), self.engine.default
        try:
            with self.gate.connect() as connection:
                connection.send(captured.raw)
                status = connection.read_head().status
        finally:
            if upgrade:
                self.engine.default = plain
        self.assertEqual(status, 101 if upgrade else 200)
        self.assertEqual(len(self.engine.requests), 1)
        seen = self.engine.requests[0]
        self.assertEqual((seen.method, seen.path), (captured.method, urllib.parse.unquote(path)))
        idle = next((keys for ending, keys in IDLE.items() if path.endswith(ending)), set())
        wanted = [(key, value) for key, value in urllib.parse.parse_qsl(query, keep_blank_values=True) if key not in idle]
        wanted = as_the_engine_reads(wanted)
        self.assertEqual(seen.query, one_spelling(path, wanted))
        exec_start = path.endswith("/start") and "/exec/" in path
        pull = path.endswith("/images/create") and "fromSrc" not in query
        if pull or (path.endswith(BODILESS) and not exec_start):
            self.assertEqual(seen.body, b"")
        elif captured.body.startswith(b"{"):
            self.assertEqual(json.loads(seen.body), without_unread(path, spelt(json.loads(captured.body))))
        else:
            self.assertEqual(seen.body, captured.body.strip())
        gone = ONE_HOP | (set() if seen.body else {"content-type"})
        self.assertEqual([field for field in seen.fields if field[0].lower() not in gone], [field for field in fields if field[0].lower() not in gone])
        self.assertNotIn("dropped_headers", self.gate.requests_logged()[-1])
        if upgrade:
            self.assertEqual(seen.field("Upgrade"), upgrade)

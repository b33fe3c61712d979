# SPDX-License-Identifier: Apache-2.0
"""`where` on existing objects: the gate asks the engine what the request names, each time, and sends the full id on."""

from harness.case import SharedGateCase
from harness.client import get, post, post_json, request
from harness.engine import answer

AGENT = "a" * 64
WEB = "b" * 64
NETWORK = "c" * 64
EXEC = "d" * 64
IMAGE = "sha256:" + "e" * 64


def container(full_id, name, image, labels=None, networks=None, volumes=()):
    return answer(200, {
        "Id": full_id, "Name": "/" + name, "Image": IMAGE,
        "Config": {"Image": image, "Labels": labels or {}},
        "NetworkSettings": {"Networks": {n: {"NetworkID": NETWORK} for n in networks or ()}},
        "Mounts": [{"Type": "volume", "Name": v, "Destination": "/x"} for v in volumes]})


class Objects(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: [ContainerStart, ContainerStop, ContainerDelete, ContainerLogs, ContainerAttach]
    where: {image: "ghcr.io/acme/agent-*"}
  - allow: [ContainerInspect, ContainerKill]
    where: {label: "team=red"}
  - allow: ContainerPause
    where: {name: ["agent", "~agent-[0-9]+"]}
  - allow: ContainerRestart
  - deny: ContainerRestart
    where: {label: "protected=*"}
  - allow: ContainerRename
    where: {network: "agents"}
  - allow: ContainerUnpause
    where: {volume: "data-*"}
  - allow: [ExecStart, ExecInspect]
    where: {image: "ghcr.io/acme/agent-*"}
  - allow: [ImageInspect, ImageDelete]
    where: {image: "acme/*"}
  - allow: [NetworkDelete, NetworkConnect]
    where: {label: "team=red"}
  - allow: VolumeDelete
    where: {label: "team=red"}
"""

    def setUp(self):
        super().setUp()
        agent = container(AGENT, "agent-7", "ghcr.io/acme/agent-1:2", {"team": "red"}, ["agents"], ["data-1"])
        web = container(WEB, "web", "nginx", {"team": "blue", "protected": "yes"}, ["bridge"])
        for name in ("agent-7", AGENT, AGENT[:12], "aa"):
            self.engine.on("GET", "/containers/%s/json" % name, agent)
        for name in ("web", WEB):
            self.engine.on("GET", "/containers/%s/json" % name, web)
        self.engine.on("GET", "/containers/nobody/json", answer(404, {"message": "No such container: nobody"}, reason="Not Found"))
        self.engine.on("GET", "/containers/broken/json", answer(200, b"{", ("Content-Type", "application/json")))
        self.engine.on("GET", "/containers/odd/json", answer(200, {"Id": 5}))
        self.engine.on("GET", "/containers/failing/json", answer(500, {"message": "boom"}, reason="Internal Server Error"))
        self.engine.on("GET", "/exec/%s/json" % EXEC, answer(200, {"ID": EXEC, "ContainerID": AGENT, "Running": False}))
        self.engine.on("GET", "/exec/other/json", answer(200, {"ID": "other", "ContainerID": WEB, "Running": False}))
        self.engine.on("GET", "/images/acme/a:1/json", answer(200, {"Id": IMAGE, "RepoTags": ["acme/a:1"], "RepoDigests": [], "Config": {"Labels": {}}}))
        self.engine.on("GET", "/images/nginx/json", answer(200, {"Id": IMAGE, "RepoTags": ["nginx:latest"], "RepoDigests": [], "Config": {"Labels": None}}))
        self.engine.on("GET", "/networks/red", answer(200, {"Id": NETWORK, "Name": "red", "Labels": {"team": "red"}}))
        self.engine.on("GET", "/networks/blue", answer(200, {"Id": NETWORK, "Name": "blue", "Labels": {}}))
        self.engine.on("GET", "/volumes/mine", answer(200, {"Name": "mine", "Labels": {"team": "red"}}))
        self.engine.on("GET", "/volumes/theirs", answer(200, {"Name": "theirs", "Labels": None}))

    def last(self):
        """The request line of what was sent on, the questions of the gate left out."""
        return self.engine.lines()[-1] if self.engine.lines() else None

    def allowed(self, raw, line):
        response = self.exchange(raw)
        self.assertEqual(response.status, 200, response)
        self.assertEqual(self.last(), line)

    def denied(self, raw):
        response = self.exchange(raw)
        self.assertEqual(response.status, 403, response)
        method, target = raw.split(b" ")[:2]
        self.assertEqual([line for line in self.engine.lines() if line.startswith(method.decode() + " ") and method != b"GET"], [], target)

    def test_the_full_id_is_what_is_sent_on(self):
        line = "POST /containers/%s/start" % AGENT
        self.each([
            ("name", "agent-7"), ("full id", AGENT), ("short id", AGENT[:12]), ("two digits of the id", "aa"),
        ], lambda name: self.allowed(post("/containers/%s/start" % name), line))
        self.allowed(post("/v1.41/containers/agent-7/stop?t=3"), "POST /v1.41/containers/%s/stop?t=3" % AGENT)

    def test_facts(self):
        self.each([
            ("image of a container", post("/containers/web/start"), None),
            ("label", post("/containers/agent-7/kill"), "POST /containers/%s/kill" % AGENT),
            ("another label", post("/containers/web/kill"), None),
            ("inspect itself", get("/containers/agent-7/json"), "GET /containers/%s/json" % AGENT),
            ("name by pattern", post("/containers/aa/pause"), "POST /containers/%s/pause" % AGENT),
            ("another name", post("/containers/web/pause"), None),
            ("deny by label", post("/containers/web/restart"), None),
            ("deny that does not match", post("/containers/agent-7/restart"), "POST /containers/%s/restart" % AGENT),
            ("network", post("/containers/agent-7/rename?name=z"), "POST /containers/%s/rename?name=z" % AGENT),
            ("another network", post("/containers/web/rename?name=z"), None),
            ("volume", post("/containers/agent-7/unpause"), "POST /containers/%s/unpause" % AGENT),
            ("no volume", post("/containers/web/unpause"), None),
            ("exec of an agent", post_json("/exec/%s/start" % EXEC, {"Detach": True}), "POST /exec/%s/start" % EXEC),
            ("exec of another", post_json("/exec/other/start", {"Detach": True}), None),
            ("image", request("DELETE", "/images/acme/a:1"), "DELETE /images/"),
            ("another image", request("DELETE", "/images/nginx"), None),
            ("network by label", request("DELETE", "/networks/red"), "DELETE /networks/%s" % NETWORK),
            ("network without", request("DELETE", "/networks/blue"), None),
            ("volume by label", request("DELETE", "/volumes/mine"), "DELETE /volumes/mine"),
            ("volume without", request("DELETE", "/volumes/theirs"), None),
        ], self.check)

    def check(self, raw, line):
        if line is None:
            self.denied(raw)
        elif line.endswith("/images/"):
            response = self.exchange(raw)
            self.assertEqual(response.status, 200, response)
            self.assertTrue(self.last().startswith(line))
        else:
            self.allowed(raw, line)

    def test_what_cannot_be_known_is_denied(self):
        self.each([
            ("no such container", post("/containers/nobody/start")),
            ("answer that is no JSON", post("/containers/broken/start")),
            ("answer of another form", post("/containers/odd/start")),
            ("engine error", post("/containers/failing/start")),
            ("deny that cannot be judged", post("/containers/nobody/restart")),
            ("exec without facts", post_json("/exec/none/start", {})),
        ], self.denied)

    def test_a_name_is_resolved_each_time(self):
        self.allowed(post("/containers/agent-7/start"), "POST /containers/%s/start" % AGENT)
        self.engine.on("GET", "/containers/agent-7/json", container(WEB, "agent-7", "nginx"))
        self.denied(post("/containers/agent-7/start"))

    def test_streams_too(self):
        switch = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        self.engine.on("POST", "/containers/%s/attach" % AGENT, lambda connection, _: connection.send(switch + b"hi") or False)
        with self.gate.connect() as connection:
            connection.send(post("/containers/agent-7/attach?stream=1", ("Connection", "Upgrade"), ("Upgrade", "tcp")))
            self.assertEqual(connection.read_head().status, 101)
            self.assertEqual(connection.to_end(), b"hi")

    def test_the_questions_carry_nothing_of_the_client(self):
        self.exchange(post("/containers/agent-7/start", ("X-Registry-Auth", "c2VjcmV0"), ("User-Agent", "evil")))
        asked = self.engine.requests[0]
        self.assertEqual((asked.line.split("/", 1)[0], asked.body), ("GET ", b""))
        self.assertEqual(asked.fields.all("X-Registry-Auth"), [])

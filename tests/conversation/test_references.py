# SPDX-License-Identifier: Apache-2.0
"""Names and references mean what the engine makes of them: what was judged is sent on in a form that can mean nothing else."""

import json
import urllib.parse

from harness.case import SharedGateCase
from harness.client import get, post, post_json, request
from harness.engine import answer

A, B, C = ("sha256:" + digit * 64 for digit in "abc")
WEB = "d" * 64
SHORT = "b" * 12    # a tag of the public image, and the beginning of a private one's id


def image(full_id, tags, public, digests=()):
    return answer(200, {"Id": full_id, "RepoTags": list(tags), "RepoDigests": list(digests),
                        "Config": {"Labels": {"public": "yes"} if public else {}}})


class Registry:
    """The images of an engine: what it answers to inspect and to the list of a repository."""

    def __init__(self, engine, images):
        self.engine, self.images = engine, images
        engine.on("GET", "/images/json", self.list)
        for full_id, tags, public in images:
            for name in list(tags) + [full_id, full_id[7:], full_id[7:19]] + [tag[:-len(":latest")] for tag in tags if tag.endswith(":latest")]:
                engine.on("GET", "/images/%s/json" % name, image(full_id, tags, public))

    def list(self, connection, seen):
        wanted, = json.loads(dict(seen.query)["filters"])["reference"]
        rows = [{"Id": full_id, "RepoTags": [tag for tag in tags if tag.rsplit(":", 1)[0] == wanted], "RepoDigests": None} for full_id, tags, _ in self.images]
        connection.send(answer(200, [row for row in rows if row["RepoTags"]]))


class Images(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: [ImageGet, ImageGetAll, ImageDelete, ImageTag, ImagePush, ImageInspect, ImageHistory, ImageAttestations]
    where: {label: "public=yes"}
  - allow: ImageCommit
    where: {name: web}
  - {allow: ContainerDelete, where: {name: web}}
"""

    def setUp(self):
        super().setUp()
        self.engine.default = answer(404, {"message": "no such image"}, reason="Not Found")
        Registry(self.engine, [(A, ["acme:1", "acme:latest", SHORT + ":latest", "many:1", "many:2"], True),
                               (B, ["secret:1", "acme:secret", "mixed:2"], False),
                               (C, ["mixed:1", "reg.example:5000/c:7", "alone:1"], True)])
        self.engine.on("GET", "/images/%s/json" % SHORT, image(A, ["acme:1", SHORT + ":latest"], True))
        self.engine.on("GET", "/images/docker.io/library/acme:1/json", image(A, ["acme:1"], True))
        self.engine.on("GET", "/containers/web/json", answer(200, {"Id": WEB, "Name": "/web", "Image": A, "Config": {"Image": "acme:1"}}))
        for method in ("GET", "POST", "DELETE"):
            for path in SENT:
                self.engine.on(method, path, answer(200, b"done"))

    def sent(self, raw, line):
        """`line` is what the engine is asked in the end; None = nothing but questions, and 403."""
        response = self.exchange(raw)
        questions = [seen for seen in self.engine.lines() if seen.startswith("GET /images/") and (seen.endswith("/json") or "/json?" in seen)]
        others = [seen for seen in self.engine.lines() if seen not in questions]
        if line is None:
            self.assertEqual((response.status, [seen for seen in others if "/containers/" not in seen]), (403, []), response)
        else:
            self.assertEqual((response.status, urllib.parse.unquote(self.engine.lines()[-1])), (200, line), self.engine.lines())

    def test_each_operation_has_its_form(self):
        self.each([
            ("inspect by tag", get("/images/acme:1/json"), "GET /images/%s/json" % A),
            ("inspect by short id", get("/v1.41/images/%s/json" % A[7:19]), "GET /v1.41/images/%s/json" % A),
            ("history", get("/images/acme:1/history"), "GET /images/%s/history" % A),
            ("tag", post("/images/acme:1/tag?repo=new&tag=1"), "POST /images/%s/tag?repo=new&tag=1" % A),
            ("delete by tag", request("DELETE", "/images/acme:1"), "DELETE /images/acme:1"),
            ("delete in a long spelling", request("DELETE", "/images/docker.io%2flibrary%2facme:1"), "DELETE /images/acme:1"),
            ("delete without a tag", request("DELETE", "/images/acme?noprune=1"), "DELETE /images/acme:latest?noprune=1"),
            ("delete by id", request("DELETE", "/images/" + A), "DELETE /images/" + A),
            ("delete by digits", request("DELETE", "/images/" + A[7:]), "DELETE /images/" + A),
            ("delete by short id", request("DELETE", "/images/" + A[7:19]), "DELETE /images/" + A),
            ("get by tag", get("/images/acme:1/get"), "GET /images/acme:1/get"),
            ("get by a registry's tag", get("/images/reg.example:5000/c:7/get"), "GET /images/reg.example:5000/c:7/get"),
            ("get by id", get("/images/%s/get" % A), "GET /images/%s/get" % A),
            ("get by short id", get("/images/%s/get" % A[7:19]), "GET /images/%s/get" % A),
            ("get of several", get("/images/get?names=acme:1&names=mixed:1"), "GET /images/get?names=acme:1&names=mixed:1"),
            ("push", post("/images/acme/push?tag=1", ("X-Registry-Auth", "e30=")), "POST /images/acme/push?tag=1"),
            ("commit", post_json("/commit?container=/web&repo=a&tag=1", {}), "POST /commit?repo=a&tag=1&container=" + WEB),
        ], self.sent)

    def test_a_tag_like_the_beginning_of_an_id_is_written_out(self):
        self.each([
            ("delete", request("DELETE", "/images/" + SHORT), "DELETE /images/%s:latest" % SHORT),
            ("get", get("/images/%s/get" % SHORT), "GET /images/%s:latest/get" % SHORT),
            ("get of several", get("/images/get?names=" + SHORT), "GET /images/get?names=%s:latest" % SHORT),
            ("push", post("/images/%s/push?tag=latest" % SHORT, ("X-Registry-Auth", "e30=")), "POST /images/%s/push?tag=latest" % SHORT),
            ("tag", post("/images/%s/tag?repo=x&tag=1" % SHORT), "POST /images/%s/tag?repo=x&tag=1" % A),
            ("inspect", get("/images/%s/json" % SHORT), "GET /images/%s/json" % A),
        ], self.sent)

    def test_where_every_tag_is_meant_every_tag_is_judged(self):
        self.each([
            ("get of a repository", get("/images/many/get"), "GET /images/get?names=many:1&names=many:2"),
            ("get of one of its tags is private", get("/images/acme/get"), None),
            ("the private one is last", get("/images/mixed/get"), None),
            ("among others", get("/images/get?names=acme:1&names=mixed"), None),
            ("one by its id", get("/images/get?names=acme:1&names=" + B[7:17]), None),
            ("push without a tag", post("/images/acme/push", ("X-Registry-Auth", "e30=")), None),
            ("push without a tag, all public", post("/images/many/push", ("X-Registry-Auth", "e30=")), "POST /images/many/push"),
            ("push without a tag, one tag", post("/images/alone/push", ("X-Registry-Auth", "e30=")), "POST /images/alone/push?tag=1"),
            ("push of another tag", post("/images/acme/push?tag=secret", ("X-Registry-Auth", "e30=")), None),
            ("push of another tag than in the path", post("/images/acme:1/push?tag=secret", ("X-Registry-Auth", "e30=")), None),
            ("get of nothing", get("/images/get"), None),
            ("get of an empty name", get("/images/get?names="), None),
        ], self.sent)

    def test_the_record_has_what_was_written_and_what_was_judged(self):
        records = []
        for raw in (request("DELETE", "/images/acme"), get("/images/many/get"), get("/images/mixed/get"), get("/images/%s/json" % SHORT), get("/images/none:1/get")):
            self.exchange(raw)
            record = [record for record in self.gate.requests_logged() if "object" in record][-1]
            records.append((record["path"], record["object"], record.get("judged"), record["decision"]))
        self.assertEqual(records, [("/images/acme", "acme", ["acme:latest"], "allow"), ("/images/many/get", "many", ["many:1", "many:2"], "allow"),
                                   ("/images/mixed/get", "mixed", ["mixed:2", "mixed:1"], "deny"), ("/images/%s/json" % SHORT, SHORT, [A], "allow"),
                                   ("/images/none:1/get", "none:1", None, "deny")])

    def test_an_answer_that_names_another_image_says_that_the_tag_moved(self):
        self.each([
            ("the judged one", [{"Untagged": "acme:1"}, {"Deleted": A}, {"Deleted": C}], "rule"),
            ("only the tag", [{"Untagged": "acme:1"}], "rule"),
            ("another", [{"Untagged": "acme:1"}, {"Deleted": B}], "object.moved"),
        ], self.moved)

    def moved(self, said, reason):
        self.engine.on("DELETE", "/images/acme:1", answer(200, json.dumps(said, separators=(",", ":")).encode()))    # as Go writes it
        self.assertEqual(self.exchange(request("DELETE", "/images/acme:1")).status, 200)
        record = [record for record in self.gate.log() if record.get("object") == "acme:1" and record["event"] == "close"][-1]
        self.assertEqual((record["decision"], record["reason"]), ("allow", reason))

    def test_a_name_that_means_another_object_is_none(self):
        self.engine.on("GET", "/images/gone/json", image(B, ["secret:1"], True))
        self.each([
            ("the tag went, the id has another beginning", request("DELETE", "/images/gone"), None),
            ("an alias of a link", request("DELETE", "/containers/web?link=1"), None),
        ], self.sent)


SENT = ["/images/%s/%s" % (name, what) for name in (A, "acme:1", "reg.example:5000/c:7", "acme", "many", "alone", SHORT, SHORT + ":latest") for what in ("get", "push", "tag", "history")]
SENT += ["/images/" + name for name in (A, "acme:1", "acme:latest", SHORT + ":latest")] + ["/images/get", "/commit"]


class Names(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: [ContainerCreate, ContainerRename, ImageTag, ImageCommit, ImageBuild]
  - deny: [ContainerCreate, ContainerRename]
    where: {query.name: "prod-*"}
  - deny: ContainerCreate
    where: {name: "live-*"}
  - deny: [ImageTag, ImageCommit]
    where: {query.repo: "prod:1"}
  - deny: ImageBuild
    where: {query.t: "prod:1"}
  - allow: ImageCreate
    where: {query.fromImage: ["r/good:1", "r/any"]}
  - allow: ImageCreate
    where: {image: "nginx:*"}
"""

    def judged(self, raw, sent):
        response = self.exchange(raw)
        lines = [urllib.parse.unquote(line) for line in self.engine.lines()]
        self.assertEqual((response.status, lines), (403, []) if sent is None else (200, [sent]), response)

    def test_one_slash_before_a_container_name_does_not_count(self):
        self.each([
            ("plain", post_json("/containers/create?name=prod-db", {}), None),
            ("slash", post_json("/containers/create?name=/prod-db", {}), None),
            ("escaped slash", post_json("/containers/create?name=%2Fprod-db", {}), None),
            ("escaped name", post_json("/containers/create?name=%2f%70rod-db", {}), None),
            ("escaped key", post_json("/containers/create?%6eame=/prod-db", {}), None),
            ("by the key name", post_json("/containers/create?name=/live-db", {}), None),
            ("rename", post("/containers/x/rename?name=/prod-db"), None),
            ("rename, escaped", post("/containers/x/rename?name=%2Fprod-db"), None),
            ("another name", post_json("/containers/create?name=/dev", {}), "POST /containers/create?name=dev"),
            ("two slashes are no name", post_json("/containers/create?name=//prod-db", {}), "POST /containers/create?name=//prod-db"),
        ], self.judged)

    def test_a_reference_is_name_and_tag_together(self):
        self.each([
            ("as the rule has it", post("/images/create?fromImage=r/good:1"), "POST /images/create?fromImage=r/good&tag=1"),
            ("in two parameters", post("/images/create?fromImage=r/good&tag=1"), "POST /images/create?fromImage=r/good&tag=1"),
            ("in the long spelling", post("/images/create?fromImage=docker.io/r/good:1"), "POST /images/create?fromImage=r/good&tag=1"),
            ("the tag wins", post("/images/create?fromImage=r/good:1&tag=evil"), None),
            ("the tag is first", post("/images/create?tag=evil&fromImage=r/good:1"), None),
            ("the tag is a digest", post("/images/create?fromImage=r/good:1&tag=sha256:" + "0" * 64), None),
            ("every tag", post("/images/create?fromImage=r/good"), None),
            ("every tag, empty", post("/images/create?fromImage=r/good&tag="), None),
            ("every tag, colon", post("/images/create?fromImage=r/good:"), None),
            ("a repository with any tag", post("/images/create?fromImage=r/any:7"), "POST /images/create?fromImage=r/any&tag=7"),
            ("a repository with every tag", post("/images/create?fromImage=r/any"), "POST /images/create?fromImage=r/any"),
            ("by image", post("/images/create?fromImage=docker.io/library/nginx&tag=2"), "POST /images/create?fromImage=nginx&tag=2"),
            ("not by image", post("/images/create?fromImage=nginx:1&tag=sha256:" + "0" * 64), None),
            ("a tag on a denied name", post("/images/x/tag?repo=prod:1"), None),
            ("in two parameters", post("/images/x/tag?repo=prod&tag=1"), None),
            ("the tag wins here too", post("/images/x/tag?repo=prod:2&tag=1"), None),
            ("in the long spelling", post("/images/x/tag?repo=index.docker.io/library/prod&tag=1"), None),
            ("another", post("/images/x/tag?repo=prod:1&tag=2"), "POST /images/x/tag?repo=prod&tag=2"),
            ("commit", post_json("/commit?container=x&repo=docker.io/library/prod:1", {}), None),
            ("build", post("/build?t=a&t=docker.io/library/prod:1", ("Content-Type", "application/x-tar")), None),
        ], self.judged)


class Registries(SharedGateCase):
    """A registry's name is a host's: in capitals, and with the port that it has anyway, it is the same one."""

    POLICY = """version: 1
docker:
  - allow: ImageCreate
    where: {image: ["*", "**"]}
  - deny: ImageCreate
    where: {image: "bad.example/*"}
  - deny: ImageCreate
    where: {query.fromImage: "worse.example/team/x"}
  - allow: [ImagePush, ImageInspect]
    where: {name: ["*", "**"]}
  - deny: [ImagePush, ImageInspect]
    where: {name: "bad.example/*"}
  - allow: ImageTag
  - deny: ImageTag
    where: {query.repo: "bad.example/**"}
"""

    def judged(self, raw, status):
        response = self.exchange(raw)
        asked = [line for line in self.engine.lines() if line.startswith("POST")]
        self.assertEqual((response.status, len(asked)), (status, status == 200), response)

    def test_a_deny_means_every_spelling_of_a_registry(self):
        self.each([
            ("as it stands", post("/images/create?fromImage=bad.example/x&tag=1"), 403),
            ("in capitals", post("/images/create?fromImage=BAD.example/x&tag=1"), 403),
            ("one capital", post("/images/create?fromImage=bad.examplE/x:1"), 403),
            ("its own port", post("/images/create?fromImage=bad.example:443/x&tag=1"), 403),
            ("both", post("/images/create?fromImage=Bad.Example:443/x&tag=1"), 403),
            ("every tag", post("/images/create?fromImage=Bad.Example/x"), 403),
            ("by digest", post("/images/create?fromImage=Bad.Example/x&tag=sha256:" + "0" * 64), 403),
            ("by the parameter", post("/images/create?fromImage=Worse.example/team/x&tag=1"), 403),
            ("another port", post("/images/create?fromImage=bad.example:4443/x&tag=1"), 200),
            ("another registry", post("/images/create?fromImage=Good.example/x&tag=1"), 200),
            ("a name on it in another order", post("/images/create?fromImage=good.example/bad.example/x&tag=1"), 200),
            ("a tag", post("/images/x/tag?repo=BAD.example/x&tag=1"), 403),
            ("a tag elsewhere", post("/images/x/tag?repo=GOOD.example/x&tag=1"), 200),
        ], self.judged)

    def test_so_it_is_where_an_image_has_such_a_tag(self):
        for name, status in (("bad.example/x", 403), ("BAD.example/x", 403), ("bad.example:443/x", 403), ("good.example/x", 200)):
            self.engine.on("GET", "/images/%s:1/json" % name, answer(200, {"Id": A, "RepoTags": [name + ":1"], "RepoDigests": [], "Config": {"Labels": {}}}))
            with self.subTest(name):
                self.judged(post("/images/%s/push?tag=1" % name, ("X-Registry-Auth", "e30=")), status)

# SPDX-License-Identifier: Apache-2.0
"""Spellings of the path and the version prefix: what the engine would read in another way than the gate never passes, and what
passes is written anew in the one canonical form."""

import urllib.parse

from harness.case import REFUSED, SharedGateCase
from harness.client import get, post, post_json, request
from harness.engine import answer

BAD = (400, 403)


class Spellings(SharedGateCase):
    def test_versions_have_one_correct_form(self):
        self.each([
            ("dot before the number", "/v.1.41/containers/json", (400,)),
            ("two dots", "/v1..41/containers/json", (400,)),
            ("dots only", "/v.../containers/json", (400,)),
            ("dot behind", "/v1.41./containers/json", (400,)),
            ("leading zeros in the major part", "/v001.41/containers/json", (400,)),
            ("leading zero in the minor part", "/v1.041/containers/json", (400,)),
            ("three parts", "/v1.41.0/containers/json", BAD),
            ("major only", "/v1/containers/json", BAD),
            ("version two", "/v2/containers/json", BAD),
            ("number without a dot", "/v9999/containers/json", BAD),
            ("huge minor part", "/v1.99999999999999999999/containers/json", BAD),
            ("upper-case letter", "/V1.41/containers/json", BAD),
            ("twice", "/v1.41/v1.41/containers/json", BAD),
            ("before 1.12", "/v1.11/containers/json", (400,)),
            ("the first", "/v1.0/containers/json", (400,)),
            ("version alone", "/v1.41", BAD),
            ("version and a slash", "/v1.41/", BAD),
            ("letter behind", "/v1.41x/containers/json", BAD),
            ("blank behind", "/v1.41%20/containers/json", BAD),
        ], lambda target, statuses: self.refused(get(target), statuses))

    def test_known_versions_pass_as_they_are(self):
        for version in ("1.12", "1.18", "1.23", "1.24", "1.41", "1.47", "1.55"):
            with self.subTest(version):
                self.passes(get("/v%s/containers/json" % version), "GET /v%s/containers/json" % version)
        with self.subTest("none"):
            self.passes(get("/containers/json"), "GET /containers/json")

    def test_encoded_spellings_are_sent_on_in_canonical_form(self):
        self.each([
            ("lower-case hex", "/%5fping", "GET /_ping"),
            ("upper-case hex", "/%5Fping", "GET /_ping"),
            ("encoded letters", "/%63ontainers/%6Ason", "GET /containers/json"),
            ("encoded slash between segments", "/containers%2fjson", "GET /containers/json"),
            ("encoded verb", "/containers/x/%6cogs", "GET /containers/x/logs"),
            ("encoded version", "/%761.41/containers/json", "GET /v1.41/containers/json"),
        ], lambda target, line: self.passes(get(target), line))

    def test_encoded_verbs_are_judged_as_what_they_are(self):
        seen = self.passes(post_json("/%76olumes/create", {"Name": "v"}), "POST /volumes/create")
        self.assertEqual(seen.body, b'{"Name":"v"}')
        self.assertEqual(self.gate.requests_logged(path="/volumes/create")[-1]["operation"], "VolumeCreate")

    def test_nothing_is_decoded_twice(self):
        self.refused(get("/%255fping"), BAD)
        self.refused(get("/containers%252fjson"), BAD)
        seen = self.passes(get("/containers/%252e%252e/json"))
        self.assertEqual(seen.path, "/containers/%2e%2e/json")
        seen = self.passes(get("/images/a%252Fb/json"))
        self.assertEqual(seen.path, "/images/a%2Fb/json")

    def test_what_is_no_path_is_refused(self):
        self.each([
            ("invalid escape", get("/containers/%zz/json")),
            ("cut escape", get("/containers/x%2")),
            ("lone percent sign", get("/containers/%/json")),
            ("dot segment in front", get("/./containers/json")),
            ("dot-dot segment", get("/x/../containers/json")),
            ("dot-dot above the root", get("/../containers/json")),
            ("encoded dot-dot", get("/%2e%2e/containers/json")),
            ("half encoded dot-dot", get("/x/.%2E/containers/json")),
            ("dot as a name", get("/containers/./json")),
            ("dot-dot as a name", get("/containers/../json")),
            ("encoded dot as a name", get("/containers/%2e/json")),
            ("encoded slash around dot-dot", get("/containers/x%2f..%2f..%2fsecrets")),
            ("dot-dot at the end", get("/containers/x/..")),
            ("NUL", get("/containers/json%00")),
            ("NUL in a name", get("/containers/a%00b/json")),
            ("newline", get("/containers/json%0a")),
            ("CR LF", get("/containers/x%0d%0aX-Evil:%201/json")),
            ("escape", get("/containers/x%1b%5b31m/json")),
            ("DEL", get("/containers/x%7f/json")),
            ("backslash", b"GET /containers\\json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("backslashes throughout", b"GET \\containers\\json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("encoded backslash", get("/containers/x%5c..%5cy/json")),
            ("parameter segment", get("/containers/json;x=1")),
            ("trailing slash", request("POST", "/containers/create/", [("Content-Type", "application/json")], b"{}")),
            ("upper-case segment", get("/Containers/json")),
            ("upper-case verb", post_json("/containers/Create", {})),
            ("fragment", b"GET /containers/json#x HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("fragment that hides a path", b"GET /x#/_ping HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("prefix of a word", get("/containersfoo")),
            ("no path", b"GET ?x=/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("star", b"OPTIONS * HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("relative", b"GET containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
        ], lambda raw: self.refused(raw, BAD + (405,)))

    def test_an_old_version_is_the_engines_to_refuse(self):
        too_old = b'{"message":"client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version"}'
        self.engine.on("GET", "/info", answer(400, too_old))
        response = self.exchange(get("/v1.23/info"))
        self.assertEqual((response.status, response.body), (400, too_old))
        self.assertEqual(self.engine.lines(), ["GET /v1.23/info"])

    def test_old_forms_stay_refused_whatever_the_version(self):
        """What an operation meant before 1.24 and no longer does: no rule was written for it."""
        self.each([
            ("a start with a HostConfig", post_json("/v1.23/containers/x/start", {"Privileged": True, "Binds": ["/:/host"]}), (400,)),
            ("copying a file out", post_json("/v1.23/containers/x/copy", {"Resource": "/etc/shadow"}), (403,)),
            ("inserting a file", request("POST", "/v1.12/images/x/insert?path=a&url=b"), (403,)),
            ("a create", post_json("/v1.24/containers/create", {"Image": "a"}), (400,)),
            ("listing by its oldest name", get("/v1.12/containers/ps"), BAD),
        ], self.refused)
        self.passes(post_json("/v1.23/containers/x/start", b"{}"), "POST /v1.23/containers/x/start")
        self.assertEqual(self.engine.requests[0].body, b"")

    def test_a_doubled_slash_is_answered_as_the_engine_answers(self):
        """Engine 20.10: 301 whatever the method, an empty body, the query as it was."""
        def check(method, target, location):
            raw = b"%s %s HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n" % (method.encode(), target)
            response = self.refused(raw, (301,), method)
            self.assertEqual((response.field("Location"), response.body, response.reason), (location, b"", "Moved Permanently"))
            record = self.gate.requests_logged()[-2]
            self.assertEqual((record["decision"], record["reason"], record["status"]), ("deny", "malformed.path-empty-segment", 301))

        self.each([
            ("a name as Names[0] has it", "GET", b"/containers//web/json", "/containers/web/json"),
            ("in front", "GET", b'//containers/json?all=1&filters={"a"|}', '/containers/json?all=1&filters={"a"|}'),
            ("encoded", "GET", b"/v1.41/containers/%2Fweb/json?size=1", "/v1.41/containers/web/json?size=1"),
            ("HEAD", "HEAD", b"/containers//json", "/containers/json"),
            ("POST", "POST", b"/containers//create?name=a", "/containers/create?name=a"),
            ("DELETE", "DELETE", b"/v1.41//containers/x", "/v1.41/containers/x"),
            ("a method that no path has", "PATCH", b"/containers//json", "/containers/json"),
            ("at the end", "GET", b"/containers/json//", "/containers/json/"),
            ("all over", "GET", b"///v1.41///_ping", "/v1.41/_ping"),
            ("a query that nobody could read", "GET", b"//info?a;b", "/info?a;b"),
            ("bytes that a path has escaped", "GET", b"/a//b%20c!*()'$&+,;=@:~%2e%3F%25%C3%A9", "/a/b%20c%21%2A%28%29%27$&+,;=@:~.%3F%25%C3%A9"),
            ("another host", "GET", b"//evil.example/containers/json", "/evil.example/containers/json"),
            ("no operation", "GET", b"//", "/"),
        ], check)

    def test_behind_a_doubled_slash_the_connection_goes_on(self):
        with self.gate.connect() as connection:
            moved = connection.ask(request("POST", "//containers/create", [("Content-Type", "application/json")], b'{"Image":"a"}'))
            self.assertEqual(moved.status, 301)
            self.assertEqual(connection.ask(get(moved.field("Location").replace("create", "json"))).status, 200)

    def test_a_doubled_slash_does_not_make_another_fault_good(self):
        self.each([
            ("dots", get("/containers//../json")), ("NUL", get("//_ping%00")), ("backslash", get("//a%5cb")), ("escape", get("//_ping%zz")),
            ("raw byte", b"GET //_ping{} HTTP/1.1\r\nHost: d\r\n\r\n"), ("line break", get("//_ping%0d%0aSet-Cookie:%20a")),
        ], lambda raw: self.refused(raw, (400,)))

    def test_a_name_may_have_a_space(self):
        """The engine takes any name for a network; a volume has those of its driver."""
        self.each([
            ("inspect", get("/networks/my%20net"), "GET /networks/my%20net"),
            ("delete", request("DELETE", "/volumes/my%20data"), "DELETE /volumes/my%20data"),
            ("connect", post_json("/networks/my%20net/connect", {"Container": "x"}), "POST /networks/my%20net/connect"),
            ("spaces around", get("/networks/%20net%20"), "GET /networks/%20net%20"),
        ], self.passes)
        self.assertEqual(self.gate.requests_logged()[-2]["object"], " net ")
        self.refused(get("/containers/json%20"), (403,))
        self.refused(b"GET /networks/my net HTTP/1.1\r\nHost: d\r\n\r\n", (400,))

    def test_raw_bytes_in_the_target_are_refused(self):
        def check(byte):
            self.refused(b"GET /containers/x" + byte + b"y/json HTTP/1.1\r\nHost: d\r\n\r\n", (400,))

        self.each([("0x%02x" % value, bytes([value])) for value in
                   (0x00, 0x01, 0x09, 0x0b, 0x0c, 0x0d, 0x1b, 0x20, 0x22, 0x3c, 0x3e, 0x5e, 0x60, 0x7b, 0x7c, 0x7d, 0x7f,
                    0x80, 0xe9, 0xff)], check)

    def test_networks_with_a_slash_is_a_route_of_the_engine(self):
        seen = self.passes(get("/networks/"))
        self.assertIn(seen.line, ("GET /networks", "GET /networks/"))

    def test_names_are_bytes_and_stay_those_bytes(self):
        def check(encoded):
            seen = self.passes(get("/images/%s/json" % encoded))
            self.assertEqual(urllib.parse.unquote_to_bytes(seen.raw_path),
                             b"/images/" + urllib.parse.unquote_to_bytes(encoded) + b"/json")

        self.each([
            ("composed", "caf%C3%A9"),
            ("decomposed", "cafe%CC%81"),
            ("CJK", "%E5%AE%B9%E5%99%A8"),
            ("tag and digest", "reg%2Fns%2Fimg%3Atag%40sha256%3Aabc"),
            ("plus sign", "a%2Bb"),
            ("raw colon and at", "a:b@c"),
        ], check)

    def test_overlong_utf8_never_becomes_a_dot_segment(self):
        response = self.exchange(get("/containers/%c0%ae%c0%ae/json"))
        if response.status == 200:
            self.assertEqual(urllib.parse.unquote_to_bytes(self.engine.requests[0].raw_path), b"/containers/\xc0\xae\xc0\xae/json")
        else:
            self.assertIn(response.status, BAD)

    def test_absolute_form_must_agree_with_host(self):
        self.passes(b"GET http://d/containers/json HTTP/1.1\r\nHost: d\r\n\r\n", "GET /containers/json")
        self.each([
            ("another host", b"GET http://e/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("userinfo", b"GET http://u@d/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("https", b"GET https://d/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
            ("unix", b"GET unix://d/containers/json HTTP/1.1\r\nHost: d\r\n\r\n"),
        ], lambda raw: self.refused(raw, (400,)))


class Methods(SharedGateCase):
    def test_other_methods_are_refused(self):
        self.each([(method, method) for method in
                   ("CONNECT", "TRACE", "PATCH", "OPTIONS", "PROPFIND", "get", "Get", "GE\tT", "M" * 300)],
                  lambda method: self.refused(request(method, "/containers/json"), REFUSED, method="GET"))

    def test_connect_in_authority_form(self):
        self.refused(b"CONNECT engine:443 HTTP/1.1\r\nHost: engine:443\r\n\r\n", REFUSED, method="GET")

    def test_method_that_the_path_does_not_have_is_405(self):
        self.each([
            ("POST to a list", post("/containers/json")),
            ("PUT to version", request("PUT", "/version")),
            ("DELETE of ping", request("DELETE", "/_ping")),
        ], lambda raw: self.refused(raw, (403, 405)))

    def test_override_headers_never_reach_the_engine(self):
        names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL")
        seen = self.passes(get("/containers/json", *[(name, "DELETE") for name in names]), "GET /containers/json")
        for name in names:
            self.assertEqual(seen.fields.all(name), [])


class Routes(SharedGateCase):
    """Which operation a path is, in the order of the engine's own routes. The log says."""

    def check(self, method, target, operation, name=None):
        body = b"{}" if method in ("POST", "PUT") else None
        self.exchange(request(method, target, [("Content-Type", "application/json")] if body else (), body))
        record = self.gate.requests_logged()[-2]
        self.assertEqual((record.get("operation"), record["decision"]), (operation, "allow"), record)
        self.assertEqual(len(self.engine.requests), 2, "the request and the barrier")
        if name:
            self.assertIn(name, record["object"])

    def test_greedy_names_and_names_like_verbs(self):
        self.each([
            ("logs of a name with a slash", "GET", "/containers/a/b/logs", "ContainerLogs", "a/b"),
            ("export of an image with slashes", "GET", "/images/reg/ns/img/get", "ImageGet", "reg/ns/img"),
            ("the same encoded", "GET", "/images/reg%2Fns%2Fimg/get", "ImageGet", "reg/ns/img"),
            ("list of images", "GET", "/images/json", "ImageList"),
            ("image named get", "GET", "/images/get/json", "ImageInspect", "get"),
            ("export of several", "GET", "/images/get", "ImageGetAll"),
            ("export of an image named get", "GET", "/images/get/get", "ImageGet", "get"),
            ("image named json below a name", "GET", "/images/a/json/json", "ImageInspect", "a/json"),
            ("search", "GET", "/images/search", "ImageSearch"),
            ("image named search", "GET", "/images/search/json", "ImageInspect", "search"),
            ("deletion of an image named json", "DELETE", "/images/json", "ImageDelete", "json"),
            ("container named create", "GET", "/containers/create/json", "ContainerInspect", "create"),
            ("deletion of a container named prune", "DELETE", "/containers/prune", "ContainerDelete", "prune"),
            ("prune", "POST", "/containers/prune", "ContainerPrune"),
            ("push of an image named create", "POST", "/images/create/push", "ImagePush", "create"),
            ("network named prune", "GET", "/networks/prune", "NetworkInspect", "prune"),
            ("volume named create", "GET", "/volumes/create", "VolumeInspect", "create"),
            ("plugin privileges", "GET", "/plugins/privileges", "GetPluginPrivileges"),
            ("websocket attach is not attach", "GET", "/containers/x/attach/ws", "ContainerAttachWebsocket"),
            ("unlock key", "GET", "/swarm/unlockkey", "SwarmUnlockkey"),
            ("head of a list is a read of it", "HEAD", "/_ping", "SystemPingHead"),
        ], self.check)


class DenyRoutes(SharedGateCase):
    POLICY = """version: 1
docker:
  - allow: "@read"
  - allow: "@lifecycle"
  - allow: ImageGet
  - deny: {method: GET, path: "/images/*/get"}
"""

    def test_routes_off_the_list_are_denied_by_default(self):
        self.each([
            ("profiles", get("/debug/pprof/profile")),
            ("variables", get("/debug/vars")),
            ("checkpoints", get("/containers/x/checkpoints")),
            ("new checkpoint", post_json("/containers/x/checkpoints", {"CheckpointID": "c", "CheckpointDir": "/etc"})),
            ("attestations", get("/images/x/attestations")),
            ("build cancel", post("/build/cancel")),
            ("metrics", get("/metrics")),
            ("grpc", post("/grpc")),
            ("libpod", get("/libpod/containers/json")),
            ("libpod with its version", get("/v5.0.0/libpod/containers/json")),
            ("an unknown word", get("/whatever")),
            ("the root", get("/")),
        ], lambda raw: self.refused(raw, (403, 405)))

    def test_a_star_in_a_deny_covers_names_with_slashes(self):
        self.each([
            ("plain", get("/images/img/get")),
            ("slashes", get("/images/reg/ns/img/get")),
            ("encoded slashes", get("/images/reg%2Fns%2Fimg/get")),
            ("encoded verb", get("/images/img/%67et")),
        ], lambda raw: self.refused(raw, (403,)))


class PingOnly(SharedGateCase):
    POLICY = "version: 1\n"

    def test_ping_is_no_way_to_anything_else(self):
        self.passes(get("/_ping"), "GET /_ping")
        self.each([
            ("dot-dot", post_json("/_ping/../containers/create", {})),
            ("dot-dot with GET", get("/_ping/../containers/json")),
            ("encoded dot-dot", get("/_ping/%2e%2e/containers/json")),
            ("segment behind", get("/_ping/containers/json")),
            ("query that looks like it", get("/containers/json?x=/_ping")),
            ("suffix", get("/_pingx")),
        ], lambda raw: self.refused(raw, BAD))


class Libpod(SharedGateCase):
    POLICY = 'version: 1\ndocker:\n  - allow: {method: GET, path: "/libpod/**"}\n'

    def test_libpod_keeps_its_version_prefix(self):
        self.passes(get("/v5.0.0/libpod/containers/json"), "GET /v5.0.0/libpod/containers/json")
        self.passes(get("/libpod/containers/json"), "GET /libpod/containers/json")
        self.refused(request("POST", "/v5.0.0/libpod/containers/x/start", body=b""), (403, 405))


class LibpodIsNotInAll(SharedGateCase):
    def test_all_does_not_open_libpod(self):
        self.refused(get("/libpod/containers/json"), (403,))
        self.refused(get("/v5.0.0/libpod/containers/json"), (400, 403))

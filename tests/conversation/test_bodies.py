# SPDX-License-Identifier: Apache-2.0
"""Request bodies: which operations have one, in which form, and what becomes of the rest."""

from harness import client
from harness.case import SharedGateCase
from harness.client import chunked, post, post_json, request

FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Bodies(SharedGateCase):
    def last(self):
        return self.gate.requests_logged()[-2]

    def test_forms_are_refused(self):
        """The engine lets a form's fields override the query's."""
        def check(target, body, content_type="application/x-www-form-urlencoded"):
            self.refused(post(target, ("Content-Type", content_type), body=body), (415,))

        self.each([
            ("pull", "/images/create?fromImage=good", b"fromImage=evil"),
            ("tag", "/images/x/tag?repo=good", b"repo=evil"),
            ("rename", "/containers/x/rename?name=good", b"name=evil"),
            ("kill", "/containers/x/kill", b"signal=KILL"),
            ("stop", "/containers/x/stop", b"t=0"),
            ("prune of containers", "/containers/prune?filters=%7B%7D", b"filters={}"),
            ("prune of images", "/images/prune", b"filters={}"),
            ("prune of volumes", "/volumes/prune", b"filters={}"),
            ("prune of networks", "/networks/prune", b"filters={}"),
            ("create", "/containers/create", b"Image=x"),
            ("one byte", "/images/create?fromImage=good", b"a"),
            ("upper case", "/images/create?fromImage=good", b"fromImage=evil", "APPLICATION/X-WWW-FORM-URLENCODED"),
            ("with a parameter", "/images/create?fromImage=good", b"fromImage=evil", "application/x-www-form-urlencoded; charset=utf-8"),
            ("multipart", "/images/create?fromImage=good",
             b"--b\r\nContent-Disposition: form-data; name=\"fromImage\"\r\n\r\nevil\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        ], check)

    def test_a_chunked_form_is_refused(self):
        self.refused(b"POST /images/create?fromImage=good HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"fromImage=evil"), (415,))

    def test_an_empty_form_is_what_curl_sends(self):
        seen = self.passes(post("/containers/x/stop", FORM), "POST /containers/x/stop")
        self.assertEqual(seen.fields.all("Content-Type"), [])

    def test_media_types_of_json(self):
        for name, value in (("plain", "application/json"), ("upper case", "APPLICATION/JSON"),
                            ("charset", "application/json; charset=utf-16"), ("blanks", "application/json ;charset=utf-8")):
            with self.subTest(name):
                seen = self.passes(post("/containers/create", ("Content-Type", value), body=b'{"Image":"a"}'), "POST /containers/create")
                self.assertEqual((seen.body, seen.field("Content-Type").split(";")[0].strip()), (b'{"Image":"a"}', "application/json"))

    def test_json_in_another_wrapping_is_refused(self):
        self.each([
            ("no media type", ()),
            ("text/plain", (("Content-Type", "text/plain"),)),
            ("malformed", (("Content-Type", "application/json;;=x"),)),
            ("a list", (("Content-Type", "text/plain, application/json"),)),
            ("an unknown type", (("Content-Type", "application/evil"),)),
            ("gzip", (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))),
        ], lambda fields: self.refused(post("/containers/create", *fields, body=b'{"Image":"a"}'), (400, 415)))

    def test_bodies_nobody_asked_for_are_dropped_and_logged(self):
        def check(raw, line, size):
            seen = self.passes(raw, line)
            self.assertEqual((seen.body, seen.fields.all("Content-Type"), seen.fields.all("Transfer-Encoding")), (b"", [], []))
            self.assertEqual(self.last().get("dropped_body"), size)

        self.each([
            ("GET", request("GET", "/containers/json", (), b"{}"), "GET /containers/json", 2),
            ("DELETE", request("DELETE", "/containers/x", (), b"abc"), "DELETE /containers/x", 3),
            ("stop, as dockerode", post_json("/containers/x/stop?t=5", b'{"t": 5}'), "POST /containers/x/stop?t=5", 8),
            ("chunked", b"POST /containers/x/stop HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"),
             "POST /containers/x/stop", 3),
            ("start, within what dockerode sends", post_json("/containers/x/start", b"{}"), "POST /containers/x/start", 2),
            ("64 kB", post("/containers/x/stop", body=b"a" * 65536), "POST /containers/x/stop", 65536),
        ], check)

    def test_long_bodies_nobody_asked_for_are_refused(self):
        self.each([
            ("declared", post("/containers/x/stop", body=b"a" * 65537)),
            ("declared, not sent", b"POST /containers/x/stop HTTP/1.1\r\nHost: d\r\nContent-Length: 999999999999\r\n\r\n"),
            ("chunked", b"POST /containers/x/stop HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a" * 65537)),
        ], lambda raw: self.refused(raw, (413,)))

    def test_start_takes_no_host_config(self):
        """Engines before API 1.24 read a HostConfig here; over 7 bytes is more than an empty object."""
        self.refused(post_json("/containers/x/start", {"Privileged": True}), (400, 403, 413))
        self.refused(post_json("/containers/x/start", b"12345678"), (400, 403, 413))

    def test_archives_pass_in_any_media_type(self):
        self.each([
            ("load", post("/images/load", ("Content-Type", "application/x-tar"), body=b"tar")),
            ("load without a type, as docker-py", post("/images/load", body=b"tar")),
            ("import", post("/images/create?fromSrc=-&repo=r", ("Content-Type", "text/plain"), body=b"tar")),
            ("put archive", request("PUT", "/containers/x/archive?path=%2F", (), b"tar")),
            ("build", post("/build?t=a", ("Content-Type", "application/tar"), body=b"tar")),
            ("a type that is none", post("/images/load", ("Content-Type", "plain/text"), body=b"tar")),
            ("gtar", post("/images/create?fromSrc=-&repo=r", ("Content-Type", "application/x-gtar"), body=b"tar")),
            ("vendor's", request("PUT", "/containers/x/archive?path=%2F", (("Content-Type", "application/vnd.acme+tar; v=1"),), b"tar")),
            ("JSON, as some send everything", post("/build?t=a", ("Content-Type", "application/json"), body=b"tar")),
        ], lambda raw: self.assertEqual(self.passes(raw).body, b"tar"))

    def test_a_form_in_any_spelling_of_the_engines_is_refused_for_archives(self):
        """Go folds letters and trims blanks of all of Unicode before it looks whether the type is a form's."""
        def check(media_type):
            raw = b"POST /images/create?fromSrc=-&repo=r HTTP/1.1\r\nHost: d\r\nContent-Type: %s\r\nContent-Length: 3\r\n\r\na=b"
            self.refused(raw % media_type, (415,))

        form = b"application/x-www-form-urlencoded"
        self.each([
            ("plain", form), ("capitals", form.upper()), ("parameter", form + b"; charset=x"), ("half a parameter", form + b" ;;"),
            ("dotted capital i", "appl\u0130cation/x-www-form-urlencoded".encode()), ("blank of another kind", form + "\u00a0".encode()),
            ("multipart", b"multipart/form-data; boundary=x"), ("multipart in capitals", b"MULTIPART/MIXED"),
        ], check)

    def test_a_pull_has_no_body(self):
        seen = self.passes(post_json("/images/create?fromImage=img&tag=1", {"fromImage": "evil"}))
        self.assertEqual((seen.body, seen.query), (b"", [("fromImage", "img"), ("tag", "1")]))

    def test_a_push_brings_its_empty_credentials(self):
        """Without X-Registry-Auth the engine reads them from the body, and an empty body is an error to it."""
        seen = self.passes(post_json("/images/img/push?tag=1", b"{}"))
        self.assertTrue(seen.body == b"{}" or seen.field("X-Registry-Auth"), seen.head)

    def test_lengths_are_kept_and_chunks_made_anew(self):
        seen = self.passes(post_json("/containers/create", {"Image": "a"}))
        self.assertEqual((seen.kind, seen.body), ("length", b'{"Image":"a"}'))
        seen = self.passes(b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"ab", b"c" * 70000))
        self.assertEqual((seen.kind, seen.body), ("chunked", b"ab" + b"c" * 70000))


class JsonLimit(SharedGateCase):
    OPTIONS = {"options": ["--max-json-body", "2k"]}
    HEAD = (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))

    @staticmethod
    def json_of(size):
        return b'{"Image":"' + b"x" * (size - 12) + b'"}'

    def test_up_to_the_limit_it_passes(self):
        body = self.json_of(2048)
        self.each([
            ("declared", post_json("/containers/create", body)),
            ("one chunk", request("POST", "/containers/create", self.HEAD) + chunked(body)),
            ("many chunks", request("POST", "/containers/create", self.HEAD) + chunked(*(body[i:i + 100] for i in range(0, 2048, 100)))),
        ], lambda raw: self.assertEqual(self.passes(raw).body, body))

    def test_a_longer_one_that_says_so_is_refused_unseen(self):
        self.each([
            ("one byte more", post_json("/containers/create", self.json_of(2049))),
            ("only announced", request("POST", "/containers/create", (("Content-Type", "application/json"), ("Content-Length", "2049")))),
            ("asks before it sends", request("POST", "/containers/create", (("Content-Type", "application/json"), ("Expect", "100-continue"),
                                                                            ("Content-Length", "999999999999")))),
        ], lambda raw: self.refused(raw, (413,)))

    def test_a_longer_one_that_does_not_say_so_is_never_whole(self):
        """The engine may have seen its beginning, but what it saw never ends as a request does."""
        def check(*parts):
            response = self.exchange(request("POST", "/containers/create", self.HEAD) + chunked(*parts))
            self.assertEqual(response.status, 413, response)
            self.assertTrue(response.message)
            self.assertEqual(self.engine.lines(), [])
            self.assertEqual(self.gate.log(operation="ContainerCreate")[-1]["status"], 413)

        body = self.json_of(2049)
        self.each([
            ("one byte more", body),
            ("in the last chunk", body[:2048], body[2048:]),
            ("one long chunk", self.json_of(70000)),
            ("chunks of one byte", *(body[i:i + 1] for i in range(2049))),
        ], check)

    def test_archives_have_no_limit_of_json(self):
        self.assertEqual(len(self.passes(post("/images/load", body=b"t" * 70000)).body), 70000)


class Continue(SharedGateCase):
    HEAD = b"POST /images/load HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"

    def test_the_body_is_asked_for_after_the_decision(self):
        with self.gate.connect() as connection:
            connection.send(self.HEAD)
            self.assertEqual(connection.until(b"\r\n\r\n").split(b"\r\n")[0].split(b" ")[1], b"100")
            connection.send(b"tar")
            response = connection.read_response("POST")
        self.assertEqual((response.status, response.interim), (200, []))
        self.assertEqual(self.engine.requests[0].body, b"tar")
        self.assertEqual(self.engine.requests[0].fields.all("Expect"), [])

    def test_a_denied_request_is_not_asked_for_its_body(self):
        with self.gate.connect() as connection:
            connection.send(self.HEAD.replace(b"/images/load", b"/whatever"))
            response = connection.read_response("POST")
        self.assertEqual((response.status, response.interim), (403, []))
        self.assertEqual(self.engine.heads, [])

    def test_other_expectations_are_417(self):
        self.each([
            ("another word", "200-ok"),
            ("a list", "100-continue, x"),
            ("with a parameter", "100-continue;a=b"),
        ], lambda value: self.refused(client.get("/containers/json", ("Expect", value)), (417,)))

    def test_case_of_the_expectation_does_not_matter(self):
        with self.gate.connect() as connection:
            connection.send(self.HEAD.replace(b"100-continue", b"100-Continue") + b"tar")
            self.assertEqual(connection.read_response("POST").status, 200)

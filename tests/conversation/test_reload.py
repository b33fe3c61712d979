# SPDX-License-Identifier: Apache-2.0
"""A changed policy is noticed and swapped in; a broken one changes nothing and says where it is broken."""

import os
import signal

from harness.case import GateCase
from harness.client import get, post
from harness.engine import answer
from harness.gate import wait_for

CLOSED = "version: 1\n"
OPEN = 'version: 1\ndocker:\n  - allow: "@read"\n'


class Reload(GateCase):
    def status(self, gate, raw=None):
        return gate.ask(raw or get("/containers/json")).status

    def test_a_new_policy_replaces_the_old_one(self):
        gate = self.start_gate(CLOSED)
        self.assertEqual(self.status(gate), 403)
        with gate.connect() as kept:
            self.assertEqual(kept.ask(get("/containers/json")).status, 403)
            gate.reload(OPEN)
            self.assertEqual(self.status(gate), 200)
            self.assertEqual(kept.ask(get("/containers/json")).status, 200, "a kept-alive connection uses the new policy")
            gate.reload(CLOSED)
            self.assertEqual(kept.ask(get("/containers/json")).status, 403)
        hashes = [r["policy"] for r in gate.requests_logged(operation="ContainerList")]
        self.assertNotEqual(hashes[0], hashes[2])
        self.assertEqual(hashes[0], hashes[-1])

    def test_a_broken_policy_changes_nothing(self):
        gate = self.start_gate(OPEN)
        self.each([
            ("unknown key", "version: 1\ndokcer:\n  - allow: x\n", "policy.yaml:2"),
            ("unknown operation", "version: 1\ndocker:\n  - allow: ContainerLits\n", "policy.yaml:3"),
            ("no YAML", "version: 1\ndocker: [\n", "policy.yaml:"),
            ("tab", "version: 1\ndocker:\n\t- allow: x\n", "policy.yaml:3"),
            ("alias", "version: 1\ndocker: &a\n  - allow: ContainerList\nclients: *a\n", "policy.yaml:"),
            ("duplicate key", "version: 1\ndocker: []\ndocker: []\n", "policy.yaml:3"),
            ("empty file", "", "policy.yaml"),
        ], lambda text, place: self.check_broken(gate, text, place))
        self.assertIn("ContainerList", gate.reload("version: 1\ndocker:\n  - allow: ContainerLits\n")["text"])

    def check_broken(self, gate, text, place):
        record = gate.reload(text)
        self.assertIn(place, record["text"])
        self.assertEqual(self.status(gate), 200, "the old policy stays")

    def test_all_errors_at_once(self):
        gate = self.start_gate(OPEN)
        before = len(gate.log(event="policy"))
        gate.write_policy("version: 1\nnonsense: 1\ndocker:\n  - allow: Nothing\n  - deny: {path: 5, color: red}\n")
        gate.wait_log(before + 1, event="policy")
        told = gate.stderr() + " ".join(r.get("text", "") for r in gate.log(event="policy"))
        for line in (2, 4, 5):
            self.assertIn("policy.yaml:%d" % line, told)

    def test_a_policy_that_vanishes_counts_as_broken(self):
        gate = self.start_gate(OPEN)
        before = len(gate.log(event="policy"))
        os.unlink(gate.policy_path)
        gate.wait_log(before + 1, event="policy")
        self.assertEqual(self.status(gate), 200)
        gate.reload(CLOSED)
        self.assertEqual(self.status(gate), 403)

    def test_a_policy_that_vanishes_does_not_give_way_to_the_environment(self):
        gate = self.start_gate(CLOSED, environment={"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1", "POST": "1"})
        self.assertEqual(self.status(gate), 403)
        before = len(gate.log(event="policy"))
        os.unlink(gate.policy_path)
        self.assertEqual(gate.wait_log(before + 1, event="policy")[-1]["decision"], "deny")
        self.assertEqual(self.status(gate), 403)

    def test_lines_are_those_of_the_file_as_it_stands(self):
        gate = self.start_gate(OPEN)
        gate.reload(OPEN.replace("docker:", "# a comment\ndocker:"))
        self.assertEqual(self.status(gate), 200)
        self.assertEqual(gate.requests_logged(operation="ContainerList")[-1]["source"], "policy.yaml:4")

    def test_a_policy_that_others_may_write_is_refused(self):
        gate = self.start_gate(CLOSED)
        before = len(gate.log(event="policy"))
        gate.write(gate.policy_path + ".new", OPEN)
        os.chmod(gate.policy_path + ".new", 0o666)
        os.rename(gate.policy_path + ".new", gate.policy_path)
        gate.wait_log(before + 1, event="policy")
        self.assertEqual(self.status(gate), 403)

    def test_sighup_asks_at_once(self):
        gate = self.start_gate(CLOSED)
        before = len(gate.log(event="policy"))
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_log(before + 1, event="policy")
        self.assertEqual(self.status(gate), 403)

    def test_drop_ins_add_up(self):
        gate = self.start_gate(CLOSED, files={"policy.d/10-read.yaml": 'version: 1\ndocker:\n  - allow: ContainerList\n'})
        self.assertEqual(self.status(gate), 200)
        self.assertTrue(gate.requests_logged(operation="ContainerList")[0]["source"].endswith("10-read.yaml:3"))
        before = len(gate.log(event="policy"))
        gate.write_policy("version: 1\ndocker:\n  - deny: ContainerList\n", gate.file("policy.d", "20-deny.yaml"))
        gate.wait_log(before + 1, event="policy")
        self.assertEqual(self.status(gate), 403)

    def test_a_folder_of_drop_ins_that_comes_later(self):
        gate = self.start_gate(CLOSED)
        os.mkdir(gate.file("policy.d"), 0o755)
        gate.write_policy('version: 1\ndocker:\n  - allow: ContainerList\n', gate.file("policy.d", "10-read.yaml"))
        wait_for(lambda: self.status(gate) == 200, "the drop-in to hold", gate.process)

    def test_new_listeners_open_and_old_ones_close(self):
        client = "clients:\n  late:\n    listen: unix:@FOLDER@/run/late/docker.sock\n"
        gate = self.start_gate(OPEN)
        path = gate.file("run", "late", "docker.sock")
        gate.reload(OPEN + client)
        self.assertEqual(gate.ask(get("/containers/json"), path=path).status, 200)
        gate.reload(OPEN)
        with self.assertRaises(OSError):
            gate.ask(get("/containers/json"), path=path)

    def test_a_listener_that_cannot_be_opened_refuses_the_whole_policy(self):
        gate = self.start_gate(CLOSED)
        gate.reload(OPEN + "clients:\n  far:\n    listen: tcp:192.0.2.1:2375\n")
        self.assertEqual(self.status(gate), 403)

    def test_open_streams_stay(self):
        gate = self.start_gate(OPEN)
        gate.engine.on("GET", "/events", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(get("/events"))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        gate.reload(CLOSED)
        self.assertEqual(gate.ask(get("/events")).status, 403)
        self.assertTrue(stream.quiet())
        stream.close()

    def open_stream(self, gate, path):
        gate.engine.on("GET", path, lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(get(path))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        return stream

    def test_revoked_streams_are_cut_where_the_policy_asks_for_it(self):
        gate = self.start_gate(OPEN)
        revoked, kept = self.open_stream(gate, "/events"), self.open_stream(gate, "/containers/x/stats")
        gate.reload(OPEN + "  - deny: SystemEvents\ncut_on_revoke: true\n")
        self.assertTrue(revoked.ended())
        self.assertTrue(kept.quiet())
        self.assertEqual([r["close"] for r in gate.wait_log(event="close", operation="SystemEvents")], ["revoked"])
        kept.close()

    def test_streams_of_an_object_are_judged_by_the_object(self):
        policy = 'version: 1\ncut_on_revoke: true\ndocker:\n  - allow: ContainerStats\n    where: {name: "web"}\n'
        gate = self.start_gate(policy)
        body = b'{"Id": "%s", "Name": "/web", "Config": {"Image": "x", "Labels": {}}, "Image": "sha256:%s"}' % (b"a" * 64, b"b" * 64)
        gate.engine.on("GET", "/containers/web/json", answer(200, body, ("Content-Type", "application/json")))
        gate.engine.on("GET", "/containers/%s/stats" % ("a" * 64), lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(get("/containers/web/stats"))
        stream.read_head()
        self.assertEqual(stream.chunk(), b"a")
        gate.reload(policy + "  - allow: ContainerList\n")
        self.assertTrue(stream.quiet(), "what is still allowed goes on")
        gate.reload(policy.replace('"web"', '"other"'))
        self.assertTrue(stream.ended())

    def test_many_reloads_under_load(self):
        gate = self.start_gate(OPEN)
        with gate.connect() as connection:
            for number in range(20):
                gate.write_policy(OPEN + "  - allow: {method: POST, path: /containers/c%d/start}\n" % number)
                self.assertEqual(connection.ask(get("/containers/json")).status, 200)
        wait_for(lambda: gate.ask(post("/containers/c19/start")).status == 200, "the last policy", gate.process)


class Start(GateCase):
    def fails(self, text, *said, files=None, mode=None):
        gate = self.start_gate(CLOSED, files=files)
        gate.stop()
        gate.write(gate.policy_path, text)
        if mode is not None:
            os.chmod(gate.policy_path, mode)
        gate.start(wait=False)
        self.assertEqual(gate.wait_exit(), 2)
        for part in said:
            self.assertIn(part, gate.stderr())
        gate.write(gate.policy_path, CLOSED)
        os.chmod(gate.policy_path, 0o644)
        gate.start()

    def test_a_bad_policy_at_start_is_exit_2_with_every_error(self):
        self.fails("version: 1\nnonsense: 1\ndocker:\n  - allow: ContainerLits\n", "policy.yaml:2", "policy.yaml:4", "ContainerList")

    def test_a_policy_that_others_may_write(self):
        self.fails(OPEN, "policy.yaml", mode=0o666)

    def test_keys_that_do_not_work_yet_are_refused(self):
        for name, text in (("guard", CLOSED + "guard: {scope: owner}\n"),
                           ("body", "version: 1\ndocker:\n  - allow: ContainerCreate\n    where: {body.Image: a}\n"),
                           ("image of a create", "version: 1\ndocker:\n  - allow: ContainerCreate\n    where: {image: a}\n")):
            with self.subTest(name):
                self.fails(text, "policy.yaml:")

# SPDX-License-Identifier: Apache-2.0
"""What a reload does to listeners that stay: each setting of a listener or client is applied, or the reload is refused as a whole.
Who is turned away by `from` is recorded."""

import os
import shutil
import signal
import socket
import stat

from harness.case import GateCase
from harness.client import get
from harness.edit import EditCase
from harness.gate import wait_for

OPEN = 'version: 1\ndocker:\n  - allow: "@read"\n'
CLIENT = OPEN + "clients:\n  ci:\n    listen: unix:@FOLDER@/ci/docker.sock\n    socket: {%s}\n"
TWO = CLIENT + "  cd:\n    listen: unix:@FOLDER@/cd/docker.sock\n    socket: {%s}\n"
TCP = OPEN + "clients:\n  ci:\n    listen: tcp:127.0.0.1:0\n    from: [%s]\n"


class Sockets(GateCase):
    def modes(self, gate, *names):
        found = [os.lstat(gate.file(name, "docker.sock")) for name in names]
        return [(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) for status in found]

    def put(self, gate, text, decision):
        record = gate.reload(text)
        self.assertEqual(record["decision"], decision, record)
        return record.get("text", "")

    def test_the_mode_of_a_socket_that_stays(self):
        gate = self.start_gate(CLIENT % "mode: \"0666\"")
        inode = os.lstat(gate.file("ci", "docker.sock")).st_ino
        for mode in (0o600, 0o660, 0o620, 0o666, 0o606):
            self.put(gate, CLIENT % 'mode: "%04o"' % mode, "allow")
            self.assertEqual(self.modes(gate, "ci"), [(mode, 0, 0)])
            self.assertEqual(gate.ask(get("/containers/json"), path=gate.file("ci", "docker.sock")).status, 200)
        self.put(gate, CLIENT.replace("    socket: {%s}\n", ""), "allow")
        self.assertEqual(self.modes(gate, "ci"), [(0o660, 0, 0)])
        self.assertEqual(os.lstat(gate.file("ci", "docker.sock")).st_ino, inode, "it is the same socket all the time")

    def test_a_policy_that_is_refused_leaves_the_mode(self):
        gate = self.start_gate(CLIENT % 'mode: "0660"')
        self.put(gate, (CLIENT % 'mode: "0666"') + "  far:\n    listen: tcp:192.0.2.1:2375\n", "deny")
        self.assertEqual(self.modes(gate, "ci"), [(0o660, 0, 0)])

    def test_a_group_that_the_gate_is_in(self):
        gate = self.start_gate(CLIENT % "mode: \"0660\"")
        gate.stop()
        gate.start(preexec=lambda: os.setgroups([0, 4711]))
        self.put(gate, CLIENT % 'mode: "0660", group: 4711', "allow")
        self.assertEqual(self.modes(gate, "ci"), [(0o660, 0, 4711)])
        self.put(gate, CLIENT % 'mode: "0660"', "allow")
        self.assertEqual(self.modes(gate, "ci"), [(0o660, 0, 0)], "without the key it is the one it was made with")

    def test_what_the_gate_has_no_right_to_is_refused_for_all_listeners(self):
        gate = self.start_gate(TWO % ('mode: "0660"', 'mode: "0660"'))
        before = self.modes(gate, "ci", "cd")
        for first, second in (('mode: "0600"', 'mode: "0660", group: 12345'), ('mode: "0666", owner: 12345', 'mode: "0600"'),
                              ('mode: "0600"', 'mode: "0606", owner: 12345')):
            said = self.put(gate, TWO % (first, second), "deny")
            self.assertIn("restart it", said)
            self.assertEqual(self.modes(gate, "ci", "cd"), before)

    def test_a_socket_that_somebody_put_there_is_not_touched(self):
        gate = self.start_gate(CLIENT % 'mode: "0660"')
        path = gate.file("ci", "docker.sock")
        os.rename(path, path + ".away")
        for name, make in (("a file", lambda: gate.write(path, "")), ("a link", lambda: os.symlink(gate.policy_path, path))):
            with self.subTest(name):
                make()
                os.chmod(gate.policy_path, 0o644)
                self.put(gate, CLIENT % 'mode: "0666"', "deny")
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o644)
                os.unlink(path)

    def test_a_socket_or_folder_that_was_taken_away_comes_back(self):
        gate = self.start_gate(CLIENT % 'mode: "0660"')
        path = gate.file("ci", "docker.sock")
        for name, take in (("the socket", lambda: os.unlink(path)), ("the folder", lambda: shutil.rmtree(gate.file("ci"))),
                           ("the folder, moved", lambda: os.rename(gate.file("ci"), gate.file("old")))):
            with self.subTest(name):
                take()
                before = len(gate.log(event="policy"))
                gate.process.send_signal(signal.SIGHUP)
                self.assertEqual(gate.wait_log(before + 1, event="policy")[-1]["decision"], "allow")
                self.assertEqual(gate.ask(get("/containers/json"), path=path).status, 200)

    def test_a_closed_listener_leaves_a_socket_that_is_not_its_own(self):
        gate = self.start_gate(CLIENT % 'mode: "0660"')
        path = gate.file("ci", "docker.sock")
        os.unlink(path)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            self.put(gate, OPEN, "allow")
            self.assertTrue(os.path.exists(path))

    def test_connections_end_when_fewer_may_connect(self):
        gate = self.start_gate(CLIENT % 'mode: "0666"')
        path = gate.file("ci", "docker.sock")
        kept = gate.connect(path)
        self.assertEqual(kept.ask(get("/containers/json")).status, 200)
        self.put(gate, CLIENT % 'mode: "0660"', "allow")
        self.assertTrue(kept.ended())
        self.assertEqual(gate.ask(get("/containers/json"), path=path).status, 200)
        kept = gate.connect(path)
        self.assertEqual(kept.ask(get("/containers/json")).status, 200)
        self.put(gate, CLIENT % 'mode: "0666"', "allow")
        self.assertEqual(kept.ask(get("/containers/json")).status, 200, "more may connect: nobody is shut out")


class Settings(GateCase):
    """Each field of a listener and of a client, changed by a reload while the listener stays."""

    def start(self, before):
        gate = self.start_gate(OPEN + before)
        return gate

    def test_report_mode(self):
        base = "clients:\n  ci:\n    listen: unix:@FOLDER@/ci/docker.sock\n"
        gate = self.start(base)
        gate.engine.on("POST", "/containers/x/start", lambda connection, _: connection.send(b"HTTP/1.1 204 No Content\r\n\r\n"))
        request = b"POST /containers/x/start HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        path = gate.file("ci", "docker.sock")
        self.assertEqual(gate.ask(request, path=path).status, 403)
        gate.reload(OPEN + base + "    mode: report\n")
        self.assertEqual(gate.ask(request, path=path).status, 204)
        gate.reload(OPEN + base)
        self.assertEqual(gate.ask(request, path=path).status, 403)

    def test_strict(self):
        base = "clients:\n  ci:\n    listen: unix:@FOLDER@/ci/docker.sock\n"
        gate = self.start(base)
        path = gate.file("ci", "docker.sock")
        self.assertEqual(gate.ask(get("/containers/json?unknown=1"), path=path).status, 200)
        gate.reload(OPEN + base + "    strict: true\n")
        self.assertEqual(gate.ask(get("/containers/json?unknown=1"), path=path).status, 400)

    def test_from(self):
        gate = self.start_gate(TCP % "127.0.0.0/8")
        with gate.connect_tcp() as client:
            self.assertEqual(client.ask(get("/containers/json")).status, 200)
        gate.reload(TCP % "192.0.2.0/24")
        stranger = gate.connect_tcp()
        self.assertTrue(stranger.ended())
        record = gate.wait_log(reason="from")[0]
        self.assertEqual((record["event"], record["kind"], record["client"], record["decision"]), ("request", "docker", "ci", "deny"))
        self.assertTrue(record["peer"].startswith("127.0.0.1:"))
        self.assertNotIn(record["id"], [other["id"] for other in gate.requests_logged() if other != record], "an id is one exchange's")

    def test_from_of_an_open_connection(self):
        gate = self.start_gate(TCP % "127.0.0.0/8")
        kept = gate.connect_tcp()
        self.assertEqual(kept.ask(get("/containers/json")).status, 200)
        gate.reload(TCP % "192.0.2.0/24")
        self.assertTrue(kept.ended())

    def test_another_spelling_of_an_address_is_the_same_listener(self):
        port = self.held_port()
        gate = self.start_gate(OPEN + "clients:\n  ci:\n    egress: 127.0.0.1:%d\n" % port)
        record = gate.reload(OPEN + "clients:\n  ci:\n    egress: tcp:127.0.0.1:%d\n" % port)
        self.assertEqual(record["decision"], "allow", record)
        with gate.connect_tcp(port) as client:
            self.assertEqual(client.ask(b"CONNECT host.example:443 HTTP/1.1\r\nHost: host.example:443\r\n\r\n", "CONNECT").status, 403)

    def test_an_address_that_gets_another_client_or_role_is_refused_or_done(self):
        port = self.held_port()
        egress = OPEN + "clients:\n  ci:\n    egress: 127.0.0.1:%d\n" % port
        docker = OPEN + "clients:\n  ci:\n    listen: tcp:127.0.0.1:%d\n" % port
        other = OPEN + "clients:\n  cd:\n    egress: 127.0.0.1:%d\n" % port
        gate = self.start_gate(egress)
        for text in (docker, other):
            record = gate.reload(text)
            self.assertEqual(record["decision"], "deny", record)
            self.assertIn(str(port), record["text"])
        self.assertEqual(gate.reload(OPEN)["decision"], "allow")
        self.assertEqual(gate.reload(docker)["decision"], "allow")
        with gate.connect_tcp(port) as client:
            self.assertEqual(client.ask(get("/containers/json")).status, 200)

    def test_the_order_of_listeners_is_none(self):
        first, second = "unix:@FOLDER@/ci/a.sock", "unix:@FOLDER@/ci/b.sock"
        text = OPEN + "clients:\n  ci:\n    listen: [%s, %s]\n"
        gate = self.start_gate(text % (first, second))
        inodes = [os.lstat(gate.file("ci", name)).st_ino for name in ("a.sock", "b.sock")]
        gate.reload(text % (second, first))
        self.assertEqual(inodes, [os.lstat(gate.file("ci", name)).st_ino for name in ("a.sock", "b.sock")])
        for name in ("a.sock", "b.sock"):
            self.assertEqual(gate.ask(get("/containers/json"), path=gate.file("ci", name)).status, 200)


class Strangers(GateCase):
    def test_many_are_counted(self):
        gate = self.start_gate(TCP % "192.0.2.0/24", options=("--denial-rate", "1"), admin=True)
        for _ in range(40):
            with gate.connect_tcp() as stranger:
                self.assertTrue(stranger.ended())

        def all_there():
            told = len(gate.log(event="request", reason="from")) + sum(r["count"] for r in gate.log(event="suppressed", reason="from"))
            return told == 40

        wait_for(all_there, "a record or a count of each", gate.process)
        self.assertLess(len(gate.log(event="request", reason="from")), 40)
        self.assertIn('operation="connect",decision="deny",rule="from"} 40', gate.ask_admin("/metrics").body.decode())

    def test_an_egress_listener(self):
        gate = self.start_gate(OPEN + "clients:\n  ci:\n    egress: 127.0.0.1:0\n    from: [192.0.2.0/24]\n")
        with gate.connect_tcp() as stranger:
            self.assertTrue(stranger.ended())
        self.assertEqual(gate.wait_log(reason="from")[0]["kind"], "network")

    def test_a_dns_listener(self):
        gate = self.start_gate(OPEN + "clients:\n  ci:\n    dns: {listen: 127.0.0.1:0}\n    from: [192.0.2.0/24]\n")
        with gate.connect_tcp() as stranger:
            self.assertTrue(stranger.ended())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1", ("127.0.0.1", gate.port))
            self.assertEqual(gate.wait_log(2, reason="from")[1]["peer"], "127.0.0.1:%d" % asker.getsockname()[1])


class Notices(EditCase):
    def test_socket_without_a_listener_is_said(self):
        self.policy("version: 1\nclients:\n  ci:\n    socket: {mode: \"0600\"}\n")
        self.assertIn("SocketMode=", self.do("validate").said)

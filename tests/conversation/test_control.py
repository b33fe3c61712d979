# SPDX-License-Identifier: Apache-2.0
"""The state folder of a running gate: its control socket, `policy status` and `policy reload`, and the counts of what each rule
decided."""

import json
import os
import resource
import signal
import socket
import stat
import threading
import unittest

from harness import hello
from harness.case import GateCase
from harness.client import get, post
from harness.dns_client import ask_udp, question
from harness.egress import EgressCase, allow, connect, deny, forward
from harness.gate import Gate, binary, plain_binary, run, wait_for
from harness.origin import Origin, HttpOrigin, echo

READ = 'version: 1\ndocker:\n  - allow: ContainerList\n  - deny: ContainerInspect\n'
BROKEN = "version: 1\ndokcer: []\ndocker:\n  - allow: ContainerLits\n"
NOBODY = 65534
DEFAULT_DOCKER, DEFAULT_NETWORK = 1, 2
IS_ROOT = os.geteuid() == 0


def socket_of(gate):
    return os.path.join(gate.state, "control.sock")


def open_control(gate):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(15)
    client.connect(socket_of(gate))
    return client


def read_line(client):
    """All that the gate sends until it closes the connection."""
    parts = []
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:  # closed before it had read all that was sent
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def ask(gate, data):
    with open_control(gate) as client:
        try:
            client.sendall(data)
        except BrokenPipeError:
            pass  # turned away before it could ask; why stands in the answer
        return read_line(client)


def command(gate, *arguments, **options):
    return run(*arguments, "--state", gate.state, **options)


def status_of(gate):
    done = command(gate, "policy", "status", "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def read_hits(gate):
    """{key: count} of the file; nothing while it is not there."""
    try:
        with open(os.path.join(gate.state, "hits"), encoding="ascii") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return {}
    assert lines[0] == "dockreeve hits 1" and lines[-1] == "end %d" % (len(lines) - 2), lines
    return {int(line.split()[0], 16): int(line.split()[1]) for line in lines[1:-1]}


def by_resource(gate, hits):
    """The counts under what `policy ls` calls each rule, and "default docker", "default network"."""
    rules = json.loads(run("policy", "ls", "--json", "--config", gate.policy_path).stdout)
    names = {int(rule["id"], 16): "%s %s" % (rule["decision"], rule["resource"]) for rule in rules}
    found = {}
    for key, count in hits.items():
        if key in (DEFAULT_DOCKER, DEFAULT_NETWORK):
            found["default docker" if key == DEFAULT_DOCKER else "default network"] = count
        else:
            found[names.get((key ^ key >> 32) & 0xffffffff, "gone")] = count
    return found


class Status(GateCase):
    def test_in_words(self):
        gate = self.start_gate("version: 1\nuse: [preset/npm]\nclients:\n  ci: {listen: 'unix:@FOLDER@/ci/docker.sock', mode: report}\n")
        done = command(gate, "policy", "status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertTrue(all(len(line) == 2 for line in lines), "key and value with a tab between them: %r" % lines)
        values = {}
        for key, value in lines:
            values.setdefault(key, []).append(value)
        self.assertRegex(values["gate"][0], r"^running, version \S+, pid %d, since \S+Z \(\d+s\)$" % gate.process.pid)
        self.assertRegex(values["policy"][0], r"^[0-9a-f]{12}, in force since \S+Z$")
        self.assertRegex(values["rules"][0], r"^2 docker \(default deny\), \d+ network \(default deny\)$")
        self.assertRegex(values["file"][0], r"^%s \(\d+ bytes of \S+Z\)$" % gate.policy_path)
        self.assertEqual(values["made of"], ["preset/npm", "preset/negotiate"])
        self.assertIn("ci (report) unix:%s/ci/docker.sock" % gate.folder, values["client"])
        self.assertIn("default (enforce) unix:%s" % gate.socket_path, values["client"])
        self.assertEqual(values["last reload"], ["none since the start"])
        self.assertEqual(values["log"], ["%s, records lost: 0" % gate.log_path])
        self.assertEqual(values["requests"], ["0 allowed, 0 denied, 0 more denied without a record each"])

    def test_as_json(self):
        gate = self.start_gate(READ)
        gate.ask(get("/containers/json"))
        gate.ask(get("/containers/x/json"))
        status = status_of(gate)
        self.assertEqual(status["pid"], gate.process.pid)
        self.assertEqual((status["draining"], status["reload"]), (False, None))
        policy = status["policy"]
        self.assertEqual(policy["hash"], gate.requests_logged()[0]["policy"])
        self.assertEqual(policy["default"], {"docker": "deny", "network": "deny"})
        self.assertEqual((policy["docker_rules"], policy["network_rules"]), (4, 0))
        self.assertEqual(policy["files"][0]["path"], gate.policy_path)
        self.assertEqual(policy["files"][0]["bytes"], os.path.getsize(gate.policy_path))
        self.assertEqual(status["clients"], [{"name": "default", "mode": "enforce", "listeners": ["unix:" + gate.socket_path]}])
        self.assertEqual(status["log"], {"path": gate.log_path, "failing": False, "lost": 0})
        self.assertEqual(status["requests"], {"allowed": 1, "denied": 1, "suppressed": 0, "rules_hit": 2})

    def test_a_refused_reload_is_told(self):
        gate = self.start_gate(READ)
        before = status_of(gate)["policy"]
        gate.reload(BROKEN)
        done = command(gate, "policy", "status")
        self.assertEqual(done.returncode, 0)
        self.assertIn("REFUSED", done.stdout)
        self.assertIn("%s:2:1: " % gate.policy_path, done.stdout)
        self.assertIn("did you mean `ContainerList`", done.stdout)
        self.assertIn("changed since", done.stdout)
        status = status_of(gate)
        self.assertEqual(status["policy"], before, "the old policy stays")
        self.assertEqual((status["reload"]["ok"], status["reload"]["error_count"]), (False, 2))
        self.assertEqual([error["line"] for error in status["reload"]["errors"]], [2, 4])
        gate.reload(READ)
        status = status_of(gate)
        self.assertEqual((status["reload"]["ok"], status["reload"]["errors"]), (True, []))
        self.assertGreater(status["policy"]["loaded_at"], before["loaded_at"])

    def test_drop_ins_and_a_file_that_is_gone(self):
        gate = self.start_gate(READ, files={"policy.d/10-more.yaml": "version: 1\n"})
        paths = [each["path"] for each in status_of(gate)["policy"]["files"]]
        self.assertEqual(paths, [gate.policy_path, gate.file("policy.d", "10-more.yaml"), "preset/negotiate"])
        os.rename(gate.file("policy.d"), gate.file("elsewhere"))
        self.assertIn("gone since", command(gate, "policy", "status").stdout)

    def test_the_environment_as_policy(self):
        gate = self.start_gate(None, environment={"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1"})
        self.assertEqual([each["path"] for each in status_of(gate)["policy"]["files"]], ["environment", "preset/negotiate"])
        self.assertIn("made of\tenvironment\n", command(gate, "policy", "status").stdout)

    def test_no_gate(self):
        gate = self.start_gate(READ)
        gate.stop()
        self.assertFalse(os.path.exists(socket_of(gate)), "a clean stop removes the socket")

        def check(arrange, words):
            arrange()
            for verb in ("status", "reload"):
                done = command(gate, "policy", verb)
                self.assertEqual((done.returncode, done.stdout), (5, ""))
                self.assertIn(socket_of(gate), done.stderr)
                self.assertIn(words, done.stderr)

        def leave_dead():
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(socket_of(gate))

        self.each([("no socket", lambda: None, "no such socket"), ("a dead one", leave_dead, "left behind"),
                   ("no folder", lambda: (os.unlink(socket_of(gate)), os.rename(gate.state, gate.state + ".x")), "no such socket")], check)

    def test_a_gate_that_does_not_answer(self):
        gate = self.start_gate(READ)
        gate.process.send_signal(signal.SIGSTOP)
        try:
            done = command(gate, "policy", "status", "--timeout", "100ms")
        finally:
            gate.process.send_signal(signal.SIGCONT)
        self.assertEqual(done.returncode, 5)
        self.assertIn("timed out", done.stderr)


class Doctor(GateCase):
    def findings(self, gate):
        done = command(gate, "doctor", "--json", "--upstream", "unix:" + gate.upstream, "--config", gate.policy_path)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, [(row["finding"], row["text"]) for row in rows if row["topic"] == "gate"]

    def test_it_asks_the_running_gate(self):
        gate = self.start_gate(READ)
        code, (row,) = self.findings(gate)
        self.assertEqual((code, row[0]), (0, "ok"))
        self.assertIn(status_of(gate)["policy"]["hash"], row[1])
        gate.reload(BROKEN)
        gate.write_policy(READ, gate.file("other.yaml"))
        gate.policy_path = gate.file("other.yaml")  # what doctor reads itself is valid
        code, (_, row) = self.findings(gate)
        self.assertEqual((code, row[0]), (1, "wrong"))
        self.assertIn("refused", row[1])
        gate.stop()
        code, (row,) = self.findings(gate)
        self.assertEqual(row[0], "note")
        self.assertIn("no gate listens", row[1])


class Reload(GateCase):
    def test_a_changed_policy_is_in_force_when_the_command_ends(self):
        gate = self.start_gate("version: 1\n")
        self.assertEqual(gate.ask(get("/containers/json")).status, 403)
        gate.write_policy(READ)
        done = command(gate, "policy", "reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.assertIn(status_of(gate)["policy"]["hash"], done.stdout)

    def test_as_json(self):
        gate = self.start_gate(READ)
        answer = json.loads(command(gate, "policy", "reload", "--json").stdout)
        self.assertEqual(answer, {"ok": True, "policy": status_of(gate)["policy"]["hash"], "unchanged": True, "error_count": 0,
                                  "errors": [], "notices": [], "no_longer_allowed": {"streams": 0, "tunnels": 0}, "cut": False})
        gate.write_policy(READ + "  - allow: SystemInfo\n")
        answer = json.loads(command(gate, "policy", "reload", "--json").stdout)
        self.assertTrue(answer["ok"])

    def test_one_that_decides_the_same(self):
        gate = self.start_gate(READ)
        self.assertIn("decides as the one before", command(gate, "policy", "reload").stdout)

    def test_a_refused_one(self):
        gate = self.start_gate(READ)
        gate.write_policy(BROKEN)
        done = command(gate, "policy", "reload")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for words in ("refused", "%s:2:1: " % gate.policy_path, "%s:4:12: " % gate.policy_path, "did you mean `ContainerList`"):
            self.assertIn(words, done.stderr)
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        done = command(gate, "policy", "reload", "--json")
        self.assertEqual(done.returncode, 2)
        self.assertEqual([error["line"] for error in json.loads(done.stdout)["errors"]], [2, 4])

    def test_notices_are_told(self):
        gate = self.start_gate(READ)
        gate.write_policy("version: 1\ndocker:\n  - allow: ContainerCreate\nguard: {privileged: true}\n")
        done = command(gate, "policy", "reload")
        self.assertEqual(done.returncode, 0)
        self.assertIn("policy.yaml:3", done.stderr)

    def test_a_listener_that_cannot_be_had(self):
        gate = self.start_gate(READ)
        gate.write_policy(READ + "clients: {a: {listen: 'unix:/proc/no/x.sock'}}\n")
        done = command(gate, "policy", "reload")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/proc/no", done.stderr)

    def test_many_at_once_while_requests_run(self):
        gate = self.start_gate(READ)
        stop, statuses, results = threading.Event(), [], []

        def request():
            while not stop.is_set():
                statuses.append(gate.ask(get("/containers/json")).status)

        def reload():
            results.append(command(gate, "policy", "reload", "--timeout", "60s"))

        asking = threading.Thread(target=request)
        asking.start()
        threads = [threading.Thread(target=reload) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        asking.join()
        self.assertEqual([done.returncode for done in results], [0] * 12, [done.stderr for done in results])
        self.assertEqual(set(statuses), {200})

    def test_each_answer_is_about_what_stood_in_the_file(self):
        """A reading that began before the question must not answer it."""
        large = READ + "network:\n  - allow:\n" + "".join("    - h%d.test\n" % number for number in range(50000))
        gate = self.start_gate(READ)
        for text, code in 4 * [(BROKEN, 2), (READ, 0)]:
            gate.write_policy(large)
            with open_control(gate) as client:
                client.sendall(b"reload\n")
                self.assertIn(b'"pid"', ask(gate, b"status\n"))  # which was asked later: the reading has been asked for
                gate.write_policy(text)
                self.assertEqual(command(gate, "policy", "reload").returncode, code)

    def test_a_stopping_gate_says_so(self):
        gate = self.start_gate(drain="30s")
        gate.engine.on("GET", "/containers/x/export", lambda connection, _: (
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        stream = gate.connect()
        stream.send(get("/containers/x/export"))
        self.assertEqual(stream.read_head().status, 200)
        gate.process.send_signal(signal.SIGTERM)
        wait_for(lambda: status_of(gate)["draining"], "the gate to stop", gate.process)
        self.assertIn("stopping", command(gate, "policy", "status").stdout)
        done = command(gate, "policy", "reload")
        self.assertEqual(done.returncode, 5)
        self.assertIn("the gate is stopping", done.stderr)
        stream.close()
        self.assertEqual(gate.wait_exit(), 0)


class Socket(GateCase):
    def test_its_mode_and_its_life(self):
        gate = self.start_gate(READ)
        before = os.stat(socket_of(gate))
        self.assertTrue(stat.S_ISSOCK(before.st_mode))
        self.assertEqual(stat.S_IMODE(before.st_mode), 0o600)
        gate.reload("version: 1\n")
        gate.reload(BROKEN)
        self.assertEqual(os.stat(socket_of(gate)).st_ino, before.st_ino, "reloads leave it alone")

    def test_the_folder_is_made(self):
        gate = Gate(READ, start=False)
        self.addCleanup(gate.remove)
        gate.state = gate.file("a", "b", "state")
        gate.arguments += ["--state", gate.state]
        gate.start()
        self.assertEqual(stat.S_IMODE(os.stat(gate.state).st_mode), 0o755)
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)
        self.assertEqual(gate.stop(), 0)

    def test_what_is_no_request(self):
        gate = self.start_gate(READ)
        self.each([("empty line", b"\n", b"there are"), ("unknown", b"policy\n", b"there are"), ("case", b"STATUS\n", b"there are"),
                   ("carriage return", b"status\r\n", b"there are"), ("NUL", b"status\x00\n", b"there are"), ("HTTP", b"GET / HTTP/1.1\r\n\r\n", b"there are"),
                   ("too long", b"x" * 256, b"too long"), ("nothing", b"", b"")],
                  lambda data, words: self.check_answer(gate, data, words))
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)

    def check_answer(self, gate, data, words):
        with open_control(gate) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = read_line(client)
        self.assertIn(words, answer)
        if words:
            self.assertEqual(list(json.loads(answer)), ["error"])
            self.assertTrue(answer.endswith(b"}\n"))
        else:
            self.assertEqual(answer, b"")

    def test_a_request_in_pieces_and_one_that_ends_its_sending(self):
        gate = self.start_gate(READ)
        with open_control(gate) as client:
            for byte in b"status\n":
                client.sendall(bytes([byte]))
            self.assertEqual(json.loads(read_line(client))["pid"], gate.process.pid)
        with open_control(gate) as client:
            client.sendall(b"reload\n")
            client.shutdown(socket.SHUT_WR)
            self.assertTrue(json.loads(read_line(client))["ok"])

    def test_who_leaves_while_it_waits(self):
        gate = self.start_gate(READ)
        for _ in range(40):
            with open_control(gate) as client:
                client.sendall(b"reload\n")
        with open_control(gate) as client:
            client.sendall(b"reload\nand more\n")
        self.assertEqual(command(gate, "policy", "reload").returncode, 0)

    def test_silent_clients_hold_nothing_up(self):
        gate = self.start_gate(READ)
        silent = [open_control(gate) for _ in range(16)]
        try:
            answer = wait_for(lambda: ask(gate, b""), "a client too many to be turned away", gate.process)
            self.assertIn(b"too many", answer)
            self.assertEqual(gate.ask(get("/containers/json")).status, 200)
            for client in silent:
                self.assertEqual(read_line(client), b"", "closed at the deadline")
        finally:
            for client in silent:
                client.close()
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)

    def test_without_descriptors(self):
        """Who asks is told so, and the listener is not woken for ever."""
        gate = self.start_gate(READ)
        _, hard = resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE)
        numbers = [int(name) for name in os.listdir("/proc/%d/fd" % gate.process.pid)]
        free = max(numbers) + 1 - len(numbers) + 2
        self.assertLess(free, 16, "the most that may ask at once")
        resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (len(numbers) + free, hard))
        silent = [open_control(gate) for _ in range(free + 1)]
        try:
            self.assertIn(b"too many", read_line(silent[-1]))
        finally:
            for client in silent:
                client.close()
            resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)

    def test_who_does_not_read_its_answer(self):
        gate = self.start_gate("version: 1\nnetwork:\n  - allow: [a.test]\nclients:\n" + "".join(
            "  client-%d: {listen: 'unix:@FOLDER@/c%d/docker.sock'}\n" % (number, number) for number in range(400)))
        silent = open_control(gate)
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        silent.sendall(b"status\n")
        self.assertEqual(len(status_of(gate)["clients"]), 401)
        silent.close()

    @unittest.skipUnless(IS_ROOT, "becomes another user")
    def test_other_users_are_turned_away(self):
        gate = self.start_gate(READ)
        os.chmod(gate.folder, 0o755)

        def as_nobody():
            """What a process of another user reads from the socket."""
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    os.setresuid(NOBODY, NOBODY, NOBODY)
                    try:
                        said = ask(gate, b"status\n")
                    except OSError as error:
                        said = type(error).__name__.encode()
                    os.write(writer, said)
                finally:
                    os._exit(0)
            os.close(writer)
            with os.fdopen(reader, "rb") as stream:
                said = stream.read()
            os.waitpid(child, 0)
            return said

        self.assertEqual(as_nobody(), b"PermissionError")
        os.chmod(socket_of(gate), 0o666)
        self.assertEqual(json.loads(as_nobody()), {"error": "only root and the gate's own user may ask"})
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)

    @unittest.skipUnless(IS_ROOT, "becomes another user")
    def test_a_gate_that_becomes_another_user_keeps_its_state(self):
        gate = Gate(READ, start=False, program=plain_binary())
        self.addCleanup(gate.remove)
        for name in ("log", "run"):
            os.chown(gate.file(name), NOBODY, NOBODY)
        os.chmod(gate.folder, 0o755)
        gate.state = gate.file("made", "state")
        gate.arguments += ["--state", gate.state, "--user", "%d:%d" % (NOBODY, NOBODY)]
        gate.start()
        for path in (gate.state, socket_of(gate)):
            self.assertEqual(os.stat(path).st_uid, NOBODY, path)
        self.assertEqual(os.stat(gate.file("made")).st_uid, 0)
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)
        for _ in range(2):
            gate.ask(post("/containers/create"))
        self.assertEqual(gate.stop(), 0)
        self.assertFalse(os.path.exists(socket_of(gate)))
        self.assertEqual(read_hits(gate)[DEFAULT_DOCKER], 2)

    def test_a_second_gate_with_the_same_folder(self):
        gate = self.start_gate(READ)
        other = Gate(READ, start=False)
        self.addCleanup(other.remove)
        other.engine = self.start_engine(other.folder)
        other.state = gate.state
        other.arguments += ["--state", gate.state]
        other.start()
        self.assertIn("something listens on %s already" % socket_of(gate), other.stderr())
        self.assertEqual(other.ask(get("/containers/json")).status, 200)
        self.assertEqual(status_of(gate)["pid"], gate.process.pid)
        self.assertEqual(other.stop(), 0)
        self.assertEqual(status_of(gate)["pid"], gate.process.pid, "the end of the second one takes nothing from the first")
        self.assertEqual(read_hits(other), {})

    def test_without_a_folder(self):
        def check(name, words, arrange=None):
            gate = Gate(READ, start=False)
            self.addCleanup(gate.remove)
            gate.engine = self.start_engine(gate.folder)
            path = name.replace("@FOLDER@", gate.folder)
            if arrange:
                arrange(path)
            gate.arguments += ["--state", path]
            gate.start()
            self.assertEqual(gate.ask(get("/containers/json")).status, 200)
            said = [line for line in gate.stderr().splitlines() if "policy reload" in line]
            self.assertEqual(len(said), 1 if words else 0, said)
            if words:
                self.assertIn(words, said[0])
            self.assertEqual(gate.stop(), 0)

        def others_may_write(path):
            os.mkdir(path)
            os.chmod(path, 0o777)

        self.each([("cannot be made", "/proc/dockreeve/state", "/proc/dockreeve"),
                   ("a file", "@FOLDER@/policy.yaml", "is no folder"),
                   ("below a file", "@FOLDER@/policy.yaml/x", "policy.yaml"),
                   ("others may write", "@FOLDER@/open", "others can write", others_may_write),
                   ("a name too long", "@FOLDER@/" + 100 * "x", "107 bytes"),
                   ("none is wanted", "none", None)], check)

    def test_what_is_no_socket_stays(self):
        gate = Gate(READ, start=False)
        self.addCleanup(gate.remove)
        gate.write(socket_of(gate), "mine")
        gate.start()
        self.assertIn("is no socket", gate.stderr())
        self.assertEqual(gate.stop(), 0)
        with open(socket_of(gate), encoding="ascii") as stream:
            self.assertEqual(stream.read(), "mine")


class Hits(GateCase):
    def counted(self, gate):
        return by_resource(gate, read_hits(gate))

    def test_each_decision_counts_once_for_its_rule(self):
        gate = self.start_gate(READ + "  - allow: ContainerStop\n  - {allow: ContainerLogs, where: {name: 'a*'}}\n", tcp=True)
        for _ in range(5):
            gate.ask(get("/containers/json"))
        with gate.connect() as kept:
            for _ in range(3):
                kept.ask(get("/v1.43/containers/abc/json"))
        gate.ask(post("/containers/abc/stop"))  # written twice: as decided, and with its end
        for _ in range(2):
            gate.ask(post("/containers/create"))
        gate.ask(get("/_ping"))
        gate.ask(b"GET /containers/json HTTP/1.1\nHost: x\n\n")  # malformed: no rule decided
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.counted(gate), {"allow ContainerList": 5, "deny ContainerInspect": 3, "allow ContainerStop": 1,
                                              "default docker": 2, "allow SystemPing, SystemPingHead": 1})

    def test_what_is_not_logged_one_by_one_counts_too(self):
        gate = self.start_gate("version: 1\n", options=["--denial-rate", "1"])
        with gate.connect() as client:
            statuses = [client.ask(get("/info")).status for _ in range(50)]
        self.assertIn(429, statuses)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.counted(gate), {"default docker": 50})

    def test_report_mode_counts_what_would_have_denied(self):
        gate = self.start_gate("version: 1\ndocker: [{deny: ContainerList}]\nclients: {default: {mode: report}}\n")
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.counted(gate), {"deny ContainerList": 1})

    def test_they_survive_restart_reload_and_other_lines(self):
        gate = self.start_gate(READ)
        gate.ask(get("/containers/json"))
        gate.reload("# one\n# two\n" + READ.replace("docker:\n", "docker:\n  - deny: SystemInfo\n"))
        gate.ask(get("/containers/json"))
        gate.ask(get("/info"))
        self.assertEqual(gate.stop(), 0)
        gate.start()
        gate.ask(get("/containers/json"))
        gate.reload("version: 1\n")
        gate.ask(get("/containers/json"))
        self.assertEqual(gate.stop(), 0)
        gate.write_policy(READ)
        self.assertEqual(self.counted(gate), {"allow ContainerList": 3, "gone": 1, "default docker": 1})

    def test_a_killed_gate_loses_no_more_than_it_had_not_written(self):
        gate = self.start_gate(READ)
        for _ in range(4):
            gate.ask(get("/containers/json"))
        wait_for(lambda: self.counted(gate) == {"allow ContainerList": 4}, "the counts to be written", gate.process)
        gate.kill()
        self.assertTrue(os.path.exists(socket_of(gate)))
        gate.start()
        self.assertEqual(status_of(gate)["pid"], gate.process.pid, "a dead socket is made way for")
        gate.ask(get("/containers/json"))
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.counted(gate), {"allow ContainerList": 5})

    def test_a_broken_file_is_set_aside(self):
        gate = Gate(READ, start=False)
        self.addCleanup(gate.remove)
        gate.engine = self.start_engine(gate.folder)
        gate.write(os.path.join(gate.state, "hits"), "dockreeve hits 1\nnonsense\n")
        gate.start()
        self.assertIn("line 2 is no count of a rule", gate.stderr())
        self.assertIn("hits.broken", gate.stderr())
        gate.ask(get("/containers/json"))
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.counted(gate), {"allow ContainerList": 1})
        with open(os.path.join(gate.state, "hits.broken"), encoding="ascii") as stream:
            self.assertIn("nonsense", stream.read())

    def test_a_folder_that_cannot_be_written_any_more(self):
        gate = self.start_gate(READ)
        os.mkdir(os.path.join(gate.state, "hits.new"))
        gate.ask(get("/containers/json"))
        wait_for(lambda: "cannot be saved" in gate.stderr(), "a word about it", gate.process)
        os.rmdir(os.path.join(gate.state, "hits.new"))
        wait_for(lambda: self.counted(gate) == {"allow ContainerList": 1}, "the counts to be written", gate.process)
        self.assertEqual(gate.ask(get("/containers/json")).status, 200)

    def test_under_the_system_call_filter(self):
        gate = self.start_gate(READ, program=plain_binary())
        self.assertEqual({each["Seccomp"] for each in gate.status()}, {"2"})
        gate.ask(get("/containers/json"))
        gate.write_policy(READ + "  - allow: SystemInfo\n")
        self.assertEqual(command(gate, "policy", "reload").returncode, 0)
        self.assertEqual(gate.ask(get("/info")).status, 200)
        wait_for(lambda: self.counted(gate) == {"allow ContainerList": 1, "allow SystemInfo": 1}, "the counts to be written", gate.process)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(os.listdir(gate.state), ["hits"])


class NetworkHits(EgressCase):
    def test_each_decision_counts_once_for_its_rule(self):
        target, web = Origin(echo), HttpOrigin()
        self.addCleanup(target.stop)
        self.addCleanup(web.stop)
        rules = allow("a.test:%d" % target.port, extra="protocols: [any]") + allow("tls.test:%d" % target.port, extra="protocols: [tls]") \
            + allow("web.test:%d" % web.port) + deny("no.test") + allow("127.0.0.1:%d" % target.port, special=False)
        gate = self.start_egress(rules, hosts={name: "127.0.0.1" for name in ("a.test", "web.test", "tls.test")}, dns=True)
        for _ in range(3):
            with gate.tunnel("a.test:%d" % target.port) as client:
                client.send(b"hello")
                self.assertEqual(client.exactly(5), b"hello")
        for _ in range(2):
            self.assertEqual(gate.ask(connect("no.test:443")).status, 403)
        self.assertEqual(gate.ask(connect("unknown.test:443")).status, 403)
        with gate.tunnel("tls.test:%d" % target.port) as client:  # the name is allowed, what is spoken is not
            client.send(b"no TLS at all\r\n")
            self.assertTrue(client.ended())
        with gate.tunnel("tls.test:%d" % target.port) as client:
            data = hello.hello("tls.test")
            client.send(data)
            self.assertEqual(client.exactly(len(data)), data)
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:  # the address is allowed, the name that is asked for there is not
            client.send(hello.hello("no.test"))
            self.assertTrue(hello.is_alert(client.to_end()))
        for _ in range(2):
            self.assertEqual(gate.ask(forward("http://web.test:%d/" % web.port)).status, 200)
        ask_udp(gate.dns, question("a.test"))
        ask_udp(gate.dns, question("no.test"))
        ask_udp(gate.dns, question("other.test"))
        gate.wait_log(3, via="dns")
        self.assertEqual(gate.stop(), 0)
        rows = json.loads(run("policy", "ls", "--json", "--config", gate.policy_path).stdout)
        self.assertTrue(rows)
        verdicts = [r for r in gate.log(kind="network") if r["event"] in ("request", "close")]
        expected = {}
        for record in verdicts:
            expected[record["rule"]] = expected.get(record["rule"], 0) + 1
        found = by_resource(gate, read_hits(gate))
        self.assertEqual(sum(found.values()), len(verdicts))
        self.assertEqual(found, {"allow a.test:%d" % target.port: 4, "deny no.test:*": 4, "default network": 2,
                                 "allow tls.test:%d" % target.port: 2, "allow web.test:%d" % web.port: 2}, expected)

# SPDX-License-Identifier: Apache-2.0
"""A sealed log: what the gate writes is proven whatever happens to the gate, and what anybody else does to it is found and named."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import unittest

from harness.case import GateCase
from harness.client import get
from harness.gate import ALLOW_ALL, binary, plain_binary, run, wait_for

FAST = ["--seal-interval", "100ms"]
NEVER = ["--seal-interval", "24h"]
KEY = re.compile(r"dockreeve-seal-1:[0-9a-f]{64}\n")


class SealCase(GateCase):
    def seal_init(self, state, *more):
        done = run("policy", "log", "--seal-init", "--state", state, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, KEY)
        return done.stdout.strip()

    def sealed_gate(self, options=NEVER, **more):
        """A running gate whose log is sealed, with the auditor's key in gate.key."""
        gate = self.start_gate(options=list(options), **more)
        gate.stop()
        os.unlink(gate.log_path)
        gate.key = self.seal_init(gate.state)
        gate.start()
        return gate

    def verify(self, gate, code=0, key=True, *more):
        words = ["--key", gate.key] if key is True else ["--key", key] if key else []
        done = run("policy", "log", "--verify", "--log", gate.log_path, "--json", *words, *more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def fill(self, gate, count):
        with gate.connect() as connection:
            for number in range(count):
                self.assertEqual(connection.ask(get("/containers/c%d/json" % number)).status, 200)

    def key_file(self, gate):
        """Epoch and key as they stand in the file now."""
        with open(os.path.join(gate.state, "seal.key"), encoding="ascii") as stream:
            fields = stream.read().split()
        return int(fields[1]), fields[2]

    def wait_seals(self, gate, count):
        gate.wait_log(count, event="seal")

    def wait_sealed(self, gate):
        """Until the last record is a seal: the gate writes nothing more of its own."""
        wait_for(lambda: [record["event"] for record in gate.log()][-1:] == ["seal"], "the last record to be sealed", gate.process)

    def wait_epoch(self, gate, epoch):
        """Until the key is of that epoch or a later one. Returns epoch and key."""
        def reached():
            found = self.key_file(gate)
            return found if found[0] >= epoch else None
        return wait_for(reached, "the key of epoch %d" % epoch, gate.process)


class Life(SealCase):
    """Nothing that happens to a gate looks like tampering."""

    def test_a_run_is_proven_to_its_end(self):
        gate = self.sealed_gate()
        self.fill(gate, 20)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        records = gate.log()
        self.assertEqual([r["event"] for r in records][-2:], ["start", "stop", "seal"][-2:])
        self.assertEqual(report["result"], "intact")
        self.assertEqual((report["records"], report["authentic"]), (len(records), len(records)))
        self.assertEqual((report["proven"]["line"], report["behind_proven"]), (len(records), 0))
        self.assertTrue(report["from_beginning"])
        self.assertEqual(report["crashes"], 0)
        for record in records:
            self.assertEqual(list(record)[-3:], ["epoch", "chain", "mac"])

    def test_a_state_folder_that_is_the_policys(self):
        """What the gate writes there itself is no change of the policy."""
        gate = self.start_gate(options=FAST)
        gate.stop()
        os.unlink(gate.log_path)
        gate.policy_path = os.path.join(gate.state, "policy.yaml")
        gate.arguments[gate.arguments.index("--config") + 1] = gate.policy_path
        gate.write_policy(ALLOW_ALL)
        gate.key = self.seal_init(gate.state)
        gate.start()
        for epoch in range(2, 6):
            self.fill(gate, 2)
            self.wait_epoch(gate, epoch)
        self.assertEqual(gate.log(event="policy"), [])
        self.assertEqual(gate.reload(ALLOW_ALL + "  - deny: ContainerKill\n")["reason"], "reload")
        self.assertEqual(gate.stop(), 0)
        self.verify(gate)

    def test_the_text(self):
        gate = self.sealed_gate()
        self.fill(gate, 3)
        self.assertEqual(gate.stop(), 0)
        done = run("policy", "log", "--verify", "--log", gate.log_path, "--key", gate.key)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("Intact"), done.stdout)
        self.assertIn("Proven up to the seal of epoch 1 at %s:" % gate.log_path, done.stdout)
        self.assertIn("with the gate's stop", done.stdout)
        self.assertIn("say --expect-epoch 1 the next time", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        without = run("policy", "log", "--verify", "--log", gate.log_path)
        self.assertEqual(without.returncode, 0, without.stderr)
        self.assertIn("proves less", without.stdout)

    def test_keys_come_and_go(self):
        """The key's file never holds what it held before, nor the auditor's key."""
        gate = self.sealed_gate(FAST)
        epoch, key = self.key_file(gate)
        seen = [gate.key.split(":")[1], key]
        for _ in range(4):
            self.fill(gate, 2)
            epoch, key = self.wait_epoch(gate, epoch + 1)
            self.assertNotIn(key, seen)
            seen.append(key)
        status = os.stat(os.path.join(gate.state, "seal.key"))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertGreaterEqual(report["last"]["epoch"], 5)
        self.assertEqual([name for name in sorted(os.listdir(gate.state)) if name.startswith("seal")], ["seal.key", "seal.lock"])

    def test_an_idle_gate_seals_once(self):
        gate = self.sealed_gate(FAST)
        self.wait_seals(gate, 1)
        size = os.path.getsize(gate.log_path)
        gate.stand_still(0.5)
        self.assertEqual(os.path.getsize(gate.log_path), size)

    def test_kill_and_start(self):
        gate = self.sealed_gate(FAST)
        for round_number in range(3):
            self.fill(gate, 5 + round_number)
            if round_number:
                self.wait_seals(gate, round_number)
            gate.kill()
            gate.start()
        self.fill(gate, 2)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertEqual((report["restarts"], report["crashes"]), (3, 3))
        self.assertNotIn("key", gate.stderr())

    def test_a_torn_tail(self):
        """A crash in the middle of a write: every length of what is left of the last record."""
        gate = self.sealed_gate()
        self.fill(gate, 3)
        gate.kill()
        whole = gate.log_text()
        last = whole[:-1].rfind(b"\n") + 1
        for cut in (last + 1, last + 40, len(whole) - 60, len(whole) - 2, len(whole) - 1):
            with open(gate.log_path, "wb") as out:
                out.write(whole[:cut])
            report = self.verify(gate)
            self.assertEqual(report["fragments"], 1, cut)
            gate.start()
            self.fill(gate, 1)
            gate.kill()
            report = self.verify(gate)
            self.assertEqual(report["crashes"], 1, cut)
            self.assertEqual(report["fragments"], 0 if cut == len(whole) - 1 else 1, cut)
            shutil.copy(gate.log_path, gate.log_path + ".kept")
        gate.start()

    def test_rotation_and_reopening(self):
        gate = self.sealed_gate([*FAST, "--log-max-size", "8k", "--log-keep", "50"])
        self.fill(gate, 60)
        self.wait_sealed(gate)
        report = self.verify(gate)
        self.assertTrue(report["from_beginning"])
        self.assertTrue(os.path.exists(gate.log_path + ".2"))
        self.fill(gate, 5)
        self.wait_sealed(gate)
        for number in range(60, 0, -1):
            if os.path.exists(gate.log_path + ".%d" % number):
                os.rename(gate.log_path + ".%d" % number, gate.log_path + ".%d" % (number + 1))
        os.rename(gate.log_path, gate.log_path + ".1")
        gate.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(gate.log_path), "a new log file", gate.process)
        self.fill(gate, 5)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertTrue(report["from_beginning"])
        gate.start()

    def test_a_rotation_cut_short(self):
        """A gate that is killed while it renames leaves a number out, or no newest file."""
        gate = self.sealed_gate([*FAST, "--log-max-size", "8k", "--log-keep", "50"])
        self.fill(gate, 60)
        gate.kill()
        for number in range(50, 1, -1):
            if os.path.exists(gate.log_path + ".%d" % number):
                os.rename(gate.log_path + ".%d" % number, gate.log_path + ".%d" % (number + 1))
        report = self.verify(gate)
        self.assertTrue(report["missing_file"].endswith(".2"))
        os.rename(gate.log_path + ".1", gate.log_path + ".2")
        os.rename(gate.log_path, gate.log_path + ".1")
        self.assertEqual(self.verify(gate)["missing_file"], gate.log_path)
        gate.start()
        self.fill(gate, 40)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertTrue(report["from_beginning"])
        self.assertNotIn("missing_file", report)
        self.assertNotIn("removed", gate.stderr())

    def test_what_rotation_has_taken_away(self):
        gate = self.sealed_gate([*FAST, "--log-max-size", "8k", "--log-keep", "2"])
        self.fill(gate, 100)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertFalse(report["from_beginning"])
        self.assertEqual(report["authentic"], report["records"])
        os.truncate(gate.log_path, 0)  # an empty newest file: the chain goes on from the one before
        gate.start()
        gate.stop()
        self.assertEqual(self.verify(gate, 1)["fault"], "removed")

    def test_a_full_disk(self):
        """Records are lost, which their numbers show; the chain goes on from the last one that was written."""
        gate = self.sealed_gate(FAST)
        self.fill(gate, 3)
        _, hard = resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE)
        for room in (150, 700, 1000):
            size = os.path.getsize(gate.log_path)
            resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (size + room, hard))
            wait_for(lambda: gate.ask(get("/containers/json")).status == 503, "a refusal", gate.process)
            resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            wait_for(lambda: gate.ask(get("/info")).status == 200, "the gate to work again", gate.process)
        self.assertEqual(gate.stop(), 0)
        numbers = [record["seq"] for record in gate.log()]
        self.assertNotEqual(numbers, list(range(1, len(numbers) + 1)), "nothing was lost")
        self.verify(gate)

    def test_a_reload_seals(self):
        gate = self.sealed_gate()
        gate.reload(ALLOW_ALL + "  - deny: ContainerKill\n")
        self.wait_seals(gate, 1)
        self.wait_epoch(gate, 2)
        self.fill(gate, 1)
        self.assertEqual(gate.log()[-1]["epoch"], 2)
        self.verify(gate)

    def test_a_log_from_before(self):
        """Sealing begins in the middle of a log."""
        gate = self.start_gate(options=NEVER)
        self.fill(gate, 4)
        self.assertEqual(gate.stop(), 0)
        before = len(gate.log())
        self.assertEqual(self.verify(gate, 2, key=None)["result"], "never-sealed")
        gate.key = self.seal_init(gate.state)
        gate.start()
        self.fill(gate, 4)
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertEqual((report["unsealed_before"], report["from_beginning"]), (before, True))

    def test_a_second_series(self):
        gate = self.sealed_gate()
        self.fill(gate, 2)
        self.assertEqual(gate.stop(), 0)
        first = gate.key
        refused = run("policy", "log", "--seal-init", "--state", gate.state)
        self.assertEqual((refused.returncode, refused.stdout), (4, ""))
        self.assertIn("--force", refused.stderr)
        second = self.seal_init(gate.state, "--force")
        gate.start()
        self.fill(gate, 2)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.verify(gate, 1, first)["fault"], "forged")
        self.assertEqual(self.verify(gate, 0, first, "--key", second)["series"], 2)
        both = gate.file("auditor.key")
        gate.write(both, "# of both series\n%s\n\n%s\n" % (first, second))
        self.assertEqual(self.verify(gate, 0, both)["result"], "intact")
        self.assertEqual(self.verify(gate, 0, None)["result"], "intact")
        # Who has the second key's present cannot cut off the end of the first series.
        lines = gate.log_text().splitlines(keepends=True)
        ends = [at for at, line in enumerate(lines) if b'"event":"seal"' in line]
        with open(gate.log_path, "wb") as out:
            out.writelines(lines[:ends[0] - 2] + lines[ends[0] + 1:])
        report = self.verify(gate, 1, both)
        self.assertEqual((report["fault"], report["at"]["line"]), ("removed", ends[0] - 1))

    def test_another_key_behind_a_crash(self):
        """The series before has no end; one that is begun twice before its first record is begun once."""
        gate = self.sealed_gate()
        self.fill(gate, 2)
        gate.kill()
        first, second = gate.key, self.seal_init(gate.state, "--force")
        for _ in range(2):
            gate.start()
            gate.kill()
        gate.start()
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.verify(gate, 0, first, "--key", second)["series"], 2)
        self.assertNotIn("not sealed with the key", gate.stderr())

    def test_the_static_program_under_its_filter(self):
        gate = self.sealed_gate(FAST, program=plain_binary())
        self.fill(gate, 5)
        self.wait_epoch(gate, 2)
        if all(status["Seccomp"] != "2" for status in gate.status()):
            self.assertIn("system call filter", gate.stderr())
        gate.reload(ALLOW_ALL + "  - deny: ContainerKill\n")
        self.fill(gate, 5)
        gate.kill()
        gate.start()
        self.fill(gate, 5)
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.verify(gate)["crashes"], 1)
        self.assertNotIn("cannot be sealed", gate.stderr())

    def test_seals_are_no_part_of_the_listing(self):
        gate = self.sealed_gate()
        self.assertEqual(gate.stop(), 0)
        words = ["policy", "log", "--log", gate.log_path, "--limit", "2"]
        shown = run(*words).stdout.splitlines()
        self.assertEqual([line.split("\t")[3] for line in shown], ["start", "stop"])
        self.assertEqual([json.loads(line)["event"] for line in run(*words, "--json").stdout.splitlines()], ["start", "stop", "seal"][-2:])

    @unittest.skipIf(os.geteuid() != 0, "only root becomes another user")
    def test_another_user(self):
        """Whom the state folder belongs to; it is no use for the gate if it cannot replace the key."""
        gate = self.start_gate(options=FAST)
        gate.stop()
        gate.key = self.seal_init(gate.state)
        os.chmod(gate.folder, 0o755)
        gate.arguments += ["--user", "65534:65534"]
        with self.assertRaisesRegex(AssertionError, "ended with 1"):
            gate.start()
        self.assertIn("belong to the gate's user", gate.stderr())
        for path in (gate.state, os.path.dirname(gate.log_path), gate.log_path):
            os.chown(path, 65534, 65534)
        gate.key = self.seal_init(gate.state, "--force")
        gate.start()
        for epoch in (2, 3):
            self.fill(gate, 1)
            self.wait_epoch(gate, epoch)
        self.assertEqual(gate.stop(), 0)
        self.verify(gate)

    @unittest.skipIf(os.geteuid() != 0, "only root becomes another user")
    def test_what_another_user_puts_into_the_folder(self):
        """Root makes the key in a folder of the gate's user, who may have put other things there."""
        top = self.start_gate().file("others")
        secret = os.path.join(os.path.dirname(top), "secret")

        def check(name, make, done):
            shutil.rmtree(top, ignore_errors=True)
            os.mkdir(top)
            os.chown(top, 65534, 65534)
            with open(secret, "w", encoding="ascii") as out:
                out.write("a secret of root's\n" * 20)
            os.chmod(secret, 0o600)
            make(os.path.join(top, name))
            words = ["policy", "log", "--seal-init", "--force", "--state", top]
            self.assertEqual(run(*words).returncode == 0, done)
            with open(secret, encoding="ascii") as stream:
                self.assertEqual(stream.read(), "a secret of root's\n" * 20)
            self.assertEqual(os.stat(secret).st_uid, 0)

        self.each([(name + made, name, make, done) for made, make, outcomes in (
            (" is a pipe", os.mkfifo, (True, True, False)), (" is a link", lambda path: os.symlink(secret, path), (False, True, False)),
            (" is a second name", lambda path: os.link(secret, path), (True, True, False)), (" is a folder", os.mkdir, (False, False, False)),
        ) for name, done in zip(("seal.lock", "seal.key", "seal.key.new"), outcomes)], check)

    def test_an_old_key_put_back(self):
        """The gate goes on where the log is, and says so."""
        gate = self.sealed_gate(FAST)
        path = os.path.join(gate.state, "seal.key")
        shutil.copy(path, gate.file("old"))
        for epoch in (2, 3):
            self.fill(gate, 1)
            self.wait_epoch(gate, epoch)
        self.assertEqual(gate.stop(), 0)
        shutil.copy(gate.file("old"), path)
        os.chmod(path, 0o600)
        gate.start()
        self.fill(gate, 1)
        self.assertEqual(gate.stop(), 0)
        self.assertIn("an old key was put back", gate.stderr())
        self.verify(gate)


class Calls(SealCase):
    """What the system calls of a seal do to it."""

    def traced_gate(self, options, **more):
        """Leaks cannot be looked for while somebody traces."""
        return self.sealed_gate(options, program=plain_binary(), environment={"ASAN_OPTIONS": "detect_leaks=0"}, **more)

    def attach(self, gate, inject):
        if not shutil.which("strace"):
            self.skipTest("strace is not there")
        words = ["strace", "-f", "-qq", "-o", gate.file("trace"), "-e", "trace=" + inject.split(":")[0], "-e", "inject=" + inject]
        tracer = subprocess.Popen([*words, "-p", str(gate.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(tracer.communicate)
        self.addCleanup(tracer.kill)

        def traced():
            if tracer.poll() is not None:
                self.skipTest("strace may not trace: %s" % tracer.stderr.read())
            names = os.listdir("/proc/%d/task" % gate.process.pid)
            return all("TracerPid:\t%d\n" % tracer.pid in self.read("/proc/%d/task/%s/status" % (gate.process.pid, name)) for name in names)
        wait_for(traced, "strace", gate.process)
        return tracer

    def read(self, path):
        with open(path, encoding="utf-8") as stream:
            return stream.read()

    def test_a_kill_at_each(self):
        gate = self.traced_gate(FAST)
        calls = [("fdatasync", 1), ("fsync", 1), ("openat", 1), ("openat", 2), ("fchmod", 1), ("pwrite64", 1), ("fsync", 2), ("renameat", 1),
                 ("fsync", 3), ("pwrite64", 2), ("fdatasync", 2)]
        for call, which in calls:
            with self.subTest("%s %d" % (call, which)):
                wait_for(lambda: [record["event"] for record in gate.log()][-1:] == ["seal"], "a seal", gate.process)
                self.wait_epoch(gate, gate.log()[-1]["epoch"] + 1)
                self.attach(gate, "%s:signal=KILL:when=%d" % (call, which))
                with contextlib.suppress(OSError):  # the seal of the start may be the one that is traced
                    gate.connect().send(get("/info"))
                self.assertEqual(gate.wait_exit(), -signal.SIGKILL)
                self.verify(gate)
                gate.start()
        self.assertEqual(gate.stop(), 0)
        report = self.verify(gate)
        self.assertEqual(report["crashes"], len(calls))
        self.assertNotIn("an old key", gate.stderr())
        self.assertNotIn("missing", gate.stderr())

    def test_a_key_that_cannot_be_replaced_for_a_while(self):
        """That is said once, tried again at each seal, and said once more when it is over."""
        for fault in ("pwrite64:error=ENOSPC:when=1..4", "fsync:error=EIO:when=1..4", "renameat:error=EROFS:when=1..4",
                      "fdatasync:error=EIO:when=1..4", "openat:error=EMFILE:when=1..4"):
            with self.subTest(fault):
                gate = self.traced_gate(FAST)
                self.wait_epoch(gate, 2)
                tracer = self.attach(gate, fault)
                self.fill(gate, 1)
                wait_for(lambda: "the log is sealed again" in gate.stderr(), "the key to be kept again", gate.process)
                tracer.kill()
                self.fill(gate, 1)
                self.assertEqual(gate.stop(), 0)
                self.assertEqual(gate.stderr().count("the log cannot be sealed"), 1)
                self.assertEqual(self.verify(gate)["behind_proven"], 0)
                gate.start()
                self.assertEqual(gate.stop(), 0)
                self.assertEqual(self.verify(gate)["crashes"], 0)

    def end_of_hanging(self, gate, tracer):
        """The gate ends although one of its threads does not come back; only the tracer keeps that thread."""
        gate.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "State:\tZ" in self.read("/proc/%d/status" % gate.process.pid), "the gate's end")
        self.assertIn("could not be brought to the disk in the time that is left", gate.stderr())
        tracer.kill()
        self.assertEqual(gate.wait_exit(), 0)

    def test_a_disk_that_hangs_when_the_gate_stops(self):
        gate = self.traced_gate(NEVER, drain="500ms")
        self.fill(gate, 2)
        self.end_of_hanging(gate, self.attach(gate, "fdatasync:delay_enter=%d" % 600_000_000))
        self.assertEqual(self.verify(gate)["last"]["epoch"], 1)
        gate.start()
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.verify(gate)["proven"]["epoch"], 2)

    def test_a_disk_that_hangs_before_the_gate_stops(self):
        gate = self.traced_gate(FAST, drain="500ms")
        tracer = self.attach(gate, "fdatasync:delay_enter=%d" % 600_000_000)
        seals = len(gate.log(event="seal"))
        self.fill(gate, 2)
        self.wait_seals(gate, seals + 1)
        self.fill(gate, 2)
        self.end_of_hanging(gate, tracer)
        self.verify(gate)
        gate.start()
        self.assertEqual(gate.stop(), 0)
        self.assertEqual(self.verify(gate)["behind_proven"], 0)


class Refusals(SealCase):
    def test_a_bad_key_file_is_no_reason_to_go_unsealed(self):
        gate = self.sealed_gate()
        self.assertEqual(gate.stop(), 0)
        path = os.path.join(gate.state, "seal.key")
        with open(path, "rb") as stream:
            good = stream.read()
        rows = [("empty", b"", 0o600), ("cut", good[:-1], 0o600), ("longer", good + b"\n", 0o600),
                ("epoch 0", good.replace(b"1 00000000000000000002", b"1 00000000000000000000"), 0o600),
                ("not hexadecimal", good[:60] + b"x" + good[61:], 0o600), ("readable by others", good, 0o644)]

        def check(content, mode):
            with open(path, "wb") as out:
                out.write(content)
            os.chmod(path, mode)
            gate.start(wait=False)
            self.assertEqual(gate.wait_exit(), 1)
            self.assertIn("seal", gate.stderr().splitlines()[-1])

        self.each(rows, check)
        with open(path, "wb") as out:
            out.write(good)
        os.chmod(path, 0o600)
        gate.start()

    def test_a_state_folder_of_others(self):
        """Who could put files there could have the keys."""
        gate = self.sealed_gate()
        self.assertEqual(gate.stop(), 0)
        os.chmod(gate.state, 0o775)
        with self.assertRaisesRegex(AssertionError, "ended with 1"):
            gate.start()
        self.assertIn("chmod go-w", gate.stderr())
        done = run("policy", "log", "--seal-init", "--force", "--state", gate.state)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        os.chmod(gate.state, 0o755)
        if os.geteuid() == 0:
            os.chown(gate.state, 65534, 65534)
            with self.assertRaisesRegex(AssertionError, "ended with 1"):
                gate.start()
            self.assertIn("belongs to user 65534", gate.stderr())
            os.chown(gate.state, 0, 0)
        gate.start()

    def test_a_log_on_standard_output(self):
        gate = self.sealed_gate()
        gate.stop()
        gate.arguments[gate.arguments.index("--log") + 1] = "-"
        gate.start()
        self.assertEqual(gate.stop(), 0)
        self.assertIn("NOT SEALED", gate.stderr())
        self.assertNotIn("chain", gate.stdout())

    def test_a_key_that_is_gone(self):
        """The gate goes on and says so; what it writes then is no part of the sealed log."""
        gate = self.sealed_gate()
        gate.stop()
        os.unlink(os.path.join(gate.state, "seal.key"))
        before = len(gate.log())
        gate.start()
        self.assertEqual(gate.stop(), 0)
        self.assertIn("NOT SEALED from now on", gate.stderr())
        report = self.verify(gate, 1)
        self.assertEqual((report["fault"], report["at"]["line"]), ("inserted", before + 1))

    def test_one_gate_one_key(self):
        gate = self.sealed_gate()
        done = run("policy", "log", "--seal-init", "--force", "--state", gate.state)
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("stopped first", done.stderr)

    def test_keys(self):
        gate = self.sealed_gate()
        self.fill(gate, 1)
        self.assertEqual(gate.stop(), 0)
        other = self.seal_init(gate.file("elsewhere"))
        self.each([
            ("of another gate", other, "wrong-key"),
            ("no key", "dockreeve-seal-1:00", "no key"),
            ("no file", "/nonexistent/key", "cannot read"),
            ("empty file", "/dev/null", "no key"),
        ], lambda key, said: self.assertIn(said, str(self.verify(gate, 2, key))))
        words = ["policy", "log", "--verify", "--log", gate.log_path, "--key", "-"]
        reader, writer = os.pipe()
        os.write(writer, gate.key.encode())
        os.close(writer)
        with os.fdopen(reader) as stdin:
            self.assertEqual(run(*words, stdin=stdin).returncode, 0)

    def test_usage(self):
        self.each([
            ("both", ["--verify", "--seal-init"]),
            ("a client", ["--verify", "traefik"]),
            ("a key alone", ["--key", "x"]),
            ("force alone", ["--force"]),
        ], lambda words: self.assertEqual(run("policy", "log", *words).returncode, 2))
        self.assertEqual(run("policy", "log", "--verify", "--log", "/nonexistent/log").returncode, 3)

    def test_json_of_seal_init(self):
        folder = self.start_gate().file("new")
        done = run("policy", "log", "--seal-init", "--state", folder, "--json")
        self.assertRegex(json.loads(done.stdout)["key"] + "\n", KEY)
        self.assertIn("restart", done.stderr)

    def test_a_key_that_cannot_be_shown_is_not_kept(self):
        folder = self.start_gate().file("new")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([binary(), "policy", "log", "--seal-init", "--state", folder], stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(folder, "seal.key")))


class Tampering(SealCase):
    """One log of several files and epochs; each row changes it and says what must be found where."""

    def setUp(self):
        super().setUp()
        gate = self.gate = self.sealed_gate(["--seal-interval", "24h", "--log-max-size", "8k", "--log-keep", "50"])
        for number in range(3):
            self.fill(gate, 12)
            gate.write_policy(ALLOW_ALL + "  - deny: ContainerKill\n" * (number + 1))  # a reload seals
            self.wait_epoch(gate, number + 2)
        self.assertEqual(gate.stop(), 0)
        folder = os.path.dirname(gate.log_path)
        self.files = sorted(os.listdir(folder), key=lambda name: -int(name.rsplit(".", 1)[1]) if name != "access.jsonl" else 1)
        self.lines, self.owner = [], []
        for name in self.files:
            with open(os.path.join(folder, name), "rb") as stream:
                for line in stream.read().splitlines(keepends=True):
                    self.lines.append(line)
                    self.owner.append(name)
        self.assertGreater(len(self.files), 2)

    def put(self, lines):
        folder = os.path.dirname(self.gate.log_path)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        for name in self.files:
            with open(os.path.join(folder, name), "wb") as out:
                out.writelines(line for owner, line in lines if owner == name)

    def check(self, change, fault, at, keyless=None):
        lines = list(zip(self.owner, self.lines))
        change(lines)
        self.put(lines)
        report = self.verify(self.gate, 0 if fault is None else 1)
        self.assertEqual(report.get("fault"), fault, report)
        if at is not None:
            owner = lines[at][0]
            before = sum(1 for name, _ in lines[:at] if name == owner)
            self.assertEqual((os.path.basename(report["at"]["file"]), report["at"]["line"]), (owner, before + 1))
            self.assertLess(report["proven"]["epoch"] if report["proven"] else 0, 3)
        if keyless is not False:
            without = self.verify(self.gate, 1, None)
            self.assertEqual(without["fault"], keyless or fault, without)

    def test_each_manipulation(self):
        def edit(at, old, new):
            def change(lines):
                self.assertIn(old, lines[at][1])
                lines[at] = (lines[at][0], lines[at][1].replace(old, new, 1))
            return change

        def swap(a, b):
            def change(lines):
                lines[a], lines[b] = (lines[a][0], lines[b][1]), (lines[b][0], lines[a][1])
            return change

        middle = 15
        forged = self.lines[middle].replace(b'"status":200', b'"status":403')
        self.each([
            ("nothing", lambda lines: None, None, None, False),
            ("a byte changed", edit(middle, b'"status":200', b'"status":403'), "changed", middle),
            ("the number changed", edit(middle, b'"seq":%d' % json.loads(self.lines[middle])["seq"], b'"seq":9999'), "changed", middle),
            ("the epoch changed", edit(middle, b'"epoch":2', b'"epoch":1'), "changed", middle),
            ("the chain changed", edit(middle, b'"chain":"', b'"chain":"0000'), "changed", middle),
            ("the mac changed", lambda lines: lines.__setitem__(middle, (lines[middle][0], lines[middle][1][:-35] + b"0" * 32 + b'"}\n')),
             "changed", middle, False),
            ("a record removed", lambda lines: lines.pop(middle), "removed", middle),
            ("ten removed", lambda lines: lines.__delitem__(slice(middle, middle + 10)), "removed", middle),
            ("a seal removed", lambda lines: lines.pop([i for i, l in enumerate(self.lines) if b'"event":"seal"' in l][1]), "removed", None),
            ("a forged record inserted", lambda lines: lines.insert(middle, (lines[middle][0], forged)), "inserted", middle),
            ("a record twice", lambda lines: lines.insert(middle + 1, lines[middle]), "inserted", middle + 1),
            ("an earlier record again", lambda lines: lines.insert(middle, (lines[middle][0], self.lines[4])), "inserted", middle),
            ("a line without a seal", lambda lines: lines.insert(middle, (lines[middle][0], b'{"ts":"x","seq":3,"event":"request"}\n')), "inserted", middle),
            ("an empty line", lambda lines: lines.insert(middle, (lines[middle][0], b"\n")), "inserted", middle),
            ("two swapped", swap(middle, middle + 1), "reordered", middle),
            ("moved down", lambda lines: lines.insert(middle + 5, (lines[middle + 6][0], lines.pop(middle)[1])), "reordered", middle),
            ("cut inside a line in the middle", lambda lines: lines.__setitem__(middle, (lines[middle][0], lines[middle][1][:50] + b"\n")), "changed", middle),
        ], self.check)

    def test_a_file_removed(self):
        name = self.files[1]
        kept = [(owner, line) for owner, line in zip(self.owner, self.lines) if owner != name]
        self.put(kept)
        os.unlink(os.path.join(os.path.dirname(self.gate.log_path), name))
        report = self.verify(self.gate, 1)
        self.assertEqual(report["fault"], "removed")
        self.assertTrue(report["missing_file"].endswith(name))
        self.assertEqual(os.path.basename(report["at"]["file"]), self.files[2])

    def test_a_cut_tail(self):
        """It looks as if the gate had lost power; only an epoch known from elsewhere tells."""
        full = self.verify(self.gate)
        last = max(i for i, line in enumerate(self.lines) if b'"event":"seal"' in line and b'"epoch":2' in line)
        self.put(list(zip(self.owner, self.lines))[:last + 3])
        report = self.verify(self.gate)
        self.assertEqual((report["proven"]["epoch"], report["behind_proven"]), (2, 2))
        cut = self.verify(self.gate, 1, True, "--expect-epoch", str(full["last"]["epoch"]))
        self.assertEqual(cut["result"], "cut")
        # Records of that epoch without its seal are not what was proven.
        self.put(list(zip(self.owner, self.lines))[:-1])
        report = self.verify(self.gate)
        self.assertEqual((report["last"]["epoch"], report["proven"]["epoch"]), (full["last"]["epoch"], full["last"]["epoch"] - 1))
        self.assertEqual(self.verify(self.gate, 1, True, "--expect-epoch", str(full["proven"]["epoch"]))["result"], "cut")
        self.verify(self.gate, 0, True, "--expect-epoch", str(report["proven"]["epoch"]))
        self.put(list(zip(self.owner, self.lines))[:last + 3])
        # The gate goes on behind it with the key that it has: then the gap shows.
        self.gate.start()
        self.fill(self.gate, 1)
        self.assertEqual(self.gate.stop(), 0)
        self.assertIn("sealed records are missing", self.gate.stderr())
        for key in (True, None):
            report = self.verify(self.gate, 1, key)
            self.assertEqual((report["fault"], report["missing_epochs_from"]), ("removed", 3))

    def test_all_behind_the_first_seal_is_gone(self):
        """Nothing in the log tells, so the words do not hide what is not known."""
        first = next(i for i, line in enumerate(self.lines) if b'"event":"seal"' in line)
        self.put(list(zip(self.owner, self.lines))[:first + 1])
        report = self.verify(self.gate)
        self.assertEqual((report["proven"]["epoch"], report["ends_with_stop"]), (1, False))
        text = run("policy", "log", "--verify", "--log", self.gate.log_path, "--key", self.gate.key).stdout
        self.assertIn("Whether more stood behind its end cannot be seen in the log", text)
        self.assertIn("killed, or the log was cut there", text)

    def test_nothing_sealed_is_left(self):
        self.put([(self.owner[0], b'{"ts":"2026-01-01T00:00:00.000000Z","seq":1,"event":"start"}\n')])
        self.assertEqual(self.verify(self.gate, 2)["result"], "never-sealed")
        text = run("policy", "log", "--verify", "--log", self.gate.log_path, "--key", self.gate.key).stdout
        self.assertIn("all that was has been removed", text)

    def test_records_in_place_of_a_torn_line(self):
        """A crash leaves the beginning of a record before the next start, and nothing that could be read as one."""
        self.gate.start()
        self.assertEqual(self.gate.stop(), 0)
        with open(self.gate.log_path, "rb") as stream:
            lines = stream.read().splitlines(keepends=True)
        at = max(i for i, line in enumerate(lines) if b'"event":"start"' in line and b'"seq":1,' in line)
        record = b'{"ts":"2026-01-01T00:00:00.000000Z","seq":1,"event":"request","decision":"allow"}'

        def check(line, code):
            with open(self.gate.log_path, "wb") as out:
                out.writelines(lines[:at] + [line + b"\n"] + lines[at:])
            self.verify(self.gate, code)

        self.each([("cut", record[:-1], 0), ("cut, and zeros", record[:-1] + bytes(100), 0), ("zeros", bytes(4096), 0), ("whole", record, 1),
                   ("and a return", record + b"\r", 1), ("and a word", record + b" x", 1), ("behind a blank", b" " + record, 1),
                   ("behind a zero", b"\0" + record, 1), ("behind a mark", b"\xef\xbb\xbf" + record, 1),
                   ("fields twice", b'{"ts":"x","ts":"y"}', 1), ("words", b"traefik was denied", 1)], check)

    def test_what_stands_in_place_of_a_file(self):
        folder = os.path.dirname(self.gate.log_path)
        path = os.path.join(folder, self.files[1])
        os.rename(path, self.gate.file("elsewhere"))
        os.symlink(self.gate.file("elsewhere"), path)
        self.verify(self.gate)
        for make in (os.mkdir, os.mkfifo, lambda name: os.symlink("/dev/zero", name)):
            os.unlink(path) if os.path.islink(path) or not os.path.isdir(path) else os.rmdir(path)
            make(path)
            self.assertIn("is not a regular file", self.verify(self.gate, 1))

    def test_files_renumbered(self):
        """Their order is that of their numbers."""
        folder = os.path.dirname(self.gate.log_path)
        a, b = (os.path.join(folder, name) for name in self.files[:2])
        shutil.copy(b, b + "0")
        self.verify(self.gate, 1)
        os.unlink(b + "0")
        os.rename(a, a + ".kept")
        os.rename(b, a)
        os.rename(a + ".kept", b)
        self.verify(self.gate, 1)
        self.verify(self.gate, 1, None)

    def test_fewer_fields_or_others(self):
        middle = 15
        record = json.loads(self.lines[middle])
        chain, mac, epoch = record.pop("chain"), record.pop("mac"), record.pop("epoch")
        plain = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        rows = [("other order", {"mac": mac, "chain": chain, "epoch": epoch}), ("a second mac", {"mac": mac, "epoch": epoch, "chain": chain, "mac ": mac}),
                ("no mac", {"epoch": epoch, "chain": chain}), ("epoch as text", {"epoch": str(epoch), "chain": chain, "mac": mac}),
                ("capital letters", {"epoch": epoch, "chain": chain.upper(), "mac": mac})]

        def check(fields):
            text = plain[:-1] + "," + json.dumps(fields, separators=(",", ":")).replace("mac ", "mac")[1:] + "\n"
            self.check(lambda lines: lines.__setitem__(middle, (lines[middle][0], text.encode())), "changed", middle)

        self.each(rows, check)

# SPDX-License-Identifier: Apache-2.0
"""policy.d/90-cli.yaml when many edit it at once and when an editor is killed: every change that was reported is there, and whoever
reads the file at whatever moment reads a whole one."""

import collections
import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

from harness.edit import LOCK, EditCase
from harness.gate import binary, clean_environment, plain_binary, run, wait_for

try:
    import yaml
except ImportError:  # a reader of its own sees more; without it the program's own must do
    yaml = None

HOSTS = re.compile(r"^  - allow: (\S+)$", re.M)


class Reader:
    """Reads the file in a loop until it is stopped, and keeps what was wrong with what it read."""

    def __init__(self, case):
        self.case = case
        self.wrong = []
        self.texts = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.read_loop), threading.Thread(target=self.validate_loop)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def read_loop(self):
        before = None
        while not self.over.is_set():
            try:
                with open(self.case.cli, encoding="utf-8") as stream:
                    text = stream.read()
            except FileNotFoundError:
                continue
            if text == before:
                continue
            before = text
            self.texts += 1
            if yaml:
                try:
                    document = yaml.safe_load(text)
                    count = len(document["network"])
                except (yaml.YAMLError, TypeError, KeyError) as error:
                    self.wrong.append((str(error), text))
                    continue
                if count != len(HOSTS.findall(text)):
                    self.wrong.append(("rules missing", text))
            if not text.endswith("\n"):
                self.wrong.append(("cut short", text))

    def validate_loop(self):
        while not self.over.is_set():
            done = run("policy", "validate", "--config", self.case.path, program=plain_binary())
            if done.returncode != 0:
                self.wrong.append(("validate", done.stdout + done.stderr))


class Many(EditCase):
    def start(self, *words):
        return subprocess.Popen([plain_binary(), "policy", *words, "--config", self.path], env=clean_environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def hosts(self):
        return sorted(HOSTS.findall(self.store()))

    def test_two_hundred_at_once_are_all_there(self):
        names = ["h%03d.example.com" % number for number in range(200)]
        self.do("allow", "network", "first.example.com")
        with Reader(self) as reader:
            processes = [self.start("allow", "network", name) for name in names]
            said = [process.communicate(timeout=300) for process in processes]
        self.assertEqual([process.returncode for process in processes], [0] * 200, [text for text in said if text[1]])
        self.assertTrue(all(text[0].startswith("added: ") for text in said))
        self.assertEqual(self.hosts(), ["first.example.com"] + names)
        self.assertEqual(reader.wrong, [])
        self.assertGreater(reader.texts, 1)
        self.assertEqual(self.drop_ins(), ["90-cli.yaml"])

    def test_adding_and_removing_at_once(self):
        names = ["h%02d.example.com" % number for number in range(40)]
        self.do("allow", "network", ",".join(names[:20]))
        processes = [self.start("allow", "network", name) for name in names[20:]]
        processes += [self.start("rm", "network", name) for name in names[:20]]
        for process in processes:
            process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0)
        self.assertEqual(self.hosts(), names[20:])


class Killed(EditCase):
    RUNS = 300

    def test_a_kill_at_any_moment_leaves_the_old_or_the_new_file(self):
        """The delays spread over the time that one command takes, which is measured; they wait for nothing."""
        chosen = random.Random(4)
        self.do("allow", "network", "first.example.com")
        there = {"first.example.com"}
        whole_ms = self.milliseconds()
        killed = 0
        for number in range(self.RUNS):
            name = "h%03d.example.com" % number
            process = subprocess.Popen([plain_binary(), "policy", "allow", "network", name, "--config", self.path],
                                       env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(chosen.uniform(0, whole_ms * 1.5) / 1000)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
            code = process.wait()
            found = set(HOSTS.findall(self.store()))
            self.assertIn(found, (there, there | {name}), "run %d" % number)
            if code == 0:
                self.assertIn(name, found, "what was reported as done is there")
            there = found
            self.assertTrue(self.store().endswith("\n"))
        self.do("validate")
        self.do("allow", "network", "last.example.com")
        self.assertEqual(self.drop_ins(), ["90-cli.yaml"], "the next command cleans up")
        self.assertGreater(killed, 0)

    def milliseconds(self):
        """What one command takes, from a few that end by themselves."""
        begin = time.monotonic()
        for _ in range(5):
            run("policy", "allow", "network", "first.example.com,x.example.com", "--config", self.path, program=plain_binary())
            run("policy", "rm", "network", "x.example.com", "--config", self.path, program=plain_binary())
        return (time.monotonic() - begin) * 100

    def test_what_a_dead_writer_left_is_removed(self):
        self.do("allow", "network", "first.example.com")
        self.write(self.file("policy.d", ".90-cli.yaml.4711"), "version: 1\nnetw")
        self.do("validate")
        self.assertIn("already there", self.do("allow", "network", "first.example.com").stdout)
        self.assertEqual(self.drop_ins(), ["90-cli.yaml"])

    def trace(self, option, *words):
        return subprocess.run(["strace", "-o", self.file("trace"), "-e", option, plain_binary(), "policy", *words, "--config", self.path],
                              env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)

    def calls(self):
        """Every system call of one command, as (name, which of that name)."""
        self.assertEqual(self.trace("trace=all", "allow", "network", "traced.example.com").returncode, 0)
        seen = collections.Counter()
        with open(self.file("trace"), encoding="utf-8", errors="replace") as stream:
            for name in re.findall(r"^(\w+)\(", stream.read(), re.M):
                if name not in ("execve", "exit_group"):
                    seen[name] += 1
                    yield name, seen[name]

    def require_strace(self):
        if not shutil.which("strace") or self.trace("inject=fsync:error=EIO:when=99", "validate").returncode != 0:
            self.skipTest("strace is not there or may not trace")

    def test_a_kill_at_each_system_call(self):
        self.require_strace()
        self.do("allow", "network", "first.example.com")
        calls = list(self.calls())
        self.assertGreater(len(calls), 50)
        there, left, done = {"first.example.com", "traced.example.com"}, 0, 0
        for number, (call, which) in enumerate(calls):
            name = "h%d.example.com" % number
            code = self.trace("inject=%s:signal=KILL:when=%d" % (call, which), "allow", "network", name).returncode
            left += len(self.drop_ins()) - 1
            found = set(HOSTS.findall(self.store()))
            self.assertIn(found, (there, there | {name}), "%s %d" % (call, which))
            self.assertTrue(code != 0 or name in found)
            done += name in found
            there = found
            self.do("validate")
        self.do("allow", "network", "last.example.com")
        self.assertEqual(self.drop_ins(), ["90-cli.yaml"])
        self.assertGreater(left, 2, "some of the kills fell between the making of the temporary file and its new name")
        self.assertGreater(done, 0, "and some behind that")

    def test_a_disk_that_fails_is_said_and_changes_nothing(self):
        self.require_strace()
        self.do("allow", "network", "first.example.com")
        before = self.store()
        for fault in ("write:error=ENOSPC:when=1", "fchmod:error=EPERM", "fsync:error=EIO:when=1", "renameat:error=EACCES"):
            with self.subTest(fault):
                done = self.trace("inject=" + fault, "allow", "network", "second.example.com")
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("90-cli.yaml cannot be written: ", done.stderr)
                self.assertEqual(self.store(), before)
                self.assertEqual(self.drop_ins(), ["90-cli.yaml"])

    def waiting_for_the_lock(self):
        """A descriptor that holds the lock, and a command that waits for it."""
        self.do("allow", "network", "first.example.com")
        lock = os.open(self.file("policy.d", LOCK), os.O_RDONLY)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([binary(), "policy", "allow", "network", "second.example.com", "--config", self.path],
                                   env=clean_environment(), stdout=subprocess.PIPE, text=True)
        waits = re.compile(r"-> FLOCK +ADVISORY +WRITE +%d " % waiting.pid)

        def is_waiting():
            with open("/proc/locks", encoding="ascii") as stream:
                return waits.search(stream.read())

        wait_for(is_waiting, "the command to wait for the lock", waiting)
        self.assertNotIn("second", self.store())
        return lock, waiting

    def test_a_command_waits_for_the_one_that_holds_the_lock(self):
        lock, waiting = self.waiting_for_the_lock()
        fcntl.flock(lock, fcntl.LOCK_UN)
        self.assertIn("added", waiting.communicate(timeout=60)[0])
        self.assertIn("second", self.store())

    def test_a_folder_that_is_replaced_meanwhile_gets_the_change(self):
        for name, replace in (("another", lambda folder, old: shutil.copytree(old, folder)), ("none", lambda folder, old: None)):
            with self.subTest(name):
                lock, waiting = self.waiting_for_the_lock()
                folder, old = self.file("policy.d"), self.file(name)
                os.rename(folder, old)
                replace(folder, old)
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.assertIn("added", waiting.communicate(timeout=60)[0])
                self.assertEqual(waiting.returncode, 0)
                self.assertIn("second", self.store())
                with open(os.path.join(old, "90-cli.yaml"), encoding="utf-8") as stream:
                    self.assertNotIn("second", stream.read())
                self.do("reset", "--force")


class Locked(EditCase):
    """What others may hold is in nobody's way, and who is waited for is named."""

    def setUp(self):
        super().setUp()
        self.do("allow", "network", "first.example.com")

    def hold(self, path, user=None):
        """Another process that holds a lock of its own on what is there, and its way out."""
        code = ("import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDONLY); fcntl.flock(fd, fcntl.LOCK_EX); print('held', flush=True);"
                " sys.stdin.read()")
        holder = subprocess.Popen(["/usr/bin/python3", "-c", code, path], user=user, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)

        def end():
            holder.kill()
            holder.communicate()

        self.addCleanup(end)
        return holder, holder.stdout.readline()

    def test_a_lock_on_the_folder_is_in_nobodys_way(self):
        holder, said = self.hold(self.file("policy.d"), user=65534)
        self.assertEqual(said, "held\n")
        self.do("allow", "network", "second.example.com")
        self.assertIsNone(holder.poll())

    def test_others_cannot_open_the_lock(self):
        self.assertEqual(self.hold(self.file("policy.d", LOCK), user=65534)[1], "")
        self.assertEqual(os.stat(self.file("policy.d", LOCK)).st_mode & 0o777, 0o600)

    def test_a_lock_that_others_could_open_is_refused(self):
        path = self.file("policy.d", LOCK)
        for name, make in (("wider", lambda: os.chmod(path, 0o644)), ("another's", lambda: os.chown(path, 65534, 65534)),
                           ("a link", lambda: (os.unlink(path), os.symlink("/dev/null", path))),
                           ("a folder", lambda: (os.unlink(path), os.mkdir(path))),
                           ("a second name", lambda: (os.rmdir(path), self.write(self.file("x"), ""), os.chmod(self.file("x"), 0o600),
                                                      os.link(self.file("x"), path)))):
            with self.subTest(name):
                make()
                self.assertIn(LOCK, self.do("allow", "network", "second.example.com", code=1).said)
                if name == "another's":
                    os.chown(path, 0, 0)

    def test_a_holder_is_named_and_waited_for_no_longer_than_ten_seconds(self):
        holder, said = self.hold(self.file("policy.d", LOCK))
        self.assertEqual(said, "held\n")
        text = self.do("allow", "network", "second.example.com", code=1).said
        self.assertIn("waiting for process %d (" % holder.pid, text)
        self.assertIn("process %d (`/usr/bin/python3" % holder.pid, text)
        self.assertIn("for 10 seconds: wait until it has ended, or end it", text)
        self.assertNotIn("second", self.store())
        holder.kill()
        holder.wait()
        self.do("allow", "network", "second.example.com")

    def test_a_holder_that_is_killed_gives_way(self):
        holder, _ = self.hold(self.file("policy.d", LOCK))
        waiting = subprocess.Popen([binary(), "policy", "allow", "network", "second.example.com", "--config", self.path],
                                   env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(waiting.stderr.close)
        self.assertIn("waiting for process %d" % holder.pid, waiting.stderr.readline())
        holder.kill()
        self.assertIn("added", waiting.communicate(timeout=60)[0])
        self.assertEqual(waiting.returncode, 0)

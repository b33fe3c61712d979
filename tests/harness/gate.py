# SPDX-License-Identifier: Apache-2.0
"""The real binary in a folder of its own, from its start to its end. Ready is what the gate itself says is ready (sd_notify);
its log is read as the user would read it; it must end with exit code 0 and without a word from a sanitizer."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import wire
from .client import Client

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LISTENER = re.compile(r"([^\s,]+)(?: (egress|transparent-tls|transparent-http|dns))? (tcp|unix):([^\s,]+)")
ALLOW_ALL = 'version: 1\ndocker:\n  - allow: "@all"\n'


def binary():
    """The build under test."""
    return os.environ.get("DOCKREEVE_BINARY", os.path.join(TOP, "build", "static", "dockreeve"))


def plain_binary():
    """A build without sanitizers, for tests that measure memory; the same as binary() unless the runner names one."""
    return os.environ.get("DOCKREEVE_PLAIN_BINARY", binary())


def clean_environment(extra=None):
    """Nothing of the caller's environment reaches the gate but what a sanitizer needs."""
    kept = ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment.update(extra or {})
    return environment


def wait_for(condition, what, process=None):
    """Polls condition() until it returns something true. Between two looks it waits on the process, whose end is a failure."""
    deadline = time.monotonic() + wire.DEADLINE
    poller = select.poll()
    pidfd = None
    if process and process.poll() is None:
        pidfd = os.pidfd_open(process.pid)
        poller.register(pidfd, select.POLLIN)
    try:
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError("waited in vain for %s" % what)
            if poller.poll(5):
                found = condition()
                if found:
                    return found
                raise AssertionError("the gate ended while waiting for %s" % what)
    finally:
        if pidfd is not None:
            os.close(pidfd)


def run(*arguments, environment=None, program=None, stdin=subprocess.DEVNULL):
    """Runs one command of the binary to its end."""
    return subprocess.run([program or binary(), *arguments], env=clean_environment(environment), stdin=stdin,
                          capture_output=True, text=True, timeout=wire.DEADLINE * 2, check=False)


class Gate:
    """policy: text of policy.yaml, or None for none at all (the environment then decides). options: more arguments of `serve`.
    start=False leaves starting to the caller."""

    def __init__(self, policy=ALLOW_ALL, upstream=None, options=(), environment=None, tcp=False, admin=False,
                 log=None, unix=True, program=None, start=True, drain="1s", files=None):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-test-")
        self.policy_path = self.file("policy.yaml")
        self.log_path = log or self.file("log", "access.jsonl")
        self.socket_path = self.file("run", "docker.sock")
        self.admin_path = self.file("admin", "admin.sock") if admin else None
        self.state = self.file("state")
        self.upstream = upstream or self.file("engine.sock")
        self.found_ports = None
        for name in ("run", "log", "admin", "state"):
            os.mkdir(self.file(name), 0o755)
        if policy is not None:
            self.write(self.policy_path, policy)
        for name, text in (files or {}).items():
            os.makedirs(os.path.dirname(self.file(name)), 0o755, exist_ok=True)
            self.write(self.file(name), text)
        self.arguments = ["serve", "--upstream", "unix:" + self.upstream, "--log", self.log_path, "--state", self.state]
        if policy is not None:
            self.arguments += ["--config", self.policy_path]
        if unix:
            self.arguments += ["--listen", "unix:" + self.socket_path]
        if tcp:
            self.arguments += ["--listen", "tcp:127.0.0.1:0"]
        if admin:
            self.arguments += ["--admin", "unix:" + self.admin_path]
        if drain:
            self.arguments += ["--drain-timeout", drain]
        self.arguments += options
        self.environment = environment or {}
        self.program = program or binary()
        self.process = None
        self.clients = []
        if start:
            try:
                self.start()
            except BaseException:
                self.remove()
                raise

    def file(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, path, text):
        """In a policy @FOLDER@ stands for the gate's folder. A TCP listener has port 0: see `ports`."""
        text = text.replace("@FOLDER@", self.folder)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o644)

    # -- life

    def start(self, wait=True, preexec=None, stdin=subprocess.DEVNULL):
        notify_path = self.file("notify")
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        self.found_ports, self.logged_before = None, os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        environment = clean_environment(self.environment)
        environment["NOTIFY_SOCKET"] = notify_path
        with open(self.file("stderr"), "ab") as stderr, open(self.file("stdout"), "ab") as stdout:
            self.process = subprocess.Popen([self.program, *self.arguments], env=environment, stdin=stdin,
                                            stdout=stdout, stderr=stderr, preexec_fn=preexec)
        try:
            if wait:
                self.wait_ready(notify)
        finally:
            notify.close()

    def wait_ready(self, notify):
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while True:
                ready, _, _ = select.select([notify, pidfd], [], [], wire.DEADLINE)
                if notify in ready:
                    if b"READY=1" in notify.recv(4096).split(b"\n"):
                        return
                else:
                    why = "ended with %s" % self.process.wait() if ready else "did not become ready"
                    raise AssertionError("the gate %s; it said:\n%s" % (why, self.stderr()))
        finally:
            os.close(pidfd)

    def wait_exit(self):
        return self.process.wait(wire.DEADLINE)

    def stop(self, signal_number=signal.SIGTERM):
        """Asks the gate to end and returns its exit code."""
        for client in self.clients:
            client.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.wait_exit()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stderr(self):
        return self.read("stderr")

    def stdout(self):
        return self.read("stdout")

    def read(self, name):
        try:
            with open(self.file(name), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except FileNotFoundError:
            return ""

    def memory_kb(self, field="RssAnon"):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as stream:
            for line in stream:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError("no %s in /proc/PID/status" % field)

    def status(self):
        """What /proc says of each thread of the process: one dictionary a thread."""
        folder = "/proc/%d/task" % self.process.pid
        found = []
        for name in os.listdir(folder):
            with open(os.path.join(folder, name, "status"), encoding="ascii") as stream:
                found.append(dict((part.strip() for part in line.split(":", 1)) for line in stream))
        return found

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stand_still(self, seconds):
        """Lets a moment pass in which the gate has nothing to do, and returns the share of it that the gate spent computing. Only
        for proving that something does *not* happen; the one thing that may end the wait is the end of the gate, a failure."""
        before = self.cpu_seconds()
        pidfd = os.pidfd_open(self.process.pid)
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        try:
            if poller.poll(seconds * 1000):
                raise AssertionError("the gate ended while it had nothing to do; it said:\n" + self.stderr())
        finally:
            os.close(pidfd)
        return (self.cpu_seconds() - before) / seconds

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    # -- clients

    @property
    def ports(self):
        """Where the listeners are, {(client, role): port or path of a socket}, as the record of the start says; a role is egress, dns,
        transparent-tls, transparent-http, or "" for Docker. The first TCP one counts where there are several."""
        if self.found_ports is None:
            self.wait_listeners()
        return self.found_ports

    def wait_listeners(self):
        """Waits for the record of the start; it is the last one of a start."""
        said = LISTENER.findall(wait_for(self.said_listeners, "the record of the start", self.process))
        found = {}
        for client, role, transport, where in sorted(said, key=lambda row: row[2]):
            found.setdefault((client, role), where if transport == "unix" else int(where.rpartition(":")[2]))
        self.found_ports = found

    def said_listeners(self):
        whole = self.log_text()[self.logged_before:].rpartition(b"\n")[0]
        texts = [json.loads(line)["text"] for line in whole.splitlines() if b'"event":"start"' in line]
        return next((text.partition("; listening: ")[2] for text in texts if "; listening: " in text), None)

    @property
    def port(self):
        """That of the first TCP listener."""
        return next(where for where in self.ports.values() if isinstance(where, int))

    def keep(self, client):
        self.clients.append(client)
        return client

    def listens(self):
        """Whether the socket takes connections; its file is there a moment earlier."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket_path) == 0

    def connect(self, path=None):
        return self.keep(Client.unix(path or self.socket_path))

    def connect_tcp(self, port=None):
        return self.keep(Client.tcp(port or self.port))

    def ask(self, data, method=None, path=None):
        """One request on a connection of its own."""
        with Client.unix(path or self.socket_path) as client:
            return client.ask(data, method)

    def ask_admin(self, target):
        with Client.unix(self.admin_path) as client:
            return client.ask(b"GET %s HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n" % target.encode())

    # -- the log

    def log_text(self):
        try:
            with open(self.log_path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            return b""

    def log(self, **wanted):
        """All records, or those whose fields have the wanted values. A batch that is still being written is seen in
        part: what stands after the last line end is not a record yet. (Whole lines at the end: tests of the log.)"""
        whole, _, _ = self.log_text().rpartition(b"\n")
        records = [json.loads(line) for line in whole.splitlines()]
        return [r for r in records if all(r.get(name) == value for name, value in wanted.items())]

    def requests_logged(self, **wanted):
        return [r for r in self.log(**wanted) if r["event"] in ("request", "open")]

    def wait_log(self, count=1, **wanted):
        """Waits until that many records with the wanted fields are there, and returns them."""
        def found():
            records = self.log(**wanted)
            return records if len(records) >= count else None

        return wait_for(found, "%d log records with %r" % (count, wanted), self.process)

    # -- the policy

    def write_policy(self, text, path=None):
        """As an editor that saves by rename."""
        path = path or self.policy_path
        self.write(path + ".new", text)
        os.rename(path + ".new", path)

    def reload(self, text):
        """Writes a new policy and waits until the log says that it was loaded or refused. Returns that record."""
        before = len(self.log(event="policy"))
        self.write_policy(text)
        return self.wait_log(before + 1, event="policy")[-1]

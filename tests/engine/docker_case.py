# SPDX-License-Identifier: Apache-2.0
"""A gate in front of the real engine, and real clients that only know the gate's socket. Everything these tests make carries one
prefix and is removed through the engine's own socket afterwards. The image is busybox, made on the spot: nothing is pulled."""

import contextlib
import io
import os
import pty
import select
import shutil
import socket
import struct
import subprocess
import tarfile
import tempfile
import time
import unittest

from harness.case import check_end
from harness.gate import Gate, plain_binary
from harness.network import Namespace

ENGINE = os.environ.get("DOCKREEVE_ENGINE", "/var/run/docker.sock")
PREFIX = "dockreeve-test-%d" % os.getpid()
IMAGE = PREFIX + ":busybox"
PATIENCE = 120  # seconds for one client command
DENIED = "version: 1\n"
# The docker command says this for a refused upgrade and throws away what it was told.
NO_UPGRADE = "unable to upgrade to tcp, received 403"
HIJACKED = ("ContainerAttach", "ExecStart")


def busybox_root(extra=()):
    """The bytes of a tar with busybox, a link for each applet, and extra (name, bytes) files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "tmp", "etc", "work"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        with open("/bin/busybox", "rb") as stream:
            files = [("bin/busybox", stream.read()), *extra]
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
        applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo("bin/" + applet)
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
    return out.getvalue()


def directly(*arguments, data=None, check=True):
    """docker against the engine itself, for preparing and cleaning up."""
    environment = dict(os.environ, DOCKER_HOST="unix://" + ENGINE)
    return subprocess.run(["docker", *arguments], input=data, capture_output=True, env=environment, timeout=PATIENCE, check=check)


@contextlib.contextmanager
def engine_network():
    """Sockets that this thread makes in here are in the engine's network, which is another one when the engine has a machine of its own
    (tests/debian/machine)."""
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(ENGINE)
        pid = struct.unpack("3i", engine.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    if os.geteuid() != 0:  # who may not enter it shares it
        yield
        return
    network = Namespace(os.open("/proc/%d/ns/net" % pid, os.O_RDONLY | os.O_CLOEXEC))
    try:
        with network.entered():
            yield
    finally:
        network.close()


def allow(*operations):
    return "version: 1\ndocker:\n  - allow: [%s]\n" % ", ".join('"%s"' % name for name in operations)


class DockerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directly("import", "-", IMAGE, data=busybox_root())
        cls.gate = Gate(DENIED, upstream=ENGINE, program=plain_binary())
        cls.config = tempfile.mkdtemp(prefix="dockreeve-docker-config-")
        cls.environment = {"PATH": os.environ["PATH"], "HOME": cls.config, "DOCKER_CONFIG": cls.config,
                           "DOCKER_HOST": "unix://" + cls.gate.socket_path, "DOCKER_BUILDKIT": "0", "TERM": "xterm"}

    @classmethod
    def tearDownClass(cls):
        try:
            check_end(unittest.TestCase(), cls.gate)
        finally:
            cls.gate.remove()
            shutil.rmtree(cls.config, ignore_errors=True)
            for listing, removal in ((["ps", "-aq", "--filter", "name=" + PREFIX], ["rm", "-f"]),
                                     (["ps", "-aq", "--filter", "ancestor=" + IMAGE], ["rm", "-f"]),
                                     (["network", "ls", "-q", "--filter", "name=" + PREFIX], ["network", "rm"]),
                                     (["volume", "ls", "-q", "--filter", "name=" + PREFIX], ["volume", "rm", "-f"]),
                                     (["images", "--format", "{{.Repository}}:{{.Tag}}", PREFIX], ["rmi", "-f"])):
                found = directly(*listing).stdout.decode().split()
                if found:
                    directly(*removal, *found, check=False)

    def use(self, *operations):
        """Puts a policy in; one that is in already leaves no record."""
        text = allow(*operations) if operations else DENIED
        with open(self.gate.policy_path, encoding="ascii") as stream:
            same = stream.read() == text
        record = {} if same else self.gate.reload(text)
        self.assertEqual(record.get("decision", "allow"), "allow", record)
        self.mark = len(self.gate.log())

    def denied_since(self):
        """Operations that were refused since the policy was put in."""
        return {r.get("operation") for r in self.gate.log()[self.mark:] if r.get("decision") == "deny"}

    def docker(self, *arguments, data=None, program="docker", timeout=PATIENCE):
        return subprocess.run([program, *arguments], input=data, capture_output=True, env=self.environment, timeout=timeout, check=False)

    def container(self, *command, options=()):
        """A running container, made behind the gate's back."""
        name = "%s-%d" % (PREFIX, time.monotonic_ns())
        directly("run", "-d", "--name", name, *options, IMAGE, *command)
        self.addCleanup(directly, "rm", "-f", name, check=False)
        return name

    def needs(self, operations, command, main=None, printed=True):
        """command() succeeds under a policy of just these operations, and fails when one of them is missing; what docker then
        prints is the gate's sentence."""
        with self.subTest("allowed"):
            self.use(*operations)
            done = command()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.denied_since(), set(), "the list lacks what the client asks for")
        for missing in main or operations:
            with self.subTest("without " + missing):
                self.use(*[name for name in operations if name != missing])
                refused = command()
                self.assertNotEqual(refused.returncode, 0, refused.stdout)
                self.assertIn(missing, self.denied_since())
                if printed:
                    said = refused.stderr.decode()
                    self.assertIn(NO_UPGRADE if missing in HIJACKED else "Error response from daemon: dockreeve: " + missing, said)
        return done

    def on_terminal(self, arguments, typed, until, timeout=60):
        """Runs docker on a pseudo-terminal, types, and returns all that the screen showed and the exit code."""
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                os.execvpe("docker", ["docker", *arguments], self.environment)
            finally:
                os._exit(127)
        shown, deadline, typed = b"", time.monotonic() + timeout, list(typed)
        try:
            while time.monotonic() < deadline:
                ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
                if not ready:
                    break
                try:
                    data = os.read(terminal, 65536)
                except OSError:
                    break
                if not data:
                    break
                shown += data
                if typed and typed[0][0] in shown:
                    os.write(terminal, typed.pop(0)[1])
        finally:
            if time.monotonic() >= deadline:
                os.kill(pid, 9)
            os.close(terminal)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertIn(until, shown)
        return shown, code

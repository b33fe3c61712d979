# SPDX-License-Identifier: Apache-2.0
"""The docker command line through the gate: each command under a policy that names just its operations, and without each of them."""

import io
import os
import subprocess
import tarfile
import tempfile

from docker_case import IMAGE, NO_UPGRADE, PREFIX, DockerCase, busybox_root, directly
from harness.gate import wait_for

RUN = ("ContainerCreate", "ContainerAttach", "ContainerWait", "ContainerStart")


class Looking(DockerCase):
    def test_ps(self):
        name = self.container("sleep", "600")
        done = self.needs(["ContainerList"], lambda: self.docker("ps", "--format", "{{.Names}}"))
        self.assertIn(name, done.stdout.decode().split())

    def test_nothing_is_allowed_without_a_rule(self):
        self.use()
        for command in (["ps"], ["images"], ["info"], ["run", IMAGE, "true"], ["volume", "create", PREFIX], ["system", "df"]):
            with self.subTest(" ".join(command)):
                done = self.docker(*command)
                self.assertNotEqual((done.returncode, command == ["info"]), (0, False), done.stdout)
                self.assertIn("403" if b"daemon:" not in done.stderr else "daemon: ", done.stderr.decode())

    def test_version_needs_no_rule(self):
        self.use()
        done = self.docker("version", "--format", "{{.Server.Version}}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_logs(self):
        name = self.container("echo", "said this")
        directly("wait", name)
        done = self.needs(["ContainerInspect", "ContainerLogs"], lambda: self.docker("logs", name))
        self.assertEqual(done.stdout, b"said this\n")

    def test_logs_that_follow(self):
        name = self.container("sh", "-c", "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); sleep 0.2; done")
        done = self.needs(["ContainerInspect", "ContainerLogs"], lambda: self.docker("logs", "-f", name))
        self.assertEqual(done.stdout, b"".join(b"line %d\n" % n for n in range(5)))

    def test_events_as_they_happen(self):
        self.use("SystemEvents")
        watching = subprocess.Popen(["docker", "events", "--filter", "event=create", "--format", "{{.Actor.Attributes.name}}"],
                                    env=self.environment, stdout=subprocess.PIPE)
        try:
            wait_for(lambda: self.gate.log(operation="SystemEvents", decision="allow")[-1:], "the stream to open", self.gate.process)
            name = self.container("true")
            self.assertEqual(watching.stdout.readline().decode().strip(), name)
        finally:
            watching.terminate()
            watching.communicate(timeout=20)

    def test_events_of_the_past(self):
        self.needs(["SystemEvents"], lambda: self.docker("events", "--since", "1", "--until", "2"))

    def test_stats(self):
        name = self.container("sleep", "600")
        self.needs(["ContainerStats"], lambda: self.docker("stats", "--no-stream", name), printed=False)

    def test_wait(self):
        name = self.container("sh", "-c", "exit 7")
        done = self.needs(["ContainerWait"], lambda: self.docker("wait", name))
        self.assertEqual(done.stdout.strip(), b"7")


class Running(DockerCase):
    def test_run(self):
        # Without --rm: when the start is refused, docker waits for ever for the removal of what never ran.
        done = self.needs(RUN, lambda: self.docker("run", IMAGE, "echo", "hello"))
        self.assertEqual(done.stdout, b"hello\n")
        self.use(*RUN)
        self.assertEqual(self.docker("run", "--rm", IMAGE, "echo", "hello").stdout, b"hello\n")

    def test_exit_codes_come_back(self):
        self.use(*RUN)
        self.assertEqual(self.docker("run", "--rm", IMAGE, "sh", "-c", "exit 42").returncode, 42)

    def test_run_with_piped_input(self):
        """The end of the input must reach the container, and all output must come back after it."""
        self.use(*RUN)
        payload = os.urandom(3 << 20)
        done = self.docker("run", "--rm", "-i", IMAGE, "cat", data=payload)
        self.assertEqual((done.returncode, done.stdout == payload), (0, True), done.stderr)
        done = self.docker("run", "--rm", "-i", IMAGE, "wc", "-c", data=payload)
        self.assertEqual(int(done.stdout), len(payload))

    def test_run_with_input_and_output_apart(self):
        self.use(*RUN)
        done = self.docker("run", "--rm", "-i", IMAGE, "sh", "-c", "cat >&2; echo out", data=b"err")
        self.assertEqual((done.stdout, done.stderr), (b"out\n", b"err"))

    def test_run_on_a_terminal(self):
        self.use(*RUN, "ContainerResize")
        shown, code = self.on_terminal(["run", "--rm", "-it", IMAGE, "sh"],
                                       [(b"#", b"tty; echo so$((40+2))far\r"), (b"so42far", b"exit 3\r")], b"so42far")
        self.assertEqual(code, 3, shown)
        self.assertIn(b"/dev/", shown)

    def test_run_on_a_terminal_refused(self):
        self.use("ContainerCreate", "ContainerWait", "ContainerStart", "ContainerResize")
        _, code = self.on_terminal(["run", "--rm", "-it", IMAGE, "sh"], [], NO_UPGRADE.encode())
        self.assertNotEqual(code, 0)
        self.assertEqual(self.denied_since(), {"ContainerAttach"})

    def test_exec(self):
        name = self.container("sleep", "600")
        needed = ["ContainerInspect", "ContainerExec", "ExecStart", "ExecInspect"]
        done = self.needs(needed, lambda: self.docker("exec", name, "echo", "inside"))
        self.assertEqual(done.stdout, b"inside\n")
        self.use(*needed)
        self.assertEqual(self.docker("exec", name, "sh", "-c", "exit 9").returncode, 9)
        payload = os.urandom(1 << 20)
        self.assertEqual(self.docker("exec", "-i", name, "cat", data=payload).stdout, payload)

    def test_exec_on_a_terminal(self):
        name = self.container("sleep", "600")
        self.use("ContainerInspect", "ContainerExec", "ExecStart", "ExecInspect", "ExecResize")
        _, code = self.on_terminal(["exec", "-it", name, "sh"], [(b"#", b"echo so$((40+2))far\r"), (b"so42far", b"exit 4\r")], b"so42far")
        self.assertEqual(code, 4)

    def test_attach(self):
        name = self.container("sh", "-c", "while read line; do echo got $line; done", options=["-i"])
        needed = ["ContainerWait", "ContainerInspect", "ContainerAttach"]
        self.use(*needed)
        attached = subprocess.Popen(["docker", "attach", name], env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            for line in (b"this", b"that"):
                attached.stdin.write(line + b"\n")
                attached.stdin.flush()
                self.assertEqual(attached.stdout.readline(), b"got " + line + b"\n")
        finally:
            attached.kill()  # a gentler signal would be passed on to the container
            attached.communicate(timeout=20)
        self.assertEqual(self.denied_since(), set())
        for missing in needed:
            with self.subTest("without " + missing):
                self.use(*[operation for operation in needed if operation != missing])
                refused = self.docker("attach", name, data=b"")
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(missing, self.denied_since())
                self.assertIn(NO_UPGRADE if missing == "ContainerAttach" else missing, refused.stderr.decode())


class Moving(DockerCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dockreeve-engine-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_copy_out_of_a_container(self):
        name = self.container("sh", "-c", "echo content > /work/file; sleep 600")
        wait_for(lambda: directly("exec", name, "cat", "/work/file", check=False).returncode == 0, "the file")
        self.needs(["ContainerArchive"], lambda: self.docker("cp", name + ":/work/file", self.path("out")))
        with open(self.path("out"), "rb") as stream:
            self.assertEqual(stream.read(), b"content\n")

    def test_copy_into_a_container(self):
        name = self.container("sleep", "600")
        payload = os.urandom(1 << 20)
        with open(self.path("in"), "wb") as stream:
            stream.write(payload)
        self.needs(["ContainerArchiveInfo", "PutContainerArchive"], lambda: self.docker("cp", self.path("in"), name + ":/work/in"),
                   main=["PutContainerArchive"])
        self.assertEqual(directly("exec", name, "cat", "/work/in").stdout, payload)

    def test_build(self):
        with open(self.path("Dockerfile"), "w", encoding="ascii") as stream:
            stream.write("FROM %s\nCOPY data /data\nRUN wc -c < /data > /size\nCMD [\"cat\", \"/size\"]\n" % IMAGE)
        with open(self.path("data"), "wb") as stream:
            stream.write(os.urandom(2 << 20))
        tag = PREFIX + ":built"
        done = self.needs(["ImageBuild"], lambda: self.docker("build", "-t", tag, self.folder.name))
        self.assertIn(b"Successfully built", done.stdout)
        self.assertEqual(int(directly("run", "--rm", tag).stdout), 2 << 20)

    def test_save_and_load(self):
        archive = self.path("image.tar")
        self.needs(["ImageGetAll"], lambda: self.docker("save", "-o", archive, IMAGE))
        with tarfile.open(archive) as tar:
            self.assertIn("manifest.json", tar.getnames())
        done = self.needs(["ImageLoad"], lambda: self.docker("load", "-i", archive))
        self.assertIn(IMAGE.encode(), done.stdout)

    def test_a_large_image_needs_no_memory(self):
        """64 MB out and in again; the gate's anonymous memory stays where it was."""
        big = PREFIX + ":big"
        directly("import", "-", big, data=busybox_root([("work/big", os.urandom(64 << 20))]))
        self.use("ImageGetAll", "ImageLoad", "ImageList")
        self.docker("images")
        before = self.gate.memory_kb()
        archive = self.path("big.tar")
        done = self.docker("save", "-o", archive, big)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(os.path.getsize(archive), 64 << 20)
        self.assertLess(self.gate.memory_kb() - before, 1024)
        directly("rmi", big)
        done = self.docker("load", "-i", archive)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(self.gate.memory_kb() - before, 1024)
        self.assertLess(self.gate.memory_kb("VmHWM"), 16384)

    def test_import_from_a_pipe(self):
        root = io.BytesIO(busybox_root()).getvalue()
        self.needs(["ImageCreate"], lambda: self.docker("import", "-", PREFIX + ":imported", data=root))

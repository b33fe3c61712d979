# SPDX-License-Identifier: Apache-2.0
"""What the docker command may is changed by commands while it is used: each refusal names the command that would permit it, and
once that has been run the same docker command goes further."""

import os
import re
import shlex

from docker_case import IMAGE, PREFIX, DockerCase, directly
from harness.gate import run

ADVICE = re.compile(r"run `dockreeve (policy allow docker [^`]+)`")


class Session(DockerCase):
    def setUp(self):
        """The policy is what the commands write, and nothing else; the log begins anew."""
        self.gate.stop()
        for path in (self.gate.policy_path, self.gate.log_path):
            if os.path.exists(path):
                os.unlink(path)
        self.variables = {"DOCKREEVE_CONFIG": self.gate.policy_path, "DOCKREEVE_LOG": self.gate.log_path, "DOCKREEVE_STATE": self.gate.state}
        self.policy("reset", "--force")
        self.policy("set-default", "deny-all")
        self.gate.start()

    def policy(self, *words, code=0):
        done = run("policy", *words, environment=self.variables)
        self.assertEqual(done.returncode, code, "dockreeve policy %s\n%s%s" % (" ".join(words), done.stdout, done.stderr))
        return done.stdout

    def change(self, *words):
        """Changes the policy. The reload is waited for, so that what follows is judged by the new one."""
        self.policy(*words)
        self.policy("reload")

    def advice(self, done):
        """The command that a refusal names."""
        self.assertNotEqual(done.returncode, 0, done.stdout)
        found = ADVICE.search(done.stderr.decode())
        self.assertTrue(found, done.stderr)
        return shlex.split(found.group(1))

    def test_the_refusals_lead_to_what_is_needed(self):
        self.assertEqual(self.advice(self.docker("ps"))[:4], ["policy", "allow", "docker", "ContainerList"])
        self.change("allow", "docker", "@read")
        self.assertEqual(self.docker("ps").returncode, 0)

        # Created alone, not run: a refused attach says nothing but its status to the docker command.
        name = PREFIX + "-session"
        self.addCleanup(directly, "rm", "-f", name, check=False)
        create, start = ("create", "--name", name, IMAGE, "sleep", "600"), ("start", name)
        for command, operation in ((create, "ContainerCreate"), (start, "ContainerStart"), (("stop", "-t", "0", name), "ContainerStop")):
            with self.subTest(operation):
                words = self.advice(self.docker(*command))
                self.assertEqual(words[3], operation)
                self.policy("check", "docker", operation, code=6)
                self.change(*words[1:])
                self.assertEqual(self.docker(*command).returncode, 0)
                self.policy("check", "docker", operation)

        self.change("deny", "docker", "ContainerStart", "--name", "nothing starts at night")
        refused = self.docker("start", name)
        self.assertIn("nothing starts at night", refused.stderr.decode())
        self.change("rm", self.rule("nothing starts at night"))
        self.assertEqual(self.docker("start", name).returncode, 0)

    def rule(self, name):
        listed = [line.split("\t") for line in self.policy("ls", "--wide").splitlines()]
        return next(cell for row in listed if name in row for cell in row if re.fullmatch("[0-9a-f]{8}", cell))

    def test_run_is_permitted_by_a_set(self):
        words = self.advice(self.docker("run", IMAGE, "echo", "hello"))
        self.assertEqual(words[3], "ContainerCreate")
        self.change("allow", "docker", "@run", "--name", "may run")
        done = self.docker("run", "--rm", IMAGE, "echo", "hello")
        self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"), done.stderr)
        lines = [line.split("\t") for line in self.policy("log", "--summary", "--operation", "ContainerCreate").splitlines()]
        rows = [dict(zip(lines[0], line)) for line in lines[1:]]
        self.assertEqual([(row["DECISION"], row["RULE"].split(" (")[0], row["COUNT"]) for row in rows if "ContainerCreate" in row.values()],
                         [("deny", "default", "1"), ("allow", "may run", "1")])

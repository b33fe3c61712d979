# SPDX-License-Identifier: Apache-2.0
"""A gate that is a router lets its neighbours go around it: `serve` and `doctor` say so. In a network namespace of the test's own."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness.gate import binary

ONE = "ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 10.99.1.1/24 dev v0; ip link set v0 up; ip link set v1 up; "
TWO = ONE + "ip addr add 10.99.2.1/24 dev v1; "
V6 = "for i in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 > $i; done; "
V0 = "/proc/sys/net/ipv4/conf/v0/forwarding"
IPV4, IPV6 = "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"


def can_make_namespaces():
    return shutil.which("ip") and shutil.which("unshare") and subprocess.run(["unshare", "-n", "sh", "-e", "-c", TWO], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(can_make_namespaces(), "this user may not make network namespaces")
class Forwarding(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-forwarding-")
        self.addCleanup(shutil.rmtree, self.folder)

    def inside(self, setup, forwarding, *arguments):
        """The program, started in a namespace of its own."""
        setup += "".join("echo %d > %s; " % (value, path) for path, value in forwarding.items())
        return subprocess.Popen(["unshare", "-n", "sh", "-e", "-c", setup + 'exec "$0" "$@"', binary(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], "HOME": self.folder})

    def policy(self, egress):
        path = os.path.join(self.folder, "policy.yaml")
        with open(path, "w", encoding="ascii") as out:
            out.write("version: 1\nclients:\n  agents:\n    egress: %s\n" % egress)
        return path

    def doctor(self, setup, forwarding, egress):
        with self.inside(setup, forwarding, "doctor", "--json", "--config", self.policy(egress), "--state", self.folder) as program:
            said = [json.loads(line) for line in program.stdout]
        return [line["text"] for line in said if "this is a router" in line["text"]]

    def serve(self, setup, forwarding, egress):
        """What it says at its start: on standard error, and in its log."""
        with self.inside(setup, forwarding, "serve", "--config", self.policy(egress), "--log", "-", "--state", "none") as program:
            reasons = []
            for line in program.stdout:
                record = json.loads(line)
                reasons.append(record.get("reason"))
                if "listen" in record.get("text", "") and record["event"] == "start":
                    break
            program.terminate()
            program.stdout.read()
            return program.stderr.read(), reasons

    def test_who_is_warned(self):
        rows = [
            ("a router on two networks", TWO, {IPV4: 1}, "10.99.1.1:3128", "net.ipv4.ip_forward"),
            ("by one interface alone", TWO, {IPV4: 0, V0: 1}, "10.99.1.1:3128", "net.ipv4.conf.*.forwarding"),
            ("listening everywhere", TWO, {IPV4: 1}, "0.0.0.0:3128", "net.ipv4.ip_forward"),
            ("by IPv6 only", TWO + V6, {IPV4: 0, IPV6: 1}, "10.99.1.1:3128", "net.ipv6.conf.all.forwarding"),
            ("no router", TWO, {IPV4: 0}, "10.99.1.1:3128", None),
            ("on one network", ONE + "echo 1 > /proc/sys/net/ipv6/conf/v1/disable_ipv6; ", {IPV4: 1}, "10.99.1.1:3128", None),
            ("on loopback", TWO, {IPV4: 1}, "127.0.0.1:3128", None),
            ("on a unix socket", TWO, {IPV4: 1}, "unix:%s/gate.sock" % self.folder, None),
        ]
        for name, setup, forwarding, egress, wanted in rows:
            if IPV6 in forwarding and not os.path.exists(IPV6):
                continue
            with self.subTest(name):
                told = self.doctor(setup, forwarding, egress)
                said, reasons = self.serve(setup, forwarding, egress)
                self.assertEqual(len(told), 1 if wanted else 0, told)
                self.assertEqual("note.forwarding" in reasons, wanted is not None, (said, reasons))
                self.assertEqual("this is a router" in said, wanted is not None, said)
                for text in told:
                    self.assertIn(wanted, text)

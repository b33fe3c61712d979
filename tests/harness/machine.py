# SPDX-License-Identifier: Apache-2.0
"""Gates of a machine of the test's own: a network namespace without any way out, in which it has the addresses that the test gives
it. Skipped where the user may not make one."""

import json
import subprocess

from . import wire
from .egress import EgressCase, EgressGate
from .gate import binary, clean_environment
from .network import Network, Unavailable
from .origin import Origin

LISTEN = "clients:\n  main:\n    egress: unix:@FOLDER@/run/egress.sock\n"


class MachineCase(EgressCase):
    """The gate of a test is self.gate; its client `main` is asked by a unix socket."""

    def setUp(self):
        super().setUp()
        try:
            self.network = Network()
        except Unavailable:
            self.skipTest("no network of one's own here")
        self.addCleanup(self.network.close)

    def serve(self, policy, client="", **options):
        """`client` are more lines of the client."""
        self.gate = EgressGate(policy + LISTEN + client, egress=False, files={"run/.kept": ""}, start=False, **options)
        self.addCleanup(self.gate.remove)
        self.addCleanup(self.check_egress, self.gate)
        self.gate.start(preexec=self.network.enter)

    def listen(self, address, make=Origin, *arguments):
        """An origin in the machine."""
        with self.network.entered():
            return self.origin(make(*arguments, host=address))

    def ask(self, raw):
        """One request on a connection of its own."""
        self.gate.set_mark()
        with self.gate.client(name="main") as client:
            return client.ask(raw, raw.split(b" ", 1)[0].decode())

    def check(self, *arguments, network=None):
        """What `policy check network` says in the machine."""
        done = subprocess.run([binary(), "policy", "check", "network", "--json", "--config", self.gate.policy_path, "--client", "main", *arguments],
                              env=clean_environment(self.gate.environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=wire.DEADLINE * 2, check=False, preexec_fn=(network or self.network).enter)
        self.assertIn(done.returncode, (0, 6), done.stderr)
        return json.loads(done.stdout)

# SPDX-License-Identifier: Apache-2.0
"""`docker build .` in a checkout. Its base image is made of a root of tests/debian/root, which has what a build needs, so that nothing is
fetched; left out where DOCKREEVE_BASE_ROOT does not name one."""

import os
import subprocess
import unittest

from docker_case import ENGINE, PREFIX, directly
from harness.gate import TOP

ROOT = os.environ.get("DOCKREEVE_BASE_ROOT")
BASE = PREFIX + "-base:latest"
GATE_IMAGE = PREFIX + "-built:latest"
PATIENCE = 280


@unittest.skipUnless(ROOT, "no root of a Debian for a base image (DOCKREEVE_BASE_ROOT)")
class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for image in (BASE, GATE_IMAGE):
            cls.addClassCleanup(directly, "rmi", "-f", image, check=False)
        with subprocess.Popen(["tar", "-C", ROOT, "-c", "--one-file-system", "--exclude=./src", "--exclude=./var/lib/docker", "."],
                              stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "-H", "unix://" + ENGINE, "import", "-", BASE], stdin=tar.stdout, capture_output=True, timeout=PATIENCE, check=True)

    def test_the_checkout_is_all_it_takes(self):
        built = subprocess.run(["docker", "build", "--build-arg", "BASE=" + BASE, "-t", GATE_IMAGE, "."], cwd=TOP, capture_output=True,
                               env=dict(os.environ, DOCKER_HOST="unix://" + ENGINE, DOCKER_BUILDKIT="0"), timeout=PATIENCE, check=False)
        self.assertEqual(built.returncode, 0, (built.stdout + built.stderr).decode()[-4000:])
        self.assertIn("dockreeve ", directly("run", "--rm", GATE_IMAGE, "version").stdout.decode())
        layers = directly("image", "inspect", "--format", "{{len .RootFS.Layers}} {{.Config.Cmd}} {{.Config.Healthcheck.Test}}", GATE_IMAGE)
        self.assertEqual(layers.stdout.decode().strip(), "1 [serve] [CMD /dockreeve healthcheck]")

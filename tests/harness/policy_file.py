# SPDX-License-Identifier: Apache-2.0
"""A policy for the length of a with statement."""

import os
import tempfile


class PolicyFile:
    """A policy on its own, for the commands."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dockreeve-policy-")
        path = os.path.join(self.folder.name, "policy.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.text)
        return path

    def __exit__(self, *_):
        self.folder.cleanup()

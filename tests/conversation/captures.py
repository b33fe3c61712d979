# SPDX-License-Identifier: Apache-2.0
"""Reads fixtures/*.txt: requests of real clients, recorded by an engine that answered anything. A record is `----`, a head whose
last line lost its CR, an empty line, and the body; lines in parentheses and `<tar N>` are the recorder's own words."""

import glob
import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
NOTE = re.compile(rb"^\((101; early|tunnel) bytes .*\)$")


class Captured:
    def __init__(self, name, head, body):
        self.name = name
        lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
        self.method, self.target, _ = lines[0].decode().split(" ")
        self.lines = lines
        self.chunked = any(line.lower() == b"transfer-encoding: chunked" for line in lines)
        lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        if lengths:
            body = b"t" * lengths[0] if body.startswith(b"<tar ") else body[: lengths[0]]
            assert len(body) == lengths[0], (lines[0], lengths, body)
        elif not self.chunked:
            body = b""
        else:
            body = body.rstrip(b"\n")
        self.body = body

    @property
    def raw(self):
        head = b"\r\n".join(self.lines) + b"\r\n\r\n"
        if self.chunked:
            return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body)
        return head + self.body


def read_all():
    """Every captured request once, in the order of the files."""
    seen, requests = set(), []
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.txt"))):
        with open(path, "rb") as stream:
            text = stream.read()
        client = os.path.basename(path)[:-4]
        for part in re.split(rb"^(?:----|#### .*)\n", text, flags=re.M):
            if not re.match(rb"^[A-Z]+ /", part):
                continue
            head, _, rest = part.partition(b"\n\n")
            rest = b"\n".join(line for line in rest.split(b"\n") if not NOTE.match(line))
            request = Captured("", head, rest)
            request.name = "%s: %s %s" % (client, request.method, request.target[:100])
            if request.raw not in seen:
                seen.add(request.raw)
                requests.append(request)
    return requests

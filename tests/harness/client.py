# SPDX-License-Identifier: Apache-2.0
"""A client that says exactly the bytes it is given and reads the answers strictly."""

import json
import socket

from . import wire


class Response:
    """One final response with its body; `interim` are the status codes of 1xx responses before it."""

    def __init__(self, version, status, reason, fields):
        self.version, self.status, self.reason, self.fields = version, status, reason, fields
        self.body = b""
        self.kind = "none"
        self.interim = []

    def field(self, name):
        return self.fields.one(name)

    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """The sentence a Docker client prints."""
        return self.json()["message"]

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:300])


class Client(wire.Stream):
    @classmethod
    def unix(cls, path):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(wire.DEADLINE)
        sock.connect(path)
        return cls(sock)

    @classmethod
    def tcp(cls, port, host="127.0.0.1"):
        return cls(socket.create_connection((host, port), wire.DEADLINE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read_head(self):
        lines = wire.split_head(self.until(b"\r\n\r\n"))
        match = wire.STATUS_LINE.match(lines[0])
        if not match:
            raise wire.Malformed("status line %r" % lines[0])
        fields = wire.parse_fields(lines[1:])
        response = Response(int(match.group(1)), int(match.group(2)), match.group(3).decode("latin-1"), fields)
        response.kind, response.length = wire.framing(fields)
        return response

    def read_response(self, method="GET"):
        """Reads up to the end of one final response (RFC 9112 section 6.3)."""
        interim = []
        response = self.read_head()
        while 100 <= response.status < 200 and response.status != 101:
            interim.append(response.status)
            response = self.read_head()
        response.interim = interim
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if response.kind == "none":
            response.kind = "close"
            response.body = self.to_end()
        else:
            response.body = self.body(response.kind, response.length)
        return response

    def ask(self, data, method=None):
        """Sends one request and reads its response."""
        self.send(data)
        return self.read_response(method or data.split(b" ", 1)[0].decode("latin-1"))


def request(method, target, fields=(), body=None, host="docker", version="1.1"):
    """The bytes of a plain request; a body gets its Content-Length."""
    lines = ["%s %s HTTP/%s" % (method, target, version)]
    if host is not None:
        lines.append("Host: %s" % host)
    lines += ["%s: %s" % field for field in fields]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def get(target, *fields):
    return request("GET", target, fields)


def post(target, *fields, body=b""):
    return request("POST", target, fields, body)


def post_json(target, value, *fields):
    """A value is written as the gate writes it: without blanks."""
    body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return request("POST", target, (("Content-Type", "application/json"),) + fields, body)


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"

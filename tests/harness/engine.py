# SPDX-License-Identifier: Apache-2.0
"""An engine that records every byte the gate sends it and answers as told. Requests are read with the strict reader of wire.py;
what that reader refuses is kept in `violations`, and a test with a violation fails."""

import json
import os
import re
import socket
import threading
import urllib.parse

from . import wire


def answer(status=200, body=b"", *fields, reason="OK"):
    """The bytes of a response with Content-Length."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        fields = (("Content-Type", "application/json"),) + fields
    lines = ["HTTP/1.1 %d %s" % (status, reason)]
    lines += ["%s: %s" % field for field in fields]
    if status != 204 and status != 304:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Request:
    """One complete request as the engine understands it."""

    def __init__(self, method, target, fields, head):
        self.method, self.target, self.fields, self.head = method, target, fields, head
        self.body = b""
        self.kind = "none"
        path, _, query = target.partition("?")
        self.raw_path = path
        self.path = urllib.parse.unquote(path, errors="surrogateescape")
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))

    def field(self, name):
        return self.fields.one(name)

    @property
    def line(self):
        return "%s %s" % (self.method, self.target)

    def __repr__(self):
        return "<%s>" % self.line


def read_request(stream, form=wire.REQUEST_LINE):
    """The next request up to its body, its line in that form; None when the gate closed in between."""
    if not stream.buffer and not stream.fill():
        return None
    head = stream.until(b"\r\n\r\n")
    lines = wire.split_head(head)
    match = form.match(lines[0])
    if not match:
        raise wire.Malformed("request line %r" % lines[0])
    request = Request(match.group(1).decode(), match.group(2).decode(), wire.parse_fields(lines[1:]), head)
    request.kind, request.length = wire.framing(request.fields)
    return request


class Connection(wire.Stream):
    """The engine's side of one connection."""

    def read_request(self):
        request = read_request(self)
        if request and request.fields.all("Host") != ["docker"]:
            raise wire.Malformed("Host %r" % request.fields.all("Host"))
        return request


class Engine:
    """`routes` maps (method, path) to bytes or to a function (connection, request) that answers itself; it may return False to
    have the connection closed. `default` serves the rest. With read_bodies off the functions read bodies themselves."""

    def __init__(self, path):
        self.path = path
        self.changed = threading.Condition()
        self.read_bodies = True
        self.versions = []
        self.routes = {}
        self.default = answer(200, b"OK")
        self.listener = None
        self.reset()
        self.start()

    def reset(self):
        with self.changed:
            self.requests = []
            self.heads = []  # requests whose head arrived, complete or not
            self.violations = []
            self.connections = getattr(self, "connections", [])

    def on(self, method, path, reply):
        self.routes[(method, path)] = reply

    def start(self):
        listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener.bind(self.path)
        os.chmod(self.path, 0o666)
        listener.listen(512)
        self.listener = listener
        threading.Thread(target=self.accept_all, args=(listener,), daemon=True).start()

    def accept_all(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            connection = Connection(sock)
            connection.sock.settimeout(None)
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while self.serve_one(connection) is not False:
                pass
        except wire.Malformed as error:
            with self.changed:
                self.violations.append(str(error))
                self.changed.notify_all()
        except (OSError, wire.Ended, ValueError):
            pass
        finally:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def serve_one(self, connection):
        request = connection.read_request()
        if request is None:
            return False
        if request.field("User-Agent") == "dockreeve" and re.fullmatch(r"/v1\.[0-9]+/_ping", request.path):
            return self.say_version(connection, request)
        with self.changed:
            self.heads.append(request)
            self.changed.notify_all()
        if self.read_bodies:
            request.body = connection.body(request.kind, request.length)
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        unversioned = request.path
        if unversioned.startswith("/v1."):
            unversioned = "/" + unversioned.split("/", 2)[2]
        reply = self.routes.get((request.method, unversioned), self.default)
        if callable(reply):
            return reply(connection, request)
        if request.method == "HEAD":
            reply = reply[: reply.index(b"\r\n\r\n") + 4]
        connection.send(reply)
        return True

    def say_version(self, connection, request):
        """The gate's own question, which it asks now and then: `versions` has them, and no list of requests."""
        with self.changed:
            self.versions.append(request)
            self.changed.notify_all()
        reply = self.routes.get("version", self.default)
        if callable(reply):
            return reply(connection, request)
        connection.send(reply)
        return True

    def stop(self):
        """As a killed engine: every connection is cut and nobody listens any more."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        with self.changed:
            connections, self.connections = self.connections, []
        for connection in connections:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait(self, condition, what="the engine to see something"):
        """Waits until condition(self) holds and returns its value."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), wire.DEADLINE):
                raise AssertionError("waited in vain for %s; seen: %r" % (what, self.heads))
            return condition(self)

    def wait_request(self, method, path):
        def seen(engine):
            return next((r for r in engine.heads if r.method == method and r.path == path), None)

        return self.wait(seen, "%s %s" % (method, path))

    def lines(self):
        """Request lines of all complete requests but the pings of barriers and readiness checks."""
        with self.changed:
            return [r.line for r in self.requests if not r.path.endswith("/_ping")]

# SPDX-License-Identifier: Apache-2.0
"""Servers on the far side of the egress gate, as hostile as a test needs them: each runs a script a connection and keeps every byte
that it was sent. HttpOrigin reads requests with the strict reader of wire.py and keeps them as they came; what that reader refuses
is a violation, and a test with a violation fails. The certificates of the TLS ones are signed by a test authority that is made
anew by the openssl command for each run."""

import atexit
import functools
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from . import wire
from .engine import answer, read_request  # the bytes of a response are the same on both sides of a gate


class Connection(wire.Stream):
    """The origin's side of one connection."""

    def __init__(self, sock, peer):
        super().__init__(sock)
        self.peer = peer
        self.sock.settimeout(None)

    def was_reset(self):
        """Waits for the end; True when it was a reset and not an orderly end."""
        self.sock.settimeout(wire.DEADLINE)
        while True:
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                return True
            if not data:
                return False
            self.received += data


def echo(connection):
    """Sends back what comes; ends when the client has."""
    while connection.fill():
        connection.send(connection.take(len(connection.buffer)))
    connection.finish_sending()


def says(data, then=None):
    """Speaks first. Afterwards reads to the end, or does what `then` says."""
    def script(connection):
        connection.send(data)
        (then or wire.Stream.to_end)(connection)

    return script


def drip(parts, gate_event):
    """Sends one part each time the threading.Semaphore is released."""
    def script(connection, *_):
        for part in parts:
            if not gate_event.acquire(timeout=wire.DEADLINE):
                return False
            connection.send(part)
        return False

    return script


class Origin:
    """A TCP server; `script(connection)` is run for each connection, which is closed afterwards unless the script returns True."""

    def __init__(self, script=echo, host="127.0.0.1", port=0):
        self.script = script
        self.host = host
        self.changed = threading.Condition()
        self.connections = []
        self.accepted = 0
        self.probes = {}  # our own connections, see count: whether they were accepted
        self.stopped = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept_all, daemon=True).start()

    @property
    def authority(self):
        return ("[%s]:%d" if ":" in self.host else "%s:%d") % (self.host, self.port)

    @property
    def count(self):
        """How many have connected. Connections are accepted in their order, so one of our own behind them says that all are counted."""
        with socket.socket(self.listener.family) as probe:
            probe.settimeout(wire.DEADLINE)
            probe.bind((self.host, 0))
            name = probe.getsockname()[:2]
            with self.changed:
                self.probes[name] = False
            try:
                probe.connect((self.host, self.port))
                with self.changed:
                    self.changed.wait_for(lambda: self.probes[name], wire.DEADLINE)
            except OSError:
                pass  # it has been stopped: nobody connects any more
            with self.changed:
                del self.probes[name]
                return self.accepted

    def accept_all(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            with self.changed:
                if peer[:2] in self.probes:
                    self.probes[peer[:2]] = True
                    self.changed.notify_all()
                    sock.close()
                    continue
                self.accepted += 1
            threading.Thread(target=self.serve, args=(sock, peer), daemon=True).start()

    def wrap(self, sock, peer):
        return Connection(sock, peer)

    def serve(self, sock, peer):
        try:
            connection = self.wrap(sock, peer)
        except OSError:
            sock.close()
            return
        with self.changed:
            self.connections.append(connection)
            late = self.stopped
            self.changed.notify_all()
        held = False
        if late:
            self.end(connection)
            return
        try:
            held = self.script(connection) is True
        except (OSError, wire.Ended, ValueError):
            pass
        finally:
            with self.changed:
                self.changed.notify_all()
            if not held:
                self.end(connection)

    @staticmethod
    def end(connection):
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def wait(self, condition, what):
        with self.changed:
            deadline = time.monotonic() + wire.DEADLINE
            while not condition(self):
                if time.monotonic() > deadline:
                    raise AssertionError("waited in vain for %s; connections: %r" % (what, [bytes(c.received[-200:]) for c in self.connections]))
                self.changed.wait(0.01)
            return condition(self)

    def wait_connection(self, number=0):
        """The connection with that number, once it is there."""
        self.wait(lambda origin: len(origin.connections) > number, "connection %d" % number)
        return self.connections[number]

    def wait_bytes(self, data, number=0):
        """Waits until the connection has got just these bytes."""
        connection = self.wait_connection(number)
        self.wait(lambda _: len(connection.received) >= len(data), "%d bytes" % len(data))
        return bytes(connection.received)

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.changed:
            self.stopped = True
            connections, self.connections = self.connections, []
        for connection in connections:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class HttpOrigin(Origin):
    """`routes` maps (method, path without query) to bytes or to a function (connection, request) that answers itself and may return
    False to have the connection closed; `default` serves the rest. `heads` are the raw heads as they came."""

    def __init__(self, host="127.0.0.1", port=0):
        self.routes = {}
        self.default = answer(200, b"OK")
        self.reset()
        super().__init__(self.converse, host, port)

    def reset(self):
        self.requests = []
        self.violations = []

    def on(self, method, path, reply):
        self.routes[(method, path)] = reply

    @property
    def heads(self):
        with self.changed:
            return [r.head for r in self.requests]

    @property
    def lines(self):
        with self.changed:
            return [r.line for r in self.requests]

    def converse(self, connection):
        try:
            while self.serve_one(connection) is not False:
                pass
        except wire.Malformed as error:
            with self.changed:
                self.violations.append(str(error))

    def read_request(self, connection, form=wire.REQUEST_LINE):
        request = read_request(connection, form)
        if request is None:
            return None
        if len(request.fields.all("Host")) != 1:
            raise wire.Malformed("Host %r" % request.fields.all("Host"))
        request.connection = connection
        request.body = connection.body(request.kind, request.length)
        return request

    def serve_one(self, connection):
        request = self.read_request(connection)
        if request is None:
            return False
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        reply = self.routes.get((request.method, request.raw_path), self.default)
        if callable(reply):
            return reply(connection, request)
        if request.method == "HEAD":
            reply = reply[: reply.index(b"\r\n\r\n") + 4]
        connection.send(reply)
        return (request.field("Connection") or "").lower() != "close"

    def wait_request(self, number=0):
        self.wait(lambda origin: len(origin.requests) > number, "request %d" % number)
        return self.requests[number]


class TlsOrigin(HttpOrigin):
    """The same behind TLS. `seen` lists (SNI, ALPN) of every handshake. With a script it is no HTTP server but that script."""

    def __init__(self, *names, host="127.0.0.1", port=0, script=None, alpn=("http/1.1",)):
        self.seen = []
        self.context = authority().server_context(*names)
        self.context.set_alpn_protocols(list(alpn))
        self.context.sni_callback = self.note_name
        super().__init__(host, port)
        if script:
            self.script = script

    @staticmethod
    def note_name(sock, name, _context):
        sock.asked_name = name

    def wrap(self, sock, peer):
        sock.settimeout(wire.DEADLINE)
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        wrapped.asked_name = None
        wrapped.do_handshake()
        with self.changed:
            self.seen.append((wrapped.asked_name, wrapped.selected_alpn_protocol()))
        return Connection(wrapped, peer)

    @staticmethod
    def end(connection):
        try:
            connection.sock.unwrap()
        except (OSError, ValueError):
            pass
        Origin.end(connection)


class RefusingPort:
    """A port that nobody else can get and that refuses connections."""

    def __init__(self, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]

    def stop(self):
        self.sock.close()


class Silence:
    """A port whose queue is full: further connections are neither taken nor refused."""

    def __init__(self, host="127.0.0.1", port=0):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.sock.bind((host, port))
        self.sock.listen(0)
        self.port = self.sock.getsockname()[1]
        self.fillers = []
        while True:
            filler = socket.socket(self.sock.family)
            filler.settimeout(0.2)
            self.fillers.append(filler)
            try:
                filler.connect((host, self.port))
            except TimeoutError:
                return

    def stop(self):
        for sock in [*self.fillers, self.sock]:
            sock.close()


class Authority:
    """A certificate authority of one test run."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-ca-")
        atexit.register(shutil.rmtree, self.folder, True)
        self.certificate = os.path.join(self.folder, "ca.pem")
        self.key = os.path.join(self.folder, "ca.key")
        self.run("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", self.key, "-out", self.certificate,
                 "-subj", "/CN=Dockreeve test authority", "-addext", "keyUsage=critical,keyCertSign")

    @staticmethod
    def run(*arguments):
        subprocess.run(["openssl", "req", "-nodes", "-days", "2", *arguments], check=True, capture_output=True)

    @functools.lru_cache(maxsize=None)
    def pair(self, *names):
        """(certificate file, key file) for these names and addresses."""
        stem = os.path.join(self.folder, names[0].replace("*", "star").replace(":", "-"))
        listed = ",".join(("IP:" if name.replace(".", "").isdigit() or ":" in name else "DNS:") + name for name in names)
        self.run("-x509", "-CA", self.certificate, "-CAkey", self.key, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", stem + ".key",
                 "-out", stem + ".pem", "-subj", "/CN=" + names[0], "-addext", "subjectAltName=" + listed, "-addext", "basicConstraints=critical,CA:FALSE")
        return stem + ".pem", stem + ".key"

    def server_context(self, *names):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair(*names))
        return context

    def client_context(self, *alpn):
        context = ssl.create_default_context(cafile=self.certificate)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


@functools.lru_cache(maxsize=1)
def authority():
    return Authority()

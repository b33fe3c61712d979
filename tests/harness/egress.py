# SPDX-License-Identifier: Apache-2.0
"""What the tests of the egress gate stand on: a gate that serves as a proxy (and, if asked, transparently and as DNS server), a
client that opens tunnels with bytes of its own choosing, and checks of refusals and of the log.

On loopback every destination is special-purpose. A policy of these tests therefore names addresses: `addresses: [127.0.0.0/8]`
beside a name, or a literal rule. Names come from a hosts table unless a test is about DNS; the resolver of all others is a port that
refuses, so that nothing can leave the machine."""

import json
import os
import re
import socket

from . import case, wire
from .client import Client
from .gate import Gate, wait_for
from .origin import RefusingPort

LOOPBACK = "addresses: [127.0.0.0/8, '::1']"
PROXY_STATUS = re.compile(r'^[A-Za-z][A-Za-z0-9._-]*\s*; *error=[a-z_]+(;.*)?$')


def connect(authority, *fields, host=True, version="1.1"):
    """The bytes of a CONNECT; host=True repeats the authority as Host, None leaves it out, a text stands for itself."""
    authority = authority if isinstance(authority, bytes) else authority.encode()
    lines = [b"CONNECT %s HTTP/%s" % (authority, version.encode())]
    if host is not None:
        lines.append(b"Host: " + (authority if host is True else host.encode()))
    lines += [("%s: %s" % field).encode("latin-1") for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def forward(url, *fields, method="GET", host=None, body=None, version="1.1"):
    """The bytes of a plain request to a proxy; Host comes from the URL unless given ("" leaves it out)."""
    authority = url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]
    lines = ["%s %s HTTP/%s" % (method, url, version)]
    if host != "":
        lines.append("Host: " + (host or authority))
    lines += ["%s: %s" % field for field in fields]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def policy_of(rules):
    """A whole policy from the list of network rules; a whole policy is left as it is, and so is none."""
    if rules is None or rules.lstrip().startswith("version:"):
        return rules
    return "version: 1\nnetwork:\n" + "".join("  " + line + "\n" for line in rules.strip("\n").splitlines())


def allow(*hosts, special=True, extra=""):
    """One allow rule as a line of YAML; special=True admits loopback addresses."""
    more = ", ".join(part for part in (LOOPBACK if special else "", extra) if part)
    return "- {allow: [%s]%s}\n" % (", ".join('"%s"' % host for host in hosts), ", " + more if more else "")


def deny(*hosts, extra=""):
    return "- {deny: [%s]%s}\n" % (", ".join('"%s"' % host for host in hosts), ", " + extra if extra else "")


class EgressGate(Gate):
    """hosts: {name: address or list}, the static table. resolver: port or list of ports of DNS servers on 127.0.0.1.
    transparent, dns: open these listeners too."""

    def __init__(self, rules="", hosts=None, resolver=None, egress=True, transparent=False, dns=False, docker=False, options=(), files=None, **rest):
        files = dict(files or {})
        table = [(address, name) for name, addresses in (hosts or {}).items() for address in ([addresses] if isinstance(addresses, str) else addresses)]
        files["hosts"] = "".join("%s %s\n" % row for row in table)
        self.nowhere = None
        more = []
        if egress:
            more += ["--egress", "127.0.0.1:0"]
        if transparent:
            more += ["--transparent-tls", "127.0.0.1:0", "--transparent-http", "127.0.0.1:0"]
        if dns:
            more += ["--dns", "127.0.0.1:0"]
        if resolver is None:
            self.nowhere = RefusingPort()
            resolver = self.nowhere.port
        for port in resolver if isinstance(resolver, (list, tuple)) else [resolver]:
            more += ["--resolver", "127.0.0.1:%d" % port]
        self.mark = 0  # bytes of the log that were there before the last request
        start = rest.pop("start", True)
        super().__init__(policy_of(rules), options=(), files=files, unix=docker, start=False, **rest)
        self.arguments += more + ["--hosts", self.file("hosts")]
        self.arguments += [text.replace("@FOLDER@", self.folder) for text in options]
        if start:
            try:
                self.start()
            except BaseException:
                self.remove()
                raise

    def start(self, *arguments, **options):
        try:
            super().start(*arguments, **options)
        except AssertionError:
            if "by UDP: Address already in use" not in self.stderr():
                raise
            super().start(*arguments, **options)  # the port that the kernel chose for TCP was somebody's by UDP
        if options.get("wait", True):
            self.wait_listeners()

    def remove(self):
        super().remove()
        if self.nowhere:
            self.nowhere.stop()

    def proxy(self, client="default"):
        return self.ports[(client, "egress")]

    @property
    def dns(self):
        """The port of the name server, UDP and TCP."""
        return self.ports[("default", "dns")]

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.proxy()

    def client(self, role="egress", name="default"):
        """A connection to one of the listeners."""
        where = self.ports[(name, role)]
        return self.keep(Client.unix(where) if isinstance(where, str) else Client.tcp(where))

    def ask(self, data, method=None, path=None):
        """One request to the proxy, on a connection of its own."""
        self.set_mark()
        with self.client() as client:
            return client.ask(data, method or data.split(b" ", 1)[0].decode("latin-1", "replace"))

    def tunnel(self, authority, early=b"", name="default", **options):
        """A client behind the 200 of a CONNECT; early bytes go out in the same segment as the request."""
        client = self.client(name=name)
        self.set_mark()
        client.send(connect(authority, **options) + early)
        head = client.read_head()
        if head.status != 200:
            raise AssertionError("CONNECT %s: %d %r" % (authority, head.status, client.body(head.kind, head.length)))
        if head.fields.all("Content-Length") or head.fields.all("Transfer-Encoding"):
            raise wire.Malformed("a 200 to CONNECT with framing: %r" % head.fields)
        client.received.clear()
        client.received += client.buffer
        return client

    # -- the log

    def network(self, **wanted):
        return self.log(kind="network", **wanted)

    def wait_network(self, count=1, **wanted):
        return self.wait_log(count, kind="network", **wanted)

    def set_mark(self):
        """What is logged from now on is news."""
        self.mark = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def news(self, **wanted):
        """The network records since the last request, that one included. The mark may stand within a line that was half written."""
        with open(self.log_path, "rb") as stream:
            stream.seek(max(0, self.mark - 1))
            text = stream.read()
        whole = text.rpartition(b"\n")[0]
        records = [json.loads(line) for line in (whole.partition(b"\n")[2] if self.mark else whole).splitlines()]
        return [r for r in records if r.get("kind") == "network" and all(r.get(name) == value for name, value in wanted.items())]

    def story(self, identity):
        """What all records of one id say together; a later record overrides an earlier one."""
        told = {}
        for record in self.log(id=identity):
            told.update(record)
        return told

    def wait_closed(self, **wanted):
        """Waits until the last tunnel (or the last to host=, port=) is closed, and returns its story. Without wishes only those count
        that were opened since the mark: one of an earlier test may close late."""
        def closed():
            opened = {record["id"] for record in self.news(event="open")}
            return [record for record in self.news(event="close", **wanted) if wanted or record["id"] in opened]

        return self.story(wait_for(closed, "a close record with %r" % wanted, self.process)[-1]["id"])


class EgressMixin:
    """Checks for both kinds of case."""

    def origin(self, origin):
        """Keeps an origin until the end of the test, when no request may have been malformed."""
        self.addCleanup(self.end_origin, origin)
        return origin

    def end_origin(self, origin):
        origin.stop()
        self.assertEqual(getattr(origin, "violations", []), [], "the origin was sent malformed bytes")

    def assert_refusal(self, response, status, reason=None, gate=None, **wanted):
        """A refusal of the gate in its one shape (docs/design.md 6), logged with its reason. `wanted` are more fields of the record."""
        self.assertEqual(response.status, status, response)
        self.assertNotEqual(response.status, 407)
        self.assertEqual((response.field("Content-Type") or "").split(";")[0], "application/json")
        self.assertEqual(response.fields.all("Proxy-Authenticate"), [])
        body = response.json()
        self.assertIsInstance(body["message"], str)
        self.assertTrue(body["message"])
        if status == 403:
            self.assertRegex(response.field("Proxy-Status") or "", PROXY_STATUS)
        if reason:
            gate = gate or self.gate
            record = self.refusal_record(gate, reason, **wanted)
            self.assertEqual(record.get("status"), status, record)
            if status < 500:
                self.assertEqual(record["decision"], "deny", record)
        return response

    def refusal_record(self, gate, reason, **wanted):
        def fits(record):
            return re.fullmatch(reason, record.get("reason", "")) and all(record.get(name) == value for name, value in wanted.items())

        try:
            return wait_for(lambda: [r for r in gate.news(event="request") if fits(r)], "a refusal for %s %r" % (reason, wanted), gate.process)[-1]
        except AssertionError as error:
            raise AssertionError("%s; the last records: %s" % (error, json.dumps(gate.network()[-3:]))) from None

    def passes_bytes(self, client, data=b"hello over there"):
        """The tunnel carries bytes there and back (to an origin that echoes)."""
        client.send(data)
        self.assertEqual(client.exactly(len(data)), data)


class EgressCase(EgressMixin, case.GateCase):
    """Gates for one test."""

    def start_egress(self, rules="", **options):
        gate = EgressGate(rules, start=False, **options)
        self.addCleanup(gate.remove)
        self.addCleanup(self.check_egress, gate)
        gate.start()
        return gate

    def check_egress(self, gate):
        try:
            case.check_end(self, gate)
        except AssertionError:
            gate.kill()
            raise


class SharedEgressCase(EgressMixin, case.GateCase):
    """One gate for all tests of a class. Its origins are made by `prepare`, which returns the arguments of EgressGate and is called
    once; what it puts into cls.origins is stopped at the end."""

    @classmethod
    def prepare(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.origins = []
        cls.gate = None
        try:
            cls.gate = EgressGate(**cls.prepare())
        except BaseException:
            cls.stop_all()
            raise

    @classmethod
    def add(cls, origin):
        cls.origins.append(origin)
        return origin

    @classmethod
    def stop_all(cls):
        for origin in cls.origins:
            origin.stop()

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.gate.process.poll() is None:
                code = cls.gate.stop()
                said = cls.gate.stderr()
                if code != 0 or "Sanitizer" in said or "runtime error:" in said:
                    raise AssertionError("the gate ended with %d; it said:\n%s" % (code, said))
        finally:
            cls.stop_all()
            cls.gate.remove()

    def setUp(self):
        super().setUp()
        for origin in self.origins:
            if hasattr(origin, "violations"):
                origin.reset()

    def tearDown(self):
        for origin in self.origins:
            self.assertEqual(getattr(origin, "violations", []), [], "an origin was sent malformed bytes")
        self.assertIsNone(self.gate.process.poll(), "the gate ended by itself:\n" + self.gate.stderr())
        for client in self.gate.clients:
            client.close()
        self.gate.clients.clear()


def can_bind(port, host="127.0.0.1"):
    """Whether this user may take a privileged port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

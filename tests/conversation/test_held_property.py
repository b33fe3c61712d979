# SPDX-License-Identifier: Apache-2.0
"""Whatever is forwarded was allowed by the policy in force when its head was forwarded: random policies, reloads that the gate
confirms, and many slow clients whose requests end whenever they like. The tests know each policy as a table of their own and compare
every answer, and all that arrives on the other side. DOCKREEVE_HELD_SEED repeats a run."""

import os
import random
import socket

from harness.case import GateCase
from harness.client import chunked, get, post, post_json
from harness.egress import EgressCase, connect, forward
from harness.engine import answer
from harness.hello import hello, is_alert
from harness.origin import HttpOrigin, Origin, echo

STEPS = 1500
SLOW_CLIENTS = 12


def seeded(what):
    seed = int(os.environ.get("DOCKREEVE_HELD_SEED", random.randrange(1 << 32)))
    print("\n%s: DOCKREEVE_HELD_SEED=%d" % (what, seed))
    return random.Random(seed)


def reload(gate, text):
    """Puts the policy into force; the gate says when it is."""
    gate.write_policy(text)
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(15)
        control.connect(os.path.join(gate.state, "control.sock"))
        control.sendall(b"reload\n")
        told = b""
        while part := control.recv(65536):
            told += part
    assert b'"ok":true' in told, told


class Slow:
    """A request of which a part was sent. The verdict falls with the byte at `decides`, or with the head, when no body and no object
    could turn it."""

    def __init__(self, connection, raw, decides, wish):
        self.connection, self.raw, self.decides, self.wish = connection, raw, decides, wish
        self.head_len = raw.index(b"\r\n\r\n") + 4
        self.sent, self.allowed = 0, None

    def send_to(self, end, is_allowed, is_hopeless=lambda wish: False):
        if self.sent < self.head_len <= end and is_hopeless(self.wish):
            self.allowed = False
        elif self.allowed is None and self.sent < self.decides <= end:
            self.allowed = is_allowed(self.wish)
        self.connection.send(self.raw[self.sent:end])
        self.sent = end


class Docker(GateCase):
    OPERATIONS = ("ContainerKill", "ContainerCreate", "ContainerUpdate", "ContainerInspect", "ImageLoad")

    def random_policy(self, random_):
        self.table = {name: random_.choice(("allow", "allow", "deny", "where", None)) for name in self.OPERATIONS}
        lines = []
        for name, effect in self.table.items():
            if effect == "where" and name in ("ContainerCreate", "ImageLoad"):
                effect = self.table[name] = "allow"
            if effect == "where":
                lines.append("  - allow: %s\n    where: {label: \"mine=yes\"}\n" % name)
            elif effect:
                lines.append("  - %s: %s\n" % (effect, name))
        random_.shuffle(lines)
        return "version: 1\ndocker:\n" + ("".join(lines) or "  - allow: SystemPing\n")

    def is_allowed(self, wish):
        operation, mine = wish
        effect = self.table[operation]
        return effect == "allow" or effect == "where" and mine

    def is_hopeless(self, wish):
        return self.table[wish[0]] not in ("allow", "where")

    def random_request(self, random_, number):
        mine = random_.random() < 0.5
        name = "%s-%d" % ("mine" if mine else "other", number)
        operation = random_.choice(self.OPERATIONS)
        if operation == "ContainerKill":
            raw = random_.choice((post("/containers/%s/kill" % name, body=b"0123456789"), post("/containers/%s/kill" % name)))
        elif operation == "ContainerCreate":
            raw = post_json("/containers/create?name=%s" % name, {"Image": "x" * random_.choice((1, 100, 20000, 90000))})
        elif operation == "ContainerUpdate":
            raw = (b"POST /containers/%s/update HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                   % name.encode()) + chunked(b'{"Memory"', b":", b"1}")
        elif operation == "ContainerInspect":
            raw = get("/containers/%s/json?size=1" % name)
        else:
            raw = b"POST /images/load?quiet=%d HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n" % number + chunked(b"abc", b"def")
        return (operation, mine), raw

    def prepare_engine(self, gate):
        def serve(connection, request):
            if request.method == "GET" and request.path.startswith("/containers/") and not request.query:
                name = request.path.split("/")[2]
                body = {"Id": name.encode().hex().ljust(64, "0")[:64], "Name": "/" + name, "Image": "sha256:" + "b" * 64,
                        "Config": {"Image": "x", "Labels": {"mine": "yes" if name.startswith("mine") else "no"}}}
                connection.send(answer(200, body))
            else:
                connection.send(answer(200, b"OK"))

        gate.engine.default = serve

    def test_whatever_is_forwarded_was_allowed_then(self):
        random_ = seeded("docker")
        gate = self.start_gate("version: 1\n", options=["--denial-rate", "0"])
        self.prepare_engine(gate)
        reload(gate, self.random_policy(random_))
        slow, forwarded = [], 0
        for number in range(STEPS):
            action = random_.random()
            if action < 0.2:
                reload(gate, self.random_policy(random_))
            elif len(slow) < SLOW_CLIENTS and action < 0.6:
                wish, raw = self.random_request(random_, number)
                streams = wish[0] == "ImageLoad"
                slow.append(Slow(gate.connect(), raw, raw.index(b"\r\n\r\n") + 4 if streams else len(raw), wish))
            elif slow:
                one = random_.choice(slow)
                end = random_.choice((one.sent, random_.randrange(one.sent, len(one.raw)), len(one.raw)))
                forwarded += self.go_on(gate, slow, one, end)
        for one in list(slow):
            forwarded += self.go_on(gate, slow, one, len(one.raw))
        self.assertGreater(forwarded, 10)
        asked = [h for h in gate.engine.heads if h.method == "POST" or h.query]
        self.assertEqual(len(asked), forwarded, "what arrived is what was allowed")

    def go_on(self, gate, slow, one, end):
        """Sends up to `end` and, where that decides, looks at what came of it. Returns how many requests were forwarded."""
        undecided = one.allowed is None
        one.send_to(end, self.is_allowed, self.is_hopeless)
        target = one.raw.split(b" ", 2)[1].decode()
        if undecided and one.allowed and end < len(one.raw):  # an archive on its way: its head is sent at once
            gate.engine.wait(lambda engine: any(h.target == target for h in engine.heads))
        if end < len(one.raw) and one.allowed is not False:
            return 0
        response = one.connection.read_response()
        one.connection.close()
        slow.remove(one)
        self.assertEqual(response.status, 200 if one.allowed else 403, (one.wish, self.table))
        return 1 if one.allowed else 0


class Egress(EgressCase):
    HOSTS = ("a.test", "b.test", "c.test")

    def random_policy(self, random_):
        self.table = {host: random_.choice(("allow", "allow", "deny", None)) for host in self.HOSTS}
        lines = ["  - %s: \"%s:*\"\n%s" % (effect, host, "    addresses: [127.0.0.0/8]\n" if effect == "allow" else "")
                 for host, effect in self.table.items() if effect]
        random_.shuffle(lines)
        return "version: 1\nnetwork:\n" + ("".join(lines) or "  - allow: d.test\n")

    def is_allowed(self, host):
        return self.table[host] == "allow"

    def test_whatever_is_forwarded_was_allowed_then(self):
        random_ = seeded("egress")
        web, target = self.origin(HttpOrigin()), self.origin(Origin(echo))
        gate = self.start_egress("version: 1\n", hosts={host: "127.0.0.1" for host in self.HOSTS}, options=["--denial-rate", "0", "--hello-timeout", "60s"])
        reload(gate, self.random_policy(random_))
        slow, tunnels, requests, told = [], [], 0, 0
        for _ in range(STEPS):
            action = random_.random()
            host = random_.choice(self.HOSTS)
            if action < 0.2:
                reload(gate, self.random_policy(random_))
            elif action < 0.5 and len(slow) < SLOW_CLIENTS:
                raw = random_.choice((connect("%s:%d" % (host, target.port)), forward("http://%s:%d/" % (host, web.port)),
                                      forward("http://%s:%d/" % (host, web.port), method="POST", body=b"abc")))
                slow.append(Slow(gate.client(), raw, raw.index(b"\r\n\r\n") + 4, host))
            elif action < 0.7 and tunnels:  # the hello of one that is open
                client, host = tunnels.pop(random_.randrange(len(tunnels)))
                data = hello(host)
                allowed = self.is_allowed(host)
                client.send(data)
                if allowed:
                    self.assertEqual(client.exactly(len(data)), data)
                    told += 1
                else:
                    self.assertTrue(is_alert(client.to_end()))
                client.close()
            elif slow:
                one = slow.pop(random_.randrange(len(slow)))
                half = random_.randrange(one.sent, one.decides)
                if random_.random() < 0.5:
                    one.send_to(half, self.is_allowed)
                    slow.append(one)
                    continue
                one.send_to(len(one.raw), self.is_allowed)
                is_tunnel = one.raw.startswith(b"CONNECT")
                response = one.connection.read_head() if is_tunnel and one.allowed else one.connection.read_response()
                self.assertEqual(response.status, 200 if one.allowed else 403, (one.wish, self.table))
                requests += one.allowed and not is_tunnel
                if one.allowed and is_tunnel:
                    tunnels.append((one.connection, one.wish))
                else:
                    one.connection.close()
        self.assertGreater(requests, 5)
        self.assertEqual(len(web.requests), requests, "what arrived is what was allowed")
        self.assertEqual(len([c for c in target.connections if c.received]), told)

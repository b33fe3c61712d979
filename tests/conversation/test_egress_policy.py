# SPDX-License-Identifier: Apache-2.0
"""What the egress gate's answers teach, whom its rules are for, what a reload does to open tunnels, and where its limits are."""

import base64
import datetime
import json
import re
import threading

from harness import hello
from harness.client import request
from harness.dns_server import DnsServer
from harness.egress import EgressCase, SharedEgressCase, allow, connect, deny, forward, policy_of
from harness.gate import run, wait_for
from harness.origin import HttpOrigin, Origin, RefusingPort, Silence, answer, echo
from harness.policy_file import PolicyFile

CLOSED = "version: 1\n"


def days_from_now(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Denials(SharedEgressCase):
    RULES = """version: 1
network:
  - {allow: "a.test:443"}
  - name: no telemetry
    deny: "*.telemetry.test"
"""

    @classmethod
    def prepare(cls):
        return {"rules": cls.RULES, "hosts": {"a.test": "127.0.0.1"}}

    def forms(self, host, port=443):
        yield "CONNECT", self.gate.ask(connect("%s:%d" % (host, port)))
        yield "plain", self.gate.ask(forward("http://%s:%d/x" % (host, port)))

    def test_one_shape_for_both_forms(self):
        for form, response in self.forms("evil.test", 8443):
            with self.subTest(form):
                self.assert_refusal(response, 403, "default")
                body = response.json()
                self.assertIn("evil.test:8443", body["message"])
                self.assertEqual(body["source"], "default")
                self.assertTrue(body["rule"])
                self.assertIn("evil.test:8443", body["fix"])
                self.assertIn("network", body["fix"])
                self.assertRegex(json.dumps(body).lower(), r"not retry|no point in (re)?trying|retry[^,}]*false")

    def test_a_host_that_the_presets_leave_out_says_why(self):
        for form, response in self.forms("storage.googleapis.com"):
            with self.subTest(form):
                self.assert_refusal(response, 403, "default", host="storage.googleapis.com")
                fix = response.json()["fix"]
                self.assertIn("storage.googleapis.com", fix.split(";")[0])
                self.assertIn("the presets leave this host out, because anybody can put data there (Google's storage", fix)

    def test_a_rule_is_named(self):
        for form, response in self.forms("x.telemetry.test"):
            with self.subTest(form):
                self.assert_refusal(response, 403, "rule", host="x.telemetry.test", rule="no telemetry")
                body = response.json()
                self.assertEqual(body["rule"], "no telemetry")
                self.assertRegex(body["source"], r"policy\.yaml:[45]$")

    def test_a_port_is_the_matter(self):
        body = self.gate.ask(connect("a.test:8443")).json()
        self.assertIn("a.test:8443", body["message"])

    def test_an_address_is_the_matter(self):
        response = self.gate.ask(connect("a.test:443"))
        self.assert_refusal(response, 403, "address-class\\.loopback", host="a.test")
        self.assertIn("127.0.0.1", response.json()["message"])

    def test_proxy_status(self):
        """RFC 9209: the name of an intermediary, then an error type of the registry."""
        def check(raw, types):
            value = self.gate.ask(raw).field("Proxy-Status")
            error = re.search(r"; *error=([a-z_]+)", value or "")
            self.assertIsNotNone(error, value)
            self.assertIn(error.group(1), types)

        self.each([
            ("policy", connect("evil.test:443"), ("http_request_denied",)),
            ("address", connect("a.test:443"), ("destination_ip_prohibited", "http_request_denied")),
            ("plain HTTP", forward("http://evil.test/"), ("http_request_denied",)),
        ], check)

    def test_nothing_secret_is_echoed(self):
        response = self.gate.ask(forward("http://evil.test/x?token=hunter2", ("Authorization", "Bearer hunter2"), ("Proxy-Authorization", "Basic hunter2"), ("Cookie", "c=hunter2")))
        self.assertEqual(response.status, 403)
        self.assertNotIn(b"hunter2", response.body)
        self.assertNotIn(b"hunter2", self.gate.log_text())

    def test_what_is_echoed_is_escaped(self):
        response = self.gate.ask(b"GET http://evil.test/%3Cscript%3E HTTP/1.1\r\nHost: evil.test\r\nUser-Agent: \"><script>\xff\xfe\r\n\r\n")
        self.assertEqual(response.status, 403)
        response.json()
        self.assertNotIn(b"<script", response.body)
        response = self.gate.ask(b"CONNECT \x1b[31m\"evil\xff.test:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(response.status, 400)
        response.body.decode("ascii")
        self.assertNotIn("\x1b", response.message)
        for line in self.gate.log_text().splitlines():
            line.decode("ascii")
            json.loads(line)

    def test_credentials_change_nothing(self):
        """Never 407: clients would ask a person for a password, or try one."""
        for value in ("Basic dXNlcjpwYXNz", "Bearer x", ""):
            response = self.gate.ask(connect("evil.test:443", ("Proxy-Authorization", value)))
            self.assertEqual(response.status, 403)
            self.assertIsNone(response.field("Proxy-Authenticate"))

    def test_the_connection_stays_usable(self):
        with self.gate.client() as client:
            for _ in range(5):
                self.assertEqual(client.ask(connect("evil.test:443"), "CONNECT").status, 403)


class Decisions(EgressCase):
    """Which of several rules decides; all of it is also asked of `policy check`, which must agree."""

    def check_rules(self, rules, authority, allowed):
        port = self.target.port
        gate = self.start_egress(rules.replace("PORT", str(port)), hosts={name: "127.0.0.1" for name in ("a.test", "b.a.test", "c.b.a.test", "xn--bcher-kva.test", "aXtest")})
        try:
            with gate.client() as client:
                client.send(connect(authority.replace("PORT", str(port))))
                status = client.read_head().status
            self.assertEqual(status, 200 if allowed else 403)
            checked = run("policy", "check", "network", authority.replace("PORT", str(port)), "--config", gate.policy_path)
            self.assertEqual(checked.returncode, 0 if allowed else 6, checked.stdout + checked.stderr)
        finally:
            gate.stop()

    def test_rows(self):
        self.target = self.origin(Origin(echo))
        a, b = "a.test:PORT", "b.a.test:PORT"
        self.each([
            ("exact", allow(a), a, True),
            ("exact is not below", allow(a), b, False),
            ("a star is below", allow("*.a.test:*"), b, True),
            ("at any depth", allow("*.a.test:*"), "c.b.a.test:PORT", True),
            ("never the apex", allow("*.a.test:*"), a, False),
            ("two stars, the same", allow("**.a.test:*"), b, True),
            ("two stars, never the apex", allow("**.a.test:*"), a, False),
            ("a star alone", allow("*:*"), a, True),
            ("a dot is a dot", allow("a.test:*"), "aXtest:PORT", False),
            ("the end of a name is no name", allow("test:*"), a, False),
            ("an expression", allow("~[a-c]\\\\.test:*"), a, True),
            ("an expression is anchored", allow("~.\\\\.test:*"), b, False),
            ("an expression and the case", allow("~a\\\\.test:*"), "A.TEST:PORT", True),
            ("deny after allow", allow("*:*") + deny("a.test"), a, False),
            ("deny before allow", deny("a.test") + allow("a.test:*"), a, False),
            ("a broad deny beats an exact allow", deny("*.a.test") + allow(b), b, False),
            ("a deny of one port", allow("a.test:*") + deny(a), a, False),
            ("a deny of another port", allow("a.test:*") + deny("a.test:1"), a, True),
            ("a port range", allow("a.test:1-65535"), a, True),
            ("another range", allow("a.test:1-2"), a, False),
            ("a list of ports", allow("a.test:1,PORT"), a, True),
            ("an A-label", allow("xn--bcher-kva.test:*"), "xn--bcher-kva.test:PORT", True),
            ("a rule in capitals with a dot", allow("A.Test.:*"), a, True),
            ("an expired allow", allow("a.test:*", extra="expires: \"%s\"" % days_from_now(-1)), a, False),
            ("an allow that will expire", allow("a.test:*", extra="expires: \"%s\"" % days_from_now(1)), a, True),
            ("an expired deny", allow("a.test:*") + deny("a.test", extra="expires: \"%s\"" % days_from_now(-1)), a, True),
            ("no rules at all", "version: 1\n", a, False),
            ("an empty list", "version: 1\nnetwork: []\n", a, False),
        ], self.check_rules)

    def test_a_rule_that_expires_while_the_gate_runs(self):
        target = self.origin(Origin(echo))
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        gate = self.start_egress(allow("a.test:*", extra="expires: \"%s\"" % soon), hosts={"a.test": "127.0.0.1"})

        def refused():
            with gate.client() as client:
                client.send(connect("a.test:%d" % target.port))
                return client.read_head().status == 403

        wait_for(refused, "the rule to expire", gate.process)

    def test_rules_that_are_refused_at_load(self):
        """With line and mend; `validate` and the start agree."""
        def check(rule, *words):
            with PolicyFile("version: 1\nnetwork:\n" + rule) as path:
                checked = run("policy", "validate", "--config", path)
                self.assertEqual(checked.returncode, 2, checked.stdout + checked.stderr)
                self.assertRegex(checked.stderr + checked.stdout, r"policy\.yaml:[34]")
                for word in words:
                    self.assertIn(word, checked.stderr + checked.stdout)

        self.each([
            ("a Unicode name", "  - allow: bücher.test\n", "xn--"),
            ("a URL", "  - allow: https://a.test/x\n"),
            ("a star in the middle", "  - allow: a.*.test\n"),
            ("a star in a label", "  - allow: crl*.test\n"),
            ("port 0", "  - allow: a.test:0\n"),
            ("port 65536", "  - allow: a.test:65536\n"),
            ("a range the wrong way round", "  - allow: a.test:90-80\n"),
            ("a short address", "  - allow: 127.1\n"),
            ("bits behind the prefix", "  - allow: 10.0.0.1/8\n"),
            ("an unknown key", "  - allow: a.test\n    method: GET\n", "methods"),
            ("an unknown method", "  - allow: a.test\n    methods: [FETCH]\n"),
            ("an unknown protocol", "  - allow: a.test\n    protocols: [quic]\n"),
            ("ech neither", "  - allow: a.test\n    ech: maybe\n"),
            ("addresses on a deny", "  - deny: a.test\n    addresses: [10.0.0.0/8]\n"),
            ("require_sni on a deny", "  - deny: a.test\n    require_sni: true\n"),
            ("a broken expression", "  - allow: \"~(\"\n"),
            ("allow and deny", "  - {allow: a.test, deny: b.test}\n"),
            ("neither", "  - {name: x}\n"),
            ("a path without slash", "  - allow: a.test\n    paths: [x]\n"),
            ("a path that is not canonical", "  - allow: a.test\n    paths: [\"/a/../b\"]\n"),
            ("no time", "  - allow: a.test\n    expires: soon\n"),
            ("an empty pattern", "  - allow: \"\"\n"),
            ("a list of nothing", "  - allow: []\n"),
        ], check)


class Clients(EgressCase):
    """One listener each; rules add up; a deny anywhere wins."""

    POLICY = """version: 1
network:
  - {allow: "common.test:*", addresses: [127.0.0.0/8]}
  - deny: bad.test
clients:
  one:
    egress: tcp:127.0.0.1:0
    network:
      - {allow: ["one.test:*", "bad.test:*"], addresses: [127.0.0.0/8]}
  two:
    egress: unix:@FOLDER@/run/two.sock
    inherit: false
    network:
      - {allow: ["two.test:*", "bad.test:*"], addresses: [127.0.0.0/8]}
  nobody:
    egress: unix:@FOLDER@/state/nobody.sock
"""

    def test_each_has_its_own(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.POLICY, hosts={name + ".test": "127.0.0.1" for name in ("common", "one", "two", "bad", "other")})

        def check(client, name, status):
            with gate.client(name=client) as connection:
                connection.send(connect("%s.test:%d" % (name, target.port)))
                self.assertEqual(connection.read_head().status, status)
            record = wait_for(lambda: gate.network(client=client, host=name + ".test"), "the record", gate.process)[-1]
            self.assertEqual(record["decision"], "allow" if status == 200 else "deny")

        self.each([
            ("the default client, top-level rules", "default", "common", 200),
            ("the default client, another's rule", "default", "one", 403),
            ("one, inherited", "one", "common", 200),
            ("one, its own", "one", "one", 200),
            ("one, another's", "one", "two", 403),
            ("one, a deny above wins", "one", "bad", 403),
            ("two does not inherit", "two", "common", 403),
            ("two, its own", "two", "two", 200),
            ("two, without the deny above", "two", "bad", 200),
            ("nobody, inherited", "nobody", "common", 200),
            ("nobody, nothing else", "nobody", "other", 403),
        ], check)

    def test_from(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(CLOSED + "clients:\n  far:\n    egress: tcp:127.0.0.1:0\n    from: [10.0.0.0/8]\n    network:\n      - allow: \"*:*\"\n")
        with gate.client(name="far") as client:
            try:
                client.send(connect("127.0.0.1:%d" % target.port))
                rest = client.to_end()
            except OSError:
                rest = b""
        self.assertNotIn(b" 200 ", rest)
        self.assertEqual(target.count, 0)

    def test_default_allow(self):
        """The default admits names; special addresses stay special, denies stay denies."""
        target = self.origin(Origin(echo))
        policy = "version: 1\ndefault: {network: allow}\nnetwork:\n  - deny: bad.test\n  - {allow: \"local.test:*\", addresses: [127.0.0.0/8]}\n"
        gate = self.start_egress(policy, hosts={"local.test": "127.0.0.1", "free.test": "127.0.0.1", "bad.test": "127.0.0.1"})
        with gate.tunnel("local.test:%d" % target.port) as client:
            self.passes_bytes(client)
        self.assert_refusal(gate.ask(connect("free.test:%d" % target.port)), 403, "address-class\\.loopback", gate=gate)
        self.assert_refusal(gate.ask(connect("bad.test:%d" % target.port)), 403, "rule", gate=gate)

    def test_an_egress_gate_without_a_policy_admits_nothing(self):
        gate = self.start_egress(CLOSED)
        self.assert_refusal(gate.ask(connect("a.test:443")), 403, "default", gate=gate)


class Report(EgressCase):
    POLICY = """version: 1
network:
  - {allow: "*.ok.test:*", addresses: [127.0.0.0/8], protocols: [tls], require_sni: true}
  - {deny: "bad.ok.test"}
clients:
  loose:
    egress: tcp:127.0.0.1:0
    mode: report
"""

    def start_loose(self):
        gate = self.start_egress(self.POLICY, hosts={name: "127.0.0.1" for name in ("a.ok.test", "b.ok.test", "bad.ok.test", "other.test")})
        self.target = self.origin(Origin(echo))
        return gate

    def send(self, gate, host, data):
        with gate.tunnel("%s:%d" % (host, self.target.port), name="loose") as client:
            self.passes_bytes(client, data)
        return gate.wait_closed(host=host)

    def test_what_would_have_been_refused(self):
        gate = self.start_loose()

        def check(host, data, reason):
            story = self.send(gate, host, data)
            self.assertEqual((story["decision"], story.get("would_deny")), ("allow", reason))

        self.each([
            ("nothing", "a.ok.test", hello.hello("a.ok.test"), None),
            ("another SNI", "a.ok.test", hello.hello("b.ok.test"), "sni-mismatch"),
            ("no SNI", "a.ok.test", hello.hello(), "sni-missing"),
            ("no TLS", "a.ok.test", b"SSH-2.0-x\r\n", "protocol"),
        ], check)
        self.assertIn("report", (gate.stderr() + " ".join(r.get("text", "") for r in gate.log())).lower(), "the start says it loudly")

    def test_rules_and_default(self):
        gate = self.start_loose()
        web = self.origin(HttpOrigin())
        with gate.client(name="loose") as client:
            response = client.ask(forward("http://bad.ok.test:%d/" % web.port))
            self.assertIn(response.status, (200, 403))
        record = gate.wait_network(host="bad.ok.test")[-1]
        if response.status == 200:
            self.assertEqual(record["would_deny"], "rule")
        else:
            self.assertRegex(record["reason"], "^address-class")  # no rule that could name its address is left
        with gate.client(name="default") as client:
            self.assertEqual(client.ask(forward("http://bad.ok.test:%d/" % web.port)).status, 403)


class Reload(EgressCase):
    OPEN = allow("a.test:*", "b.test:*")
    HOSTS = {"a.test": "127.0.0.1", "b.test": "127.0.0.1"}

    def test_open_tunnels_stay(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        tunnels = [gate.tunnel("a.test:%d" % target.port) for _ in range(20)]
        for tunnel in tunnels:
            self.passes_bytes(tunnel)
        for n in range(3):
            gate.reload(policy_of(allow("b.test:*", "c%d.test") % n))
            for tunnel in tunnels:
                self.passes_bytes(tunnel)
        self.assertEqual(gate.ask(connect("a.test:%d" % target.port)).status, 403)
        with gate.tunnel("b.test:%d" % target.port) as client:
            self.passes_bytes(client)
        gate.reload(policy_of(self.OPEN))
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)

    def test_revoked_tunnels_are_cut_where_the_policy_asks_for_it(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        revoked, kept = gate.tunnel("a.test:%d" % target.port), gate.tunnel("b.test:%d" % target.port)
        self.passes_bytes(revoked)
        gate.reload(policy_of(allow("b.test:*")) + "cut_on_revoke: true\n")
        self.assertEqual(revoked.to_end(), b"")
        self.passes_bytes(kept)
        self.assertEqual([r["close"] for r in gate.wait_network(event="close", host="a.test")], ["revoked"])
        self.assertEqual(gate.network(event="close", host="b.test"), [])

    def test_revoked_by_address(self):
        """What is held against the new policy is the address that was dialled, too."""
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        tunnel = gate.tunnel("a.test:%d" % target.port)
        self.passes_bytes(tunnel)
        gate.reload(policy_of(self.OPEN + deny("127.0.0.1")) + "cut_on_revoke: true\n")
        self.assertEqual(tunnel.to_end(), b"")

    def test_revoked_by_what_the_first_bytes_said(self):
        """A tunnel is held against the new policy with all that is known of it, not with its server name alone."""
        target = self.origin(Origin(echo))
        wide = "protocols: [any], require_sni: false"
        rows = {"tls": hello.hello("a.test"), "no name": hello.hello(), "ech": hello.hello("a.test", hello.ech()), "ech, no name": hello.hello(None, hello.ech()),
                "ssh": b"SSH-2.0-x\r\n", "http": b"GET / HTTP/1.1\r\n", "noise": b"\x05\x01\x00"}

        def check(narrow, cut):
            gate = self.start_egress(allow("a.test:*", extra=wide), hosts=self.HOSTS)
            tunnels = {name: gate.tunnel("a.test:%d" % target.port) for name in rows}
            for name, tunnel in tunnels.items():
                self.passes_bytes(tunnel, rows[name])
            gate.reload(policy_of(allow("a.test:*", extra=narrow)) + "cut_on_revoke: true\n")
            for name, tunnel in tunnels.items():
                if name in cut:
                    self.assertEqual(tunnel.to_end(), b"", name)
                else:
                    self.passes_bytes(tunnel)
            self.assertEqual([r["close"] for r in gate.wait_network(len(cut), event="close")] if cut else [], ["revoked"] * len(cut))

        self.each([
            ("nothing new", wide + ", ech: allow", []),
            ("a name is asked for", "protocols: [any], require_sni: true", ["no name", "ech, no name"]),
            ("no hidden hello", wide + ", ech: deny", ["ech", "ech, no name"]),
            ("TLS only", "protocols: [tls], require_sni: false", ["ssh", "http", "noise"]),
            ("SSH only", "protocols: [ssh]", ["tls", "no name", "ech", "ech, no name", "http", "noise"]),
        ], check)

    def test_a_stream_that_is_revoked(self):
        web = self.origin(HttpOrigin())
        web.on("GET", "/events", lambda connection, _: (connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), connection.fill(), False)[-1])
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        client = gate.client()
        client.send(forward("http://a.test:%d/events" % web.port))
        client.read_head()
        self.assertEqual(client.chunk(), b"a")
        gate.reload(policy_of(allow("b.test:*")) + "cut_on_revoke: true\n")
        self.assertNotIn(b"0\r\n\r\n", client.to_end(), "a cut answer must not look whole")

    def test_a_broken_policy_changes_nothing(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        record = gate.reload("version: 1\nnetwork:\n  - allow: \"a.*.test\"\n")
        self.assertIn("policy.yaml:3", record["text"])
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)

    def test_a_kept_client_connection_uses_the_new_policy(self):
        web = self.origin(HttpOrigin())
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://a.test:%d/" % web.port)).status, 200)
            gate.reload(policy_of(allow("b.test:*")))
            self.assertEqual(client.ask(forward("http://a.test:%d/" % web.port)).status, 403)

    def test_listeners_come_and_go(self):
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        target = self.origin(Origin(echo))
        path = gate.file("run", "new.sock")
        gate.reload(policy_of(self.OPEN) + "clients:\n  late:\n    egress: unix:@FOLDER@/run/new.sock\n")
        gate.ports[("late", "egress")] = path
        with gate.tunnel("a.test:%d" % target.port, name="late") as client:
            self.passes_bytes(client)

    def test_reload_under_load(self):
        """Nothing is dropped while policies change."""
        target = self.origin(Origin(echo))
        gate = self.start_egress(self.OPEN, hosts=self.HOSTS)
        stop, errors = threading.Event(), []

        def work():
            while not stop.is_set():
                try:
                    with gate.tunnel("a.test:%d" % target.port) as client:
                        self.passes_bytes(client, b"x" * 20000)
                except Exception as error:  # whatever it is, it fails the test
                    errors.append(error)
                    return

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        try:
            for n in range(5):
                gate.reload(policy_of(self.OPEN + "".join(allow("n%d-%d.test" % (n, m), special=False) for m in range(500))))
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        self.assertEqual(errors, [])


class Limits(EgressCase):
    def held(self, gate, target, count):
        tunnels = [gate.tunnel("127.0.0.1:%d" % target.port) for _ in range(count)]
        for tunnel in tunnels:
            self.passes_bytes(tunnel)
        return tunnels

    def assert_come_back(self, gate, response, reason):
        self.assertEqual(response.status, 503)
        self.assertTrue(response.field("Retry-After"))
        self.assert_refusal(response, 503, reason, gate=gate)

    def test_tunnels_of_a_client(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--max-tunnels", "5"])
        tunnels = self.held(gate, target, 5)
        self.assert_come_back(gate, gate.ask(connect("127.0.0.1:%d" % target.port)), "limit\\..*")
        self.passes_bytes(tunnels[0])
        tunnels.pop().close()
        wait_for(lambda: gate.network(event="close"), "the tunnel to be closed", gate.process)
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.passes_bytes(client)

    def test_connections_of_a_client(self):
        """Tunnels have a limit of their own and do not count here."""
        web = self.origin(HttpOrigin())
        web.on("GET", "/never", lambda connection, _: (connection.fill(), False)[-1])
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--max-client-connections", "5"])
        tunnels = self.held(gate, target, 3)
        busy = [gate.client() for _ in range(5)]
        for client in busy:
            client.send(forward("http://127.0.0.1:%d/never" % web.port))
        web.wait(lambda origin: len(origin.requests) == 5, "five requests")
        with gate.client() as client:
            client.send(forward("http://127.0.0.1:%d/" % web.port))
            response = client.read_response()
            self.assertEqual(response.status, 503)
            self.assertTrue(response.field("Retry-After"))
        for tunnel in tunnels:
            self.passes_bytes(tunnel)
        busy[0].reset()
        wait_for(lambda: gate.ask(forward("http://127.0.0.1:%d/" % web.port)).status == 200, "room for another", gate.process)

    def test_one_client_does_not_take_the_others_share(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(CLOSED + "network:\n  - allow: \"127.0.0.1:*\"\nclients:\n  other:\n    egress: tcp:127.0.0.1:0\n", options=["--max-tunnels", "3"])
        self.held(gate, target, 3)
        self.assertEqual(gate.ask(connect("127.0.0.1:%d" % target.port)).status, 503)
        with gate.tunnel("127.0.0.1:%d" % target.port, name="other") as client:
            self.passes_bytes(client)

    def test_a_flood_of_denials(self):
        """429, and the log counts what it does not list."""
        gate = self.start_egress(CLOSED, options=["--denial-rate", "5"])
        statuses = []
        with gate.client() as client:
            for _ in range(100):
                response = client.ask(connect("evil.test:443"), "CONNECT")
                statuses.append(response.status)
        self.assertEqual(set(statuses), {403, 429})
        self.assertTrue(response.field("Retry-After") or response.status == 403)
        gate.stop()
        logged = gate.network(event="request")
        suppressed = sum(r["count"] for r in gate.log(event="suppressed"))
        self.assertEqual(len(logged) + suppressed, 100)
        self.assertEqual(len(logged), statuses.count(403))

    def test_a_flood_does_not_slow_what_is_allowed(self):
        web = self.origin(HttpOrigin())
        gate = self.start_egress(allow("127.0.0.1:*", special=False), options=["--denial-rate", "5"])
        with gate.client() as client:
            for _ in range(50):
                client.ask(connect("evil.test:443"), "CONNECT")
            self.assertEqual(client.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)


class UpstreamProxy(EgressCase):
    """Another proxy behind ours: our policy first, then its CONNECT; what it resolves is not ours to judge, and the log says so."""

    def script(self, connection):
        head = connection.until(b"\r\n\r\n")
        self.heads.append(head)
        if self.reply:
            connection.send(self.reply)
            if b" 200 " not in self.reply.split(b"\r\n")[0]:
                return
        echo(connection)

    def start_chain(self, rules, *options, **more):
        self.heads = []
        self.reply = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.next = self.origin(Origin(self.script))
        dns = self.dns = DnsServer({"*.test": ["127.0.0.1"]})
        self.addCleanup(dns.close)
        return self.start_egress(rules, resolver=dns.port, options=["--upstream-proxy", "http://127.0.0.1:%d" % self.next.port, *options], **more)

    def test_a_tunnel(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        with gate.tunnel("A.Test:8443", early=b"early") as client:
            self.assertEqual(client.exactly(5), b"early")
            self.passes_bytes(client)
        self.assertRegex(self.heads[0], rb"^CONNECT a\.test:8443 HTTP/1\.1\r\nHost: a\.test:8443\r\n")
        self.assertNotIn(b"Proxy-Authorization", self.heads[0])
        story = gate.wait_closed(host="a.test")
        self.assertIn(str(self.next.port), story["upstream_proxy"])
        self.assertEqual(self.dns.questions, [], "the name is the other proxy's to resolve")

    def test_policy_comes_first(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        self.assert_refusal(gate.ask(connect("b.test:443")), 403, "default", gate=gate)
        self.assert_refusal(gate.ask(connect("10.0.0.1:443")), 403, "(default|address-class.*)", gate=gate)
        self.assertEqual(gate.ask(connect("a.test@b.test:443")).status, 400)
        self.assertEqual(self.next.count, 0)

    def test_credentials(self):
        """From a file; a client's own never go on."""
        gate = self.start_chain(allow("a.test:*", special=False), "--upstream-proxy-auth", "@FOLDER@/secrets/auth", files={"secrets/auth": "user:pass word\n"})
        with gate.tunnel("a.test:443") as client:
            self.assertTrue(client.quiet())
        sent = re.findall(rb"(?i)proxy-authorization: *([^\r]*)", self.heads[0])
        self.assertEqual(sent, [b"Basic " + base64.b64encode(b"user:pass word")])
        client = gate.client()
        client.send(connect("a.test:443", ("Proxy-Authorization", "Basic c3B5")))
        self.assertEqual(client.read_head().status, 200)
        self.assertNotIn(b"c3B5", b"".join(self.heads))
        self.assertNotIn(base64.b64encode(b"user:pass word"), gate.log_text())

    def test_no_proxy(self):
        target = self.origin(Origin(echo))
        gate = self.start_chain(allow("a.test:*", "direct.test:*", "x.inner.test:*") + allow("127.0.0.1:*", special=False), "--no-proxy", "direct.test,*.inner.test,127.0.0.0/8")
        for host in ("direct.test", "x.inner.test", "127.0.0.1"):
            with gate.tunnel("%s:%d" % (host, target.port)) as client:
                self.passes_bytes(client)
        self.assertEqual(self.next.count, 0)
        with gate.tunnel("a.test:%d" % target.port) as client:
            self.passes_bytes(client)
        self.assertEqual(self.next.count, 1)

    def test_what_the_other_proxy_may_answer(self):
        gate = self.start_chain(allow("a.test:*", special=False))

        def check(reply, statuses):
            self.reply = reply
            self.assertIn(gate.ask(connect("a.test:443")).status, statuses)

        self.each([
            ("403", answer(403, b"no"), (502,)),
            ("407", b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", (502,)),
            ("503", answer(503, b"later"), (502, 503)),
            ("garbage", b"SSH-2.0-x\r\n\r\n", (502,)),
            ("101", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", (502,)),
            ("bare LF", b"HTTP/1.1 299 OK\nX: y\n\n", (502,)),
            ("nothing", b"HTTP/1.1 40", (502,)),
        ], check)

    def test_bytes_behind_its_200_belong_to_the_tunnel(self):
        gate = self.start_chain(allow("a.test:*", special=False))
        self.reply = b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nbanner"
        with gate.tunnel("a.test:22") as client:
            self.assertEqual(client.exactly(6), b"banner")

    def test_the_name_in_the_hello_still_counts(self):
        gate = self.start_chain(allow("a.test", special=False))
        with gate.tunnel("a.test:443") as client:
            client.send(hello.hello("b.test"))
            rest = client.to_end()
            self.assertTrue(rest == b"" or hello.is_alert(rest))
        self.assertEqual(gate.wait_closed(host="a.test")["reason"], "sni-mismatch")

    def test_no_proxy_there(self):
        port = RefusingPort()
        self.addCleanup(port.stop)
        gate = self.start_egress(allow("a.test:*", special=False), options=["--upstream-proxy", "http://127.0.0.1:%d" % port.port])
        self.assertEqual(gate.ask(connect("a.test:443")).status, 502)
        silence = Silence()
        self.addCleanup(silence.stop)
        gate = self.start_egress(allow("a.test:*", special=False), options=["--upstream-proxy", "http://127.0.0.1:%d" % silence.port, "--dial-timeout", "400ms"])
        self.assertEqual(gate.ask(connect("a.test:443")).status, 504)

    def test_plain_http_goes_through_it_too(self):
        """By a tunnel or in absolute form: the request's own fields arrive, nothing of this hop does."""
        gate = self.start_chain(allow("a.test:*", special=False))
        seen = []

        def script(connection):
            head = connection.until(b"\r\n\r\n")
            if head.startswith(b"CONNECT "):
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
                head = connection.until(b"\r\n\r\n")
            seen.append(head)
            connection.send(answer(200, b"from afar"))

        self.next.script = script
        response = gate.ask(forward("http://a.test:8080/x", ("X-A", "b"), ("Proxy-Authorization", "Basic c3B5")))
        self.assertEqual((response.status, response.body), (200, b"from afar"))
        self.assertRegex(seen[0], rb"^GET (http://a\.test:8080)?/x HTTP/1\.1\r\n")
        self.assertIn(b"X-A: b\r\n", seen[0])
        self.assertNotIn(b"c3B5", seen[0])


class Metrics(EgressCase):
    def test_counted(self):
        target = self.origin(Origin(echo))
        gate = self.start_egress(allow("127.0.0.1:*", special=False), admin=True)
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.passes_bytes(client)
        for _ in range(3):
            gate.ask(connect("evil.test:443"))
        gate.wait_network(event="close")
        text = gate.ask_admin("/metrics").body.decode()
        self.assertRegex(text, r'(?m)^dockreeve_requests_total\{client="default",[^}]*decision="deny",rule="default"\} 3$')
        self.assertRegex(text, r'(?m)^dockreeve_requests_total\{client="default",[^}]*decision="allow",rule="allow 127\.0\.0\.1:\*"\} 1$')


class Explains(EgressCase):
    def test_check_and_explain(self):
        with PolicyFile("version: 1\nnetwork:\n  - {name: mine, allow: \"a.test\"}\n  - deny: \"x.a.test\"\n") as path:
            def check(target, code, *words):
                done = run("policy", "check", "network", target, "--config", path)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                for word in words:
                    self.assertIn(word, done.stdout + done.stderr)
                self.assertIn(run("policy", "explain", "network", target, "--config", path).returncode, (0, code))

            self.each([
                ("a name means 443", "a.test", 0, "mine"),
                ("with a port", "a.test:443", 0),
                ("another port", "a.test:22", 6),
                ("a URL", "https://a.test/x", 0),
                ("a plain URL", "http://a.test/x", 0),
                ("in capitals with a dot", "A.TEST.", 0),
                ("denied", "x.a.test", 6, "policy.yaml:4"),
                ("by default", "b.test", 6),
                ("an address", "127.0.0.1:443", 6),
                ("mapped", "[::ffff:127.0.0.1]:443", 6),
            ], check)


class Transfers(EgressCase):
    def test_requests_by_unix_socket(self):
        """An egress listener may be a unix socket: a sandbox without any network has this one way out."""
        web = self.origin(HttpOrigin())
        gate = self.start_egress(allow("127.0.0.1:*", special=False), egress=False, options=["--egress", "unix:@FOLDER@/run/out.sock"])
        with gate.client() as client:
            self.assertEqual(client.ask(forward("http://127.0.0.1:%d/x" % web.port)).status, 200)
        with gate.tunnel("127.0.0.1:%d" % web.port) as client:
            client.send(request("GET", "/y", host="x"))
            self.assertEqual(client.read_response().status, 200)
        self.assertRegex(gate.network()[0]["peer"], r"uid=\d+")

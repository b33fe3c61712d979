# SPDX-License-Identifier: Apache-2.0
"""Web pages and TCP listeners: what a page of another site, of another origin or under a foreign name sends is refused; Docker clients,
dashboards that pass their users' fields on, and everything on a unix socket are not (rules/network/browser_request.h)."""

from conversation.test_streams import echo_after
from harness.case import GateCase
from harness.client import get, request
from harness.gate import run

LOOPBACK = "127.0.0.1"
CHROME = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
DOCKER = ("User-Agent", "Docker-Client/28.2.2 (linux)")
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "a2V5"), ("Sec-WebSocket-Version", "13"))
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc=\r\n\r\n"
POLICY = """version: 1
docker:
  - allow: "@all"
clients:
  default:
    listen: "tcp:%s:0"
"""

# Fields, status on a loopback listener, status on another.
HOSTS = [
    ("an address", "127.0.0.1:2375", (), 200, 200),
    ("an address, from a page", "10.1.2.3:2375", (CHROME,), 200, 200),
    ("IPv6", "[::1]:2375", (CHROME,), 200, 200),
    ("localhost", "localhost:2375", (CHROME, ("Sec-Fetch-Site", "none")), 200, 200),
    ("below localhost", "api.moby.localhost", (), 200, 200),
    ("one label", "docker:2375", (CHROME,), 200, 200),
    ("no name", "", (CHROME,), 200, 200),
    ("a name, a client", "evil.rebind.test:2375", (), 403, 200),
    ("a name, the docker CLI", "server.lan:2375", (DOCKER,), 403, 200),
    ("a name, a browser", "evil.rebind.test:2375", (CHROME,), 403, 403),
    ("a name, Accept-Language", "evil.rebind.test", (("Accept-Language", "en"),), 403, 403),
    ("a name, Cookie", "evil.rebind.test", (("cookie", "a=b"),), 403, 403),
    ("a name, Referer", "evil.rebind.test", (("Referer", "http://evil.rebind.test/"),), 403, 403),
    ("a name, a client hint", "evil.rebind.test", (("sec-ch-ua", '"x"'),), 403, 403),
    ("a name, same-origin", "evil.rebind.test", (("Sec-Fetch-Site", "same-origin"),), 403, 403),
    ("a name that begins like localhost", "localhost.evil.test", (CHROME,), 403, 403),
]
PAGES = [
    ("Origin of another host", "localhost:2375", (("Origin", "http://evil.example"),), 403),
    ("Origin of another port", "localhost:2375", (("Origin", "http://localhost:8080"),), 403),
    ("Origin null", "localhost:2375", (("Origin", "null"),), 403),
    ("Origin of an empty Host", "", (("Origin", "http://evil.example"),), 403),
    ("its own Origin", "localhost:2375", (("Origin", "http://localhost:2375"), ("Sec-Fetch-Site", "same-origin")), 200),
    ("cross-site", "localhost:2375", (("Sec-Fetch-Site", "cross-site"),), 403),
    ("same-site", "localhost:2375", (("sec-fetch-site", "same-site"),), 403),
    ("same-origin", "localhost:2375", (("Sec-Fetch-Site", "same-origin"),), 200),
    ("none", "localhost:2375", (("Sec-Fetch-Site", "none"),), 200),
]


def ask_for(host, fields, target="/containers/json"):
    return request("GET", target, fields, None, host)


class BrowserCase(GateCase):
    def start(self, address=LOOPBACK, more="", **options):
        return self.start_gate(POLICY % address + more, unix=False, **options)

    def check(self, gate, host, fields, status):
        gate.engine.reset()
        with gate.connect_tcp() as connection:
            response = connection.ask(ask_for(host, fields))
        self.assertEqual(response.status, status, (host, fields, response))
        self.assertEqual(gate.engine.lines(), ["GET /containers/json"] if status == 200 else [])
        if status == 403:
            self.assert_message(response, 403, "hosts:", "origins:", "browser: allow", "DOCKREEVE_HOSTS", "DOCKREEVE_ORIGINS",
                                "DOCKREEVE_BROWSER=allow)")
            self.assertEqual(gate.requests_logged()[-1]["reason"], "browser")


class Rule(BrowserCase):
    def test_on_loopback_a_foreign_name_is_a_rebound_page(self):
        gate = self.start()
        self.each(HOSTS, lambda host, fields, status, _: self.check(gate, host, fields, status))

    def test_elsewhere_it_must_look_like_a_browser(self):
        gate = self.start("0.0.0.0")
        self.each(HOSTS, lambda host, fields, _, status: self.check(gate, host, fields, status))

    def test_pages_of_other_sites_and_origins(self):
        gate = self.start()
        self.each(PAGES, lambda host, fields, status: self.check(gate, host, fields, status))

    def test_http_1_0_without_host(self):
        gate = self.start()
        with gate.connect_tcp() as connection:
            self.assertEqual(connection.ask(b"GET /containers/json HTTP/1.0\r\nUser-Agent: Mozilla/5.0\r\n\r\n").status, 200)

    def test_an_absolute_target_is_judged_by_its_host(self):
        gate = self.start()
        with gate.connect_tcp() as connection:
            raw = b"GET http://evil.rebind.test/containers/json HTTP/1.1\r\nHost: evil.rebind.test\r\n\r\n"
            self.assertEqual(connection.ask(raw).status, 403)

    def test_every_request_of_a_connection_is_judged(self):
        gate = self.start()
        with gate.connect_tcp() as connection:
            self.assertEqual(connection.ask(ask_for("localhost", ())).status, 200)
            self.assertEqual(connection.ask(ask_for("evil.rebind.test", ())).status, 403)
            self.assertEqual(connection.ask(ask_for("localhost", ())).status, 200)

    def test_a_page_gets_no_ping_either_and_report_mode_refuses_it(self):
        gate = self.start(more="    mode: report\n")
        for target in ("/_ping", "/containers/json", "/nothing"):
            with gate.connect_tcp() as connection:
                self.assertEqual(connection.ask(ask_for("evil.rebind.test", (), target)).status, 403, target)
        self.assertEqual(gate.engine.lines(), [])

    def test_a_long_name_leaves_the_advice_whole(self):
        gate = self.start()
        host = ".".join(["a" * 60] * 4)
        self.check(gate, host, (CHROME,), 403)
        self.check(gate, "localhost", (("Origin", "http://" + host),), 403)


class Keys(BrowserCase):
    def test_listed_names(self):
        gate = self.start(more='    hosts: [Docker.example.com, "*.lan.example"]\n')
        self.each([
            ("listed", "docker.example.com:2375", (CHROME,), 200),
            ("below a star", "a.b.lan.example", (CHROME,), 200),
            ("the star itself", "lan.example", (CHROME,), 403),
            ("another", "evil.rebind.test", (), 403),
            ("listed, another origin", "docker.example.com", (("Origin", "http://evil.example"),), 403),
        ], lambda *row: self.check(gate, *row))

    def test_listed_origins(self):
        gate = self.start(more="    origins: https://Portainer.example.com:443\n    hosts: docker.example.com\n")
        own = ("Origin", "https://portainer.example.com")
        self.each([
            ("a dashboard", "dockreeve:2375", (own, ("Sec-Fetch-Site", "same-origin"), CHROME, ("Cookie", "a")), 200),
            ("by name", "docker.example.com:2375", (own, ("Sec-Fetch-Site", "same-origin"), CHROME), 200),
            ("another scheme", "dockreeve:2375", (("Origin", "http://portainer.example.com"),), 403),
            ("another port", "dockreeve:2375", (("Origin", "https://portainer.example.com:9443"),), 403),
            ("under a foreign name", "evil.rebind.test", (own,), 403),
        ], lambda *row: self.check(gate, *row))

    def test_browser_allow_lifts_the_rule(self):
        gate = self.start(more="    browser: allow\n")
        for _, host, fields, *_ in HOSTS + PAGES:
            self.check(gate, host, fields, 200)

    def test_a_client_has_its_own_and_a_reload_changes_them(self):
        text = "  other:\n    listen: tcp:127.0.0.1:0\n"
        gate = self.start(more="    hosts: a.test\n" + text + "    hosts: b.test\n")
        other = gate.ports[("other", "")]
        for port, host, status in ((gate.port, "a.test", 200), (gate.port, "b.test", 403), (other, "a.test", 403), (other, "b.test", 200)):
            with gate.connect_tcp(port) as connection:
                self.assertEqual(connection.ask(ask_for(host, ())).status, status, (port, host))
        with gate.connect_tcp() as connection:
            self.assertEqual(connection.ask(ask_for("c.test", ())).status, 403)
            gate.reload(POLICY % LOOPBACK + "    hosts: [c.test]\n" + text)
            self.assertEqual(connection.ask(ask_for("c.test", ())).status, 200)

    def test_what_is_wrong_is_said(self):
        def check(key, *words):
            gate = self.start_gate()
            gate.write(gate.file("bad.yaml"), POLICY % LOOPBACK + "    " + key + "\n")
            done = run("policy", "validate", "--config", gate.file("bad.yaml"))
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            for word in words:
                self.assertIn(word, done.stdout + done.stderr)

        self.each([
            ("host with a port", "hosts: a.test:2375", "bad.yaml:7", "without"),
            ("every host", 'hosts: ["*"]', "browser: allow"),
            ("an expression", "hosts: ['~.*']", "expression"),
            ("no hosts", "hosts: []", "empty"),
            ("an origin without scheme", "origins: portainer.example.com", "https://"),
            ("an origin with a path", "origins: https://portainer.example.com/ui", "bad.yaml:7"),
            ("null", 'origins: ["null"]', "hides"),
            ("browser: yes", "browser: yes", "allow or deny"),
            ("browser twice", "browser: allow\n    browser: deny", "browser"),
            ("at the top", "from: [10.0.0.0/8]\nhosts: [a.test]", "hosts"),
        ], check)

    def test_what_does_nothing_or_opens_all_is_a_notice(self):
        gate = self.start_gate()
        gate.write(gate.file("odd.yaml"), "version: 1\nclients:\n  a:\n    listen: unix:/run/a/docker.sock\n    hosts: a.test\n"
                   "  b:\n    listen: tcp:127.0.0.1:2375\n    browser: allow\n")
        done = run("policy", "validate", "--config", gate.file("odd.yaml"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("client `a` has `hosts`, `origins` or `browser` but no tcp listener", done.stdout + done.stderr)
        self.assertIn("client `b` lets every web page", done.stdout + done.stderr)


class Variables(BrowserCase):
    COMPAT = {"DOCKREEVE_COMPAT": "tecnativa", "CONTAINERS": "1"}

    def gate_of(self, **variables):
        return self.start_gate(None, environment=dict(self.COMPAT, **variables), unix=False, tcp=True)

    def test_hosts_and_origins(self):
        gate = self.gate_of(DOCKREEVE_HOSTS="a.test, *.b.test", DOCKREEVE_ORIGINS="https://portainer.example.com http://c.test:9000")
        self.each([
            ("first", "a.test", (CHROME,), 200),
            ("second", "x.b.test", (CHROME,), 200),
            ("another", "evil.test", (CHROME,), 403),
            ("an origin", "docker", (("Origin", "https://portainer.example.com"), ("Sec-Fetch-Site", "same-origin")), 200),
            ("the other", "docker", (("Origin", "http://c.test:9000"),), 200),
            ("no origin of them", "docker", (("Origin", "http://c.test"),), 403),
        ], lambda *row: self.check(gate, *row))

    def test_browser_allow(self):
        gate = self.gate_of(DOCKREEVE_BROWSER="allow")
        self.check(gate, "evil.test", (CHROME, ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")), 200)

    def test_another_word_is_an_error(self):
        for variables in ({"DOCKREEVE_BROWSER": "yes"}, {"DOCKREEVE_HOSTS": "a.test:80"}, {"DOCKREEVE_ORIGINS": "a.test"}):
            done = run("policy", "validate", environment=dict(self.COMPAT, **variables))
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(list(variables)[0], done.stdout + done.stderr)

    def test_they_are_not_followed_beside_a_policy_and_that_is_said(self):
        gate = self.start_gate(POLICY % LOOPBACK, unix=False, environment=dict(self.COMPAT, DOCKREEVE_HOSTS="a.test", DOCKREEVE_BROWSER="allow"))
        self.check(gate, "a.test", (), 403)
        self.assertIn("DOCKREEVE_HOSTS is not followed", gate.stderr())
        self.assertIn("DOCKREEVE_BROWSER is not followed", gate.stderr())
        alone = self.start_gate(POLICY % LOOPBACK, unix=False, environment={"DOCKREEVE_ORIGINS": "https://a.test"})
        self.assertIn("DOCKREEVE_ORIGINS is not followed", alone.stderr())


class UnixSockets(GateCase):
    def test_they_are_out_of_a_pages_reach(self):
        gate = self.start_gate()
        for _, host, fields, *_ in HOSTS + PAGES:
            self.assertEqual(gate.ask(ask_for(host, fields)).status, 200)

    def test_a_websocket_attach_of_docker_py(self):
        """Its websocket library sends an Origin by itself."""
        gate = self.start_gate()
        gate.engine.on("GET", "/containers/x/attach/ws", echo_after(SWITCHED))
        with gate.connect() as connection:
            connection.send(request("GET", "/containers/x/attach/ws?stream=1", (*UPGRADE, ("Origin", "http://localhost")), None, "localhost"))
            self.assertEqual(connection.read_head().status, 101)
            connection.send(b"frame")
            self.assertEqual(connection.exactly(5), b"frame")

    def test_over_tcp_it_passes_with_its_own_origin(self):
        gate = self.start_gate(tcp=True)
        gate.engine.on("GET", "/containers/x/attach/ws", echo_after(SWITCHED))
        for origin, status in (("http://127.0.0.1:2375", 101), ("http://evil.example", 403)):
            with gate.connect_tcp() as connection:
                connection.send(request("GET", "/containers/x/attach/ws?stream=1", (*UPGRADE, ("Origin", origin)), None, "127.0.0.1:2375"))
                self.assertEqual(connection.read_head().status, status)


class Admin(GateCase):
    def test_a_page_gets_no_numbers_and_prometheus_does(self):
        port = self.held_port()
        gate = self.start_gate(options=("--admin", "127.0.0.1:%d" % port))
        prometheus = (("User-Agent", "Prometheus/2.53.0"), ("Accept", "text/plain;version=0.0.4"), ("X-Prometheus-Scrape-Timeout-Seconds", "10"))

        def check(host, fields, status):
            with gate.connect_tcp(port) as connection:
                self.assertEqual(connection.ask(ask_for(host, fields, "/metrics")).status, status)

        self.each([
            ("a scraper", "127.0.0.1:%d" % port, prometheus, 200),
            ("a scraper that knows a name", "node1.example.com", prometheus, 200),
            ("a probe", "", (), 200),
            ("a person", "localhost:%d" % port, (CHROME, ("Sec-Fetch-Site", "none")), 200),
            ("a rebound page", "evil.rebind.test", (CHROME,), 403),
            ("another site's page", "localhost", (("Sec-Fetch-Site", "cross-site"),), 403),
            ("another origin's page", "localhost", (("Origin", "http://evil.example"),), 403),
        ], check)
        with gate.connect_tcp(port) as connection:
            self.assertEqual(connection.ask(get("/healthz")).status, 200)

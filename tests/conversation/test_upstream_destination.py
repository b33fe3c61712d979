# SPDX-License-Identifier: Apache-2.0
"""The proxy that the gate goes through is never a destination: whoever speaks to it asks it for what the policy never sees. It is
known by its name and by every address that its name leads to. The machine is a network namespace without a way out, so that
whatever is let pass ends as unreachable."""

from harness.dns_server import DnsServer
from harness.egress import EgressCase, connect, forward
from harness.hello import hello, is_alert
from harness.machine import MachineCase
from harness.origin import Origin, echo

PROXY, SECOND, THIRD, ELSEWHERE = "198.20.1.1", "198.20.1.2", "198.20.1.3", "198.20.1.9"
WIDE = "version: 1\nnetwork:\n  - allow: \"*:*\"\n"


class ProxyCase(MachineCase):
    def setUp(self):
        super().setUp()
        with self.network.entered():
            self.dns = DnsServer({"proxy.corp.test": [PROXY, SECOND], "alias.test": [SECOND], "mixed.test": [ELSEWHERE, PROXY], "direct.test": [PROXY],
                                  "far.test": [ELSEWHERE], "loop.test": ["127.0.0.1"], "zero.test": ["0.0.0.0"], "silent.test": "servfail"})
        self.addCleanup(self.dns.close)

    def serve_by(self, url, policy=WIDE, **options):
        self.serve(policy, resolver=self.dns.port, options=["--upstream-proxy", url, "--no-proxy", "direct.test", "--resolver-timeout", "2s"], **options)

    def refused(self, target):
        for raw in (connect(target), forward("http://%s/" % target)):
            self.assert_refusal(self.ask(raw), 403, "own-address")

    def passes(self, target):
        """It was let pass, and nobody can be reached from here."""
        for raw in (connect(target), forward("http://%s/" % target)):
            response = self.ask(raw)
            self.assertEqual(response.status, 502, response)


class Destination(ProxyCase):
    def test_by_its_name_and_by_every_address_of_it(self):
        self.serve_by("http://proxy.corp.test:3128")
        for host in ("proxy.corp.test", "PROXY.Corp.Test.", PROXY, PROXY + ".", SECOND, "[::ffff:%s]" % PROXY, "[64:ff9b::%s]" % PROXY,
                     "alias.test", "mixed.test", "direct.test"):
            with self.subTest(host):
                self.refused(host + ":3128")

    def test_given_by_address(self):
        self.serve_by("http://%s:3128" % PROXY)
        for host in (PROXY, "[::ffff:%s]" % PROXY, "proxy.corp.test", "mixed.test", "direct.test"):
            with self.subTest(host):
                self.refused(host + ":3128")
        self.passes("alias.test:3128")

    def test_its_other_ports_and_other_hosts_are_for_rules(self):
        self.serve_by("http://proxy.corp.test:3128")
        for target in ("%s:8080" % PROXY, "proxy.corp.test:8080", "alias.test:8443", "far.test:3128", "%s:3128" % ELSEWHERE):
            with self.subTest(target):
                self.passes(target)

    def test_loopback_is_the_proxys_own_there(self):
        self.serve_by("http://proxy.corp.test:3128")
        for host in ("loop.test", "zero.test"):
            self.refused(host + ":3128")

    def test_names_are_asked_for_where_it_matters(self):
        """On another port than the proxy's nothing is looked up but the proxy."""
        self.serve_by("http://proxy.corp.test:3128")
        self.ask(connect("far.test:443"))
        self.assertEqual({question.name for question in self.dns.questions}, {"proxy.corp.test"})

    def test_what_it_was_at_before_counts_too(self):
        """Its name leads elsewhere now; what was learnt once is kept."""
        self.dns.names["proxy.corp.test"] = [(PROXY, 0)]
        self.serve_by("http://proxy.corp.test:3128")
        self.refused("%s:3128" % PROXY)
        self.passes("%s:3128" % THIRD)
        self.dns.names["proxy.corp.test"] = [(THIRD, 0)]
        self.refused("%s:3128" % THIRD)
        self.refused("%s:3128" % PROXY)
        self.dns.names["proxy.corp.test"] = "servfail"
        self.refused("%s:3128" % THIRD)

    def test_a_name_whose_aliases_lead_to_its_name(self):
        """Its name leads to another address each time, which nobody can have learnt."""
        self.dns.names.update({"proxy.corp.test": [(PROXY, 0)], "b.test": ("cname", "c.test"), "c.test": ("cname", "Proxy.Corp.test"),
                               "direct.test": ("cname", "proxy.corp.test"), "free.test": ("cname", "far.test")})
        self.serve_by("http://proxy.corp.test:3128")
        self.refused("proxy.corp.test:3128")
        self.dns.names[("proxy.corp.test", "A")] = ("each", [[("198.20.1.%d" % number, 0)] for number in range(20, 60)])
        for host in ("b.test", "c.test", "direct.test"):
            with self.subTest(host):
                self.refused(host + ":3128")
        self.passes("b.test:8080")
        self.passes("free.test:3128")

    def test_a_name_that_nobody_answers_for_is_the_proxys_to_resolve(self):
        self.serve_by("http://%s:3128" % PROXY)
        self.passes("silent.test:3128")

    def test_transparent_clients(self):
        client = "    transparent: {tls: \"127.0.0.1:0\"}\n"
        self.serve_by("http://proxy.corp.test:443", client=client)
        for name in ("proxy.corp.test", "alias.test"):
            with self.network.entered():
                asked = self.gate.client("transparent-tls", name="main")
            self.gate.set_mark()
            asked.send(hello(name))
            self.assertTrue(is_alert(asked.to_end()))
            self.refusal_record(self.gate, "own-address", host=name)

    def test_an_address_of_this_machine_is_not_asked_of_another(self):
        """There it would mean the proxy's."""
        self.network.add(ELSEWHERE)
        service = self.listen(ELSEWHERE, Origin, echo)
        local = self.listen("127.0.0.1", Origin, echo)
        self.serve_by("http://%s:3128" % PROXY, "version: 1\nnetwork:\n  - allow: [\"%s:*\", \"0.0.0.0:*\"]\n" % ELSEWHERE)
        for target in ("%s:%d" % (ELSEWHERE, service.port), "0.0.0.0:%d" % local.port):
            with self.gate.tunnel(target, name="main") as client:
                self.passes_bytes(client)

    def test_a_proxy_on_this_machine(self):
        """It mostly listens at each of its addresses."""
        self.network.add(ELSEWHERE)
        policy = "version: 1\nnetwork:\n  - allow: [\"127.0.0.0/8:*\", \"localhost:*\", \"0.0.0.0:*\", \"%s:*\"]\n" % ELSEWHERE
        for where in ("127.0.0.1", "localhost", ELSEWHERE):
            with self.subTest(where):
                self.serve_by("http://%s:3128" % where, policy)
                for host in ("127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0", ELSEWHERE):
                    self.refused(host + ":3128")


class ByLocalName(EgressCase):
    def test_a_proxy_at_localhost_is_found_without_a_name_server(self):
        heads = []

        def script(connection):
            heads.append(connection.until(b"\r\n\r\n"))
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            echo(connection)

        proxy = self.origin(Origin(script))
        gate = self.start_egress("version: 1\nnetwork:\n  - allow: \"far.test:*\"\n", options=["--upstream-proxy", "http://localhost:%d" % proxy.port])
        with gate.tunnel("far.test:8443") as client:
            self.passes_bytes(client)
        self.assertTrue(heads[0].startswith(b"CONNECT far.test:8443 HTTP/1.1\r\n"), heads)

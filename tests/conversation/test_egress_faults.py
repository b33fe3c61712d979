# SPDX-License-Identifier: Apache-2.0
"""Name servers, origins and clients that fail, descriptors that run out, and the end of the gate itself: refused with a reason, nothing
left behind, and over when the fault is."""

import resource
import signal
import threading

from harness import hello, wire
from harness.client import chunked
from harness.dns_server import DnsServer
from harness.egress import EgressCase, EgressGate, allow, connect, forward
from harness.gate import plain_binary, wait_for
from harness.origin import HttpOrigin, Origin, Silence, answer, echo

LOCAL = allow("127.0.0.1:*", special=False) + allow("*.test:*")


class FaultCase(EgressCase):
    def settled(self, gate, before):
        """Every descriptor of what has ended is back."""
        wait_for(lambda: gate.descriptors() <= before + 2, "the descriptors to come back (%d before, %d now)" % (before, gate.descriptors()), gate.process)

    def works(self, gate, target):
        with gate.tunnel("127.0.0.1:%d" % target.port) as client:
            self.passes_bytes(client)


class Resolver(FaultCase):
    def test_no_name_server(self):
        gate = self.start_egress(LOCAL, options=["--resolver-timeout", "500ms"])
        for raw in (connect("a.test:443"), forward("http://a.test/")):
            response = gate.ask(raw)
            self.assertIn(response.status, (502, 504))
            self.assert_refusal(response, response.status, "dns\\..*", gate=gate)
        self.works(gate, self.origin(Origin(echo)))

    def test_names_that_are_never_answered_hold_nobody_up(self):
        dns = DnsServer({"*.test": "silent"})
        self.addCleanup(dns.close)
        gate = self.start_egress(LOCAL, resolver=dns.port, options=["--resolver-timeout", "2s"])
        waiting = [gate.client() for _ in range(50)]
        for n, client in enumerate(waiting):
            client.send(connect("n%d.test:443" % n))
        self.works(gate, self.origin(Origin(echo)))
        for client in waiting:
            self.assertEqual(client.read_response("CONNECT").status, 504)

    def test_a_stop_while_names_are_asked_for(self):
        dns = DnsServer({"*.test": "silent"})
        self.addCleanup(dns.close)
        gate = self.start_egress(LOCAL, resolver=dns.port, options=["--resolver-timeout", "30s"])
        for n in range(5):
            client = gate.client()
            client.send(connect("n%d.test:443" % n))
        self.assertTrue(dns.wait_for("n4.test"))
        self.assertEqual(gate.stop(), 0)


class Origins(FaultCase):
    def test_origins_that_reset(self):
        def check(script):
            gate = self.start_egress(LOCAL)
            target = self.origin(Origin(script))
            before = gate.descriptors()
            for _ in range(5):
                with gate.client() as client:
                    client.send(connect("127.0.0.1:%d" % target.port) + b"x")
                    client.to_end()
                with gate.client() as client:
                    response = client.ask(forward("http://127.0.0.1:%d/" % target.port))
                    self.assertEqual(response.status, 502)
            self.settled(gate, before)
            gate.stop()

        self.each([
            ("at once", lambda connection: (connection.reset(), True)[-1]),
            ("on the first byte", lambda connection: (connection.fill(), connection.reset(), True)[-1]),
            ("in the head of the answer", lambda connection: (connection.fill(), connection.send(b"HTTP/1.1 20"), connection.reset(), True)[-1]),
        ], check)

    def test_an_origin_that_dies_in_its_answer(self):
        gate = self.start_egress(LOCAL)
        web = self.origin(Origin(lambda connection: (connection.until(b"\r\n\r\n"), connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome of it"))))
        with gate.client() as client, self.assertRaises(wire.Ended):
            client.ask(forward("http://127.0.0.1:%d/" % web.port))
        record = wait_for(lambda: [r for r in gate.news() if "close" in r or r["event"] == "close"], "the record", gate.process)[-1]
        self.assertTrue(record.get("close"))

    def test_an_origin_that_vanishes_under_many_tunnels(self):
        gate = self.start_egress(LOCAL)
        target = self.origin(Origin(echo))
        before = gate.descriptors()
        tunnels = [gate.tunnel("127.0.0.1:%d" % target.port) for _ in range(50)]
        target.wait(lambda origin: origin.count == 50, "fifty connections")
        target.stop()
        for tunnel in tunnels:
            tunnel.to_end()
            tunnel.close()
        gate.wait_network(50, event="close")
        self.settled(gate, before)


class Clients(FaultCase):
    def test_clients_that_vanish(self):
        """In every state of a connection; nothing stays behind. (An orderly end behind a request is no farewell: its answer is still
        wanted, and an origin may take its time. So only a reset counts while an answer is waited for.)"""
        silence = Silence()
        self.addCleanup(silence.stop)
        dns = DnsServer({"slow.test": ("delay", 0.4, ["127.0.0.1"])})
        self.addCleanup(dns.close)
        gate = self.start_egress(LOCAL, resolver=dns.port, options=["--dial-timeout", "1s", "--hello-timeout", "1s"])
        target = self.origin(Origin(echo))
        web = self.origin(HttpOrigin())
        started = threading.Event()
        web.on("GET", "/stream", lambda connection, _: (connection.send(b"HTTP/1.1 200 OK\r\n\r\nx"), started.set(), connection.fill(), False)[-1])
        web.on("GET", "/never", lambda connection, _: (started.set(), connection.fill(), False)[-1])
        self.works(gate, target)
        wait_for(lambda: gate.network(event="close"), "the first tunnel to be closed", gate.process)
        before = gate.descriptors()

        def check(raw, until=None, ends=("close", "reset")):
            for end in ends:
                started.clear()
                client = gate.client()
                client.send(raw)
                if until:
                    until(client)
                getattr(client, end)()
            self.settled(gate, before)
            self.works(gate, target)

        self.each([
            ("before a word", b""),
            ("in the request line", b"CONNECT 127.0."),
            ("in the head", b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost:"),
            ("while the name is asked for", connect("slow.test:%d" % target.port), lambda _: self.assertTrue(dns.wait_for("slow.test"))),
            ("while dialling", connect("127.0.0.1:%d" % silence.port)),
            ("behind the 200", connect("127.0.0.1:%d" % target.port), lambda client: client.read_head()),
            ("in a hello", connect("127.0.0.1:%d" % target.port) + hello.hello("a.test")[:40], lambda client: client.read_head()),
            ("in a body", forward("http://127.0.0.1:%d/" % web.port, method="POST")[:-2] + b"Content-Length: 100\r\n\r\nabc"),
            ("in a chunk", forward("http://127.0.0.1:%d/" % web.port, method="POST")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
            ("before the answer", forward("http://127.0.0.1:%d/never" % web.port), lambda _: self.assertTrue(started.wait(wire.DEADLINE)), ("reset",)),
            ("in the answer", forward("http://127.0.0.1:%d/stream" % web.port), lambda client: client.read_head(), ("reset",)),
            ("with requests in hand", forward("http://127.0.0.1:%d/" % web.port) * 20),
        ], check)

    def test_a_client_that_reads_nothing(self):
        """Its answer waits in a bounded place; others do not wait."""
        web = self.origin(HttpOrigin())
        block = b"x" * 65536
        stuck = threading.Event()

        def endless(connection, _):
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.send_until_full(block, 0.3)
            stuck.set()
            return False

        web.on("GET", "/endless", endless)
        gate = self.start_egress(LOCAL, program=plain_binary())
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)
        before = gate.memory_kb()
        client = gate.client()
        client.send(forward("http://127.0.0.1:%d/endless" % web.port))
        self.assertTrue(stuck.wait(wire.DEADLINE), "the gate takes in what nobody reads")
        self.assertLess(gate.memory_kb() - before, 4000)
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/" % web.port)).status, 200)
        client.close()


class Descriptors(FaultCase):
    def test_when_they_run_out(self):
        """503 with Retry-After instead of a collapse, and good again when some come back."""
        target = self.origin(Origin(lambda connection: True))
        answering = self.origin(HttpOrigin())
        gate = self.limited(LOCAL, 91)
        tunnels, refused = [], []
        for _ in range(60):
            client = gate.client()
            client.send(connect("127.0.0.1:%d" % target.port))
            response = client.read_head()
            if response.status == 200:
                tunnels.append(client)
            else:
                response.body = client.body(response.kind, response.length)
                refused.append(response)
                client.close()
        self.assertGreater(len(tunnels), 10)
        self.assertGreater(len(refused), 0)
        self.assertEqual({r.status for r in refused}, {503})
        self.assertTrue(all(r.field("Retry-After") for r in refused))
        self.assertEqual({r.field("Connection") for r in refused}, {"close"}, "its own descriptor is one too many")
        self.assert_idle(gate)
        target.wait(lambda origin: origin.count == len(tunnels), "all connections")
        for client in tunnels:
            client.close()
        for connection in target.connections:
            connection.close()
        gate.wait_network(len(tunnels), event="close")
        self.assertEqual(gate.ask(forward("http://127.0.0.1:%d/" % answering.port)).status, 200)

    def limited(self, rules, count):
        gate = EgressGate(rules, start=False)
        self.addCleanup(gate.remove)
        self.addCleanup(self.check_egress, gate)
        gate.start(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))
        return gate

    def test_bulk_without_pipes(self):
        """Bytes pass also when no pipe is to be had for splicing."""
        target = self.origin(Origin(echo))
        gate = self.limited(LOCAL, 64)
        tunnels = []
        while True:
            client = gate.client()
            client.send(connect("127.0.0.1:%d" % target.port))
            if client.read_head().status != 200:
                break
            tunnels.append(client)
        for client in tunnels:
            for _ in range(5):
                self.passes_bytes(client, b"z" * 100000)


class Stop(FaultCase):
    def test_open_tunnels_do_not_hold_the_end_up(self):
        gate = self.start_egress(LOCAL, drain="500ms")
        target = self.origin(Origin(echo))
        web = self.origin(HttpOrigin())
        web.on("GET", "/events", lambda connection, _: (connection.send(b"HTTP/1.1 200 OK\r\n\r\nx"), connection.fill(), False)[-1])
        tunnels = [gate.tunnel("127.0.0.1:%d" % target.port) for _ in range(20)]
        stream = gate.client()
        stream.send(forward("http://127.0.0.1:%d/events" % web.port))
        stream.read_head()
        gate.process.send_signal(signal.SIGTERM)
        for tunnel in tunnels:
            tunnel.to_end()
        self.assertEqual(gate.wait_exit(), 0)
        self.assertEqual(len(gate.network(event="close")), 21)
        self.assertEqual({record["close"] for record in gate.network(event="close")} - {"shutdown"}, set())

    def test_a_tunnel_may_end_in_its_time(self):
        gate = self.start_egress(LOCAL, drain="10s")
        target = self.origin(Origin(echo))
        tunnel = gate.tunnel("127.0.0.1:%d" % target.port)
        gate.process.send_signal(signal.SIGTERM)
        self.passes_bytes(tunnel)
        tunnel.finish_sending()
        self.assertTrue(tunnel.ended())
        tunnel.close()
        self.assertEqual(gate.wait_exit(), 0)

    def test_no_new_tunnels_while_it_ends(self):
        gate = self.start_egress(LOCAL, drain="10s")
        target = self.origin(Origin(echo))
        tunnel, idle = gate.tunnel("127.0.0.1:%d" % target.port), gate.client()
        gate.process.send_signal(signal.SIGTERM)
        idle.to_end()

        def closed():
            try:
                gate.client().close()
            except ConnectionRefusedError:
                return True
            return False

        wait_for(closed, "the listener to be closed", gate.process)
        tunnel.close()
        self.assertEqual(gate.wait_exit(), 0)

    def test_in_the_middle_of_everything(self):
        """Whatever a connection is waiting for, the end is clean (the sanitizers look)."""
        dns = DnsServer({"*.test": "silent"})
        silence = Silence()
        self.addCleanup(dns.close)
        self.addCleanup(silence.stop)
        web = self.origin(HttpOrigin())
        web.on("GET", "/never", lambda connection, _: (connection.fill(), False)[-1])
        target = self.origin(Origin(echo))
        gate = self.start_egress(LOCAL, resolver=dns.port, drain="300ms", transparent=True, dns=True)
        for raw in (b"", b"CONNECT a", connect("a.test:443"), connect("127.0.0.1:%d" % silence.port), connect("127.0.0.1:%d" % target.port),
                    connect("127.0.0.1:%d" % target.port) + hello.hello("x.test")[:20], forward("http://127.0.0.1:%d/never" % web.port), forward("http://b.test/"),
                    forward("http://127.0.0.1:%d/" % web.port, method="POST")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a")[:4]):
            gate.client().send(raw)
        gate.client("transparent-tls").send(hello.hello("c.test"))
        gate.client("transparent-http").send(b"GET / HTTP/1.1\r\n")
        self.assertTrue(dns.wait_for("a.test") and dns.wait_for("b.test"))
        self.assertEqual(gate.stop(), 0)


class Log(FaultCase):
    def test_the_log_is_whole(self):
        """One line a record, in order, and as many as there were requests."""
        gate = self.start_egress(LOCAL)
        web = self.origin(HttpOrigin())
        target = self.origin(Origin(echo))
        for _ in range(10):
            self.works(gate, target)
            gate.ask(forward("http://127.0.0.1:%d/" % web.port))
            gate.ask(connect("evil.example:443"))
        gate.wait_network(10, event="close")
        self.assertEqual(gate.stop(), 0)
        records = gate.log()
        self.assertEqual([r["seq"] for r in records], list(range(records[0]["seq"], records[0]["seq"] + len(records))))
        counts = {event: len(gate.network(event=event)) for event in ("request", "open", "close")}
        self.assertEqual(counts, {"request": 20, "open": 10, "close": 10})
        self.assertTrue(gate.log_text().endswith(b"\n"))
        for record in gate.network():
            self.assertEqual(record["kind"], "network")
            self.assertIn(record["decision"], ("allow", "deny"))
            self.assertTrue(record["policy"])
            self.assertNotIn("operation", record)


class Gone(FaultCase):
    def test_nothing_is_left_after_a_busy_time(self):
        gate = self.start_egress(LOCAL)
        web = self.origin(HttpOrigin())
        target = self.origin(Origin(echo))
        web.on("GET", "/big", answer(200, b"x" * 300000))
        self.works(gate, target)
        gate.ask(forward("http://127.0.0.1:%d/" % web.port))
        wait_for(lambda: gate.network(event="close"), "the close", gate.process)
        before = gate.descriptors()

        def work(number):
            for n in range(15):
                self.works(gate, target)
                with gate.client() as client:
                    for _ in range(3):
                        client.ask(forward("http://127.0.0.1:%d/%s" % (web.port, "big" if n % 2 else "")))
                    client.ask(connect("n%d.example:443" % number), "CONNECT")

        workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wait_for(lambda: gate.descriptors() <= before + 10, "the descriptors to come back", gate.process)
        self.assert_idle(gate)

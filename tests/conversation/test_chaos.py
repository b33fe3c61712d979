# SPDX-License-Identifier: Apache-2.0
"""Clients and an engine that do the wrong thing at every moment, drawn by lot from a seed that is printed. Afterwards the gate must
answer as ever, hold no more descriptors than before, do nothing, and have logged every exchange to its end.
DOCKREEVE_CHAOS_SEED and DOCKREEVE_CHAOS_SECONDS repeat a run or make it longer."""

import collections
import json
import os
import random
import select
import socket
import struct
import threading
import time

from harness import wire
from harness.case import GateCase
from harness.client import chunked, get, post, post_json, request
from harness.gate import wait_for

SECONDS = float(os.environ.get("DOCKREEVE_CHAOS_SECONDS", "8"))
POLICY = """version: 1
docker:
  - allow: ["@read", "@lifecycle", ImageLoad, ContainerAttach, ContainerCreate, ExecStart, ContainerExport, Session]
  - allow: ContainerLogs
    where: {name: "web*"}
  - deny: ContainerKill
"""
OPTIONS = ["--header-timeout", "300ms", "--body-timeout", "300ms", "--upload-timeout", "400ms", "--denial-rate", "0",
           "--connect-timeout", "1s", "--max-connections", "64", "--max-json-body", "64k"]
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
TAR = ("Content-Type", "application/x-tar")
JSON = ("Content-Type", "application/json")
CHUNKED = ("Transfer-Encoding", "chunked")
CONTINUE = ("Expect", "100-continue")
INSPECT = json.dumps({"Id": "a" * 64, "Name": "/web", "Image": "sha256:" + "b" * 64, "Config": {"Image": "x", "Labels": {}}}).encode()


def requests(lot):
    """One request: whole bytes, now and then with a body that is wrong or too long."""
    big = lot.choice([10, 3000, 70000, 300000])
    return lot.choice([
        lambda: get("/info"),
        lambda: get("/info", ("Connection", "close")),
        lambda: request("HEAD", "/containers/x/archive?path=%2F"),
        lambda: get("/events"),
        lambda: get("/containers/%s/logs?stdout=1" % lot.choice(["web1", "other"])),
        lambda: get("/containers/x/export"),
        lambda: post("/containers/x/start"),
        lambda: post("/containers/x/kill", body=b"x" * lot.choice([0, 5, 70000])),
        lambda: post("/containers/x/stop", body=b"x" * lot.choice([1, 60000, 70000])),
        lambda: request("POST", "/containers/x/stop", (CHUNKED, CONTINUE)) + chunked(b"y" * 100, b"z" * 30000),
        lambda: post("/images/load", TAR, body=b"t" * big),
        lambda: request("POST", "/images/load", (TAR, CHUNKED)) + chunked(b"t" * big, b"u" * 10, b"v" * 20000),
        lambda: request("POST", "/images/load", (TAR, CHUNKED)) + b"5\r\nabcdeXX",
        lambda: request("POST", "/images/load", (TAR, CONTINUE), b"t" * big),
        lambda: post_json("/containers/create", b'{"Image": "x"}' + b" " * lot.choice([0, 70000])),
        lambda: request("POST", "/containers/create", (JSON, CHUNKED)) + chunked(b'{"Image":"', b"x" * big, b'"}'),
        lambda: post("/containers/x/attach?stream=1&stdin=1", *UPGRADE) + b"early" * lot.choice([0, 1, 5000]),
        lambda: post("/containers/x/attach?stream=1&stdin=1") + b"GET /info HTTP/1.1\r\nHost: d\r\n\r\n",
        lambda: post_json("/exec/e/start", {"Detach": False}, *UPGRADE),
        lambda: post("/session", ("Connection", "Upgrade"), ("Upgrade", "h2c")),
        lambda: get("/nowhere"),
        lambda: b"G@T / HTTP/1.1\r\n\r\n",
        lambda: b"GET /info HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        lambda: b"GET /info HTTP/1.0\r\n\r\n",
        lambda: request("GET", "/info", (), b"z" * 100),
    ])()


def answers(lot):
    """(bytes of an answer, whether it is whole)"""
    big = lot.choice([0, 5, 3000, 70000, 400000])
    head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n" % lot.choice([200, 200, 201, 304, 404, 500])
    return lot.choice([
        head + b"Content-Length: %d\r\n\r\n" % big + b"b" * big,
        head + b"Content-Length: %d\r\n\r\n" % big + b"b" * (big // 2),
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"c" * big, b"d" * 7),
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"c" * big)[:-3],
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        head + b"\r\nuntil the end",
        head + b"Content-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 100 Continue\r\n\r\n" * lot.choice([1, 8, 20]) + head + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + b"o" * big,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n" + b"o" * big,
        b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nX: " + b"h" * 70000,
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200",
        b"",
    ])


class ChaosEngine:
    """Accepts, reads as much as the lot says, answers at any time, ends in any way. Never more than a moment."""

    def __init__(self, path, seed):
        self.seed, self.count, self.calm, self.parking = seed, 0, False, False
        self.read_on, self.over = threading.Event(), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            lot = random.Random("%s engine %d" % (self.seed, self.count))
            threading.Thread(target=self.serve, args=(sock, lot), daemon=True).start()

    def serve(self, sock, lot):
        sock.settimeout(1.5)
        try:
            for _ in range(lot.randint(1, 6)):
                head = b""
                while b"\r\n\r\n" not in head:
                    data = sock.recv(lot.choice([1000, 65536]))
                    if not data:
                        return
                    head += data
                if self.calm or b"/web" in head.split(b"\r\n", 1)[0] and b"/json" in head.split(b"\r\n", 1)[0] and lot.random() < 0.7:
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(INSPECT) + INSPECT)
                    continue
                self.misbehave(sock, lot)
        except (OSError, TimeoutError):
            pass
        finally:
            end(sock, lot)

    def misbehave(self, sock, lot):
        if lot.random() < 0.4:
            drain(sock, lot)
        if lot.random() < 0.1:
            linger(sock, 0.2)
        data = answers(lot)
        if self.parking:
            self.park(sock, lot, data)
            raise OSError("this connection is done for")
        send_cut(sock, data, lot)
        if lot.random() < 0.15:
            sock.shutdown(socket.SHUT_WR)
        if lot.random() < 0.5:
            drain(sock, lot)

    def park(self, sock, lot, data):
        """Answers or not, then stands still; later reads what comes and never closes first."""
        push(sock, data if lot.random() < 0.8 else b"")
        self.read_on.wait(20)
        sock.settimeout(0.1)
        while not self.over.is_set():
            try:
                if not sock.recv(65536):
                    return
            except TimeoutError:
                pass


def push(sock, data):
    """Sends what the other side takes at once, and a little later."""
    sock.settimeout(0.2)
    try:
        sock.sendall(data)
    except OSError:
        pass


def drain(sock, lot):
    sock.settimeout(lot.choice([0.01, 0.1]))
    try:
        for _ in range(lot.randint(1, 50)):
            if not sock.recv(65536):
                break
    except TimeoutError:
        pass
    sock.settimeout(1.5)


def linger(sock, seconds):
    """A slow peer: stands there until the other side hangs up, but not longer than that."""
    poller = select.poll()
    poller.register(sock, select.POLLRDHUP)
    poller.poll(seconds * 1000)


def send_cut(sock, data, lot):
    """All at once, or in two or three pieces with a moment between them."""
    places = sorted(lot.randint(0, len(data)) for _ in range(lot.choice([0, 0, 1, 2])))
    for start, stop in zip([0] + places, places + [len(data)]):
        if start:
            linger(sock, lot.choice([0, 0.005]))
        sock.sendall(data[start:stop])


def end(sock, lot):
    """Closes, or resets."""
    try:
        if lot.random() < 0.2 and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


def connect(gate, lot):
    if lot.random() < 0.5:
        return socket.create_connection(("127.0.0.1", gate.port), 2)
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(gate.socket_path)
    return sock


def play(gate, lot):
    """One client from its first byte to its end."""
    sock = connect(gate, lot)
    sock.settimeout(0.6)
    try:
        for _ in range(lot.randint(1, 4)):
            data = b"".join(requests(lot) for _ in range(lot.choice([1, 1, 1, 2, 5])))
            if lot.random() < 0.25:
                data = data[: lot.randint(0, len(data))]
            send_cut(sock, data, lot)
            action = lot.random()
            if action < 0.15:
                sock.shutdown(socket.SHUT_WR)
            elif action < 0.3:
                return
            elif action < 0.4:
                linger(sock, 0.3)
            if lot.random() < 0.8:
                drain(sock, lot)
    except (OSError, TimeoutError):
        pass
    finally:
        end(sock, lot)


class Chaos(GateCase):
    def start_engine(self, gate_folder):
        engine = super().start_engine(gate_folder)
        engine.stop()
        os.unlink(engine.path)
        return engine

    def test_wrong_things_at_every_moment(self):
        seed = os.environ.get("DOCKREEVE_CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))
        print("\nDOCKREEVE_CHAOS_SEED=%s" % seed)
        gate = self.start_gate(POLICY, options=OPTIONS, tcp=True, admin=True)
        chaos = ChaosEngine(gate.upstream, seed)
        self.addCleanup(chaos.listener.close)
        base = gate.descriptors()
        rounds = self.play_all(gate, seed)
        self.assertGreater(rounds, 50)
        for number in range(3):
            self.park_all(gate, chaos, "%s parked %d" % (seed, number), base)
        chaos.calm = True
        self.assertIsNone(gate.process.poll(), gate.stderr())
        wait_for(lambda: not self.clients_left(gate, base), "the descriptors to be closed", gate.process)
        self.assert_idle(gate)
        self.assertEqual(gate.ask(get("/_ping")).status, 200)
        self.check_log(gate, rounds)

    def park_all(self, gate, chaos, seed, base):
        """Both sides stand still wherever they are: so must the gate. Then the clients go, and the gate must let go of the engine."""
        wait_for(lambda: self.gauges(gate) == [0, 0], "the exchanges before (%s)" % seed, gate.process)
        chaos.read_on.clear()
        chaos.over.clear()
        chaos.seed, chaos.parking = seed, True
        clients = []
        for number in range(50):
            lot = random.Random("%s client %d" % (seed, number))
            clients.append(connect(gate, lot))
            push(clients[-1], b"".join(requests(lot) for _ in range(lot.choice([1, 1, 1, 3]))))
        self.assert_idle(gate)
        for sock in clients:
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        chaos.read_on.set()
        wait_for(lambda: self.gauges(gate) == [0, 0], "the last exchange to end (%s)" % seed, gate.process)
        chaos.over.set()
        chaos.parking = False
        wait_for(lambda: not self.clients_left(gate, base), "the descriptors to be closed", gate.process)

    @staticmethod
    def gauges(gate):
        """Open client connections and open streams, as the metrics have them."""
        lines = gate.ask_admin("/metrics").body.decode().splitlines()
        return [int(line.split()[-1]) for line in lines if line.startswith(("dockreeve_connections{", "dockreeve_open_streams "))]

    def play_all(self, gate, seed):
        stop = time.monotonic() + SECONDS
        rounds = [0] * 12

        def worker(number):
            while time.monotonic() < stop:
                rounds[number] += 1
                lot = random.Random("%s client %d %d" % (seed, number, rounds[number]))
                try:
                    play(gate, lot)
                except OSError:
                    pass

        workers = [threading.Thread(target=worker, args=(number,), daemon=True) for number in range(len(rounds))]
        for thread in workers:
            thread.start()
        for thread in workers:
            thread.join(SECONDS + wire.DEADLINE)
        return sum(rounds)

    @staticmethod
    def clients_left(gate, base):
        """Descriptors beyond those that may stay: kept engine connections and spare pipes."""
        folder = "/proc/%d/fd" % gate.process.pid
        links = []
        for name in os.listdir(folder):
            try:
                links.append(os.readlink(os.path.join(folder, name)))
            except FileNotFoundError:
                pass
        kinds = collections.Counter(link.split(":")[0] for link in links)
        return max(0, len(links) - kinds["pipe"] - base - 1)

    def check_log(self, gate, rounds):
        records = gate.log()
        self.assertEqual([r["seq"] for r in records], list(range(1, len(records) + 1)))
        events = collections.defaultdict(list)
        for record in records:
            if "id" in record:
                events[record["id"]].append(record["event"])
        wrong = {key: value for key, value in events.items() if value not in (["request"], ["open", "close"])}
        self.assertEqual(wrong, {}, "records of an exchange")
        print("%d clients, %d exchanges" % (rounds, len(events)))

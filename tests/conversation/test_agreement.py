# SPDX-License-Identifier: Apache-2.0
"""What `policy test` says of a request is what the gate does with it and what its log says: verdict, rule, source and reason, for
generated policies and requests, 12,000 pairs in all. All questions are asked in one process; the same requests then go to a running
gate whose policy is swapped in between. AGREEMENT_SEED chooses other policies; a failure names the seed, the policy and the request."""

import json
import os
import random
import signal
import tempfile

from harness import hello
from harness.case import GateCase
from harness.client import Client
from harness.dns_server import DnsServer
from harness.egress import EgressCase, connect, forward
from harness.engine import answer
from harness.gate import run, wait_for
from harness.origin import HttpOrigin, Origin

SEED = int(os.environ.get("AGREEMENT_SEED", "1311"))
POLICIES, REQUESTS = 200, 30
FOLDERS = {"run/default/.kept": "", "run/probe/.kept": ""}
TRIES = 200  # a generated policy is often one that could never match, which is an error


class Asked:
    """The policies and requests of one kind, with what `policy test` says of them. `write_policy(chosen)` makes the text of a policy,
    `make_request(chosen)` a dictionary for the file of tests with what is to be sent under keys that begin with an underscore."""

    def __init__(self, folder, seed, write_policy, make_request):
        self.folder = folder
        chosen = random.Random(seed)
        self.policies = [None] * POLICIES
        self.requests = [[make_request(chosen) for _ in range(REQUESTS)] for _ in range(POLICIES)]
        missing = list(range(POLICIES))
        for _ in range(TRIES):
            for number in missing:
                self.policies[number] = write_policy(chosen)
                self.write_files(number)
            done = run("policy", "test", "--json", *(self.file(number, "tests.yaml") for number in range(POLICIES)))
            if done.returncode in (0, 1):
                break
            missing = [number for number in range(POLICIES) if self.file(number, "") in done.stderr]
            if not missing:
                raise AssertionError("policy test: %d %s" % (done.returncode, done.stderr[-2000:]))
        else:
            raise AssertionError("no valid policies: " + done.stderr[-2000:])
        answers = json.loads(done.stdout)["tests"]
        if len(answers) != POLICIES * REQUESTS:
            raise AssertionError("%d answers" % len(answers))
        self.answers = [answers[number * REQUESTS:(number + 1) * REQUESTS] for number in range(POLICIES)]

    def file(self, number, name):
        return os.path.join(self.folder, "p%d" % number, name)

    def write_files(self, number):
        os.makedirs(self.file(number, ""), 0o755, exist_ok=True)
        tests = [{key: value for key, value in request.items() if not key.startswith("_")} for request in self.requests[number]]
        for name, text in (("policy.yaml", self.policies[number]), ("tests.yaml", json.dumps({"policy": "policy.yaml", "tests": tests}, indent=1))):
            with open(self.file(number, name), "w", encoding="utf-8") as out:
                out.write(text)
            os.chmod(self.file(number, name), 0o644)


class Log:
    """The records of a gate as they come, each read once."""

    def __init__(self, gate):
        self.gate = gate
        self.stream = open(gate.log_path, "rb")
        self.rest = b""
        self.records = []

    def close(self):
        self.stream.close()

    def read(self):
        self.rest += self.stream.read()
        whole, _, self.rest = self.rest.rpartition(b"\n")
        self.records += [json.loads(line) for line in whole.splitlines()]

    def wait(self, what, fits):
        """The first record that fits and was not returned yet; those before it are forgotten."""
        def found():
            self.read()
            for index, record in enumerate(self.records):
                if fits(record):
                    del self.records[:index + 1]
                    return record
            return None

        return wait_for(found, what, self.gate.process)


class Agreement:
    """What both kinds share. All listeners stand in the policy, so that its hash is the same for the gate and for `policy test`."""

    def first_policy(self, role):
        return "version: 1\nclients:\n" + "".join('  %s: {%s: "unix:@FOLDER@/run/%s/gate.sock"}\n' % (name, role, name) for name in ("default", "probe"))

    def name_sockets(self, gate):
        self.sockets = {name: gate.file("run", name, "gate.sock") for name in ("default", "probe")}

    def agree(self, kind, gate, asked):
        """Sends every request under its policy and compares. `self.send` returns the record of the request's verdict."""
        self.log = Log(gate)
        self.addCleanup(self.log.close)
        self.compared = {"allow": 0, "deny": 0}
        self.reasons = set()
        for number in range(POLICIES):
            hash_ = asked.answers[number][0]["policy"]
            gate.write_policy(asked.policies[number])
            gate.process.send_signal(signal.SIGHUP)
            self.log.wait("policy %d of seed %d" % (number, SEED), lambda record: record["event"] == "policy" and record.get("policy") == hash_)
            for request, said in zip(asked.requests[number], asked.answers[number]):
                self.compare(asked, number, request, said, self.send(gate, request, said))
        self.assertGreaterEqual(sum(self.compared.values()), 5900)
        for word in ("allow", "deny"):
            self.assertGreater(self.compared[word], 600, "%s: hardly any %s" % (kind, word))

    def compare(self, asked, number, request, said, record):
        if record["policy"] != said["policy"]:
            raise AssertionError("another policy decided: %r" % record)
        if record.get("status") in (502, 504) and "sni" in request:  # not reached: nobody heard the ClientHello that the check pretends
            return
        logged = {name: record.get(name) for name in ("decision", "rule", "source", "reason")}
        logged["would_deny"] = "would_deny" in record and record["decision"] == "allow"
        checked = {name: said[name] for name in logged}
        if record.get("status") in (502, 504):  # allowed and not reached: the reason is what stood in the way
            del logged["reason"], checked["reason"]
        self.compared[said["decision"]] += 1
        self.reasons.add(said["reason"])
        self.assertEqual(checked, logged, "seed %d, policy %d: check and gate disagree on %r\n%s\nthe record: %r" %
                         (SEED, number, {k: v for k, v in request.items() if k != "expect"}, asked.policies[number], record))


def pick(chosen, *items):
    return chosen.choice(items)


def some(chosen, items, most):
    return [chosen.choice(items) for _ in range(chosen.randint(1, most))]


EXPIRES = ("expires: 2100-01-01", "expires: 2001-01-01", 'expires: "2100-01-01T00:00:00Z"', 'expires: "2001-01-01T23:59:59.5Z"')


def flow(items):
    return "[%s]" % ", ".join(json.dumps(item) for item in items)


# ---- Docker

TAGS = ["web:latest", "web:1", "web:2"]
OBJECTS = {
    ("containers", "web"): ({"Id": "aa11", "Name": "/web", "Image": "sha256:01", "Config": {"Image": "nginx:1", "Labels": {"a": "b"}}},
                            {"id": "aa11", "name": "web", "image": ["nginx:1", "sha256:01"], "label": "a=b"}),
    ("containers", "db"): ({"Id": "bb22", "Name": "/db", "Image": "sha256:02", "Config": {"Image": "postgres", "Labels": None},
                            "NetworkSettings": {"Networks": {"back": {}}}},
                           {"id": "bb22", "name": "db", "image": ["postgres", "sha256:02"], "network": "back"}),
    ("images", "web"): ({"Id": "sha256:" + "3" * 64, "RepoTags": TAGS}, {"id": "sha256:" + "3" * 64, "name": TAGS, "image": TAGS}),
    ("networks", "back"): ({"Id": "cc33", "Name": "back", "Labels": {"a": "c"}}, {"id": "cc33", "name": "back", "network": "back", "label": "a=c"}),
    ("volumes", "data"): ({"Name": "data"}, {"id": "data", "name": "data", "volume": "data"}),
}
SELECTORS = ("ContainerList", "ContainerInspect", "ContainerStart", "Container*", "*Delete", "@read", "@lifecycle", "@logs", "@exec", "@run", "@all",
             "Image*", "Volume*", "Network*", "@build", "SystemPing", "@pull", "System*", "ImageCreate")
PATHS = ('{method: GET, path: "/containers/*/json"}', '{method: POST, path: "/containers/**"}', '{path: "/volumes/data"}',
         '{path: "~/containers/(web|db)/.*"}', '{method: DELETE, path: "/**"}', '{path: "/images/*/json"}', '{path: "/networks/*"}')
WHERES = ("{name: web}", '{name: "*"}', '{image: "nginx*"}', '{label: "a=*"}', '{id: "aa*"}', "{network: back}", "{volume: data}", '{query.all: "1"}',
          "{name: [db, data]}", "{query.force: {absent: true}}", '{label: "a=b", name: web}', "{query.t: {max: 10}}", '{query.fromSrc: "http*"}',
          '{name: "~[dw].*"}', '{image: "nginx"}', '{query.fromImage: "nginx:1"}', '{query.fromImage: "nginx"}', '{query.name: "web"}',
          '{query.repo: "web:1"}', '{query.tag: "1"}', '{image: "web:*"}')
ROUTES = (("GET", "/containers/json"), ("GET", "/containers/{containers}/json"), ("POST", "/containers/{containers}/start"),
          ("POST", "/containers/{containers}/stop"), ("DELETE", "/containers/{containers}"), ("GET", "/containers/{containers}/logs"),
          ("POST", "/containers/create"), ("POST", "/containers/{containers}/exec"), ("GET", "/images/{images}/json"), ("DELETE", "/images/{images}"),
          ("POST", "/images/create"), ("POST", "/build"), ("GET", "/networks/{networks}"), ("POST", "/networks/create"), ("DELETE", "/networks/{networks}"),
          ("GET", "/volumes/{volumes}"), ("DELETE", "/volumes/{volumes}"), ("GET", "/volumes"), ("GET", "/_ping"), ("GET", "/version"), ("GET", "/info"),
          ("GET", "/images/{images}/get"), ("POST", "/images/{images}/push"), ("POST", "/images/{images}/tag"), ("POST", "/containers/{containers}/rename"),
          ("GET", "/images/json"), ("GET", "/secrets"), ("POST", "/swarm/init"), ("GET", "/system/df"), ("GET", "/libpod/info"))
QUERIES = ("?all=1", "?all=0&all=1", "?force=1", "?unheard=of", "?all=%31", "?t=5", "?t=99", "?fromSrc=http://a.test/x", "?fromImage=nginx", "?remote=x",
           "?fromImage=nginx:1&tag=2", "?fromImage=nginx:1", "?fromImage=docker.io/library/nginx&tag=1", "?name=/web", "?name=%2Fweb", "?repo=web:1", "?repo=web&tag=1",
           "?tag=latest", "?link=1", '?filters={"a":["b|c^`"]}', "?all=\u00e9", "?all=1&all=true", "?fromImage=nginx:1&fromImage=web:2", "?remote=&remote=x")
ODD_QUERIES = ("?", "?x=%zz", "?a;b=c", '?all="1"', "?all=<1>", "?all=1|2", "?all=^", "?all=\\", "?all=[1]")
ODD_PATHS = ("/", "//containers/json", "/containers//web/json", "/containers//../x", "/networks/my%20net", "/networks/%20", "/containers/../info", "/no/such/thing", "/CONTAINERS/json", "/containers/json/", "/_ping%00", "/v1.45")


class Docker(Agreement, GateCase):
    def policy(self, chosen):
        lines = ["version: 1", "default: {docker: %s}" % pick(chosen, "allow", "deny", "deny")]
        if chosen.random() < 0.2:
            lines.append("use: [%s]" % pick(chosen, "preset/portainer", "preset/docker-read"))
        lines.append("docker:")
        lines += [self.rule(chosen, "  ") for _ in range(chosen.randint(1, 6))]
        lines += ["clients:", '  default: {listen: "unix:%s"}' % self.sockets["default"], "  probe:", '    listen: "unix:%s"' % self.sockets["probe"], "    mode: %s" % pick(chosen, "enforce", "enforce", "enforce", "report"),
                  "    inherit: %s" % pick(chosen, "true", "true", "true", "false"), "    strict: %s" % pick(chosen, "true", "false", "false")]
        if chosen.random() < 0.3:
            lines.append("    use: [%s]" % pick(chosen, "preset/traefik", "preset/watchtower", "preset/docker-read"))
        if chosen.random() < 0.5:
            lines += ["    docker:"] + [self.rule(chosen, "      ") for _ in range(chosen.randint(1, 3))]
        return "\n".join(lines) + "\n"

    def rule(self, chosen, indent):
        what = pick(chosen, *PATHS) if chosen.random() < 0.3 else flow(some(chosen, SELECTORS, 2))
        parts = ["%s: %s" % (pick(chosen, "allow", "allow", "deny"), what)]
        if chosen.random() < 0.5:
            parts.append("where: " + pick(chosen, *WHERES))
        if chosen.random() < 0.2:
            parts.append(pick(chosen, *EXPIRES))
        if chosen.random() < 0.2:
            parts.append("name: rule %d" % chosen.randint(1, 99))
        return "%s- {%s}" % (indent, ", ".join(parts))

    def request(self, chosen):
        method, path = pick(chosen, *ROUTES)
        facts = None
        for kind in ("containers", "images", "networks", "volumes"):
            if "{%s}" % kind in path:
                name = pick(chosen, "web", "db", "back", "data", "missing", "w%65b")
                path = path.replace("{%s}" % kind, name)
                facts = OBJECTS.get((kind, name.replace("%65", "e")), (None, None))[1]
        if chosen.random() < 0.05:
            path, facts = pick(chosen, *ODD_PATHS), None
        target = pick(chosen, "", "", "", "/v1.24", "/v1.45", "/v1.55", "/v1.23", "/v1.12", "/v1.11", "/v1.99", "/v2.0") + path
        if chosen.random() < 0.4:
            target += pick(chosen, *(QUERIES if chosen.random() < 0.85 else ODD_QUERIES))
        if facts is None and chosen.random() < 0.1:
            method = pick(chosen, "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
        request = {"docker": "%s %s" % (method, target), "expect": "allow", "client": pick(chosen, "default", "probe")}
        if facts:
            request["object"] = facts
        if method in ("POST", "PUT") and chosen.random() < 0.5:
            size = pick(chosen, *self.bodies)
            request["body"] = self.bodies[size]
            request["content_type"] = pick(chosen, "application/json", "application/json", "application/x-tar", "text/plain", "plain/text",
                                           "application/x-www-form-urlencoded", "application/json; charset=utf-8", "application/json; x")
            request["_size"] = size
        return request

    def test_check_and_gate_agree(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-agreement-")
        self.addCleanup(folder.cleanup)
        self.bodies = {}
        for size in (2, 8, 70000):
            self.bodies[size] = os.path.join(folder.name, "body%d" % size)
            with open(self.bodies[size], "w", encoding="ascii") as out:
                out.write("{" + " " * (size - 2) + "}")
        gate = self.start_gate(self.first_policy("listen"), unix=False, options=["--denial-rate", "0"], files=FOLDERS)
        self.name_sockets(gate)
        for (kind, name), (description, _) in OBJECTS.items():
            gate.engine.on("GET", "/%s/%s%s" % (kind, name, "/json" if kind in ("containers", "images") else ""), answer(200, description))
        web = OBJECTS["images", "web"][0]
        gate.engine.on("GET", "/images/json", lambda connection, seen: connection.send(answer(200, [web] if "web" in str(seen.query) else [])))
        for tag in TAGS:
            gate.engine.on("GET", "/images/%s/json" % tag, answer(200, web))
        gate.engine.default = answer(404, {"message": "no such object"})
        self.connections = {}
        asked = Asked(folder.name, SEED, self.policy, self.request)
        self.agree("docker", gate, asked)
        self.assertGreater(len(self.reasons), 12, self.reasons)

    def send(self, gate, request, said):
        method, target = request["docker"].split(" ", 1)
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: d"]
        size = request.get("_size", 0)
        if size:
            lines += ["Content-Type: " + request["content_type"], "Content-Length: %d" % size]
        elif method in ("POST", "PUT"):
            lines.append("Content-Length: 0")
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"{" + b" " * (size - 2) + b"}" if size else b"")
        client = self.connections.pop(request["client"], None) or Client.unix(self.sockets[request["client"]])
        response = client.ask(raw, method)
        if (response.field("Connection") or "").lower() == "close":
            client.close()
        else:
            self.connections[request["client"]] = gate.keep(client) if client not in gate.clients else client
        record = self.log.wait("the record of %r" % request, lambda record: record["event"] in ("request", "open") and record.get("kind") == "docker")
        self.assertEqual(record["client"], request["client"])
        self.assertEqual(response.status in (200, 404), said["decision"] == "allow", "%r: %r" % (request, response))
        return record


# ---- network

NAMES = {"a.test": ["127.0.0.1"], "b.a.test": ["127.0.0.2"], "two.test": ["192.0.2.1", "127.0.0.1"], "x.test": ["127.0.0.1", "127.0.0.2"],
         "in.example": ["198.18.0.1"], "gone.test": None, "bad.test": ["169.254.169.254", "0.0.0.0"]}


class Network(Agreement, EgressCase):
    def policy(self, chosen):
        lines = ["version: 1", "default: {network: %s}" % pick(chosen, "allow", "deny", "deny")]
        if chosen.random() < 0.2:
            lines.append("use: [preset/npm]")
        lines.append("network:")
        lines += [self.rule(chosen, "  ") for _ in range(chosen.randint(1, 7))]
        lines += ["clients:", '  default: {egress: "unix:%s"}' % self.sockets["default"], "  probe:", '    egress: "unix:%s"' % self.sockets["probe"], "    mode: %s" % pick(chosen, "enforce", "enforce", "report"),
                  "    inherit: %s" % pick(chosen, "true", "true", "false"), "    network:"]
        lines += [self.rule(chosen, "      ") for _ in range(chosen.randint(1, 4))]
        return "\n".join(lines) + "\n"

    def pattern(self, chosen):
        host = pick(chosen, "a.test", "*.a.test", "**.test", "*", "~[a-c]\\..*test", "~.*x.*", "x.test", "*.test", "two.test", "127.0.0.0/8", "127.0.0.1",
                    "localhost", "b.a.test", "in.example", "bad.test", "gone.test", "0.0.0.0/0")
        port = pick(chosen, "", ":*", ":*", ":*", ":*", ":%d" % self.web.port, ":%d" % self.raw.port, ":%d,%d" % (self.web.port, self.raw.port), ":1024-65535")
        return host + port

    def rule(self, chosen, indent):
        allows = chosen.random() < 0.75
        parts = ["%s: %s" % ("allow" if allows else "deny", flow([self.pattern(chosen) for _ in range(chosen.randint(1, 3))]))]
        if chosen.random() < 0.2:
            parts.append(pick(chosen, "methods: [GET, HEAD]", 'paths: [/a, "/b/**"]', 'methods: POST, paths: "~/[ab].*"', "methods: [PUT]", "paths: /a"))
        if allows and chosen.random() < 0.85:
            parts.append(pick(chosen, "addresses: [127.0.0.0/8]", "addresses: [127.0.0.0/8]", "addresses: [127.0.0.2, 127.0.0.1]", "addresses: 127.0.0.2/32"))
        if allows and chosen.random() < 0.25:
            parts.append(pick(chosen, "require_sni: true", "require_sni: false", "ech: deny", "protocols: [tls]", "protocols: [http]", "protocols: any"))
        if chosen.random() < 0.2:
            parts.append(pick(chosen, *EXPIRES))
        if chosen.random() < 0.2:
            parts.append("name: rule %d" % chosen.randint(1, 99))
        return "%s- {%s}" % (indent, ", ".join(parts))

    def request(self, chosen):
        host = pick(chosen, *NAMES, *["a.test", "b.a.test", "two.test", "x.test"] * 5, "127.0.0.1", "127.0.0.2", "localhost", "y.localhost", "A.Test.", "0x7f.1", "a_b..c", "a.test\\", "[::1]", "-a.test")
        request = {"expect": "allow", "client": pick(chosen, "default", "probe")}
        canonical = host.lower().rstrip(".")
        if NAMES.get(canonical):
            request["address"] = NAMES[canonical]
        if chosen.random() < 0.5:
            path = pick(chosen, "/", "/a", "/a?q", "/b/c", "/x", "/a/../b", "/b/%2e%2e/x", "/b//c", "/%zz", "/b%2Fc")
            request["network"] = "http://%s:%s%s" % (host, pick(chosen, self.web.port, self.web.port, self.web.port, 0), path)
            request["method"] = pick(chosen, "GET", "GET", "HEAD", "POST", "PUT")
        else:
            request["network"] = "%s:%s" % (host, pick(chosen, *[self.raw.port] * 6, "x", "0", ""))
            if request["network"].endswith(":"):
                request["network"] = "%s:70000" % host
            if chosen.random() < 0.6 and canonical != "gone.test":  # what cannot be reached is not spoken to
                request["sni"] = pick(chosen, "-", "a.test", "x.test", "b.a.test", "two.test", canonical if canonical in NAMES else "a.test")
        return request

    def test_check_and_gate_agree(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-agreement-")
        self.addCleanup(folder.cleanup)
        self.web, self.raw = self.origin(HttpOrigin(host="0.0.0.0")), self.origin(Origin(lambda connection: connection.to_end(), host="0.0.0.0"))
        dns = DnsServer({name: addresses if addresses else "nxdomain" for name, addresses in NAMES.items()})
        self.addCleanup(dns.close)
        gate = self.start_egress(self.first_policy("egress"), egress=False, resolver=dns.port, options=["--denial-rate", "0", "--hello-timeout", "60s"], files=FOLDERS)
        self.name_sockets(gate)
        self.connections = {}
        asked = Asked(folder.name, SEED, self.policy, self.request)
        self.agree("network", gate, asked)
        self.assertGreater(len(self.reasons), 12, self.reasons)

    def open(self, gate, name):
        return gate.keep(Client.unix(self.sockets[name]))

    def send(self, gate, request, said):
        if "method" in request:
            return self.send_plain(gate, request)
        return self.send_tunnel(gate, request)

    def first_record(self, request):
        return self.log.wait("the record of %r" % request, lambda record: record["event"] in ("request", "open") and record.get("kind") == "network")

    def done_with(self, gate, client):
        client.close()
        gate.clients.remove(client)

    def send_plain(self, gate, request):
        client = self.connections.pop(request["client"], None) or self.open(gate, request["client"])
        method = request["method"]
        response = client.ask(forward(request["network"], method=method, host="h.test", body=b"" if method in ("POST", "PUT") else None), method)
        if (response.field("Connection") or "").lower() == "close":
            self.done_with(gate, client)
        else:
            self.connections[request["client"]] = client
        return self.first_record(request)

    def send_tunnel(self, gate, request):
        """The verdict on a tunnel whose first bytes are known is that of its end."""
        client = self.open(gate, request["client"])
        client.send(connect(request["network"], host="h.test"))
        head = client.read_head()
        record = self.first_record(request)
        if head.status == 200 and "sni" in request:
            client.send(hello.hello(None if request["sni"] == "-" else request["sni"]))
            client.finish_sending()
            client.to_end()
        self.done_with(gate, client)
        if head.status == 200:
            closed = self.log.wait("the end of %r" % request, lambda other: other["event"] == "close" and other["id"] == record["id"])
            return closed if "sni" in request else record
        return record


class Resolved(EgressCase):
    def test_check_names_the_address_that_the_gate_dials(self):
        """Both ask the same name server, and judge every answer."""
        raw = self.origin(Origin(lambda connection: connection.to_end(), host="0.0.0.0"))
        names = {"first.test": ["127.0.0.1", "127.0.0.2"], "second.test": ["192.0.2.1", "127.0.0.2"], "none.test": ["192.0.2.1", "10.0.0.1"], "gone.test": "nxdomain",
                 "empty.test": []}
        dns = DnsServer(names)
        self.addCleanup(dns.close)
        gate = self.start_egress('version: 1\nnetwork:\n  - {allow: "*.test:*", addresses: [127.0.0.0/8]}\n  - {deny: "10.0.0.0/8"}\n', resolver=dns.port)
        for name in names:
            with self.subTest(name):
                target = "%s:%d" % (name, raw.port)
                with gate.client() as client:
                    gate.set_mark()
                    client.send(connect(target))
                    status = client.read_head().status
                record = wait_for(lambda: gate.news(host=name), "the record", gate.process)[0]
                done = run("policy", "check", "network", target, "--config", gate.policy_path, "--resolve", "--resolver", dns.address, "--json")
                said = json.loads(done.stdout)
                self.assertEqual(done.returncode, {200: 0, 403: 6, 502: 5}[status], said)
                self.assertEqual([said[key] for key in ("decision", "rule", "source")], [record[key] for key in ("decision", "rule", "source")])
                self.assertEqual([address["address"] for address in said.get("addresses", ()) if address["dialled"]], [record["address"]] if status == 200 else [])
                self.assertEqual(said.get("unresolved", said["reason"]), record["reason"])

# SPDX-License-Identifier: Apache-2.0
"""`policy schema`: what editors are told is what the loader does. Every document that the loader takes passes the schema; what is wrong
in form is refused by both."""

import copy
import json
import os
import random
import re
import tempfile
import unittest

import jsonschema
import yaml

from conversation.test_documents import manual_policies, read, shown_policies
from harness.gate import TOP, run

LONG = """version: 1
default: {docker: deny, network: allow}
use: [preset/docker-read, preset/npm]
mode: enforce
strict: false
cut_on_revoke: true
own_addresses: [203.0.113.7, "2001:db8::/32"]
docker:
  - name: start our agents
    comment: they are ours
    allow: [ContainerStart, ContainerStop, "@logs", "Image*"]
    where: {name: ["web-*", "~db[0-9]+"]}
  - allow: "@read"
    expires: 2037-01-31T18:00:00.5Z
  - deny: {method: POST, path: "/containers/*/exec"}
  - deny: [{method: [GET, HEAD], path: "~/containers/[0-9a-f]{12,64}/json"}, ContainerKill]
  - allow: ContainerStop
    where: {query.t: {max: 30, min: 0}}
  - allow: ImageCreate
    where: {query.fromImage: {under: [/a, /b]}, query.fromSrc: {absent: true}}
network:
  - allow: [api.anthropic.com, "*.npmjs.org", "github.com:22", "*:8000-8100", 8.8.8.8, 10.0.0.0/8, "[2001:db8::]/32:443", "~x[0-9].test:*"]
    name: 5
    expires: 2037-01-31
  - allow: "db.example.internal:5432"
    addresses: [10.0.0.0/8, "fd00::/8"]
    protocols: [tls, any]
    require_sni: false
    ech: deny
    expires: "2037-01-31T18:00:00Z"
  - allow: "deb.example.org:80"
    methods: [GET, HEAD]
    paths: ["/debian/**", "~/x/[0-9]+"]
  - deny: ["*.telemetry.example", "::1", "10.1.0.0/16:1-1000,2000"]
guard:
  mode: report
  privileged: false
  host_namespaces: [pid, cgroup]
  capabilities: [NET_ADMIN, "SYS_*"]
  devices: [/dev/fuse, gpu]
  security_opt: ["seccomp=unconfined"]
  runtimes: runsc
  binds: [/srv/projects, "/srv/docs/*:ro"]
  volumes: [local, nfs]
  tmpfs: exec
  networks: {names: [web], host_gateway: true, addresses: false, driver_options: true}
  publish: [8080, "127.0.0.1:8000-8100", "*"]
  memory: 4g
  cpus: 1.5
  pids: 512
  sysctls: "net.ipv4.*"
  ulimits: [memlock]
  log_drivers: [syslog]
  annotations: ["com.example.*"]
  restart: [unless-stopped]
  exec: {privileged: false}
clients:
  traefik:
    listen: unix:/run/dockreeve/traefik/docker.sock
    socket: {mode: 0660, owner: 0, group: root}
    use: preset/traefik
    inherit: false
    strict: true
  agents:
    listen: ["tcp:0.0.0.0:2375", "tcp:[::1]:2376"]
    from: [172.16.0.0/12, "::1"]
    hosts: [docker.example.com, "*.lan.example"]
    origins: ["https://portainer.example.com", "http://10.0.0.5:9000"]
    browser: deny
    egress: [tcp:0.0.0.0:3128, "[::1]:3129"]
    transparent: {tls: "10.203.53.2:443", http: ["10.203.53.2:80"]}
    dns: {listen: "udp:10.203.53.2:53", answer: [10.203.53.2]}
    mode: report
    refusal: {detail: rule, text: Ask us.}
    guard: {inherit: false, networks: [web, "app-*"], exec: {privileged: true}}
    docker: [{allow: ContainerCreate}]
    network: [{deny: x.test}]
"""

# Text behind `version: 1`; each is wrong in form, for schema and loader alike.
BAD = (
    ("no version", "use: []"),
    ("another version", "version: 2"),
    ("unknown key", "foo: 1"),
    ("key of a later version", "guard: {scope: owner}"),
    ("unknown key of a guard", "guard: {capability: [ALL]}"),
    ("a guard is a list", "guard: [privileged]"),
    ("a namespace that is none", "guard: {host_namespaces: [net]}"),
    ("a capability in small letters", "guard: {capabilities: [net_admin]}"),
    ("a capability with its prefix", "guard: {capabilities: [CAP_NET_ADMIN]}"),
    ("a bind that is relative", "guard: {binds: [srv]}"),
    ("a bind of everything below", "guard: {binds: [\"/srv/**\"]}"),
    ("a port that is none", "guard: {publish: [http]}"),
    ("memory without a number", "guard: {memory: much}"),
    ("memory of none", "guard: {memory: 4x}"),
    ("privileged is a word", "guard: {privileged: sometimes}"),
    ("an option of a tmpfs", "guard: {tmpfs: [noexec]}"),
    ("a restart policy", "guard: {restart: [never]}"),
    ("a key of networks", "guard: {networks: {hosts: true}}"),
    ("an empty list of a guard", "guard: {binds: []}"),
    ("inherit at the top level", "guard: {inherit: false}"),
    ("unknown key of a rule", "docker: [{allow: ContainerList, when: now}]"),
    ("unknown key of a network rule", "network: [{allow: x.test, port: 5}]"),
    ("unknown key of a client", "clients: {a: {listens: unix:/run/a/b.sock}}"),
    ("unknown key of default", "default: {dockr: deny}"),
    ("unknown key of a path", "docker: [{allow: {methods: GET, path: /info}}]"),
    ("unknown key of where", "docker: [{allow: ContainerStart, where: {nam: x}}]"),
    ("unknown bound", "docker: [{allow: ContainerStop, where: {query.t: {most: 5}}}]"),
    ("body conditions", "docker: [{allow: ContainerCreate, where: {body.Image: x}}]"),
    ("document is a list", None),
    ("docker is a map", "docker: {allow: ContainerList}"),
    ("network is text", "network: x.test"),
    ("a rule is text", "docker: [ContainerList]"),
    ("a network rule is a list", "network: [[x.test]]"),
    ("clients is a list", "clients: [a]"),
    ("a client is text", "clients: {a: x}"),
    ("default is text", "default: deny"),
    ("a default is neither", "default: {docker: ask}"),
    ("mode is neither", "mode: strict"),
    ("strict is text", 'strict: "true"'),
    ("strict is a number", "strict: 1"),
    ("both allow and deny", "docker: [{allow: ContainerList, deny: ContainerList}]"),
    ("neither allow nor deny", "docker: [{name: x}]"),
    ("both, network", "network: [{allow: x.test, deny: x.test}]"),
    ("neither, network", "network: [{methods: [GET]}]"),
    ("unknown operation", "docker: [{allow: ContainerLits}]"),
    ("unknown set", "docker: [{allow: '@reed'}]"),
    ("libpod by name", "docker: [{allow: Libpod}]"),
    ("a glob of other letters", "docker: [{allow: 'container-*'}]"),
    ("operations empty", "docker: [{allow: []}]"),
    ("null for operations", "docker: [{allow: }]"),
    ("path without slash", "docker: [{allow: {path: info}}]"),
    ("method without path", "docker: [{allow: {method: GET}}]"),
    ("unknown method", "docker: [{allow: {method: get, path: /info}}]"),
    ("no methods", "docker: [{allow: {method: [], path: /info}}]"),
    ("where is empty", "docker: [{allow: ContainerStart, where: {}}]"),
    ("where is text", "docker: [{allow: ContainerStart, where: web}]"),
    ("a fact has no values", "docker: [{allow: ContainerStart, where: {name: []}}]"),
    ("a fact has bounds", "docker: [{allow: ContainerStart, where: {name: {max: 5}}}]"),
    ("bounds are empty", "docker: [{allow: ContainerStop, where: {query.t: {}}}]"),
    ("a bound is no number", "docker: [{allow: ContainerStop, where: {query.t: {max: ten}}}]"),
    ("absent is false", "docker: [{allow: ContainerStop, where: {query.t: {absent: false}}}]"),
    ("under is relative", "docker: [{allow: ImageBuild, where: {query.remote: {under: srv}}}]"),
    ("name is a list", "docker: [{allow: ContainerList, name: [x]}]"),
    ("comment is null", "docker: [{allow: ContainerList, comment: }]"),
    ("hosts empty", "network: [{allow: []}]"),
    ("host is a map", "network: [{allow: {host: x.test}}]"),
    ("a URL", "network: [{allow: 'https://x.test/'}]"),
    ("a bad port", "network: [{allow: 'x.test:0'}]"),
    ("a port of letters", "network: [{allow: 'x.test:https'}]"),
    ("a port too long", "network: [{allow: 'x.test:123456'}]"),
    ("a star inside", "network: [{allow: 'api.*.test'}]"),
    ("a Unicode host", "network: [{allow: 'bücher.test'}]"),
    ("a host with blanks", "network: [{allow: 'x .test'}]"),
    ("a network method in small letters", "network: [{allow: x.test, methods: [get]}]"),
    ("TRACE", "network: [{allow: x.test, methods: TRACE}]"),
    ("methods empty", "network: [{allow: x.test, methods: []}]"),
    ("paths relative", "network: [{allow: 'x.test:80', paths: debian}]"),
    ("addresses are names", "network: [{allow: x.test, addresses: [intranet]}]"),
    ("addresses on a deny", "network: [{deny: x.test, addresses: [10.0.0.0/8]}]"),
    ("ech on a deny", "network: [{deny: x.test, ech: deny}]"),
    ("ech is true", "network: [{allow: x.test, ech: true}]"),
    ("require_sni is text", "network: [{allow: x.test, require_sni: 'false'}]"),
    ("unknown protocol", "network: [{allow: x.test, protocols: [udp]}]"),
    ("expires is no date", "network: [{allow: x.test, expires: tomorrow}]"),
    ("expires without zone", "network: [{allow: x.test, expires: '2037-01-01T00:00:00'}]"),
    ("expires of a Docker rule is no date", "docker: [{allow: ContainerList, expires: tomorrow}]"),
    ("unknown preset", "use: preset/nmp"),
    ("use of a folder above", "use: ../x.yaml"),
    ("use is a map", "use: {preset: npm}"),
    ("a client's name", "clients: {Traefik: {}}"),
    ("listen without kind", "clients: {a: {listen: /run/a/b.sock}}"),
    ("listen without port", "clients: {a: {listen: 'tcp:127.0.0.1'}}"),
    ("egress without address", "clients: {a: {egress: 3128}}"),
    ("from is empty", "clients: {a: {listen: 'tcp:127.0.0.1:1', from: []}}"),
    ("hosts is empty", "clients: {a: {listen: 'tcp:127.0.0.1:1', hosts: []}}"),
    ("a host with a port", "clients: {a: {listen: 'tcp:127.0.0.1:1', hosts: 'a.test:80'}}"),
    ("every host", "clients: {a: {listen: 'tcp:127.0.0.1:1', hosts: '*'}}"),
    ("an origin without scheme", "clients: {a: {listen: 'tcp:127.0.0.1:1', origins: a.test}}"),
    ("an origin with a path", "clients: {a: {listen: 'tcp:127.0.0.1:1', origins: 'https://a.test/'}}"),
    ("browser is true", "clients: {a: {listen: 'tcp:127.0.0.1:1', browser: true}}"),
    ("from is a name", "clients: {a: {listen: 'tcp:127.0.0.1:1', from: localhost}}"),
    ("socket's mode", "clients: {a: {listen: unix:/run/a/b.sock, socket: {mode: rw}}}"),
    ("socket is text", "clients: {a: {listen: unix:/run/a/b.sock, socket: '0660'}}"),
    ("transparent is empty", "clients: {a: {transparent: {}}}"),
    ("dns answers a name", "clients: {a: {dns: {listen: '127.0.0.1:53', answer: here}}}"),
    ("five answers", "clients: {a: {dns: {listen: '127.0.0.1:53', answer: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5]}}}"),
    ("own_addresses is a name", "own_addresses: host.test"),
    ("own_addresses is a map", "own_addresses: {host: 10.0.0.1}"),
    ("inherit is yes", "clients: {a: {inherit: 'yes'}}"),
)

# A policy with a key in each kind of map, and where the schema has those maps.
KEYED = """version: 1
{}: x
default: {{{}: x}}
docker:
- {{{}: x}}
- allow: {{{}: x}}
- allow: ContainerList
  where: {{query.size: {{{}: x}}}}
- allow: ContainerList
  where: {{{}: x}}
network:
- {{{}: x}}
clients:
  a: {{{}: x}}
  b:
    socket: {{{}: x}}
  c:
    transparent: {{{}: x}}
  d:
    dns: {{{}: x}}
"""
PLACES = ((), ("properties", "default"), ("definitions", "docker_rule"), ("definitions", "docker_target", "anyOf", 3), ("definitions", "bounds"),
          ("definitions", "where"), ("definitions", "network_rule"), ("definitions", "client"), ("definitions", "client", "properties", "socket"),
          ("definitions", "client", "properties", "transparent"), ("definitions", "client", "properties", "dns"))
NULL = object()
NOT_YET = {"guard", "enforce", "scope"}


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, as the YAML language server reads documents (PyYAML's own is 1.1). Keys stay text."""
    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value, deep) for key, value in node.value}

    def construct_whole(self, node):
        text = node.value
        return int(text, 16 if text.startswith("0x") else 8 if text.startswith("0o") else 10)

    def construct_map(self, node):
        result = {}
        yield result
        result.update(self.construct_mapping(node, True))


for tag, expression, first in (
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
        ("float", r"^[-+]?(?:[.][0-9]+|[0-9]+(?:[.][0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789"))):
    CoreLoader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(expression), first)
CoreLoader.add_constructor("tag:yaml.org,2002:int", CoreLoader.construct_whole)
CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))
CoreLoader.add_constructor("tag:yaml.org,2002:map", CoreLoader.construct_map)


def parse(text):
    return yaml.load(text, CoreLoader)


class SchemaCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = run("policy", "schema")
        assert done.returncode == 0, done.stderr
        cls.schema = json.loads(done.stdout)
        cls.validator = jsonschema.Draft7Validator(cls.schema)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dockreeve-schema-")
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "policy.yaml")

    def refusals(self, document):
        return [error.message for error in self.validator.iter_errors(document)]

    def loads(self, text):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(text)
        done = run("policy", "validate", "--config", self.path)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        self.said = done.stdout + done.stderr
        return done.returncode == 0


class Documents(SchemaCase):
    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)
        self.assertNotIn("@", json.dumps(self.schema).replace('"@', "").replace("@read", ""))

    def test_every_example_passes(self):
        names = ["deploy/policy.example.yaml", "deploy/egress/policy.yaml"]
        names += ["policy/document/presets/" + name for name in sorted(os.listdir(os.path.join(TOP, "policy/document/presets"))) if name.endswith(".yaml")]
        documents = [(name, read(name)) for name in names]
        documents += shown_policies()
        documents += [("manual: " + text.splitlines()[0], text) for text in manual_policies()]
        documents.append(("the long one", LONG))
        self.assertGreater(len(documents), 60)
        for name, text in documents:
            if not re.search("^version:", text, re.M):
                text = "version: 1\n" + text
            with self.subTest(name):
                self.assertEqual(self.refusals(parse(text)), [])

    def test_the_long_one_loads(self):
        self.assertTrue(self.loads(LONG), self.__dict__.get("said"))

    def test_what_is_wrong_in_form_is_refused_by_both(self):
        for name, text in BAD:
            text = "- version\n" if text is None else text if name in ("no version", "another version") else "version: 1\n" + text + "\n"
            with self.subTest(name):
                self.assertFalse(self.loads(text), "the loader takes it")
                self.assertNotEqual(self.refusals(parse(text)), [], "the schema takes it")

    def test_every_key_is_described(self):
        def walk(place, node):
            if isinstance(node, dict):
                for name, inner in node.get("properties", {}).items():
                    if inner is False:
                        continue
                    target = self.schema["definitions"][inner["$ref"].split("/")[-1]] if "$ref" in inner else inner
                    with self.subTest(place + name):
                        self.assertGreater(len(target.get("description", "")), 10)
                if node.get("type") == "object":
                    with self.subTest(place):
                        self.assertIn("additionalProperties", node)
                for name, inner in node.items():
                    walk(place + name + "/", inner)
            elif isinstance(node, list):
                for number, inner in enumerate(node):
                    walk("%s%d/" % (place, number), inner)
        walk("", self.schema)

    def properties(self, place):
        node = self.schema
        for step in place:
            node = node[step]
        return set(node["properties"])

    def test_its_keys_are_the_loaders(self):
        """Each word that the schema or the manual knows, tried in each kind of map: the loader knows just those that the schema has there."""
        lines = [number for number, line in enumerate(KEYED.splitlines(), 1) if "{}" in line]
        schema = {line: self.properties(place) for line, place in zip(lines, PLACES)}
        words = set().union(*schema.values(), NOT_YET, re.findall(r"^\.It (?:Ic|Cm) ([a-z_]+)", read("deploy/man/dockreeve-policy.5"), re.M))
        given = set(re.findall(r"^([a-z]+):", KEYED, re.M))  # at the top they stand already
        for word in sorted(words):
            with self.subTest(word):
                self.loads(KEYED.format("#" if word in given else word, *[word] * (len(PLACES) - 1)))
                unknown = {int(line) for line in re.findall(r":(\d+):\d+: `[^`]*` is no key of", self.said)}
                known = set(lines) - unknown - ({lines[0]} if word in given else set())
                wanted = {line for line in lines if word in schema[line]} - ({lines[0]} if word in given else set())
                self.assertEqual(known, wanted | (known if word in NOT_YET else set()), self.said)

    def test_its_names_are_the_tables(self):
        targets = self.schema["definitions"]["docker_target"]["anyOf"]
        known = {line.split("\t")[0] for line in run("completion", "words", "policy", "check", "docker", "").stdout.splitlines()}
        known = {name for name in known if not name.startswith("@")} - {"Libpod"}
        self.assertGreater(len(known), 100)
        self.assertEqual(known - set(targets[0]["enum"]), set())
        for other in set(targets[0]["enum"]) - known:  # an operation's second name
            self.assertTrue(self.loads("version: 1\ndocker:\n- allow: %s\n" % other), other)
        self.assertEqual(len(targets[0]["enum"]), len(targets[0]["enumDescriptions"]))
        presets = {"preset/" + name[:-5] for name in os.listdir(os.path.join(TOP, "policy/document/presets")) if name.endswith(".yaml")}
        self.assertEqual(set(self.schema["definitions"]["use_item"]["anyOf"][0]["enum"]), presets)


class Mutations(SchemaCase):
    """Whenever the schema refuses, the loader does: an editor never marks what works."""
    SLOW = bool(os.environ.get("DOCKREEVE_SLOW_TESTS"))
    ROUNDS = 5000 if SLOW else 150
    VALUES = (None, "", "x", "x.test", 0, 5, -1, 1.5, True, False, [], {}, ["x.test"], {"a": "b"}, "*", "@read", "ContainerList", "/info", "~x", "10.0.0.0/8",
              "deny", "allow", "2037-01-01", "GET", ["GET", "GET"], "unix:/run/x/y.sock", "tcp:127.0.0.1:1", "[::1]:80", "::1", "*.x.test:80,443", "0660", "gate")

    def places(self, node, found):
        """Every (container, key) in the document."""
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            found.append((node, key))
            if isinstance(value, (dict, list)):
                self.places(value, found)
        return found

    def change(self, chance, document):
        node, key = chance.choice(self.places(document, []))
        kind = chance.randrange(6)
        if kind == 0:
            del node[key]
        elif kind == 1 and isinstance(node, dict):
            node[chance.choice(("allow", "deny", "name", "where", "docker", "methods", "paths", "listen", "use", "query.x", "zzz"))] = node[key]
        elif kind == 2 and isinstance(node, dict):
            node[key + "x"] = node.pop(key)
        elif kind == 3 and isinstance(node[key], str) and node[key]:
            at = chance.randrange(len(node[key]) + 1)
            node[key] = node[key][:at] + chance.choice("*:/.0x-_~@[] ,") + node[key][at + chance.randrange(2):]
        elif kind == 4:
            other, name = chance.choice(self.places(document, []))
            node[key] = copy.deepcopy(other[name])
        else:
            node[key] = copy.deepcopy(chance.choice(self.VALUES))

    def test_what_is_of_another_form_is_refused_by_both(self):
        """An unknown key in every map, and a map, a list or nothing in the place of every value (each of the three where time is no
        matter)."""
        changes = (("a map", {"zzz": 1}), ("a list", [[]]), ("null", NULL))
        for number, (_, last) in enumerate(self.places(parse(LONG), [])):
            for name, change in (("an unknown key beside", None), *(changes if self.SLOW else changes[number % 3:number % 3 + 1])):
                document = parse(LONG)
                node, key = self.places(document, [])[number]
                if change is not None:
                    node[key] = None if change is NULL else change
                elif isinstance(node, dict):
                    node["zzz"] = 1
                else:
                    continue
                with self.subTest("%s, %s (place %d)" % (last, name, number)):
                    text = yaml.dump(document, default_flow_style=False, width=1000, Dumper=Dumper)
                    self.assertNotEqual(self.refusals(parse(text)), [], "the schema takes it")
                    self.assertFalse(self.loads(text), "the loader takes it")

    def test_no_false_alarms(self):
        seed = int(os.environ.get("DOCKREEVE_SEED", "20261121"))
        refused = taken = 0
        for number in range(self.ROUNDS):
            chance = random.Random(seed * 1000003 + number)
            document = parse(LONG)
            for _ in range(chance.randrange(1, 3)):
                self.change(chance, document)
            text = yaml.dump(document, default_flow_style=False, width=1000, Dumper=Dumper)
            shown = parse(text)
            refusals = self.refusals(shown)
            if not refusals:
                taken += 1
                continue
            refused += 1
            if self.loads(text):
                self.fail("the schema refuses what loads (round %d): %s\n%s" % (number, refusals, text))
        self.assertGreater(refused, self.ROUNDS / 5)
        self.assertGreater(taken, self.ROUNDS / 50)


class Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2's core schema would read as something else, and nothing for the sake of YAML 1.1."""
    yaml_implicit_resolvers = CoreLoader.yaml_implicit_resolvers

    def ignore_aliases(self, data):
        return True


if __name__ == "__main__":
    unittest.main()

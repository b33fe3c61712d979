# SPDX-License-Identifier: Apache-2.0
"""What a refusal advises is done as it is printed, by a shell's own reading of the words, until the same request goes through. And
what it then let through is what was asked for, no more: a neighbour of the request stays refused."""

import os
import re
import shlex

from harness.case import GateCase
from harness.client import Client, request
from harness.dns_server import DnsServer
from harness.egress import EgressCase, connect, forward
from harness.gate import run
from harness.origin import HttpOrigin, Origin

STEPS = 4
PLAIN = re.compile(r"[A-Za-z0-9 _./@%+:,\[\]\"-]*")  # what stands for itself in a shell, or does so within double quotes
PLACE = re.compile(r"the (?:rule|deny) at (\S+?):(\d+)|is denied by rule .* \((\S+?):(\d+)\)")


def written(rules):
    return "version: 1\n" + rules


class Advised:
    """Follows advice; a test says how to ask (`self.ask`, which returns the status and what the refusal says)."""

    def follow(self, gate, text):
        """Does what the text advises. False when it names a line that a person has to change; that line was looked at."""
        quoted = re.findall(r"`([^`]*)`", text)
        commands = [words for words in quoted if words.startswith("dockreeve ")]
        lines = re.findall(r"add `(- [^`]*)` under `(\w+):` (?:of client `([^`]*)` )?in (\S+)", text)
        loads = len(gate.log(event="policy"))
        for command in commands:
            self.assertTrue(PLAIN.fullmatch(command), command)
            done = run(*shlex.split(command)[1:])
            self.assertEqual(done.returncode, 0, "%s\n%s%s" % (command, done.stdout, done.stderr))
        for line, key, client, path in lines:
            self.assertEqual(path, gate.policy_path)
            with open(path, encoding="utf-8") as stream:
                before = stream.read()
            where = "\n  %s:" % client if client else ""
            head, found, rest = before.partition(where) if where else ("", "", before)
            indent = "    " if where else ""
            self.assertIn("%s%s:\n" % (indent, key), rest)
            gate.write_policy(head + found + rest.replace("%s%s:\n" % (indent, key), "%s%s:\n%s  %s\n" % (indent, key, indent, line), 1))
        if commands or lines:
            gate.wait_log(loads + 1, event="policy")
            self.assertIsNone(gate.log(event="policy")[-1].get("error"), text)
            return True
        self.check_line(gate, text)
        return False

    def check_line(self, gate, text):
        match = PLACE.search(text)
        self.assertIsNotNone(match, "no command, no rule and no line: %r" % text)
        source, line = match.group(1) or match.group(3), int(match.group(2) or match.group(4))
        with open(gate.file(source), encoding="utf-8") as stream:
            said = stream.read().splitlines()[line - 1]
        self.assertIn("deny", said, source)

    def turn(self, gate, ask):
        """Asks and follows until it is let through. False when a line is to be changed by hand."""
        for _ in range(STEPS):
            status, text = ask()
            if status != 403:
                return True
            if not self.follow(gate, text):
                return False
        self.fail("still refused: %s" % text)


class Docker(Advised, GateCase):
    def ask_for(self, gate, method, target, socket):
        def ask():
            with Client.unix(socket) as client:
                response = client.ask(request(method, target, (), b"" if method == "POST" else None), method)
            return response.status, response.message if response.status == 403 else ""

        return ask

    def start(self, policy, files=None):
        gate = self.start_gate(policy, unix=False, files={"run/ci/.kept": "", **(files or {})}, options=["--denial-rate", "0"])
        gate.socket_path = gate.file("run", "ci", "gate.sock")
        return gate

    def test_the_advice_of_a_refusal_turns_it(self):
        ci = 'clients:\n  ci:\n    listen: "unix:@FOLDER@/run/ci/gate.sock"\n'
        default = 'clients:\n  default:\n    listen: "unix:@FOLDER@/run/ci/gate.sock"\n'
        cli = "policy.d/90-cli.yaml"
        stop = ("POST", "/v1.45/containers/web/stop", ("POST", "/v1.45/containers/web/kill"))
        rows = (
            ("nothing allows it", written(ci), {}, *stop, True),
            ("nor for the client of the command line", written(default), {}, *stop, True),
            ("a client that does not inherit", written(ci + "    inherit: false\n"), {}, *stop, True),
            ("the default client does not inherit", written(default + "    inherit: false\n"), {}, *stop, True),
            ("a path that is another's", written('docker:\n  - allow: {method: POST, path: "/containers/db/stop"}\n' + ci), {}, *stop, True),
            ("an object that is another", written("docker:\n  - {allow: ContainerStop, where: {name: db}}\n" + ci), {}, *stop, True),
            ("a rule that has ended", written("docker:\n  - {allow: ContainerStop, expires: 2001-01-01}\n" + ci), {}, *stop, True),
            ("a deny of a person", written('docker:\n  - allow: "@all"\n  - deny: ContainerStop\n' + ci), {}, *stop, False),
            ("a deny of a person's drop-in", written('docker:\n  - allow: "@all"\n' + ci), {"policy.d/10.yaml": written("docker:\n  - {deny: ContainerStop, name: \"$(id) `;\"}\n")}, *stop, False),
            ("a deny of the command line", written('docker:\n  - allow: [ContainerStop]\n' + ci), {cli: written("docker:\n  - deny: ContainerStop\n")}, *stop, True),
            ("and no allow behind it", written(ci), {cli: written("docker:\n  - deny: ContainerStop\n  - deny: {path: \"/containers/web/**\"}\n")}, *stop, True),
            ("a deny of the client's, by the command line", written('docker:\n  - allow: [ContainerStop]\n' + ci),
             {cli: written("clients:\n  ci:\n    docker:\n      - {deny: ContainerStop, name: \"a; `b` $(c) \\\"d\\\"\"}\n")}, *stop, True),
            ("of no object", written(ci), {}, "POST", "/build", ("POST", "/containers/create"), True),
            ("the name of an object is nobody's word", written(ci), {}, "POST", "/containers/%24%28id%29%60%3B%22%27/stop", stop[2], True),
            ("podman's", written("docker:\n  - deny: SystemPing\n" + ci), {}, "GET", "/libpod/info", ("GET", "/info"), True),
        )
        for name, policy, files, method, target, neighbour, turned in rows:
            with self.subTest(name):
                gate = self.start(policy, files)
                self.assertEqual(self.turn(gate, self.ask_for(gate, method, target, gate.socket_path)), turned)
                if turned:
                    self.assertEqual(self.ask_for(gate, *neighbour, gate.socket_path)()[0], 403, "opens more than was asked for")

    def test_other_clients_do_not_get_it(self):
        gate = self.start(written('clients:\n  ci:\n    listen: "unix:@FOLDER@/run/ci/gate.sock"\n  default:\n    listen: "unix:@FOLDER@/run/docker.sock"\n'))
        ask, other = (self.ask_for(gate, "GET", "/info", gate.file(*path)) for path in (("run", "docker.sock"), ("run", "ci", "gate.sock")))
        self.assertTrue(self.turn(gate, ask))
        self.assertEqual(other()[0], 403)

    def test_the_advice_for_a_parameter_turns_it(self):
        gate = self.start(written('docker:\n  - allow: ImageCreate\nclients:\n  ci:\n    listen: "unix:@FOLDER@/run/ci/gate.sock"\n'))
        said = run("policy", "check", "docker", "POST /images/create?fromSrc=http://a.test/x", "--config", gate.policy_path, "--client", "ci").stdout
        self.assertTrue(self.follow(gate, said))
        self.assertNotEqual(self.ask_for(gate, "POST", "/images/create?fromSrc=http://a.test/x", gate.socket_path)()[0], 403)

    def test_a_policy_that_is_named_by_a_relative_path(self):
        """Who reads a refusal stands in another folder than the gate."""
        gate = self.start_gate(written(""))
        self.assertEqual(gate.stop(), 0)
        gate.arguments[gate.arguments.index("--config") + 1] = os.path.relpath(gate.policy_path)
        gate.start()
        self.assertTrue(self.turn(gate, self.ask_for(gate, "GET", "/info", gate.socket_path)))
        with Client.unix(gate.socket_path) as client:
            path = client.ask(request("GET", "/images/json")).message.partition("--config ")[2].rstrip("`")
        self.assertTrue(os.path.isabs(path) and os.path.samefile(path, gate.policy_path), path)


class Network(Advised, EgressCase):
    def setUp(self):
        super().setUp()
        self.web = self.origin(HttpOrigin(host="0.0.0.0"))
        self.raw = self.origin(Origin(lambda connection: connection.to_end(), host="0.0.0.0"))

    def ask_for(self, gate, wish):
        """`wish` is (METHOD, URL), or (AUTHORITY,) with perhaps the bytes that follow."""
        def ask():
            with gate.client() as client:
                if "://" in wish[-1]:
                    response = client.ask(forward(wish[1], method=wish[0], body=b"" if wish[0] == "POST" else None), wish[0])
                else:
                    client.send(connect(wish[0]))
                    response = client.read_head()
                    if response.status == 200:
                        return 200, ""
                    response.body = client.body(response.kind, response.length)
            said = response.json() if response.status == 403 else {}
            return response.status, "%s %s" % (said.get("message", ""), said.get("fix", ""))

        return ask

    def test_the_advice_of_a_refusal_turns_it(self):
        web, raw = self.web.port, self.raw.port
        names = {"a.test": ["127.0.0.1"], "b.a.test": ["127.0.0.1"], "nat.test": ["64:ff9b::7f00:1"], "two.test": ["10.255.255.1", "127.0.0.1"]}
        dns = DnsServer({name: addresses for name, addresses in names.items()})
        self.addCleanup(dns.close)
        cli = "policy.d/90-cli.yaml"
        network = "network:\n"
        tunnel = ("a.test:%d" % raw,)
        other_port = ("a.test:%d" % web,)
        other_host = ("b.a.test:%d" % raw,)
        loop = "addresses: [127.0.0.0/8]"
        rows = (
            ("a name that no rule has", network + '  - allow: x.test\n', {}, tunnel, (other_port, other_host), True),
            ("an address", "", {}, ("127.0.0.1:%d" % raw,), (("127.0.0.1:%d" % web,), ("127.0.0.2:%d" % raw,)), True),
            ("an address of version 6", "", {}, ("[::1]:%d" % raw,), (("[::1]:%d" % web,),), True),
            ("this host by name", "", {}, ("localhost:%d" % raw,), (("localhost:%d" % web,),), True),
            ("another port", network + '  - {allow: "a.test:%d", %s}\n' % (web, loop), {}, tunnel, (other_host,), True),
            ("an address that the rule leaves out", network + '  - {allow: "a.test:%d", addresses: [10.0.0.0/8]}\n' % raw, {}, tunnel, (other_port, other_host), True),
            ("a special-purpose address", network + '  - {allow: "a.test:%d"}\n' % raw, {}, tunnel, (other_port, other_host), True),
            ("an address of NAT64", network + '  - {allow: "nat.test:%d"}\n' % raw, {}, ("nat.test:%d" % raw,), (other_port,), True),
            ("a method", network + '  - {allow: "a.test:%d", %s, methods: GET}\n' % (web, loop), {}, ("POST", "http://a.test:%d/x" % web),
             (("PUT", "http://a.test:%d/x" % web), other_port), True),
            ("a path", network + '  - {allow: "a.test:%d", %s, paths: /a}\n' % (web, loop), {}, ("GET", "http://a.test:%d/x" % web),
             (("PUT", "http://a.test:%d/x" % web), ("GET", "http://b.a.test:%d/a" % web)), True),
            ("a rule that has ended", network + '  - {allow: "a.test:%d", %s, expires: 2001-01-01}\n' % (raw, loop), {}, tunnel, (other_port, other_host), True),
            ("plain HTTP where TLS is asked for", network + '  - {allow: "a.test:%d", %s, protocols: [tls]}\n' % (web, loop), {}, ("GET", "http://a.test:%d/" % web), (), True),
            ("a deny of a person", network + '  - {allow: "*:*", %s}\n  - deny: "a.test"\n' % loop, {}, tunnel, (), False),
            ("a deny of a person's address", network + '  - {allow: "*:*", %s}\n  - deny: "127.0.0.0/8"\n' % loop, {}, tunnel, (), False),
            ("a deny of the command line", network + '  - {allow: "a.test:%d", %s}\n' % (raw, loop), {cli: written(network + '  - deny: "*.test"\n  - deny: "a.test:%d"\n' % raw)}, tunnel,
             (other_port, other_host), True),
            ("one pattern of many on a line", network + '  - {allow: "a.test:%d", %s}\n' % (raw, loop),
             {cli: written(network + '  - {deny: [x.test, "*.test", y.test], name: "a `b` $(c); d"}\n')}, tunnel, (other_port, other_host), True),
            ("a deny of an address, of the command line", network + '  - {allow: "a.test:%d", %s}\n' % (raw, loop), {cli: written(network + '  - deny: "127.0.0.1"\n')}, tunnel,
             (other_port, other_host), True),
            ("nothing but a deny of the command line", network + "  - allow: x.test\n", {cli: written(network + '  - deny: a.test\n')}, tunnel, (other_port, other_host), True),
        )
        for name, policy, files, wish, neighbours, turned in rows:
            with self.subTest(name):
                gate = self.start_egress(written(policy), resolver=dns.port, files=files, options=["--denial-rate", "0"])
                self.assertEqual(self.turn(gate, self.ask_for(gate, wish)), turned)
                for neighbour in neighbours:
                    self.assertEqual(self.ask_for(gate, neighbour)()[0], 403, "opens %r, too" % (neighbour,))


class Words(GateCase):
    """A path that a shell would read as more than a path is in no command."""

    def test_no_command_is_made_of_a_path_that_needs_quotes(self):
        gate = self.start_gate(written(""))
        for folder in ("a b", "a'b", 'a"b', "a$(id)b", "a`id`b", "a;b", "a\nb", "a&b", "a\\b", "a*b", "a~b", "a#b", "\u00fc", "a\u202eb"):
            with self.subTest(folder):
                os.makedirs(gate.file(folder), 0o755)
                path = gate.file(folder, "policy.yaml")
                gate.write(path, written(""))
                for kind, asked in (("docker", "ContainerStop"), ("network", "a.example:443")):
                    done = run("policy", "check", kind, asked, "--config", path)
                    self.assertEqual(done.returncode, 6, done.stderr)
                    self.assertNotIn("dockreeve policy", done.stdout)
                    self.assertNotIn("\n" + "b/policy.yaml", done.stdout)

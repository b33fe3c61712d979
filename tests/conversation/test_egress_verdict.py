# SPDX-License-Identifier: Apache-2.0
"""Which rule a record names when a name leads to several addresses: the one that admits the address that was dialled, or that
refused the one that decided."""

from harness.egress import EgressCase, connect
from harness.gate import wait_for
from harness.origin import Origin, RefusingPort, echo

FIRST = '  - {allow: two.test, addresses: 127.0.0.1}\n'
SECOND = '  - {allow: "*.test:*", addresses: [127.0.0.2, "::1"]}\n'


class Records(EgressCase):
    def record_of(self, rules, addresses, port, host="two.test", mode="enforce", default="deny"):
        policy = 'version: 1\ndefault: {network: %s}\nnetwork:\n%sclients: {default: {mode: %s}}\n' % (default, rules.replace("two.test,", '"two.test:*",'), mode)
        gate = self.start_egress(policy, hosts={host: addresses}, options=["--dial-timeout", "5s"])
        gate.set_mark()
        with gate.client() as client:
            client.send(connect("%s:%d" % (host, port(gate) if callable(port) else port)))
            status = client.read_head().status
        record = wait_for(lambda: gate.news(host=host), "the record", gate.process)[0]
        self.assertEqual(record["status"], status, record)
        return record

    def test_rows(self):
        second = self.origin(Origin(echo, host="127.0.0.2")).port
        both = self.origin(Origin(echo, host="0.0.0.0")).port
        closed = RefusingPort()
        self.addCleanup(closed.stop)
        own = lambda gate: gate.proxy()
        rows = (
            ("the second address answers, by another rule", (FIRST + SECOND, ["127.0.0.1", "127.0.0.2"], second),
             (200, "allow", "policy.yaml:5", "rule", "127.0.0.2", None, None)),
            ("the first answers", (FIRST + SECOND, ["127.0.0.1", "127.0.0.2"], both), (200, "allow", "policy.yaml:4", "rule", "127.0.0.1", None, None)),
            ("the first may not be dialled", (SECOND, ["127.0.0.1", "10.0.0.1", "127.0.0.2"], second),
             (200, "allow", "policy.yaml:4", "rule", "127.0.0.2", ["127.0.0.1 address-class.loopback", "10.0.0.1 address-class.private"], None)),
            ("none answers: the rule is that of the address named", (FIRST + SECOND, ["127.0.0.1", "127.0.0.2"], closed.port), (502, "allow", None, "connect.refused", None, None, None)),
            ("a deny of the address", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n  - deny: 127.0.0.2\n', ["127.0.0.2", "127.0.0.1"], both),
             (200, "allow", "policy.yaml:4", "rule", "127.0.0.1", ["127.0.0.2 rule"], None)),
            ("a deny of both", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n  - deny: 127.0.0.2\n  - deny: 127.0.0.1\n', ["127.0.0.2", "127.0.0.1"], both),
             (403, "deny", "policy.yaml:5", "rule", None, ["127.0.0.2 rule", "127.0.0.1 rule"], None)),
            ("an address of NAT64", ('  - allow: "*:*"\n', ["64:ff9b::7f00:1"], both), (403, "deny", "policy.yaml:4", "address-class.loopback", None, ["64:ff9b::7f00:1 address-class.loopback"], None)),
            ("a deny of what stands in NAT64", ('  - allow: "*:*"\n  - deny: 127.0.0.0/8\n', ["64:ff9b::7f00:1"], both), (403, "deny", "policy.yaml:5", "rule", None, ["64:ff9b::7f00:1 rule"], None)),
            ("the gate's own", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n', ["127.0.0.1"], own), (403, "deny", "built-in", "own-address", None, ["127.0.0.1 own-address"], None)),
            ("the gate's own, in report mode", ('  - deny: x.test\n', ["127.0.0.1"], own, "two.test", "report"), (403, "deny", "built-in", "own-address", None, ["127.0.0.1 own-address"], "default")),
            ("a special address in report mode", ('  - allow: "*:*"\n', ["10.0.0.1"], both, "two.test", "report"),
             (403, "deny", "policy.yaml:4", "address-class.private", None, ["10.0.0.1 address-class.private"], None)),
            ("a deny of the address in report mode", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n  - deny: 127.0.0.1\n', ["127.0.0.1"], both, "two.test", "report"),
             (200, "allow", "policy.yaml:5", "rule", "127.0.0.1", None, "rule")),
            ("a deny of the address that does not answer, in report mode", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n  - deny: 127.0.0.1\n', ["127.0.0.1", "127.0.0.2"], second, "two.test", "report"),
             (200, "allow", "policy.yaml:4", "rule", "127.0.0.2", None, None)),
            ("a deny of the name in report mode", ('  - {allow: "*:*", addresses: 127.0.0.0/8}\n  - deny: two.test\n', ["127.0.0.1"], both, "two.test", "report"),
             (200, "allow", "policy.yaml:5", "rule", "127.0.0.1", None, "rule")),
        )
        for name, asked, expected in rows:
            with self.subTest(name):
                record = self.record_of(*asked)
                found = [record.get(key) for key in ("status", "decision", "source", "reason", "address", "refused_addresses", "would_deny")]
                self.assertEqual([f if e is not None or i > 4 else None for i, (f, e) in enumerate(zip(found, expected))], list(expected), record)
                if name.startswith("none answers"):
                    self.assertEqual(record["source"], {"127.0.0.1": "policy.yaml:4", "127.0.0.2": "policy.yaml:5"}[record["address"]], record)

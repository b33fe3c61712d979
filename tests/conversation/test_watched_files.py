# SPDX-License-Identifier: Apache-2.0
"""Whatever a policy was made of is watched where it really lies: files that others use, links and what they lead to, folders that
come later or are replaced. Nothing here but the file system tells the gate that something has changed."""

import json
import os
import shutil
import signal

from harness.case import GateCase
from harness.client import get
from harness.gate import run, wait_for

READ = 'version: 1\ndocker:\n  - allow: "@read"\n'
DENY = "version: 1\ndocker:\n  - deny: ContainerList\n"
USE = READ + "use: [./sub/x.yaml]\n"
NOTHING = "version: 1\n"


class Watched(GateCase):
    def becomes(self, gate, status):
        wait_for(lambda: gate.ask(get("/containers/json")).status == status, "status %d" % status, gate.process)

    def put(self, gate, text, *parts):
        """In place, as `cp` and many editors do."""
        os.makedirs(os.path.dirname(gate.file(*parts)), 0o755, exist_ok=True)
        gate.write(gate.file(*parts), text)

    def swap(self, gate, target, *parts):
        """Another link in the place of a link, by rename."""
        os.symlink(target, gate.file(*parts) + ".new")
        os.rename(gate.file(*parts) + ".new", gate.file(*parts))

    def last_reload(self, gate):
        """When the files were last read again; None = never."""
        return (json.loads(run("policy", "status", "--json", "--state", gate.state).stdout)["reload"] or {"at": None})["at"]

    def is_read(self, gate, after=None):
        wait_for(lambda: self.last_reload(gate) != after, "the files to be read", gate.process)

    def refusals(self, gate):
        return len(gate.log(event="policy", decision="deny"))

    def elsewhere(self, gate, text):
        """policy.yaml becomes a link into another folder."""
        self.put(gate, text, "far", "real.yaml")
        os.unlink(gate.policy_path)
        self.swap(gate, "far/real.yaml", "policy.yaml")

    def test_a_used_file_in_a_folder_below(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": NOTHING})
        self.becomes(gate, 200)
        for text, status in ((DENY, 403), (NOTHING, 200), (DENY, 403)):
            self.put(gate, text, "sub", "x.yaml")
            self.becomes(gate, status)
        gate.write_policy(NOTHING, gate.file("sub", "x.yaml"))
        self.becomes(gate, 200)

    def test_a_file_that_a_used_one_uses(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": NOTHING + "use: ./deep/y.yaml\n", "sub/deep/y.yaml": NOTHING})
        self.put(gate, DENY, "sub", "deep", "y.yaml")
        self.becomes(gate, 403)

    def test_files_that_are_only_touched(self):
        """Neither a record nor the notices once more: nothing has changed for anybody."""
        gate = self.start_gate("version: 1\ndocker:\n  - allow: [ContainerList, ContainerCreate]\nguard: {privileged: true}\n", files={"policy.d/10.yaml": NOTHING})
        said = gate.stderr()
        self.assertIn("policy.yaml:3", said, "there is a notice at the start")

        os.utime(gate.policy_path)
        self.is_read(gate)
        first = self.last_reload(gate)
        os.utime(gate.file("policy.d", "10.yaml"))
        self.is_read(gate, first)
        self.assertEqual((gate.log(event="policy"), gate.stderr()), ([], said))
        self.assertEqual(gate.reload("version: 1\nno: 1\n")["reason"], "reload.refused")
        self.assertEqual(gate.reload("version: 1\ndocker:\n  - allow: [ContainerList, ContainerCreate]\nguard: {privileged: true}\n")["reason"], "reload.unchanged")

    def test_a_policy_that_is_a_link_into_another_folder(self):
        gate = self.start_gate(DENY)
        self.elsewhere(gate, READ)
        self.becomes(gate, 200)
        self.put(gate, DENY, "far", "real.yaml")
        self.becomes(gate, 403)
        gate.write_policy(READ, gate.file("far", "real.yaml"))
        self.becomes(gate, 200)

    def test_a_gate_that_starts_with_such_a_link(self):
        gate = self.start_gate(READ)
        gate.stop()
        self.elsewhere(gate, READ)
        gate.start()
        self.put(gate, DENY, "far", "real.yaml")
        self.becomes(gate, 403)

    def test_a_drop_in_that_is_a_link(self):
        gate = self.start_gate(READ, files={"far/more.yaml": NOTHING, "policy.d/10.yaml": NOTHING})
        os.symlink("../far/more.yaml", gate.file("policy.d", "20.yaml"))
        self.is_read(gate)
        self.put(gate, DENY, "far", "more.yaml")
        self.becomes(gate, 403)

    def test_a_folder_of_drop_ins_that_is_a_link(self):
        gate = self.start_gate(READ, files={"one/10.yaml": NOTHING, "two/10.yaml": DENY})
        os.symlink("one", gate.file("policy.d"))
        self.is_read(gate)
        self.put(gate, DENY, "one", "20.yaml")
        self.becomes(gate, 403)
        os.unlink(gate.file("one", "20.yaml"))
        self.becomes(gate, 200)
        self.swap(gate, "two", "policy.d")
        self.becomes(gate, 403)

    def test_volumes_that_are_swapped_by_a_link(self):
        """As Kubernetes updates a ConfigMap: policy.yaml -> ..data/policy.yaml, ..data -> ..2026_1."""
        gate = self.start_gate(READ)
        gate.stop()
        for name, text in (("..2026_1", READ), ("..2026_2", DENY), ("..2026_3", READ)):
            self.put(gate, text, name, "policy.yaml")
        os.unlink(gate.policy_path)
        os.symlink("..2026_1", gate.file("..data"))
        os.symlink("..data/policy.yaml", gate.policy_path)
        gate.start()
        for name, status in (("..2026_2", 403), ("..2026_3", 200)):
            self.swap(gate, name, "..data")
            self.becomes(gate, status)

    def test_links_behind_links(self):
        gate = self.start_gate(READ, files={"rel/1/p.yaml": READ, "rel/2/p.yaml": DENY, "rel/3/p.yaml": READ})
        os.symlink("rel/1", gate.file("current"))
        os.mkdir(gate.file("ways"))
        os.symlink("../current/p.yaml", gate.file("ways", "to"))
        os.unlink(gate.policy_path)
        os.symlink(gate.file("ways", "to"), gate.policy_path)
        self.is_read(gate)
        self.swap(gate, "rel/2", "current")
        self.becomes(gate, 403)
        self.swap(gate, "../rel/3/p.yaml", "ways", "to")
        self.becomes(gate, 200)
        self.put(gate, DENY, "rel", "3", "p.yaml")
        self.becomes(gate, 403)

    def test_a_used_file_in_a_folder_that_comes_later(self):
        gate = self.start_gate(READ)
        gate.reload(READ + "use: [./late/deep/x.yaml]\n")
        self.assertEqual(self.refusals(gate), 1)
        os.mkdir(gate.file("late"), 0o755)
        os.mkdir(gate.file("late", "deep"), 0o755)
        self.put(gate, DENY, "late", "deep", "x.yaml")
        self.becomes(gate, 403)

    def test_a_link_to_a_folder_that_comes_later(self):
        gate = self.start_gate(READ)
        os.symlink("later", gate.file("late"))
        gate.reload(READ + "use: [./late/x.yaml]\n")
        self.assertEqual(self.refusals(gate), 1)
        self.put(gate, DENY, "made", "x.yaml")
        os.rename(gate.file("made"), gate.file("later"))
        self.becomes(gate, 403)

    def test_a_used_file_that_vanishes_and_comes_back(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": DENY})
        self.becomes(gate, 403)
        os.unlink(gate.file("sub", "x.yaml"))
        wait_for(lambda: self.refusals(gate) == 1, "a refusal", gate.process)
        self.becomes(gate, 403)
        self.put(gate, NOTHING, "sub", "x.yaml")
        self.becomes(gate, 200)
        shutil.rmtree(gate.file("sub"))
        wait_for(lambda: self.refusals(gate) >= 2, "a refusal", gate.process)
        self.becomes(gate, 200)
        self.put(gate, DENY, "sub", "x.yaml")
        self.becomes(gate, 403)

    def test_a_folder_that_is_replaced(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": NOTHING, "next/x.yaml": DENY, "third/x.yaml": NOTHING})
        os.rename(gate.file("sub"), gate.file("old"))
        os.rename(gate.file("next"), gate.file("sub"))
        self.becomes(gate, 403)
        os.rename(gate.file("sub"), gate.file("older"))
        os.symlink("third", gate.file("sub"))
        self.becomes(gate, 200)
        self.put(gate, DENY, "third", "x.yaml")
        self.becomes(gate, 403)

    def test_a_folder_above_that_is_replaced(self):
        gate = self.start_gate(READ, files={"a/b/c/p.yaml": READ, "other/b/c/p.yaml": DENY})
        os.unlink(gate.policy_path)
        os.symlink("a/b/c/p.yaml", gate.policy_path)
        self.is_read(gate)
        os.rename(gate.file("a"), gate.file("gone"))
        os.rename(gate.file("other"), gate.file("a"))
        self.becomes(gate, 403)
        self.put(gate, READ, "a", "b", "c", "p.yaml")
        self.becomes(gate, 200)

    def test_the_policys_own_folder_is_replaced(self):
        gate = self.start_gate(READ, files={"conf/policy.yaml": READ, "next/policy.yaml": DENY, "next/policy.d/1.yaml": NOTHING})
        gate.stop()
        gate.arguments[gate.arguments.index("--config") + 1] = gate.file("conf", "policy.yaml")
        gate.start()
        os.rename(gate.file("conf"), gate.file("old"))
        os.rename(gate.file("next"), gate.file("conf"))
        self.becomes(gate, 403)
        self.put(gate, READ, "conf", "policy.yaml")
        self.becomes(gate, 200)
        self.put(gate, DENY, "conf", "policy.d", "2.yaml")
        self.becomes(gate, 403)

    def test_a_file_that_is_written_by_another_name_of_it(self):
        gate = self.start_gate(READ, files={"far/real.yaml": NOTHING, "sub/old": NOTHING})
        os.link(gate.file("far", "real.yaml"), gate.file("sub", "x.yaml"))
        gate.write_policy(USE)
        self.is_read(gate)
        for text, status in ((DENY, 403), (NOTHING, 200)):
            self.put(gate, text, "far", "real.yaml")
            self.becomes(gate, status)

    def test_a_folder_on_the_way_that_others_can_write_for_a_while(self):
        gate = self.start_gate(READ, files={"a/b/p.yaml": READ})
        os.unlink(gate.policy_path)
        os.symlink("a/b/p.yaml", gate.policy_path)
        self.is_read(gate)
        os.chmod(gate.file("a"), 0o775)
        wait_for(lambda: self.refusals(gate) == 1, "a refusal", gate.process)
        self.assertIn("chmod go-w '%s'" % gate.file("a"), gate.stderr())
        self.put(gate, DENY, "a", "b", "p.yaml")
        wait_for(lambda: self.refusals(gate) == 2, "a refusal", gate.process)
        self.becomes(gate, 200)
        os.chmod(gate.file("a"), 0o755)
        self.becomes(gate, 403)

    def test_what_the_policy_is_not_made_of_is_nobodys_business(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": NOTHING, "policy.d/1.yaml": NOTHING})
        for name in ("notes.txt", "policy.yaml.swp", "sub/y.yaml", "policy.d/.90-cli.lock", "policy.d/.hidden.yaml", "policy.d/README"):
            self.put(gate, "x", *name.split("/"))
        self.put(gate, DENY, "policy.d", "2.yaml")
        self.becomes(gate, 403)
        self.assertEqual(len(gate.log(event="policy")), 1, "one change was one of the policy")
        gate.process.send_signal(signal.SIGHUP)
        gate.wait_log(2, event="policy")

    def test_status_lists_all_files(self):
        gate = self.start_gate(USE, files={"sub/x.yaml": NOTHING, "far/d.yaml": NOTHING, "policy.d/1.yaml": NOTHING})
        os.symlink("../far/d.yaml", gate.file("policy.d", "2.yaml"))
        self.is_read(gate)
        said = run("policy", "status", "--state", gate.state).stdout
        for name in ("policy.yaml", "sub/x.yaml", "policy.d/1.yaml", "policy.d/2.yaml"):
            self.assertIn(name, said)


class Looked(GateCase):
    """Where a folder cannot be watched the files are looked at."""

    def test_a_folder_that_may_not_be_listed(self):
        gate = self.start_gate(READ, files={"conf/policy.yaml": READ})
        gate.stop()
        os.chmod(gate.file("conf"), 0o311)
        gate.arguments[gate.arguments.index("--config") + 1] = gate.file("conf", "policy.yaml")
        gate.start()
        self.assertIn("conf cannot be watched", gate.stderr())
        self.assertIn("looked at every 3 seconds", gate.stderr())
        for text, status in ((DENY, 403), (READ, 200)):
            gate.write(gate.file("conf", "policy.yaml"), text)
            wait_for(lambda wanted=status: gate.ask(get("/containers/json")).status == wanted, "status %d" % status, gate.process)
        self.assertEqual(gate.stderr().count("looked at every"), 1, "it is said once")

    def test_more_folders_than_are_watched(self):
        gate = self.start_gate(READ)
        for number in range(300):
            os.makedirs(gate.file("far", str(number)), 0o755)
            gate.write(gate.file("far", str(number), "x.yaml"), NOTHING)
        os.mkdir(gate.file("fresh"), 0o755)
        for number in range(300):
            os.symlink("../far/%d/x.yaml" % number, gate.file("fresh", "%03d.yaml" % number))
        os.rename(gate.file("fresh"), gate.file("policy.d"))
        wait_for(lambda: "looked at every 3 seconds" in gate.stderr(), "the gate to say that it looks", gate.process)
        self.assertIn("more than 256 folders", gate.stderr())
        gate.write(gate.file("far", "299", "x.yaml"), DENY)
        wait_for(lambda: gate.ask(get("/containers/json")).status == 403, "the last file's deny", gate.process)

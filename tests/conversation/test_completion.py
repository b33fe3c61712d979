# SPDX-License-Identifier: Apache-2.0
"""Completion as people meet it: real shells on a terminal, in which a line is typed and the tab key pressed."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

from harness.gate import binary, clean_environment, run, wait_for

POLICY = """version: 1
docker:
  - allow: ContainerList
  - deny: "@exec"
network:
  - allow: ["*.npmjs.org", api.anthropic.com, "github.com:22"]
  - deny: "~.*[.]evil[.]test"
clients:
  traefik:
    listen: unix:/run/dockreeve/traefik/docker.sock
  tests:
    listen: tcp:127.0.0.1:1
"""

# Each shell writes what was offered for a line, and the line as it stands after the tab, to $FOUND; control-g ends a line.
BASH = r"""
source <(dockreeve completion bash)
seen() { _dockreeve "$@"; printf 'offer %s\n' "${COMPREPLY[@]}" > "$FOUND.new"; }
complete -F seen dockreeve
report() { printf 'line %s\n' "$READLINE_LINE" >> "$FOUND.new"; mv "$FOUND.new" "$FOUND"; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\C-g": report'
bind 'set completion-query-items 0'
bind 'set page-completions off'
bind 'set enable-bracketed-paste off'
: > "$FOUND"
"""
ZSH = r"""
fpath=($HOME/site $fpath)
autoload -U compinit && compinit -u -D
LISTMAX=0
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a seen
    builtin compadd -A seen "$@"
    (( $#seen )) && printf 'offer %s\n' "${seen[@]}" >> "$FOUND.new"
    builtin compadd "$@"
}
report() { printf 'line %s\n' "$BUFFER" >> "$FOUND.new"; mv "$FOUND.new" "$FOUND"; zle kill-whole-line; zle redisplay; }
zle -N report
bindkey '^G' report
bindkey '^I' complete-word
unsetopt beep list_beep auto_menu
: > "$FOUND"
"""


class Shell:
    def __init__(self, folder, words, setup):
        self.folder = folder
        self.found = os.path.join(folder, "found")
        with open(os.path.join(folder, "setup"), "w", encoding="ascii") as out:
            out.write(setup)
        master, slave = pty.openpty()
        environment = clean_environment({"HOME": folder, "FOUND": self.found, "TERM": "dumb", "PS1": "> ",
                                         "PATH": os.path.join(folder, "bin") + ":" + os.environ["PATH"], "DOCKREEVE_CONFIG": folder + "/policy.yaml"})
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(slave)
        self.terminal = master
        self.send(" . ./setup\n")
        self.await_file()

    def send(self, text):
        os.write(self.terminal, text.encode())

    def await_file(self):
        """Reads the terminal meanwhile, so that the shell is never held up by a full one."""
        os.set_blocking(self.terminal, False)

        def there():
            try:
                while os.read(self.terminal, 65536):
                    pass
            except OSError:
                pass
            return os.path.exists(self.found)

        wait_for(there, "the shell's answer", self.process)
        with open(self.found, encoding="utf-8") as answer:
            lines = answer.read().splitlines()
        os.unlink(self.found)
        return lines

    def complete(self, line):
        """What is offered for the line, and the line afterwards."""
        self.send(line + "\t\x07")
        lines = self.await_file()
        offers = [text[6:].strip() for text in lines if text.startswith("offer ")]
        return [offer for offer in offers if offer], [text[5:] for text in lines if text.startswith("line ")][-1]

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


class Completion(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-completion-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, "bin"))
        os.mkdir(os.path.join(self.folder, "site"))
        os.symlink(os.path.abspath(binary()), os.path.join(self.folder, "bin", "dockreeve"))
        for name, text in (("policy.yaml", POLICY), ("other.yaml", 'version: 1\nnetwork:\n  - allow: other.test\n'), ("broken.yaml", "version: 7\n")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as out:
                out.write(text)
            os.chmod(os.path.join(self.folder, name), 0o644)
        self.ids = run("policy", "ls", "-q", "--config", self.folder + "/policy.yaml").stdout.split()

    def start(self, words, setup):
        if not shutil.which(words[0]):
            self.skipTest("not installed: " + words[0])
        shell = Shell(self.folder, words, setup)
        self.addCleanup(shell.close)
        return shell

    def check(self, shell):
        operations = run("completion", "words", "policy", "check", "docker", "").stdout.splitlines()
        containers = [line.split("\t")[0] for line in operations if line.startswith("Container")]
        self.assertGreater(len(containers), 15)
        rows = (
            # name, what is typed, what is offered (None: not looked at), what the line becomes
            ("a command", "dockreeve pol", None, "dockreeve policy "),
            ("the second word", "dockreeve policy ex", None, "dockreeve policy explain "),
            ("an option", "dockreeve policy log --foll", None, "dockreeve policy log --follow "),
            ("docker or network", "dockreeve policy check ", ["docker", "network"], None),
            ("what kind", "dockreeve policy check net", None, "dockreeve policy check network "),
            ("operations", "dockreeve policy check docker Container", containers, None),
            ("one operation", "dockreeve policy check docker SystemPingH", None, "dockreeve policy check docker SystemPingHead "),
            ("a set", "dockreeve policy check docker @lif", None, "dockreeve policy check docker @lifecycle "),
            ("operations in a list", "dockreeve policy log --operation @exec,SystemPingH", None,
             "dockreeve policy log --operation @exec,SystemPingHead "),
            ("hosts", "dockreeve policy check network api", None, "dockreeve policy check network api.anthropic.com "),
            ("a host with its port", "dockreeve policy check network github.com:", None, "dockreeve policy check network github.com:22 "),
            ("an option in between", "dockreeve policy check --client traefik network --json api", None,
             "dockreeve policy check --client traefik network --json api.anthropic.com "),
            ("clients", "dockreeve policy check docker ContainerList --client t", ["tests", "traefik"], None),
            ("a client behind =", "dockreeve policy check --client=tr", None, "dockreeve policy check --client=traefik "),
            ("the client of log", "dockreeve policy log tr", None, "dockreeve policy log traefik "),
            ("fixed words", "dockreeve policy log --type=n", None, "dockreeve policy log --type=network "),
            ("where a rule stands", "dockreeve policy log --rule policy.yaml:", ["policy.yaml:%d" % line for line in (3, 4, 6, 7)], None),
            ("another policy", "dockreeve policy check --config other.yaml network o", None,
             "dockreeve policy check --config other.yaml network other.test "),
            ("another policy behind =", "dockreeve policy check --config=other.yaml network o", None,
             "dockreeve policy check --config=other.yaml network other.test "),
            ("a policy that is not valid", "dockreeve policy check -c broken.yaml --client t", [], "dockreeve policy check -c broken.yaml --client t"),
            ("a file", "dockreeve policy validate --config oth", None, "dockreeve policy validate --config other.yaml "),
            ("a folder only", "dockreeve serve --state s", None, "dockreeve serve --state site/"),
            ("nothing of a shell is run", "dockreeve policy check network '$(touch taken)", [], "dockreeve policy check network '$(touch taken)"),
        )
        for name, typed, offered, line in rows:
            with self.subTest(name):
                offers, becomes = shell.complete(typed)
                if offered is not None:
                    self.assertEqual(sorted(set(offers)), self.seen(typed, offered))
                if line is not None:
                    self.assertEqual(becomes.rstrip(), line.rstrip())
        self.assertFalse(os.path.exists(os.path.join(self.folder, "taken")))

    def test_bash(self):
        # bash is offered only what stands behind a colon.
        self.seen = lambda typed, offered: sorted(offer.split(":")[-1] if typed.endswith(":") else offer for offer in offered)
        self.check(self.start(["bash", "--norc", "--noprofile", "-i"], BASH))

    def test_zsh(self):
        self.seen = lambda typed, offered: sorted(offered)
        with open(os.path.join(self.folder, "site", "_dockreeve"), "w", encoding="utf-8") as out:
            out.write(run("completion", "zsh").stdout)
        self.check(self.start(["zsh", "-f", "-i"], ZSH))

    def test_fish(self):
        """fish has a command of its own for the question what a line could become."""
        if not shutil.which("fish"):
            self.skipTest("not installed: fish")
        script = os.path.join(self.folder, "dockreeve.fish")
        with open(script, "w", encoding="utf-8") as out:
            out.write(run("completion", "fish").stdout)
        environment = clean_environment({"HOME": self.folder, "PATH": os.path.join(self.folder, "bin") + ":" + os.environ["PATH"],
                                         "DOCKREEVE_CONFIG": self.folder + "/policy.yaml"})
        for name, typed, offered in (
                ("a command", "dockreeve pol", ["policy"]),
                ("an option", "dockreeve policy log --foll", ["--follow"]),
                ("docker or network", "dockreeve policy check ", ["docker", "network"]),
                ("hosts", "dockreeve policy check network api", ["api.anthropic.com"]),
                ("clients", "dockreeve policy check docker ContainerList --client t", ["tests", "traefik"]),
                ("a client behind =", "dockreeve policy check --client=tr", ["--client=traefik"]),
                ("in quotes", 'dockreeve policy check network "api', ["api.anthropic.com"]),
                ("a file", "dockreeve policy validate --config oth", ["other.yaml"]),
                ("a file behind =", "dockreeve policy validate --config=oth", ["--config=other.yaml"]),
                ("a folder behind =", "dockreeve serve --state=si", ["--state=site/"])):
            with self.subTest(name):
                done = subprocess.run(["fish", "--no-config", "-c", "source %s; complete -C '%s'" % (script, typed)], cwd=self.folder, env=environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
                self.assertEqual(sorted(line.split("\t")[0] for line in done.stdout.splitlines()), offered, done.stderr)

    def test_what_the_scripts_ask(self):
        config = self.folder + "/policy.yaml"
        for name, words, expected in (
                ("clients", ("policy", "check", "-c", config, "--client", ""), ["traefik\t", "tests\t", "default\t"]),
                ("clients by prefix", ("policy", "check", "-c", config, "--client", "te"), ["tests\t"]),
                ("hosts", ("policy", "check", "-c", config, "network", "*"), ["*.npmjs.org\tallowed in policy.yaml:6"]),
                ("no such policy", ("policy", "check", "-c", config + "x", "--client", ""), []),
                ("a policy that is not valid", ("policy", "inspect", "--config=" + self.folder + "/broken.yaml", "0"), []),
                ("no such command", ("policies", ""), []),
                ("nothing behind it", ("version", "x"), [])):
            with self.subTest(name):
                done = run("completion", "words", *words)
                self.assertEqual((done.returncode, done.stdout.splitlines(), done.stderr), (0, expected, ""))
        done = run("completion", "words", "policy", "inspect", "--config", config, "")
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
        self.assertEqual(len(offered), 8)
        self.assertEqual(offered, [rule for rule in self.ids if rule in offered], "the ids of policy ls, without what is built in")
        self.assertIn("\tdeny ~.*[.]evil[.]test:*, policy.yaml:7\n", done.stdout)
        self.assertEqual(run("completion", "words").returncode, 2)

    def test_the_help_of_a_command(self):
        for typed, expected in ((("pol",), ["policy"]), (("policy", "val"), ["validate"]), (("version", ""), [])):
            done = run("completion", "words", "help", *typed)
            self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()], expected)

    def test_rm_is_offered_what_it_removes(self):
        config = self.folder + "/policy.yaml"
        for added in (("allow", "network", "own.example.com"), ("allow", "docker", "ImageList")):
            self.assertEqual(run("policy", *added, "--config", config).returncode, 0)
        own = [row["id"] for row in json.loads(run("policy", "ls", "--json", "--config", config).stdout) if row["source"].startswith("policy.d/90-cli.yaml")]
        self.assertEqual(len(own), 2)
        for words, expected in (((), own), (("network",), ["own.example.com"]), (("docker",), ["ImageList"])):
            done = run("completion", "words", "policy", "rm", "--config", config, *words, "")
            offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
            self.assertEqual(sorted(set(offered) - {"network", "docker"}), sorted(expected), words)

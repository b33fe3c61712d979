# SPDX-License-Identifier: Apache-2.0
"""Package managers and version control: git, apt-get, npm; a WebSocket library; the banner of SSH."""

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

from client_case import NAMES, ClientCase, need, serve_websocket
from harness.origin import HttpOrigin, Origin, TlsOrigin, answer, authority

PROXY_COMMAND = r"""
import socket, sys, threading
host, port, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sock = socket.create_connection((host, port))
sock.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, target)).encode())
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += sock.recv(1)
if b" 200 " not in head.split(b"\r\n")[0]:
    sys.exit(head.split(b"\r\n")[0].decode())
def up():
    while data := sys.stdin.buffer.raw.read(65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    sys.stdout.buffer.raw.write(data)
"""
WEBSOCKET = """
import sys, websocket
ws = websocket.create_connection(sys.argv[1], timeout=20, http_proxy_host="127.0.0.1", http_proxy_port=int(sys.argv[2]), proxy_type="http",
                                 sslopt={"ca_certs": sys.argv[3]})
for n in range(3):
    ws.send("message %d" % n)
    print(ws.recv())
ws.close()
"""


class Git(ClientCase):
    """The smart protocol over TLS, by git's own server program."""

    def setUp(self):
        super().setUp()
        need("git")
        self.web = self.origin(TlsOrigin(*NAMES))
        self.web.default = self.serve
        work = self.path("work")
        for arguments in (("init", "-q", "-b", "main", work), ("-C", work, "commit", "-q", "--allow-empty", "-m", "first"), ("clone", "-q", "--bare", work, self.path("served.git")),
                          ("-C", self.path("served.git"), "config", "http.receivepack", "true")):
            self.git(*arguments)

    def git(self, *arguments):
        subprocess.run(["git", *arguments], check=True, capture_output=True, env=self.identity({"PATH": os.environ["PATH"], "HOME": self.folder}), cwd=self.folder)

    @staticmethod
    def identity(environment):
        return {**environment, "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org", "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org",
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def serve(self, connection, request):
        path, _, query = request.target.partition("?")
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "GIT_PROJECT_ROOT": self.folder, "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": request.method,
                       "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": request.field("Content-Type") or "", "CONTENT_LENGTH": str(len(request.body)),
                       "HTTP_CONTENT_ENCODING": request.field("Content-Encoding") or "", "GIT_PROTOCOL": request.field("Git-Protocol") or "", "REMOTE_USER": "t"}
        done = subprocess.run(["git", "http-backend"], input=request.body, capture_output=True, env=environment, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.decode().split(": ", 1)) for line in head.split(b"\r\n") if b": " in line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        connection.send(answer(status, body, *[field for field in fields if field[0] != "Status"]))

    def url(self, host):
        return "https://%s:%d/served.git" % (host, self.web.port)

    def test_clone_and_push(self):
        more = {"environment": self.identity({})}
        self.works("git", "clone", "-q", self.url("good.test"), "copy", **more)
        self.assertTrue(os.path.isdir(self.path("copy", ".git")))
        with open(self.path("copy", "file"), "wb") as out:
            out.write(os.urandom(2 << 20))
        self.git("-C", "copy", "add", "file")
        self.git("-C", "copy", "commit", "-q", "-m", "second")
        self.works("git", "-C", "copy", "push", "-q", "origin", "main", **more)
        heads = {subprocess.run(["git", "-C", self.path(name), "rev-parse", "main"], capture_output=True, check=True).stdout for name in ("copy", "served.git")}
        self.assertEqual(len(heads), 1)
        self.fails("git", "clone", "-q", self.url("evil.test"), "other", **more)
        self.fails("git", "clone", "-q", self.url("bad.good.test"), "other", host="bad.good.test", rule="not there", **more)
        self.fails("git", "-C", "copy", "push", "-q", self.url("evil.test"), "main", **more)


class Apt(ClientCase):
    """A flat repository over plain HTTP: methods and paths of the rule count. (Its line has the folder as distribution; the usual `./`
    would put a dot segment into every path, which is 400 where a rule has paths.)"""

    def setUp(self):
        super().setUp()
        need("apt-get", "dpkg-deb")
        for name in ("build/DEBIAN", "lists/partial", "archives/partial", "etc/sources.list.d", "etc/preferences.d", "etc/trusted.gpg.d", "etc/apt.conf.d", "var"):
            os.makedirs(self.path(name))
        control = "Package: dockreeve-probe\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: a package for a test\n"
        with open(self.path("build/DEBIAN/control"), "w", encoding="ascii") as out:
            out.write(control)
        subprocess.run(["dpkg-deb", "--build", "--root-owner-group", self.path("build"), self.path("probe.deb")], check=True, capture_output=True)
        with open(self.path("probe.deb"), "rb") as stream:
            self.package = stream.read()
        packages = ("%sFilename: debian/probe.deb\nSize: %d\nSHA256: %s\n" % (control, len(self.package), hashlib.sha256(self.package).hexdigest())).encode()
        release = "Origin: test\nSuite: stable\nCodename: test\nSHA256:\n" + "".join(
            " %s %d %s\n" % (hashlib.sha256(data).hexdigest(), len(data), name) for name, data in (("Packages", packages), ("Packages.gz", gzip.compress(packages, mtime=0))))
        self.web = self.origin(HttpOrigin())
        self.web.default = answer(404, reason="Not Found")
        for name, data in (("Packages", packages), ("Packages.gz", gzip.compress(packages, mtime=0)), ("Release", release.encode()), ("probe.deb", self.package)):
            self.web.on("GET", "/debian/" + name, answer(200, data))

    def apt(self, host, *arguments, folder="debian"):
        with open(self.path("etc/sources.list"), "w", encoding="ascii") as out:
            out.write("deb [trusted=yes] http://%s:%d %s/\n" % (host, self.web.port, folder))
        open(self.path("var/status"), "a", encoding="ascii").close()
        options = {"Dir::Etc": self.path("etc"), "Dir::Etc::main": "/dev/null", "Dir::Etc::parts": self.path("etc/apt.conf.d"), "Dir::State::lists": self.path("lists"),
                   "Dir::State::status": self.path("var/status"), "Dir::Cache": self.path("var"), "Dir::Cache::archives": self.path("archives"), "APT::Sandbox::User": "",
                   "Acquire::http::Proxy": self.gate.url, "Acquire::Retries": "0", "Acquire::Languages": "none", "Dir::Log": self.path("var"),
                   "APT::Update::Error-Mode": "any"}
        return ("apt-get", "-q", *[word for name, value in options.items() for word in ("-o", "%s=%s" % (name, value))], *arguments)

    def test_update_and_download(self):
        self.works(*self.apt("plain.test", "update"), host="plain.test", rule="plain packages")
        self.works(*self.apt("plain.test", "download", "dockreeve-probe"), host="plain.test", rule="plain packages")
        fetched = [name for name in os.listdir(self.folder) if name.startswith("dockreeve-probe")]
        self.assertEqual(len(fetched), 1, os.listdir(self.folder))
        with open(self.path(fetched[0]), "rb") as stream:
            self.assertEqual(stream.read(), self.package)
        seen = len(self.web.requests)
        self.fails(*self.apt("evil.test", "update"))
        self.fails(*self.apt("plain.test", "update", folder="ubuntu"), host="plain.test")
        self.assertEqual(len(self.web.requests), seen)


class Npm(ClientCase):
    """Left out where npm is not installed: Debian's package brings several hundred others with it, so tests/run does not ask for it."""

    def test_install(self):
        need("npm", "node")
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for name, text in (("package.json", json.dumps({"name": "dockreeve-probe", "version": "1.0.0", "main": "index.js"})), ("index.js", "module.exports = 42;\n")):
                entry = tarfile.TarInfo("package/" + name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        tarball = content.getvalue()
        web = self.origin(TlsOrigin(*NAMES))
        base = "https://good.test:%d" % web.port
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        version = {"name": "dockreeve-probe", "version": "1.0.0", "dist": {"tarball": base + "/dockreeve-probe/-/dockreeve-probe-1.0.0.tgz", "integrity": integrity}}
        web.default = answer(404, {"error": "not found"}, reason="Not Found")
        web.on("GET", "/dockreeve-probe", answer(200, {"name": "dockreeve-probe", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}))
        web.on("GET", "/dockreeve-probe/-/dockreeve-probe-1.0.0.tgz", answer(200, tarball, ("Content-Type", "application/octet-stream")))

        def npm(registry):
            return ("npm", "install", "--registry", registry, "--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries", "0", "--cache", self.path("cache"),
                    "--prefix", self.path("project"), "dockreeve-probe")

        os.mkdir(self.path("project"))
        self.works(*npm(base))
        self.assertTrue(os.path.exists(self.path("project/node_modules/dockreeve-probe/index.js")))
        os.rename(self.path("cache"), self.path("old"))
        os.rename(self.path("project"), self.path("done"))
        os.mkdir(self.path("project"))
        self.fails(*npm("https://evil.test:%d" % web.port))
        self.assertEqual(os.listdir(self.path("project")), [])


class WebSocket(ClientCase):
    """A library that opens a tunnel first, for ws and for wss."""

    def test_ws_and_wss(self):
        if subprocess.run(["/usr/bin/python3", "-c", "import websocket"], capture_output=True, check=False).returncode != 0:
            self.skipTest("not installed: python3-websocket")
        plain, secure = self.origin(HttpOrigin()), self.origin(TlsOrigin(*NAMES))
        for origin in (plain, secure):
            origin.on("GET", "/chat", serve_websocket)

        def client(url):
            return "/usr/bin/python3", "-c", WEBSOCKET, url, str(self.gate.proxy()), authority().certificate

        expected = "message 0\nmessage 1\nmessage 2\n"
        self.assertEqual(self.works(*client("ws://socket.test:%d/chat" % plain.port), host="socket.test", rule="web sockets"), expected)
        self.assertEqual(self.works(*client("wss://good.test:%d/chat" % secure.port)), expected)
        self.fails(*client("ws://evil.test:%d/chat" % plain.port))
        self.fails(*client("wss://bad.good.test:%d/chat" % secure.port), host="bad.good.test", rule="not there")


class Ssh(ClientCase):
    """The server speaks first. The far side is a banner and no more; that ssh has read it shows that the order is right."""

    def test_banner(self):
        need("ssh")
        got = []

        def script(connection):
            connection.send(b"SSH-2.0-dockreeve_test\r\n")
            got.append(connection.until(b"\r\n"))

        target = self.origin(Origin(script))
        with open(self.path("proxy.py"), "w", encoding="ascii") as out:
            out.write(PROXY_COMMAND)

        def ssh(host):
            command = "%s %s 127.0.0.1 %d %%h:%%p" % (sys.executable, self.path("proxy.py"), self.gate.proxy())
            return self.run_client("ssh", "-v", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                                   "-o", "ProxyCommand=" + command, "-p", str(target.port), "nobody@" + host, "true").stdout

        self.assertIn("remote software version dockreeve_test", ssh("shell.test"))
        self.assertRegex(got[0], rb"^SSH-2\.0-OpenSSH")
        self.assertEqual({r["rule"] for r in self.gate.news(event="open", host="shell.test")}, {"shells"})
        self.assertIn("403", ssh("evil.test"))
        self.assertEqual(self.gate.news(host="evil.test")[-1]["reason"], "default")
        self.assertNotIn("dockreeve_test", ssh("good.test"))  # a rule for TLS lets no server speak first

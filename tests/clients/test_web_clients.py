# SPDX-License-Identifier: Apache-2.0
"""curl, wget, Python's requests and node's fetch; HTTP/2 and server-sent events through curl."""

import json
import os
import re
import socket
import subprocess
import sys
import threading

from client_case import NAMES, ClientCase, need, serve_websocket
from harness import wire
from harness.gate import wait_for
from harness.origin import HttpOrigin, TlsOrigin, answer, authority

FETCH = r"""
const http = require('http'), tls = require('tls');
const proxy = new URL(process.env.HTTPS_PROXY);
function connect(options, done) {
  const target = options.hostname + ':' + (options.port || 443);
  http.request({host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: target, headers: {host: target}})
    .on('connect', (response, socket) => {
      if (response.statusCode !== 200) return done(new Error('the proxy answered ' + response.statusCode));
      const secured = tls.connect({socket, servername: options.hostname, ALPNProtocols: ['http/1.1']}, () => done(null, secured));
      secured.on('error', done);
    })
    .on('response', response => done(new Error('the proxy answered ' + response.statusCode)))
    .on('error', done).end();
}
(async () => {
  await fetch('data:,');  // loads what fetch is made of
  const Agent = globalThis[Symbol.for('undici.globalDispatcher.1')].constructor;
  const response = await fetch(process.argv[2], {dispatcher: new Agent({connect})});
  process.stdout.write(response.status + ' ' + await response.text());
})().catch(error => { console.error(error, error.cause); process.exit(1); });
"""
PLAIN_FETCH = "fetch(process.argv[2]).then(async r => process.stdout.write(r.status + ' ' + await r.text())).catch(e => { console.error(e, e.cause); process.exit(1); });"
REQUESTS = "import sys, requests; r = requests.get(sys.argv[1], timeout=20); print(r.status_code, r.text); r.raise_for_status()"

AIOHTTP = """
import asyncio, ssl, sys, aiohttp
async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    async with aiohttp.ClientSession(trust_env=True, timeout=aiohttp.ClientTimeout(20)) as session:
        if sys.argv[1].startswith("ws"):
            async with session.ws_connect(sys.argv[1], ssl=context, proxy=sys.argv[3]) as socket:
                await socket.send_str("sent")
                return print((await socket.receive()).data)
        async with session.get(sys.argv[1], ssl=context) as response:
            print(response.status, await response.text())
            response.raise_for_status()
asyncio.run(main())
"""
HTTPX = "import sys, httpx; r = httpx.get(sys.argv[1], verify=sys.argv[2], timeout=20); print(r.status_code, r.text); r.raise_for_status()"
URLLIB = "import sys, urllib.request as u, ssl; print(u.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2])).read().decode())"
LWP = """
use LWP::UserAgent;
my $agent = LWP::UserAgent->new(timeout => 20, ssl_opts => {SSL_ca_file => $ARGV[1]});
$agent->env_proxy;
my $answer = $agent->get($ARGV[0]);
print $answer->code, " ", $answer->decoded_content, "\\n", $answer->status_line, "\\n";
exit !$answer->is_success;
"""
RUBY = """
require "net/http"; require "openssl"
url = URI(ARGV[0])
http = Net::HTTP.new(url.host, url.port)
http.use_ssl = url.scheme == "https"
http.ca_file = ARGV[1]
answer = http.get(url.request_uri)
puts answer.code, answer.body
exit answer.code == "200"
"""


class WebCase(ClientCase):
    def setUp(self):
        super().setUp()
        self.secure = self.origin(TlsOrigin(*NAMES))
        self.plain = self.origin(HttpOrigin())
        for origin in (self.secure, self.plain):
            origin.on("GET", "/file", answer(200, b"the content"))

    def https(self, host, path="/file"):
        return "https://%s:%d%s" % (host, self.secure.port, path)

    def http(self, host, path="/file"):
        return "http://%s:%d%s" % (host, self.plain.port, path)


class Curl(WebCase):
    def curl(self, *arguments):
        return ("curl", "-sS", "--fail", "--max-time", "30", *arguments)

    def test_https(self):
        need("curl")
        self.assertEqual(self.works(*self.curl(self.https("good.test"))), "the content")
        self.works(*self.curl(self.https("www.good.test")), host="www.good.test")
        self.fails(*self.curl(self.https("evil.test")))
        self.fails(*self.curl(self.https("bad.good.test")), host="bad.good.test", rule="not there")
        self.assertEqual({name for name, _ in self.secure.seen}, {"good.test", "www.good.test"})

    def test_http(self):
        need("curl")
        self.assertEqual(self.works(*self.curl(self.http("plain.test")), host="plain.test", rule="plain packages"), "the content")
        self.fails(*self.curl(self.http("evil.test")))
        self.fails(*self.curl("-d", "data", self.http("plain.test")), host="plain.test")
        self.fails(*self.curl(self.http("plain.test", "/other")), host="plain.test")
        self.assertEqual(self.plain.lines, ["GET /file"])

    def test_an_upload(self):
        need("curl")
        body = os.urandom(3 << 20)
        with open(self.path("body"), "wb") as out:
            out.write(body)
        self.secure.on("PUT", "/up", answer(201))
        self.works(*self.curl("-T", self.path("body"), self.https("good.test", "/up")))
        self.assertEqual(self.secure.requests[-1].body, body)

    def test_http_2(self):
        need("curl", "nghttpd")
        port = self.held_port()
        certificate, key = authority().pair(*NAMES)
        with open(self.path("page"), "w", encoding="ascii") as out:
            out.write("over two")
        server = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", self.folder, str(port), key, certificate], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(listens, "nghttpd", server)
        said = self.works(*self.curl("--http2", "-w", " %{http_version}", "https://good.test:%d/page" % port))
        self.assertEqual(said, "over two 2")
        story = self.gate.wait_closed(host="good.test")
        self.assertIn("h2", story["alpn"].split(","))
        self.fails(*self.curl("--http2", "https://evil.test:%d/page" % port))

    def test_events_without_buffering(self):
        """Each line is out of curl before the next one is sent."""
        need("curl")

        def check(origin, url):
            step = threading.Semaphore(0)

            def drip(connection, _):
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                for n in range(3):
                    if not step.acquire(timeout=wire.DEADLINE):
                        break
                    connection.send(b"data: %d\n" % n)
                return False

            origin.on("GET", "/events", drip)
            process = subprocess.Popen([*self.curl("-N", url)], env=self.environment(), stdout=subprocess.PIPE, cwd=self.folder)
            with process:
                for n in range(3):
                    step.release()
                    self.assertEqual(process.stdout.readline(), b"data: %d\n" % n)
            self.assertEqual(process.returncode, 0)

        self.each([("plain", self.plain, self.http("plain.test", "/events")), ("in a tunnel", self.secure, self.https("good.test", "/events"))], check)


class Wget(WebCase):
    def test_https_and_http(self):
        need("wget")
        wget = ("wget", "-nv", "-t", "1", "-T", "20", "--ca-certificate=" + authority().certificate, "-O", "-")
        self.assertIn("the content", self.works(*wget, self.https("good.test")))
        self.assertIn("the content", self.works(*wget, self.http("plain.test"), host="plain.test", rule="plain packages"))
        self.fails(*wget, self.http("evil.test"))
        self.fails(*wget, self.https("evil.test"), says="Forbidden")  # it shows the reason phrase of a CONNECT's answer, not its number
        self.fails(*wget, self.https("bad.good.test"), host="bad.good.test", rule="not there", says="Forbidden")


class Requests(WebCase):
    def test_https_and_http(self):
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        if subprocess.run([python, "-c", "import requests"], capture_output=True, check=False).returncode != 0:
            self.skipTest("not installed: python3-requests")
        self.assertIn("200 the content", self.works(python, "-c", REQUESTS, self.https("good.test")))
        self.assertIn("200 the content", self.works(python, "-c", REQUESTS, self.http("plain.test"), host="plain.test", rule="plain packages"))
        self.fails(python, "-c", REQUESTS, self.https("evil.test"))
        said = self.fails(python, "-c", REQUESTS, self.http("evil.test"))
        self.assertIn("evil.test", said)
        answer_text = re.search(r"403 (\{.*\})", said)
        self.assertIsNotNone(answer_text, said)
        self.assertTrue(json.loads(answer_text.group(1))["fix"])


class Node(WebCase):
    """fetch reads no proxy variables before node 22.21 and 24.5 (NODE_USE_ENV_PROXY); for those before, its own Agent is given a socket
    behind a CONNECT."""

    def test_fetch(self):
        need("node")
        version = tuple(map(int, subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip("v\n").split(".")))
        own = (22, 21) <= version < (23,) or version >= (24, 5)
        with open(self.path("fetch.js"), "w", encoding="ascii") as out:
            out.write(PLAIN_FETCH if own else FETCH)
        node = ("node", self.path("fetch.js"))
        more = {"environment": {"NODE_USE_ENV_PROXY": "1"}}
        self.assertEqual(self.works(*node, self.https("good.test"), **more), "200 the content")
        self.fails(*node, self.https("evil.test"), **more)
        self.fails(*node, self.https("bad.good.test"), host="bad.good.test", rule="not there", **more)


class Libraries(WebCase):
    """What programs in other languages are made with."""

    def libraries(self):
        rows = [(name, "python3", "-c", text) for name, text in (("aiohttp", AIOHTTP), ("httpx", HTTPX), ("urllib", URLLIB))] + [("LWP", "perl", "-e", LWP), ("net/http", "ruby", "-e", RUBY)]
        checks = {"aiohttp": "import aiohttp", "httpx": "import httpx", "urllib": "", "LWP": "use LWP::UserAgent; use LWP::Protocol::https", "net/http": ""}
        for name, program, flag, text in rows:
            program = "/usr/bin/" + program
            if subprocess.run([program, flag, checks[name]], capture_output=True, check=False).returncode != 0:
                print("left out: %s is not installed" % name)
                continue
            yield name, program, flag, text

    def test_https_and_http(self):
        def check(*command):
            def told(url):
                return (*command, url, authority().certificate)

            self.assertIn("the content", self.works(*told(self.https("good.test"))))
            self.assertIn("the content", self.works(*told(self.http("plain.test")), host="plain.test", rule="plain packages"))
            self.fails(*told(self.http("evil.test")))
            self.fails(*told(self.https("evil.test")))
            self.fails(*told(self.https("bad.good.test")), host="bad.good.test", rule="not there")

        self.each(self.libraries(), check)

    def test_aiohttp_asks_for_ws_by_that_scheme(self):
        commands = [command for name, *command in self.libraries() if name == "aiohttp"]
        if not commands:
            self.skipTest("not installed: python3-aiohttp")
        web = self.origin(HttpOrigin())
        web.default = serve_websocket
        url = "ws://%s:%d/chat"
        arguments = (authority().certificate, self.gate.url)
        self.assertIn("sent", self.works(*commands[0], url % ("socket.test", web.port), *arguments, host="socket.test", rule="web sockets"))
        self.fails(*commands[0], url % ("evil.test", web.port), *arguments)


class WrongProtocol(WebCase):
    """A proxy variable with another protocol is answered in that protocol, and the log says what is wrong."""

    def test_curl(self):
        need("curl")
        address = self.gate.url.split("//")[1]

        def check(scheme, reason):
            done = self.run_client("curl", "-sS", "--max-time", "20", "--proxy", "%s://%s" % (scheme, address), self.https("good.test"))
            self.assertNotEqual(done.returncode, 0)
            record = wait_for(lambda: self.gate.news(reason=reason), reason, self.gate.process)[-1]
            self.assertIn("this proxy speaks HTTP: write http://", record["text"])

        self.each([("TLS", "https", "malformed.tls"), ("SOCKS 5", "socks5h", "malformed.socks"), ("SOCKS 4", "socks4a", "malformed.socks")], check)

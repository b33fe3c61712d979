# SPDX-License-Identifier: Apache-2.0
"""What is measured and how it is started: no gate at all, HAProxy as the replaced image configures it, Dockreeve.

Every contender listens on 127.0.0.1 and has the same upstream on a unix socket. A gate is started anew for each measurement,
with an empty log, so that one scenario cannot warm or burden the next, and so that its log can be counted afterwards: a gate that
did not log every request would not be comparable."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import time

CLIENT_CORE = 0
GATE_CORE = 1

# The prefixes that the replaced image knows, in its order, and the method under which a Docker client uses each.
SECTIONS = [
    ("auth", "AUTH", "POST"), ("build", "BUILD", "POST"), ("commit", "COMMIT", "POST"),
    ("configs", "CONFIGS", "GET"), ("containers", "CONTAINERS", "GET"),
    ("distribution", "DISTRIBUTION", "GET"), ("events", "EVENTS", "GET"), ("exec", "EXEC", "POST"),
    ("grpc", "GRPC", "POST"), ("images", "IMAGES", "POST"), ("info", "INFO", "GET"),
    ("networks", "NETWORKS", "GET"), ("nodes", "NODES", "GET"), ("_ping", "PING", "GET"),
    ("plugins", "PLUGINS", "GET"), ("secrets", "SECRETS", "GET"), ("services", "SERVICES", "GET"),
    ("session", "SESSION", "POST"), ("swarm", "SWARM", "GET"), ("system", "SYSTEM", "GET"),
    ("tasks", "TASKS", "GET"), ("version", "VERSION", "GET"), ("volumes", "VOLUMES", "GET"),
]
# Sections that exist beneath their name only, and those that exist at their name only.
BENEATH = {"configs", "containers", "distribution", "exec", "images", "networks", "nodes", "plugins",
           "secrets", "services", "swarm", "system", "tasks", "volumes"}
ALLOWED_BY_ENV = {"CONTAINERS", "IMAGES", "EVENTS", "PING", "VERSION", "POST"}


def spawn(core, argv, **options):
    """Starts argv on one core. The affinity is inherited across exec, so no taskset process stands in between."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return subprocess.Popen(argv, **{"stdin": subprocess.DEVNULL, **options})
    finally:
        os.sched_setaffinity(0, before)


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_answer(process, port, deadline_s=10):
    """Polls without pause until GET /_ping is answered with 200."""
    give_up = time.monotonic() + deadline_s
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} before it answered")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
                if client.recv(4096).startswith(b"HTTP/1.1 200 "):
                    return
        except OSError:
            pass
    raise RuntimeError(f"{process.args[0]} did not answer /_ping on port {port} within {deadline_s} s")


class Upstream:
    """A server on a unix socket (for the gates) and on a port (for the contender `direct`)."""

    def __init__(self, unix_path, port, process):
        self.unix_path, self.port, self.process = unix_path, port, process

    def stop(self):
        end(self.process)


def container_list():
    """About 2 kB of JSON, the size of `docker ps` with five containers."""
    row = ('{"Id":"%064x","Names":["/worker-%d"],"Image":"registry.example/agent:1.4","ImageID":"sha256:%064x",'
           '"Command":"sleep infinity","Created":1763690000,"Ports":[],"Labels":{},"State":"running",'
           '"Status":"Up 3 hours","HostConfig":{"NetworkMode":"bridge"},"Mounts":[]}')
    return "[" + ",".join(row % (i, i, i) for i in range(5)) + "]"


def start_nginx(work, bulk_bytes):
    port, unix_path = free_port(), work / "nginx.sock"
    image = work / "image.tar"
    with open(image, "wb") as file:  # written, not sparse: the first reader would pay for the pages of a hole
        for _ in range(0, bulk_bytes, 1000000):
            file.write(b"x" * 1000000)
    config = work / "nginx.conf"
    # One process without a master: there is one core for it. An engine never ends a kept-alive connection by count.
    config.write_text(f"""daemon off; master_process off; worker_processes 1; pid {work}/nginx.pid;
error_log {work}/nginx.err warn;
events {{ worker_connections 8192; }}
http {{
    access_log off; sendfile on; default_type application/json;
    keepalive_timeout 1h; keepalive_requests 1000000000;
    client_body_temp_path {work}/nginx-body; proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi; uwsgi_temp_path {work}/nginx-uwsgi; scgi_temp_path {work}/nginx-scgi;
    server {{
        listen unix:{unix_path} backlog=4096; listen 127.0.0.1:{port} backlog=4096;
        location /_ping {{ default_type text/plain; add_header Api-Version 1.41; return 200 "OK"; }}
        location /v1.41/containers/json {{ return 200 '{container_list()}'; }}
        location ~ ^/v1.41/images/[a-z]+/get$ {{ root {work}; try_files /image.tar =404; }}
    }}
}}
""")
    process = spawn(CLIENT_CORE, [tool("nginx"), "-e", f"{work}/nginx.err", "-c", str(config)])
    wait_for_answer(process, port)
    return Upstream(unix_path, port, process)


def start_stream_engine(work, programs, bulk_bytes):
    port, unix_path = free_port(), work / "engine.sock"
    process = spawn(CLIENT_CORE, [str(programs / "stream_engine"), str(unix_path), str(port), str(bulk_bytes)],
                    stdout=subprocess.DEVNULL)
    wait_for_answer(process, port)
    return Upstream(unix_path, port, process)


def tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise RuntimeError(f"{name} is not installed")
    return path


def haproxy_config(port, upstream, server_close):
    """The replaced image's configuration; server_close False changes only how server connections are kept."""
    reuse = "option http-server-close" if server_close else "option http-keep-alive\n    http-reuse always"
    match = r"path,url_dec -m reg -i ^(/v[\d\.]+)?"
    container = r"/containers/[a-zA-Z0-9_.-]+"
    rules = [f"http-request allow if {{ {match}{container}/((stop)|(restart)|(kill)) }} {{ env(ALLOW_RESTARTS) -m bool }}",
             f"http-request allow if {{ {match}{container}/start }} {{ env(ALLOW_START) -m bool }}",
             f"http-request allow if {{ {match}{container}/stop }} {{ env(ALLOW_STOP) -m bool }}"]
    rules += [f"http-request allow if {{ {match}/{name} }} {{ env({variable}) -m bool }}"
              for name, variable, _ in SECTIONS]
    lines = "\n    ".join(rules)
    return f"""global
    log stdout format raw daemon info
    maxconn 4000
defaults
    mode http
    log global
    option httplog
    option dontlognull
    {reuse}
    option redispatch
    retries 3
    timeout http-request 10s
    timeout queue 1m
    timeout connect 10s
    timeout client 10m
    timeout server 10m
    timeout http-keep-alive 10s
    timeout check 10s
    maxconn 3000
backend dockerbackend
    server dockersocket {upstream}
backend docker-events
    server dockersocket {upstream}
    timeout server 0
frontend dockerfrontend
    bind 127.0.0.1:{port}
    http-request deny unless METH_GET || {{ env(POST) -m bool }}
    {lines}
    http-request deny
    default_backend dockerbackend
    use_backend docker-events if {{ {match}/events }}
"""


def dockreeve_policy():
    """As many rules as HAProxy has, of the same meaning, and what decides the two requests that are measured."""
    container = "~/containers/[a-zA-Z0-9_.-]+/"
    rules = ['{method: POST, path: "%s(stop|restart|kill)"}' % container,
             '{method: POST, path: "%sstart"}' % container,
             '{method: POST, path: "%sstop"}' % container]
    rules += ['{method: %s, path: "/%s%s"}' % (method, name, "/**" if name in BENEATH else "")
              for name, _, method in SECTIONS if name != "secrets"]
    lines = "".join(f"  - allow: {rule}\n" for rule in rules)
    return f'version: 1\ndocker:\n  - allow: "@all"\n  - deny: [SecretList]\n{lines}'


class Direct:
    """The client speaks to the upstream itself."""

    name, gate = "direct", False

    def start(self, work, upstream, core):
        self.port, self.pid, self.start_s = upstream.port, None, 0.0

    def stop(self):
        pass


class Gate:
    """A process between client and upstream. After start(): port, pid, and start_s from before fork to the first answer."""

    gate = True

    def start(self, work, upstream, core):
        self.port, self.log = free_port(), work / "gate.log"
        for path in glob.glob(f"{self.log}*"):
            os.unlink(path)
        argv, environment = self.prepare(work, upstream)
        with open(self.log, "ab") as log:
            begun = time.monotonic()
            self.process = spawn(core, argv, env=environment, stdout=log,
                                 stderr=subprocess.DEVNULL if self.quiet else None)
        self.pid = self.process.pid
        try:
            wait_for_answer(self.process, self.port)
        except RuntimeError:
            end(self.process)
            raise
        self.start_s = time.monotonic() - begun

    def stop(self):
        end(self.process)

    def logged_lines(self):
        """Lines of the log, rotated parts included."""
        count = 0
        for path in glob.glob(f"{self.log}*"):
            with open(path, "rb") as log:
                while piece := log.read(1 << 20):
                    count += piece.count(b"\n")
        return count


class HAProxy(Gate):
    quiet = True  # warns about the frontend's allow rules and about `timeout server 0`, as in the image

    def __init__(self, server_close):
        self.name = "HAProxy, http-server-close" if server_close else "HAProxy, kept-alive"
        self.server_close = server_close

    def prepare(self, work, upstream):
        config = work / "haproxy.cfg"
        config.write_text(haproxy_config(self.port, upstream.unix_path, self.server_close))
        variables = {name: "1" if name in ALLOWED_BY_ENV else "0" for _, name, _ in SECTIONS}
        variables.update(POST="1", ALLOW_RESTARTS="0", ALLOW_START="0", ALLOW_STOP="0")
        return [tool("haproxy"), "-db", "-f", str(config)], {**os.environ, **variables}


class Dockreeve(Gate):
    name, quiet = "Dockreeve", False

    def __init__(self, program):
        self.program = program

    def prepare(self, work, upstream):
        config, state = work / "policy.yaml", work / "state"
        config.write_text(dockreeve_policy())
        state.mkdir(mode=0o700, exist_ok=True)
        return [str(self.program), "serve", "--config", str(config), "--listen", f"tcp:127.0.0.1:{self.port}",
                "--upstream", f"unix:{upstream.unix_path}", "--log", str(self.log), "--state", str(state),
                "--denial-rate", "0", "--log-max-size", "0"], dict(os.environ)

# SPDX-License-Identifier: Apache-2.0
"""What the egress bench measures and how it is started: no proxy, a bare splice relay (the floor), tinyproxy, Squid, Dockreeve.

Every proxy listens on 127.0.0.1, is started anew for each measurement with an empty log, logs every request to a file, and has
the same rules: the origin by name and by address, and a list of denied names where the scenario has one."""

import os
import pwd
import shutil
import socket
import subprocess
import time

from contenders import CLIENT_CORE, end, free_port, spawn, tool

ORIGIN_NAME = "origin.bench.test"
DENIED = "denied.bench.test:443"


def listed_name(index):
    """The name with this number; tunnel_client.c has the same."""
    scattered = index * 2654435761 & 0xFFFFFFFF
    return f"{scattered:08x}.d{scattered & 0xFFF:03x}.test"


def wait_for_tunnel(process, port, target, deadline_s):
    """Polls without pause until a CONNECT is answered with 200."""
    give_up = time.monotonic() + deadline_s
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} before it answered")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=deadline_s) as client:
                client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
                if client.recv(4096)[8:12] == b" 200":
                    return
        except OSError:
            pass
    raise RuntimeError(f"{process.args[0]} admitted no tunnel on port {port} within {deadline_s} s")


class Origin:
    def __init__(self, programs, length):
        self.port = free_port()
        self.literal, self.named = f"127.0.0.1:{self.port}", f"{ORIGIN_NAME}:{self.port}"
        self.process = spawn(CLIENT_CORE, [str(programs / "tunnel_origin"), str(self.port), str(length)],
                             stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("tunnel_origin did not start")

    def stop(self):
        end(self.process)


class Direct:
    name, gate, logs, names = "no proxy", False, False, True

    def start(self, work, origin, core, list_length=0):
        self.port, self.pid, self.start_s = origin.port, None, 0.0

    def stop(self):
        pass


class Proxy:
    """After start(): port, pid, the log's path and start_s, from before fork to the first admitted tunnel. `names`: has a hosts
    table of its own."""

    gate, logs, names = True, True, True

    def start(self, work, origin, core, list_length=0):
        self.folder = work / "proxy"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o755)
        self.port, self.log, self.list_length = free_port(), self.folder / "access.log", list_length
        (self.folder / "hosts").write_text(f"127.0.0.1 {ORIGIN_NAME}\n")
        argv = self.prepare(origin)
        with open(self.folder / "output", "wb") as output:
            begun = time.monotonic()
            self.process = spawn(core, argv, stdout=output, stderr=output)
        self.pid = self.process.pid
        try:
            wait_for_tunnel(self.process, self.port, origin.literal, 120)
        except RuntimeError as error:
            end(self.process)
            raise RuntimeError(f"{error}\n{(self.folder / 'output').read_text()[-2000:]}") from None
        self.start_s = time.monotonic() - begun

    def stop(self):
        end(self.process)

    def logged_lines(self):
        count = 0
        with open(self.log, "rb") as log:
            while piece := log.read(1 << 20):
                count += piece.count(b"\n")
        return count


class Relay(Proxy):
    name, logs = "splice relay", False

    def __init__(self, programs):
        self.programs = programs

    def prepare(self, origin):
        return [str(self.programs / "splice_relay"), str(self.port), str(origin.port)]


class Tinyproxy(Proxy):
    """As distributions ship it: LogLevel Info to a file. Names come from the machine's resolver, so it has literal targets only."""

    name, names = "tinyproxy", False

    def prepare(self, origin):
        config = self.folder / "tinyproxy.conf"
        (self.folder / "filter").write_text("^127\\.0\\.0\\.1$\n")
        config.write_text(f"""Port {self.port}
Listen 127.0.0.1
Timeout 600
MaxClients 20000
LogFile "{self.log}"
LogLevel Info
Allow 127.0.0.1
Filter "{self.folder}/filter"
FilterExtended On
FilterDefaultDeny Yes
""")
        return [tool("tinyproxy"), "-d", "-c", str(config)]


class Squid(Proxy):
    """One process, no cache, its usual log line for each request."""

    name = "Squid"

    def prepare(self, origin):
        config, denied = self.folder / "squid.conf", ""
        if self.list_length > 0:
            with open(self.folder / "list", "w") as names:
                names.writelines(f"{listed_name(i)}\n" for i in range(self.list_length))
            denied = f'acl listed dstdomain -n "{self.folder}/list"\nhttp_access deny listed\n'
        config.write_text(f"""http_port 127.0.0.1:{self.port}
{denied}acl origin dstdomain -n 127.0.0.1 {ORIGIN_NAME}
http_access allow origin
http_access deny all
cache deny all
access_log stdio:{self.log} squid
cache_log {self.folder}/cache.log
cache_store_log none
netdb_filename none
pid_filename none
pinger_enable off
coredump_dir {self.folder}
hosts_file {self.folder}/hosts
dns_nameservers 127.0.0.1
shutdown_lifetime 0 seconds
max_filedescriptors 20000
""")
        if os.geteuid() == 0:  # then it becomes the user `proxy`, who must be able to write its logs
            os.chown(self.folder, pwd.getpwnam("proxy").pw_uid, -1)
        # The service name is that of its shared memory, which must be nobody else's.
        return [tool("squid"), "-N", "-n", f"bench{os.getpid()}", "-f", str(config)]


class Dockreeve(Proxy):
    name = "Dockreeve"

    def __init__(self, program):
        self.program = program

    def prepare(self, origin):
        config, state = self.folder / "policy.yaml", self.folder / "state"
        with open(config, "w") as policy:
            policy.write(f"version: 1\nnetwork:\n  - allow: \"{origin.literal}\"\n  - allow: \"{origin.named}\"\n"
                         "    addresses: [127.0.0.0/8]\n")
            policy.writelines(f"  - deny: {listed_name(i)}\n" for i in range(self.list_length))
        state.mkdir(mode=0o700)
        return [str(self.program), "serve", "--config", str(config), "--egress", f"127.0.0.1:{self.port}",
                "--hosts", f"{self.folder}/hosts", "--log", str(self.log), "--state", str(state),
                "--denial-rate", "0", "--log-max-size", "0", "--max-connections", "20000",
                "--max-client-connections", "20000", "--max-tunnels", "20000"]

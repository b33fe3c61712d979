# SPDX-License-Identifier: Apache-2.0
"""A network namespace of the test's own, in which it may give the machine any address: nothing of it is seen outside, and nothing
in it leaves the machine. Needs rights that not every user has.

    network = Network()                             # raises Unavailable
    network.add("198.20.0.7")                       # an address of the machine in there; at any time
    gate.start(preexec=network.enter)               # a child process in there; unix sockets lead to it
    with network.entered():                         # sockets that this thread makes are in there, and stay there
        origin = Origin(echo, host="198.20.0.7")"""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import threading

from .gate import wait_for

CLONE_NEWNET = 0x40000000
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS, SIOCGIFINDEX = 0x8916, 0x891C, 0x8914, 0x8933
UP_AND_RUNNING = 0x1 | 0x40
HERE = "/proc/thread-self/ns/net"
libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """There is no such network for this user."""


def call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def can_bind(packed):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(ipaddress.ip_address(packed)), 0))
        except OSError:
            return False
    return True


class Namespace:
    """The network in an open file of /proc/PID/ns/net."""

    def __init__(self, file):
        self.file = file

    def close(self):
        os.close(self.file)

    def enter(self):
        call(libc.setns, self.file, CLONE_NEWNET)

    @contextlib.contextmanager
    def entered(self):
        back = os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.enter()
            try:
                yield self
            finally:
                call(libc.setns, back, CLONE_NEWNET)
        finally:
            os.close(back)


class Network(Namespace):
    def __init__(self):
        super().__init__(None)
        self.aliases = 0
        made = threading.Thread(target=self.make)
        made.start()
        made.join()
        if self.file is None:
            raise Unavailable
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", UP_AND_RUNNING))

    def make(self):
        """On a thread that ends: it alone is in the new namespace, which lives as long as its file is open."""
        try:
            call(libc.unshare, CLONE_NEWNET)
        except OSError:
            return
        self.file = os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)

    def add(self, address):
        """One more address of the machine, on its loopback interface."""
        packed = ipaddress.ip_address(address).packed
        with self.entered():
            if len(packed) == 4:
                self.add_v4(packed)
            else:
                self.add_v6(packed)

    def add_v4(self, packed):
        self.aliases += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for request, value in ((SIOCSIFADDR, packed), (SIOCSIFNETMASK, b"\xff" * 4)):
                fcntl.ioctl(control, request, struct.pack("16sHH4s8x", b"lo:%d" % self.aliases, socket.AF_INET, 0, value))

    def add_v6(self, packed):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
            index = struct.unpack("16si", fcntl.ioctl(control, SIOCGIFINDEX, struct.pack("16si", b"lo", 0)))[1]
            fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sIi", packed, 128, index))
        wait_for(lambda: can_bind(packed), "an address that the kernel takes into use by and by")

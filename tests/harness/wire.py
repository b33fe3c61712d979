# SPDX-License-Identifier: Apache-2.0
"""A second, independent reader of HTTP/1.1, strict on purpose. Both the recording engine and the client use it: whatever the
gate writes to either side must be acceptable to it, or the test fails."""

import array
import fcntl
import re
import select
import socket
import struct
import termios
import time

DEADLINE = 15.0  # seconds; reached only when something is broken

REQUEST_LINE = re.compile(rb"^([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.1$")
PROXY_REQUEST_LINE = re.compile(rb"^([A-Z]+) (http://[\x21-\x7e]+/[\x21-\x7e]*|[\x21-\x7e]+:[0-9]+) HTTP/1\.1$")  # to a proxy
STATUS_LINE = re.compile(rb"^HTTP/1\.([01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)$")
FIELD_LINE = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$")
CHUNK_SIZE = re.compile(rb"^[0-9A-Fa-f]{1,16}$")
DIGITS = re.compile(rb"^[0-9]{1,18}$")


class Malformed(Exception):
    """Bytes that no strict reader accepts."""


class Ended(Exception):
    """The peer closed before the message was complete. `partial` is what had arrived."""

    def __init__(self, partial):
        super().__init__("connection ended after %r" % bytes(partial[-200:]))
        self.partial = bytes(partial)


class Fields(list):
    """Header fields in their order, as (name, value) texts."""

    def all(self, name):
        return [value for key, value in self if key.lower() == name.lower()]

    def one(self, name):
        values = self.all(name)
        if len(values) > 1:
            raise Malformed("%s is repeated: %r" % (name, values))
        return values[0] if values else None


def parse_fields(lines):
    fields = Fields()
    for line in lines:
        match = FIELD_LINE.match(line)
        if not match:
            raise Malformed("bad field line %r" % line)
        fields.append((match.group(1).decode("ascii"), match.group(2).decode("latin-1")))
    return fields


def split_head(head):
    """The lines of a head that ends in an empty line, refusing CR or LF anywhere else."""
    if not head.endswith(b"\r\n\r\n"):
        raise Malformed("head does not end in an empty line: %r" % head[-40:])
    lines = head[:-4].split(b"\r\n")
    for line in lines:
        if b"\r" in line or b"\n" in line:
            raise Malformed("bare CR or LF in %r" % line)
    return lines


def framing(fields):
    """("none", 0), ("length", n) or ("chunked", 0); anything ambiguous is Malformed."""
    lengths = fields.all("Content-Length")
    codings = fields.all("Transfer-Encoding")
    if lengths and codings:
        raise Malformed("Content-Length beside Transfer-Encoding")
    if len(lengths) > 1 or len(codings) > 1:
        raise Malformed("repeated framing field")
    if codings:
        if codings[0] != "chunked":
            raise Malformed("transfer coding %r" % codings[0])
        return "chunked", 0
    if lengths:
        if not DIGITS.match(lengths[0].encode("latin-1")):
            raise Malformed("Content-Length %r" % lengths[0])
        return "length", int(lengths[0])
    return "none", 0


class Stream:
    """A socket with a buffer. `received` keeps every byte that ever arrived."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.buffer = bytearray()
        self.received = bytearray()
        self.keep = True

    def fill(self):
        """Waits for more bytes; False at the end of the peer's sending."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        if self.keep:
            self.received += data
        return bool(data)

    def take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Ended(self.buffer)
        return self.take(count)

    def until(self, mark):
        at = self.buffer.find(mark)
        while at < 0:
            start = max(0, len(self.buffer) - len(mark))
            if not self.fill():
                raise Ended(self.buffer)
            at = self.buffer.find(mark, start)
        return self.take(at + len(mark))

    def to_end(self):
        """All until the peer ends; a peer that sends without end fails like one that sends nothing."""
        deadline = time.monotonic() + 4 * DEADLINE
        while self.fill():
            if time.monotonic() > deadline:
                raise TimeoutError("no end after %d bytes" % len(self.received))
        return self.take(len(self.buffer))

    def ended(self):
        """True when the peer sends nothing more and says so; waits for that. False when more bytes come."""
        return not self.buffer and not self.fill()

    def quiet(self, seconds=0.15):
        """True when nothing arrives for a moment. Only for proving that something does *not* happen."""
        if self.buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            return not self.fill()
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(DEADLINE)

    def chunk(self):
        """The data of the next chunk, b"" for the last one. Extensions and trailers are Malformed."""
        size = self.until(b"\r\n")[:-2]
        if not CHUNK_SIZE.match(size):
            raise Malformed("chunk size line %r" % size)
        data = self.exactly(int(size, 16))
        if self.exactly(2) != b"\r\n":
            raise Malformed("chunk data does not end in CRLF")
        return data

    def body(self, kind, length):
        if kind == "length":
            return self.exactly(length)
        if kind == "chunked":
            parts = []
            while True:
                data = self.chunk()
                if not data:
                    return b"".join(parts)
                parts.append(data)
        return b""

    def send(self, data):
        self.sock.sendall(data)

    def send_until_full(self, data, moment=0.2):
        """Sends data again and again until nobody takes any more of it: the other side has stopped reading and the kernel's queues
        are full. They have room for a moment at most while the other side still reads, so full is what stays full so long."""
        self.sock.setblocking(False)
        poller = select.poll()
        poller.register(self.sock, select.POLLOUT)
        try:
            while poller.poll(moment * 1000):
                try:
                    self.sock.send(data)
                except BlockingIOError:
                    pass
        finally:
            self.sock.settimeout(DEADLINE)

    def waiting(self):
        """Bytes that have arrived and that nobody has read yet."""
        count = array.array("i", [0])
        fcntl.ioctl(self.sock, termios.FIONREAD, count)
        return len(self.buffer) + count[0]

    def finish_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection at once (TCP: RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()

# SPDX-License-Identifier: Apache-2.0
"""ClientHello messages to measure (RFC 8446 section 4.1.2, RFC 6066 section 3), good ones and bad ones, cut into records at will."""

import hashlib
import os
import struct

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
SERVER_NAME, ALPN, PADDING, SUPPORTED_VERSIONS, ECH = 0, 16, 21, 43, 0xFE0D


def vector(size, data):
    """A vector with its length in `size` bytes in front."""
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack(">H", kind) + vector(2, data)


def server_name(*names, kind=0):
    """One server_name extension whose list has these names."""
    return extension(SERVER_NAME, vector(2, b"".join(bytes([kind]) + vector(2, name if isinstance(name, bytes) else name.encode()) for name in names)))


def ech():
    """An encrypted_client_hello extension as GREASE has it: outer, and bytes nobody can read."""
    return extension(ECH, b"\x00" + struct.pack(">HHB", 1, 1, 7) + vector(2, os.urandom(32)) + vector(2, os.urandom(144)))


def handshake(*extensions, versions=(0x0304, 0x0303), session=b"s" * 32):
    """The handshake message, without record headers."""
    listed = b"".join(extensions) + extension(SUPPORTED_VERSIONS, vector(1, b"".join(struct.pack(">H", v) for v in versions)))
    body = struct.pack(">H", 0x0303) + b"r" * 32 + vector(1, session) + vector(2, b"\x13\x01\xc0\x2f") + vector(1, b"\x00") + vector(2, listed)
    return b"\x01" + vector(3, body)


def records(message, *cuts, size=16384, version=0x0301):
    """The message in records: cut at the given offsets, or every `size` bytes."""
    edges = [0, *cuts, len(message)] if cuts else [*range(0, len(message), size), len(message)]
    return b"".join(struct.pack(">BHH", HANDSHAKE, version, last - first) + message[first:last] for first, last in zip(edges, edges[1:]))


def hello(name=None, *extensions, alpn=(), **options):
    """A ClientHello in one record; name None: no SNI."""
    first = (server_name(name),) if name is not None else ()
    listed = (extension(ALPN, vector(2, b"".join(vector(1, p.encode()) for p in alpn))),) if alpn else ()
    return records(handshake(*first, *listed, *extensions, **options))


def record(kind, data, version=0x0303):
    return struct.pack(">BH", kind, version) + vector(2, data)


def server_hello(random=b"R" * 32):
    """The handshake message of a server (RFC 8446 section 4.1.3); with RETRY as random it asks for another ClientHello."""
    listed = extension(SUPPORTED_VERSIONS, b"\x03\x04") + (extension(51, b"\x00\x18") if random == RETRY else b"")
    return b"\x02" + vector(3, b"\x03\x03" + random + vector(1, b"s" * 32) + b"\x13\x01\x00" + vector(2, listed))


RETRY = hashlib.sha256(b"HelloRetryRequest").digest()
CCS = record(CHANGE_CIPHER_SPEC, b"\x01")


def is_alert(data, *descriptions):
    """Whether data is exactly one fatal alert record with one of the descriptions (any, when none is given)."""
    return len(data) == 7 and data[0] == ALERT and data[1] == 3 and data[3:6] == b"\x00\x02\x02" and (not descriptions or data[6] in descriptions)

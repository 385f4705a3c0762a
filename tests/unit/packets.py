"""Plain packets of the unit tests, made without any packet library."""

from __future__ import annotations

import ctypes
import struct
from itertools import pairwise

from tunnel.batch import Batch

ROOM = 64 + 32                     # headroom and tailroom
MACS = bytes.fromhex("020000000002020000000001")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def datagram(port: int = 53, payload: bytes = b"") -> bytes:
    """An IPv4 packet with UDP to ``port``, without a UDP checksum."""
    size = 28 + len(payload)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", 1024, port, 8 + len(payload), 0) + payload


def frame(port: int = 53, payload: bytes = b"") -> bytes:
    """``datagram`` in an Ethernet frame."""
    return MACS + b"\x08\x00" + datagram(port, payload)


def numbered(count: int, start: int = 0) -> list[bytes]:
    """Frames that differ in their payload."""
    return [frame(payload=number.to_bytes(4, "big")) for number in range(start, start + count)]


def gaps(batch: Batch) -> list[int]:
    """Bytes between the end of each packet and the beginning of the next, by where they lie in memory."""
    places = [(ctypes.addressof(ctypes.c_char.from_buffer(p.view)), len(p)) for p in batch]
    return [after - (at + size) for (at, size), (after, _) in pairwise(places)]

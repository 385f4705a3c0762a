"""The blocks of a pcapng file of one interface, with nanoseconds, in this machine's byte order.

draft-ietf-opsawg-pcapng. A packet's block is written by whoever has many of them
(``ext/devices/pcap.pyx``), or by ``packet``.
"""

from __future__ import annotations

import struct

# https://www.tcpdump.org/linktypes.html
LINKTYPE_ETHERNET, LINKTYPE_RAW = 1, 101

SECTION, INTERFACE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 5, 6
NANOSECONDS = 9  # if_tsresol: a negative power of ten
INBOUND, OUTBOUND = 1, 2  # epb_flags


def beginning(medium: str) -> bytes:
    """Section and interface block; ``medium`` is ``ethernet`` or ``ip``."""
    link = LINKTYPE_ETHERNET if medium == "ethernet" else LINKTYPE_RAW
    section = struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, b"tunnel") + _option(0, b"")
    interface = struct.pack("=HHI", link, 0, 0) + _option(9, bytes([NANOSECONDS])) + _option(0, b"")
    return _block(SECTION, section) + _block(INTERFACE, interface)


def packet(captured: bytes, size: int, time_ns: int, direction: int) -> bytes:
    """A packet that had ``size`` bytes, INBOUND or OUTBOUND; ``time_ns`` since the epoch."""
    head = struct.pack("=IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(captured), size)
    options = _option(2, struct.pack("=I", direction)) + _option(0, b"")
    return _block(ENHANCED, head + captured + bytes(-len(captured) % 4) + options)


def ending(now_ns: int, received: int, dropped: int) -> bytes:
    """Interface statistics: packets that came, and how many of them could not be written."""
    head = struct.pack("=III", 0, now_ns >> 32, now_ns & 0xFFFFFFFF)
    counts = _option(4, struct.pack("=Q", received)) + _option(5, struct.pack("=Q", dropped))
    return _block(STATISTICS, head + counts + _option(0, b""))


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack("=II", kind, 12 + len(body)) + body + struct.pack("=I", 12 + len(body))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)

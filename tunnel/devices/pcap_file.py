"""Options of a ``Pcap`` device, link types, and the blocks of pcapng that are written once a file."""

from __future__ import annotations

import os
import stat
import struct
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tunnel.errors import DeviceError

# https://www.tcpdump.org/linktypes.html
LINKTYPE_ETHERNET, LINKTYPE_RAW = 1, 101
LINK_NAMES = {0: "BSD loopback", 105: "IEEE 802.11", 113: "Linux cooked", 127: "radiotap", 276: "Linux cooked v2"}

SECTION, INTERFACE, STATISTICS = 0x0A0D0D0A, 1, 5
NANOSECONDS = 9  # if_tsresol: a negative power of ten


class PcapOptions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a ``Pcap`` is made from; the keys of its table in a graph file."""

    path: Annotated[str, Meta(min_length=1, description="the file")]
    mode: Annotated[Literal["r", "w"], Meta(description='"r": read pcap or pcapng; "w": write pcapng')] = "r"
    medium: Annotated[Literal["ethernet", "ip"], Meta(description="what its packets begin with")] = "ethernet"


def open_capture(options: PcapOptions) -> int:
    """A descriptor of the file; one to write is emptied, and readable by its owner only."""
    flags = os.O_RDONLY if options.mode == "r" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        fd = os.open(options.path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DeviceError(f"{options.path}: {error.strerror}", error.errno or 0) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DeviceError(f"{options.path}: a regular file was expected")
    return fd


def beginning(medium: str) -> bytes:
    """Section and interface block of a file with one interface and nanoseconds."""
    link = LINKTYPE_ETHERNET if medium == "ethernet" else LINKTYPE_RAW
    section = struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, b"tunnel") + _option(0, b"")
    interface = struct.pack("=HHI", link, 0, 0) + _option(9, bytes([NANOSECONDS])) + _option(0, b"")
    return _block(SECTION, section) + _block(INTERFACE, interface)


def ending(now_ns: int, received: int, dropped: int) -> bytes:
    """Interface statistics: packets that came, and how many of them could not be written."""
    head = struct.pack("=III", 0, now_ns >> 32, now_ns & 0xFFFFFFFF)
    counts = _option(4, struct.pack("=Q", received)) + _option(5, struct.pack("=Q", dropped))
    return _block(STATISTICS, head + counts + _option(0, b""))


def link_name(link: int) -> str:
    """A link type as a person may know it."""
    return f"{LINK_NAMES[link]} (link type {link})" if link in LINK_NAMES else f"link type {link}"


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack("=II", kind, 12 + len(body)) + body + struct.pack("=I", 12 + len(body))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)

"""Options of a ``Pcap`` device, its file, and the names of link types."""

from __future__ import annotations

import os
import stat
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tunnel.errors import DeviceError

# https://www.tcpdump.org/linktypes.html
LINK_NAMES = {0: "BSD loopback", 105: "IEEE 802.11", 113: "Linux cooked", 127: "radiotap", 276: "Linux cooked v2"}


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


def link_name(link: int) -> str:
    """A link type as a person may know it."""
    return f"{LINK_NAMES[link]} (link type {link})" if link in LINK_NAMES else f"link type {link}"

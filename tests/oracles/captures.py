"""Capture files of both formats, block by block, written with struct alone."""

from __future__ import annotations

import struct


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block; the body is padded."""
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", link: int = 1, snaplen: int = 0) -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + struct.pack(order + "HHBxxx", 9, 1, 9), order)


def enhanced(data: bytes, order: str = "<", number: int = 0) -> bytes:
    return block(6, struct.pack(order + "5I", number, 1, 2, len(data), len(data)) + data, order)


def pcap_file(frames: list[bytes], order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack(order + "4I", 1, 2, len(f), len(f)) + f for f in frames)

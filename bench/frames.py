"""A mix of Ethernet frames as a busy access link shows them, made without any packet library."""

from __future__ import annotations

import struct

MACS = bytes.fromhex("020000000002020000000001")
ICMP, TCP, UDP, FRAGMENT = 1, 6, 17, 44


def mixed(count: int) -> list[bytes]:
    """``count`` frames of twelve kinds in turn: mostly TCP and UDP over both IP versions, some tagged."""
    return [(kinds := _kinds(i))[i % len(kinds)] for i in range(count)]


def _kinds(i: int) -> list[bytes]:
    """One frame of each kind, with addresses and ports that depend on ``i``."""
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + MACS[6:] + _host4(i) + bytes(6) + _host4(i + 1)
    ping = struct.pack("!BBHHH", 8, 0, 0, i, 1) + bytes(56)
    tag = struct.pack("!HH", i % 4095, 0x0800)
    tags = struct.pack("!HHHH", i % 4095, 0x8100, 7, 0x0800)
    first_fragment = struct.pack("!BBHI", UDP, 0, 1, i) + _udp(i, 1200)
    return [
        _ethernet(0x0800, _ipv4(i, TCP, _tcp(i, 1400))),
        _ethernet(0x0800, _ipv4(i, UDP, _udp(i, 64))),
        _ethernet(0x86DD, _ipv6(i, TCP, _tcp(i, 1380))),
        _ethernet(0x0800, _ipv4(i, TCP, _tcp(i, 0))),
        _ethernet(0x0800, _ipv4(i, UDP, _udp(i, 1300))),
        _ethernet(0x8100, tag + _ipv4(i, UDP, _udp(i, 200))),
        _ethernet(0x86DD, _ipv6(i, UDP, _udp(i, 300))),
        _ethernet(0x0800, _ipv4(i, TCP, _tcp(i, 100), options=b"\x94\x04\0\0")),
        _ethernet(0x88A8, tags + _ipv4(i, TCP, _tcp(i, 600))),
        _ethernet(0x0800, _ipv4(i, ICMP, ping)),
        _ethernet(0x86DD, _ipv6(i, FRAGMENT, first_fragment)),
        _ethernet(0x0806, arp),
    ]


def _ethernet(ethertype: int, payload: bytes) -> bytes:
    return MACS + struct.pack("!H", ethertype) + payload


def _ipv4(i: int, proto: int, payload: bytes, options: bytes = b"") -> bytes:
    size = 20 + len(options)
    words = struct.pack("!BBHHHBB", 0x40 | size // 4, 0, size + len(payload), i, 0x4000, 64, proto)
    addresses = _host4(i) + _host4(i * 7 + 1)
    checksum = _internet_checksum(words + addresses + options)
    return words + struct.pack("!H", checksum) + addresses + options + payload


def _ipv6(i: int, proto: int, payload: bytes) -> bytes:
    fixed = struct.pack("!IHBB", 0x60000000, len(payload), proto, 64)
    prefix = bytes.fromhex("fd08") + bytes(10)
    return fixed + prefix + _host4(i) + prefix + _host4(i + 1) + payload


def _tcp(i: int, size: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 1024 + i, 443, i, i, 0x50, 0x10, 65535, 0, 0) + bytes(size)


def _udp(i: int, size: int) -> bytes:
    return struct.pack("!HHHH", 1024 + i, 53, 8 + size, 0) + bytes(size)


def _host4(i: int) -> bytes:
    return struct.pack("!BBH", 10, 8, i % 65000 + 1)


def _internet_checksum(header: bytes) -> int:
    """RFC 1071, of an even number of bytes without the checksum field."""
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

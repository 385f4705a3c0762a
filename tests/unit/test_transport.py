"""The table behind the parser, seen through it: every protocol number has a row that reads nothing."""

from __future__ import annotations

import struct

import pytest

from tunnel import reasons
from tunnel.batch import Batch
from tunnel.packet import IP

LEAST = {1: 8, 2: 8, 6: 20, 17: 8, 47: 4, 50: 8, 58: 8, 132: 12, 136: 8}
WITH_PORTS = {6, 17, 132, 136}


def ip4(proto: int, size: int) -> bytes:
    rest = struct.pack("!HHHHIB", 7, 8, size, 0, 0, 0x50).ljust(size, b"\0")[:size]
    return struct.pack("!BBHHHBBHII", 0x45, 0, 20 + size, 0, 0, 64, proto, 0, 1, 2) + rest


@pytest.mark.parametrize("proto", range(256))
def test_least_size_and_ports(proto: int):
    least = LEAST.get(proto, 0)
    batch = Batch.of([ip4(proto, size) for size in range(40)], medium=IP)
    assert [p.reason == reasons.UNCLAIMED for p in batch] == [size >= least for size in range(40)]
    for p in list(batch)[least:]:
        assert p.l4 == (None if proto == 59 else 20)
        assert (p.sport, p.dport) == ((7, 8) if proto in WITH_PORTS else (None, None))


@pytest.mark.parametrize(("first", "second", "size"), [
    (0x00, 0, 4), (0x80, 0, 8), (0x40, 0, 8), (0xC0, 0, 8), (0x20, 0, 8), (0x30, 0, 12), (0xB0, 0, 16),
    (0x30, 0x81, 16),
])
def test_fields_of_gre(first: int, second: int, size: int):
    packet = ip4(47, 40)[:20] + bytes([first, second]) + b"\0" * 38
    batch = Batch.of([packet], medium=IP)
    assert batch[0].payload_offset == 20 + size


@pytest.mark.parametrize("proto", [0, 43, 44, 51, 60, 135, 139, 140])
def test_extensions_of_ipv6_are_none_of_ipv4(proto: int):
    batch = Batch.of([ip4(proto, 16)], medium=IP)
    assert (batch[0].proto, batch[0].l4, batch[0].payload_offset) == (proto, 20, 20)

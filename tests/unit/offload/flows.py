"""Packets of flows for the tests of coalescing, and what is left of them afterwards."""

from __future__ import annotations

from typing import Any

from tests.oracles import frames as wire
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.offload.coalesce import coalesce
from tunnel.offload.fit import fit
from tunnel.packet import F_ALL, IP

FULL = 100  # payload bytes of a segment, unless told
TCP, UDP = wire.TCP, wire.UDP


def network(version: int, **fields: Any) -> wire.Packet:
    """An IPv4 or IPv6 header."""
    if version == 4:
        return wire.IP(**{"src": "10.0.0.1", "dst": "10.0.0.2", "flags": "DF", "id": 0} | fields)
    return wire.IPv6(**{"src": "fd00::1", "dst": "fd00::2"} | fields)


def body(at: int, size: int) -> bytes:
    """Bytes of a stream from ``at`` on, which tell their place."""
    return bytes((at + i) * 7 % 251 for i in range(size))


def tcp(at: int = 0, size: int = FULL, version: int = 4, flags: str = "A", ip: Any = None, **fields: Any) -> bytes:
    """A TCP packet whose payload begins ``at`` bytes into the stream; complete checksums."""
    head = TCP(**{"sport": 1000, "dport": 80, "seq": at & 0xFFFFFFFF, "ack": 7, "flags": flags} | fields)
    return bytes(network(version, **ip or {}) / head / body(at, size))


def udp(number: int = 0, size: int = FULL, version: int = 4, ip: Any = None, **fields: Any) -> bytes:
    """A UDP packet."""
    head = UDP(**{"sport": 1000, "dport": 53} | fields)
    return bytes(network(version, **ip or {}) / head / body(number, size))


def joined(packets: list[bytes], accepts: int = F_ALL, medium: int = IP) -> list[tuple[int, int]]:
    """Segments and payload bytes of each packet behind a coalescing."""
    batch = Batch.of(packets, medium=medium)
    assert [p.reason for p in batch] == [reasons.UNCLAIMED] * len(batch)
    coalesce(batch, accepts=accepts)
    assert sum(p.segments for p in batch) == len(packets)
    return [(p.segments, len(p) - p.payload_offset) for p in batch]


def counts(packets: list[bytes], accepts: int = F_ALL, medium: int = IP) -> list[int]:
    """How many packets each of those behind it stands for."""
    return [segments for segments, _ in joined(packets, accepts, medium)]


def there_and_back(packets: list[bytes], accepts: int = F_ALL, medium: int = IP) -> list[bytes]:
    """Coalesced, then cut again."""
    batch = Batch.of(packets, medium=medium)
    coalesce(batch, accepts=accepts)
    again = fit(batch)
    assert [reasons.name(p.reason) for p in again] == ["UNCLAIMED"] * len(packets)
    return [p.data for p in again]


def unnumbered(data: bytes, l3: int = 0) -> bytes:
    """The packet with its IPv4 identification, if DF says that nobody needs it, and header checksum at 0."""
    if data[l3] >> 4 != 4 or not data[l3 + 6] & 0x40:
        return data
    return data[: l3 + 4] + b"\0\0" + data[l3 + 6 : l3 + 10] + b"\0\0" + data[l3 + 12 :]

"""Cutting a super-packet of 64 KiB into 45 segments, and finishing 256 checksums."""

from __future__ import annotations

import struct

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel import offload
from tunnel.batch import Batch
from tunnel.packet import IP

TCPV4, MSS, TCP_CHECKSUM = 1, 1448, 16
HEADERS = 52
ROUNDS = 500


def tcp(payload: int) -> bytes:
    """A TCP packet over IPv4 with 12 bytes of options."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, HEADERS + payload, 1, 0x4000, 64, 6, 0, 0x0A000001, 0x0A000002)
    return head + struct.pack("!HHIIBBHHH12x", 4000, 443, 1, 1, 0x80, 0x10, 500, 0, 0) + bytes(payload)


def laid(packets: list[bytes], gso_size: int) -> Batch:
    """A batch of them, each with an unfinished checksum."""
    batch = Batch.of(packets, medium=IP)
    for p in batch:
        offload.declare(
            p, gso_type=TCPV4 if gso_size else 0, gso_size=gso_size, csum_start=20, csum_offset=TCP_CHECKSUM
        )
    return batch


def test_segment(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one super-packet."""
    whole = tcp(45 * MSS)
    out = benchmark.pedantic(  # type: ignore[no-untyped-call]
        offload.fit, setup=lambda: ((laid([whole], MSS),), {}), rounds=ROUNDS
    )
    assert len(out) == 45


def test_checksum(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 256 packets of 1,500 bytes."""
    packets = [tcp(MSS)] * 256
    out = benchmark.pedantic(  # type: ignore[no-untyped-call]
        offload.fit, setup=lambda: ((laid(packets, 0),), {}), rounds=ROUNDS
    )
    assert not any(p.needs_csum for p in out)

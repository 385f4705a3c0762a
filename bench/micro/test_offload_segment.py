"""Cutting a super-packet of 45 segments of 1,400 bytes."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import MSS, ROUNDS, declared, tcp
from tunnel.batch import Batch
from tunnel.offload.segment import cut
from tunnel.packet import Packet

SEGMENTS = 45


def test_segment(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one super-packet."""
    batch, whole = Batch(), tcp(SEGMENTS * MSS)

    def anew() -> tuple[tuple[Packet, Batch], dict[str, object]]:
        declared(batch, [whole], MSS)
        return (batch[0], batch), {}

    assert benchmark.pedantic(cut, setup=anew, rounds=ROUNDS) == 0  # type: ignore[no-untyped-call]

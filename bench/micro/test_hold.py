"""A store's put and release of 256 packets of each slot size."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.hold import Hold

PACKETS = 256


@pytest.mark.parametrize("size", [64, 1400, 9000])
def test_hold(benchmark: BenchmarkFixture, size: int) -> None:
    """Time a round is that of 256 packets in and out, through the Python face."""
    hold, released = Hold(64 << 20), Batch()
    batch = Batch.of([bytes(12) + b"\x88\xb5" + bytes(size - 14)] * PACKETS)

    def through() -> None:
        for index in range(PACKETS):
            hold.put(batch, index)
        while hold.release(released):
            pass

    benchmark.pedantic(through, setup=released.clear, rounds=200)  # type: ignore[no-untyped-call]

"""A Memory device by itself: one copy in, one copy out. Time a round is that of 256 mixed frames."""

from __future__ import annotations

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.devices.memory import Memory


def test_across(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """Sent by one end, received by the other."""
    left, right = Memory.pair()
    left.open()
    right.open()
    into = Batch()

    def across(batch: Batch) -> None:
        assert left.send(batch) == 256
        while right.recv(into):
            into.clear()

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        across, setup=lambda: ((Batch.of(shuffled()),), {}), rounds=300
    )

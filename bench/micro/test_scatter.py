"""Scatter: all one way, and two ways in turn. Time a round is that of 1,024 mixed frames through a plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.batch import Batch
from tunnel.handler import Handler


class Split(Handler):
    """Every ``nth`` packet goes nowhere, the others on; decided by column, so that scatter weighs."""

    ports = ("a", "b")

    def __init__(self, nth: int) -> None:
        way = [1] * 16384
        way[::nth] = [0] * len(way[::nth])
        self.way = memoryview(b"".join(port.to_bytes(2, "little") for port in way)).cast("H")

    def process(self, batch: Batch) -> None:
        """As told."""
        batch.egress[:] = self.way[: len(batch)]


@pytest.mark.parametrize("nth", [2, 16, 1024])
def test_scatter(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], nth: int) -> None:
    """Half, a sixteenth, none of the packets leave the common way."""
    path = Path(Split(nth))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        path.breathe, setup=lambda: path.laid(shuffled()), rounds=200
    )

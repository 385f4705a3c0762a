"""The data path over Memory devices. Time a round is that of 1,024 mixed frames, both copies of Memory in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire


class Forward(Handler):
    """Python, packet by packet: reads the five-tuple and sends it on."""

    ports = ("a", "b")

    def process(self, batch: Batch) -> None:
        """All that comes leaves by the other port."""
        for p in batch:
            if p.five_tuple:
                p.egress = 1


class Column(Handler):
    """Python, by column."""

    ports = ("a", "b")
    way = memoryview(bytes(b"\1\0" * 16384)).cast("H")

    def process(self, batch: Batch) -> None:
        """All that comes leaves by the other port."""
        batch.egress[:] = self.way[: len(batch)]


@pytest.mark.parametrize("length", [0, 1, 2, 8])
def test_native(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], length: int) -> None:
    """Wires in a row: the difference of two figures is a stage with its scatter."""
    path = Path(*(Wire() for _ in range(length)))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        path.breathe, setup=lambda: path.laid(shuffled()), rounds=200
    )


@pytest.mark.parametrize("kind", [Forward, Column])
def test_python(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], kind: type[Handler]) -> None:
    """One handler written in Python."""
    path = Path(kind())
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        path.breathe, setup=lambda: path.laid(shuffled()), rounds=200
    )

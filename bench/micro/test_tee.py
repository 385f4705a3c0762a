"""Tee's pass over 256 mixed frames."""

from __future__ import annotations

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.handlers.tee import Tee


def test_tee(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """Time a round is that of 256 frames and their clones."""
    handler = Tee()

    def laid() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(shuffled()),), {}

    benchmark.pedantic(handler.process, setup=laid, rounds=500)  # type: ignore[no-untyped-call]

"""Impair over 256 mixed frames: what chance costs, and what holding and letting go cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.handlers.impair import Impair


@pytest.mark.parametrize("options", [{}, {"loss_pct": 10, "corrupt_pct": 1}, {"delay_ms": 1, "jitter_ms": 1}], ids=str)
def test_impair(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], options: dict[str, float]) -> None:
    """Time a round is that of 256 frames in and, if held, out."""
    handler, released = Impair(**options), Batch()

    def laid() -> tuple[tuple[Batch], dict[str, object]]:
        released.clear()
        return (Batch.of(shuffled()),), {}

    def through(batch: Batch) -> None:
        handler.process(batch)
        handler.tick(1 << 60, released)

    benchmark.pedantic(through, setup=laid, rounds=500)  # type: ignore[no-untyped-call]

"""Views: what it costs to pin a breath's memory, and to rewind when nobody has."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch


@pytest.mark.parametrize("pinned", [False, True])
def test_breath(benchmark: BenchmarkFixture, pinned: bool) -> None:
    """One packet emitted and the arena rewound; with a view that pins, another chunk is taken."""
    batch = Batch()
    kept: list[memoryview] = []

    def breath() -> None:
        packet = batch.emit(b"x" * 64)
        if pinned:
            kept[:] = [packet.view]
        batch.clear()

    benchmark(breath)

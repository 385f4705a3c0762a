"""Look-ups of 4,096 indices among few and many, from Python, and indices that come and go."""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.tables.indices import Indices

LOOKUPS = 4096


def filled(count: int) -> tuple[Indices, list[int]]:
    """A table of ``count`` random indices, and these."""
    table, indices = Indices(count), random.Random(1).sample(range(1 << 32), count)
    for number, index in enumerate(indices):
        table.put(index, number)
    return table, indices


@pytest.mark.parametrize("count", [3, 1000, 100_000])
def test_find(benchmark: BenchmarkFixture, count: int) -> None:
    """Time a round is that of 4,096 indices that are there."""
    table, indices = filled(count)
    find, asked = table.find, random.Random(2).choices(indices, k=LOOKUPS)
    found = benchmark(lambda: [find(index) for index in asked])
    assert None not in found


def test_come_and_go(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of dropping and putting 4,096 of 100,000."""
    table, indices = filled(100_000)

    def round_trip() -> None:
        for index in indices[:LOOKUPS]:
            table.drop(index)
        for index in indices[:LOOKUPS]:
            table.put(index, 1)

    benchmark(round_trip)
    assert len(table) == len(indices)

"""A replay window under 4,096 counters, in order and shuffled within 64, from Python."""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.tables.replay import Replay

COUNT = 4096


@pytest.mark.parametrize("within", [1, 64])
def test_accept(benchmark: BenchmarkFixture, within: int) -> None:
    """Time a round is that of 4,096 counters."""
    chance = random.Random(1)
    counters = sorted(range(COUNT), key=lambda counter: counter + chance.randrange(within))

    def anew() -> tuple[tuple[Replay], dict[str, object]]:
        return (Replay(),), {}

    def accept(window: Replay) -> int:
        return sum([window.accept(counter) for counter in counters])

    taken = benchmark.pedantic(accept, setup=anew, rounds=100)  # type: ignore[no-untyped-call]
    assert taken == COUNT

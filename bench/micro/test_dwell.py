"""What a packet costs that comes while the plan stays in C: one wait, one breath."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.handlers.wire import Wire
from tunnel.reader import Reader


def test_a_stay_that_nothing_prolongs(benchmark: BenchmarkFixture) -> None:
    """The pause and its end: what the last packet of a burst costs in waiting, not in computing."""
    path = Path(Wire())
    path.plan.watch(path.inside, True)
    asked: list[Exception | None] = []
    benchmark(Reader(path.plan, path.inside, asked.append))
    assert asked == []

"""What a loop's wake-up costs when the device has nothing: the crossing into C and back."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.handlers.wire import Wire
from tunnel.reader import Reader


def test_nothing_to_read(benchmark: BenchmarkFixture) -> None:
    path = Path(Wire())
    asked: list[Exception | None] = []
    benchmark(Reader(path.plan, path.inside, asked.append))
    assert asked == []

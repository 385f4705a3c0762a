"""Making a plan of two devices and eight handlers: what a start costs."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.handlers.wire import Wire


def test_make(benchmark: BenchmarkFixture) -> None:
    path = benchmark(lambda: Path(*(Wire() for _ in range(8))))
    assert path.plan.deadline() == 0

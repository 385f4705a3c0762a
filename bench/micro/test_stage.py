"""The earliest deadline of 64 handlers, which is looked for after each breath."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.handlers.wire import Wire


def test_deadline(benchmark: BenchmarkFixture) -> None:
    wires = [Wire() for _ in range(64)]
    wires[63].deadline_ns = 5
    assert benchmark(Path(*wires).plan.deadline) == 5

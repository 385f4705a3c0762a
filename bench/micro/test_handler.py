"""Entering a native handler and a Python one with an empty batch: what a batch costs before its packets."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire


class Nothing(Handler):
    """Looks at nothing."""

    def process(self, batch: Batch) -> None:
        """Drops everything."""


def test_native(benchmark: BenchmarkFixture) -> None:
    benchmark(Wire().process, Batch())


def test_python(benchmark: BenchmarkFixture) -> None:
    benchmark(Nothing().process, Batch())

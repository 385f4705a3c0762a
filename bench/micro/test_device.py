"""The Python faces of a device's two verbs, with nothing to do: what a call costs before its packets."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.path import Path
from tunnel.batch import Batch
from tunnel.handlers.wire import Wire


def test_receive_nothing(benchmark: BenchmarkFixture) -> None:
    assert benchmark(Path(Wire()).inside.recv, Batch()) == 0


def test_send_nothing(benchmark: BenchmarkFixture) -> None:
    assert benchmark(Path(Wire()).source.send, Batch()) == 0

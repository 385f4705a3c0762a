"""Columns of a batch of 256 mixed frames: shown in place, and gathered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch


@pytest.mark.parametrize("name", ["egress", "proto", "src", "dport"])
def test_column(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], name: str) -> None:
    batch = Batch.of(shuffled())
    assert len(benchmark(getattr, batch, name)) == len(batch)

"""Memory for keys: 256 objects taken and given back."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.secret import Secret


@pytest.mark.parametrize("size", [32, 1200])
def test_secret(benchmark: BenchmarkFixture, size: int) -> None:
    """Time a round is that of 256 objects, through the Python face."""
    benchmark(lambda: [Secret(size) for _ in range(256)])

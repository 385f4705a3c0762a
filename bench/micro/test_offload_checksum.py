"""Summing by each loop, and verifying whole packets."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import tcp
from tunnel.batch import Batch
from tunnel.offload.checksum import total, total_copied, verify
from tunnel.packet import IP

SIZES = (64, 1400, 65000)


@pytest.mark.parametrize("portable", [False, True], ids=["vectors", "portable"])
@pytest.mark.parametrize("size", SIZES)
def test_sum(benchmark: BenchmarkFixture, size: int, portable: bool) -> None:
    """One call from Python, whose cost is that of no bytes at all: subtract ``test_nothing``."""
    assert benchmark(total, bytes(size), portable=portable) == 0


def test_nothing(benchmark: BenchmarkFixture) -> None:
    """The cost of the call."""
    assert benchmark(total, b"", portable=False) == 0


@pytest.mark.parametrize("size", SIZES)
def test_sum_while_copying(benchmark: BenchmarkFixture, size: int) -> None:
    """One call from Python."""
    assert benchmark(total_copied, bytearray(size), bytes(size)) == 0


@pytest.mark.parametrize("size", [64, 1400, 65000])
def test_verify(benchmark: BenchmarkFixture, size: int) -> None:
    """One packet of so many bytes of payload, from Python."""
    [packet] = Batch.of([tcp(size)], medium=IP)
    assert benchmark(verify, packet)

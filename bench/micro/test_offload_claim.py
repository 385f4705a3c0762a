"""Checking what a virtio header claims."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import MSS, declared, tcp
from tunnel.batch import Batch
from tunnel.offload.claim import check


def test_check(benchmark: BenchmarkFixture) -> None:
    """One super-packet, from Python."""
    batch = Batch()
    declared(batch, [tcp(45 * MSS)], MSS)
    assert benchmark(check, batch[0]) == 0

"""Finishing 256 checksums, and passing 256 packets that need nothing."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import MSS, ROUNDS, declared, tcp
from tunnel.batch import Batch
from tunnel.offload.fit import fit
from tunnel.packet import F_CSUM

PACKETS = [tcp(MSS)] * 256


@pytest.mark.parametrize("accepts", [0, F_CSUM], ids=["completed", "passed"])
def test_fit(benchmark: BenchmarkFixture, accepts: int) -> None:
    """Time a round is that of 256 packets of 1,400 bytes."""
    batch = Batch()

    def anew() -> tuple[tuple[Batch], dict[str, object]]:
        declared(batch, PACKETS, 0)
        return (batch,), {"accepts": accepts}

    out = benchmark.pedantic(fit, setup=anew, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    assert all(p.needs_csum == bool(accepts) for p in out)

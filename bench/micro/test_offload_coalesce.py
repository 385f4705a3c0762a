"""Joining batches of 64 packets: one flow, four, small ones, and such as cannot be joined."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import MSS, ROUNDS, fill, tcp, udp
from tunnel.batch import Batch
from tunnel.offload.coalesce import coalesce
from tunnel.packet import F_ALL, F_CSUM, F_TSO4

COUNT = 64
KINDS: dict[str, tuple[Callable[[int], bytes], int, int]] = {
    "tcp-1400": (lambda i: tcp(MSS, 1 + i * MSS), F_ALL, 2),
    "tcp-1400-four-flows": (lambda i: tcp(MSS, 1 + i // 4 * MSS, i % 4), F_ALL, 4),
    "udp-1400": (lambda i: udp(MSS, i), F_ALL, 2),
    "udp-64": (lambda i: udp(64, i), F_ALL, 1),
    "acks": (lambda i: tcp(0, 1), F_ALL, COUNT),
    "udp-not-taken": (lambda i: udp(64, i), F_CSUM | F_TSO4, COUNT),
    "tcp-with-gaps": (lambda i: tcp(MSS, 1 + 2 * i * MSS), F_ALL, COUNT),
}


@pytest.mark.parametrize("kind", KINDS)
def test_coalesce(benchmark: BenchmarkFixture, kind: str) -> None:
    """Time a round is that of 64 packets."""
    make, accepts, left = KINDS[kind]
    packets = [make(number) for number in range(COUNT)]
    batch = Batch()

    def anew() -> tuple[tuple[Batch], dict[str, object]]:
        fill(batch, packets)
        return (batch,), {"accepts": accepts}

    benchmark.pedantic(coalesce, setup=anew, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    assert len(batch) == left

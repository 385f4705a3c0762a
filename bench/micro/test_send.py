"""A receive of 64 packets through a wire to a device: what checking and joining cost a breath."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.offloads import MSS, ROUNDS, tcp, udp
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.handlers.wire import Wire
from tunnel.packet import F_ALL, IP
from tunnel.plan import Plan

COUNT = 64
CASES = {"taps": (F_ALL, F_ALL), "plain": (0, 0), "joined": (0, F_ALL)}
PACKETS = {"tcp-1400": [tcp(MSS, 1 + i * MSS) for i in range(COUNT)], "udp-64": [udp(64, i) for i in range(COUNT)]}


@pytest.mark.parametrize("kind", PACKETS)
@pytest.mark.parametrize("case", CASES)
def test_send(benchmark: BenchmarkFixture, case: str, kind: str) -> None:
    """Both copies of Memory are in it."""
    brings, accepts = CASES[case]
    inside, source = Memory.pair(medium=IP, brings=brings, accepts=brings)
    outside, sink = Memory.pair(medium=IP, brings=accepts, accepts=accepts)
    for device in (inside, source, outside, sink):
        device.open()
    wire = Wire()
    plan = Plan([wire], [inside, outside], [(inside, 0, wire, 0), (wire, 1, outside, 0)], strict=True)
    batch, out = Batch.of(PACKETS[kind], medium=IP), Batch()

    def anew() -> tuple[tuple[Memory, int], dict[str, object]]:
        while sink.recv(out):
            out.clear()
        assert source.send(batch) == COUNT
        return (inside, 0), {}

    benchmark.pedantic(plan.breathe, setup=anew, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    assert outside.counts()["tx"]["packets"] == COUNT * ROUNDS

"""What an exception costs: a handler raises for a packet, which is dropped, and goes on."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.plan import Plan


class Fails(Handler):
    """Raises for every batch."""

    def process(self, batch: Batch) -> None:
        """All of it is dropped as RAISED."""
        raise ZeroDivisionError


def test_raise(benchmark: BenchmarkFixture, frames: list[bytes]) -> None:
    outside, inside = Memory.pair()
    outside.open()
    inside.open()
    handler = Fails()
    plan = Plan([handler], [inside], [(inside, 0, handler, 0)], quarantine_after=1 << 31)
    packet = Batch.of(frames[:1])

    def fail() -> None:
        outside.send(packet)
        plan.breathe(inside, 0)

    benchmark(fail)
    assert handler.counts()["drops"]["RAISED"]["packets"] > 0

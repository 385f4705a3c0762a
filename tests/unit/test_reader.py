"""What a loop calls: one breath, and its owner only where something is to be seen to."""

from __future__ import annotations

from tests.unit.packets import frame
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.errors import DeviceClosed
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.plan import Plan
from tunnel.reader import Reader


class Alarm(Handler):
    """Consumes everything; asks for a tick as soon as a packet has come."""

    def process(self, batch: Batch) -> None:
        """Takes note of the time."""
        self.deadline_ns = batch.now_ns + 1


def reading(handler: Handler) -> tuple[Memory, Memory, Plan, Reader, list[Exception | None]]:
    outside, inside = Memory.pair()
    outside.open()
    inside.open()
    plan = Plan([handler], [inside], [(inside, 0, handler, 0)])
    asked: list[Exception | None] = []
    return outside, inside, plan, Reader(plan, inside, asked.append), asked


def test_a_breath_that_asks_for_nothing_calls_nobody():
    outside, inside, _, reader, asked = reading(Wire())
    outside.send(Batch.of([frame()]))
    reader()
    assert asked == [] and inside.counts()["rx"]["packets"] == 1


def test_a_new_deadline_is_told_until_it_is_read():
    outside, inside, plan, reader, asked = reading(Alarm())
    outside.send(Batch.of([frame()]))
    reader()
    assert asked == [None] and inside.counts()["rx"]["packets"] == 1
    assert plan.deadline() > 0
    reader()
    assert asked == [None]


def test_the_end_of_a_device_is_told():
    _, inside, _, reader, asked = reading(Alarm())
    inside.close()
    reader()
    assert isinstance(asked[0], DeviceClosed) and asked[0].device is inside

"""A stay in C: what comes meanwhile is served without the loop, and the loop gets its turn."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from time import monotonic_ns

import pytest

from tests.unit.packets import frame
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.packet import CONSUMED
from tunnel.plan import Plan
from tunnel.reader import Reader

BREATH = 16  # receives of one breath


class Fountain(Handler):
    """Consumes a packet and has the next one sent, ``more`` times."""

    ports = ("a", "b")

    def __init__(self, outside: Memory, more: int) -> None:
        self.outside, self.more, self.due_ns = outside, more, 0

    def process(self, batch: Batch) -> None:
        batch.egress[:] = memoryview(bytes([CONSUMED & 255, CONSUMED >> 8]) * len(batch)).cast("H")
        if self.more:
            self.more -= 1
            self.outside.send(Batch.of([frame()]))
        self.deadline_ns = self.due_ns


def served(more: int, *, watched: bool = True, due_ns: int = 0) -> tuple[int, list[Exception | None]]:
    """Packets received in one call of the reader, and what it asked for."""
    outside, inside = Memory.pair()
    outside.open()
    inside.open()
    fountain = Fountain(outside, more)
    fountain.due_ns = due_ns
    plan = Plan([fountain], [inside], [(inside, 0, fountain, 0)])
    plan.watch(inside, watched)
    asked: list[Exception | None] = []
    outside.send(Batch.of([frame()]))
    Reader(plan, inside, asked.append)()
    return inside.counts()["rx"]["packets"], asked


def test_what_comes_during_the_stay_is_served():
    """In one of some stays: one that the machine interrupts for 2 ms ends early, as it should."""
    assert (1 + 3 * BREATH, []) in (served(3 * BREATH) for _ in range(100))


def test_a_device_that_the_loop_does_not_watch_has_its_breath_only():
    assert served(3 * BREATH, watched=False)[0] == BREATH


def test_a_device_that_never_pauses_lets_the_loop_go_on():
    assert served(10**9)[0] > BREATH


def test_a_deadline_ends_the_stay():
    assert served(3 * BREATH, due_ns=1) == (BREATH, [None])


PR_SET_TIMERSLACK = 29  # linux/prctl.h
PAUSE_NS = 100_000


@pytest.fixture
def exact() -> Iterator[None]:
    """Waits of this thread end when they should, not up to 0.05 ms later."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    yield
    prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0)  # as it was


def stayed_ns(due_in_ns: int) -> int:
    """How long a stay without a further packet lasts, with a deadline that the loop knows of."""
    outside, inside = Memory.pair()
    outside.open()
    inside.open()
    fountain = Fountain(outside, 0)
    plan = Plan([fountain], [inside], [(inside, 0, fountain, 0)])
    plan.watch(inside, True)
    outside.send(Batch.of([frame()]))
    start = monotonic_ns()
    fountain.deadline_ns = fountain.due_ns = start + due_in_ns
    plan.deadline()
    Reader(plan, inside, [].append)()
    return monotonic_ns() - start


@pytest.mark.usefixtures("exact")
def test_a_stay_sleeps_through_no_deadline():
    near, far = (min(stayed_ns(due) for _ in range(1000)) for due in (PAUSE_NS // 2, 10**9))
    assert PAUSE_NS // 2 <= near < PAUSE_NS <= far, "the quickest: others of the machine make any of them longer"


def test_any_watched_device_is_served():
    pairs = [Memory.pair(), Memory.pair()]
    for outside, inside in pairs:
        outside.open()
        inside.open()
    (first, a), (second, b) = pairs
    fountain = Fountain(second, 1)
    plan = Plan([fountain], [a, b], [(a, 0, fountain, 0), (b, 0, fountain, 1)])
    for device in (a, b):
        plan.watch(device, True)
    first.send(Batch.of([frame()]))
    Reader(plan, a, [].append)()
    assert [device.counts()["rx"]["packets"] for device in (a, b)] == [1, 1]

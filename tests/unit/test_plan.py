"""What is done when something raises, deadlines, quarantine, fitting, and that plans leave nothing."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.errors import DeviceClosed
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.hold import Hold
from tunnel.packet import ETHERNET, HELD, PUNT
from tunnel.plan import Plan


class Fails(Handler):
    """Raises for batches whose number is in ``at`` (all where that is None)."""

    def __init__(self, at: set[int] | None = None, error: type[BaseException] = ZeroDivisionError) -> None:
        self.at, self.error, self.calls = at, error, 0
        self.before: Callable[[Batch], None] = lambda batch: None

    def process(self, batch: Batch) -> None:
        self.calls += 1
        for p in batch:
            p.egress = 0
        self.before(batch)
        if self.at is None or self.calls in self.at:
            raise self.error("on purpose")


class Ticking(Handler):
    """Emits one packet at each deadline and sets the next."""

    def __init__(self, period_ns: int = 100) -> None:
        self.period_ns, self.ticks = period_ns, list[int]()

    def process(self, batch: Batch) -> None:
        """Drops everything."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        assert len(batch) == 0
        assert batch.now_ns == now_ns
        self.ticks.append(now_ns)
        batch.emit(frame(payload=b"tick"), egress=0)
        return now_ns + self.period_ns if self.period_ns else 0


class Going(Device):
    """Is gone: in recv, in send, or after some packets."""

    def __init__(self, *, recv: bool = False, send: bool = False, first: int = 0) -> None:
        self.medium, self.gone_recv, self.gone_send, self.first = ETHERNET, recv, send, first
        self.sent: list[bytes] = []

    def recv(self, batch: Batch) -> int:
        if not self.gone_recv:
            return 0
        for data in numbered(self.first):
            batch.emit(data)
        raise DeviceClosed("gone on purpose")

    def send(self, batch: Batch) -> int:
        if self.gone_send:
            raise DeviceClosed("gone on purpose")
        self.sent += [p.data for p in batch]
        return len(batch)


def failing(handler: Handler, **options: int) -> Rig:
    return Rig("a -> f.port", "f.port -> b", "c -> wire.a", "wire.b -> d", f=handler, wire=Wire(), **options)


def test_a_batch_is_dropped_and_counted_and_the_others_pass():
    rig = failing(Fails({1}))
    rig.through("a", numbered(5))
    rig.through("c", numbered(5))
    rig.through("a", numbered(3))
    assert rig.drops() == {"RAISED": 5}
    assert rig.out("d") == numbered(5)
    assert rig.out("b") == numbered(3)


def test_in_one_breath_what_comes_after_passes_too():
    rig = failing(Fails({1}))
    rig.through("a", numbered(64 * 3))
    assert rig.drops() == {"RAISED": 64}
    assert rig.out("b") == numbered(128, 64)


def test_the_first_traceback_is_logged_and_no_other(caplog: pytest.LogCaptureFixture):
    rig = failing(Fails({1, 3, 5, 7}))
    for _ in range(8):
        rig.through("a", numbered(1))
    assert [record.getMessage() for record in caplog.records] == ["handler f raised; its packets are dropped"]
    assert caplog.records[0].exc_info is not None


def test_quarantine_after_so_many_in_a_row(caplog: pytest.LogCaptureFixture):
    handler = Fails()
    rig = failing(handler, quarantine_after=3)
    for _ in range(6):
        rig.through("a", numbered(2))
    assert handler.calls == 3
    assert rig.drops() == {"RAISED": 6, "QUARANTINED": 6}
    assert "raised 3 times in a row" in caplog.text
    rig.through("c", numbered(2))
    assert rig.out("d") == numbered(2)


def test_a_success_between_starts_the_count_anew(caplog: pytest.LogCaptureFixture):
    handler = Fails({1, 2, 4, 5, 7, 8})
    rig = failing(handler, quarantine_after=3)
    for _ in range(9):
        rig.through("a", numbered(1))
    assert handler.calls == 9
    assert "in a row" not in caplog.text


def test_emitted_and_cloned_packets_are_dropped_with_the_rest():
    handler = Fails()

    def before(batch: Batch) -> None:
        batch.emit(frame(), egress=0)
        batch.clone(batch[0]).egress = 0

    handler.before = before
    rig = failing(handler)
    rig.through("a", numbered(2))
    assert rig.drops() == {"RAISED": 4}
    assert (rig.counts("f")["emitted"]["packets"], rig.counts("f")["cloned"]["packets"]) == (1, 1)


def test_what_was_put_into_a_store_before_is_held():
    store = Hold(1 << 20)

    class Holder(Fails):
        def tick(self, now_ns: int, batch: Batch) -> int:  # noqa: ARG002
            while store.release(batch):
                batch[len(batch) - 1].egress = 0
            return 0

    def before(batch: Batch) -> None:
        assert store.put(batch, 0)
        batch[0].egress = HELD

    handler = Holder()
    handler.before = before
    rig = failing(handler)
    rig.through("a", numbered(3))
    assert rig.counts("f")["held"]["packets"] == 1
    handler.deadline_ns = 1
    rig.plan.tick(2)
    assert rig.counts("f")["held"]["packets"] == 0
    assert rig.out("b") == numbered(1)
    assert rig.drops() == {"RAISED": 2}
    rig.law()


def test_faces_kept_by_what_raised_are_private():
    kept = []
    handler = Fails()
    handler.before = lambda batch: kept.extend(batch)
    rig = failing(handler)
    rig.through("a", numbered(5))
    rig.through("c", numbered(60, 100))
    assert [p.data for p in kept] == numbered(5)


def test_strict_raises_and_the_plan_goes_on():
    rig = failing(Fails({1}), strict=True)
    with pytest.raises(ZeroDivisionError):
        rig.through("a", numbered(5))
    assert rig.plan.waiting()
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_is_never_kept_back(error: type[BaseException]):
    rig = failing(Fails({1}, error))
    with pytest.raises(error):
        rig.through("a", numbered(5))
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


def test_a_handler_that_raises_device_closed_is_a_handler_that_raised():
    rig = failing(Fails({1}, DeviceClosed))
    rig.through("a", numbered(5))
    assert rig.drops() == {"RAISED": 5}


def test_a_tick_that_raises():
    class Bad(Ticking):
        def tick(self, now_ns: int, batch: Batch) -> int:
            super().tick(now_ns, batch)
            raise ZeroDivisionError

    bad, good = Bad(), Ticking()
    rig = Rig("a -- bad.port", "b -- good.port", bad=bad, good=good)
    bad.deadline_ns = good.deadline_ns = 5
    rig.plan.tick(10)
    assert rig.out("b") == [frame(payload=b"tick")]
    assert rig.drops() == {"RAISED": 1}
    assert (bad.deadline_ns, good.deadline_ns) == (0, 110)
    rig.law()


def test_in_quarantine_no_tick_is_called_and_no_deadline_seen():
    class Bad(Fails):
        ticks = 0

        def tick(self, now_ns: int, batch: Batch) -> int:  # noqa: ARG002
            self.ticks += 1
            return 0

    bad = Bad()
    rig = failing(bad, quarantine_after=1)
    bad.deadline_ns = 5
    rig.through("a", numbered(1))
    rig.plan.tick(10)
    assert (bad.ticks, rig.plan.deadline()) == (0, 0)


def test_punted_that_raises_drops_its_packets():
    class Bad(Fails):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = PUNT

        def punted(self, batch: Batch) -> None:
            super().process(batch)

    handler = Bad({1})
    rig = failing(handler)
    rig.through("a", numbered(5))
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


def test_with_strict_the_punts_of_others_are_served_later():
    class Punts(Handler):
        bad = False

        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = PUNT

        def punted(self, batch: Batch) -> None:
            if self.bad:
                raise ZeroDivisionError
            for p in batch:
                p.egress = 0

    class Both(Handler):
        ports = ("in", "left", "right")

        def process(self, batch: Batch) -> None:
            for number, p in enumerate(batch):
                p.egress = 1 + number % 2

    bad, good = Punts(), Punts()
    bad.bad = True
    links = ("a -> both.in", "both.left -> bad.port", "both.right -> good.port", "good.port -> b")
    rig = Rig(*links, both=Both(), bad=bad, good=good, strict=True)
    with pytest.raises(ZeroDivisionError):
        rig.through("a", numbered(4))
    rig.plan.exhale(0)
    assert rig.out("b") == numbered(4)[1::2]
    assert rig.drops() == {"RAISED": 2}
    rig.law()


def test_a_device_gone_while_receiving():
    device = Going(recv=True, first=3)
    rig = Rig("here -> wire.a", "wire.b -> b", here=device, wire=Wire())
    with pytest.raises(DeviceClosed) as caught:
        rig.breathe("here")
    assert caught.value.device is device
    device.gone_recv = False
    rig.plan.exhale(0)
    assert rig.out("b") == []
    assert rig.counts("here")["rx"]["packets"] == 0
    rig.law()


def test_after_a_device_was_gone_while_receiving_a_tick_finds_an_empty_batch():
    ticking = Ticking()
    rig = Rig("here -> t.port", "t.port -> b", here=Going(recv=True, first=3), t=ticking)
    with pytest.raises(DeviceClosed):
        rig.breathe("here")
    ticking.deadline_ns = 1
    rig.plan.tick(5)
    assert rig.out("b") == [frame(payload=b"tick")]


def test_a_device_gone_while_sending():
    gone = Going(send=True)
    rig = Rig("a -> wire.a", "wire.b -> gone", "c -> other.a", "other.b -> d", wire=Wire(), other=Wire(), gone=gone)
    rig.put("a", numbered(5))
    with pytest.raises(DeviceClosed) as caught:
        rig.breathe("a")
    assert caught.value.device is gone
    assert rig.drops() == {"CLOSED": 5}
    gone.gone_send = False
    rig.through("a", numbered(5, 5))
    rig.through("c", numbered(5))
    assert gone.sent == numbered(5, 5)
    assert rig.out("d") == numbered(5)


def test_what_goes_to_other_devices_is_sent_though_one_is_gone():
    class Both(Handler):
        ports = ("in", "left", "right")

        def process(self, batch: Batch) -> None:
            for number, p in enumerate(batch):
                p.egress = 1 + number % 2

    rig = Rig("a -> both.in", "both.left -> gone", "both.right -> b", both=Both(), gone=Going(send=True))
    rig.put("a", numbered(4))
    with pytest.raises(DeviceClosed):
        rig.breathe("a")
    assert rig.plan.waiting()
    rig.plan.exhale(0)
    assert rig.out("b") == numbered(4)[1::2]
    assert not rig.plan.waiting()
    rig.law()


def test_what_a_device_held_is_dropped_when_it_is_gone():
    class Stuck(Going):
        def send(self, batch: Batch) -> int:
            return super().send(batch) if self.gone_send else 0

    stuck = Stuck()
    rig = Rig("a -> wire.a", "wire.b -> stuck", wire=Wire(), stuck=stuck)
    rig.through("a", numbered(5))
    stuck.gone_send = True
    with pytest.raises(DeviceClosed):
        rig.plan.flush(stuck, 0)
    assert rig.drops() == {"CLOSED": 5}
    assert rig.counts("stuck")["held"]["packets"] == 0
    assert rig.plan.blocked() == []
    rig.law()


def test_deadlines():
    early, late, never = Ticking(), Ticking(0), Ticking()
    rig = Rig("a -- early.port", "b -- late.port", "c -- never.port", early=early, late=late, never=never)
    assert rig.plan.deadline() == 0
    early.deadline_ns, late.deadline_ns = 50, 120
    assert rig.plan.deadline() == 50
    rig.plan.tick(49)
    assert early.ticks == []
    rig.plan.tick(60)
    assert (early.ticks, late.ticks, rig.plan.deadline()) == ([60], [], 120)
    rig.plan.tick(200)
    assert (early.ticks, late.ticks, rig.plan.deadline()) == ([60, 200], [200], 300)
    assert (len(rig.out("a")), len(rig.out("b")), rig.out("c")) == (2, 1, [])
    rig.law()


@pytest.mark.parametrize("step", ["breathe", "tick", "flush", "exhale"])
def test_a_handler_may_not_call_the_plan(step: str):
    rig: Rig
    told = []

    class Caller(Handler):
        def process(self, batch: Batch) -> None:
            arguments = (rig.graph.devices["a"],) if step in {"breathe", "flush"} else ()
            with pytest.raises(RuntimeError, match="at work") as caught:
                getattr(rig.plan, step)(*arguments, 0)
            told.append(caught)
            for p in batch:
                p.egress = 0

    rig = Rig("a -> c.port", "c.port -> b", c=Caller(), strict=True)
    rig.through("a", numbered(3))
    assert rig.out("b") == numbered(3)
    assert len(told) == 1


def test_a_device_of_another_plan_is_refused():
    other, _ = Memory.pair()
    with pytest.raises(ValueError, match="not in list"):
        failing(Fails()).plan.breathe(other, 0)


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def one_run(number: int) -> None:
    """A plan with everything that can be left behind: faces, views, raises, tails, punts, a cycle."""
    kept = []

    class Keeper(Fails):
        def process(self, batch: Batch) -> None:
            kept.extend((self, p, p.view, batch) for p in batch)
            super().process(batch)

    handler = Keeper({1} if number % 2 else set())
    wire, (inside, outside) = Wire(), Memory.pair()
    gone = Going(send=True)
    inside.open()
    outside.open()
    plan = Plan([handler, wire], [inside, gone], [(inside, 0, handler, 0), (handler, 0, wire, 0), (wire, 1, gone, 0)])
    handler.plan = plan  # type: ignore[attr-defined]
    outside.send(Batch.of([frame()]))
    try:
        plan.breathe(inside, number)
    except DeviceClosed:
        assert not number % 2


def test_10000_plans_leave_nothing():
    logging.disable(logging.CRITICAL)
    try:
        for number in range(100):
            one_run(number)
        gc.collect()
        blocks, resident = sys.getallocatedblocks(), resident_kib()
        for number in range(10_000):
            one_run(number)
        gc.collect()
    finally:
        logging.disable(logging.NOTSET)
    assert sys.getallocatedblocks() - blocks < 500
    assert resident_kib() - resident < 20_000


def test_the_unclaimed_reason_is_the_first():
    assert reasons.UNCLAIMED == 0

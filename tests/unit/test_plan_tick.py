"""Deadlines and ticks."""

from __future__ import annotations

from tests.unit.packets import frame, numbered
from tests.unit.parts import Fails, Ticking, failing
from tests.unit.rig import Rig
from tunnel.batch import Batch


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

        def tick(self, now_ns: int, batch: Batch) -> int:
            self.ticks += 1
            return 0

    bad = Bad()
    rig = failing(bad, quarantine_after=1)
    bad.deadline_ns = 5
    rig.through("a", numbered(1))
    rig.plan.tick(10)
    assert (bad.ticks, rig.plan.deadline()) == (0, 0)


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

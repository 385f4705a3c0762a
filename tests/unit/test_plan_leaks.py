"""Plans leave nothing behind."""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path

from tests.unit.packets import frame
from tests.unit.parts import Fails
from tests.unit.test_plan_gone import Going
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.errors import DeviceClosed
from tunnel.handlers.wire import Wire
from tunnel.plan import Plan


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def one_run(number: int) -> None:
    """A plan with everything that can be left behind: faces, views, raises, tails, punts, a cycle."""
    kept: list[object] = []

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

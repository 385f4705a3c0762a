"""What a plan refuses: a call from inside a step, a device that it does not have."""

from __future__ import annotations

import pytest

from tests.unit.packets import numbered
from tests.unit.parts import Fails, failing
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.handler import Handler


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


def test_the_unclaimed_reason_is_the_first():
    assert reasons.UNCLAIMED == 0

"""Stages: what waits when a run ends is dropped and counted; links are checked."""

from __future__ import annotations

import gc

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.parts import Gate, Turn
from tests.unit.rig import Rig
from tunnel.devices.memory import Memory
from tunnel.handlers.wire import Wire
from tunnel.plan import Plan


def test_the_end_drops_what_goes_round():
    rig = Rig("a -> turn.round", "turn.round -> turn.round", turn=Turn())
    rig.put("a", numbered(10))
    rig.breathe("a")
    rig.plan.end()
    assert rig.drops() == {"CLOSED": 10}
    assert not rig.plan.waiting()
    rig.law()


def test_the_end_drops_what_devices_hold():
    rig = Rig("a -> wire.a", "wire.b -> gate", wire=Wire(), gate=Gate())
    rig.through("a", numbered(10))
    rig.plan.end()
    assert rig.drops() == {"CLOSED": 10}
    assert rig.counts("gate")["held"]["packets"] == 0
    rig.law()


def test_after_the_end_a_plan_can_go_on():
    rig = Rig("a -> turn.round", "turn.round -> turn.round", "b -> wire.a", "wire.b -> c", turn=Turn(), wire=Wire())
    rig.put("a", numbered(10))
    rig.breathe("a")
    rig.plan.end()
    rig.through("b", [frame()])
    assert rig.out("c") == [frame()]


@pytest.mark.parametrize(("port", "into"), [(2, 0), (-1, 0), (0, 1), (0, -1), (1 << 32, 0)])
def test_a_link_of_a_port_that_is_not_there_is_refused(port: int, into: int):
    wire, (device, _) = Wire(), Memory.pair()
    with pytest.raises((ValueError, OverflowError)):
        Plan([wire], [device], [(wire, port, device, into)])


def test_a_link_to_something_else_is_refused():
    wire, (device, other) = Wire(), Memory.pair()
    with pytest.raises(ValueError, match="not in list"):
        Plan([wire], [device], [(wire, 0, other, 0)])


def test_a_stage_takes_what_its_device_takes_when_the_plan_is_made():
    wire, (left, right) = Wire(), Memory.pair()
    plan = Plan([wire], [left, right], [(left, 0, wire, 0), (wire, 1, right, 0)])
    assert plan.feeders(right) == [left]
    assert plan.feeders(left) == []


def test_a_plan_that_fails_halfway_frees_what_it_had():
    class Bad:
        ports = ()

    def plans() -> int:
        gc.collect()
        return sum(type(found) is Plan for found in gc.get_objects())

    before = plans()
    for _ in range(100):
        with pytest.raises(TypeError):
            Plan([Wire(), Bad()], [], [])  # type: ignore[list-item]
    assert plans() == before

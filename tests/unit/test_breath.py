"""The data path: order, tails, back-pressure, fitting, punts, bounded rounds, memory."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.parts import Gate, Turn
from tests.unit.rig import Rig
from tunnel.devices.memory import Memory
from tunnel.handlers.wire import Wire

SLOT = 512  # at least what a small packet takes of a store


def wire(**options: int) -> Rig:
    return Rig("a -- wire.a", "wire.b -- b", wire=Wire(), **options)


def test_a_breath_receives_sixteen_times_and_says_that_there_may_be_more():
    rig = wire()
    rig.put("a", numbered(64 * 17))
    assert rig.breathe("a")
    assert rig.counts("a")["rx"]["packets"] == 64 * 16
    assert not rig.breathe("a")
    assert rig.counts("b")["tx"]["packets"] == 64 * 17


def test_what_would_block_is_held_and_sent_in_order():
    gate = Gate()
    rig = Rig("a -> wire.a", "wire.b -> gate", wire=Wire(), gate=gate)
    gate.open_for = 10
    rig.through("a", numbered(200))
    assert gate.sent == numbered(10)
    assert rig.counts("gate")["held"]["packets"] == 190
    assert rig.plan.blocked() == [gate]
    assert rig.plan.blocked() == []
    gate.open_for = 70
    assert not rig.plan.flush(gate, 0)
    assert gate.sent == numbered(80)
    rig.law()
    gate.open_for = 1000
    rig.through("a", numbered(50, 200))
    assert gate.sent == numbered(80), "what comes later may not overtake what is held"
    assert rig.plan.flush(gate, 0)
    assert gate.sent == numbered(250)
    assert rig.counts("gate")["held"]["packets"] == 0
    rig.law()


def test_a_full_tail_loses_its_oldest():
    gate = Gate()
    rig = Rig("a -> wire.a", "wire.b -> gate", wire=Wire(), gate=gate)
    large = [frame(payload=number.to_bytes(4, "big") + bytes(60_000)) for number in range(200)]
    for data in large:
        rig.through("a", [data])
    held = rig.counts("gate")["held"]["packets"]
    assert 100 < held < 130
    assert rig.drops() == {"HELD_FULL": 200 - held}
    gate.open_for = 1000
    assert rig.plan.flush(gate, 0)
    assert gate.sent == large[-held:]
    rig.law()


def test_flushing_leaves_what_waits_inside_alone():
    """Packets that go round are in the arena while a tail is flushed."""
    gate = Gate()
    rig = Rig("a -> wire.a", "wire.b -> gate", "c -> turn.round", "turn.round -> turn.round", wire=Wire(), gate=gate,
              turn=Turn())
    rig.through("a", numbered(10))
    rig.put("c", numbered(5, 500))
    rig.breathe("c")
    assert rig.plan.waiting()
    seen: list[bytes] = []
    gate.open_for = 100
    assert rig.plan.flush(gate, 0)
    assert gate.sent == numbered(10)
    rig.graph.handlers["turn"].process = lambda batch: seen.extend(p.data for p in batch)  # type: ignore[method-assign]
    while rig.plan.waiting():
        rig.plan.exhale(0)
    assert seen == numbered(5, 500)
    rig.law()


def test_a_flush_ends_where_what_waits_fills_the_arena():
    gate = Gate()
    rig = Rig("a -> wire.a", "wire.b -> gate", "c -> turn.round", "turn.round -> turn.round", wire=Wire(), gate=gate,
              turn=Turn())
    rig.through("a", numbered(10))
    rig.put("c", [frame(payload=bytes(60_000))] * 30)
    rig.breathe("c")
    assert rig.plan.waiting()
    gate.open_for = 100
    assert not rig.plan.flush(gate, 0)
    while rig.plan.waiting():
        rig.plan.exhale(0)
    assert rig.plan.flush(gate, 0)
    assert gate.sent == numbered(10)
    assert rig.drops() == {"LOOP": rig.counts("c")["rx"]["packets"]}
    rig.law()


def test_feeders_are_those_whose_packets_may_come():
    rig = Rig("a -> one.a", "one.b -> two.a", "two.b -> b", "c -> b", "b -> d", one=Wire(), two=Wire())
    devices = rig.graph.devices
    names = {name: {d.name for d in rig.plan.feeders(device)} for name, device in devices.items()}
    assert names == {"a": set(), "b": {"a", "c"}, "c": set(), "d": {"b"}}


def test_a_cycle_ends_after_16_handlers():
    rig = Rig("a -> turn.round", "turn.round -> turn.round", turn=Turn())
    rig.through("a", numbered(10))
    assert rig.drops() == {"LOOP": 10}
    assert rig.counts("turn")["rx"]["packets"] == 10 * 17


def test_a_breath_serves_eight_rounds_of_a_cycle():
    rig = Rig("a -> turn.round", "turn.round -> turn.round", turn=Turn())
    rig.put("a", numbered(10))
    rig.breathe("a")
    assert rig.counts("turn")["tx"]["packets"] == 10 * 8
    assert rig.plan.waiting()
    rig.plan.exhale(0)
    assert rig.counts("turn")["tx"]["packets"] == 10 * 16


def test_a_cycle_through_two_handlers_ends_too():
    rig = Rig("a -> left.a", "left.b -> right.a", "right.b -> left.a", left=Wire(), right=Wire())
    rig.through("a", numbered(100))
    assert rig.drops() == {"LOOP": 100}


@pytest.mark.parametrize(("count", "through"), [(16, 3), (17, 0)])
def test_sixteen_handlers_in_a_row_are_no_loop(count: int, through: int):
    links = ["a -> w0.a", *(f"w{n}.b -> w{n + 1}.a" for n in range(count - 1)), f"w{count - 1}.b -> b"]
    rig = Rig(*links, **{f"w{number}": Wire() for number in range(count)})
    rig.through("a", numbered(3))
    assert len(rig.out("b")) == through
    assert rig.drops() == ({} if through else {"LOOP": 3})


def test_a_device_blocked_for_good_does_not_stop_the_others():
    rig = Rig("a -> wire.a", "wire.b -> gate", "c -> other.a", "other.b -> d", wire=Wire(), other=Wire(), gate=Gate())
    for _ in range(5):
        rig.through("a", numbered(64))
        rig.through("c", numbered(64))
    assert rig.out("d") == numbered(64) * 5
    assert rig.counts("gate")["held"]["packets"] == 320


def test_the_peer_of_a_memory_device_sets_the_pace():
    rig = wire(limit=20 * SLOT)
    rig.put("a", numbered(20))
    while rig.breathe("a"):
        pass
    rig.put("a", numbered(20, 20))
    while rig.breathe("a"):
        pass
    inside = rig.graph.devices["b"]
    assert isinstance(inside, Memory)
    received = rig.out("b")
    while not rig.plan.flush(inside, 0):
        received += rig.out("b")
    assert received + rig.out("b") == numbered(40)
    rig.law()


def test_order_is_kept_over_many_receives():
    rig = wire()
    rig.through("a", numbered(1000))
    assert rig.out("b") == numbered(1000)

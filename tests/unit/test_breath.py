"""The data path: order, tails, back-pressure, fitting, punts, bounded rounds, memory."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.packet import CONSUMED, ETHERNET, HELD, PUNT, Packet

SLOT = 512  # at least what a small packet takes of a store


class Turn(Handler):
    """Sends every packet round; one way out for what has mark 1."""

    ports = ("round", "out")

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = 0


class Punting(Handler):
    """Punts everything; ``punted`` answers each with a packet to port 0."""

    def __init__(self, again: int = 0) -> None:
        self.again, self.seen = again, list[bytes]()

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = PUNT

    def punted(self, batch: Batch) -> None:
        for p in list(batch):
            self.seen.append(p.data)
            p.egress = CONSUMED
            batch.emit(b"answer to " + p.data, egress=0)


class Gate(Device):
    """Takes packets only while it is open."""

    def __init__(self) -> None:
        self.medium = ETHERNET
        self.open_for, self.sent = 0, list[bytes]()

    def recv(self, batch: Batch) -> int:  # noqa: ARG002
        return 0

    def send(self, batch: Batch) -> int:
        taken = min(self.open_for, len(batch))
        self.sent += [p.data for p in batch][:taken]
        self.open_for -= taken
        return taken


def wire(**options: int) -> Rig:
    return Rig("a -- wire.a", "wire.b -- b", wire=Wire(), **options)


def test_order_is_kept_over_many_receives():
    rig = wire()
    rig.through("a", numbered(1000))
    assert rig.out("b") == numbered(1000)


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


def test_punted_packets_come_back_with_what_is_emitted():
    handler = Punting()
    rig = Rig("a -- p.port", p=handler)
    sent = numbered(70)
    rig.through("a", sent)
    assert handler.seen == sent
    assert rig.out("a") == [b"answer to " + data for data in sent]
    assert rig.counts("p")["consumed"]["packets"] == rig.counts("p")["emitted"]["packets"] == 70
    assert rig.counts("p")["rx"]["packets"] == 70


def test_punting_what_was_punted_ends():
    class Again(Punting):
        def punted(self, batch: Batch) -> None:
            self.seen.append(b"")
            self.process(batch)

    handler = Again()
    rig = Rig("a -> p.port", p=handler)
    rig.through("a", numbered(3))
    assert rig.drops() == {"LOOP": 3}
    assert 10 < len(handler.seen) < 20


def test_what_punted_leaves_is_dropped():
    class Lazy(Punting):
        def punted(self, batch: Batch) -> None:
            """Leaves everything."""

    rig = Rig("a -> p.port", p=Lazy())
    rig.through("a", numbered(3))
    assert rig.drops() == {"UNCLAIMED": 3}


def test_a_device_cannot_be_punted_to():
    class Odd(Gate):
        def recv(self, batch: Batch) -> int:
            if self.open_for:
                return 0
            self.open_for = 1
            batch.emit(frame()).egress = PUNT
            return 1

    rig = Rig("odd -> wire.a", "wire.b -> b", wire=Wire(), odd=Odd())
    rig.breathe("odd")
    assert rig.out("b") == [frame()]


def test_packets_kept_over_breaths_stay_what_they_were():
    class Keeper(Handler):
        def __init__(self) -> None:
            self.kept: list[Packet] = []
            self.views: list[memoryview] = []

        def process(self, batch: Batch) -> None:
            for p in batch:
                self.kept.append(p)
                self.views.append(p.view)
                p.egress = 0

    keeper = Keeper()
    rig = Rig("a -> k.port", "k.port -> b", k=keeper)
    sent = numbered(40)
    for data in sent:
        rig.through("a", [data])
    assert rig.out("b") == sent
    for p in keeper.kept:
        p.dport = 9
    assert [bytes(view) for view in keeper.views] == sent
    assert [p.data[:34] for p in keeper.kept] == [data[:34] for data in sent]


def test_packets_kept_outlive_the_plan():
    kept: list[Packet] = []

    class Keeper(Handler):
        def process(self, batch: Batch) -> None:
            kept.extend(batch)

    rig = Rig("a -> k.port", k=Keeper())
    rig.through("a", numbered(100))
    del rig
    Rig("a -> wire.a", wire=Wire()).through("a", [frame(payload=bytes(99))] * 100)
    assert [p.data for p in kept] == numbered(100)


def test_held_is_counted_and_not_dropped():
    class Keeper(Handler):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = HELD

    rig = Rig("a -> k.port", k=Keeper())
    rig.through("a", numbered(5))
    assert rig.counts("k")["held"]["packets"] == 5
    assert rig.drops() == {}


def test_an_arena_full_of_emitted_packets_loses_only_what_has_no_room():
    class Generous(Handler):
        def process(self, batch: Batch) -> None:
            batch[0].egress = 0
            with pytest.raises(MemoryError):
                while True:
                    batch.emit(bytes(60_000), egress=0)

    rig = Rig("a -> g.port", "g.port -> b", g=Generous(), limit=64 << 20)
    for _ in range(3):
        rig.through("a", [frame()])
    assert rig.drops() == {}
    assert len(rig.out("b")) == rig.counts("g")["emitted"]["packets"] + 3 > 100


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

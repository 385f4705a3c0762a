"""What is punted, kept, held or emitted on the data path."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.parts import Gate
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.packet import CONSUMED, HELD, PUNT, Packet


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

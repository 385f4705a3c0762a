"""Links: every packet goes where its egress says, in order, and is counted once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.packets import frame, numbered
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.packet import CONSUMED, DROP

PORTS = ("zero", "one", "two", "three")


class Spread(Handler):
    """What is told for each packet: a port, a verdict, or None to leave it."""

    ports = PORTS

    def __init__(self, *told: int | None) -> None:
        self.told = list(told)

    def process(self, batch: Batch) -> None:
        for p in batch:
            egress = self.told.pop(0)
            if egress is not None:
                p.egress = egress


def spread(*told: int | None) -> Rig:
    return Rig("in -> s.zero", *(f"s.{port} -> {port}" for port in PORTS[:3]), s=Spread(*told))


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 7, 0xFF00, CONSUMED, DROP, None]), min_size=1, max_size=150))
def test_each_goes_its_way_in_order(told: list[int | None]):
    rig = spread(*told)
    sent = numbered(len(told))
    rig.through("in", sent)
    for number, port in enumerate(PORTS[:3]):
        assert rig.out(port) == [data for data, egress in zip(sent, told, strict=True) if egress == number]
    found = {name: tally["packets"] for name, tally in rig.counts("s")["drops"].items()}
    lost = {"UNLINKED": sum(e in (3, 4, 7, 0xFF00) for e in told), "UNCLAIMED": sum(e in (DROP, None) for e in told)}
    assert found == {name: count for name, count in lost.items() if count}
    assert rig.counts("s")["consumed"]["packets"] == told.count(CONSUMED)


def test_all_one_way_joins_what_waits_there_already():
    rig = Rig("a -> s.zero", "s.zero -> t.zero", "s.one -> t.zero", "t.zero -> b",
              s=Spread(0, 1, 0, 1), t=Spread(*[0] * 4))  # fmt: skip
    rig.through("a", numbered(4))
    assert sorted(rig.out("b")) == numbered(4)


def test_a_second_way_grows_beyond_a_batch():
    told = [n % 2 for n in range(5000)]
    rig = spread(*told)
    for start in range(0, 5000, 1000):
        rig.put("in", numbered(1000, start))
        while rig.breathe("in"):
            pass
    assert rig.out("one") == numbered(5000)[1::2]
    rig.law()


def test_clones_and_their_originals_part():
    class Copy(Handler):
        ports = ("in", "copy")

        def process(self, batch: Batch) -> None:
            for p in list(batch):
                p.egress = 0
                batch.clone(p).egress = 1

    rig = Rig("a -- c.in", "c.copy -> b", c=Copy())
    rig.through("a", numbered(64))
    assert rig.out("a") == rig.out("b") == numbered(64)
    assert rig.counts("c")["cloned"]["packets"] == 64
    assert rig.counts("c")["tx"]["packets"] == 128


def test_a_clone_dropped_is_counted_as_both():
    class Copy(Handler):
        def process(self, batch: Batch) -> None:
            for p in list(batch):
                p.egress = 0
                batch.clone(p).drop(reasons.LOST)

    rig = Rig("a -- c.port", c=Copy())
    rig.through("a", numbered(3))
    assert rig.drops() == {"LOST": 3}


def test_too_many_for_one_inbox_are_dropped():
    class Flood(Handler):
        ports = ("in", "other")

        def process(self, batch: Batch) -> None:
            batch[0].egress = 0
            while len(batch) < 16384:
                batch.emit(b"", egress=1)

    class Sink(Handler):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = CONSUMED

    rig = Rig("a -> f.in", "f.in -> g.in", "f.other -> s.port", "g.other -> s.port", f=Flood(), g=Flood(), s=Sink())
    rig.put("a", [frame()])
    while rig.breathe("a") or rig.plan.waiting():
        pass
    rig.law()
    consumed, lost = rig.counts("s")["consumed"]["packets"], rig.drops().get("NO_ROOM", 0)
    assert consumed + lost == 2 * 16383
    assert consumed >= 16384

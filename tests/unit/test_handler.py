"""The two faces of a handler, what it takes, and what is counted of it."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.handler import Handler, accepted, is_complete, is_native, is_parallel
from tunnel.handlers.udp_tunnel import UdpTunnel
from tunnel.handlers.wire import Wire
from tunnel.packet import DROP, F_ALL, F_CSUM
from tunnel.testing import drive


class Mute(Handler):
    """Overrides nothing."""


class Forward(Handler):
    """In Python: from a to b and back."""

    ports = ("a", "b")

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = 1 - p.ingress


class Careful(Wire):
    """Python in front of native code: drops what is short, leaves the rest to it."""

    def process(self, batch: Batch) -> None:
        super().process(batch)
        for p in batch:
            if len(p) < 60:
                p.drop(reasons.LOST)


class Knowing(Careful):
    """Says what it takes."""

    accepts = F_CSUM


class Heir(Knowing):
    """Overrides nothing more."""


def test_what_decides():
    assert [is_native(handler) for handler in (Wire(), Forward(), Careful(), Mute())] == [True, False, False, False]


def test_what_is_complete():
    assert [is_complete(handler) for handler in (Wire(), Forward(), Careful(), Mute())] == [True, True, True, False]


def test_what_is_taken():
    taken = [accepted(handler) for handler in (Wire(), Forward(), Careful(), Knowing(), Heir())]
    assert taken == [F_ALL, 0, 0, F_CSUM, F_CSUM]


def test_overriding_process_again_is_saying_nothing():
    class Again(Knowing):
        def process(self, batch: Batch) -> None:
            """Drops everything."""

    assert accepted(Again()) == 0


def test_neither_face_overridden_raises():
    with pytest.raises(NotImplementedError, match="Mute overrides neither process nor c_process"):
        Mute().process(Batch())


def test_neither_face_overridden_raises_in_a_plan_too():
    with pytest.raises(NotImplementedError, match="Mute overrides neither"):
        drive(Mute(), {"port": [frame()]})


def test_the_native_face_can_be_called_from_python():
    batch = Batch.of(numbered(3))
    Wire().process(batch)
    assert batch.egress.tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", [Wire, Forward, Careful])
def test_all_ways_of_writing_do_the_same(kind: type[Handler]):
    there, back = numbered(70), numbered(70, 100)
    sent = [data + bytes(60) for data in there]
    driven = drive(kind(), {"a": sent, "b": [data + bytes(60) for data in back]})
    assert driven.out == {"b": sent, "a": [data + bytes(60) for data in back]}
    assert driven.drops == {}


def test_python_in_front_of_native_code():
    short, long = frame(payload=b"x"), frame(payload=bytes(60))
    driven = drive(Careful(), {"a": [short, long, short]})
    assert driven.out == {"a": [], "b": [long]}
    assert driven.drops == {"LOST": 2}


def test_a_port_has_a_number():
    assert [Wire().port(name) for name in ("a", "b")] == [0, 1]
    with pytest.raises(ValueError, match="tuple"):
        Wire().port("c")


def test_a_fresh_handler():
    handler = Forward()
    assert (handler.name, handler.deadline_ns, handler.tick(1, Batch())) == ("", 0, 0)
    counts = handler.counts()
    none = {"descriptors": 0, "packets": 0, "bytes": 0}
    assert counts.pop("drops") == {}  # type: ignore[misc]
    assert all(tally == none for tally in counts.values())


def test_counts_have_three_units():
    rig = Rig("a -- wire.a", "wire.b -- b", wire=Wire())
    sent = numbered(5)
    rig.through("a", sent)
    expected = {"descriptors": 5, "packets": 5, "bytes": sum(map(len, sent))}
    assert rig.counts("wire")["rx"] == rig.counts("wire")["tx"] == expected
    assert rig.counts("a")["rx"] == rig.counts("b")["tx"] == expected


@pytest.mark.parametrize(("reason", "name"), [(0, "UNCLAIMED"), (200, "REASON_200"), (255, "REASON_255")])
def test_a_reason_that_nobody_declared_is_counted_all_the_same(reason: int, name: str):
    class Dropper(Handler):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.drop(reason)

    assert drive(Dropper(), {"port": numbered(3)}).drops == {name: 3}


def test_what_it_does_not_claim_is_dropped():
    class Half(Handler):
        def process(self, batch: Batch) -> None:
            for p in list(batch)[::2]:
                p.egress = 0

    driven = drive(Half(), {"port": numbered(4)})
    assert driven.out == {"port": numbered(4)[::2]}
    assert driven.drops == {"UNCLAIMED": 2}


def test_a_handler_takes_any_arguments_and_attributes():
    class Named(Handler):
        def __init__(self, size: int, *, color: str) -> None:
            self.size, self.color = size, color

    named = Named(3, color="red")
    assert (named.size, named.color, named.ports) == (3, "red", ("port",))


def test_verdicts_come_preset():
    seen: list[tuple[int, int, int]] = []

    class Looker(Handler):
        def process(self, batch: Batch) -> None:
            seen.extend((p.egress, p.reason, p.ingress) for p in batch)

    Rig("a -> look", look=Looker()).through("a", numbered(2))
    assert seen == [(DROP, reasons.UNCLAIMED, 0)] * 2


def test_a_class_says_for_itself_that_copies_are_right():
    class Sure(Careful):
        parallel = True

    handlers = (Handler(), Wire(), Forward(), Careful(), Sure(), UdpTunnel(learn=True), UdpTunnel(peer="192.0.2.1:9"))
    assert [is_parallel(handler) for handler in handlers] == [False, True, False, False, True, False, True]

"""Sending: what is joined for whom, and lies that are not sent."""

from __future__ import annotations

import pytest

from tests.unit.kernels import Kernel, fed, framed, stream
from tests.unit.offload.flows import FULL, body, tcp, udp
from tests.unit.parts import Gate
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.offload.fit import declare
from tunnel.packet import F_ALL, F_CSUM, F_TSO4, F_TSO6, IP

GSO_TCPV4, GSO_UDP_L4 = 1, 5


class Twin(Handler):
    """Python: on to the other port, with what was given."""

    ports = ("a", "b")

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = 1 - p.ingress


class Knowing(Twin):
    """The same, super-packets too."""

    accepts = F_ALL


class Maker(Handler):
    """Answers every packet with super-packets, their headers as ``told``."""

    ports = ("a", "b")

    def __init__(self, brings: int, **told: int) -> None:
        self.brings = brings  # type: ignore[misc]
        self.told = {"gso_type": GSO_TCPV4, "gso_size": FULL, "csum_start": 34, "csum_offset": 16} | told

    def process(self, batch: Batch) -> None:
        for _ in range(len(batch)):
            packet = batch.emit(framed([tcp(0, 5 * FULL)])[0], egress=1)
            declare(packet, **self.told)


@pytest.mark.parametrize(("brings", "handler", "joins"), [
    (F_ALL, Wire, False), (0, Wire, True), (F_ALL, Twin, True), (F_ALL, Knowing, False), (F_CSUM, Wire, True),
    (F_CSUM | F_TSO4 | F_TSO6, Wire, False),
])  # fmt: skip
def test_joined_where_somebody_on_the_way_cannot_bring_them_whole(brings: int, handler: type[Handler], joins: bool):
    rig = fed(handler(), device := Kernel(), brings)
    rig.through("source", stream(4))
    assert [segments for segments, _ in device.sent] == ([4] if joins else [1] * 4)
    assert device.stream == body(0, 4 * FULL)


def test_one_source_of_several_is_enough():
    first, outside = Memory.pair(brings=F_ALL, accepts=F_ALL)
    second, _ = Memory.pair()
    rig = Rig("one -> h.a", "two -> g.a", "h.b -> sink", "g.b -> sink", h=Wire(), g=Wire(), one=first, two=second,
              sink=(device := Kernel()))  # fmt: skip
    outside.open()
    rig.outside["one"] = outside
    rig.through("one", stream(4))
    assert [segments for segments, _ in device.sent] == [4]


def test_only_the_kinds_that_could_not_be_brought():
    rig = fed(Wire(), device := Kernel(), F_CSUM | F_TSO4)
    rig.through("source", framed([tcp(0), tcp(FULL), udp(0), udp(1)]))
    assert [segments for segments, _ in device.sent] == [1, 1, 2]


@pytest.mark.parametrize("accepts", [0, F_CSUM, F_ALL & ~F_CSUM])
def test_not_for_a_device_that_takes_none(accepts: int):
    rig = fed(Wire(), device := Kernel(accepts), 0)
    rig.through("source", stream(4))
    assert [segments for segments, _ in device.sent] == [1] * 4


def test_a_joined_one_counts_once_in_descriptors():
    rig = fed(Wire(), Kernel(), 0)
    rig.through("source", stream(4))
    assert rig.counts("sink")["tx"] == {"descriptors": 1, "packets": 4, "bytes": 54 + 4 * FULL}
    assert rig.counts("source")["rx"]["descriptors"] == 4


def test_what_is_joined_may_wait_in_the_tail():
    rig = fed(Wire(), device := Kernel(room=0), 0)
    rig.through("source", stream(5))
    assert rig.counts("sink")["held"] == {"descriptors": 1, "packets": 5, "bytes": 54 + 5 * FULL}
    device.room = 9
    assert rig.plan.flush(device, 0)
    assert device.sent == [(5, body(0, 5 * FULL))]
    rig.law()


def test_the_largest_may_wait_too():
    size = 1400
    rig = fed(Wire(), device := Kernel(room=0), 0)
    rig.through("source", stream(50, size=size))
    device.room = 9
    assert rig.plan.flush(device, 0)
    assert [segments for segments, _ in device.sent] == [46, 4]
    assert device.stream == body(0, 50 * size)


def test_a_handler_says_what_it_brings():
    rig = fed(Maker(F_ALL), device := Kernel(F_CSUM), 0)
    rig.through("source", stream(1))
    assert [segments for segments, _ in device.sent] == [1] * 5
    rig = fed(Maker(F_ALL), device := Kernel(), 0)
    rig.through("source", stream(1))
    assert device.sent == [(5, body(0, 5 * FULL))]


LIES = {
    "a size of 0": {"gso_size": 0},
    "another protocol": {"gso_type": GSO_UDP_L4},
    "another version": {"gso_type": 4},
    "a checksum that starts behind it": {"csum_start": 60_000},
    "a checksum elsewhere": {"csum_offset": 6},
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("brings", [F_ALL, F_CSUM])
def test_a_lie_of_a_handler_is_not_sent(lie: str, brings: int):
    rig = fed(Maker(brings, **LIES[lie]), device := Kernel(), 0)
    rig.through("source", stream(2))
    assert device.sent == []
    assert rig.counts("sink")["drops"]["BAD_GSO"]["descriptors"] == 2
    assert reasons.name(reasons.BAD_GSO) in rig.drops()


def test_lengths_that_a_handler_made_unlike_are_not_sent():
    class Stretching(Knowing):
        accepts = F_ALL

        def process(self, batch: Batch) -> None:
            super().process(batch)
            for p in batch:
                p.view[17] ^= 1

    rig = fed(Stretching(), device := Kernel(), F_ALL)
    batch = Batch()
    packet = batch.emit(framed([tcp(0, 300)])[0])
    declare(packet, gso_type=GSO_TCPV4, gso_size=FULL, csum_start=34, csum_offset=16)
    rig.outside["source"].send(batch)
    rig.breathe("source")
    assert device.sent == []
    assert rig.drops() == {"BAD_GSO": 3}


def test_a_gate_beside_it_is_no_matter():
    """A device that takes no super-packets is fed from the same source."""
    gate = Gate()
    gate.open_for = 100
    inside, outside = Memory.pair(medium=IP)
    rig = Rig("source -> h.a", "h.b -> gate", h=Wire(), source=inside, gate=gate)
    outside.open()
    rig.outside["source"] = outside
    rig.through("source", [tcp(0), tcp(100)])
    assert gate.sent == [tcp(0), tcp(100)]

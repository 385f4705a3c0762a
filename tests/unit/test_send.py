"""Sending: what is joined for whom, what a refusal changes, lies that are not sent."""

from __future__ import annotations

import pytest

from tests.unit.offload.flows import FULL, body, tcp, udp
from tests.unit.parts import Gate
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.offload.claim import needs
from tunnel.offload.fit import declare
from tunnel.packet import F_ALL, F_CSUM, F_TSO4, F_TSO6, F_USO4, IP

GSO_TCPV4, GSO_UDP_L4 = 1, 5
MACS = bytes.fromhex("020000000001020000000002")


def framed(packets: list[bytes]) -> list[bytes]:
    """IPv4 packets in frames."""
    return [MACS + b"\x08\0" + packet for packet in packets]


def stream(count: int, start: int = 0, size: int = FULL) -> list[bytes]:
    """Frames of a TCP flow without a gap."""
    return framed([tcp((start + i) * size, size) for i in range(count)])


class Kernel(Device):
    """Takes ``room`` packets, and refuses what carries a feature of ``refuses``: then it accepts it no more."""

    def __init__(self, accepts: int = F_ALL, refuses: int = 0, room: int = 1 << 20) -> None:
        self.medium, self.accepts, self.refuses, self.room = 1, accepts, refuses, room
        self.sent = list[tuple[int, bytes]]()
        self.sequences = list[int]()
        self.asked = 0

    def recv(self, batch: Batch) -> int:
        return 0

    def send(self, batch: Batch) -> int:
        self.asked += 1
        for i, p in enumerate(batch):
            refused = needs(p) & self.refuses
            if self.room == 0 or refused:
                self.accepts &= ~refused
                return i
            self.room -= 1
            self.sent.append((p.segments, p.payload))
            self.sequences.append(int.from_bytes(p.data[38:42], "big"))
        return len(batch)

    @property
    def stream(self) -> bytes:
        """What was sent, in order."""
        return b"".join(payload for _, payload in self.sent)


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


def fed(handler: Handler, device: Device, brings: int) -> Rig:
    """A Memory that brings ``brings``, the handler, the device."""
    inside, outside = Memory.pair(brings=brings, accepts=brings)
    outside.open()
    rig = Rig("source -> h.a", "h.b -> sink", h=handler, source=inside, sink=device)
    rig.outside["source"] = outside
    return rig


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


def test_a_refusal_loses_nothing():
    packets = framed([udp(0), udp(1)]) + stream(4) + framed([udp(2), udp(3)])
    rig = fed(Wire(), device := Kernel(refuses=F_TSO4), 0)
    rig.through("source", packets)
    assert [segments for segments, _ in device.sent] == [4, 1, 1, 1, 1]
    assert device.stream == b"".join(body(i, FULL) for i in range(4)) + body(0, 4 * FULL)
    assert rig.counts("sink")["tx"]["packets"] == 8
    assert rig.drops() == {}


def test_after_a_refusal_that_kind_is_not_tried_again():
    rig = fed(Wire(), device := Kernel(refuses=F_TSO4), 0)
    rig.through("source", stream(4))
    assert device.asked == 2
    rig.through("source", stream(4, 4) + framed([udp(0), udp(1)]))
    assert device.asked == 3
    assert [segments for segments, _ in device.sent] == [1] * 8 + [2]


def test_one_refusal_after_the_other():
    rig = fed(Wire(), device := Kernel(refuses=F_TSO4 | F_USO4), 0)
    rig.through("source", stream(3) + framed([udp(0), udp(1)]))
    assert (device.asked, [segments for segments, _ in device.sent]) == (3, [1] * 5)
    assert device.accepts == F_ALL & ~F_TSO4 & ~F_USO4


def test_a_refused_unfinished_checksum_is_finished():
    rig = fed(Wire(), device := Kernel(refuses=F_CSUM), F_ALL)
    batch = Batch()
    for data in stream(3):
        declare(batch.emit(data), csum_start=34, csum_offset=16)
    assert rig.outside["source"].send(batch) == 3
    rig.breathe("source")
    assert [segments for segments, _ in device.sent] == [1] * 3
    rig.law()


def test_a_refusal_of_what_came_whole():
    rig = fed(Wire(), device := Kernel(refuses=F_TSO4), F_ALL)
    batch = Batch()
    for i in range(2):
        packet = batch.emit(framed([tcp(i * 300, 300)])[0])
        declare(packet, gso_type=GSO_TCPV4, gso_size=FULL, csum_start=34, csum_offset=16)
    assert rig.outside["source"].send(batch) == 2
    rig.breathe("source")
    assert [segments for segments, _ in device.sent] == [1] * 6
    assert device.stream == body(0, 600)
    assert rig.counts("sink")["tx"]["packets"] == rig.counts("source")["rx"]["packets"] == 6
    rig.law()


def test_a_refusal_that_ends_in_a_full_queue():
    rig = fed(Wire(), device := Kernel(refuses=F_TSO4, room=3), 0)
    rig.through("source", stream(10))
    assert device.stream == body(0, 3 * FULL)
    assert rig.counts("sink")["held"]["packets"] == 7
    device.room = 100
    assert rig.plan.flush(device, 0)
    assert device.stream == body(0, 10 * FULL)
    rig.law()


def test_what_waits_in_the_tail_is_refused_when_it_is_flushed():
    rig = fed(Wire(), device := Kernel(room=0), 0)
    for i in range(6):
        rig.through("source", stream(5, 5 * i))
    rig.through("source", framed([udp(0)]))
    assert rig.counts("sink")["held"]["descriptors"] == 7
    device.room, device.refuses = 4, F_TSO4
    assert not rig.plan.flush(device, 0)
    assert device.stream == body(0, 4 * FULL)
    assert rig.counts("sink")["held"] == {"descriptors": 27, "packets": 27, "bytes": 26 * 154 + 142}
    rig.law()
    device.room = 100
    assert rig.plan.flush(device, 0)
    assert device.stream == body(0, 30 * FULL) + body(0, FULL)
    assert rig.counts("sink")["held"] == {"descriptors": 0, "packets": 0, "bytes": 0}
    assert rig.drops() == {}
    rig.law()


def test_a_full_tail_that_is_refused_loses_what_has_no_room():
    """8 MiB of super-packets are more than that in segments."""
    size, whole = 1400, 46
    rig = fed(Wire(), device := Kernel(room=0), 0)
    for i in range(130):
        rig.through("source", stream(whole, i * whole, size))
    lost = rig.drops()["HELD_FULL"]
    assert lost % whole == 0
    device.room, device.refuses = 1 << 20, F_TSO4
    assert rig.plan.flush(device, 0)
    more = rig.drops()["HELD_FULL"]
    assert more > lost
    assert len(device.sent) == 130 * whole - more
    assert device.sequences == sorted(device.sequences)
    rig.law()


def test_a_device_is_lowered_even_when_nothing_is_left():
    class Late(Kernel):
        def send(self, batch: Batch) -> int:
            done = super().send(batch)
            self.accepts = F_CSUM
            return done

    rig = fed(Wire(), device := Late(), 0)
    rig.through("source", stream(4))
    rig.through("source", stream(4, 4))
    assert [segments for segments, _ in device.sent] == [4, 1, 1, 1, 1]


def test_a_device_that_accepts_more_later_is_given_no_more():
    class Growing(Kernel):
        def send(self, batch: Batch) -> int:
            self.accepts = F_ALL
            return super().send(batch)

    rig = fed(Wire(), device := Growing(0), 0)
    for i in range(3):
        rig.through("source", stream(4, 4 * i))
    assert [segments for segments, _ in device.sent] == [1] * 12


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

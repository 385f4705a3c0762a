"""A kernel that refuses super-packets while it runs: nothing is lost, nothing is counted twice."""

from __future__ import annotations

from tests.unit.kernels import Kernel, fed, framed, stream
from tests.unit.offload.flows import FULL, body, tcp, udp
from tunnel.batch import Batch
from tunnel.handlers.wire import Wire
from tunnel.offload.fit import declare
from tunnel.packet import F_ALL, F_CSUM, F_TSO4, F_USO4

GSO_TCPV4, GSO_UDP_L4 = 1, 5


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

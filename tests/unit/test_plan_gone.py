"""Devices that are gone while they receive, send, or hold packets."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.parts import Ticking
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.errors import DeviceClosed
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.packet import ETHERNET


class Going(Device):
    """Is gone: in recv, in send, or after some packets."""

    def __init__(self, *, recv: bool = False, send: bool = False, first: int = 0) -> None:
        self.medium, self.gone_recv, self.gone_send, self.first = ETHERNET, recv, send, first
        self.sent: list[bytes] = []

    def recv(self, batch: Batch) -> int:
        if not self.gone_recv:
            return 0
        for data in numbered(self.first):
            batch.emit(data)
        raise DeviceClosed("gone on purpose")

    def send(self, batch: Batch) -> int:
        if self.gone_send:
            raise DeviceClosed("gone on purpose")
        self.sent += [p.data for p in batch]
        return len(batch)


def test_a_device_gone_while_receiving():
    device = Going(recv=True, first=3)
    rig = Rig("here -> wire.a", "wire.b -> b", here=device, wire=Wire())
    with pytest.raises(DeviceClosed) as caught:
        rig.breathe("here")
    assert caught.value.device is device
    device.gone_recv = False
    rig.plan.exhale(0)
    assert rig.out("b") == []
    assert rig.counts("here")["rx"]["packets"] == 0
    rig.law()


def test_after_a_device_was_gone_while_receiving_a_tick_finds_an_empty_batch():
    ticking = Ticking()
    rig = Rig("here -> t.port", "t.port -> b", here=Going(recv=True, first=3), t=ticking)
    with pytest.raises(DeviceClosed):
        rig.breathe("here")
    ticking.deadline_ns = 1
    rig.plan.tick(5)
    assert rig.out("b") == [frame(payload=b"tick")]


def test_a_device_gone_while_sending():
    gone = Going(send=True)
    rig = Rig("a -> wire.a", "wire.b -> gone", "c -> other.a", "other.b -> d", wire=Wire(), other=Wire(), gone=gone)
    rig.put("a", numbered(5))
    with pytest.raises(DeviceClosed) as caught:
        rig.breathe("a")
    assert caught.value.device is gone
    assert rig.drops() == {"CLOSED": 5}
    gone.gone_send = False
    rig.through("a", numbered(5, 5))
    rig.through("c", numbered(5))
    assert gone.sent == numbered(5, 5)
    assert rig.out("d") == numbered(5)


def test_what_goes_to_other_devices_is_sent_though_one_is_gone():
    class Both(Handler):
        ports = ("in", "left", "right")

        def process(self, batch: Batch) -> None:
            for number, p in enumerate(batch):
                p.egress = 1 + number % 2

    rig = Rig("a -> both.in", "both.left -> gone", "both.right -> b", both=Both(), gone=Going(send=True))
    rig.put("a", numbered(4))
    with pytest.raises(DeviceClosed):
        rig.breathe("a")
    assert rig.plan.waiting()
    rig.plan.exhale(0)
    assert rig.out("b") == numbered(4)[1::2]
    assert not rig.plan.waiting()
    rig.law()


def test_what_a_device_held_is_dropped_when_it_is_gone():
    class Stuck(Going):
        def send(self, batch: Batch) -> int:
            return super().send(batch) if self.gone_send else 0

    stuck = Stuck()
    rig = Rig("a -> wire.a", "wire.b -> stuck", wire=Wire(), stuck=stuck)
    rig.through("a", numbered(5))
    stuck.gone_send = True
    with pytest.raises(DeviceClosed):
        rig.plan.flush(stuck, 0)
    assert rig.drops() == {"CLOSED": 5}
    assert rig.counts("stuck")["held"]["packets"] == 0
    assert rig.plan.blocked() == []
    rig.law()

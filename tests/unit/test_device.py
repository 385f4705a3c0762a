"""The two faces of a device, and devices written in Python on the data path."""

from __future__ import annotations

import os

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.rig import Rig
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.errors import ConfigError, DeviceClosed
from tunnel.handlers.wire import Wire
from tunnel.packet import ETHERNET, Packet


class Listed(Device):
    """Gives what is in a list, three at a time; takes what it is told."""

    def __init__(self, packets: list[bytes], takes: int = 64) -> None:
        self.medium = ETHERNET
        self.packets, self.sent = list(packets), list[bytes]()
        self.takes = takes
        self.kept: list[Packet] = []

    def recv(self, batch: Batch) -> int:
        coming, self.packets = self.packets[:3], self.packets[3:]
        self.kept += [batch.emit(data) for data in coming]
        return len(coming)

    def send(self, batch: Batch) -> int:
        self.sent += [p.data for p in batch][: self.takes]
        return min(len(batch), self.takes)


class Wrong(Listed):
    """Says something impossible."""

    says: object = 1

    def recv(self, batch: Batch) -> int:
        return self.says  # type: ignore[return-value]

    send = recv


def test_neither_face_overridden_raises():
    device = Device()
    with pytest.raises(NotImplementedError, match="Device overrides neither recv nor c_recv"):
        device.recv(Batch())
    with pytest.raises(NotImplementedError, match="Device overrides neither send nor c_send"):
        device.send(Batch())


def test_neither_face_overridden_raises_in_a_plan_too():
    rig = Rig("bare -> wire.a", "wire.b -> b", bare=Device(), wire=Wire())
    with pytest.raises(NotImplementedError):
        rig.breathe("bare")


def test_a_device_in_python_receives():
    rig = Rig("here -> wire.a", "wire.b -> b", here=Listed(numbered(10)), wire=Wire())
    while rig.breathe("here"):
        pass
    assert rig.out("b") == numbered(10)
    assert rig.counts("here")["rx"]["packets"] == 10
    assert rig.counts("here")["emitted"]["packets"] == 0
    rig.law()


def test_packets_that_a_device_keeps_are_its_own():
    device = Listed(numbered(10))
    rig = Rig("here -> wire.a", "wire.b -> b", here=device, wire=Wire())
    while rig.breathe("here"):
        pass
    assert [p.data for p in device.kept] == numbered(10)


def test_a_device_in_python_sends_and_would_block():
    device = Listed([], takes=4)
    rig = Rig("a -> wire.a", "wire.b -> there", there=device, wire=Wire())
    rig.through("a", numbered(10))
    assert device.sent == numbered(4)
    assert rig.plan.blocked() == [device]
    assert not rig.plan.flush(device, 0)
    device.takes = 64
    assert rig.plan.flush(device, 0)
    assert device.sent == numbered(10)
    rig.law()


@pytest.mark.parametrize(
    ("says", "error"), [(-1, ValueError), (1, ValueError), (1 << 40, ValueError), (None, TypeError)]
)
def test_an_impossible_answer_is_an_error(says: object, error: type[Exception]):
    device = Wrong([])
    device.says = says
    rig = Rig("here -- wire.a", "wire.b -- b", here=device, wire=Wire())
    with pytest.raises(error):
        rig.breathe("here")
    device.says = 5 if says == 1 else says
    with pytest.raises(error):
        rig.through("b", numbered(1))
    assert rig.drops() == {"RAISED": 1}


def test_what_it_sends_badly_costs_its_own_packet():
    class Picky(Listed):
        def send(self, batch: Batch) -> int:
            for number, p in enumerate(batch):
                if number % 2:
                    p.drop(reasons.REFUSED)
            return len(batch)

    rig = Rig("a -> wire.a", "wire.b -> there", there=Picky([]), wire=Wire())
    rig.through("a", numbered(5))
    assert rig.counts("there")["tx"]["packets"] == 3
    assert rig.drops() == {"REFUSED": 2}


def test_closed_and_opened_by_a_with_statement():
    left, right = Memory.pair()
    with left:
        assert left.fd >= 0
        with pytest.raises(DeviceClosed):
            right.recv(Batch())
    assert left.fd == -1


def test_a_fresh_device():
    device = Device()
    assert (device.fd, device.name, device.brings, device.accepts, device.kernel_drops()) == (-1, "", 0, 0, {})
    assert device.counts()["drops"] == {}
    device.open()
    device.close()
    device.close()


def test_the_parser_drops_what_is_malformed_at_the_device():
    rig = Rig("a -> wire.a", "wire.b -> b", wire=Wire())
    rig.through("a", [b"", b"short", frame()])
    assert rig.out("b") == [frame()]
    assert rig.counts("a")["drops"]["TRUNCATED"]["packets"] == 2


def test_a_device_is_not_shared_unless_it_says_how():
    device = Listed([])
    device.name = "listed"
    with pytest.raises(ConfigError, match="^listed: a Listed cannot be shared among 3 workers, expected workers = 1$"):
        device.queues(3)


def test_leaving_closes_the_descriptor():
    device = Device()
    device.fd, other = os.pipe()
    device.leave()
    device.leave()
    assert device.fd == -1
    with pytest.raises(BrokenPipeError):
        os.write(other, b".")
    os.close(other)

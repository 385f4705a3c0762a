"""Devices that whoever runs the engine closes and opens while it runs."""

from __future__ import annotations

import socket

import pytest

from tests.unit.packets import numbered
from tests.unit.site import LOOPS, Gone, Site, turn
from tunnel.batch import Batch
from tunnel.counters import drops, engine_imbalance
from tunnel.devices.udp import Udp
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Kept(Gone):
    """Refuses to send while it is closed, as real devices do."""

    def send(self, batch: Batch) -> int:
        if self.fd < 0:
            raise DeviceClosed("closed")
        return super().send(batch)


def test_what_comes_for_a_detached_device_is_dropped_and_the_rest_goes_on(loop: str):
    device = Kept()
    site = Site("a -- wire.a", "wire.b -- kept", "c -- other.a", "other.b -- d", wire=Wire(), other=Wire(), kept=device)

    async def scenario() -> None:
        site.engine.detach(device)
        assert (device.closed, device.fd) == (1, -1)
        site.put("a", numbered(10))
        site.put("c", numbered(5))
        assert await site.out("d", 5) == numbered(5)
        while drops(site.engine.counts()) != {"CLOSED": 10}:
            await turn()
        site.engine.detach(device)
        assert device.closed == 1
        site.engine.attach(device)
        site.engine.attach(device)
        assert device.opened == 2
        site.put("a", numbered(10))
        while len(device.sent) < 10:
            await turn()

    site.run(loop, scenario)
    assert device.sent == numbered(10)
    assert engine_imbalance(site.engine.counts()) == 0


def test_detached_before_the_run_it_is_opened_by_attach(loop: str):
    device = Kept()
    site = Site("a -- wire.a", "wire.b -- kept", wire=Wire(), kept=device)
    site.engine.detach(device)

    async def scenario() -> None:
        assert device.opened == 0
        site.engine.attach(device)
        site.put("a", numbered(3))
        while len(device.sent) < 3:
            await turn()

    site.run(loop, scenario)
    assert (device.opened, device.fd) == (1, -1)


def test_attached_before_the_run_nothing_is_different(loop: str):
    device = Kept()
    site = Site("a -- wire.a", "wire.b -- kept", wire=Wire(), kept=device)
    site.engine.detach(device)
    site.engine.attach(device)
    assert device.opened == 0

    async def scenario() -> None:
        assert device.opened == 1

    site.run(loop, scenario)
    assert device.fd == -1


def test_one_that_cannot_be_opened_stays_detached(loop: str):
    device = Kept()
    site = Site("a -- wire.a", "wire.b -- kept", wire=Wire(), kept=device)

    async def scenario() -> None:
        site.engine.detach(device)
        device.fails = 2
        with pytest.raises(DeviceError, match="on purpose"):
            site.engine.attach(device)
        site.engine.attach(device)
        assert (device.opened, device.fd >= 0) == (3, True)

    site.run(loop, scenario)
    assert device.fd == -1


def test_what_a_detached_device_held_is_dropped_and_its_feeders_go_on(loop: str):
    class Shut(Kept):
        tries = 0

        def send(self, batch: Batch) -> int:
            self.tries += 1
            return 0 if self.fd >= 0 else super().send(batch)

    device = Shut()
    site = Site("a -- wire.a", "wire.b -- shut", wire=Wire(), shut=device)

    async def scenario() -> None:
        site.put("a", numbered(4))
        while not device.tries:
            await turn()
        site.engine.detach(device)
        assert site.engine.counts()["devices"]["shut"]["held"]["packets"] == 0
        site.put("a", numbered(6))
        while drops(site.engine.counts()) != {"CLOSED": 10}:
            await turn()

    site.run(loop, scenario)
    assert engine_imbalance(site.engine.counts()) == 0


def test_a_detached_device_is_not_opened_because_it_had_been_gone(loop: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tunnel.engine.RETRY_S", 0.001)
    device = Kept()
    site = Site("a -- wire.a", "wire.b -- kept", wire=Wire(), kept=device, options={"on_gone": "recreate"})

    async def scenario() -> None:
        device.gone, device.fails = True, 1000
        while device.opened < 3:
            await turn()
        site.engine.detach(device)
        tries = device.opened
        for _ in range(200):
            await turn()
        assert device.opened == tries

    site.run(loop, scenario)
    assert device.fd == -1


def test_a_deadline_that_was_set_between_two_steps_is_kept_once_it_is_told(loop: str):
    class Clock(Handler):
        ports = ("in", "out")
        ticks = 0

        def process(self, batch: Batch) -> None:
            raise AssertionError("nothing comes")

        def tick(self, now_ns: int, batch: Batch) -> int:
            self.ticks += 1
            return 0

    clock = Clock()
    site = Site("a -- clock.in", "clock.out -- b", clock=clock)

    async def scenario() -> None:
        clock.deadline_ns = 1
        site.engine.rearm()
        while not clock.ticks:
            await turn()

    site.run(loop, scenario)
    assert clock.ticks == 1


def test_a_udp_port_is_changed_while_the_old_one_serves(loop: str):
    device = Udp(listen="127.0.0.1:0")
    other = Udp(listen="127.0.0.1:0")
    site = Site("u -> sink.in", "sink.out -> a", "o -> sink.in", sink=Sink(), u=device, o=other)

    async def scenario() -> None:
        first = device.address
        with pytest.raises(DeviceError, match="in use"):
            device.rebind(f"127.0.0.1:{other.address[1]}")
        assert (device.address, device.options.listen) == (first, "127.0.0.1:0")
        device.rebind("127.0.0.1:0")
        assert device.address == first
        site.engine.detach(device)
        site.engine.attach(device)
        assert device.address != first
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", device.address)
        while not site.graph.handlers["sink"].seen:  # type: ignore[attr-defined]
            await turn()

    site.run(loop, scenario)
    assert device.fd == -1


class Sink(Handler):
    """Counts and drops."""

    ports = ("in", "out")

    def __init__(self) -> None:
        self.seen = 0

    def process(self, batch: Batch) -> None:
        self.seen += len(batch)

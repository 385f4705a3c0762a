"""The engine and devices that block, are gone, come back, or come to their end."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.site import LOOPS, Gone, Pulled, Sink, Site, turn
from tunnel import engine
from tunnel.batch import Batch
from tunnel.counters import drops, engine_imbalance
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.hold import Hold
from tunnel.packet import HELD


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_blocked_device_pauses_its_feeders_and_resumes_them(loop: str):
    class Gate(Gone):
        """Blocks until its eventfd, which polls as writable always, is written a second time."""

        tries = 0

        def send(self, batch: Batch) -> int:
            self.tries += 1
            return 0 if self.tries < 3 else super().send(batch)

    gate = Gate()
    site = Site("a -> wire.a", "wire.b -> gate", "gate -> wire.b", "wire.a -> a", wire=Wire(), gate=gate)

    async def scenario() -> None:
        site.put("a", numbered(10))
        while len(gate.sent) < 10:
            await turn()
        site.put("a", numbered(10, 10))
        while len(gate.sent) < 20:
            await turn()
        assert gate.sent == numbered(20)

    site.run(loop, scenario)
    assert drops(site.engine.counts()) == {}


def test_a_device_gone_ends_the_run(loop: str):
    gone = Gone()
    gone.gone = True
    site = Site("gone -- wire.a", "wire.b -- b", wire=Wire(), gone=gone)
    with pytest.raises(DeviceClosed, match="on purpose") as caught:
        site.run(loop)
    assert caught.value.device is gone
    assert gone.fd == -1


def test_a_device_gone_is_opened_again(loop: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "RETRY_S", 0.001)

    class Returning(Gone):
        def open(self) -> None:
            if self.opened in {1, 2}:
                self.opened += 1
                raise DeviceError("not yet")
            super().open()
            self.gone = self.opened == 1

    device = Returning()
    site = Site("a -- wire.a", "wire.b -- back", wire=Wire(), back=device, options={"on_gone": "recreate"})

    async def scenario() -> None:
        while device.opened < 4:
            await turn()
        site.put("a", numbered(3))
        while len(device.sent) < 3:
            await turn()

    site.run(loop, scenario)
    assert device.sent == numbered(3)
    assert device.fd == -1


def test_while_a_device_is_gone_its_packets_are_dropped(loop: str):
    device = Gone()
    site = Site("a -- wire.a", "wire.b -- gone", "c -- other.a", "other.b -- d", wire=Wire(), other=Wire(), gone=device,
                options={"on_gone": "recreate"})  # fmt: skip

    def refuse(batch: Batch) -> int:
        raise DeviceClosed("gone on purpose")

    device.send = refuse  # type: ignore[method-assign]

    async def scenario() -> None:
        site.put("a", numbered(10))
        site.put("c", numbered(5))
        assert await site.out("d", 5) == numbered(5)
        while site.engine.counts()["devices"]["gone"]["drops"].get("CLOSED", {"packets": 0})["packets"] < 10:
            await turn()

    site.run(loop, scenario)
    assert engine_imbalance(site.engine.counts()) == 0


def test_feeders_of_a_lost_blocked_device_go_on(loop: str):
    class Blocking(Gone):
        def send(self, batch: Batch) -> int:
            if self.gone:
                raise DeviceClosed("gone on purpose")
            self.gone = True
            return 0

    class Copy(Handler):
        ports = ("in", "left", "right")

        def process(self, batch: Batch) -> None:
            for p in list(batch):
                p.egress = 1
                batch.clone(p).egress = 2

    site = Site("a -> copy.in", "copy.left -> stuck", "copy.right -> b", copy=Copy(), stuck=Blocking(),
                options={"on_gone": "recreate"})  # fmt: skip

    async def scenario() -> None:
        site.put("a", numbered(5))
        assert await site.out("b", 5) == numbered(5)
        site.put("a", numbered(5, 5))
        assert await site.out("b", 5) == numbered(5, 5)

    site.run(loop, scenario)


def test_a_device_without_descriptor_is_pulled_and_its_end_is_the_end(loop: str):
    sink = Sink()
    site = Site("file -> wire.a", "wire.b -> sink", "sink -> wire.b", "wire.a -> file", wire=Wire(),
                file=Pulled(numbered(5000)), sink=sink)  # fmt: skip
    site.run(loop)
    assert sink.sent == numbered(5000)


def test_the_end_waits_for_what_a_handler_holds(loop: str):
    class Delay(Handler):
        ports = ("in", "out")

        def __init__(self) -> None:
            self.store = Hold(1 << 20)

        def process(self, batch: Batch) -> None:
            for number in range(len(batch)):
                self.store.put(batch, number)
                batch[number].egress = HELD
            self.deadline_ns = batch.now_ns + 5_000_000

        def tick(self, now_ns: int, batch: Batch) -> int:
            while self.store.release(batch):
                batch[len(batch) - 1].egress = 1
            return 0

    sink = Sink()
    Site("file -> d.in", "d.out -> sink", d=Delay(), file=Pulled(numbered(10)), sink=sink).run(loop)
    assert sink.sent == numbered(10)


def test_the_end_of_a_file_does_not_end_what_else_can_come(loop: str):
    site = Site("file -> wire.a", "a -> other.a", "other.b -> b", "wire.b -> d", wire=Wire(), other=Wire(),
                file=Pulled(numbered(10)))  # fmt: skip

    async def scenario() -> None:
        assert await site.out("d", 10) == numbered(10)
        site.put("a", [frame()])
        assert await site.out("b", 1) == [frame()]

    site.run(loop, scenario)


def test_an_error_of_a_device_ends_the_run(loop: str):
    class Bad(Gone):
        def recv(self, batch: Batch) -> int:
            raise OSError("on purpose")

    site = Site("bad -- wire.a", "wire.b -- b", wire=Wire(), bad=Bad())
    with pytest.raises(OSError, match="on purpose"):
        site.run(loop)


class Shut(Gone):
    """Never takes anything."""

    tries = 0

    def send(self, batch: Batch) -> int:  # noqa: ARG002
        self.tries += 1
        return 0


def test_while_a_device_is_blocked_nothing_is_received_for_it(loop: str):
    shut = Shut()
    site = Site("a -> wire.a", "wire.b -> shut", "c -> other.a", "other.b -> d", wire=Wire(), other=Wire(), shut=shut)

    async def scenario() -> None:
        site.put("a", numbered(10))
        while not shut.tries:
            await turn()
        site.put("a", numbered(10))
        site.put("c", numbered(10))
        assert await site.out("d", 10) == numbered(10)
        for _ in range(20):
            await turn()
        assert site.engine.counts()["devices"]["a"]["rx"]["packets"] == 10

    site.run(loop, scenario)


def test_what_a_device_held_at_the_end_is_counted_as_dropped(loop: str):
    shut = Shut()
    site = Site("a -> wire.a", "wire.b -> shut", wire=Wire(), shut=shut)

    async def scenario() -> None:
        site.put("a", numbered(10))
        while not shut.tries:
            await turn()

    site.run(loop, scenario)
    assert drops(site.engine.counts()) == {"CLOSED": 10}
    assert engine_imbalance(site.engine.counts()) == 0

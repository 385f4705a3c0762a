"""The engine on real loops over Memory devices: start, stop, errors, what is gone, what is pulled."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.site import LOOPS, PATIENCE_S, Gone, Site, open_fds, turn, wire
from tunnel.batch import Batch
from tunnel.counters import drops, engine_imbalance
from tunnel.errors import ConfigError, DeviceError
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_packets_pass(loop: str):
    site = wire()

    async def scenario() -> None:
        site.put("a", numbered(500))
        assert await site.out("b", 500) == numbered(500)
        site.put("b", numbered(3))
        assert await site.out("a", 3) == numbered(3)

    site.run(loop, scenario)
    ledger = site.engine.counts()
    assert ledger["devices"]["a"]["rx"]["packets"] == 500
    assert ledger["handlers"]["wire"]["tx"]["packets"] == 503
    assert engine_imbalance(ledger) == 0


def test_what_was_there_before_passes_too(loop: str):
    site = wire()
    site.put("a", numbered(10))

    async def scenario() -> None:
        assert await site.out("b", 10) == numbered(10)

    site.run(loop, scenario)


def test_afterwards_all_is_closed_and_it_may_run_again(loop: str):
    site = wire()
    before = open_fds()
    for _ in range(3):

        async def scenario() -> None:
            site.put("a", numbered(10))
            assert await site.out("b", 10) == numbered(10)

        site.run(loop, scenario)
        assert {device.fd for device in site.graph.devices.values()} == {-1}
        assert open_fds() == before


def test_stopped_before_it_ends_at_once(loop: str):
    site = wire()
    site.engine.stop()
    site.run(loop)

    async def scenario() -> None:
        site.put("a", [frame()])
        assert await site.out("b", 1) == [frame()]

    site.run(loop, scenario)


def test_stopped_from_started_ends_at_once(loop: str):
    site = wire()

    async def main() -> None:
        await site.engine.run(site.engine.stop)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
    assert site.graph.devices["a"].fd == -1


def test_running_twice_at_once_is_refused(loop: str):
    site = wire()

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="runs already"):
            await site.engine.run()
        site.put("a", [frame()])
        assert await site.out("b", 1) == [frame()]

    site.run(loop, scenario)


def test_cancelled_it_closes_everything(loop: str):
    site = wire()

    async def main() -> None:
        task = asyncio.create_task(site.engine.run())
        await turn()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
    assert site.graph.devices["a"].fd == site.graph.devices["b"].fd == -1


def test_a_wrong_graph_opens_nothing(loop: str):
    device = Gone()
    site = Site(alone=device)
    with pytest.raises(ConfigError, match="no link joins"):
        site.run(loop)
    assert device.opened == 0


def test_a_device_that_cannot_be_opened_leaves_nothing_open(loop: str):
    site = Site("a -- wire.a", "wire.b -- bad", wire=Wire(), bad=Gone(1))
    before = open_fds()
    with pytest.raises(DeviceError, match="on purpose"):
        site.run(loop)
    assert site.graph.devices["a"].fd == -1
    assert open_fds() == before


def test_a_handler_that_cannot_be_opened_leaves_nothing_open(loop: str):
    told: list[str] = []

    class First(Wire):
        def closed(self) -> None:
            told.append("first closed")

    class Bad(Wire):
        def opened(self, now_ns: int) -> None:
            raise ZeroDivisionError

        def closed(self) -> None:
            told.append("bad closed")

    site = Site("a -- first.a", "first.b -- bad.a", "bad.b -- b", first=First(), bad=Bad())
    before = open_fds()
    with pytest.raises(ZeroDivisionError):
        site.run(loop)
    assert told == ["first closed"]
    assert {device.fd for device in site.graph.devices.values()} == {-1}
    assert open_fds() == before


def test_a_handler_that_raises_when_closed_keeps_nothing_open(loop: str):
    class Bad(Wire):
        def closed(self) -> None:
            raise ZeroDivisionError

    site = Site("a -- bad.a", "bad.b -- b", bad=Bad())
    site.engine.stop()
    with pytest.raises(ZeroDivisionError):
        site.run(loop)
    assert {device.fd for device in site.graph.devices.values()} == {-1}


@pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration])
def test_strict_ends_with_what_a_handler_raised(loop: str, error: type[Exception]):
    class Bad(Handler):
        def process(self, batch: Batch) -> None:
            raise error

    site = Site("a -- bad.port", bad=Bad(), options={"strict": True})
    site.put("a", [frame()])
    with pytest.raises((error, RuntimeError)):
        site.run(loop)
    assert drops(site.engine.counts()) == {"RAISED": 1}


def test_a_tick_comes_at_its_deadline(loop: str):
    class Ticking(Handler):
        def opened(self, now_ns: int) -> None:
            self.wanted = self.deadline_ns = now_ns + 20_000_000

        def process(self, batch: Batch) -> None:
            """Drops everything."""

        def tick(self, now_ns: int, batch: Batch) -> int:
            batch.emit(frame(payload=(now_ns - self.wanted).to_bytes(8, "big")), egress=0)
            return 0

    site = Site("a -- t.port", t=Ticking())

    async def scenario() -> None:
        (data,) = await site.out("a", 1)
        assert 0 <= int.from_bytes(data[-8:], "big") < PATIENCE_S * 10**9

    site.run(loop, scenario)


def test_packets_that_go_round_leave_time_for_others(loop: str):
    class Turn(Handler):
        ports = ("round", "out")

        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = 0
            if len(batch) < 100:
                batch.emit(frame(), egress=0)

    site = Site("a -- turn.out", "turn.round -> turn.round", "b -- wire.a", "wire.b -- c", turn=Turn(), wire=Wire())

    async def scenario() -> None:
        site.put("a", [frame()])
        for _ in range(20):
            site.put("b", [frame()])
            assert await site.out("c", 1) == [frame()]

    site.run(loop, scenario)
    assert engine_imbalance(site.engine.counts()) == 0
    assert drops(site.engine.counts()).keys() <= {"CLOSED", "LOOP", "RAISED"}

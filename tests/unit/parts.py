"""Handlers and devices of the tests of the data path, that do one thing each."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.packets import frame
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.packet import ETHERNET


class Turn(Handler):
    """Sends every packet round; one way out for what has mark 1."""

    ports = ("round", "out")

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = 0


class Gate(Device):
    """Takes packets only while it is open."""

    def __init__(self) -> None:
        self.medium = ETHERNET
        self.open_for, self.sent = 0, list[bytes]()

    def recv(self, batch: Batch) -> int:
        return 0

    def send(self, batch: Batch) -> int:
        taken = min(self.open_for, len(batch))
        self.sent += [p.data for p in batch][:taken]
        self.open_for -= taken
        return taken


class Fails(Handler):
    """Raises for batches whose number is in ``at`` (all where that is None)."""

    def __init__(self, at: set[int] | None = None, error: type[BaseException] = ZeroDivisionError) -> None:
        self.at, self.error, self.calls = at, error, 0
        self.before: Callable[[Batch], None] = lambda batch: None

    def process(self, batch: Batch) -> None:
        self.calls += 1
        for p in batch:
            p.egress = 0
        self.before(batch)
        if self.at is None or self.calls in self.at:
            raise self.error("on purpose")


class Ticking(Handler):
    """Emits one packet at each deadline and sets the next."""

    def __init__(self, period_ns: int = 100) -> None:
        self.period_ns, self.ticks = period_ns, list[int]()

    def process(self, batch: Batch) -> None:
        """Drops everything."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        assert len(batch) == 0
        assert batch.now_ns == now_ns
        self.ticks.append(now_ns)
        batch.emit(frame(payload=b"tick"), egress=0)
        return now_ns + self.period_ns if self.period_ns else 0


def failing(handler: Handler, **options: int) -> Rig:
    return Rig("a -> f.port", "f.port -> b", "c -> wire.a", "wire.b -> d", f=handler, wire=Wire(), **options)

"""The test kit: run a handler on the real data path, in memory, under a clock of one's own.

    driven = drive(MyHandler(), {"a": [frame]})
    assert driven.out["b"] == [frame]

Every step asserts the conservation law, against what was put in and taken out by the kit itself.

For tests on real interfaces ``tunnel.testing.fixtures`` has hosts for pytest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from tunnel.batch import Batch
from tunnel.counters import Ledger, engine_imbalance, imbalance
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.packet import DATAGRAM, ETHERNET
from tunnel.plan import Plan

Endpoint = tuple[str, int]
Sent = bytes | tuple[bytes, Endpoint]

STEPS = 10_000  # ticks, or exchanges, until all must have come to rest
BATCH = 64  # packets put in at a time: what a device receives at once


@dataclass
class FakeClock:
    """A clock that moves only when told: ``now_ns`` as CLOCK_MONOTONIC would give it."""

    now_ns: int = 1_000_000_000

    def advance(self, seconds: float) -> int:
        """Move on; the new time in ns."""
        self.now_ns += round(seconds * 1e9)
        return self.now_ns


@dataclass
class _End:
    """The world beyond one port: what was put in and what came out."""

    inside: Memory
    outside: Memory
    medium: int
    sent: int = 0
    taken: list[bytes] = field(default_factory=list)
    endpoints: list[Endpoint | None] = field(default_factory=list)


class Drive:
    """A handler with a Memory device at every port.

    ``medium`` is that of all ports or a dict by port; ``carries`` the feature bits that the devices
    bring and accept (0: plain packets). An exception of the handler is raised unless ``strict`` is
    false.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        medium: int | Mapping[str, int] = ETHERNET,
        carries: int = 0,
        clock: FakeClock | None = None,
        strict: bool = True,
    ) -> None:
        self.handler = handler
        self.clock = clock or FakeClock()
        media = medium if isinstance(medium, Mapping) else dict.fromkeys(handler.ports, medium)
        self._ends = {port: _end(port, media.get(port, ETHERNET), carries) for port in handler.ports}
        joints = [joint for number, end in enumerate(self._ends.values()) for joint in _joints(handler, number, end)]
        self._plan = Plan([handler], [end.inside for end in self._ends.values()], joints, strict=strict)
        handler.opened(self.clock.now_ns)

    def put(self, port: str, packets: Iterable[Sent]) -> None:
        """Send packets into a port (``(bytes, (address, port))`` for a datagram) and let them through."""
        end = self._ends[port]
        coming = iter(packets)
        while some := list(islice(coming, BATCH)):
            self._send(end, some)
            while self._plan.breathe(end.inside, self.clock.now_ns):
                pass
            self._settle()

    def _send(self, end: _End, packets: list[Sent]) -> None:
        batch = Batch()
        for packet in packets:
            data, endpoint = packet if isinstance(packet, tuple) else (packet, None)
            batch.emit(data, medium=end.medium, endpoint=endpoint)
        assert end.outside.send(batch) == len(batch), "the device has not received what was sent before"
        end.sent += len(batch)

    def advance(self, seconds: float) -> None:
        """Move the clock on, calling ``tick`` at each deadline on the way."""
        until = self.clock.now_ns + round(seconds * 1e9)
        for _ in range(STEPS):
            deadline = self._plan.deadline()
            if not deadline or deadline > until:
                break
            self.clock.now_ns = max(self.clock.now_ns, deadline)
            self._plan.tick(self.clock.now_ns)
            self._settle()
        else:
            raise AssertionError(f"a deadline still over after {STEPS} ticks")
        self.clock.now_ns = until
        self._settle()

    @property
    def out(self) -> dict[str, list[bytes]]:
        """What came out, by port, since the beginning."""
        return {port: list(end.taken) for port, end in self._ends.items()}

    @property
    def endpoints(self) -> dict[str, list[Endpoint | None]]:
        """Where to, for each of ``out``."""
        return {port: list(end.endpoints) for port, end in self._ends.items()}

    @property
    def drops(self) -> dict[str, int]:
        """Wire packets dropped by the handler and at its ports, by reason."""
        total: dict[str, int] = {}
        for counts in [self.handler.counts(), *(end.inside.counts() for end in self._ends.values())]:
            for reason, tally in counts["drops"].items():
                total[reason] = total.get(reason, 0) + tally["packets"]
        return total

    @property
    def held(self) -> int:
        """Packets that the handler keeps now."""
        return self.handler.counts()["held"]["packets"]

    def close(self) -> None:
        """End the handler's run and free the devices."""
        self.handler.closed()
        for end in self._ends.values():
            end.inside.close()
            end.outside.close()

    def _settle(self) -> None:
        while self._plan.waiting():
            self._plan.exhale(self.clock.now_ns)
        for end in self._ends.values():
            self._take(end)
        ledger: Ledger = {
            "devices": {port: end.inside.counts() for port, end in self._ends.items()},
            "handlers": {"": self.handler.counts()},
            "kernel": {},
            "offloads": {},
            "namespaces": {},
        }
        assert imbalance(self.handler.counts()) == 0, f"packets lost or made up: {self.handler.counts()}"
        assert engine_imbalance(ledger) == 0, f"packets lost or made up: {ledger}"

    def _take(self, end: _End) -> None:
        batch = Batch()
        while self._arrived(end, batch):
            end.taken += [packet.data for packet in batch]
            end.endpoints += [packet.endpoint if end.medium == DATAGRAM else None for packet in batch]
            batch.clear()
        counts = end.inside.counts()
        assert counts["rx"]["descriptors"] == end.sent, "the device did not receive what was sent"
        assert counts["tx"]["descriptors"] == len(end.taken), "what the device sent did not arrive"

    def _arrived(self, end: _End, batch: Batch) -> bool:
        """Receive, after what a full queue held back was let go; False once nothing is left."""
        flushed = self._plan.flush(end.inside, self.clock.now_ns)
        return end.outside.recv(batch) > 0 or not flushed


def drive(
    handler: Handler,
    packets: Mapping[str, Iterable[Sent]],
    *,
    medium: int | Mapping[str, int] = ETHERNET,
    carries: int = 0,
    clock: FakeClock | None = None,
    strict: bool = True,
) -> Drive:
    """Put these packets, by port, through a handler; the ``Drive`` has what came of it."""
    driven = Drive(handler, medium=medium, carries=carries, clock=clock, strict=strict)
    for port, sent in packets.items():
        driven.put(port, sent)
    return driven


class Pair:
    """Two handlers joined back to back by one port of each, over a path that may lose packets.

    What leaves ``left`` by ``port`` enters ``right`` there, coming from ``left_address``, and the
    other way round. ``lost`` holds the numbers of the packets that do not arrive, counted from 0
    over both ways together.
    """

    def __init__(
        self, left: Drive, right: Drive, *, port: str = "underlay",
        left_address: Endpoint = ("192.0.2.1", 9000), right_address: Endpoint = ("192.0.2.2", 9000),
    ) -> None:  # fmt: skip
        self.left, self.right = left, right
        self._port = port
        self._ways = ((left, right, left_address), (right, left, right_address))
        self._seen = {left: 0, right: 0}
        self._number = 0
        self.lost: set[int] = set()

    def exchange(self) -> int:
        """Carry across what has come out on either side until nothing moves; how many went across."""
        carried = 0
        for _ in range(STEPS):
            moved = sum(self._carry(*way) for way in self._ways)
            carried += moved
            if not moved:
                return carried
        raise AssertionError("the two never come to rest")

    def _carry(self, source: Drive, target: Drive, address: Endpoint) -> int:
        fresh = source.out[self._port][self._seen[source] :]
        self._seen[source] += len(fresh)
        numbered = list(enumerate(fresh, self._number))
        self._number += len(fresh)
        arriving: list[Sent] = [(data, address) for number, data in numbered if number not in self.lost]
        if arriving:
            target.put(self._port, arriving)
        return len(fresh)


def _end(port: str, medium: int, carries: int) -> _End:
    outside, inside = Memory.pair(medium=medium, brings=carries, accepts=carries)
    inside.name = port
    outside.open()
    inside.open()
    return _End(inside, outside, medium)


def _joints(handler: Handler, number: int, end: _End) -> list[tuple[Handler | Memory, int, Handler | Memory, int]]:
    return [(end.inside, 0, handler, number), (handler, number, end.inside, 0)]

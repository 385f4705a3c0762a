"""A plan over Memory devices, for the tests of the data path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tunnel.batch import Batch
from tunnel.counters import Counts, Ledger, drops, engine_imbalance, imbalance
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.graph import Graph
from tunnel.handler import Handler
from tunnel.packet import ETHERNET
from tunnel.plan import Plan


class Rig:
    """``Rig("a -- wire.a", "wire.b -- b", wire=Wire())``: names that are no keyword are Memory devices.

    ``carries``, ``medium`` and ``limit`` are those of every Memory; ``strict`` and
    ``quarantine_after`` the plan's; any device may be given by keyword instead.
    """

    def __init__(
        self, *links: str, carries: int = 0, medium: int = ETHERNET, limit: int = 16 << 20,
        strict: bool = False, quarantine_after: int = 10, **nodes: Handler | Device,
    ) -> None:  # fmt: skip
        self.graph = Graph()
        self.outside: dict[str, Memory] = {}
        for name, node in nodes.items():
            self.graph.add(node, name)  # type: ignore[type-var]
        for name in dict.fromkeys(end.split(".")[0] for link in links for end in link.split()[::2]):
            if name not in nodes:
                inside, self.outside[name] = Memory.pair(medium=medium, brings=carries, accepts=carries, limit=limit)
                self.graph.add(inside, name)
                self.outside[name].open()
        for link in links:
            self.graph.link(link)
        self.open(strict, quarantine_after)

    def open(self, strict: bool, quarantine_after: int) -> None:
        """Open the devices and make the plan."""
        named: dict[str, Any] = {**self.graph.devices, **self.graph.handlers}
        for device in self.graph.devices.values():
            device.open()
        joints = [(named[a], out, named[b], into) for a, out, b, into in self.graph.links]
        self.plan = Plan(
            list(self.graph.handlers.values()), list(self.graph.devices.values()), joints,
            strict=strict, quarantine_after=quarantine_after,
        )  # fmt: skip
        self.now_ns = 1_000

    def put(self, device: str, packets: Iterable[bytes]) -> None:
        """Packets that the device will receive."""
        batch = Batch()
        for data in packets:
            batch.emit(data, medium=self.outside[device].medium)
        assert self.outside[device].send(batch) == len(batch)

    def breathe(self, device: str) -> bool:
        """One breath."""
        return self.plan.breathe(self.graph.devices[device], self.now_ns)

    def through(self, device: str, packets: Iterable[bytes]) -> None:
        """Put packets and see them through; the law is asserted."""
        self.put(device, packets)
        while self.breathe(device) or self.plan.waiting():
            pass
        self.law()

    def out(self, device: str) -> list[bytes]:
        """What the device has sent since it was last asked."""
        batch, found = Batch(), []
        while self.outside[device].recv(batch):
            found += [p.data for p in batch]
            batch.clear()
        return found

    def ledger(self) -> Ledger:
        """As an engine's."""
        return {
            "devices": {name: device.counts() for name, device in self.graph.devices.items()},
            "handlers": {name: handler.counts() for name, handler in self.graph.handlers.items()},
            "kernel": {},
            "offloads": {},
            "namespaces": {},
        }

    def counts(self, name: str) -> Counts:
        """What one device or handler counted."""
        ledger = self.ledger()
        return (ledger["devices"] | ledger["handlers"])[name]

    def drops(self) -> dict[str, int]:
        """By reason, everywhere."""
        return drops(self.ledger())

    def law(self) -> None:
        """The conservation law holds for every handler and for the whole."""
        for name, handler in self.graph.handlers.items():
            assert imbalance(handler.counts()) == 0, name
        assert engine_imbalance(self.ledger()) == 0

"""A graph for workers: packets that each makes for itself, in memory, and what is done when they come."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import msgspec

from tests.unit.packets import numbered
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.graph import Graph
from tunnel.handler import Handler
from tunnel.packet import CONSUMED

COUNT = 5


class Shooter(Handler):
    """Sends so many packets out by ``a``, and does ``then`` when they come in by ``b``.

    ``pids`` is a pipe into which each worker that starts writes its process id.
    """

    parallel = True
    ports = ("a", "b")

    def __init__(self, then: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGTERM)) -> None:
        self.then = then
        self.pids = os.pipe()

    def opened(self, now_ns: int) -> None:
        os.write(self.pids[1], os.getpid().to_bytes(4, "little"))
        self.deadline_ns = now_ns

    def tick(self, now_ns: int, batch: Batch) -> int:
        for data in numbered(COUNT):
            batch.emit(data, egress=0)
        return 0

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.egress = CONSUMED
        self.then()

    def started(self) -> list[int]:
        """The process ids of the workers that have started."""
        read = os.read(self.pids[0], 1024)
        return [int.from_bytes(read[at : at + 4], "little") for at in range(0, len(read), 4)]


def graph(shooter: Handler, count: int = 2, **options: Any) -> Graph:
    """``left`` and ``right``, joined in memory; the handler between them."""
    made = Graph()
    made.engine = msgspec.structs.replace(made.engine, workers=count, **options)
    for name, end in zip(("left", "right"), Memory.pair(), strict=True):
        made.add(end, name)
    made.add(shooter, "shooter")
    made.link("shooter.a -> left")
    made.link("right -> shooter.b")
    return made

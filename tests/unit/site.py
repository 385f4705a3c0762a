"""An engine over Memory devices on a real loop, and devices that misbehave."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import uvloop

from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.engine import Engine
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.graph import Graph
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.packet import ETHERNET

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


PATIENCE_S = 20


class Site:
    """A graph over Memory devices; ``outside`` holds their other ends."""

    def __init__(self, *links: str, options: dict[str, Any] | None = None, **nodes: Device | Handler) -> None:
        self.graph, self.outside = Graph(), dict[str, Memory]()
        self.graph.engine = msgspec.structs.replace(self.graph.engine, **(options or {}))
        for name, node in nodes.items():
            self.graph.add(node, name)  # type: ignore[type-var]
        for name in dict.fromkeys(end.split(".")[0] for link in links for end in link.split()[::2]):
            if name not in nodes:
                inside, self.outside[name] = Memory.pair()
                self.graph.add(inside, name)
                self.outside[name].open()
        for link in links:
            self.graph.link(link)
        self.engine = Engine(self.graph)

    def put(self, name: str, packets: list[bytes]) -> None:
        """Packets for a device; its loop is woken."""
        assert self.outside[name].send(Batch.of(packets)) == len(packets)

    async def out(self, name: str, count: int) -> list[bytes]:
        """So many packets from a device, whenever they come."""
        found, batch, loop = list[bytes](), Batch(), asyncio.get_running_loop()
        while len(found) < count:
            ready = loop.create_future()
            loop.add_reader(self.outside[name].fd, _once, ready)
            await ready
            loop.remove_reader(self.outside[name].fd)
            self.outside[name].recv(batch)
            found += [p.data for p in batch]
            batch.clear()
        return found

    def run(self, loop: str, scenario: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run the engine; the scenario, once packets flow, ends with stop."""

        async def scene() -> None:
            assert scenario is not None
            try:
                await scenario()
            finally:
                self.engine.stop()

        async def main() -> None:
            running = asyncio.get_running_loop()
            tasks: list[asyncio.Task[None]] = []
            started = (lambda: tasks.append(running.create_task(scene()))) if scenario else None
            async with asyncio.timeout(PATIENCE_S):
                await self.engine.run(started)
                for task in tasks:
                    await task

        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(main())


async def turn() -> None:
    """Let the loop go round once."""
    running = asyncio.get_running_loop()
    passed = running.create_future()
    running.call_soon(passed.set_result, None)
    await passed


def open_fds() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def wire(**options: Any) -> Site:
    return Site("a -- wire.a", "wire.b -- b", wire=Wire(), options=options)


def _once(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Gone(Device):
    """Opens ``after`` so many attempts; gone when told."""

    def __init__(self, fails: int = 0, *, error: type[Exception] = DeviceError) -> None:
        self.medium, self.fails, self.error = ETHERNET, fails, error
        self.opened = self.closed = 0
        self.gone = self.finished = False
        self.sent: list[bytes] = []

    def open(self) -> None:
        self.opened += 1
        if self.fails >= self.opened:
            raise self.error("cannot be opened, on purpose")
        self.fd = os.eventfd(1, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def close(self) -> None:
        self.closed += 1
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def recv(self, batch: Batch) -> int:
        if self.gone:
            raise DeviceClosed("gone on purpose", finished=self.finished)
        if self.fd >= 0:
            with suppress(BlockingIOError):  # a device may be asked that has nothing
                os.eventfd_read(self.fd)
        return 0

    def send(self, batch: Batch) -> int:
        self.sent += [p.data for p in batch]
        return len(batch)


class Pulled(Device):
    """A file: no descriptor, ten packets at a time, then the end."""

    def __init__(self, packets: list[bytes]) -> None:
        self.medium, self.packets = ETHERNET, list(packets)

    def recv(self, batch: Batch) -> int:
        if not self.packets:
            raise DeviceClosed("end of file", finished=True)
        some, self.packets = self.packets[:10], self.packets[10:]
        for data in some:
            batch.emit(data)
        return len(some)


class Sink(Device):
    """A file that is written: nothing ever comes from it."""

    def __init__(self) -> None:
        self.medium, self.sent = ETHERNET, list[bytes]()

    def recv(self, batch: Batch) -> int:
        return 0

    def send(self, batch: Batch) -> int:
        self.sent += [p.data for p in batch]
        return len(batch)

"""The engine: a graph on an asyncio loop. Policy lives here; packets move in ``tunnel.breath``.

    readable    a device's descriptor fires: one breath of the plan (a file, which has none, is pulled)
    timer       one timerfd, set to the earliest deadline of all handlers
    writable    a device that was blocked: what it holds goes first, then its feeders go on
    gone        its reader is removed first; the engine ends, or opens the device again
    detached    closed by whoever runs the engine, and opened again by ``attach``
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic_ns

from tunnel.counters import Ledger
from tunnel.device import Device
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.graph import Graph
from tunnel.graph_sends import tell_sends
from tunnel.handler import Handler
from tunnel.plan import Plan
from tunnel.reader import Reader
from tunnel.timer import Timer

log = logging.getLogger(__name__)

LOOK_S = 1.0  # between looks at devices that are silent
RETRY_S = 0.2  # between attempts to open a device again


class Engine:
    """Runs a graph, as ``graph.engine`` says, until ``stop``, an error, or the end of a device."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._devices = list(graph.devices.values())
        self._handlers = list(graph.handlers.values())
        self._done: asyncio.Future[None] | None = None
        self._stopped = False
        self._detached: set[Device] = set()

    async def run(self, started: Callable[[], None] | None = None) -> None:
        """Open every device, serve until the end, close everything.

        ``started`` is called once packets flow. Raises ``ConfigError`` before anything is opened,
        ``DeviceError`` when a device cannot be opened, ``DeviceClosed`` when one is gone,
        ``RuntimeError`` while it runs already. Afterwards it may run again.
        """
        if self._done is not None:
            raise RuntimeError("this engine runs already")
        self.graph.check()
        self.graph.expose()
        done = self._reset()
        try:
            with ExitStack() as ends:
                self._open(ends)
                if started is not None:
                    started()
                if not self._stopped:
                    await done
        finally:
            self._done, self._stopped = None, False
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End ``run`` without an error. May be called again; before ``run``, that ends as soon as it starts."""
        self._stopped = True
        self._end(None)

    def detach(self, device: Device) -> None:
        """Close a device and go on without it: packets for it are dropped as CLOSED. Before ``run``: it stays closed.

        Not from within a handler or a device, as ``attach`` and ``rearm``; all three on the loop's thread.
        """
        self._detached.add(device)
        if not self._over() and device not in self._gone:
            self._lose(device)
            self._guard(self._plan.flush, device, monotonic_ns())  # what it holds is refused, and dropped

    def attach(self, device: Device) -> None:
        """Open a device that was detached and receive from it. ``DeviceError``: it could not be, and stays detached."""
        if device in self._detached:
            if not self._over():
                device.open()
                self._found(device)
            self._detached.discard(device)

    def rearm(self) -> None:
        """Look at the handlers' deadlines: who calls a handler between two steps may have changed one."""
        self._after()

    def counts(self) -> Ledger:
        """The ledger: counters of every device, handler and offload, and the kernel's own drops."""
        devices = self.graph.devices.items()
        return {
            "devices": {name: device.counts() for name, device in devices},
            "handlers": {name: handler.counts() for name, handler in self.graph.handlers.items()},
            "kernel": {name: found for name, device in devices if (found := device.kernel_drops())},
            "offloads": {name: rows for name, device in devices if (rows := device.offloads())},
            "namespaces": {at: found for _, device in devices for at, found in device.namespace_drops().items()},
        }

    def _reset(self) -> asyncio.Future[None]:
        self._loop = asyncio.get_running_loop()
        self._done = done = self._loop.create_future()
        self._error: Exception | None = None
        self._gone = set(self._detached)
        self._blocked: set[Device] = set()
        self._pulls: dict[Device, asyncio.Handle] = {}
        self._finishing = False
        self._exhaling = False
        return done

    def _open(self, ends: ExitStack) -> None:
        """What is opened is given back by ``ends``, the last first, whatever fails."""
        tell_sends(self.graph)
        for device in self._devices:
            if device not in self._gone:
                device.open()
            ends.callback(device.close)
        named: dict[str, Handler | Device] = {**self.graph.devices, **self.graph.handlers}
        joints = [(named[a], out, named[b], into) for a, out, b, into in self.graph.links]
        strict, after = self.graph.engine.strict, self.graph.engine.quarantine_after
        self._plan = Plan(self._handlers, self._devices, joints, strict=strict, quarantine_after=after)
        self._feeders = {device: self._plan.feeders(device) for device in self._devices}
        self._timer = Timer()
        ends.callback(self._timer.close)
        for handler in self._handlers:
            handler.opened(monotonic_ns())
            ends.callback(handler.closed)
        ends.callback(self._plan.end)
        self._loop.add_reader(self._timer.fd, self._ticked)
        ends.callback(self._loop.remove_reader, self._timer.fd)
        for device in self._devices:
            ends.callback(self._unwatch, device)
            if device not in self._gone:
                self._watch(device)
        self._look_later()
        ends.callback(lambda: self._next_look.cancel())  # noqa: PLW0108 - each look sets another
        self._after()

    def _watch(self, device: Device) -> None:
        """Receive from a device whenever it is ready; a file always is."""
        if device.fd >= 0:
            self._loop.add_reader(device.fd, Reader(self._plan, device, self._attend))
            self._plan.watch(device, True)
        elif device not in self._pulls:
            self._pulls[device] = self._loop.call_soon(self._pull, device)

    def _unwatch(self, device: Device) -> None:
        self._pause(device)
        if device.fd >= 0:
            self._loop.remove_writer(device.fd)

    def _pause(self, device: Device) -> None:
        self._plan.watch(device, False)
        if device.fd >= 0:
            self._loop.remove_reader(device.fd)
        elif device in self._pulls:
            self._pulls.pop(device).cancel()

    def _look(self) -> None:
        """A TUN that is set down and then deleted wakes nobody, and only a read tells that it is gone."""
        for device in self._devices:
            if device.fd >= 0 and not self._paused(device):
                self._guard(self._plan.breathe, device, monotonic_ns())
        self._look_later()

    def _look_later(self) -> None:
        self._next_look = self._loop.call_later(LOOK_S, self._look)

    def _pull(self, device: Device) -> None:
        more = self._guard(self._plan.breathe, device, monotonic_ns())
        if device in self._pulls:  # neither paused nor closed meanwhile
            self._pulls.pop(device).cancel()
            if more:
                self._watch(device)
            else:
                self._after()

    def _ticked(self) -> None:
        self._timer.clear()
        self._guard(self._plan.tick, monotonic_ns())

    def _exhale(self) -> None:
        self._exhaling = False
        self._guard(self._plan.exhale, monotonic_ns())

    def _writable(self, device: Device) -> None:
        if self._guard(self._plan.flush, device, monotonic_ns()):
            self._loop.remove_writer(device.fd)
            self._unblock(device)

    def _guard(self, step: Callable[..., bool | None], *args: object) -> bool:
        """One step of the plan, and what its end asks for; none once the run is over."""
        if self._over():
            return False
        try:
            done = bool(step(*args))
        except Exception as error:
            self._attend(error)
            return False
        self._attend(None)
        return done

    def _attend(self, error: Exception | None) -> None:
        """After a step: what it raised, and what the plan asks for."""
        if isinstance(error, DeviceClosed):
            self._lost(error)
        elif error is not None:
            self._end(error)
        self._after()

    def _after(self) -> None:
        """The next deadline, devices newly blocked, packets still waiting, the end."""
        if self._over():
            return
        self._timer.arm(self._plan.deadline())
        for device in self._plan.blocked():
            if device not in self._gone:
                self._block(device)
        if self._plan.waiting() and not self._exhaling:
            self._exhaling = True
            self._loop.call_soon(self._exhale)
        if self._finishing and self._quiet():
            self._end(None)

    def _block(self, device: Device) -> None:
        self._blocked.add(device)
        self._loop.add_writer(device.fd, self._writable, device)
        for feeder in self._feeders[device]:
            self._pause(feeder)

    def _unblock(self, device: Device) -> None:
        self._blocked.discard(device)
        for feeder in self._feeders[device]:
            if not self._paused(feeder):
                self._watch(feeder)

    def _paused(self, device: Device) -> bool:
        return device in self._gone or any(device in self._feeders[blocked] for blocked in self._blocked)

    def _lost(self, error: DeviceClosed) -> None:
        """A device is gone. Its reader goes first: an asyncio loop would call it for ever."""
        device = error.device
        if device in self._gone:
            return
        self._lose(device)
        if error.finished:
            self._finishing = True
        elif self.graph.engine.on_gone == "end":
            self._end(error)
        else:
            log.warning("%s; it is opened again as soon as that is possible", error)
            self._loop.call_later(RETRY_S, self._reopen, device)

    def _lose(self, device: Device) -> None:
        self._unwatch(device)
        device.close()
        self._gone.add(device)
        if device in self._blocked:
            self._unblock(device)

    def _found(self, device: Device) -> None:
        self._gone.discard(device)
        if not self._paused(device):
            self._watch(device)

    def _quiet(self) -> bool:
        """A device has given all it had (a capture file), and nothing else can come."""
        live = any(device.fd >= 0 or device in self._pulls for device in self._devices)
        holding = any(handler.counts()["held"]["packets"] for handler in self._handlers)
        return not live and not holding and not self._blocked and not self._plan.waiting()

    def _reopen(self, device: Device) -> None:
        if self._over() or device not in self._gone - self._detached:
            return
        try:
            device.open()
        except DeviceError as error:
            log.info("%s: %s", device.name, error)
            self._loop.call_later(RETRY_S, self._reopen, device)
        except Exception as error:
            self._end(error)
        else:
            self._found(device)

    def _over(self) -> bool:
        return self._done is None or self._done.done()

    def _end(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._error = error
            self._done.set_result(None)

"""Run a graph as a program does: until a signal, with the loop and the workers that it asks for."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol, runtime_checkable

import msgspec

from tunnel import control, workers
from tunnel.account import report
from tunnel.config import choices, meant
from tunnel.counters import Ledger, total
from tunnel.engine import Engine
from tunnel.errors import ConfigError, TunnelError
from tunnel.graph import Graph

SWITCH_INTERVAL_S = 0.0001  # a busy Python thread keeps the GIL no longer than this


@runtime_checkable
class Changeable(Protocol):
    """A handler whose options may be replaced while it works; ``Impair`` is one."""

    options: object

    def change(self, **options: Any) -> None:
        """Raises ``ConfigError``, having changed nothing."""


def run(
    graph: Graph, *, duration_s: float | None = None, started: Callable[[], None] | None = None
) -> Ledger:
    """Run a graph until SIGINT, SIGTERM, the end of a device, or ``duration_s``; what was counted.

    What every command that runs an engine calls. With ``graph.engine.workers`` above 1 it is run in
    so many processes (``tunnel.workers``), else in this thread. It shortens the interpreter's switch
    interval, for a busy Python thread would otherwise keep the GIL for 5 ms whenever packets arrive.
    Meanwhile ``tunnel drops`` is answered (``tunnel.control``).
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if graph.engine.workers == 1:
        return alone(graph, started, duration_s=duration_s)
    _factory(graph.engine.loop)
    return total(workers.run(graph, partial(alone, duration_s=duration_s), started))


def alone(
    graph: Graph,
    started: Callable[[], None] | None = None,
    signals: AbstractContextManager[None] | None = None,
    *,
    duration_s: float | None = None,
) -> Ledger:
    """Run a graph in this thread, as ``run`` does. Within ``signals`` signals end it; by default always."""
    engine = Engine(graph)
    with asyncio.Runner(loop_factory=_factory(graph.engine.loop)) as runner:
        runner.run(_serve(engine, duration_s, started, signals or nullcontext()))
    return engine.counts()


async def _serve(
    engine: Engine,
    duration_s: float | None,
    started: Callable[[], None] | None,
    signals: AbstractContextManager[None],
) -> None:
    running = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, engine.stop)
    if duration_s is not None:
        running.call_later(duration_s, engine.stop)
    async with control.offered(verbs(engine)):
        with signals:
            await engine.run(started)


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of ``change``: a handler of the graph, and all options that it is to have from now on."""

    handler: str
    options: dict[str, Any]


def verbs(engine: Engine) -> control.Verbs:
    """What an engine can be asked by its control socket while it runs."""
    return {
        "drops": control.Verb(lambda: drops(engine)),
        "handlers": control.Verb(lambda: handlers(engine)),
        "change": control.Verb(lambda asked: change(engine, asked), Change),
    }


def drops(engine: Engine) -> dict[str, Any]:
    """What ``tunnel drops`` is answered."""
    graph = engine.graph
    return {"pid": os.getpid(), "links": [graph.link_text(link) for link in graph.links], **report(engine.counts())}


def handlers(engine: Engine) -> dict[str, Any]:
    """By name, ``type`` and the ``options`` in force; None where a handler has none that can be changed."""
    return {
        name: {"type": type(handler).__name__, "options": msgspec.to_builtins(getattr(handler, "options", None))}
        for name, handler in engine.graph.handlers.items()
    }


def change(engine: Engine, asked: Change) -> dict[str, Any]:
    """Other options for a handler that has ``change``; what ``handlers`` then says of it.

    Raises ``ConfigError``, having changed nothing.
    """
    known = engine.graph.handlers
    if engine.graph.engine.workers > 1:
        raise ConfigError(
            f"change: this is one of {engine.graph.engine.workers} workers, each with handlers of its own; "
            "expected an engine with workers = 1"
        )
    if asked.handler not in known:
        raise ConfigError(f"change: no handler {asked.handler!r}{meant(asked.handler, known)}, {choices(known)}")
    handler = known[asked.handler]
    if not isinstance(handler, Changeable):
        able = [name for name, one in known.items() if isinstance(one, Changeable)]
        raise ConfigError(
            f"change: {asked.handler}: options of {type(handler).__name__} are set once, {choices(able)}"
        )
    handler.change(**asked.options)
    engine.rearm()
    told: dict[str, Any] = handlers(engine)[asked.handler]
    return told


def _factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if loop == "asyncio":
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        raise TunnelError("uvloop is not installed; install it, or say --loop asyncio") from None
    return uvloop.new_event_loop

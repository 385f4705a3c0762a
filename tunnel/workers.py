"""A graph in several processes, the workers: each has queues of its own, an engine, a loop and arenas.

    open       every queue of every device, here: what is wrong is one error, before anything runs
    fork       a worker for each set of queues; from here on they are open there alone
    watch      what the workers say, and that they live; SIGINT and SIGTERM go to all of them
    end        of one worker, however it comes, is the end of all

This process has no loop and no thread when it forks, and moves no packet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from tunnel.counters import Ledger
from tunnel.crew import Crew, blocked
from tunnel.device import Device
from tunnel.errors import TunnelError
from tunnel.graph import Graph
from tunnel.graph_sends import tell_sends
from tunnel.worker import Work


def run(graph: Graph, work: Work, started: Callable[[], None] | None = None) -> list[Ledger]:
    """Run ``work`` in ``graph.engine.workers`` processes; what each has counted, in their order.

    ``started`` is called, here, once all of them run. Raises ``ConfigError`` for what cannot be shared,
    ``DeviceError`` for what cannot be opened, what ended a worker, and ``WorkerError`` for one that was
    killed or raised something else; no worker is left then.
    """
    graph.check()
    _check_threads()
    with ExitStack() as undo, blocked(), Crew() as crew:
        queues = _opened(graph, undo)
        for number in range(len(queues)):
            crew.fork(graph, work, number, queues)
        undo.pop_all()
        for mine in queues:
            for device in mine.values():
                device.leave()
        return crew.watch(started)


def _check_threads() -> None:
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    if others:
        raise TunnelError(
            f"threads run already ({', '.join(others)}), which workers, being forked, would not have: "
            "start them in `opened` of a handler, or run with workers = 1"
        )


def _opened(graph: Graph, undo: ExitStack) -> list[dict[str, Device]]:
    """The devices of each worker by name, all open; ``undo`` closes them again."""
    tell_sends(graph)
    count = graph.engine.workers
    queues: list[dict[str, Device]] = [{} for _ in range(count)]
    for name, device in graph.devices.items():
        for mine, queue in zip(queues, device.queues(count), strict=True):
            queue.name = device.name
            queue.open()
            undo.callback(queue.close)
            mine[name] = queue
    return queues

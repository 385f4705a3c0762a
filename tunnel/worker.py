"""One worker: a forked process that runs a graph on queues of its own and tells its parent how it went.

    running      packets flow
    ledger       the run is over, and this is what was counted
    error        it ended otherwise

Each is a line of JSON on a pipe. A worker that says nothing before the pipe ends was killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import NoReturn

import msgspec

from tunnel import errors
from tunnel.counters import Ledger
from tunnel.device import Device
from tunnel.errors import DeviceError, TunnelError, WorkerError
from tunnel.graph import Graph

Work = Callable[[Graph, Callable[[], None], AbstractContextManager[None]], Ledger]
"""Runs a graph: what to call once packets flow, and what signals may arrive within. ``service.alone`` is one."""
Queues = Mapping[str, Device]
"""The devices of one worker, by name."""

STOPS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Failure(msgspec.Struct):
    """An exception: the name of its class in ``tunnel.errors``, ``""`` for any other; ``errno`` as there."""

    kind: str
    text: str
    errno: int = 0

    def error(self) -> TunnelError:
        """It, to be raised in the parent."""
        if not self.kind:
            return WorkerError(self.text, exit_code=1)
        found: TunnelError = getattr(errors, self.kind)(self.text)
        if isinstance(found, DeviceError):
            found.errno = self.errno
        return found


class Message(msgspec.Struct, omit_defaults=True):
    """One line of a worker; empty: it runs."""

    ledger: Ledger | None = None
    error: Failure | None = None


def main(
    graph: Graph, work: Work, number: int, queues: Sequence[Queues], pipe: int, *, parent: int, unused: Iterable[int]
) -> NoReturn:
    """What a worker does from the fork to its end; it never returns into what its parent was doing.

    ``queues`` are the open devices of all workers, of which it keeps those of its ``number``. ``pipe``
    is where it speaks, ``unused`` are descriptors that are none of its business. It is killed when
    ``parent``, the process that has just forked it, is gone.
    """
    try:
        _die_with(parent)
        for fd in unused:
            os.close(fd)
        _say(pipe, _worked(graph, work, number, queues, pipe))
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def _worked(graph: Graph, work: Work, number: int, queues: Sequence[Queues], pipe: int) -> Message:
    try:
        for other in (*queues[:number], *queues[number + 1 :]):
            for device in other.values():
                device.leave()  # a queue that nobody reads would keep its flows
        graph.devices = dict(queues[number])
        graph.engine = msgspec.structs.replace(graph.engine, workers=1)
        return Message(ledger=work(graph, lambda: _say(pipe, Message()), _deliverable()))
    except TunnelError as error:
        return Message(error=Failure(_kind(error), str(error), getattr(error, "errno", 0)))
    except BaseException as error:
        traceback.print_exception(error)  # as at the end of a program that is alone
        return Message(error=Failure("", f"worker {number}: {type(error).__name__}: {error}"))


def _kind(error: TunnelError) -> str:
    """The nearest class that the parent can make from a text."""
    return next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == errors.__name__)


def _say(pipe: int, message: Message) -> None:
    line = msgspec.json.encode(message) + b"\n"
    while line:
        line = line[os.write(pipe, line) :]


@contextmanager
def _deliverable() -> Iterator[None]:
    """Signals, blocked since before the fork, come while the loop can take them.

    Not after it: they would have their default effect, before the ledger is told.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

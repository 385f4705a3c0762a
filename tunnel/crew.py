"""Forked workers as their parent sees them: started, heard, told to end, reaped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from tunnel import worker
from tunnel.counters import Ledger
from tunnel.errors import TunnelError, WorkerError
from tunnel.graph import Graph
from tunnel.worker import STOPS, Message, Queues, Work

GRACE_S = 5.0  # from the first end, or a signal, until those that go on are killed
CHUNK = 1 << 16


@contextmanager
def blocked() -> Iterator[None]:
    """SIGINT and SIGTERM wait: between a fork and its handlers they would kill one and not the other."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """One of them: ``said`` is its last word, None until then."""

    def __init__(self, number: int, pid: int, pipe: int) -> None:
        self.number, self.pid, self.pipe = number, pid, pipe
        self.fd = os.pidfd_open(pid)
        self.running = False
        self.late = False
        self.said: Message | None = None
        self._text = b""
        os.set_blocking(pipe, False)

    def listen(self) -> bool:
        """Take what it says; False once that is all."""
        with suppress(BlockingIOError):
            while chunk := os.read(self.pipe, CHUNK):
                *lines, self._text = (self._text + chunk).split(b"\n")
                for line in lines:
                    self._hear(msgspec.json.decode(line, type=Message))
            return False
        return True

    def reap(self) -> TunnelError | None:
        """It has ended: why, where that was no end as it should be."""
        _, status = os.waitpid(self.pid, 0)
        self.listen()
        if self.said is not None:
            return self.said.error.error() if self.said.error else None
        code = os.waitstatus_to_exitcode(status)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        why = f", since it went on for {GRACE_S:g} s after it was told to end" if self.late else ""
        return WorkerError(f"worker {self.number} (process {self.pid}) {how}{why}; all workers are ended")

    def tell(self, number: int) -> None:
        """Send it a signal."""
        signal.pidfd_send_signal(self.fd, number)

    def close(self) -> None:
        """Close our descriptors of it."""
        os.close(self.fd)
        os.close(self.pipe)

    def _hear(self, message: Message) -> None:
        self.running = True
        if message.ledger is not None or message.error is not None:
            self.said = message


class Crew:
    """All workers of a run; as a context manager it leaves none of them behind."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._alive: dict[int, Worker] = {}  # by number
        self._error: TunnelError | None = None
        self._deadline_s: float | None = None
        self._ends = ExitStack()
        self._selector = self._ends.enter_context(DefaultSelector())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._alive.values():
            one.tell(signal.SIGKILL)
            one.reap()
        for one in self._workers:
            one.close()
        self._ends.close()

    def fork(self, graph: Graph, work: Work, number: int, queues: Sequence[Queues]) -> None:
        """Start a worker. Raises ``TunnelError`` where no process can be had."""
        sys.stdout.flush()
        sys.stderr.flush()
        parent, (reading, writing) = os.getpid(), os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise TunnelError(f"worker {number}: fork: {error.strerror}; fewer workers may do") from None
        if pid == 0:
            others = [fd for one in self._workers for fd in (one.fd, one.pipe)]
            worker.main(graph, work, number, queues, writing, parent=parent, unused=[reading, *others])
        os.close(writing)
        made = Worker(number, pid, reading)
        self._workers.append(made)
        self._alive[number] = made

    def watch(self, started: Callable[[], None] | None) -> list[Ledger]:
        """See to them until all have ended; ``started`` is called once all run. Their ledgers.

        Raises what ended the first that failed.
        """
        told = _signals(self._ends)
        self._selector.register(told, EVENT_READ, partial(self._signalled, told))
        for one in self._workers:
            self._selector.register(one.pipe, EVENT_READ, partial(self._heard, one))
            self._selector.register(one.fd, EVENT_READ, partial(self._ended, one))
        while self._alive:
            self._step()
            if started is not None and all(one.running for one in self._workers):
                call, started = started, None
                call()
        if self._error is not None:
            raise self._error
        return [one.said.ledger for one in self._workers if one.said is not None and one.said.ledger is not None]

    def _step(self) -> None:
        wait_s = None if self._deadline_s is None else max(0.0, self._deadline_s - monotonic())
        for key, _ in self._selector.select(wait_s):
            key.data()
        if self._deadline_s is not None and monotonic() >= self._deadline_s:
            for one in self._alive.values():
                one.late = True
                one.tell(signal.SIGKILL)

    def _heard(self, one: Worker) -> None:
        if one.number in self._alive and not one.listen():
            self._selector.unregister(one.pipe)

    def _ended(self, one: Worker) -> None:
        """One has ended: so do the others."""
        del self._alive[one.number]
        self._selector.unregister(one.fd)
        with suppress(KeyError):  # not where all was heard already
            self._selector.unregister(one.pipe)
        error = one.reap()
        self._error = self._error or error
        self._stop(signal.SIGTERM)

    def _signalled(self, told: int) -> None:
        for number in os.read(told, CHUNK):
            if number in STOPS:
                self._stop(number)

    def _stop(self, number: int) -> None:
        if self._deadline_s is None:
            self._deadline_s = monotonic() + GRACE_S
        for one in self._alive.values():
            one.tell(number)


def _signals(ends: ExitStack) -> int:
    """A descriptor on which the numbers of signals arrive from now on, until ``ends``."""
    reading, writing = os.pipe()
    for fd in (reading, writing):
        os.set_blocking(fd, False)
        ends.callback(os.close, fd)
    ends.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writing, warn_on_full_buffer=False))
    for number in STOPS:  # the wakeup descriptor is for those that have a handler in Python
        ends.callback(signal.signal, number, signal.signal(number, lambda *_: None))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    ends.callback(signal.pthread_sigmask, signal.SIG_BLOCK, STOPS)
    return reading

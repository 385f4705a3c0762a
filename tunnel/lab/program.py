"""A program in a node, on an asyncio loop: what it says is read and its end awaited without a thread.

``asyncio.create_subprocess_exec`` forks on the loop's thread. Here that is done elsewhere (``spawned``), and
the loop is given the pipes and a descriptor of the process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from tunnel.lab.apart import apart, whole
from tunnel.lab.node import Node

LONGEST_LINE = 1 << 20  # bytes


@dataclass
class Spawned:
    """A program that runs: its process, a descriptor of that, and our ends of its pipes.

    They are not the ``Popen``'s own, for a lab that ends closes those, and the loop watches these.
    """

    process: subprocess.Popen[bytes]
    pidfd: int
    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO | None

    def end(self) -> None:
        """Kills it with what it started, and lets go of everything."""
        _kill_group(self.process)
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.process.wait()
        os.close(self.pidfd)


def spawned(node: Node, command: Sequence[str | os.PathLike[str]], merged: bool, options: dict[str, Any]) -> Spawned:
    """Starts a program in a session of its own, so that it can be killed with what it starts."""
    with ExitStack() as theirs, ExitStack() as ours:
        stdin, given = _pipe(theirs, ours, write=True)
        stdout, output = _pipe(theirs, ours)
        stderr, errors = (None, output) if merged else _pipe(theirs, ours)
        process = node.popen(
            command, stdin=given, stdout=output, stderr=errors, start_new_session=True, **options
        )
        ours.pop_all()
        return Spawned(process, os.pidfd_open(process.pid), stdin, stdout, stderr)


def _pipe(theirs: ExitStack, ours: ExitStack, *, write: bool = False) -> tuple[BinaryIO, int]:
    """Our end, closed by ``ours``, and the program's, closed by ``theirs``."""
    reading, writing = os.pipe()
    mine, other = (writing, reading) if write else (reading, writing)
    theirs.callback(os.close, other)
    file = cast(BinaryIO, os.fdopen(mine, "wb" if write else "rb", buffering=0))
    return ours.enter_context(file), other


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """The number is not anybody else's: nobody has awaited the process yet."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class Program:
    """A program in a node, made by ``Node.start``; killed with what it has started at the end of ``async with``.

    As ``asyncio.subprocess.Process`` it has ``pid``, ``stdin``, ``stdout`` and ``stderr`` (None where that goes
    to ``stdout``). Lines are text: ``async for line in program``, or ``await program.line()``.
    """

    def __init__(self, spawned: Spawned, forget: Callable[[Program], None]) -> None:
        self._spawned, self._forget = spawned, forget
        self._loop = asyncio.get_running_loop()
        self._status: asyncio.Future[int] = self._loop.create_future()
        self._pipes: list[_Pipe] = []
        self._closing: asyncio.Task[None] | None = None
        self.pid = spawned.process.pid
        self.stdin: asyncio.StreamWriter
        self.stdout: asyncio.StreamReader
        self.stderr: asyncio.StreamReader | None = None
        self._loop.add_reader(spawned.pidfd, self._note_end)

    async def connect(self) -> Self:
        """Gives the pipes to the loop."""
        pipe = self._pipe(reads=False)
        transport, _ = await self._loop.connect_write_pipe(lambda: pipe, self._spawned.stdin)
        self.stdin = asyncio.StreamWriter(transport, pipe, None, self._loop)
        self.stdout = await self._reader(self._spawned.stdout)
        if self._spawned.stderr is not None:
            self.stderr = await self._reader(self._spawned.stderr)
        return self

    async def _reader(self, file: BinaryIO) -> asyncio.StreamReader:
        pipe = self._pipe(reads=True)
        await self._loop.connect_read_pipe(lambda: pipe, file)
        return pipe.reader

    def _pipe(self, *, reads: bool) -> _Pipe:
        pipe = _Pipe(reads=reads)
        self._pipes.append(pipe)
        return pipe

    @property
    def returncode(self) -> int | None:
        """Its exit status, -N where signal N ended it; None while it runs."""
        return self._status.result() if self._status.done() else None

    async def wait(self) -> int:
        """Waits for its end; the exit status."""
        return await asyncio.shield(self._status)

    async def line(self) -> str:
        """The next line that it says, without its end; ``EOFError`` once it says no more."""
        found = await self.stdout.readline()
        if not found:
            raise EOFError(f"process {self.pid} says no more")
        return found.decode(errors="replace").rstrip("\n")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            return await self.line()
        except EOFError:
            raise StopAsyncIteration from None

    async def communicate(self, text: str | None = None) -> tuple[str, str]:
        """Gives it ``text`` as its input and reads to the end what it says: output and errors."""
        streams = [stream for stream in (self.stdout, self.stderr) if stream is not None]
        found = await asyncio.gather(self._feed(text or ""), *(stream.read() for stream in streams))
        await self.wait()
        out, *err = (each.decode(errors="replace") for each in found[1:])
        return out, "".join(err)

    async def _feed(self, text: str) -> bytes:
        with suppress(BrokenPipeError, ConnectionResetError):  # it need not read
            self.stdin.write(text.encode())
            await self.stdin.drain()
        self.stdin.close()
        return b""

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it still runs."""
        if not self._status.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._spawned.pidfd, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def close(self) -> None:
        """Kills it with what it has started, unless that left its session; returns when it is gone. Idempotent."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._close())
        await whole(self._closing)

    async def _close(self) -> None:
        _kill_group(self._spawned.process)
        for pipe in self._pipes:
            await pipe.abort()
        await self._status
        await apart(self._spawned.end)
        self._forget(self)

    def _note_end(self) -> None:
        """The process stays a zombie, and its group's number its own, until ``close``."""
        self._loop.remove_reader(self._spawned.pidfd)
        found = os.waitid(os.P_PIDFD, self._spawned.pidfd, os.WEXITED | os.WNOWAIT)
        assert found is not None
        self._status.set_result(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Pipe(asyncio.StreamReaderProtocol):
    """One end of a pipe on the loop."""

    def __init__(self, *, reads: bool) -> None:
        loop, self.reads = asyncio.get_running_loop(), reads
        self.reader = asyncio.StreamReader(limit=LONGEST_LINE, loop=loop)
        super().__init__(self.reader, loop=loop)
        self._transport_of_pipe: Any = None
        self._lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport_of_pipe = transport
        super().connection_made(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """The descriptor is closed."""
        super().connection_lost(exc)
        if not self._lost.done():
            self._lost.set_result(None)

    def abort(self) -> asyncio.Future[None]:
        """Closes it at once; what is returned is done when the descriptor is gone."""
        pipe = self._transport_of_pipe
        if pipe is None:
            self._lost.set_result(None)
        elif not pipe.is_closing():
            pipe.close() if self.reads else pipe.abort()
        elif not self.reads and pipe.get_write_buffer_size():  # it waits for somebody who does not read
            pipe.abort()
        return self._lost

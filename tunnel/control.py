"""The control socket: what a running engine can be asked, and how to ask.

A folder of mode 0700, ``/run/tunnel`` for root, ``$XDG_RUNTIME_DIR/tunnel`` otherwise, holds a Unix socket
``engine-PID.sock`` of mode 0600 for each engine. One connection carries one line, ``VERB`` or ``VERB JSON``
where the verb takes an argument, and one line of JSON, ``{"answer": ...}`` or ``{"error": "..."}``. Only
root and the engine's own user are answered (SO_PEERCRED). It is served on the engine's loop: connections,
sizes and times are bounded, so that a client which stalls or floods costs the engine nothing.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tunnel.errors import ConfigError, TunnelError
from tunnel.runtime import folders, held

log = logging.getLogger(__name__)

LINE = 4096  # bytes of a request
ANSWER = 16 << 20  # bytes
CLIENTS = 4  # at a time; more are turned away
PATIENCE_S = 2.0  # for a request and its answer, from the first byte on


class Verb(NamedTuple):
    """``answer`` is called with the argument, an ``argument`` struct; without one where that is None."""

    answer: Callable[..., object]
    argument: type[msgspec.Struct] | None = None


Verbs = Mapping[str, Verb]


@asynccontextmanager
async def offered(verbs: Verbs) -> AsyncIterator[None]:
    """Answer on a control socket meanwhile; without a folder for it, do without."""
    found = _found()
    if found is None:
        yield
        return
    path, sock = found
    service = _Service(verbs)
    try:
        server = await asyncio.start_unix_server(service.serve, sock=sock, limit=LINE, backlog=CLIENTS)
        try:
            yield
        finally:
            server.close()
            service.abort()
            await asyncio.sleep(0)  # the transports' last callbacks
    finally:
        sock.close()
        path.unlink(missing_ok=True)


class _Service:
    """Serves a few connections at a time."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self._open: set[asyncio.StreamWriter] = set()

    def abort(self) -> None:
        """End every connection."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open.add(writer)
        try:
            if len(self._open) <= CLIENTS and _trusted(writer):
                await asyncio.wait_for(self._exchange(reader, writer), PATIENCE_S)
        except (OSError, ValueError) as error:
            log.debug("control socket: %s", error or type(error).__name__)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        writer.transport.set_write_buffer_limits(0)  # drained: the client's socket has all of it
        writer.write(self._answer(*line.decode(errors="replace").strip().partition(" ")))
        await writer.drain()

    def _answer(self, verb: str, _: str, text: str) -> bytes:
        try:
            if verb not in self._verbs:
                raise TunnelError(f"{verb!r} is not known; {', '.join(self._verbs)} is")
            answer = {"answer": _called(verb, self._verbs[verb], text)}
        except Exception as error:
            log.debug("control socket: %s", verb, exc_info=True)
            answer = {"error": str(error)}
        return json.dumps(answer).encode() + b"\n"


def _called(name: str, verb: Verb, text: str) -> object:
    if verb.argument is None:
        if text:
            raise TunnelError(f"{name} takes no argument")
        return verb.answer()
    try:
        return verb.answer(msgspec.json.decode(text, type=verb.argument))
    except msgspec.DecodeError as error:  # a wrong type is one too
        raise TunnelError(f"{name}: {error}") from None


def ask(pid: int, verb: str, argument: object = None) -> Any:
    """What the engine of this process answers; ``argument`` as JSON can say it, None for a verb without.

    Raises ``ConfigError`` where it is no engine of this user, ``TunnelError`` where it does not answer, or
    with what it answers.
    """
    for folder in folders():
        with held(folder) as place, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE_S)
            if place and _connected(sock, f"{place}/{_name(pid)}"):
                return exchange(sock, f"engine {pid}", verb, argument)
    raise ConfigError(f"process {pid}: not a running engine of yours; `tunnel drops` lists those there are")


def engines() -> list[int]:
    """The processes with a control socket in this user's folders, in order; some may have died."""
    found = set()
    for folder in folders():
        with suppress(OSError):
            found |= {pid for name in os.listdir(folder) if (pid := _pid(name))}
    return sorted(found)


def exchange(sock: socket.socket, who: str, verb: str, argument: object = None) -> Any:
    """As ``ask``, by a socket connected to an engine, which is of no use afterwards; errors begin with ``who``."""
    found = bytearray()
    try:
        sock.settimeout(PATIENCE_S)
        sock.sendall(_request(who, verb, argument))
        while not found.endswith(b"\n") and len(found) < ANSWER and (more := sock.recv(1 << 16)):
            found += more
        answer = json.loads(found)
    except TimeoutError:
        raise TunnelError(f"{who}: no answer in {PATIENCE_S:.0f} s; is it stopped?") from None
    except (OSError, ValueError):
        raise TunnelError(f"{who}: it hung up; it ends, is busy with others, or is another user's") from None
    if "error" in answer:
        raise TunnelError(f"{who}: {answer['error']}")
    return answer["answer"]


def _request(who: str, verb: str, argument: object) -> bytes:
    line = verb.encode() + (b"" if argument is None else b" " + json.dumps(argument).encode()) + b"\n"
    if len(line) > LINE:
        raise TunnelError(f"{who}: {verb}: the argument is too long; at most {LINE} bytes with the verb were expected")
    return line


def _connected(sock: socket.socket, path: str) -> bool:
    try:
        sock.connect(path)
    except TimeoutError:
        raise TunnelError(f"{Path(path).name}: no answer in {PATIENCE_S:.0f} s; is it stopped?") from None
    except BlockingIOError:
        raise TunnelError(f"{Path(path).name}: it is busy with others; ask again") from None
    except OSError:
        return False  # none there, or its process is dead
    return True


def _found() -> tuple[Path, socket.socket] | None:
    """The socket of this process, listening, in the first folder that can be had."""
    refused = []
    for folder in folders():
        try:
            return folder / _name(os.getpid()), _listening(folder)
        except OSError as error:
            refused.append(f"{folder}: {error.strerror}")
    log.debug("no control socket: %s", "; ".join(refused) or "XDG_RUNTIME_DIR is not set")
    return None


def _listening(folder: Path) -> socket.socket:
    """The folder is made where it is missing, and freed of sockets that nobody serves."""
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    with held(folder) as place:
        if place is None:
            raise OSError(errno.EPERM, f"not a folder of uid {os.geteuid()} alone (mode 0700)")
        _sweep(place)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.bind(f"{place}/{_name(os.getpid())}")
            os.chmod(f"{place}/{_name(os.getpid())}", 0o600)
            sock.listen(CLIENTS)
        except OSError:
            sock.close()
            raise
    return sock


def _sweep(place: str) -> None:
    """Remove the sockets of dead processes, and one that another process with our number left.

    Both must be true: no such process is here, and nobody listens. A process of another PID namespace
    looks dead, and one that has not come to listen yet refuses.
    """
    for name in os.listdir(place):
        pid = _pid(name)
        if pid and (pid == os.getpid() or not _alive(pid)) and not _served(f"{place}/{name}"):
            with suppress(OSError):
                os.unlink(f"{place}/{name}")


def _served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(path)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _name(pid: int) -> str:
    return f"engine-{pid}.sock"


def _pid(name: str) -> int:
    """0 for a file that is none of ours."""
    number = name.removeprefix("engine-").removesuffix(".sock")
    return int(number) if number.isdecimal() and name == f"engine-{number}.sock" else 0


def _trusted(writer: asyncio.StreamWriter) -> bool:
    """The other side is root or our own user; it is the one who called connect(2)."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", credentials)[1] in (0, os.geteuid())

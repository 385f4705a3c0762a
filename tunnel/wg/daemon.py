"""Into the background: what can fail is made first, then the program starts itself again with it.

The new process is the same program, told by its environment what is open already. It answers on a pipe
once it serves, and only then this one ends well; so whoever waited for it finds interface and socket.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from typing import NoReturn

from tunnel.errors import ConfigError, TunnelError
from tunnel.wg import command_line, logs
from tunnel.wg.command_line import Settings
from tunnel.wg.parts import MakeTunnel, built

READY = b"ready"
PATIENCE_S = 20.0


def start(settings: Settings, make: MakeTunnel) -> NoReturn:
    """Start it; ``TunnelError`` with what it said where it did not come to serve, and nothing is left."""
    with built(settings, make) as parts:
        answer, told = os.pipe()
        try:
            child = _started(settings, parts.tun.fd, parts.uapi.sock.fileno(), told)
        finally:
            os.close(told)
        try:
            said = _answer(answer)
        finally:
            os.close(answer)
        if said == READY:
            os._exit(0)  # what is open and what was made is the other's now
        child.kill()
        status = child.wait()
    raise TunnelError(said.decode(errors="replace") or f"the program in the background ended with {status}")


class Answer:
    """To whoever started this process and waits for it; nobody, where ``fd`` is None.

    ``ConfigError`` where ``fd`` is not open.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        if fd is not None:
            try:
                os.set_inheritable(fd, False)
            except OSError as error:
                raise ConfigError(f"{command_line.READY_FD}: descriptor {fd}: {error.strerror}") from None

    def give(self, text: bytes) -> None:
        """The first time only. ``OSError`` where he has gone."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with os.fdopen(fd, "wb", buffering=0) as pipe:
                pipe.write(text)


def _started(settings: Settings, tun: int, uapi: int, told: int) -> subprocess.Popen[bytes]:
    """The words that this process was started by, the environment with what it finds open."""
    names = (command_line.TUN_FD, command_line.UAPI_FD, command_line.READY_FD)
    numbers = {name: str(fd) for name, fd in zip(names, (tun, uapi, told), strict=True)}
    output = None if logs.kept(settings.log_level) else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env={**os.environ, **numbers, command_line.FOREGROUND: "1"},
        pass_fds=(tun, uapi, told),
        stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        start_new_session=True,
    )  # fmt: skip


def _answer(pipe: int) -> bytes:
    """All that is said until the other side closes it, or ends."""
    said = b""
    while select.select([pipe], [], [], PATIENCE_S)[0]:
        more = os.read(pipe, 4096)
        if not more:
            return said
        said += more
    return f"the program in the background did not come to serve within {PATIENCE_S:.0f} s".encode()

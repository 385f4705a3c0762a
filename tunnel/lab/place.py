"""Where labs that have a name are found: the runtime folder, with a journal and a socket for each."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunnel import runtime
from tunnel.errors import LabError
from tunnel.lab import journal
from tunnel.lab.channel import Channel

NO_FOLDER = (
    "no folder for what is up: set XDG_RUNTIME_DIR to a folder that is yours alone (mode 0700), as a login session does"
)


@contextmanager
def folder(*, make: bool = False) -> Iterator[int]:
    """A descriptor of the runtime folder; ``LabError`` where there is none that is this user's alone."""
    places = runtime.folders()
    if not places:
        raise LabError(NO_FOLDER)
    try:
        fd = runtime.opened(places[0], make=make)
    except OSError as error:
        raise LabError(f"{places[0]}: {error.strerror}", error.errno or 0) from None
    if fd is None:
        raise LabError(f"{places[0]}: not a folder of uid {os.geteuid()} alone (mode 0700); remove it, or make it so")
    try:
        yield fd
    finally:
        os.close(fd)


def present() -> list[str]:
    """The names of the labs that have a journal: those that are up, and those that died."""
    with suppress(LabError), folder() as fd:
        return journal.labs(fd)
    return []


def connect(name: str | None) -> Channel:
    """A channel to the holder of a lab: of that name, or of the only one that is up."""
    if name is None:
        name = only()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with folder() as fd:
            sock.connect(str(Path(f"/proc/self/fd/{fd}", journal.socket_name(name))))
    except OSError as error:
        sock.close()
        raise LabError(f"lab {name}: it is not up; {_others(name)}", error.errno or 0) from None
    except BaseException:
        sock.close()
        raise
    return Channel(sock)


def up() -> list[str]:
    """The labs whose holders answer."""
    return [name for name in present() if _answers(name)]


def only() -> str:
    """The name of the only lab that is up."""
    found = up()
    if len(found) == 1:
        return found[0]
    if found:
        raise LabError(f"{len(found)} labs are up: {', '.join(found)}; choose one by --lab NAME")
    raise LabError(f"no lab is up; {_others('')}")


def _answers(name: str) -> bool:
    try:
        connect(name).close()
    except LabError:
        return False
    return True


def _others(name: str) -> str:
    dead = [one for one in present() if name in (one, "")]
    if dead:
        return f"what {', '.join(dead)} left is removed by: tunnel lab clean"
    return "tunnel lab up FILE builds one"

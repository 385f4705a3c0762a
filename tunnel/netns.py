"""Run a function inside another network namespace.

Sockets and TUN file descriptors keep the namespace they were opened in, so it is enough that the
thread which opens them stands there. A thread of its own is thrown away afterwards: the caller's
thread never moves (setns(2) changes the calling thread only).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TypeVar

from tunnel.errors import DeviceError

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
NAMED = Path("/run/netns")

_libc = ctypes.CDLL(None, use_errno=True)


def enter(netns: str | int) -> None:
    """Move the calling thread into ``netns``: a name under /run/netns, a path, or an open fd.

    Raises ``DeviceError`` where there is none or it may not be entered.
    """
    fd = netns if isinstance(netns, int) else _opened(netns)
    try:
        if _libc.setns(fd, CLONE_NEWNET):
            error = ctypes.get_errno()
            text = f"namespace {netns!r}: {os.strerror(error)}; CAP_SYS_ADMIN is needed to enter it"
            raise DeviceError(text, error)
    finally:
        if fd != netns:
            os.close(fd)


def inside(netns: str | int | None, function: Callable[[], T]) -> T:
    """What ``function`` returns or raises when called inside ``netns``; here where that is None."""
    if netns is None:
        return function()

    def work() -> T:
        enter(netns)
        return function()

    return on_a_thread(work, f"inside {netns}")


def on_a_thread(function: Callable[[], T], name: str) -> T:
    """What ``function`` returns or raises, called on a thread that ends with it, wherever it went."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # handed to the caller's thread, whatever it is
            failure.append(error)

    thread = Thread(target=work, name=name)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _opened(netns: str) -> int:
    path = Path(netns) if "/" in netns else NAMED / netns
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        text = f"namespace {path}: {error.strerror}; `tunnel netns list` shows the named ones"
        raise DeviceError(text, error.errno or 0) from error

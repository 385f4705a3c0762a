"""Either event loop, and what tasks of a lab could leave behind."""

from __future__ import annotations

import asyncio
import os
import threading
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from tests.netns.conftest import NO_RIGHTS
from tests.netns.engines import PATIENCE_S, until
from tunnel.errors import LabError
from tunnel.lab import Lab

T = TypeVar("T")
PAIR = """
name = "pair"
[nodes.a]
[nodes.b]
[[links]]
endpoints = ["a:eth0", "b:eth0"]
address = ["10.0.0.1/24", "fd00::1/64"]
peer_address = ["10.0.0.2/24", "fd00::2/64"]
"""


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Lets the loop come round once."""
    yield


@pytest.fixture(autouse=True, scope="module")
def rights() -> None:
    """Skips where there are none. Of the first loop of libuv a pipe for signals stays open."""
    uvloop.new_event_loop().close()
    try:
        Lab().close()
    except LabError as error:
        if error.errno in NO_RIGHTS:
            pytest.skip(str(error))
        raise


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine on either loop."""

    def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(coroutine)

    return on_loop


def left() -> tuple[set[int | None], set[str], set[str]]:
    """Threads, children and descriptors of this process."""
    fds = {f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}" for fd in os.listdir("/proc/self/fd") if _is_open(fd)}
    children = set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    for task in os.listdir("/proc/self/task"):
        children |= set(Path(f"/proc/self/task/{task}/children").read_text().split()) if _lives(task) else set()
    return {thread.ident for thread in threading.enumerate()}, children, fds


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def _lives(task: str) -> bool:
    return os.path.exists(f"/proc/self/task/{task}/children")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No thread, no process and no descriptor more than before."""
    before = left()
    yield
    for thread in threading.enumerate():
        if thread.name == "lab":
            thread.join(PATIENCE_S)
    until(lambda: left() == before)  # a thread that has ended may be the kernel's for a moment yet

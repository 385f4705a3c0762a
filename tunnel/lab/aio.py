"""The lab on an asyncio loop: the same things, awaited.

Nothing waits for the kernel or forks on the loop's thread: each call is made on a thread of its own, for
``asyncio``'s pool would be full of programs that run for minutes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from tunnel.lab import lab as blocking
from tunnel.lab.node import RUN_TIMEOUT_S
from tunnel.lab.node import Node as BlockingNode
from tunnel.lab.rows import Interface
from tunnel.lab.topology import Topology

T = TypeVar("T")


async def apart(function: Callable[[], T]) -> T:
    """What ``function`` returns or raises, called on a thread of its own."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():  # nobody waits for it any more
            return
        if error is None:
            outcome.set_result(result)  # type: ignore[arg-type]
        else:
            outcome.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:
            error = raised
        loop.call_soon_threadsafe(settle, result, error)

    Thread(target=work, name="lab", daemon=True).start()
    return await outcome


class Node:
    """A node of a ``Lab``; ``blocking`` is the same with calls that wait, for ``apart`` or another thread."""

    def __init__(self, node: BlockingNode) -> None:
        self.blocking, self.name = node, node.name

    async def run(
        self, *command: str | os.PathLike[str], check: bool = True, text_input: str | None = None,
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Runs a program to its end, as ``tunnel.lab.Node.run``; one whose task is cancelled is killed."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = await apart(lambda: self.blocking.popen(command, text=True, **pipes))
        try:
            return await apart(lambda: self.blocking.completed(process, command, check, text_input, timeout_s))
        except asyncio.CancelledError:
            process.kill()
            raise

    async def start(self, *command: str | os.PathLike[str], **options: Any) -> subprocess.Popen[Any]:
        """Starts a program, as ``tunnel.lab.Node.popen``."""
        return await apart(lambda: self.blocking.popen(command, **options))

    async def up(self, *interfaces: str) -> None:
        """Sets interfaces up."""
        await apart(lambda: self.blocking.up(*interfaces))

    async def down(self, *interfaces: str) -> None:
        """Sets interfaces down."""
        await apart(lambda: self.blocking.down(*interfaces))

    async def interface(self, name: str) -> Interface:
        """What the kernel says of an interface."""
        return await apart(lambda: self.blocking.interface(name))

    async def addresses(self, interface: str) -> list[str]:
        """All addresses of an interface."""
        return await apart(lambda: self.blocking.addresses(interface))

    async def statistics(self, interface: str) -> dict[str, int]:
        """The kernel's counters of an interface."""
        return await apart(lambda: self.blocking.statistics(interface))

    async def sysctl(self, name: str, value: str | int | None = None) -> str:
        """Writes the sysctl ``net.*`` unless ``value`` is None; gives what it then is."""
        return await apart(lambda: self.blocking.sysctl(name, value))


class Lab:
    """A lab that is up; ``blocking`` is the same with calls that wait."""

    def __init__(self, lab: blocking.Lab) -> None:
        self.blocking = lab

    def __getitem__(self, name: str) -> Node:
        """The node of that name; ``LabError`` where there is none."""
        return Node(self.blocking[name])

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes by name."""
        return {name: Node(node) for name, node in self.blocking.nodes.items()}

    @property
    def name(self) -> str | None:
        """Its name outside."""
        return self.blocking.name

    @property
    def topology(self) -> Topology | None:
        """What it was built from."""
        return self.blocking.topology

    async def impair(self, link: str, **options: Any) -> dict[str, Any]:
        """Changes what happens on a carried link, as ``tunnel.lab.Lab.impair``."""
        return await apart(lambda: self.blocking.impair(link, **options))

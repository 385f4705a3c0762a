"""A link that an engine carries: a TAP in each of two nodes, their descriptors handed to an engine outside of both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.netns.engines import Running, running
from tests.netns.loads import acquaint, quiet
from tests.netns.sites import graph
from tunnel import control
from tunnel.lab import Lab, Node

WEST, EAST = "10.9.0.1", "10.9.0.2"


class Heirs:
    """Starts programs here that inherit descriptors."""

    def __init__(self, *fds: int) -> None:
        self.fds = fds

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        return subprocess.Popen(command, pass_fds=self.fds, **options)


class Impaired:
    """``west`` and ``east`` with the link between them; ``engine`` carries it."""

    def __init__(self, west: Node, east: Node, engine: Running) -> None:
        self.west, self.east, self.engine = west, east, engine

    def ask(self, verb: str, argument: object = None) -> Any:
        return control.ask(self.engine.process.pid, verb, argument)

    def change(self, **options: Any) -> Any:
        """What is then said of the handler."""
        return self.ask("change", {"handler": "line", "options": options})


def text_of(fds: dict[str, int]) -> str:
    """A graph file for pairs of inherited TAPs, one ``Impair`` between the two of a pair."""
    names = list(fds)
    lines = [f'[devices.{name}]\ntype = "tap"\nfd = {fd}' for name, fd in fds.items()]
    lines += ['[handlers.line]\ntype = "impair"', "[graph]", "links = ["]
    lines += [f'"{names[0]} -- line.a", "line.b -- {names[1]}"', "]"]
    return "\n".join(lines)


def named(west: Node, east: Node, interface: str) -> None:
    """Addresses, neighbours set by hand, both ends up."""
    for node, address in ((west, WEST), (east, EAST)):
        node.address(interface, f"{address}/24")
        node.set(interface, txqueuelen=10_000)
        node.up(interface)
    acquaint(west, east, (interface, interface), (WEST, EAST))


@contextmanager
def impaired(lab: Lab, folder: Path) -> Iterator[Impaired]:
    """The link without any impairment yet."""
    west, east = quiet(lab.node("west")), quiet(lab.node("east"))
    fds = {name: node.tun("eth0", tap=True, vnet_hdr=True) for name, node in (("west", west), ("east", east))}
    try:
        named(west, east, "eth0")
        starter = Heirs(*fds.values())
        with running(starter, "run", graph(folder, text_of(fds))) as engine:
            yield Impaired(west, east, engine)
    finally:
        for fd in fds.values():
            os.close(fd)


@contextmanager
def plain(lab: Lab) -> Iterator[tuple[Node, Node]]:
    """The same two nodes on a veth pair, for the kernel's own impairments."""
    west, east = quiet(lab.node("west")), quiet(lab.node("east"))
    lab.link((west, "eth0"), (east, "eth0"))
    named(west, east, "eth0")
    yield west, east

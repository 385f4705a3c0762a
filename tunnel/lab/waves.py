"""The matrix of a whole lab, in as many waves as the kernel's neighbour table wants.

That table is one for the whole machine, each node that speaks to another takes a line in it, and a line
that was used within five seconds is not given up (neigh_forced_gc() in net/core/neighbour.c). So between
waves the nodes forget their neighbours; and since others use the table too, pairs that got no answer in
one of several waves are asked once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunnel.errors import LabError
from tunnel.lab.echoes import ask_all
from tunnel.lab.node import Node
from tunnel.lab.reach import Pair, Reach, addresses, pairs
from tunnel.lab.topology import Topology

TABLES = [Path(f"/proc/sys/net/{family}/neigh/default/gc_thresh3") for family in ("ipv4", "ipv6")]
USUAL_LINES = 1024  # where it cannot be read, which is so in a namespace
SHARE = 4  # of the table: two lines for a pair, and as many are left to others

Progress = Callable[[float], None]  # called with the share that is done, 0 to 1


@dataclass(frozen=True)
class Matrix:
    """Which pairs were asked, in words, what came of it, and the nodes without an address."""

    heading: str
    reaches: list[Reach]
    without: list[str]

    @property
    def failed(self) -> list[Reach]:
        """Those of which nothing came back."""
        return [one for one in self.reaches if not one.received]


def measure(
    topology: Topology, nodes: Mapping[str, Node], *,
    count: int, interval_s: float, timeout_s: float, progress: Progress = lambda share: None,
) -> Matrix:  # fmt: skip
    """Asks the pairs of a lab, each family for itself.

    A pair is asked ``count`` times, once each ``interval_s``, and waited for ``timeout_s`` at the end.
    """
    heading, wanted = pairs(topology)
    known = addresses(topology, nodes)
    waves = list(_waves(wanted, lines() // SHARE))
    options: dict[str, Any] = {"count": count, "interval_s": interval_s, "timeout_s": timeout_s}

    def ask(wave: list[Pair], told: Progress) -> dict[tuple[int, Pair], Reach]:
        found = ask_all(nodes, wave, known, progress=told, **options)
        if len(waves) > 1:
            forget_neighbours(topology, nodes, {name for pair in wave for name in pair})
        return {(one.version, (one.source, one.target)): one for one in found}

    found: dict[tuple[int, Pair], Reach] = {}
    for number, wave in enumerate(waves):
        found |= ask(wave, Part(progress, number, len(waves)))
    lost = list(dict.fromkeys(pair for (_, pair), one in found.items() if not one.received))
    for wave in _waves(lost, lines() // SHARE) if len(waves) > 1 else ():
        found |= ask(wave, lambda share: None)
    order = {pair: number for number, pair in enumerate(wanted)}
    reaches = sorted(found.values(), key=lambda one: (one.version, order[one.source, one.target]))
    return Matrix(heading, reaches, [name for name in known if not known[name]])


class Part:
    """The progress of one of several parts, told as that of the whole."""

    def __init__(self, progress: Progress, number: int, parts: int) -> None:
        self._progress, self._number, self._parts = progress, number, parts

    def __call__(self, share: float) -> None:
        """So much of this part is done."""
        self._progress((self._number + share) / self._parts)


def lines() -> int:
    """How many neighbours the kernel keeps, of either family."""
    found = [USUAL_LINES]
    for table in TABLES:
        with suppress(OSError):
            found.append(int(table.read_text()))
    return min(found[1:] or found)


def _waves(wanted: Sequence[Pair], most: int) -> Iterator[list[Pair]]:
    """The pairs in groups, with their opposites, of ``most`` that count once with their opposite."""
    both: dict[frozenset[str], list[Pair]] = {}
    for pair in wanted:
        both.setdefault(frozenset(pair), []).append(pair)
    groups = list(both.values())
    for first in range(0, len(groups), most):
        yield [pair for group in groups[first : first + most] for pair in group]


def forget_neighbours(topology: Topology, nodes: Mapping[str, Node], names: Iterable[str]) -> None:
    """Empties the neighbour tables of nodes at the ends of their links; but not where one is described.

    Setting the Ethernet address to what it is does that (neigh_changeaddr() in net/core/neighbour.c).
    """
    wanted = {name for name in names if name in topology.nodes and not topology.nodes[name].neighbours}
    for link in topology.links:
        for end in link.endpoints:
            name, _, interface = end.partition(":")
            if name in wanted:
                with suppress(LabError):  # a program in the node may have deleted it
                    nodes[name].set(interface, mac=nodes[name].interface(interface).mac)

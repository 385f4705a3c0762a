"""Which bridges hang together, and where they form a loop."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from tunnel.lab.topology import Topology
from tunnel.lab.topology_ports import Port, Ports


class Union:
    """Sets of names that grow together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The one that stands for all that are joined to ``name``."""
        above = self._above
        while (parent := above.setdefault(name, name)) != name:
            above[name] = above[parent]
            name = above[name]
        return name

    def join(self, one: str, other: str) -> bool:
        """Joins two; False where they were joined before."""
        first, second = self.root(one), self.root(other)
        self._above[second] = first
        return first != second


def cables(ports: Ports) -> Iterator[tuple[int, str, str]]:
    """The links between two bridges, in the file's order: index and both names."""
    for index, (one, other) in enumerate(ports.ends):
        if one is not None and other is not None and one != other:
            yield index, one, other


def segments(ports: Ports) -> Callable[[Port], object]:
    """A function that says on which network a port is; None: on none with others of the lab."""
    union = Union()
    for _, one, other in cables(ports):
        union.join(one, other)

    def of(port: Port) -> object:
        return union.root(port.segment) if isinstance(port.segment, str) else port.segment

    return of


def loops(topology: Topology, ports: Ports) -> Iterator[tuple[int, list[str]]]:
    """Each link that closes a loop of bridges: its index, and the bridges round the loop."""
    union, tree, closing = Union(), defaultdict[str, list[str]](list), []
    for index, one, other in cables(ports):
        if union.join(one, other):
            tree[one].append(other)
            tree[other].append(one)
        else:
            closing.append((index, one, other))
    above = _above(tree, topology.bridges)
    for index, one, other in closing:
        yield index, _way(above, one, other)


def _above(tree: dict[str, list[str]], bridges: Iterable[str]) -> dict[str, tuple[int, str]]:
    """For each bridge its depth in the tree, and the bridge above it."""
    above: dict[str, tuple[int, str]] = {}
    for bridge in bridges:
        ahead = deque([bridge] if bridge not in above else [])
        above.setdefault(bridge, (0, bridge))
        while ahead:
            name = ahead.popleft()
            for below in tree[name]:
                if below not in above:
                    above[below] = (above[name][0] + 1, name)
                    ahead.append(below)
    return above


def _way(above: dict[str, tuple[int, str]], one: str, other: str) -> list[str]:
    """The bridges between two of a tree, both included."""
    left, right = [one], [other]
    while left[-1] != right[-1]:
        deeper = left if above[left[-1]][0] >= above[right[-1]][0] else right
        deeper.append(above[deeper[-1]][1])
    return left + right[-2::-1]

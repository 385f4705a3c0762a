"""A lab's picture, first step: the trees that its links make, and the links that are left over.

Each connected part grows from its middle, breadth first. Most labs are trees, or nearly: what closes a
circle is an extra link, which the layout leads around.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tunnel.lab.topology import Link, Topology


@dataclass(eq=False)
class Port:
    """An end (0 or 1) of a link, at a node or bridge; ``x`` is where its line begins."""

    link: Link
    number: int
    x: float = 0.0

    @property
    def place(self) -> str:
        """Whose it is."""
        return self.link.endpoints[self.number].split(":")[0]


@dataclass(eq=False)
class Branch:
    """A node or bridge with what grows from it.

    ``up`` is its end of the link to the branch above, ``down`` its ends of the links to ``children``,
    ``extras`` are its ends of links that belong to no tree.
    """

    name: str
    depth: int
    up: Port | None = None
    down: list[Port] = field(default_factory=list)
    children: list[Branch] = field(default_factory=list)
    extras: list[Port] = field(default_factory=list)

    def walk(self) -> Iterator[Branch]:
        """This branch and all that grows from it, each before its children."""
        waiting = [self]
        while waiting:
            branch = waiting.pop()
            yield branch
            waiting += reversed(branch.children)


Neighbours = dict[str, list[Port]]  # of each place, the far ends of its links


def grow(topology: Topology) -> list[Branch]:
    """The roots of a lab's trees, the largest first; each place is in one of them, each link once."""
    neighbours: Neighbours = {name: [] for name in [*topology.bridges, *topology.nodes]}
    for link in topology.links:
        for number in (0, 1):
            neighbours[Port(link, 1 - number).place].append(Port(link, number))
    seen: set[str] = set()
    roots = []
    for name in neighbours:
        if name not in seen:
            seen.update(distances(neighbours, name))
            roots.append(_tree(neighbours, middle(topology, neighbours, name)))
    for root in roots:
        _order(root)
    return sorted(roots, key=lambda root: -sum(1 for _ in root.walk()))


def distances(neighbours: Neighbours, start: str) -> dict[str, str | None]:
    """Every place that can be reached, the nearest first, and from where one comes to it."""
    came: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for port in neighbours[name]:
            if port.place not in came:
                came[port.place] = name
                waiting.append(port.place)
    return came


def middle(topology: Topology, neighbours: Neighbours, start: str) -> str:
    """The middle of a longest way; of two the one with more links, a bridge before a node."""
    far = list(distances(neighbours, start))[-1]
    came = distances(neighbours, far)
    way: list[str] = []
    name: str | None = list(came)[-1]
    while name is not None:
        way.append(name)
        name = came[name]
    middles = {way[(len(way) - 1) // 2], way[len(way) // 2]}
    return max(sorted(middles), key=lambda place: (len(neighbours[place]), place in topology.bridges))


def _tree(neighbours: Neighbours, start: str) -> Branch:
    root = Branch(start, 0)
    branches, waiting, used = {start: root}, deque([root]), set[int]()
    while waiting:
        branch = waiting.popleft()
        for port in neighbours[branch.name]:
            if id(port.link) in used:
                continue
            used.add(id(port.link))
            near = Port(port.link, 1 - port.number)
            if port.place in branches:
                branch.extras.append(near)
                branches[port.place].extras.append(port)
                continue
            child = branches[port.place] = Branch(port.place, branch.depth + 1, port)
            branch.down.append(near)
            branch.children.append(child)
            waiting.append(child)
    return root


def _order(root: Branch) -> None:
    """Sort children by the mean place of what their extra links lead to (barycentre), twice."""
    for _ in range(2):
        position = {branch.name: number for number, branch in enumerate(root.walk())}
        partners: dict[str, list[int]] = {}
        for branch in root.walk():
            for port in branch.extras:
                partners.setdefault(branch.name, []).append(position[Port(port.link, 1 - port.number).place])
        for branch in root.walk():
            _sort(branch, position, partners)


def _sort(branch: Branch, position: dict[str, int], partners: dict[str, list[int]]) -> None:
    def mean(pair: tuple[Port, Branch]) -> float:
        found = [place for below in pair[1].walk() for place in partners.get(below.name, ())]
        return sum(found) / len(found) if found else position[pair[1].name]

    if branch.children:
        pairs = sorted(zip(branch.down, branch.children, strict=True), key=mean)
        branch.down, branch.children = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

"""A lab's picture, second step: where the branches of a tree go.

They stand in rows by depth, each in a column of its own (its *slot*) as wide as what grows from it. A
branch is stretched over its children, so that the lines of a tree are straight and cross nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tunnel.lab import picture_words as words
from tunnel.lab.picture_comb import Comb, pull_leaves
from tunnel.lab.picture_shapes import Box, label
from tunnel.lab.picture_tree import Branch, Port
from tunnel.lab.topology import Topology

GAP = 16.0  # pixels between slots
SPACE = 6.0  # pixels between tabs


@dataclass(eq=False)
class Spot:
    """A branch with its box, the tabs at its ends, the labels above them and its comb.

    ``x`` and ``slot`` are where its column begins and how wide that is.
    """

    branch: Branch
    box: Box
    tabs: dict[Port, Box]
    labels: dict[Port, Box]
    comb: Comb | None = None
    children: list[Spot] = field(default_factory=list)
    x: float = 0.0
    slot: float = 0.0

    @property
    def top(self) -> list[Port]:
        """The ends at its upper side."""
        return top_ports(self.branch)

    def cell(self, port: Port) -> float:
        """The width that an end at the upper side needs."""
        return max(self.tabs[port].width, self.labels[port].width) + SPACE

    def place(self, y: float) -> None:
        """Puts box, tabs and labels where the box's upper side is at ``y``."""
        self.box.y = y
        for port in self.top:
            tab, words_ = self.tabs[port], self.labels[port]
            tab.y = y - tab.height
            words_.y = tab.y - words_.height - SPACE
        for port in self.branch.down:
            self.tabs[port].y = self.box.bottom


def top_ports(branch: Branch) -> list[Port]:
    """A branch's ends at the upper side: that of its tree, and those of extra links."""
    return ([branch.up] if branch.up else []) + branch.extras


def lay_out(topology: Topology, root: Branch, rows: int) -> list[Spot]:
    """The places of a tree's branches, x and widths; parents before children.

    ``rows`` is how many hosts stand below each other in a comb; with 1 there are none.
    """
    spots: dict[Branch, Spot] = {}
    for branch in root.walk():  # a comb takes its hosts before the walk comes to them
        spots[branch] = _spot(topology, branch, rows)
    for spot in spots.values():
        spot.children = [spots[child] for child in spot.branch.children]
    ordered = list(spots.values())
    for spot in reversed(ordered):
        _widen(spot)
    for spot in ordered:
        _give_slots(spot)
    for spot in reversed(ordered):
        _stretch(spot)
    return ordered


def _spot(topology: Topology, branch: Branch, rows: int) -> Spot:
    ends = len(top_ports(branch)) + len(branch.down)
    kind = words.kind_of(topology, branch.name, ends)
    leaves = pull_leaves(topology, branch) if rows > 1 else []
    ports = top_ports(branch) + branch.down
    tabs = {port: Box("tab", words.end(port.link, port.number)) for port in ports}
    labels = {port: label(port, "↑", "↓") for port in top_ports(branch)}
    for port in branch.extras:
        if port.number == 1:  # the label stands at the first end
            labels[port] = Box("label", [])
    box = Box(kind, words.body(topology, branch.name, kind), branch.name)
    return Spot(branch, box, tabs, labels, Comb(topology, kind, leaves, rows) if leaves else None)


def _below(spot: Spot) -> float:
    """The width of what grows from a spot."""
    widths = [child.slot for child in spot.children] + ([spot.comb.drawing.width] if spot.comb else [])
    return sum(widths) + GAP * (len(widths) - 1) if widths else 0.0


def _widen(spot: Spot) -> None:
    for port, child in zip(spot.branch.down, spot.children, strict=True):
        child.slot = max(child.slot, spot.tabs[port].width)
    spot.box.width = max(spot.box.width, sum(map(spot.cell, spot.top)))
    spot.slot = max(spot.box.width, _below(spot))


def _give_slots(spot: Spot) -> None:
    x = spot.x + (spot.slot - _below(spot)) / 2
    if spot.comb:
        spot.comb.x = x
        x += spot.comb.drawing.width + GAP
    for child in spot.children:
        child.x = x
        x += child.slot + GAP


def _stretch(spot: Spot) -> None:
    """The box over its children's ends, and its own upper ends upon it."""
    box = spot.box
    edges = [spot.comb.x + tooth for tooth in spot.comb.teeth] if spot.comb else []
    for port, child in zip(spot.branch.down, spot.children, strict=True):
        tab = spot.tabs[port]
        assert child.branch.up is not None
        port.x = child.branch.up.x
        tab.x = _within(port.x - tab.width / 2, child.x, child.x + child.slot - tab.width)
        edges += [tab.x, tab.x + tab.width]
    edges = edges or [spot.x + spot.slot / 2]
    low, high = min(edges), max(edges)
    box.width = max(box.width, min(high - low + 2 * GAP, spot.slot))
    box.x = _within((low + high - box.width) / 2, spot.x, spot.x + spot.slot - box.width)
    x = box.x + (box.width - sum(map(spot.cell, spot.top))) / 2
    for port in spot.top:
        port.x = x + spot.cell(port) / 2
        for over in (spot.tabs[port], spot.labels[port]):
            over.x = port.x - over.width / 2
        x += spot.cell(port)


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))

"""Hosts in columns beside the teeth of a comb: many fit below one bridge, or one router."""

from __future__ import annotations

from collections.abc import Sequence

from tunnel.lab import picture_words as words
from tunnel.lab.picture_shapes import Box, Drawing, Path, label
from tunnel.lab.picture_tree import Branch, Port
from tunnel.lab.topology import Topology

SPACE = 8.0  # pixels between hosts
STUB = 22.0  # pixels from a tooth to a host


def pull_leaves(topology: Topology, branch: Branch) -> list[Port]:
    """Takes from a branch the hosts that hang on it alone, if there are several; their ends of the links."""
    pairs = list(zip(branch.down, branch.children, strict=True))
    leaves = [pair for pair in pairs if _is_leaf(topology, pair[1])]
    if len(leaves) < 2:
        return []
    rest = [pair for pair in pairs if pair not in leaves]
    branch.down, branch.children = [pair[0] for pair in rest], [pair[1] for pair in rest]
    return [child.up for _, child in leaves if child.up is not None]


def _is_leaf(topology: Topology, branch: Branch) -> bool:
    return branch.name in topology.nodes and not branch.children and not branch.extras


class Comb:
    """Columns of at most ``rows`` hosts; ``teeth`` are the x of the teeth, which begin at y = 0.

    They look as ``kind``, and carry the near ends of the links where those have names.
    """

    def __init__(self, topology: Topology, kind: str, ends: Sequence[Port], rows: int) -> None:
        self.kind = kind
        self.teeth: list[float] = []
        self.drawing = Drawing()
        self.x = 0.0
        columns = -(-len(ends) // rows)
        rows = -(-len(ends) // columns)
        for first in range(0, len(ends), rows):
            self._column(topology, ends[first : first + rows])

    def _column(self, topology: Topology, ends: Sequence[Port]) -> None:
        tooth, y = self.drawing.width + SPACE, SPACE
        items = [_Item(topology, end) for end in ends]
        near = max(item.near.width for item in items)
        stub = near + STUB + max(item.label.width for item in items)
        width = max(item.host.width for item in items)
        for item in items:
            middle = y + item.height / 2
            item.host.x, item.host.width, item.near.x = tooth + stub, width, tooth
            item.label.x = tooth + (near + stub - item.label.width) / 2
            for box in (item.near, item.label, item.host):
                box.y = middle - box.height / 2
            self.drawing.boxes += [box for box in (item.near, item.label, item.host) if box.lines]
            line = [(tooth + item.near.width, middle), (item.host.x, middle)]
            self.drawing.paths.append(Path(line, item.end.link))
            y += item.height + SPACE
        self.drawing.paths.append(Path([(tooth, 0.0), (tooth, middle)], kind=self.kind))
        self.teeth.append(tooth)
        self.drawing.width = tooth + stub + width + SPACE
        self.drawing.height = max(self.drawing.height, y)


class _Item:
    """A host, the label of its link, and the tab at the near end."""

    def __init__(self, topology: Topology, end: Port) -> None:
        self.end = end
        self.host = _host(topology, end)
        self.label = label(end, "←", "→")
        self.near = Box("tab", words.end(end.link, 1 - end.number))
        self.height = max(self.host.height, self.label.height, self.near.height)


def _host(topology: Topology, end: Port) -> Box:
    kind = words.kind_of(topology, end.place, 1)
    lines = words.body(topology, end.place, kind) + words.end(end.link, end.number)
    return Box(kind, lines, end.place)

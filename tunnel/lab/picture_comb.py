"""The hosts of a bridge in columns beside the teeth of a comb: many fit below one bridge."""

from __future__ import annotations

from collections.abc import Sequence

from tunnel.lab import picture_words as words
from tunnel.lab.picture_shapes import Box, Drawing, Path, label
from tunnel.lab.picture_tree import Branch, Port
from tunnel.lab.topology import Topology

SPACE = 8.0  # pixels between hosts
STUB = 22.0  # pixels from a tooth to a host


def pull_leaves(topology: Topology, branch: Branch) -> list[Port]:
    """Takes from a bridge the hosts that hang on it alone; their ends of the links."""
    pairs = list(zip(branch.down, branch.children, strict=True))
    leaves = [pair for pair in pairs if _is_leaf(topology, pair[1])]
    if branch.name not in topology.bridges or len(leaves) < 2:
        return []
    rest = [pair for pair in pairs if pair not in leaves]
    branch.down, branch.children = [pair[0] for pair in rest], [pair[1] for pair in rest]
    return [child.up for _, child in leaves if child.up is not None]


def _is_leaf(topology: Topology, branch: Branch) -> bool:
    return branch.name in topology.nodes and not branch.children and not branch.extras


class Comb:
    """Columns of at most ``rows`` hosts; ``teeth`` are the x of the teeth, which begin at y = 0."""

    def __init__(self, topology: Topology, ends: Sequence[Port], rows: int) -> None:
        self.teeth: list[float] = []
        self.drawing = Drawing()
        self.x = 0.0
        columns = -(-len(ends) // rows)
        rows = -(-len(ends) // columns)
        for first in range(0, len(ends), rows):
            self._column(topology, ends[first : first + rows])

    def _column(self, topology: Topology, ends: Sequence[Port]) -> None:
        hosts = [_host(topology, end) for end in ends]
        labels = [label(end, "←", "→") for end in ends]
        stub = STUB + max(label.width for label in labels)
        tooth, y = self.drawing.width + SPACE, SPACE
        width = max(host.width for host in hosts)
        for end, host, words_ in zip(ends, hosts, labels, strict=True):
            tall = max(host.height, words_.height)
            middle = y + tall / 2
            host.x, host.y, host.width = tooth + stub, middle - host.height / 2, width
            words_.x, words_.y = tooth + (stub - words_.width) / 2, middle - words_.height / 2
            self.drawing.boxes += [host, words_] if words_.lines else [host]
            self.drawing.paths.append(Path([(tooth, middle), (host.x, middle)], end.link))
            y += tall + SPACE
        self.drawing.paths.append(Path([(tooth, 0.0), (tooth, middle)]))
        self.teeth.append(tooth)
        self.drawing.width = tooth + stub + width + SPACE
        self.drawing.height = max(self.drawing.height, y)


def _host(topology: Topology, end: Port) -> Box:
    kind = words.kind_of(topology, end.place, 1)
    lines = words.body(topology, end.place, kind) + words.end(end.link, end.number)
    return Box(kind, lines, end.place)

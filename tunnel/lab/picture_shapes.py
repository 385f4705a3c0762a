"""What a lab's picture is drawn of: boxes with text, and lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from tunnel.lab import picture_words as words
from tunnel.lab.picture_tree import Port
from tunnel.lab.picture_words import Line
from tunnel.lab.topology import Link

PAD = 7.0  # pixels between a box and its text


@dataclass(eq=False)
class Box:
    """A rectangle around lines of text; ``kind`` is how it looks, ``hint`` its tooltip. In pixels."""

    kind: str
    lines: list[Line]
    hint: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        self.width = words.width(self.lines) + 2 * PAD if self.lines else 0.0
        self.height = words.height(self.lines) + PAD if self.lines else 0.0

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.height


@dataclass(eq=False)
class Path:
    """A line of horizontal and vertical pieces: a link, or the tooth of a comb, which looks as ``kind``."""

    points: list[tuple[float, float]]
    link: Link | None = None
    kind: str = ""


@dataclass(eq=False)
class Drawing:
    """Shapes, and the size of the whole in pixels."""

    boxes: list[Box] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def add(self, other: Drawing, x: float, y: float) -> None:
        """Puts another drawing into this one."""
        for box in other.boxes:
            box.x, box.y = box.x + x, box.y + y
        for path in other.paths:
            path.points = [(px + x, py + y) for px, py in path.points]
        self.boxes += other.boxes
        self.paths += other.paths
        self.width, self.height = max(self.width, x + other.width), max(self.height, y + other.height)


def label(port: Port, away: str, towards: str) -> Box:
    """The numbers of an impaired link, to stand beside an end; it is empty where there are none.

    The signs show the way of packets that leave this end, and of those that come.
    """
    arrows = away + towards if port.number == 0 else towards + away
    return Box("label", words.impairment(port.link, arrows))

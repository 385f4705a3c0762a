"""A lab's picture, third step: the rows of a tree from top to bottom, and its lines.

Above each row is a channel where no box is; the extra links run there, each on a track of its own, and
change rows in lanes at the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tunnel.lab.picture_layout import SPACE, Spot
from tunnel.lab.picture_shapes import Drawing, Path
from tunnel.lab.picture_tree import Port

CHANNEL = 26.0  # pixels above a row, without extra links
TRACK = 9.0  # pixels between extra links


@dataclass
class Extra:
    """A link that belongs to no tree, on its way; ``lane`` is the x where it changes rows."""

    ends: tuple[tuple[Spot, Port], tuple[Spot, Port]]
    lane: float | None = None
    tracks: list[int] = field(default_factory=list)  # one where both ends are in one row


@dataclass
class Channel:
    """The horizontal pieces above a row: which x are taken on each track; ``y`` is its upper side."""

    taken: list[list[tuple[float, float]]] = field(default_factory=list)
    y: float = 0.0

    def take(self, a: float, b: float) -> int:
        """The number of a track that is free between two x."""
        low, high = min(a, b) - TRACK, max(a, b) + TRACK
        for number, track in enumerate(self.taken):
            if all(high < start or end < low for start, end in track):
                track.append((low, high))
                return number
        self.taken.append([(low, high)])
        return len(self.taken) - 1

    def track(self, number: int) -> float:
        """The y of a track."""
        return self.y + CHANNEL / 2 + number * TRACK


def stack(spots: list[Spot]) -> Drawing:
    """The finished drawing of a tree."""
    drawing = Drawing(width=spots[0].slot)
    depth = max(spot.branch.depth + bool(spot.comb) for spot in spots)
    channels = [Channel() for _ in range(depth + 1)]
    extras = _extras(spots)
    for extra in extras:
        _take(extra, channels, drawing)
    for number, channel in enumerate(channels):
        _row(number, channel, spots, drawing)
    for spot in spots:
        _shapes(spot, drawing)
    drawing.paths += [_way(extra, channels) for extra in extras]
    return drawing


def _extras(spots: list[Spot]) -> list[Extra]:
    ends: dict[int, list[tuple[Spot, Port]]] = {}
    for spot in spots:
        for port in spot.branch.extras:
            ends.setdefault(id(port.link), []).append((spot, port))
    return [Extra((first, second)) for first, second in ends.values()]


def _take(extra: Extra, channels: list[Channel], drawing: Drawing) -> None:
    (spot, port), (other, far) = extra.ends
    if spot.branch.depth == other.branch.depth:
        extra.tracks.append(channels[spot.branch.depth].take(port.x, far.x))
        return
    drawing.width += TRACK
    extra.lane = drawing.width
    extra.tracks += [channels[at.branch.depth].take(end.x, extra.lane) for at, end in extra.ends]


def _row(number: int, channel: Channel, spots: list[Spot], drawing: Drawing) -> None:
    """Puts a row and the combs that hang into it below what is drawn already."""
    row = [spot for spot in spots if spot.branch.depth == number]
    combs = [spot for spot in spots if spot.comb and spot.branch.depth == number - 1]
    channel.y = drawing.height
    y = channel.y + bool(number or channel.taken) * CHANNEL + len(channel.taken) * TRACK
    over = [spot.tabs[port].height + spot.labels[port].height + SPACE for spot in row for port in spot.top]
    bottoms = [y]
    for spot in row:
        spot.place(y + max(over, default=0.0))
        bottoms += [spot.box.bottom, *(spot.tabs[port].y + spot.tabs[port].height for port in spot.branch.down)]
    for spot in combs:
        assert spot.comb is not None
        for tooth in spot.comb.teeth:
            x = spot.comb.x + tooth
            drawing.paths.append(Path([(x, spot.box.bottom), (x, y)], kind=spot.box.kind))
        bottoms.append(y + spot.comb.drawing.height)
        drawing.add(spot.comb.drawing, spot.comb.x, y)
    drawing.height = max(bottoms)


def _shapes(spot: Spot, drawing: Drawing) -> None:
    boxes = [spot.box, *spot.tabs.values(), *spot.labels.values()]
    drawing.boxes += [box for box in boxes if box.lines]
    for port, child in zip(spot.branch.down, spot.children, strict=True):
        up = child.branch.up
        assert up is not None
        tab = spot.tabs[port]
        drawing.paths.append(Path([(port.x, tab.y + tab.height), (up.x, child.tabs[up].y)], port.link))


def _way(extra: Extra, channels: list[Channel]) -> Path:
    points: list[list[tuple[float, float]]] = []
    for (spot, port), track in zip(extra.ends, (extra.tracks * 2)[:2], strict=True):
        y = channels[spot.branch.depth].track(track)
        points.append([(port.x, spot.tabs[port].y), (port.x, y)])
        if extra.lane is not None:
            points[-1].append((extra.lane, y))
    return Path(points[0] + points[1][::-1], extra.ends[0][1].link)

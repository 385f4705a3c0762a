"""A lab as a picture: one SVG file without scripts, fonts or anything else from elsewhere.

The words are those of ``tunnel.lab.picture_words``; ``picture_tree`` finds the trees, ``picture_layout``
and ``picture_rows`` place them. Here the trees are set beside each other and written down.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

from tunnel.lab import picture_words as words
from tunnel.lab.picture_layout import lay_out
from tunnel.lab.picture_rows import stack
from tunnel.lab.picture_shapes import PAD, Box, Drawing, Path
from tunnel.lab.picture_tree import grow
from tunnel.lab.picture_words import LEADING, SIZES, Line
from tunnel.lab.topology import Topology

MARGIN, BESIDE = 24.0, 36.0  # pixels around the whole, and between trees
NARROW, ASPECT = 1100.0, 1.5  # below so many pixels no combs are needed; else width to height
ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
PAPER, INK, LINE, BROKEN = "#ffffff", "#1f2933", "#5f6b7a", "#c0262d"
FONTS = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, monospace"
LOOKS = {  # fill and border
    "host": ("#e8f1fd", "#3b6fb6"),
    "router": ("#fff1dc", "#b8690f"),
    "engine": ("#f1e8fc", "#7a3db8"),
    "bridge": ("#dff3e4", "#2e7d4f"),
    "tab": ("#f6f7f9", "#9aa5b1"),
    "label": ("#fdeaea", BROKEN),
    "bare": (PAPER, PAPER),
}
KEYS = {
    "host": "host",
    "router": "router: several links, or it forwards",
    "engine": "runs an engine",
    "bridge": "bridge",
    "tab": "end of a link: interface, addresses",
    "label": "a dashed link is carried by an engine: what happens to packets each way, or as the arrows say",
}


def svg(topology: Topology) -> str:
    """The picture of a lab, as the text of an SVG file; its size suits what is in it."""
    drawing = draw(topology)
    width, height = math.ceil(drawing.width + MARGIN), math.ceil(drawing.height + MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<g font-family="{FONTS}">',
        f"<title>{escape(topology.name)}</title>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        *map(_path, drawing.paths),
        *(part for box in drawing.boxes for part in _box(box)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw(topology: Topology) -> Drawing:
    """All shapes of the picture, heading and legend included."""
    plans = _plans(topology)
    best = next(plans)
    if best.width > NARROW:
        best = min([best, *plans], key=lambda plan: abs(math.log(plan.width / plan.height / ASPECT)))
    whole = Drawing()
    heading = Box("bare", [Line(topology.name, "title"), Line(_counts(topology))])
    whole.add(Drawing([heading], [], heading.width, heading.height), MARGIN - PAD, MARGIN - PAD)
    whole.add(best, MARGIN, whole.height + MARGIN)
    whole.add(_legend(max(best.width, NARROW / 2)), MARGIN, whole.height + MARGIN)
    return whole


def _plans(topology: Topology) -> Iterator[Drawing]:
    """The trees set side by side, with combs of one row, two ..."""
    for rows in ROWS:
        trees = [stack(lay_out(topology, root, rows)) for root in grow(topology)]
        area = sum((tree.width + BESIDE) * (tree.height + BESIDE) for tree in trees)
        widest = max((tree.width for tree in trees), default=0.0)
        yield _shelve(trees, max(widest, NARROW / 2, math.sqrt(area * ASPECT)), BESIDE)


def _shelve(drawings: Iterable[Drawing], width: float, gap: float) -> Drawing:
    """Drawings from left to right, and in a further line where one is full."""
    whole, x, y = Drawing(), 0.0, 0.0
    for drawing in drawings:
        if x and x + drawing.width > width:
            x, y = 0.0, whole.height + gap
        whole.add(drawing, x, y)
        x += drawing.width + gap
    return whole


def _counts(topology: Topology) -> str:
    counts = {"node": len(topology.nodes), "bridge": len(topology.bridges), "link": len(topology.links)}
    return ", ".join(f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items())


def _legend(width: float) -> Drawing:
    """What boxes and lines mean."""
    keys = []
    for kind, text in KEYS.items():
        box = Box(kind, [Line(text)])
        keys.append(Drawing([box], [], box.width, box.height))
    return _shelve(keys, width, SIZES["small"])


def _path(path: Path) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in path.points)
    if path.link is None:
        return f'<polyline points="{points}" fill="none" stroke="{LOOKS[path.kind][1]}" stroke-width="3"/>'
    look = f'stroke="{BROKEN}" stroke-dasharray="6 3"' if path.link.carried else f'stroke="{LINE}"'
    hint = escape(" -- ".join(path.link.endpoints))
    return f'<polyline points="{points}" fill="none" stroke-width="1.5" {look}><title>{hint}</title></polyline>'


def _box(box: Box) -> Iterator[str]:
    fill, border = LOOKS[box.kind]
    corner = 2 if box.kind == "tab" else 5
    hint = f"<title>{escape(box.hint)}</title>" if box.hint else ""
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner}"'
        f' fill="{fill}" stroke="{border}" stroke-width="1.2">{hint}</rect>'
    )
    y = box.y + (box.height - words.height(box.lines)) / 2
    for line in box.lines:
        y += SIZES[line.style] + LEADING
        yield _text(line, box.x + (PAD if box.kind == "bare" else (box.width - line.width) / 2), y - LEADING)


def _text(line: Line, x: float, y: float) -> str:
    ink = BROKEN if line.style == "label" else INK
    bold = ' font-weight="bold"' if line.style in ("name", "title") else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{SIZES[line.style]}" fill="{ink}"{bold}'
        f' textLength="{line.width:.1f}" lengthAdjust="spacingAndGlyphs">{escape(line.text)}</text>'
    )

"""The code blocks of the documentation, and what the comment above one says of it.

A comment in HTML, on the line above the fence, names what the block needs; several by commas:

    netns            it runs in a network and mount namespace of its own, loopback up
    file: NAME       the block is also kept under this name for the blocks behind it
    wrong            the file has mistakes, and the block behind it shows them
    until: TEXT      the command is a service: stopped (SIGINT) once its output holds TEXT
    lab: NAME        a topology file: kept under this name, and one that ``tunnel lab check`` finds nothing wrong with

At the top of a page, ``page: network`` gives all its blocks one network and mount namespace that lasts, with a
/run of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"(?:^<!--(?P<marks>[^>]*)-->\n+)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int                 # of its first line of code
    language: str
    marks: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def page_marks(page: Path) -> dict[str, str]:
    """What the comment at the top of a page says of all of it."""
    first = page.read_text().partition("\n")[0]
    return marks(first.removeprefix("<!--").removesuffix("-->")) if first.startswith("<!--") else {}


def marks(comment: str) -> dict[str, str]:
    """``netns, file: site.toml`` as names and values."""
    pairs = (part.partition(":") for part in comment.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, match.start("text")) + 1,
            match["language"],
            marks(match["marks"] or ""),
            match["text"],
        )
        for match in BLOCK.finditer(text)
    ]


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a console block (behind ``$``), each with the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def pattern(line: str) -> re.Pattern[str]:
    """An expected line, loosely: any number for a number, any text for ``...``, spaces as they come."""
    parts = re.split(r"(\.\.\.|\d+(?:\.\d+)?|\s+)", line.strip())
    loose = {"...": ".*"}
    return re.compile("".join(loose.get(part) or _loose(part) for part in parts))


def _loose(part: str) -> str:
    if part[:1].isdigit():
        return r"\d+(?:\.\d+)?"
    return r"\s+" if part.isspace() else re.escape(part)

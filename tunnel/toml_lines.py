"""On which line of a TOML text each table, key and array element stands.

``tomllib`` keeps no line numbers. This scanner walks a text that ``tomllib`` has already accepted,
so it checks nothing: it follows the grammar (TOML 1.0) just closely enough to know where keys and
values begin.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Place = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# A closing delimiter may be preceded by two quotes that belong to the text: """a"""""
_STRING = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"""(?:"{0,2})'
    r"|'''[\s\S]*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
# A date and a time may be parted by one space.
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d (?=\d)[^\s,\]}#]+|[^\s,\]}#]+")


def lines(text: str) -> dict[Place, int]:
    """The line (from 1) of every table, key and element of ``text``, which is valid TOML.

    A path holds the keys from the top; elements of arrays and of arrays of tables are counted from 0:
    ``("handlers", "wg", "peers", 0, "key")``. A table that only dotted names imply has the line of
    the first of them.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Place, int] = {}
        self.tables_of: dict[Place, int] = {}      # arrays of tables: how many tables so far
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def document(self) -> None:
        table: Place = ()
        self.skip(_GAP)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip(_GAP)

    def header(self) -> Place:
        """``[a.b]`` or ``[[a.b]]``: the path that the keys below it belong to."""
        line, is_array = self.line(), self.text.startswith("[[", self.at)
        self.at += 1 + is_array
        *parents, last = self.key()
        self.at += 1 + is_array
        path: Place = ()
        for part in parents:
            path = self.newest((*path, part))
            self.found.setdefault(path, line)
        path = (*path, last)
        if is_array:
            self.found.setdefault(path, line)
            self.tables_of[path] = self.tables_of.get(path, 0) + 1
            path = self.newest(path)
        self.found[path] = line
        return path

    def newest(self, path: Place) -> Place:
        """A name that stands for an array of tables means the last of them."""
        count = self.tables_of.get(path)
        return path if count is None else (*path, count - 1)

    def pair(self, table: Place) -> None:
        line = self.line()
        for part in self.key():
            table = (*table, part)
            self.found.setdefault(table, line)
        self.at += 1
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """A dotted key; the cursor stands behind it and the blanks that follow."""
        parts = []
        while True:
            self.skip(_SPACE)
            bare = _BARE.match(self.text, self.at)
            parts.append(bare.group() if bare else self.quoted())
            self.at = bare.end() if bare else self.at
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def quoted(self) -> str:
        start = self.at
        self.skip(_STRING)
        name: str = tomllib.loads("k=" + self.text[start:self.at])["k"]
        return name

    def value(self, path: Place) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self.elements(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.skip(_STRING if opening in "\"'" else _SCALAR)

    def elements(self, path: Place) -> None:
        self.at += 1
        self.skip(_GAP)
        count = 0
        while self.text[self.at] != "]":
            self.found[*path, count] = self.line()
            self.value((*path, count))
            count += 1
            self.skip(_GAP)
        self.at += 1

    def inline_table(self, path: Place) -> None:
        self.at += 1
        self.skip(_GAP)
        while self.text[self.at] != "}":
            self.pair(path)
            self.skip(_GAP)
        self.at += 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def line(self) -> int:
        return bisect_right(self.starts, self.at)

"""A configuration file: its values, the line of each, and every mistake found in it.

1. ``read`` takes the bytes (``tunnel.trust``), parses them (``tomllib``) and finds the lines
   (``tunnel.toml_lines``).
2. Who understands a table checks it and reports each mistake with ``Document.report``.
3. ``Document.finish`` raises them all at once.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tunnel import trust as trusted
from tunnel.errors import ConfigError, Problem
from tunnel.toml_lines import Place, lines


@dataclass
class Document:
    """A parsed file; ``problems`` grows while it is being understood."""

    file: str
    values: dict[str, Any]
    lines: dict[Place, int]
    problems: list[Problem] = field(default_factory=list)
    reported: list[Place] = field(default_factory=list)      # where they are

    def line(self, path: Place) -> int | None:
        """The line of ``path``, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def report(self, path: Place, text: str) -> None:
        """Notes a mistake at ``path``; the text says what was found and what was expected."""
        place = f"{dotted(path)}: {text}" if path else text
        self.problems.append(Problem(place, self.file, self.line(path)))
        self.reported.append(path)

    def finish(self) -> None:
        """Raises one ``ConfigError`` with all problems in the order of their lines, if there are any."""
        ordered = sorted(self.problems, key=lambda problem: problem.line or 0)
        if ordered:
            raise ConfigError(ordered)


def read(path: str | os.PathLike[str], trust: bool = False) -> Document:
    """The TOML file ``path``. Unreadable, untrusted (``tunnel.trust``) or no TOML: ``ConfigError``."""
    file, content = os.fspath(path), trusted.read(path, trust)
    try:
        # tomllib counts \r\n as one character too.
        text = content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"found the byte {content[error.start]:#04x}, expected UTF-8"
        raise ConfigError(Problem(what, file, line)) from None
    return parsed(text, file)


def parsed(text: str, file: str) -> Document:
    """The TOML ``text``, which ``file`` holds. No TOML: ``ConfigError``."""
    try:
        return Document(file, tomllib.loads(text), lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_problem(error, file, text)) from None
    except RecursionError:
        raise ConfigError(Problem("arrays or tables nested too deeply", file)) from None
    except ValueError as error:      # of int(): a number of thousands of digits
        raise ConfigError(Problem(str(error), file)) from None


def _syntax_problem(error: tomllib.TOMLDecodeError, file: str, text: str) -> Problem:
    """tomllib puts the place into its text: ``what (at line 3, column 9)`` or ``(at end of document)``."""
    what, _, place = str(error).rpartition(" (at ")
    at = re.match(r"line (\d+), column (\d+)", place)
    line = int(at[1]) if at else text.count("\n") + 1
    column = f" at column {at[2]}" if at else " at the end of the file"
    return Problem(f"not TOML{column}: {what[:1].lower()}{what[1:]}", file, line)


def dotted(path: Place) -> str:
    """A path as TOML writes it; elements of arrays in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            text += ("." if text else "") + (part if plain else json.dumps(part))
    return text


def meant(word: str, known: Iterable[str]) -> str:
    """`` (did you mean "x"?)``, or nothing where no known word is like ``word``."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def choices(known: Iterable[str]) -> str:
    """``expected one of a, b``, in words; for messages."""
    names = sorted(known)
    return f"expected {'one of ' if len(names) > 1 else ''}{', '.join(names)}" if names else "none is known"


def shown(value: object) -> str:
    """A value of a TOML file in words, short enough for a message."""
    match value:
        case bool():
            return f"the boolean {str(value).lower()}"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return f"the string {_shortened(text)}"
        case int():
            return f"the integer {value}" if value.bit_length() < 65 else "an integer of more than 64 bits"
        case float():
            return f"the float {value}"
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            return f"the {type(value).__name__} {value}"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f'{text[:56]}..."'

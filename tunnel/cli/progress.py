"""Steps of a longer command, told on stderr while they happen: a bar on a terminal, else a line each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

BAR = 24  # characters
REDRAW_S = 0.05


class Steps:
    """Runs steps one after the other and shows how far each has come."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live and error is not None and not self._quiet:
            sys.stderr.write("\n")

    def begin(self, text: str) -> Callable[[float], None]:
        """Shows a step that is not a call: what is returned is told the share that is done, which ends it at 1."""
        start = time.monotonic()
        self._draw(text, 0.0)

        def tell(share: float) -> None:
            if share < 1.0:
                self._draw(text, share)
            else:
                self._done(text, start)

        return tell

    def end(self, text: str) -> None:
        """A last line."""
        self._write(f"  {text}", "\n")

    def _done(self, text: str, start: float) -> None:
        self._write(f"  {text:<32} {'done' if self._live else ''} {time.monotonic() - start:5.1f} s", "\n")

    def run(self, text: str, step: Callable[[Callable[[float], None]], T]) -> T:
        """What ``step`` returns; it is given a function to call with the share that is done, 0 to 1."""
        start = time.monotonic()
        self._draw(text, 0.0)
        result = step(lambda share: self._draw(text, share))
        self._done(text, start)
        return result

    def _draw(self, text: str, share: float) -> None:
        now = time.monotonic()
        if self._live and now - self._drawn > REDRAW_S:
            self._drawn = now
            full = round(BAR * share)
            self._write(f"  {text:<32} [{'#' * full}{' ' * (BAR - full)}]", "")

    def _write(self, text: str, end: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"\r\x1b[K{text}{end}" if self._live else text + end)
            sys.stderr.flush()

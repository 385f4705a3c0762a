"""Removes what labs left whose holders were killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tunnel.errors import LabError
from tunnel.lab import place, undo
from tunnel.lab.journal import Journal


@dataclass(frozen=True)
class Cleaned:
    """A dead lab of which nothing is left, and how many processes were ended."""

    lab: str
    ended: int


def clean() -> Iterator[Cleaned]:
    """Cleans one dead lab after the other; ``LabError`` tells what could not be undone, and leaves the journal."""
    for name in place.present():
        with place.folder() as folder:
            dead = Journal.of_dead(name, os.dup(folder))
        if dead is not None:
            yield _clean(dead)


def _clean(dead: Journal) -> Cleaned:
    entries = dead.entries()
    ended = undo.processes(entries)
    failed = undo.places(entries)
    if failed:
        dead.close()
        raise LabError(f"lab {dead.lab}: not undone: {'; '.join(failed)}")
    dead.remove()
    return Cleaned(dead.lab, ended)

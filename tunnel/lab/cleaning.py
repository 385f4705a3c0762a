"""Removes what labs left whose holders were killed."""

from __future__ import annotations

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
    """Cleans one dead lab after the other; in the end a ``LabError`` tells what could not be undone, of all of
    them, and their journals stay."""
    failed = []
    for name in place.present():
        try:
            with place.folder() as folder:
                dead = Journal.of_dead(name, folder)
            if dead is not None:
                yield _clean(dead)
        except LabError as error:
            failed.append(str(error))
    if failed:
        raise LabError("\n".join(failed))


def _clean(dead: Journal) -> Cleaned:
    entries = dead.entries()
    ended = undo.processes(entries)
    failed = undo.places(entries)
    if failed:
        dead.close()
        raise LabError(f"lab {dead.lab}: not undone: {'; '.join(failed)}")
    dead.remove()
    return Cleaned(dead.lab, ended)

"""``tunnel lab down``: ends a lab."""

from __future__ import annotations

import os

import click

from tunnel.lab import place
from tunnel.lab.lab import Lab


@click.command()
@click.argument("lab", metavar="FILE|NAME", required=False)
@click.option("--all", "every", is_flag=True, help="Every lab of yours that is up.")
def command(lab: str | None, every: bool) -> None:
    """End a lab, by its NAME or its topology FILE; the only one that is up unless told.

    Its programs are killed, its links and namespaces removed, what it made on the host undone.
    """
    for name in place.up() if every else [_name(lab)]:
        with Lab(place.connect(name)) as found:
            found.end()


def _name(given: str | None) -> str:
    """A file is told from a name by its path, or by its being there; a folder of the name does not count."""
    if given is None:
        return place.only()
    if "/" not in given and not os.path.isfile(given):
        return given
    from tunnel import config

    name = config.read(given, trust=True).values.get("name")  # only the name is taken from it
    return str(name)

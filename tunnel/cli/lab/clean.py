"""``tunnel lab clean``: what killed labs left."""

from __future__ import annotations

import click

from tunnel.lab import cleaning


@click.command()
def command() -> None:
    """Remove what labs left behind whose holder was killed: processes, namespaces, links of the host.

    Only what is still what their records say; labs that are up are left alone.
    """
    for found in cleaning.clean():
        click.echo(f"lab {found.lab}: {found.ended} processes ended, its names and links removed")

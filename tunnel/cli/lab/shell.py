"""``tunnel lab shell``: a shell in a node."""

from __future__ import annotations

import os

import click

from tunnel.cli.lab.attach import lab_option
from tunnel.cli.lab.entering import enter


@click.command()
@lab_option
@click.argument("node")
def command(lab_name: str | None, node: str) -> None:
    """Start a shell in NODE: $SHELL, or /bin/sh. Leave it by `exit`."""
    enter(lab_name, node, [os.environ.get("SHELL") or "/bin/sh"])

"""``tunnel lab``: each of its commands is the file of its name."""

from __future__ import annotations

import click

from tunnel.cli import Commands

COMMANDS = {
    "check": "Check a topology file and show what it describes.",
    "clean": "Remove what killed labs left behind.",
    "down": "End a lab.",
    "exec": "Run a program in a node.",
    "impair": "Show or change what happens on a link while traffic flows.",
    "shell": "Start a shell in a node.",
    "up": "Build the lab that a topology file describes.",
}


@click.command(cls=Commands, package=__name__, texts=COMMANDS, no_args_is_help=False)
def command() -> None:
    """A network of namespaces that a topology file describes."""

"""``tunnel lab``: each of its commands is the file of its name."""

from __future__ import annotations

import click

from tunnel.cli import Commands

COMMANDS = {
    "capture": "Capture what passes a link, for a file or another program.",
    "check": "Check a topology file and show what it describes.",
    "clean": "Remove what killed labs left behind.",
    "down": "End a lab.",
    "exec": "Run a program in a node.",
    "impair": "Show or change what happens on a link while traffic flows.",
    "ping": "Ping between the nodes of a lab: round-trip times and loss.",
    "shell": "Start a shell in a node.",
    "show": "Show what a lab is made of and how it is, or draw it.",
    "up": "Build the lab that a topology file describes.",
}


@click.command(cls=Commands, package=__name__, texts=COMMANDS, no_args_is_help=False)
def command() -> None:
    """A network of namespaces that a topology file describes."""

"""``tunnel lab exec``: a program in a node."""

from __future__ import annotations

import click

from tunnel.cli.lab.attach import lab_option
from tunnel.cli.lab.entering import enter


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@lab_option
@click.argument("node")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def command(lab_name: str | None, node: str, program: tuple[str, ...]) -> None:
    """Run PROGRAM with its arguments in NODE (or in a bridge's namespace); its exit code is the command's.

    It keeps the current folder and sees a /run that is the node's own. 127: there is no such program.
    """
    enter(lab_name, node, list(program))

"""``tunnel lab up``: builds a lab that stays."""

from __future__ import annotations

import click

from tunnel.cli.progress import Steps
from tunnel.lab import ahead


@click.command()
@click.argument("file")
@click.option("--trust-file", is_flag=True, help="As root, use files that others may write.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def command(file: str, trust_file: bool, quiet: bool) -> None:
    """Build the lab that the topology FILE describes; it stays up until `tunnel lab down`.

    Where anything is refused, everything is gone again. Exit codes: 0; 1 the file has mistakes, or a lab of
    its name is up; 2 refused by the kernel.
    """
    with Steps(quiet=quiet) as steps:
        lab = ahead.build(file, steps.begin, trust=trust_file)
        lab.keep()
        lab.close()
        steps.end(f"lab {lab.name} is up")

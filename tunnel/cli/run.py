"""``tunnel run``: a graph file."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.running import engine_options, serve
from tunnel.graph import Graph


@click.command()
@click.argument("file")
@click.option(
    "--lab", "lab_file", metavar="LAB", help="Build the lab of this topology file first, and take it down at the end."
)
@click.option("--trust-file", is_flag=True, help="As root, use files that others may write.")
@engine_options
def command(file: str, lab_file: str | None, trust_file: bool, **options: Any) -> None:
    """Run the graph FILE until SIGINT, SIGTERM, or a device is gone.

    With --lab the `netns` of a device is a node of that lab; a device without one is where this command is,
    in the host's namespace. Files under /run are hidden from the graph then.
    """
    if lab_file is None:
        serve(Graph.load(file, trust_file), **options)
        return
    from tunnel.cli import in_lab

    words = [file, *["--trust-file"] * trust_file, *_words(**options)]
    click.get_current_context().exit(in_lab.run(file, lab_file, trust_file, words))


def _words(
    loop: str | None, workers: int | None, strict: bool, duration_s: float | None, as_json: bool
) -> list[str]:
    """The options of ``serve`` as the command line has them; offloads are switched off by the environment."""
    valued = {"--loop": loop, "--workers": workers, "--for": duration_s}
    words = [f"{name}={value}" for name, value in valued.items() if value is not None]
    return [*words, *["--strict"] * strict, *["--json"] * as_json]

"""``tunnel run``: a graph file."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.running import engine_options, serve
from tunnel.graph import Graph


@click.command()
@click.argument("file")
@click.option("--trust-file", is_flag=True, help="As root, use files that others may write.")
@engine_options
def command(file: str, trust_file: bool, **options: Any) -> None:
    """Run the graph FILE until SIGINT, SIGTERM, or a device is gone."""
    serve(Graph.load(file, trust_file), **options)

"""``tunnel handlers``: what a graph file's ``type`` may be."""

from __future__ import annotations

from typing import get_args

import click

from tunnel import __version__, registry
from tunnel.cli.table import json_option, show_json, show_table


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the types of handlers and devices: built in, and of installed plugins.

    Only metadata is read; no plugin is imported.
    """
    found = [entry for kind in reversed(get_args(registry.Kind)) for entry in registry.entries(kind)]
    entries = [entry._replace(version=entry.version or __version__) for entry in found]
    if as_json:
        show_json([entry._asdict() for entry in entries])
    else:
        heads = ["type", "kind", "class", "from"]
        rows = [[one.name, one.kind, one.target, f"{one.distribution} {one.version}"] for one in entries]
        show_table(heads, rows)

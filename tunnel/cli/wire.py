"""``tunnel wire``: two TAPs as the ends of one cable."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.running import engine_options, interface_name, serve
from tunnel.graph import Graph


@click.command()
@click.argument("a", callback=interface_name)
@click.argument("b", callback=interface_name)
@click.option("--mtu", type=click.IntRange(68, 65535), help="MTU of both, bytes.")
@engine_options
def command(a: str, b: str, mtu: int | None, **options: Any) -> None:
    """Make the TAPs A and B; what is sent into one comes out of the other."""
    from tunnel.devices.tuntap import Tap
    from tunnel.handlers.wire import Wire

    graph = Graph()
    wire = next(name for name in ("wire", "cable", "line") if name not in (a, b))
    graph.add(Wire(), wire)
    for name, port in ((a, "a"), (b, "b")):
        graph.add(Tap(name, mtu=mtu))
        graph.link(f"{name} -- {wire}.{port}")
    serve(graph, **options)

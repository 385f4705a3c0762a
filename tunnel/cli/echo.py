"""``tunnel echo``: an interface behind which every address answers."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.running import engine_options, interface, interface_options, serve
from tunnel.graph import Graph


@click.command()
@interface_options
@click.option("--reflect-udp", is_flag=True, help="Send UDP back as well.")
@click.option("--rate", type=click.IntRange(0, 100_000_000), default=0, metavar="PPS",
              help="Answers a second to one source; 0, the default: no limit.")
@engine_options
def command(reflect_udp: bool, rate: int, **options: Any) -> None:
    """Make the TUN NAME and answer what is sent into it."""
    from tunnel.handlers.echo import Echo

    graph = Graph()
    subnets = list(options["address"])
    # What is echoed is small; a virtio header before each packet costs it more than it saves.
    graph.add(interface(options, offload=False), "interface")
    graph.add(Echo(reflect_udp=reflect_udp, rate=rate, subnets=subnets), "echo")
    graph.link("interface -- echo")
    serve(graph, **options)

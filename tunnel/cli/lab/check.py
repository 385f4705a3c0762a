"""``tunnel lab check``: a topology file's mistakes, or what it describes."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from tunnel.cli.table import json_option, show_json, show_table
from tunnel.lab import machine, topology_file, topology_schema
from tunnel.lab.topology import Place, Topology


def _print_schema(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(topology_schema.shipped(), nl=False)
        ctx.exit()


@click.command()
@click.argument("file")
@click.option("--trust-file", is_flag=True, help="As root, use files that others may write.")
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
    help="Print the JSON Schema of topology files.",
)
@json_option
def command(file: str, trust_file: bool, as_json: bool) -> None:
    """Check the topology FILE: every mistake at once, or a table of what it describes.

    Nothing of it is made, so what only the kernel can refuse is not seen.
    """
    topology = topology_file.load(file, trust_file, machine.facts()).topology
    if as_json:
        show_json(msgspec.to_builtins(topology))
    else:
        show_table(["name", "kind", "addresses", "joined to"], list(_rows(topology)))


def _rows(topology: Topology) -> Iterator[list[str]]:
    for name, node in topology.nodes.items():
        yield [name, "node", "", ""]
        yield from _interfaces(name, node)
        yield from _ends(topology, name)
    for name, bridge in topology.bridges.items():
        yield [name, "bridge", ", ".join(bridge.address), ", ".join(_ports(topology, name))]
        yield from _interfaces(name, bridge)


def _interfaces(owner: str, place: Place) -> Iterator[list[str]]:
    for name, found in place.interfaces.items():
        yield [f"{owner}:{name}", str(found.__struct_config__.tag), ", ".join(found.address), ""]


def _ends(topology: Topology, node: str) -> Iterator[list[str]]:
    """The node's ends of links, each with its far end."""
    for link in topology.links:
        far = link.endpoints[::-1]
        for own, other, addresses in zip(link.endpoints, far, (link.address, link.peer_address), strict=True):
            if own.partition(":")[0] == node and ":" in own:
                yield [own, "impaired link" if link.carried else "link", ", ".join(addresses), other]


def _ports(topology: Topology, bridge: str) -> Iterator[str]:
    for link in topology.links:
        for own, other in zip(link.endpoints, link.endpoints[::-1], strict=True):
            if own == bridge:
                yield other

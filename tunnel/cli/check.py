"""``tunnel check``: a graph file's mistakes, or what it joins."""

from __future__ import annotations

import click
import msgspec

from tunnel.cli.table import json_option, show_json, show_table
from tunnel.graph import Graph, Link


@click.command()
@click.argument("file")
@click.option("--trust-file", is_flag=True, help="As root, use files that others may write.")
@json_option
def command(file: str, trust_file: bool, as_json: bool) -> None:
    """Check the graph FILE: every mistake at once, or a table of who is linked to whom.

    Nothing is opened, so what only the kernel can refuse is not seen.
    """
    graph = Graph.load(file, trust_file)
    if as_json:
        show_json(_tree(graph))
    else:
        show_table(["name", "kind", "class", "links"], _rows(graph))


def _rows(graph: Graph) -> list[list[str]]:
    nodes = [(name, "device", node) for name, node in graph.devices.items()]
    others = [(name, "handler", node) for name, node in graph.handlers.items()]
    return [
        [name, kind, type(node).__name__, ", ".join(_ways(graph, name))]
        for name, kind, node in [*nodes, *others]
    ]


def _ways(graph: Graph, name: str) -> list[str]:
    """``overlay -- tun0`` and the like, once for both directions."""
    ways = []
    for link in graph.links:
        back = Link(*link[2:], *link[:2])
        if link.source == name:
            ways.append(_way(graph, link, "--" if back in graph.links else "->"))
        elif link.target == name and back not in graph.links:
            ways.append(_way(graph, back, "<-"))
    return ways


def _way(graph: Graph, link: Link, arrow: str) -> str:
    port = "" if link.source in graph.devices else graph.handlers[link.source].ports[link.source_port] + " "
    return f"{port}{arrow} {graph.port_name(*link[2:])}"


def _tree(graph: Graph) -> dict[str, object]:
    def classes(nodes: dict[str, object]) -> dict[str, str]:
        return {name: f"{type(node).__module__}:{type(node).__qualname__}" for name, node in nodes.items()}

    return {
        "devices": classes({**graph.devices}),
        "handlers": classes({**graph.handlers}),
        "links": [
            {"from": graph.port_name(*link[:2]), "to": graph.port_name(*link[2:])} for link in graph.links
        ],
        "engine": msgspec.to_builtins(graph.engine),
    }

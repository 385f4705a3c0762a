"""A lab that is up as it is described and as the kernel has it, for tables and for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunnel.errors import LabError
from tunnel.lab import picture_words as words
from tunnel.lab.node import Node
from tunnel.lab.topology import Link, Topology

COUNTERS = ("rx_packets", "rx_bytes", "rx_dropped", "tx_packets", "tx_bytes", "tx_dropped")

Row = dict[str, Any]
Nodes = Mapping[str, Node]


def view(topology: Topology, nodes: Nodes, processes: list[Row]) -> Row:
    """Everything about a lab: ``nodes``, ``links`` and ``bridges`` with their live state; the description."""
    interfaces = {name: list(_interfaces(topology, nodes, name)) for name in topology.nodes}
    ends = {f"{name}:{row['name']}": row for name, rows in interfaces.items() for row in rows}
    return {
        "lab": topology.name,
        "nodes": [_node(topology, name, rows, processes) for name, rows in interfaces.items()],
        "links": [_link(link, ends) for link in topology.links],
        "bridges": [_bridge(topology, nodes, name) for name in topology.bridges],
        "description": msgspec.to_builtins(topology),
    }


def state(row: Row) -> str:
    """Of an interface: ``up``, ``down``, ``no carrier`` or ``gone``."""
    if row["up"] is None:
        return "gone"
    return "down" if not row["up"] else "up" if row["carrier"] else "no carrier"


def _interfaces(topology: Topology, nodes: Nodes, name: str) -> Iterator[Row]:
    """Each interface of a node: the ends of its links, then the others."""
    for link in topology.links:
        for number, end in enumerate(link.endpoints):
            owner, _, interface = end.partition(":")
            if owner == name:
                addresses = link.peer_address if number else link.address
                yield live(nodes, name, interface, addresses) | {"far": link.endpoints[1 - number]}
    for interface, described in topology.nodes[name].interfaces.items():
        yield live(nodes, name, interface, described.address) | {"far": None}


def live(nodes: Nodes, name: str, interface: str, addresses: list[str]) -> Row:
    """An interface as the kernel has it; all None where it is gone. ``addresses`` are the described ones."""
    row: Row = {"name": interface, "addresses": addresses}
    try:
        if name not in nodes:
            raise LabError(f"{name}: in no node of the lab")
        found = nodes[name].interface(interface)
        counted = nodes[name].statistics(interface)
    except LabError:
        return row | dict.fromkeys(("kind", "index", "mtu", "mac", "up", "carrier", *COUNTERS))
    row |= {"kind": found.kind, "index": found.index, "mtu": found.mtu, "mac": found.mac}
    row |= {"up": found.up, "carrier": found.carrier}
    return row | {counter: counted[counter] for counter in COUNTERS}


def _node(topology: Topology, name: str, interfaces: list[Row], processes: list[Row]) -> Row:
    ends = sum(row["far"] is not None for row in interfaces)
    return {
        "name": name,
        "kind": words.kind_of(topology, name, ends),
        "interfaces": interfaces,
        "processes": [row for row in processes if row["node"] == name],
    }


def _link(link: Link, ends: Mapping[str, Row]) -> Row:
    return {
        "endpoints": link.endpoints,
        "mtu": link.mtu,
        "carried": link.carried,
        "impair": msgspec.to_builtins(link.impair),
        "impair_back": msgspec.to_builtins(link.impair_back),
        "ends": [ends.get(end) for end in link.endpoints],
    }


def _bridge(topology: Topology, nodes: Nodes, name: str) -> Row:
    bridge = topology.bridges[name]
    ports = [
        link.endpoints[1 - number]
        for link in topology.links
        for number, end in enumerate(link.endpoints)
        if end == name
    ]
    own = {"ports": ports, "interfaces": list(bridge.interfaces), "stp": bridge.stp, "host": bridge.host}
    return live(nodes, name, name, bridge.address) | own

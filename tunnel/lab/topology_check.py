"""Every mistake of a topology that is seen without the kernel: each with the path of what is wrong."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tunnel.lab import (
    topology_addresses,
    topology_bridges,
    topology_names,
    topology_nodes,
    topology_ports,
    topology_rights,
    topology_routes,
)
from tunnel.lab.topology import Topology
from tunnel.lab.topology_facts import Facts
from tunnel.toml_lines import Place


def check(
    topology: Topology, facts: Facts | None = None, incomplete: AbstractSet[Place] = frozenset()
) -> list[tuple[Place, str]]:
    """All mistakes: the path of each, such as ``("links", 0, "endpoints", 1)``, and its text.

    ``incomplete`` has the paths of nodes, bridges and links of which a part was left out since it
    was wrong (``("links",)``: a whole link): what may follow from that is not reported.
    """
    found: list[tuple[Place, str]] = []

    def report(path: Place, text: str) -> None:
        found.append((path, text))

    topology_names.check(topology, incomplete, report)
    ports = topology_ports.find(topology, incomplete, report)
    topology_addresses.check(topology, ports, report)
    topology_bridges.check(topology, ports, report)
    topology_routes.check(topology, ports, report)
    topology_nodes.check(topology, ports, facts or Facts(), report)
    topology_rights.check(topology, facts or Facts(), report)
    return found

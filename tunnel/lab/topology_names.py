"""Names of a lab, its nodes and bridges."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from tunnel.errors import LabError
from tunnel.lab import names
from tunnel.lab.topology import Topology
from tunnel.lab.topology_facts import Report
from tunnel.toml_lines import Place

# The kernel has directories of these names beside those of interfaces: sysctl_dev_name_is_allowed(), net/ipv4/devinet.c
RESERVED = ("all", "default")


def check(topology: Topology, incomplete: AbstractSet[Place], report: Report) -> None:
    """Each name is one, and no bridge has a node's."""
    if ("name",) not in incomplete:
        fitting(topology.name, names.lab_name, ("name",), report)
    for name in topology.nodes:
        fitting(name, names.node_name, ("nodes", name), report)
    for name in topology.bridges:
        if fitting(name, names.node_name, ("bridges", name), report):
            interface(name, ("bridges", name), report)
        if name in topology.nodes:
            report(("bridges", name), "a node has this name too: choose another, endpoints must be told apart")


def fitting(name: str, rule: Callable[[str], str], path: Place, report: Report) -> bool:
    """Whether ``rule`` of ``tunnel.lab.names`` takes the name; where not, its words are reported."""
    try:
        rule(name)
    except LabError as error:
        report(path, str(error))
        return False
    return True


def interface(name: str, path: Place, report: Report) -> bool:
    """Whether an interface may have this name; where not, that is reported."""
    if name == "lo":
        report(path, "lo is the loopback that every namespace has: choose another name")
    elif name in RESERVED:
        report(path, f"interface {name!r}: the kernel keeps this name for the settings of all interfaces")
    else:
        return fitting(name, names.interface_name, path, report)
    return False

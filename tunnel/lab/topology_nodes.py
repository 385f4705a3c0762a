"""What else stands in the tables of nodes, bridges and links: settings, programs, VXLAN, impairment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunnel import impairment
from tunnel.config import meant, shown
from tunnel.errors import LabError
from tunnel.lab import names, topology_networks
from tunnel.lab.topology import Command, Topology, Vxlan
from tunnel.lab.topology import Place as PlaceTable
from tunnel.lab.topology_facts import Facts, Report
from tunnel.lab.topology_ports import Ports
from tunnel.toml_lines import Place

_OF_INTERFACE = re.compile(r"net\.ipv[46]\.(?:conf|neigh)\.([^.]+)\.[^.]+")
_EVERY = ("all", "default", "lo")


def check(topology: Topology, ports: Ports, facts: Facts, report: Report) -> None:
    """Reports what is wrong within one table, or with what it names of its own node or bridge."""
    for path, place in places(topology):
        for key, value in place.sysctls.items():
            _sysctl((*path, "sysctls", key), key, value, report)
        _vxlans(path, place, ports, facts, report)
    for name, node in topology.nodes.items():
        _known(("nodes", name), ports, report, topology)
        for index, command in enumerate(node.run):
            _command(("nodes", name, "run", index), command, report)
    for index, link in enumerate(topology.links):
        if ("links", index) in ports.incomplete:
            continue
        for key, wanted in (("impair", link.impair), ("impair_back", link.impair_back)):
            for text in impairment.mistakes(wanted) if wanted else []:
                option, _, rest = text.partition(": ")
                report(("links", index, key, option), rest)


def places(topology: Topology) -> Iterator[tuple[Place, PlaceTable]]:
    """All nodes and bridges, each with its path."""
    for name, node in topology.nodes.items():
        yield ("nodes", name), node
    for name, bridge in topology.bridges.items():
        yield ("bridges", name), bridge


def _sysctl(path: Place, name: str, value: str | int, report: Report) -> None:
    try:
        names.sysctl(name)
    except LabError as error:
        report(path, str(error))
    if isinstance(value, str) and not value.isprintable():
        report(path, f"found {shown(value)}, expected a value of printable characters")


def _known(path: Place, ports: Ports, report: Report, topology: Topology) -> None:
    """The interfaces that a node's masquerade and sysctls name."""
    owner = str(path[1])
    node, has = topology.nodes[owner], ports.of[owner]
    named: list[tuple[Place, str]] = [((*path, "masquerade", at), name) for at, name in enumerate(node.masquerade)]
    for key in node.sysctls:
        match = _OF_INTERFACE.fullmatch(key)
        if match and match[1] not in _EVERY:
            named.append(((*path, "sysctls", key), match[1]))
    for where, name in named:
        if not ports.knows(owner, name):
            what = f"{shown(name).removeprefix('the string ')}{meant(name, has)}"
            report(where, f"{owner} has no interface {what}, it has {', '.join(sorted(has)) or 'none'}")


def _command(path: Place, command: Command, report: Report) -> None:
    if command.command and not command.command[0]:
        report((*path, "command"), "the program's name is empty")
    for index, word in enumerate(command.command):
        if "\0" in word:
            report((*path, "command", index), "found a zero byte, which no argument can hold")
    for key, value in command.env.items():
        if not key or "=" in key or "\0" in key + value:
            report((*path, "env", key), "expected a name without '=', and no zero byte")


def _vxlans(path: Place, place: PlaceTable, ports: Ports, facts: Facts, report: Report) -> None:
    seen: dict[tuple[int, int], str] = {}
    for name, found in place.interfaces.items():
        if not isinstance(found, Vxlan):
            continue
        own: Place = (*path, "interfaces", name)
        before = seen.setdefault((found.vni, found.port), name)
        if before != name:
            report((*own, "vni"), f"{before} has VNI {found.vni} at port {found.port} already")
        if found.parent is not None:
            _parent((*own, "parent"), found.parent, name, place, ports, facts, report)
        _tunnel_ends(own, found, report)


def _parent(
    path: Place, parent: str, name: str, place: PlaceTable, ports: Ports, facts: Facts, report: Report
) -> None:
    owner = str(path[1])
    in_host = getattr(place, "host", False)
    known = {*ports.of[owner], *(facts.interfaces or () if in_host else ())}
    if parent == name:
        report(path, "it cannot carry itself")
    elif not ports.knows(owner, parent) and parent not in known and not (in_host and facts.interfaces is None):
        what = f"{shown(parent).removeprefix('the string ')}{meant(parent, known - {name})}"
        report(path, f"{owner} has no interface {what}")


def _tunnel_ends(path: Place, vxlan: Vxlan, report: Report) -> None:
    versions = set()
    for key in ("remote", "local"):
        text = getattr(vxlan, key)
        if text is None:
            continue
        address = topology_networks.address(text)
        if isinstance(address, str):
            report((*path, key), address)
            continue
        versions.add(address.version)
        if key == "local" and address.is_multicast:
            report((*path, key), f"{address} is a group, expected an address of its own")
        elif address.is_multicast and vxlan.parent is None:
            report((*path, key), f"{address} is a group, which needs a parent: the interface that joins it")
    if len(versions) > 1:
        report((*path, "local"), f"{vxlan.local} and the remote {vxlan.remote} are of two families, expected one")

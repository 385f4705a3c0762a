"""Who is joined to whom: the interfaces that a topology gives each node and bridge, and its cables."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tunnel.config import meant, shown
from tunnel.lab import topology_names
from tunnel.lab.topology import Link, Topology
from tunnel.lab.topology_facts import Report
from tunnel.lab.topology_networks import Own
from tunnel.toml_lines import Place

_SYNTAX = "expected NODE:INTERFACE or BRIDGE"


@dataclass
class Port:
    """An interface: ``owner`` is its node or bridge, ``type`` ``link``, ``bridge`` or its table's.

    ``addresses`` are as written, each with its path; ``segment`` has the bridge or cable it is on.
    """

    owner: str
    name: str
    path: Place
    type: str
    mtu: int | None = None
    mac: tuple[Place, str] | None = None
    addresses: list[tuple[Place, str]] = field(default_factory=list)
    segment: str | int | None = None


@dataclass
class Ports:
    """All of them.

    ``of`` are those of each node and bridge by name, ``lost`` the ends of links that could not be given
    to theirs, ``ends`` the bridges at both ends of each link, ``excused`` the nodes and bridges that may
    have interfaces or addresses beyond what was understood; ``addresses`` each one's interfaces with
    their addresses, ``lost_addresses`` those of the lost ends. ``incomplete`` is as
    ``tunnel.lab.topology_check.check`` was given it.
    """

    of: dict[str, dict[str, Port]]
    lost: list[Port] = field(default_factory=list)
    ends: list[tuple[str | None, str | None]] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)
    addresses: dict[str, list[tuple[str, Own]]] = field(default_factory=dict)
    lost_addresses: list[Own] = field(default_factory=list)
    incomplete: AbstractSet[Place] = frozenset()

    def knows(self, owner: str, interface: str) -> bool:
        """Whether the node has, or may have, an interface of this name."""
        if owner in self.excused or interface in self.of[owner]:
            return True
        return any(port.name == interface for port in self.lost)


def find(topology: Topology, incomplete: AbstractSet[Place], report: Report) -> Ports:
    """The ports of a topology; endpoints that name none are reported."""
    finding = _Finding(topology, incomplete, report)
    finding.own()
    for index, link in enumerate(topology.links):
        finding.link(index, link)
    return finding.ports


class _Finding:
    def __init__(self, topology: Topology, incomplete: AbstractSet[Place], report: Report) -> None:
        self.topology, self.incomplete, self.report = topology, incomplete, report
        everyone: dict[str, dict[str, Port]] = {name: {} for name in (*topology.bridges, *topology.nodes)}
        self.ports = Ports(everyone, incomplete=incomplete)
        if ("links",) in incomplete or any(link.endpoints == ["", ""] for link in topology.links):
            self.ports.excused |= self.ports.of.keys()
        places = [path for path in incomplete if path[0] in ("nodes", "bridges") and path[1:]]
        self.ports.excused |= {str(path[1]) for path in places}

    def own(self) -> None:
        """Bridges, and what stands in ``interfaces``."""
        for name, bridge in self.topology.bridges.items():
            path: Place = ("bridges", name)
            addresses: list[tuple[Place, str]] = [
                ((*path, "address", at), text) for at, text in enumerate(bridge.address)
            ]
            mac = ((*path, "mac"), bridge.mac) if bridge.mac else None
            self.add(Port(name, name, path, "bridge", bridge.mtu, mac, addresses, name))
        for what, places in (("nodes", self.topology.nodes), ("bridges", self.topology.bridges)):
            for name, place in places.items():
                for interface in place.interfaces:
                    self.interface((what, name, "interfaces", interface))

    def interface(self, path: Place) -> None:
        what, owner, _, name = map(str, path)
        found = getattr(self.topology, what)[owner].interfaces[name]
        if not topology_names.interface(name, path, self.report):
            return
        addresses: list[tuple[Place, str]] = [((*path, "address", at), text) for at, text in enumerate(found.address)]
        mac = getattr(found, "mac", None)
        kind = str(found.__struct_config__.tag)
        self.add(Port(owner, name, path, kind, found.mtu, ((*path, "mac"), mac) if mac else None, addresses))

    def add(self, port: Port) -> None:
        there = self.ports.of[port.owner].get(port.name)
        if there is None:
            self.ports.of[port.owner][port.name] = port
        elif there.type == "link":
            self.report(port.path, f'"{port.owner}:{port.name}" is an end of links[{there.path[1]}] already')
            self.ports.lost.append(port)
        elif port.type == "link":
            where = f"{port.owner} has an interface {port.name} of type {there.type} already"
            self.report(port.path, f"{where}: choose another name for the end of this link")
            self.ports.lost.append(port)
        else:
            self.report(port.path, "the bridge itself has this name: choose another for its port")

    def link(self, index: int, link: Link) -> None:
        if link.endpoints == ["", ""]:
            self.ports.ends.append((None, None))
            return
        before, after = (self.end(index, which, link) for which in (0, 1))
        one, other = (":" in text for text in link.endpoints)
        self.ports.ends.append((None if one else before, None if other else after))
        if ("links", index) in self.incomplete:
            self.ports.excused |= {owner for owner in (before, after) if owner is not None}
        if before is not None and self.ports.ends[-1] == (before, before):
            circle = f"both ends are the bridge {before}: frames would circle for ever"
            self.report(("links", index, "endpoints"), circle)

    def end(self, index: int, which: int, link: Link) -> str | None:
        """The owner of an end of a link; None where it could not be found."""
        path: Place = ("links", index, "endpoints", which)
        text = link.endpoints[which]
        owner, colon, interface = text.partition(":")
        if not owner or (colon and not interface) or ":" in interface:
            self.report(path, f"found {shown(text)}, {_SYNTAX}")
            return None
        if (wrong := self.wrong_owner(owner, interface)) is not None:
            if wrong:
                self.report(path, wrong)
            self.ports.lost.append(self.cable(owner, interface, index, which, link))
            return None
        if not colon:
            self.bridge_end(owner, index, which, link)
        elif topology_names.interface(interface, path, self.report):
            self.add(self.cable(owner, interface, index, which, link))
        else:
            self.ports.excused.add(owner)
        return owner

    def wrong_owner(self, owner: str, interface: str) -> str | None:
        """What is wrong with the name before the colon; "" where it may be one that was not understood."""
        nodes, bridges = self.topology.nodes, self.topology.bridges
        if owner in (nodes if interface else bridges):
            return None
        if interface and owner in bridges:
            return f'{owner} is a bridge, which names its ports itself: expected "{owner}"'
        if owner in nodes:
            return f'{owner} is a node: expected "{owner}:INTERFACE"'
        if (("nodes",) if interface else ("bridges",)) in self.incomplete:
            return ""
        known = nodes if interface else [*bridges, *nodes]
        what = shown(owner).removeprefix("the string ")
        return f"no {'node' if interface else 'bridge'} is named {what}{meant(owner, known)}"

    def cable(self, owner: str, interface: str, index: int, which: int, link: Link) -> Port:
        keys = ("peer_address", "peer_mac") if which else ("address", "mac")
        given, mac = (link.peer_address, link.peer_mac) if which else (link.address, link.mac)
        path: Place = ("links", index)
        far = link.endpoints[1 - which]
        return Port(
            owner,
            interface,
            (*path, "endpoints", which),
            "link",
            link.mtu,
            ((*path, keys[1]), mac) if mac else None,
            [((*path, keys[0], at), text) for at, text in enumerate(given)],
            far if far in self.topology.bridges else index,
        )

    def bridge_end(self, owner: str, index: int, which: int, link: Link) -> None:
        key = "peer_address" if which else "address"
        if getattr(link, key):
            what = f"the {'second' if which else 'first'} end is a port of the bridge {owner}, which has no address"
            self.report(("links", index, key), f"{what}: it belongs to [bridges.{owner}] address")

"""Bridges: what may be their port, how many, and loops."""

from __future__ import annotations

from collections import Counter

from tunnel.config import shown
from tunnel.lab.topology import Bridge, Topology, Tun
from tunnel.lab.topology_addresses import mac
from tunnel.lab.topology_facts import Report
from tunnel.lab.topology_ports import Ports
from tunnel.lab.topology_segments import loops
from tunnel.toml_lines import Place

PORTS_MAX = 1023      # BR_MAX_PORTS less the number that is none, net/bridge/br_private.h
_SHOWN = 6


def check(topology: Topology, ports: Ports, report: Report) -> None:
    """Reports what the kernel would refuse, and what would drown the network."""
    joined = Counter(owner for ends in ports.ends for owner in ends)
    for name, bridge in topology.bridges.items():
        count = joined[name] + len(bridge.interfaces)
        if count > PORTS_MAX:
            limit = f"{count:,} ports, but a bridge of the kernel takes {PORTS_MAX:,}"
            report(("bridges", name), f"{limit}: use several bridges")
        _interfaces(name, bridge, report)
    _fdb(topology, ports, report)
    for index, bridges in loops(topology, ports):
        _loop(topology, index, bridges, report)


def _interfaces(name: str, bridge: Bridge, report: Report) -> None:
    for interface, found in bridge.interfaces.items():
        if isinstance(found, Tun):
            report(
                ("bridges", name, "interfaces", interface, "type"),
                "a TUN is routed, never bridged: it carries IP packets without the Ethernet header by which a bridge"
                " forwards; make it a TAP, or give it to a node that routes",
            )


def _loop(topology: Topology, index: int, bridges: list[str], report: Report) -> None:
    lacking = [name for name in bridges if not topology.bridges[name].stp]
    if lacking:
        way = " - ".join([*bridges, bridges[0]] if len(bridges) <= _SHOWN else [*bridges[:_SHOWN], "..."])
        report(
            ("links", index, "endpoints"),
            f"closes a loop of bridges ({way}) without STP, in which frames would circle for ever: set stp = true on"
            f" {', '.join(lacking[:_SHOWN])}{', ...' if len(lacking) > _SHOWN else ''}, or leave this link out",
        )


def _fdb(topology: Topology, ports: Ports, report: Report) -> None:
    ways = _far_ends(topology, ports)
    for name, bridge in topology.bridges.items():
        seen = set()
        for index, entry in enumerate(bridge.fdb):
            path: Place = ("bridges", name, "fdb", index)
            if mac(entry.mac, (*path, "mac"), report) and entry.mac.lower() in seen:
                report((*path, "mac"), f"{entry.mac} has an entry already")
            seen.add(entry.mac.lower())
            known = entry.port in bridge.interfaces or (name, entry.port) in ways
            if not known and name not in ports.excused and not ports.lost:
                wanted = "an interface of it, or the far end of a link like NODE:INTERFACE"
                report((*path, "port"), f"found {shown(entry.port)}, which is no port of {name}: expected {wanted}")


def _far_ends(topology: Topology, ports: Ports) -> set[tuple[str | None, str]]:
    """Each bridge with what its links call their far ends."""
    found = set()
    for link, (one, other) in zip(topology.links, ports.ends, strict=True):
        found |= {(one, link.endpoints[1]), (other, link.endpoints[0])}
    return found

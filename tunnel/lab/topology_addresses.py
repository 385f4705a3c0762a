"""Addresses, the networks they make, and what hangs on them: MTU and Ethernet addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tunnel.errors import LabError
from tunnel.lab import names, topology_networks
from tunnel.lab.topology import Topology
from tunnel.lab.topology_facts import Report
from tunnel.lab.topology_networks import Network, Own
from tunnel.lab.topology_ports import Port, Ports
from tunnel.lab.topology_segments import segments
from tunnel.toml_lines import Place

IPV6_MTU = 1280      # RFC 8200, section 5
LINK_LOCAL = 0xFE80 << 112      # fe80::, which every interface has

Used = tuple[Port, Place, Own]


def check(topology: Topology, ports: Ports, report: Report) -> None:
    """Reports what is wrong with addresses; the nodes of malformed ones are excused from then on."""
    used: dict[str, list[Used]] = {}
    narrow: set[Place] = set()
    for owner, of in ports.of.items():
        used[owner] = [one for port in of.values() for one in _parsed(port, ports, report)]
        _twice_in_one(owner, used[owner], report)
        _overlaps(owner, used[owner], report)
        narrow |= _ipv6(topology, owner, used[owner], report)
        _macs(of.values(), report)
    _twice_on_a_segment(ports, used, report)
    _narrow_bridges(topology, ports, used, narrow, report)
    ports.addresses = {owner: [(port.name, address) for port, _, address in of] for owner, of in used.items()}
    ports.lost_addresses = [address for port in ports.lost for _, _, address in _parsed(port, ports, report)]


def _parsed(port: Port, ports: Ports, report: Report) -> Iterable[Used]:
    for path, text in port.addresses:
        if port.type != "bridge" and port.path[0] == "bridges":
            why = f"a port of the bridge {port.owner} has no address: it belongs to [bridges.{port.owner}] address"
            report(path[:-1], why)
            return
        found = topology_networks.own(text)
        if isinstance(found, str):
            report(path, found)
            ports.excused.add(port.owner)
        else:
            yield port, path, found


def _twice_in_one(owner: str, used: list[Used], report: Report) -> None:
    seen: dict[object, Port] = {}
    for port, path, address in used:
        if address.ip in seen:
            report(path, f"{owner} has {address.ip} on {seen[address.ip].name} already")
        seen[address.ip] = port


def _overlaps(owner: str, used: list[Used], report: Report) -> None:
    """Two interfaces in one network: the kernel sends everything by the first of them."""
    nets = [(own.network, path, port) for port, path, own in used if own.network.bits - own.network.prefix > 0]
    nets = [one for one in nets if one[0].version == 4 or one[0].first != LINK_LOCAL]
    nets.sort(key=lambda one: (one[0].version, one[0].first, one[0].prefix))
    widest: tuple[Network, Port] | None = None
    for network, path, port in nets:
        if widest and widest[0].version == network.version and network.first <= widest[0].last:
            if widest[1] is not port:
                text = f"{network} overlaps {widest[0]} of {owner}'s interface {widest[1].name}"
                report(path, f"{text}: two interfaces in one network, of which the kernel uses one")
        else:
            widest = (network, port)


def _ipv6(topology: Topology, owner: str, used: list[Used], report: Report) -> set[Place]:
    """Reports IPv6 where there is none; the paths of MTUs that are too small for it."""
    node, narrow = topology.nodes.get(owner), set[Place]()
    for port, path, address in used:
        if address.ip.version == 4:
            continue
        if node and not node.ipv6:
            report(path, f"{owner} has ipv6 = false, so that it cannot have {address}")
        elif port.mtu is not None and port.mtu < IPV6_MTU and _mtu_path(port) not in narrow:
            narrow.add(_mtu_path(port))
            needed = f"{port.mtu} bytes, but IPv6 needs {IPV6_MTU} (RFC 8200)"
            report(_mtu_path(port), f"{needed}, and {port.name} has {address}")
    return narrow


def _mtu_path(port: Port) -> Place:
    return (*(port.path[:2] if port.type == "link" else port.path), "mtu")


def _narrow_bridges(
    topology: Topology, ports: Ports, used: dict[str, list[Used]], narrow: set[Place], report: Report
) -> None:
    """A bridge without an MTU of its own has the smallest of its ports': br_mtu_auto_adjust(), net/bridge/br_if.c."""
    for index, (link, ends) in enumerate(zip(topology.links, ports.ends, strict=True)):
        path: Place = ("links", index, "mtu")
        for owner in dict.fromkeys(ends) if link.mtu < IPV6_MTU and path not in narrow else ():
            bridge = topology.bridges.get(owner or "")
            if bridge and bridge.mtu is None and any(own.ip.version == 6 for _, _, own in used[owner or ""]):
                text = f"{link.mtu} bytes, which the bridge {owner} will have too, but IPv6 needs {IPV6_MTU}"
                report(path, f"{text} (RFC 8200), and {owner} has an IPv6 address")


def _macs(of: Iterable[Port], report: Report) -> None:
    for port in of:
        if port.mac:
            mac(port.mac[1], port.mac[0], report)


def mac(text: str, path: Place, report: Report) -> bool:
    """Whether this is the Ethernet address of one interface; where not, that is reported."""
    try:
        found = names.mac(text)
    except LabError as error:
        report(path, str(error))
        return False
    if int(found[:2], 16) & 1 or not int(found.replace(":", ""), 16):
        report(path, f"{found} is no address of one interface: it is a group's, or zero")
        return False
    return True


def _twice_on_a_segment(ports: Ports, used: dict[str, list[Used]], report: Report) -> None:
    """One address on two machines that hear each other; within one machine it was reported already."""
    of = segments(ports)
    addresses: dict[object, dict[object, str]] = defaultdict(dict)
    macs: dict[object, dict[str, str]] = defaultdict(dict)
    for owner, places in ports.of.items():
        for port in places.values():
            segment = of(port)
            if segment is None:
                continue
            if port.mac:
                text = port.mac[1].lower()
                before = macs[segment].setdefault(text, f"{owner}:{port.name}")
                if before != f"{owner}:{port.name}":
                    report(port.mac[0], f"{before} has {text} too, on the same network")
        for port, path, address in used[owner]:
            if (segment := of(port)) is not None:
                before = addresses[segment].setdefault(address.ip, owner)
                if before != owner:
                    report(path, f"{before} has {address.ip} too, on the same network")

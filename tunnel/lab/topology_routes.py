"""Routes, rules and neighbours of nodes."""

from __future__ import annotations

from tunnel.config import meant, shown
from tunnel.lab import topology_networks
from tunnel.lab.topology import Node, Route, Topology
from tunnel.lab.topology_addresses import mac
from tunnel.lab.topology_facts import Report
from tunnel.lab.topology_networks import EVERYTHING, Address, Network
from tunnel.lab.topology_ports import Ports
from tunnel.toml_lines import Place


def check(topology: Topology, ports: Ports, report: Report) -> None:
    """Reports what is malformed, and what names or needs something that the node has not."""
    for name, node in topology.nodes.items():
        if node.routes or node.rules or node.neighbours:
            _Checking(name, node, ports, report).run()


class _Checking:
    """One node's."""

    def __init__(self, name: str, node: Node, ports: Ports, report: Report) -> None:
        self.name, self.node, self.ports, self.report = name, node, ports, report
        self.path: Place = ("nodes", name)
        self.own = {address.ip for _, address in ports.addresses[name]}
        self.near: list[tuple[str, Network]] = [(port, one.network) for port, one in ports.addresses[name]]

    def run(self) -> None:
        routes = [self.targets(index, route) for index, route in enumerate(self.node.routes)]
        for route, to in zip(self.node.routes, routes, strict=True):
            if to is not None and route.via is None and route.interface is not None:
                self.near.append((route.interface, to))
        for index, route in enumerate(self.node.routes):
            self.gateway((*self.path, "routes", index), route, routes[index])
        self.rules()
        self.neighbours()

    def targets(self, index: int, route: Route) -> Network | None:
        """Where the route leads; what is wrong with it but for its gateway is reported."""
        path: Place = (*self.path, "routes", index)
        if route.interface is not None:
            self.interface((*path, "interface"), route.interface)
        if route.via is None and route.interface is None:
            self.report(path, "leads nowhere: expected via, interface or both")
        given = [self.address((*path, key), getattr(route, key)) for key in ("source", "via")]
        versions = [one.version for one in given if one]
        if route.source is not None and versions and not self.is_own(route.source):
            self.report((*path, "source"), f"found {shown(route.source)}, which is no address of {self.name}")
        if route.to == "default":
            return EVERYTHING[versions[0] if versions else 4]
        return self.network((*path, "to"), route.to)

    def gateway(self, path: Place, route: Route, to: Network | None) -> None:
        via = topology_networks.address(route.via) if route.via is not None else None
        if via is None or isinstance(via, str):
            return
        if to is not None and to.version != via.version:
            what = f"{via} is IPv{via.version}, but the route leads to {route.to}"
            self.report((*path, "via"), f"{what}, which is IPv{to.version}")
        elif via in self.own:
            self.report((*path, "via"), f"{via} is {self.name}'s own address, expected another's in a network of it")
        elif via.is_link_local:
            if route.interface is None:
                what = f"{via} is link-local, and every interface has that network"
                self.report((*path, "via"), f"{what}: expected an interface too")
        elif not self.reaches(via, route.interface):
            on = f" on {route.interface}" if route.interface is not None else ""
            known = ", ".join(sorted({str(one) for _, one in self.near if one.version == via.version})) or "none"
            self.report((*path, "via"), f"{via} is in none of {self.name}'s networks{on} (it has {known})")

    def reaches(self, via: Address, interface: str | None) -> bool:
        """Whether the gateway is in a network of the node, or may be."""
        if self.name in self.ports.excused or any(via in one.network for one in self.ports.lost_addresses):
            return True
        return any(via in network for port, network in self.near if interface in (None, port))

    def rules(self) -> None:
        for index, rule in enumerate(self.node.rules):
            path: Place = (*self.path, "rules", index)
            ends = [("from", rule.source), ("to", rule.to)]
            found = [self.network((*path, key), text) for key, text in ends if text is not None]
            versions = {one.version for one in found if one is not None}
            if len(versions) > 1:
                self.report(path, f"from {rule.source} to {rule.to} is of two families, expected one")
            for key in ("iif", "oif"):
                if (name := getattr(rule, key)) is not None and name != "lo":
                    self.interface((*path, key), name)

    def neighbours(self) -> None:
        seen = set()
        for index, neighbour in enumerate(self.node.neighbours):
            path: Place = (*self.path, "neighbours", index)
            if self.interface((*path, "interface"), neighbour.interface):
                self.ethernet((*path, "interface"), neighbour.interface)
            address = self.address((*path, "address"), neighbour.address)
            mac(neighbour.mac, (*path, "mac"), self.report)
            if address and (neighbour.interface, address) in seen:
                self.report((*path, "address"), f"{neighbour.interface} has a neighbour {address} already")
            seen.add((neighbour.interface, address))

    def ethernet(self, path: Place, interface: str) -> None:
        port = self.ports.of[self.name].get(interface)
        if port is not None and port.type == "tun":
            self.report(path, f"{interface} is a TUN, which has no Ethernet addresses and so no neighbours")

    def interface(self, path: Place, name: str) -> bool:
        """Whether the node has the interface; where not, that is reported."""
        known = self.ports.knows(self.name, name) or name == "lo"
        if not known:
            has = self.ports.of[self.name]
            what = f"found {shown(name)}{meant(name, has)}, but {self.name} has"
            self.report(path, f"{what} {'the interfaces ' + ', '.join(sorted(has)) if has else 'no interface'}")
        return known

    def address(self, path: Place, text: str | None) -> Address | None:
        if text is None:
            return None
        found = topology_networks.address(text)
        if isinstance(found, str):
            self.report(path, found)
            return None
        return found if self.family(path, found.version) else None

    def network(self, path: Place, text: str) -> Network | None:
        found = topology_networks.network(text)
        if isinstance(found, str):
            self.report(path, found)
            return None
        return found if self.family(path, found.version) else None

    def family(self, path: Place, version: int) -> bool:
        if version == 6 and not self.node.ipv6:
            self.report(path, f"is IPv6, but {self.name} has ipv6 = false")
            return False
        return True

    def is_own(self, text: str) -> bool:
        return self.name in self.ports.excused or bool(self.ports.lost) or topology_networks.address(text) in self.own


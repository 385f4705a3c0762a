"""From a topology to the steps that build it, in the order in which the kernel can take them.

1. namespaces    one for each node and each bridge that is not the host's
2. sysctls       those of the namespace as a whole, which interfaces inherit
3. bridges
4. interfaces    TUNs, TAPs and cards
5. links         those of one bridge together; carried ones are a TAP at each end
6. VXLANs        which stand on links
7. nodes         up, addresses, neighbours, routes, rules, an interface's sysctls: all of a node together
8. masquerade, forwarding databases
9. engine        that carries the impaired links
10. settled      every link usable, every address heard

Requests for one namespace that stand together are one system call (``Holding.put``), hence the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tunnel.lab import names
from tunnel.lab.bridges import bridge_attributes
from tunnel.lab.carried import carried_links
from tunnel.lab.ends import End, Ends
from tunnel.lab.topology import Bridge, Card, Interface, Link, Node, Tap, Topology, Tun, Vxlan
from tunnel.toml_lines import Place

HOST = ":host"  # as tunnel.lab.holding has it, which this must not import
IFF_TUN, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI = 0x1, 0x2, 0x0100, 0x1000
DISABLE_IPV6 = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
ALL_OF_THEM = ("all", "default")


@dataclass(frozen=True)
class Step:
    """A request to a holder; ``what`` begins the text of the error where it is refused."""

    what: str
    request: dict[str, Any]


def steps(topology: Topology, where: Callable[[Place], str] = str) -> list[Step]:
    """All steps; ``where`` gives the words for a place of the topology, like ``office.toml:12: nodes.a``."""
    return list(_Plan(topology, where).every())


class _Plan:
    def __init__(self, topology: Topology, where: Callable[[Place], str]) -> None:
        self.topology, self.where = topology, where
        self.ends = Ends(topology)

    def step(self, place: Place, op: str, **arguments: Any) -> Step:
        return Step(self.where(place), {"op": op, **arguments})

    def every(self) -> Iterator[Step]:
        places = [*self._places()]
        for place, name, _ in places:
            if self.space(name) == name:
                yield self.step(place, "node", node=name)
        for place, name, one in places:
            yield from self.sysctls(place, name, one, early=True)
        for name, bridge in self.topology.bridges.items():
            yield self.bridge(("bridges", name), name, bridge)
        for place, name, one in places:
            yield from self.interfaces(place, name, one)
        yield from self.links()
        yield from self.vxlans()
        for place, name, one in places:
            yield from self.furnish(place, name, one)
        yield from self.last()

    def _places(self) -> Iterator[tuple[Place, str, Node | Bridge]]:
        for name, node in self.topology.nodes.items():
            yield ("nodes", name), name, node
        for name, bridge in self.topology.bridges.items():
            yield ("bridges", name), name, bridge

    def space(self, name: str) -> str:
        """The namespace of a node or a bridge."""
        bridge = self.topology.bridges.get(name)
        return HOST if bridge is not None and bridge.host else name

    def sysctls(self, place: Place, name: str, one: Node | Bridge, *, early: bool) -> Iterator[Step]:
        """Those of one interface come late, when there is one."""
        wanted = dict(one.sysctls)
        if isinstance(one, Node) and not one.ipv6:
            wanted = {**DISABLE_IPV6, **wanted}
        for key, value in wanted.items():
            if _of_all(key) == early:
                path = names.sysctl(key)
                yield self.step((*place, "sysctls", key), "sysctl", node=self.space(name), path=path, value=str(value))

    def bridge(self, place: Place, name: str, bridge: Bridge) -> Step:
        data = bridge_attributes(
            stp=bridge.stp, priority=bridge.priority, forward_delay_s=bridge.forward_delay_s,
            ageing_s=bridge.ageing_s, snooping=bridge.snooping, vlan_filtering=bridge.vlan_filtering or None,
        )  # fmt: skip
        return self.step(
            place, "link", node=self.space(name), interface=name, kind="bridge", data=data, mac=bridge.mac,
            mtu=bridge.mtu,
        )  # fmt: skip

    def interfaces(self, place: Place, name: str, one: Node | Bridge) -> Iterator[Step]:
        for key, interface in one.interfaces.items():
            at, node = (*place, "interfaces", key), self.space(name)
            if isinstance(interface, Tun | Tap):
                flags = IFF_NO_PI | (IFF_TAP if isinstance(interface, Tap) else IFF_TUN)
                flags |= IFF_MULTI_QUEUE * interface.multi_queue
                yield self.step(
                    at, "tap", node=node, interface=key, flags=flags, owner=interface.owner, group=interface.group
                )
            elif isinstance(interface, Card):
                yield self.step(at, "card", node=node, interface=key, card=interface.card)
            if not isinstance(interface, Vxlan):
                yield from self.settings(at, node, key, interface, self.master(name))

    def master(self, name: str) -> str | None:
        """What an interface of this place becomes a port of."""
        return name if name in self.topology.bridges else None

    def settings(self, place: Place, node: str, key: str, interface: Interface, master: str | None) -> Iterator[Step]:
        fields = {
            "mtu": interface.mtu, "txqueuelen": interface.txqueuelen, "mac": getattr(interface, "mac", None)
        }  # fmt: skip
        given = {name: value for name, value in fields.items() if value is not None}
        if given:
            yield self.step(place, "set", node=node, interface=key, fields=given)
        if master:
            yield self.step(place, "enslave", node=node, interface=key, bridge=master)

    def links(self) -> Iterator[Step]:
        """Grouped by the namespace of the near end."""
        pairs = [(number, link, *self.ends.of(number)) for number, link in enumerate(self.topology.links)]
        for number, link, near, far in sorted(pairs, key=lambda pair: pair[2].place):
            place: Place = ("links", number)
            yield from self.taps(place, link, near, far) if link.carried else [self.veth(place, link, near, far)]

    def veth(self, place: Place, link: Link, near: End, far: End) -> Step:
        request = {
            "node": self.space(near.place), "interface": near.interface, "peer": self.space(far.place),
            "far": far.interface, "mtu": link.mtu, "txqueuelen": link.txqueuelen, "mac": near.mac, "peer_mac": far.mac,
            "master": self.master(near.place), "up": link.up,
        }  # fmt: skip
        return self.step(place, "veth", **request)

    def taps(self, place: Place, link: Link, near: End, far: End) -> Iterator[Step]:
        for end in (near, far):
            node = self.space(end.place)
            yield self.step(place, "carried", node=node, interface=end.interface)
            fields = {"mtu": link.mtu, "txqueuelen": link.txqueuelen, "mac": end.mac}
            given = {name: value for name, value in fields.items() if value is not None}
            yield self.step(place, "set", node=node, interface=end.interface, fields=given)
        if self.master(near.place):
            yield self.port(place, link, near)

    def port(self, place: Place, link: Link, end: End) -> Step:
        """Makes an end a port, and sets it up."""
        master = self.master(end.place)
        return self.step(place, "port", node=self.space(end.place), interface=end.interface, bridge=master, up=link.up)

    def vxlans(self) -> Iterator[Step]:
        for place, name, one in self._places():
            for key, interface in one.interfaces.items():
                if isinstance(interface, Vxlan):
                    at = (*place, "interfaces", key)
                    yield self.vxlan(at, self.space(name), key, interface)
                    yield from self.settings(at, self.space(name), key, interface, self.master(name))

    def vxlan(self, place: Place, node: str, key: str, interface: Vxlan) -> Step:
        return self.step(
            place, "vxlan", node=node, interface=key, vni=interface.vni, remote=interface.remote,
            local=interface.local, port=interface.port, learning=interface.learning, parent=interface.parent,
        )  # fmt: skip

    def furnish(self, place: Place, name: str, one: Node | Bridge) -> Iterator[Step]:
        """Everything of one place that needs its interfaces."""
        node = self.space(name)
        for end in self.ends.at(name):
            at: Place = ("links", end.link)
            link = self.topology.links[end.link]
            if end.far and self.master(name):
                yield self.port(at, link, end)
            elif link.up and not self.master(name):
                yield self.step(at, "set", node=node, interface=end.interface, fields={"up": True})
            yield from self.addresses((*at, end.key), node, end.interface, end.addresses)
        for key, interface in one.interfaces.items():
            at = (*place, "interfaces", key)
            if interface.up:
                yield self.step(at, "set", node=node, interface=key, fields={"up": True})
            yield from self.addresses((*at, "address"), node, key, interface.address)
        if isinstance(one, Bridge):
            yield self.step(place, "set", node=node, interface=name, fields={"up": True})
            yield from self.addresses((*place, "address"), node, name, one.address)
        else:
            yield from self.routing(place, node, one)
        yield from self.sysctls(place, name, one, early=False)

    def addresses(self, place: Place, node: str, interface: str, wanted: list[str]) -> Iterator[Step]:
        for number, text in enumerate(wanted):
            own, prefix = names.address(text)
            at = (*place, number)
            yield self.step(at, "address", node=node, interface=interface, address=own, prefix=prefix)

    def routing(self, place: Place, node: str, one: Node) -> Iterator[Step]:
        for number, entry in enumerate(one.neighbours):
            yield self.step(
                (*place, "neighbours", number), "neighbour", node=node, interface=entry.interface,
                address=entry.address, mac=entry.mac,
            )  # fmt: skip
        for number, route in enumerate(one.routes):
            version = 6 if ":" in (route.via or route.source or "") else 4
            yield self.step(
                (*place, "routes", number), "route", node=node, to=names.destination(route.to, version),
                via=route.via, interface=route.interface, metric=route.metric, table=route.table, source=route.source,
            )  # fmt: skip
        for number, rule in enumerate(one.rules):
            yield self.step(
                (*place, "rules", number), "rule", node=node, table=rule.table, source=rule.source, to=rule.to,
                iif=rule.iif, oif=rule.oif, fwmark=rule.fwmark, priority=rule.priority,
            )  # fmt: skip

    def last(self) -> Iterator[Step]:
        for name, node in self.topology.nodes.items():
            if node.masquerade:
                yield self.step(("nodes", name, "masquerade"), "masquerade", node=name, interfaces=node.masquerade)
        for name, bridge in self.topology.bridges.items():
            for number, entry in enumerate(bridge.fdb):
                port = self.ends.port(name, entry.port)
                place: Place = ("bridges", name, "fdb", number)
                yield self.step(place, "fdb", node=self.space(name), interface=port, mac=entry.mac)
        carried = carried_links(self.topology, self.ends, self.space)
        if carried:
            yield self.step(("links",), "carry", links=carried)
        yield self.step((), "settle_every")


def _of_all(key: str) -> bool:
    """Whether a sysctl is the namespace's and not an interface's: net.ipv4.conf.eth0.proxy_arp is one's."""
    parts = key.split(".")
    return len(parts) < 4 or parts[2] not in ("conf", "neigh") or parts[3] in ALL_OF_THEM

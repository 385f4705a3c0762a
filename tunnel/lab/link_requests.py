"""What a holder can be asked about links, addresses and routes, and about the bridges among them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from tunnel.lab import links, masquerade, messages, within
from tunnel.lab.bridges import vxlan_attributes
from tunnel.lab.holding import HOST
from tunnel.lab.look_requests import LookRequests
from tunnel.lab.rtnl import Refused

FIRST_NEAR = 10_001  # of a veth's near end: never equal to its far end's, see messages.veth

End: TypeAlias = tuple[str, str]  # a node's and an interface's name
NOWHERE: End = ("", "")


class LinkRequests(LookRequests):
    """Requests that change something about interfaces; those of a plan only wait to be sent, see ``Holding.put``."""

    def forget_links(self) -> None:
        """Begins anew: there are no links any more."""
        self._peers: dict[End, End] = {}
        self._near = itertools.count(FIRST_NEAR)

    def op_veth(
        self, node: str, interface: str, peer: str, far: str, *, master: str | None = None, **options: Any
    ) -> None:
        """A veth pair from ``node`` to ``peer``; the near end may be made a port, and up, at once."""
        far_space = self.holding.spaces[peer]
        near, far_index = self._new_indexes(node, peer, far)
        self.holding.note_link(node, interface, near, "veth")
        number = None if master is None else self.holding.index(node, master)
        request = messages.veth(
            interface, near, far, far_index, far_space.netns, master=number, **options
        )
        self.holding.put(node, request)
        self.holding.spaces[node].indexes[interface] = near
        self._pair((node, interface), (peer, far))

    def _new_indexes(self, node: str, peer: str, far: str) -> tuple[int, int]:
        """Of a veth's near end in ``node`` and of its far end, which is called ``far``: never equal."""
        near = self.holding.spaces[HOST].next_index() if node == HOST else next(self._near)
        return near, self.holding.spaces[peer].new_index(far)

    def op_link(self, node: str, interface: str, kind: str, *, parent: str | None = None, **options: Any) -> None:
        """An interface of ``kind``; ``options`` as ``messages.link_add`` takes them."""
        number = None if parent is None else self.holding.index(node, parent)
        index = self.holding.spaces[node].new_index(interface)
        self.holding.note_link(node, interface, index, kind)
        self.holding.put(node, messages.link_add(interface, kind, index=index, parent=number, **options))

    def op_vxlan(
        self, node: str, interface: str, vni: int, *, parent: str | None = None, mtu: int | None = None, **options: Any
    ) -> None:
        """A VXLAN; ``parent`` is the interface it goes out by, ``options`` are those of ``vxlan_attributes``."""
        number = None if parent is None else self.holding.index(node, parent)
        self.op_link(node, interface, "vxlan", data=vxlan_attributes(vni, parent=number, **options), mtu=mtu)

    def op_tap(self, node: str, interface: str, **options: Any) -> None:
        """A persistent TUN or TAP; ``options`` as ``within.make_tun`` takes them."""
        self.holding.flush()
        one = self.holding.spaces[node]
        index = one.new_index(interface)
        self.holding.note_link(node, interface, index, "tun")
        within.make_tun(one.netns, interface, index=index, **options)

    def op_set(self, node: str, interface: str, fields: Mapping[str, Any]) -> None:
        """Sets what ``messages.link_set`` sets by value."""
        index = self.holding.index(node, interface)
        self.holding.put(node, messages.link_set(index, **fields))
        if "name" in fields:
            self.holding.spaces[node].indexes.pop(interface, None)
            self.holding.spaces[node].indexes[fields["name"]] = index
            if (node, interface) in self._peers:
                self._pair((node, fields["name"]), self._peers.pop((node, interface)))

    def op_bridge(self, node: str, interface: str, data: Mapping[str, Any]) -> None:
        """Sets attributes of a bridge."""
        self.holding.put(node, messages.bridge_set(self.holding.index(node, interface), data))

    def op_enslave(self, node: str, interface: str, bridge: str | None) -> None:
        """Makes an interface a port of a bridge; None takes it off."""
        master = 0
        if bridge is not None:
            links.refuse_tun(self.holding.spaces[node].talk, interface)
            master = self.holding.index(node, bridge)
        self.holding.put(node, messages.link_set(self.holding.index(node, interface), master=master))

    def op_up(self, node: str, interface: str) -> None:
        """Sets an interface up; a link of which both ends are up is usable when this is answered."""
        self.op_set(node, interface, {"up": True})
        self.holding.flush()
        self.op_settle(node)
        far_node, far = self._peers.get((node, interface), NOWHERE)
        if far_node in self.holding.spaces:
            with suppress(Refused):  # a program in the node may have deleted it
                links.settle(self.holding.spaces[far_node].talk, far)
            self._settle_addresses(far_node)

    def op_settle(self, node: str) -> None:
        """Waits until every link of a node is usable, and every address heard."""
        links.settle_all(self.holding.spaces[node].talk)
        self._settle_addresses(node)

    def op_settle_every(self) -> None:
        """``op_settle`` for all nodes."""
        self.holding.flush()
        for node in self.holding.made():
            self.op_settle(node)

    def op_undecided(self, node: str) -> list[str]:
        """The ports of the bridges of a node about which the spanning tree has not decided."""
        return links.undecided(self.holding.spaces[node].talk)

    def _settle_addresses(self, node: str) -> None:
        links.wait_until(lambda: within.addresses_are_heard(self.holding.spaces[node].netns))

    def _pair(self, near: End, far: End) -> None:
        self._peers[near], self._peers[far] = far, near

    def op_address(self, node: str, interface: str, address: str, prefix: int, remove: bool = False) -> None:
        """Adds an address, or takes it away; outside of plans it is usable when this is answered."""
        index = self.holding.index(node, interface)
        self.holding.put(node, messages.address(index, address, prefix, remove=remove))
        if self.holding.step is None and not remove:
            self.holding.flush()
            self._settle_addresses(node)

    def op_route(self, node: str, to: str, interface: str | None = None, **options: Any) -> None:
        """Adds a route; ``options`` as ``messages.route`` takes them."""
        oif = None if interface is None else self.holding.index(node, interface)
        self.holding.put(node, messages.route(to, oif=oif, **options))

    def op_rule(self, node: str, table: int, **options: Any) -> None:
        """Adds a policy routing rule, in both families where it names no address."""
        networks = (options.get("source"), options.get("to"))
        families = [links.default_family(*networks)] if any(networks) else [socket.AF_INET, socket.AF_INET6]
        for family in families:
            self.holding.put(node, messages.rule(table, family=family, **options))

    def op_neighbour(self, node: str, interface: str, address: str, mac: str) -> None:
        """Sets a permanent neighbour entry."""
        self.holding.put(node, messages.neighbour(self.holding.index(node, interface), address, mac))

    def op_forget_neighbour(self, node: str, interface: str, address: str) -> None:
        """Removes a neighbour entry."""
        self.holding.put(node, messages.neighbour_delete(self.holding.index(node, interface), address))

    def op_fdb(self, node: str, interface: str, mac: str, remove: bool = False) -> None:
        """Sets a static entry of a bridge's forwarding database at the port ``interface``, or removes one."""
        self.holding.put(node, messages.fdb(self.holding.index(node, interface), mac, remove=remove))

    def op_masquerade(self, node: str, interfaces: list[str], remove: bool = False) -> None:
        """Masquerades what leaves through interfaces, or no longer."""
        self.holding.flush()
        for interface in interfaces:
            (masquerade.remove if remove else masquerade.add)(self.holding.spaces[node].netns, interface)

    def op_sysctl(self, node: str, path: str, value: str | None) -> str:
        """Writes and reads a sysctl."""
        self.holding.flush()
        return within.sysctl(self.holding.spaces[node].netns, path, value)

    def op_move(self, node: str, interface: str, peer: str) -> None:
        """Moves an interface from ``node`` to ``peer``."""
        netns = self.holding.spaces[peer].netns
        self.holding.put(node, messages.link_set(self.holding.index(node, interface), netns=netns))
        self.holding.flush()
        self.holding.spaces[node].indexes.pop(interface, None)
        if (node, interface) in self._peers:
            self._pair((peer, interface), self._peers.pop((node, interface)))

    def op_delete(self, node: str, interface: str) -> None:
        """Deletes an interface, with its far end if it has one."""
        self.holding.put(node, messages.link_delete(self.holding.index(node, interface)))
        self.holding.spaces[node].indexes.pop(interface, None)
        self._peers.pop(self._peers.pop((node, interface), NOWHERE), None)

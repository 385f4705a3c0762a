"""What a holder can be asked, one method a request, and the namespaces it keeps.

A request names the operation ``op`` and its arguments; ``node`` and ``peer`` are names of nodes. A
method gives a value that JSON can carry, or an ``Opened``, whose descriptor goes to the asker.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pyroute2 import IPRoute, NetlinkError

from tunnel.lab import links, netns, within
from tunnel.lab.processes import end_all_in

IPV6 = Path("/proc/sys/net/ipv6")  # absent where the kernel was started without
NO_DAD = ("net/ipv6/conf/all/accept_dad", "net/ipv6/conf/default/accept_dad")
FIRST_INDEX = 10_001  # of a veth's near end, far from those the kernel gives

End: TypeAlias = tuple[str, str]  # a node's and an interface's name
NOWHERE: End = ("", "")


@dataclass(frozen=True)
class Space:
    """A node as the holder knows it: the descriptor of its namespace, and its netlink socket."""

    netns: int
    ip: IPRoute


@dataclass(frozen=True)
class Opened:
    """A descriptor for the asker, beside a value."""

    fd: int
    value: Any = None


class Requests:
    """The nodes of one lab. All netlink sockets share one event loop, which only runs inside a call."""

    def __init__(self) -> None:
        self._spaces: dict[str, Space] = {}
        self._indexes = itertools.count(FIRST_INDEX)
        self._peers: dict[End, End] = {}
        self._loop = asyncio.new_event_loop()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def inodes(self) -> set[int]:
        """The inodes of all namespaces kept."""
        return {os.fstat(space.netns).st_ino for space in self._spaces.values()}

    def answer(self, request: dict[str, Any]) -> tuple[Any, list[int]]:
        """Runs one request; the descriptors are the caller's to close."""
        result = getattr(self, "op_" + request.pop("op"))(**request)
        return (result.value, [result.fd]) if isinstance(result, Opened) else (result, [])

    def op_clear(self) -> None:
        """Ends what runs in the nodes and lets go of them all; /run is empty again."""
        end_all_in(self.inodes(), spare={os.getpid(), os.getppid()})
        for space in self._spaces.values():
            space.ip.close()
            os.close(space.netns)
        self._spaces.clear()
        self._peers.clear()
        netns.renew_run()

    def op_node(self, node: str) -> Opened:
        """Makes a node; its descriptor, and the number it has here."""
        home = netns.open_net()
        try:
            netns.unshare(netns.CLONE_NEWNET)
            try:
                space = Space(netns.open_net(), links.open_netlink(self._loop))
            finally:
                netns.setns(home, netns.CLONE_NEWNET)
        finally:
            os.close(home)
        self._spaces[node] = space
        self._furnish(space)
        return Opened(os.dup(space.netns), space.netns)

    def _furnish(self, space: Space) -> None:
        for path in NO_DAD if IPV6.exists() else ():
            within.sysctl(space.netns, path, "0")
        links.change(space.ip, "lo", {"state": "up"})

    def op_veth(self, node: str, interface: str, peer: str, far: str, options: dict[str, int]) -> None:
        """A veth pair from ``node`` to ``peer``."""
        links.add_veth(
            self._spaces[node].ip,
            interface,
            number=next(self._indexes),
            peer=far,
            peer_netns=self._spaces[peer].netns,
            options=options,
        )
        self._pair((node, interface), (peer, far))

    def op_up(self, node: str, interface: str) -> None:
        """Sets an interface up; a link of which both ends are up is usable from then on."""
        links.set_up(self._spaces[node].ip, interface)
        self._settle_addresses(node)
        if (node, interface) in self._peers:
            far_node, far = self._peers[node, interface]
            with suppress(NetlinkError):  # a program in the node may have deleted it
                links.settle(self._spaces[far_node].ip, far)
            self._settle_addresses(far_node)

    def _settle_addresses(self, node: str) -> None:
        if IPV6.exists():
            links.wait_until(lambda: within.addresses_are_heard(self._spaces[node].netns))

    def op_address(self, node: str, interface: str, address: str, prefix: int) -> None:
        """Adds an address, usable at once."""
        links.add_address(self._spaces[node].ip, interface, address, prefix)
        self._settle_addresses(node)

    def _pair(self, near: End, far: End) -> None:
        self._peers[near], self._peers[far] = far, near

    def op_move(self, node: str, interface: str, peer: str) -> None:
        """Moves an interface from ``node`` to ``peer``."""
        links.move(self._spaces[node].ip, interface, self._spaces[peer].netns)
        if (node, interface) in self._peers:
            self._pair((peer, interface), self._peers.pop((node, interface)))

    def op_link(self, node: str, call: str, **arguments: Any) -> Any:
        """A function of ``tunnel.lab.links`` that concerns one node only."""
        return LINK_CALLS[call](self._spaces[node].ip, **arguments)

    def op_delete(self, node: str, interface: str) -> None:
        """Deletes an interface, with its far end if it has one."""
        links.delete(self._spaces[node].ip, interface)
        self._peers.pop(self._peers.pop((node, interface), NOWHERE), None)

    def op_sysctl(self, node: str, path: str, value: str | None) -> str:
        """Writes and reads a sysctl."""
        return within.sysctl(self._spaces[node].netns, path, value)

    def op_socket(self, node: str, family: int, kind: int, proto: int) -> Opened:
        """A socket of the node."""
        return Opened(within.open_socket(self._spaces[node].netns, family, kind, proto))

    def op_tun(self, node: str, interface: str, flags: int) -> Opened:
        """A queue of a TUN or TAP."""
        return Opened(within.open_tun(self._spaces[node].netns, interface, flags))


LINK_CALLS = {
    call.__name__: call
    for call in (
        links.add_bridge,
        links.change,
        links.enslave,
        links.remove_address,
        links.addresses,
        links.add_route,
        links.add_neighbour,
        links.statistics,
        links.facts,
    )
}

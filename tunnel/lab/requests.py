"""What a holder can be asked, one method a request, and the namespaces it keeps.

A request names the operation ``op`` and its arguments; ``node`` and ``peer`` are names of nodes. A
method gives a value that JSON can carry, or an ``Opened``, whose descriptor goes to the asker.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
from dataclasses import dataclass
from typing import Any

from pyroute2 import IPRoute

from tunnel.lab import links, netns, within

QUIET = {  # an address is usable at once, also the one the kernel makes by itself
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
}
FIRST_INDEX = 10_001  # of a veth's near end, far from those the kernel gives


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

    def op_node(self, node: str) -> Opened:
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
        return Opened(os.dup(space.netns), {"fd": space.netns})

    def _furnish(self, space: Space) -> None:
        for path, value in QUIET.items():
            within.sysctl(space.netns, path, value)
        links.change(space.ip, "lo", {"state": "up"})

    def op_veth(self, node: str, interface: str, peer: str, far: str, options: dict[str, int]) -> None:
        here, there = self._spaces[node], self._spaces[peer]
        links.add_veth(here.ip, interface, next(self._indexes), far, there.netns, options)

    def op_move(self, node: str, interface: str, peer: str) -> None:
        links.move(self._spaces[node].ip, interface, self._spaces[peer].netns)

    def op_link(self, node: str, call: str, **arguments: Any) -> Any:
        return LINK_CALLS[call](self._spaces[node].ip, **arguments)

    def op_sysctl(self, node: str, path: str, value: str | None) -> str:
        return within.sysctl(self._spaces[node].netns, path, value)

    def op_socket(self, node: str, family: int, kind: int, proto: int) -> Opened:
        return Opened(within.open_socket(self._spaces[node].netns, family, kind, proto))

    def op_tun(self, node: str, interface: str, flags: int) -> Opened:
        return Opened(within.open_tun(self._spaces[node].netns, interface, flags))


LINK_CALLS = {
    call.__name__: call
    for call in (
        links.add_bridge,
        links.change,
        links.enslave,
        links.delete,
        links.add_address,
        links.remove_address,
        links.addresses,
        links.add_route,
        links.add_neighbour,
        links.statistics,
        links.facts,
    )
}

"""Links, addresses, routes and neighbours of one namespace, over its own netlink socket.

Only the holder imports this module: pyroute2's blocking calls belong to a process without a loop.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from pyroute2 import IPRoute

IFA_F_NODAD = 0x02
IFF_UP = 0x1
SETTLE_STEP_S, SETTLE_ROUNDS = 0.001, 2_000  # linkwatch runs at least once a second
NUD_PERMANENT = 0x80


def open_netlink(loop: asyncio.AbstractEventLoop) -> IPRoute:
    """A netlink socket of the namespace the thread stands in; without groups, so that nothing piles up."""
    return IPRoute(groups=0, ext_ack=True, use_event_loop=loop)


def link(ip: IPRoute, interface: str) -> Any:
    """The kernel's message about an interface."""
    return ip.link("get", ifname=interface)[0]


def index(ip: IPRoute, interface: str) -> int:
    """The number of an interface in its namespace."""
    return int(link(ip, interface)["index"])


def add_veth(
    ip: IPRoute, interface: str, *, number: int, peer: str, peer_netns: int, options: dict[str, int]
) -> None:
    """A veth pair whose far end is made directly in its namespace: it never has another name or place.

    The near end gets the index ``number``, the far end a small one of the kernel's choice: where the
    two are equal, linkwatch_urgent_event() (net/core/link_watch.c) takes the pair for no pair, and
    IPv6 waits up to a second for the carrier.
    """
    far = {"ifname": peer, "net_ns_fd": peer_netns, **options}
    ip.link("add", ifname=interface, index=number, kind="veth", peer=far, **options)


def add_bridge(ip: IPRoute, interface: str, stp: bool) -> None:
    """A bridge; without the spanning tree its ports forward at once."""
    ip.link("add", ifname=interface, kind="bridge", br_stp_state=int(stp))


def change(ip: IPRoute, interface: str, fields: dict[str, Any]) -> None:
    """Sets what RTM_NEWLINK sets by attribute: ``state``, ``mtu``, ``txqlen``, ``address``."""
    ip.link("set", index=index(ip, interface), **fields)


def set_up(ip: IPRoute, interface: str) -> None:
    """Sets an interface up and waits for it."""
    change(ip, interface, {"state": "up"})
    settle(ip, interface)


def settle(ip: IPRoute, interface: str) -> None:
    """Waits while an interface has a carrier that linkwatch (net/core/link_watch.c) has not yet told
    to IPv6, which until then neither asks for a neighbour nor answers; usually less than 1 ms."""

    def told() -> bool:
        found = link(ip, interface)
        return not found.get_attr("IFLA_CARRIER") or found.get_attr("IFLA_OPERSTATE") in ("UP", "UNKNOWN")

    wait_until(told)


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every millisecond, for at most two seconds: the kernel's workers may be starved."""
    for _ in range(SETTLE_ROUNDS):
        if condition():
            return
        time.sleep(SETTLE_STEP_S)


def enslave(ip: IPRoute, interface: str, bridge: str | None) -> None:
    """Makes the interface a port of a bridge; None takes it off."""
    master = index(ip, bridge) if bridge is not None else 0
    ip.link("set", index=index(ip, interface), master=master)


def move(ip: IPRoute, interface: str, netns: int) -> None:
    """Moves an interface; its addresses and routes are lost, descriptors go on working."""
    ip.link("set", index=index(ip, interface), net_ns_fd=netns)


def delete(ip: IPRoute, interface: str) -> None:
    """Deletes an interface; a veth takes its far end along."""
    ip.link("del", index=index(ip, interface))


def add_address(ip: IPRoute, interface: str, address: str, prefix: int) -> None:
    """An address that is usable at once, without duplicate address detection."""
    flags = {"flags": IFA_F_NODAD} if ":" in address else {}
    ip.addr("add", index=index(ip, interface), address=address, prefixlen=prefix, **flags)


def remove_address(ip: IPRoute, interface: str, address: str, prefix: int) -> None:
    """Takes an address away."""
    ip.addr("del", index=index(ip, interface), address=address, prefixlen=prefix)


def addresses(ip: IPRoute, interface: str) -> list[str]:
    """All addresses with their prefixes; IFA_LOCAL is the own one where the link is point to point."""
    found = ip.get_addr(index=index(ip, interface))
    return [f"{m.get_attr('IFA_LOCAL') or m.get_attr('IFA_ADDRESS')}/{m['prefixlen']}" for m in found]


def add_route(
    ip: IPRoute, destination: str, via: str | None, interface: str | None, metric: int | None
) -> None:
    """A route by gateway, interface or both."""
    fields: dict[str, Any] = {"family": socket.AF_INET6 if ":" in destination else socket.AF_INET}
    if via is not None:
        fields["gateway"] = via
    if interface is not None:
        fields["oif"] = index(ip, interface)
    if metric is not None:
        fields["priority"] = metric
    ip.route("add", dst=destination, **fields)


def add_neighbour(ip: IPRoute, interface: str, address: str, mac: str) -> None:
    """A permanent neighbour entry; one that is there is replaced."""
    ip.neigh("replace", ifindex=index(ip, interface), dst=address, lladdr=mac, state=NUD_PERMANENT)


def statistics(ip: IPRoute, interface: str) -> dict[str, int]:
    """The counters of IFLA_STATS64 by the kernel's names; a super-packet counts once."""
    found = link(ip, interface).get_attr("IFLA_STATS64")
    return {name: int(found[name]) for name in found}


def facts(ip: IPRoute, interface: str) -> dict[str, Any]:
    """What ``tunnel.lab.Interface`` holds."""
    found = link(ip, interface)
    return {
        "name": interface,
        "index": found["index"],
        "kind": found.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND"),
        "mtu": found.get_attr("IFLA_MTU"),
        "mac": found.get_attr("IFLA_ADDRESS"),
        "up": bool(found["flags"] & IFF_UP),
        "carrier": bool(found.get_attr("IFLA_CARRIER")),
        "txqueuelen": found.get_attr("IFLA_TXQLEN"),
        "master": found.get_attr("IFLA_MASTER"),
    }

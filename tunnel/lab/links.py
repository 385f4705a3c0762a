"""Links, addresses, routes and neighbours of one namespace, over its conversation with rtnetlink.

Only processes of one thread and without a loop import this module: its calls wait for the kernel.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from tunnel.lab import messages
from tunnel.lab.rtnl import HEADER, Conversation, Refused, attributes

IFF_UP = 0x1
IFLA_OPERSTATE, IFLA_CARRIER = 16, 33  # include/uapi/linux/if_link.h
OPER_UNKNOWN, OPER_DORMANT, OPER_UP = 0, 5, 6  # include/uapi/linux/if.h
IFINFOMSG = struct.Struct("=BxHiII")
LOOPBACK_UP = messages.link_set(1, up=True)  # lo is the first interface of every namespace
PORT_STATE = ("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA", "IFLA_BRPORT_STATE")
LISTENING, LEARNING = 1, 2  # include/uapi/linux/if_bridge.h
SETTLE_STEP_S, SETTLE_ROUNDS = 0.001, 2_000  # linkwatch runs at least once a second


def link(talk: Conversation, interface: str) -> Any:
    """The kernel's message about an interface."""
    return decoded(ifinfmsg, talk.ask(messages.link_get(interface)))[0]


def index(talk: Conversation, interface: str) -> int:
    """The number of an interface in its namespace."""
    return int(IFINFOMSG.unpack_from(talk.ask(messages.link_get(interface))[0], HEADER.size)[2])


def name(talk: Conversation, number: int) -> str:
    """The name of an interface, by its number."""
    return str(decoded(ifinfmsg, talk.ask(messages.link_of(number)))[0].get_attr("IFLA_IFNAME"))


def names(talk: Conversation) -> dict[int, str]:
    """The names of all interfaces by their numbers."""
    return {found["index"]: found.get_attr("IFLA_IFNAME") for found in links(talk)}


def links(talk: Conversation) -> list[Any]:
    """The kernel's messages about all interfaces."""
    return decoded(ifinfmsg, talk.ask(messages.links_get()))


def addresses(talk: Conversation, interface: str) -> list[str]:
    """All addresses with their prefixes; IFA_LOCAL is the own one where the link is point to point."""
    number = index(talk, interface)
    found = [m for m in decoded(ifaddrmsg, talk.ask(messages.addresses_get())) if m["index"] == number]
    return [f"{m.get_attr('IFA_LOCAL') or m.get_attr('IFA_ADDRESS')}/{m['prefixlen']}" for m in found]


def statistics(talk: Conversation, interface: str) -> dict[str, int]:
    """The counters of IFLA_STATS64 by the kernel's names; a super-packet counts once."""
    found = link(talk, interface).get_attr("IFLA_STATS64")
    return {name: int(found[name]) for name in found}


def facts(talk: Conversation, interface: str) -> dict[str, Any]:
    """What ``tunnel.lab.Interface`` holds."""
    return told(link(talk, interface))


def told(found: Any) -> dict[str, Any]:
    """What ``tunnel.lab.Interface`` holds, of a message of the kernel's."""
    return {
        "name": found.get_attr("IFLA_IFNAME"),
        "index": found["index"],
        "kind": found.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND"),
        "mtu": found.get_attr("IFLA_MTU"),
        "mac": found.get_attr("IFLA_ADDRESS"),
        "up": bool(found["flags"] & IFF_UP),
        "carrier": bool(found.get_attr("IFLA_CARRIER")),
        "txqueuelen": found.get_attr("IFLA_TXQLEN"),
        "master": found.get_attr("IFLA_MASTER"),
    }


def undecided(talk: Conversation) -> list[str]:
    """The ports that the spanning tree does not let forward yet, and may soon (802.1D-1998, 8.4)."""
    found = [(told(one)["name"], one.get_nested(*PORT_STATE)) for one in links(talk)]
    return [name for name, state in found if state in (LISTENING, LEARNING)]


def settle(talk: Conversation, interface: str) -> None:
    """Waits while an interface has a carrier that linkwatch (net/core/link_watch.c) has not yet told
    to IPv6, which until then neither asks for a neighbour nor answers; usually less than 1 ms."""
    wait_until(lambda: _is_told(talk.ask(messages.link_get(interface))[0]))


def settle_all(talk: Conversation) -> None:
    """``settle`` for every interface of the namespace."""
    wait_until(lambda: all(map(_is_told, talk.ask(messages.links_get()))))


def settle_far(talk: Conversation, interface: str) -> None:
    """``settle`` for the far end of a veth, wherever it is; ``Refused`` where it cannot be looked at."""
    found = link(talk, interface)
    far, nsid = found.get_attr("IFLA_LINK"), found.get_attr("IFLA_LINK_NETNSID")
    if far and found.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") == "veth":
        wait_until(lambda: _is_told(talk.ask(messages.link_of(far, nsid))[0]))


def _is_told(message: bytes) -> bool:
    """Not decoded as a whole: that would take longer than the wait."""
    found = attributes(message, HEADER.size + IFINFOMSG.size)
    return found.get(IFLA_CARRIER) != b"\1" or found[IFLA_OPERSTATE][0] in (OPER_UNKNOWN, OPER_DORMANT, OPER_UP)


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every millisecond, for at most two seconds: the kernel's workers may be starved."""
    for _ in range(SETTLE_ROUNDS):
        if condition():
            return
        time.sleep(SETTLE_STEP_S)


def default_family(*networks: str | None) -> int:
    """The family of the first network that is given; IPv4 where none is."""
    first = next((network for network in networks if network), "")
    return socket.AF_INET6 if ":" in first else socket.AF_INET


def refuse_tun(talk: Conversation, interface: str) -> None:
    """Raises for a TUN: a bridge joins Ethernet segments, and its packets have no Ethernet header."""
    found = link(talk, interface)
    if found.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") == "tun" and found.get_attr("IFLA_ADDRESS") is None:
        words = "a TUN carries IP packets without an Ethernet header, so it is routed, never bridged; make a TAP"
        raise Refused(errno.EINVAL, words, None)


def decoded(kind: Any, found: list[bytes]) -> list[Any]:
    """Messages by pyroute2's class for them; its ``decode`` reads the header too."""
    return [_decode(kind(message)) for message in found]


def _decode(message: Any) -> Any:
    message.decode()
    return message

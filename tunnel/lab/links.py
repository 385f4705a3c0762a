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

from tunnel.lab import messages
from tunnel.lab.attributes import ADDRESS, KINDS, LINK, PORT
from tunnel.lab.messages import ADDRESS_HEAD, HEADER, LINK_HEAD
from tunnel.lab.rtnl import Conversation, Refused

IFF_UP = 0x1
OPER_UNKNOWN, OPER_DORMANT, OPER_UP = 0, 5, 6  # include/uapi/linux/if.h
LOOPBACK_UP = messages.link_set(1, up=True)  # lo is the first interface of every namespace
COUNTERS = (  # struct rtnl_link_stats64; an older kernel has fewer of them
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped",
    "multicast", "collisions", "rx_length_errors", "rx_over_errors", "rx_crc_errors", "rx_frame_errors",
    "rx_fifo_errors", "rx_missed_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors",
    "tx_heartbeat_errors", "tx_window_errors", "rx_compressed", "tx_compressed", "rx_nohandler",
    "rx_otherhost_dropped",
)  # fmt: skip
LISTENING, LEARNING = 1, 2  # include/uapi/linux/if_bridge.h
SETTLE_STEP_S, SETTLE_ROUNDS = 0.001, 2_000  # linkwatch runs at least once a second


class Link:
    """What the kernel says of an interface: ``get`` by the names of attributes, ``kind``, ``data`` of that kind."""

    def __init__(self, message: bytes) -> None:
        _, _, self.index, self.flags, _ = LINK_HEAD.unpack_from(message, HEADER.size)
        self._found = LINK.read(message, HEADER.size + LINK_HEAD.size)
        self.get = self._found.get
        self.linkinfo: dict[str, Any] = self.get("IFLA_LINKINFO", {})
        self.kind: str | None = self.linkinfo.get("IFLA_INFO_KIND")

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._found["IFLA_IFNAME"])

    @property
    def data(self) -> dict[str, Any]:
        """The attributes of its kind, where the kind is known to ``tunnel.lab.attributes``."""
        known = KINDS.get(self.kind or "")
        return known.read(self.linkinfo.get("IFLA_INFO_DATA", b"")) if known else {}

    @property
    def as_port(self) -> dict[str, Any]:
        """What it is as the port of a bridge; empty where it is none."""
        return PORT.read(self.linkinfo.get("IFLA_INFO_SLAVE_DATA", b""))


def link(talk: Conversation, interface: str) -> Link:
    """An interface; the kernel brings what it says up to date for such a question (rtnl_getlink(), Linux 6.8)."""
    return Link(talk.ask(messages.link_get(interface))[0])


def index(talk: Conversation, interface: str) -> int:
    """The number of an interface in its namespace."""
    return int(link(talk, interface).index)


def name(talk: Conversation, number: int) -> str:
    """The name of an interface, by its number."""
    return Link(talk.ask(messages.link_of(number))[0]).name


def names(talk: Conversation) -> dict[int, str]:
    """The names of all interfaces by their numbers."""
    return {found.index: found.name for found in links(talk)}


def links(talk: Conversation, bridge: int | None = None) -> list[Link]:
    """All interfaces without their counters, or the ports of the bridge of that number."""
    return [Link(message) for message in talk.ask(messages.links_get(bridge))]


def addresses(talk: Conversation, interface: str) -> list[str]:
    """All addresses with their prefixes; IFA_LOCAL is the own one where the link is point to point."""
    number = index(talk, interface)
    return [address for of, address in map(_address, talk.ask(messages.addresses_get())) if of == number]


def _address(message: bytes) -> tuple[int, str]:
    _, prefix, _, _, number = ADDRESS_HEAD.unpack_from(message, HEADER.size)
    found = ADDRESS.read(message, HEADER.size + ADDRESS_HEAD.size)
    return number, f"{found.get('IFA_LOCAL') or found['IFA_ADDRESS']}/{prefix}"


def statistics(talk: Conversation, interface: str) -> dict[str, int]:
    """The counters of IFLA_STATS64 by the kernel's names; a super-packet counts once."""
    found = link(talk, interface).get("IFLA_STATS64", b"")
    return dict(zip(COUNTERS, struct.unpack(f"={len(found) // 8}Q", found), strict=False))


def facts(talk: Conversation, interface: str) -> dict[str, Any]:
    """What ``tunnel.lab.Interface`` holds."""
    return told(link(talk, interface))


def told(found: Link) -> dict[str, Any]:
    """What ``tunnel.lab.Interface`` holds."""
    return {
        "name": found.name,
        "index": found.index,
        "kind": found.kind,
        "mtu": found.get("IFLA_MTU"),
        "mac": found.get("IFLA_ADDRESS"),
        "up": bool(found.flags & IFF_UP),
        "carrier": bool(found.get("IFLA_CARRIER")),
        "txqueuelen": found.get("IFLA_TXQLEN"),
        "master": found.get("IFLA_MASTER"),
    }


def undecided(talk: Conversation) -> list[str]:
    """The ports that the spanning tree does not let forward yet, and may soon (802.1D-1998, 8.4)."""
    return [one.name for one in links(talk) if one.as_port.get("IFLA_BRPORT_STATE") in (LISTENING, LEARNING)]


def settle(talk: Conversation, interface: str) -> None:
    """Waits while an interface has a carrier that linkwatch (net/core/link_watch.c) has not yet told
    to IPv6, which until then neither asks for a neighbour nor answers. Being asked for it alone, the kernel
    does that at once (see ``link``); an older one in less than 1 ms, for a bridge in a second."""
    wait_until(lambda: _is_told(link(talk, interface)))


def settle_all(talk: Conversation) -> None:
    """``settle`` for every interface of the namespace."""
    for one in links(talk):
        if not _is_told(one):
            settle(talk, one.name)


def settle_far(talk: Conversation, interface: str) -> None:
    """``settle`` for the far end of a veth, wherever it is; ``Refused`` where it cannot be looked at."""
    found = link(talk, interface)
    far, nsid = found.get("IFLA_LINK"), found.get("IFLA_LINK_NETNSID")
    if far and found.kind == "veth":
        wait_until(lambda: _is_told(Link(talk.ask(messages.link_of(far, nsid))[0])))


def _is_told(found: Link) -> bool:
    return not found.get("IFLA_CARRIER") or found.get("IFLA_OPERSTATE") in (OPER_UNKNOWN, OPER_DORMANT, OPER_UP)


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
    if found.kind == "tun" and found.get("IFLA_ADDRESS") is None:
        words = "a TUN carries IP packets without an Ethernet header, so it is routed, never bridged; make a TAP"
        raise Refused(errno.EINVAL, words, None)

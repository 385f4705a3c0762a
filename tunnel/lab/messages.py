"""What the kernel's rtnetlink is asked, as bytes: links, addresses, routes, rules and neighbours.

Each function gives one request, encoded by pyroute2's message classes, without a sequence number:
``tunnel.lab.rtnl`` sets it and sends many at once. Equal requests are encoded once, for those of a
hundred nodes are mostly alike. ``ip.link("add", ...)`` of the library would take twice as long to encode.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

NEWLINK, DELLINK, GETLINK = 16, 17, 18  # include/uapi/linux/rtnetlink.h
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWRULE, DELRULE, GETRULE = 32, 33, 34
REQUEST, ACK, DUMP, CREATE, EXCLUSIVE, REPLACE = 0x1, 0x4, 0x300, 0x400, 0x200, 0x100  # netlink.h

IFF_UP = 0x1
IFA_F_NODAD = 0x02
AF_BRIDGE = 7  # Python 3.11's socket has no name for it
NTF_MASTER = 0x04
NUD_PERMANENT, NUD_NOARP = 0x80, 0x40
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RTN_UNICAST = 254, 4, 0, 253, 1
FR_ACT_TO_TBL = 1

CACHED = 4096  # requests
Fields = Mapping[str, Any]


def _encode(message: Any, kind: int, how: int, attributes: list[tuple[str, Any]], **head: int) -> bytes:
    message["header"] = {"type": kind, "flags": REQUEST | how, "sequence_number": 0, "pid": 0}
    message.update(head)
    message["attrs"] = attributes
    message.encode()
    return bytes(message.data)


def _given(**attributes: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in attributes.items() if value is not None]


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def veth(
    name: str, index: int, peer: str, peer_index: int, peer_netns: int, *,
    mtu: int | None = None, txqueuelen: int | None = None, mac: str | None = None, peer_mac: str | None = None,
    master: int | None = None, up: bool = False,
) -> bytes:  # fmt: skip
    """A veth pair whose far end is made directly in its namespace: it never has another name or place.
    Without a name (``""``) the kernel chooses the next free.

    The two indexes must differ: where they are equal, linkwatch_urgent_event() (net/core/link_watch.c)
    takes the pair for no pair, and IPv6 waits up to a second for the carrier. The far end is down: it
    cannot be set up before it is one of a pair (veth_open(), drivers/net/veth.c).
    """
    far = {
        "index": peer_index,
        "attrs": _given(
            IFLA_IFNAME=peer or None, IFLA_NET_NS_FD=peer_netns, IFLA_MTU=mtu, IFLA_TXQLEN=txqueuelen,
            IFLA_ADDRESS=peer_mac,
        ),
    }  # fmt: skip
    data = {"attrs": [("VETH_INFO_PEER", far)]}
    return link_add(name, "veth", index=index, data=data, mtu=mtu, txqueuelen=txqueuelen, mac=mac, master=master, up=up)


def link_add(
    name: str, kind: str, *, index: int = 0, data: Fields | None = None, mtu: int | None = None,
    txqueuelen: int | None = None, mac: str | None = None, master: int | None = None, parent: int | None = None,
    up: bool = False,
) -> bytes:  # fmt: skip
    """An interface of ``kind``; ``data`` are its attributes. The kernel chooses an index for 0, a name for ``""``."""
    inner = {"attrs": _given(IFLA_INFO_KIND=kind, IFLA_INFO_DATA=data)}
    attributes = _given(
        IFLA_IFNAME=name or None, IFLA_MTU=mtu, IFLA_TXQLEN=txqueuelen, IFLA_ADDRESS=mac, IFLA_MASTER=master,
        IFLA_LINK=parent, IFLA_LINKINFO=inner,
    )  # fmt: skip
    flags = ACK | CREATE | EXCLUSIVE
    return _encode(ifinfmsg(), NEWLINK, flags, attributes, index=index, flags=IFF_UP * up, change=IFF_UP * up)


@lru_cache(CACHED)
def link_set(
    index: int, *, up: bool | None = None, name: str | None = None, mtu: int | None = None,
    txqueuelen: int | None = None, mac: str | None = None, master: int | None = None, netns: int | None = None,
) -> bytes:  # fmt: skip
    """Settings of an interface; ``master`` 0 takes it off its bridge, ``netns`` is a descriptor to move it to."""
    flags = IFF_UP if up else 0
    attributes = _given(
        IFLA_IFNAME=name, IFLA_MTU=mtu, IFLA_TXQLEN=txqueuelen, IFLA_ADDRESS=mac, IFLA_MASTER=master,
        IFLA_NET_NS_FD=netns,
    )  # fmt: skip
    change = 0 if up is None else IFF_UP
    return _encode(ifinfmsg(), NEWLINK, ACK, attributes, index=index, flags=flags, change=change)


def bridge_set(index: int, data: Fields) -> bytes:
    """Attributes of a bridge that exists: ``data`` as in ``link_add``."""
    inner = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", data)]}
    return _encode(ifinfmsg(), NEWLINK, ACK, [("IFLA_LINKINFO", inner)], index=index)


@lru_cache(CACHED)
def link_delete(index: int) -> bytes:
    """The end of an interface; of a veth, both ends'."""
    return _encode(ifinfmsg(), DELLINK, ACK, [], index=index)


@lru_cache(CACHED)
def link_get(name: str) -> bytes:
    """A question for an interface, by its name."""
    return _encode(ifinfmsg(), GETLINK, 0, [("IFLA_IFNAME", name)])


def link_of(index: int, nsid: int | None = None) -> bytes:
    """A question for an interface by its number, in the namespace that is called ``nsid`` here or in this one."""
    return _encode(ifinfmsg(), GETLINK, 0, _given(IFLA_IF_NETNSID=nsid), index=index)


def links_get(master: int | None = None) -> bytes:
    """A question for all interfaces, or for the ports of a bridge."""
    return _encode(ifinfmsg(), GETLINK, DUMP, _given(IFLA_MASTER=master))


def address(index: int, own: str, prefix: int, *, remove: bool = False) -> bytes:
    """An address, usable at once; ``remove`` takes it away."""
    attributes: list[tuple[str, Any]] = [("IFA_LOCAL", own), ("IFA_ADDRESS", own)]
    if _family(own) == socket.AF_INET6 and not remove:
        attributes.append(("IFA_FLAGS", IFA_F_NODAD))
    kind, flags = (DELADDR, ACK) if remove else (NEWADDR, ACK | CREATE | EXCLUSIVE)
    return _encode(ifaddrmsg(), kind, flags, attributes, index=index, family=_family(own), prefixlen=prefix)


def addresses_get() -> bytes:
    """A question for all addresses of the namespace."""
    return _encode(ifaddrmsg(), GETADDR, DUMP, [])


@lru_cache(CACHED)
def route(
    to: str, *, via: str | None = None, oif: int | None = None, metric: int | None = None, table: int | None = None,
    source: str | None = None, remove: bool = False,
) -> bytes:  # fmt: skip
    """A route to the network ``to`` by gateway, interface or both."""
    network = ip_network(to)
    attributes = _given(
        RTA_DST=str(network.network_address) if network.prefixlen else None, RTA_GATEWAY=via, RTA_OIF=oif,
        RTA_PRIORITY=metric, RTA_PREFSRC=source, RTA_TABLE=table or RT_TABLE_MAIN,
    )  # fmt: skip
    head = {"type": RTN_UNICAST, "scope": RT_SCOPE_UNIVERSE if via else RT_SCOPE_LINK}
    if remove:
        head = {"type": 0, "scope": 255}  # RT_SCOPE_NOWHERE: whatever it is
    kind, flags = (DELROUTE, ACK) if remove else (NEWROUTE, ACK | CREATE | EXCLUSIVE)
    return _encode(
        rtmsg(), kind, flags, attributes, family=_family(str(network)), dst_len=network.prefixlen,
        table=RT_TABLE_MAIN if table is None else min(table, 252), proto=RTPROT_STATIC, **head,
    )  # fmt: skip


@lru_cache(CACHED)
def rule(
    table: int, *, source: str | None = None, to: str | None = None, iif: str | None = None, oif: str | None = None,
    fwmark: int | None = None, priority: int | None = None, family: int = socket.AF_INET, remove: bool = False,
) -> bytes:  # fmt: skip
    """A policy routing rule of the ``family``: what matches looks into ``table``."""
    networks = {name: ip_network(text) for name, text in (("src", source), ("dst", to)) if text}
    attributes = _given(
        FRA_TABLE=table, FRA_PRIORITY=priority, FRA_FWMARK=fwmark, FRA_IIFNAME=iif, FRA_OIFNAME=oif,
        **{f"FRA_{name.upper()}": str(network.network_address) for name, network in networks.items()},
    )  # fmt: skip
    kind, flags = (DELRULE, ACK) if remove else (NEWRULE, ACK | CREATE | EXCLUSIVE)
    lengths = {f"{name}_len": network.prefixlen for name, network in networks.items()}
    return _encode(fibmsg(), kind, flags, attributes, family=family, action=FR_ACT_TO_TBL, **lengths)


def routes_get(family: int) -> bytes:
    """A question for all routes of a family."""
    return _encode(rtmsg(), GETROUTE, DUMP, [], family=family)


def rules_get(family: int) -> bytes:
    """A question for all policy routing rules of a family; of all, those for multicast would be among them."""
    return _encode(fibmsg(), GETRULE, DUMP, [], family=family)


def neighbour(index: int, at: str, mac: str) -> bytes:
    """A permanent neighbour entry; one that is there is replaced."""
    attributes = [("NDA_DST", str(ip_address(at))), ("NDA_LLADDR", mac)]
    flags = ACK | CREATE | REPLACE
    return _encode(ndmsg(), NEWNEIGH, flags, attributes, family=_family(at), ifindex=index, state=NUD_PERMANENT)


def neighbour_delete(index: int, at: str) -> bytes:
    """The end of a neighbour entry, permanent or not."""
    return _encode(ndmsg(), DELNEIGH, ACK, [("NDA_DST", str(ip_address(at)))], family=_family(at), ifindex=index)


def neighbours_get() -> bytes:
    """A question for all neighbour entries of both families."""
    return _encode(ndmsg(), GETNEIGH, DUMP, [])


def fdb(port: int, mac: str, *, remove: bool = False) -> bytes:
    """A static entry of a bridge's forwarding database, at one of its ports."""
    kind, flags = (DELNEIGH, ACK) if remove else (NEWNEIGH, ACK | CREATE | REPLACE)
    attributes = [("NDA_LLADDR", mac)]
    return _encode(ndmsg(), kind, flags, attributes, family=AF_BRIDGE, ifindex=port, state=NUD_NOARP, flags=NTF_MASTER)


def fdb_get(bridge: int) -> bytes:
    """A question for a bridge's forwarding database."""
    return _encode(ndmsg(), GETNEIGH, DUMP, [("NDA_MASTER", bridge)], family=AF_BRIDGE)

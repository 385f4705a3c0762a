"""What the kernel's rtnetlink is asked, as bytes: links, addresses, routes, rules and neighbours.

Each function gives one request without a sequence number: ``tunnel.lab.rtnl`` sets it and sends many at once.
They are encoded here, which is a tenth of the time that the message classes of pyroute2 would take.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from tunnel.lab.attributes import ADDRESS, KINDS, LINK, NEIGHBOUR, ROUTE, RULE, Names

NEWLINK, DELLINK, GETLINK = 16, 17, 18  # include/uapi/linux/rtnetlink.h
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWRULE, DELRULE, GETRULE = 32, 33, 34
REQUEST, ACK, DUMP, CREATE, EXCLUSIVE, REPLACE = 0x1, 0x4, 0x300, 0x400, 0x200, 0x100  # netlink.h

IFF_UP = 0x1
RTEXT_FILTER_SKIP_STATS = 0x08
IFA_F_NODAD = 0x02
AF_BRIDGE = 7  # Python 3.11's socket has no name for it
NTF_MASTER = 0x04
NUD_PERMANENT, NUD_NOARP = 0x80, 0x40
RT_TABLE_MAIN, RT_TABLE_COMPAT, RTPROT_STATIC, RTN_UNICAST = 254, 252, 4, 1
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_NOWHERE = 0, 253, 255
FR_ACT_TO_TBL = 1

HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, number, port
LINK_HEAD = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
ADDRESS_HEAD = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix, flags, scope, index
ROUTE_HEAD = struct.Struct("=8BI")  # struct rtmsg: family, lengths, tos, table, proto, scope, type, flags
RULE_HEAD = struct.Struct("=BBBxBxxBI")  # struct fib_rule_hdr: family, lengths, table, action, flags
NEIGHBOUR_HEAD = struct.Struct("=BxxxiHBB")  # struct ndmsg: family, index, state, flags, type

Fields = Mapping[str, Any]


def _request(kind: int, how: int, head: bytes, names: Names = LINK, **wanted: Any) -> bytes:
    body = head + names.write(wanted)
    return HEADER.pack(HEADER.size + len(body), kind, REQUEST | how, 0, 0) + body


def _link(kind: int, how: int, index: int = 0, up: bool | None = None, **wanted: Any) -> bytes:
    head = LINK_HEAD.pack(socket.AF_UNSPEC, 0, index, IFF_UP if up else 0, 0 if up is None else IFF_UP)
    return _request(kind, how, head, **wanted)


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
        "IFLA_IFNAME": peer or None, "IFLA_NET_NS_FD": peer_netns, "IFLA_MTU": mtu, "IFLA_TXQLEN": txqueuelen,
        "IFLA_ADDRESS": peer_mac,
    }  # fmt: skip
    data = {"VETH_INFO_PEER": LINK_HEAD.pack(socket.AF_UNSPEC, 0, peer_index, 0, 0) + LINK.write(far)}
    return link_add(name, "veth", index=index, data=data, mtu=mtu, txqueuelen=txqueuelen, mac=mac, master=master, up=up)


def link_add(
    name: str, kind: str, *, index: int = 0, data: Fields | None = None, mtu: int | None = None,
    txqueuelen: int | None = None, mac: str | None = None, master: int | None = None, parent: int | None = None,
    up: bool = False,
) -> bytes:  # fmt: skip
    """An interface of ``kind``; ``data`` are its attributes. The kernel chooses an index for 0, a name for ``""``."""
    return _link(
        NEWLINK, ACK | CREATE | EXCLUSIVE, index, up or None, IFLA_IFNAME=name or None, IFLA_MTU=mtu,
        IFLA_TXQLEN=txqueuelen, IFLA_ADDRESS=mac, IFLA_MASTER=master, IFLA_LINK=parent,
        IFLA_LINKINFO=_linkinfo(kind, data),
    )  # fmt: skip


def _linkinfo(kind: str, data: Fields | None) -> Fields:
    return {"IFLA_INFO_KIND": kind, "IFLA_INFO_DATA": None if data is None else KINDS[kind].write(data)}


def link_set(
    index: int, *, up: bool | None = None, name: str | None = None, mtu: int | None = None,
    txqueuelen: int | None = None, mac: str | None = None, master: int | None = None, netns: int | None = None,
) -> bytes:  # fmt: skip
    """Settings of an interface; ``master`` 0 takes it off its bridge, ``netns`` is a descriptor to move it to."""
    return _link(
        NEWLINK, ACK, index, up, IFLA_IFNAME=name, IFLA_MTU=mtu, IFLA_TXQLEN=txqueuelen, IFLA_ADDRESS=mac,
        IFLA_MASTER=master, IFLA_NET_NS_FD=netns,
    )  # fmt: skip


def bridge_set(index: int, data: Fields) -> bytes:
    """Attributes of a bridge that exists: ``data`` as in ``link_add``."""
    return _link(NEWLINK, ACK, index, IFLA_LINKINFO=_linkinfo("bridge", data))


def link_delete(index: int) -> bytes:
    """The end of an interface; of a veth, both ends'."""
    return _link(DELLINK, ACK, index)


def link_get(name: str) -> bytes:
    """A question for an interface, by its name."""
    return _link(GETLINK, 0, IFLA_IFNAME=name)


def link_of(index: int, nsid: int | None = None) -> bytes:
    """A question for an interface by its number, in the namespace that is called ``nsid`` here or in this one."""
    return _link(GETLINK, 0, index, IFLA_IF_NETNSID=nsid)


def links_get(master: int | None = None) -> bytes:
    """A question for all interfaces, or for the ports of a bridge; answered without their counters."""
    return _link(GETLINK, DUMP, IFLA_MASTER=master, IFLA_EXT_MASK=RTEXT_FILTER_SKIP_STATS)


def address(index: int, own: str, prefix: int, *, remove: bool = False) -> bytes:
    """An address, usable at once; ``remove`` takes it away."""
    family = _family(own)
    kind, how = (DELADDR, ACK) if remove else (NEWADDR, ACK | CREATE | EXCLUSIVE)
    flags = IFA_F_NODAD if family == socket.AF_INET6 and not remove else None
    head = ADDRESS_HEAD.pack(family, prefix, 0, 0, index)
    return _request(kind, how, head, ADDRESS, IFA_LOCAL=own, IFA_ADDRESS=own, IFA_FLAGS=flags)


def addresses_get() -> bytes:
    """A question for all addresses of the namespace."""
    return _request(GETADDR, DUMP, ADDRESS_HEAD.pack(0, 0, 0, 0, 0))


def route(
    to: str, *, via: str | None = None, oif: int | None = None, metric: int | None = None, table: int | None = None,
    source: str | None = None, remove: bool = False,
) -> bytes:  # fmt: skip
    """A route to the network ``to``, which is an address with its prefix, by gateway, interface or both."""
    network, prefix = to.split("/")
    family, scope, of = _family(to), RT_SCOPE_UNIVERSE if via else RT_SCOPE_LINK, RTN_UNICAST
    if remove:
        scope, of = RT_SCOPE_NOWHERE, 0  # whatever it is
    kind, how = (DELROUTE, ACK) if remove else (NEWROUTE, ACK | CREATE | EXCLUSIVE)
    short = RT_TABLE_MAIN if table is None else min(table, RT_TABLE_COMPAT)
    head = ROUTE_HEAD.pack(family, int(prefix), 0, 0, short, RTPROT_STATIC, scope, of, 0)
    return _request(
        kind, how, head, ROUTE, RTA_DST=network if int(prefix) else None,
        RTA_GATEWAY=via, RTA_OIF=oif, RTA_PRIORITY=metric, RTA_PREFSRC=source, RTA_TABLE=table or RT_TABLE_MAIN,
    )  # fmt: skip


def rule(
    table: int, *, source: str | None = None, to: str | None = None, iif: str | None = None, oif: str | None = None,
    fwmark: int | None = None, priority: int | None = None, family: int = socket.AF_INET, remove: bool = False,
) -> bytes:  # fmt: skip
    """A policy routing rule of the ``family``: what matches looks into ``table``."""
    src, dst = (ip_network(text) if text else None for text in (source, to))
    kind, how = (DELRULE, ACK) if remove else (NEWRULE, ACK | CREATE | EXCLUSIVE)
    head = RULE_HEAD.pack(family, dst.prefixlen if dst else 0, src.prefixlen if src else 0, 0, FR_ACT_TO_TBL, 0)
    return _request(
        kind, how, head, RULE, FRA_TABLE=table, FRA_PRIORITY=priority, FRA_FWMARK=fwmark, FRA_IIFNAME=iif,
        FRA_OIFNAME=oif, FRA_SRC=str(src.network_address) if src else None,
        FRA_DST=str(dst.network_address) if dst else None,
    )  # fmt: skip


def routes_get(family: int) -> bytes:
    """A question for all routes of a family."""
    return _request(GETROUTE, DUMP, ROUTE_HEAD.pack(family, *bytes(8)))


def rules_get(family: int) -> bytes:
    """A question for all policy routing rules of a family; of all, those for multicast would be among them."""
    return _request(GETRULE, DUMP, RULE_HEAD.pack(family, *bytes(5)))


def neighbour(index: int, at: str, mac: str) -> bytes:
    """A permanent neighbour entry; one that is there is replaced."""
    head = NEIGHBOUR_HEAD.pack(_family(at), index, NUD_PERMANENT, 0, 0)
    return _request(NEWNEIGH, ACK | CREATE | REPLACE, head, NEIGHBOUR, NDA_DST=at, NDA_LLADDR=mac)


def neighbour_delete(index: int, at: str) -> bytes:
    """The end of a neighbour entry, permanent or not."""
    return _request(DELNEIGH, ACK, NEIGHBOUR_HEAD.pack(_family(at), index, 0, 0, 0), NEIGHBOUR, NDA_DST=at)


def neighbours_get() -> bytes:
    """A question for all neighbour entries of both families."""
    return _request(GETNEIGH, DUMP, NEIGHBOUR_HEAD.pack(*bytes(5)))


def fdb(port: int, mac: str, *, remove: bool = False) -> bytes:
    """A static entry of a bridge's forwarding database, at one of its ports."""
    kind, how = (DELNEIGH, ACK) if remove else (NEWNEIGH, ACK | CREATE | REPLACE)
    head = NEIGHBOUR_HEAD.pack(AF_BRIDGE, port, NUD_NOARP, NTF_MASTER, 0)
    return _request(kind, how, head, NEIGHBOUR, NDA_LLADDR=mac)


def fdb_get(bridge: int) -> bytes:
    """A question for a bridge's forwarding database."""
    return _request(GETNEIGH, DUMP, NEIGHBOUR_HEAD.pack(AF_BRIDGE, *bytes(4)), NEIGHBOUR, NDA_MASTER=bridge)

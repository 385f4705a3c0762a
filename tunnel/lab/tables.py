"""What the kernel's tables of one namespace hold, over its conversation with rtnetlink, as plain values.

Routes, rules, neighbours; a bridge's settings, ports and forwarding database; what is known of a TUN or VXLAN.
Only what runs without a loop imports this module: its calls wait for the kernel.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from tunnel.lab import links, messages
from tunnel.lab.attributes import NEIGHBOUR, ROUTE, RULE
from tunnel.lab.bridges import CLOCK_HZ
from tunnel.lab.messages import HEADER, NEIGHBOUR_HEAD, ROUTE_HEAD, RULE_HEAD
from tunnel.lab.rtnl import Conversation

FAMILIES = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
RTN_UNICAST = 1  # include/uapi/linux/rtnetlink.h
PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")  # include/uapi/linux/if_bridge.h
NEIGHBOUR_STATES = {
    0x01: "incomplete", 0x02: "reachable", 0x04: "stale", 0x08: "delay", 0x10: "probe", 0x20: "failed",
    0x40: "noarp", 0x80: "permanent",
}  # fmt: skip
FDB_STATES = {0x40: "static", 0x80: "local"}  # NUD_NOARP, NUD_PERMANENT; what was learnt is reachable or stale
Row = dict[str, Any]


def routes(talk: Conversation, table: int | None) -> list[Row]:
    """Unicast routes of one table, or of all."""
    known = links.names(talk)
    found = [m for family in FAMILIES for m in talk.ask(messages.routes_get(family))]
    return [row for message in found for row in _route(message, known) if table in (None, row["table"])]


def _route(message: bytes, known: dict[int, str]) -> Iterator[Row]:
    family, prefix, _, _, table, _, _, kind, _ = ROUTE_HEAD.unpack_from(message, HEADER.size)
    found = ROUTE.read(message, HEADER.size + ROUTE_HEAD.size)
    if kind == RTN_UNICAST:
        to = found.get("RTA_DST") or ("::" if family == socket.AF_INET6 else "0.0.0.0")
        yield {
            "to": f"{to}/{prefix}",
            "via": found.get("RTA_GATEWAY"),
            "interface": known.get(found.get("RTA_OIF", 0)),
            "metric": found.get("RTA_PRIORITY"),
            "table": found.get("RTA_TABLE") or table,
            "source": found.get("RTA_PREFSRC"),
        }


def rules(talk: Conversation) -> list[Row]:
    """All policy routing rules, those of IPv4 before those of IPv6, each in the order in which they apply."""
    rows = [_rule(m) for family in FAMILIES for m in talk.ask(messages.rules_get(family))]
    return sorted(rows, key=lambda row: (row["family"], row["priority"]))


def _rule(message: bytes) -> Row:
    family, to, source, table, _, _ = RULE_HEAD.unpack_from(message, HEADER.size)
    found = RULE.read(message, HEADER.size + RULE_HEAD.size)
    return {
        "priority": found.get("FRA_PRIORITY") or 0,
        "family": FAMILIES[family],
        "source": f"{found['FRA_SRC']}/{source}" if source else None,
        "to": f"{found['FRA_DST']}/{to}" if to else None,
        "iif": found.get("FRA_IIFNAME"),
        "oif": found.get("FRA_OIFNAME"),
        "fwmark": found.get("FRA_FWMARK"),
        "table": found.get("FRA_TABLE") or table,
    }


def neighbours(talk: Conversation) -> list[Row]:
    """All neighbour entries that have an Ethernet address or are asked for; multicast ones are left out."""
    known = links.names(talk)
    return [
        {
            "address": found.get("NDA_DST"),
            "interface": known.get(number),
            "mac": found.get("NDA_LLADDR"),
            "state": NEIGHBOUR_STATES.get(state, "none"),
        }
        for number, state, found in map(_neighbour, talk.ask(messages.neighbours_get()))
        if state != messages.NUD_NOARP
    ]


def fdb(talk: Conversation, bridge: str) -> list[Row]:
    """A bridge's forwarding database: which Ethernet address is behind which port, and how it is known."""
    known, of = links.names(talk), links.index(talk, bridge)
    return [
        {
            "mac": found.get("NDA_LLADDR"),
            "interface": known.get(number),
            "state": FDB_STATES.get(state, "learnt"),
        }
        for number, state, found in map(_neighbour, talk.ask(messages.fdb_get(of)))
        if found.get("NDA_MASTER") == of  # the rest are the filters of the cards
    ]


def _neighbour(message: bytes) -> tuple[int, int, Row]:
    """The number of its interface, its state, its attributes."""
    _, number, state, _, _ = NEIGHBOUR_HEAD.unpack_from(message, HEADER.size)
    return number, state, NEIGHBOUR.read(message, HEADER.size + NEIGHBOUR_HEAD.size)


def bridge_settings(talk: Conversation, bridge: str) -> Row:
    """What is set of a bridge."""
    found = links.link(talk, bridge).data
    return {
        "stp": bool(found.get("IFLA_BR_STP_STATE")),
        "priority": found.get("IFLA_BR_PRIORITY"),
        "forward_delay_s": found["IFLA_BR_FORWARD_DELAY"] / CLOCK_HZ,
        "ageing_s": found["IFLA_BR_AGEING_TIME"] / CLOCK_HZ,
        "snooping": bool(found.get("IFLA_BR_MCAST_SNOOPING")),
        "vlan_filtering": bool(found.get("IFLA_BR_VLAN_FILTERING")),
    }


def ports(talk: Conversation, bridge: str) -> list[Row]:
    """The ports of a bridge: name, what the spanning tree has them do, cost and priority in it."""
    return [
        {
            "name": found.name,
            "state": PORT_STATES[found.as_port["IFLA_BRPORT_STATE"]],
            "cost": found.as_port.get("IFLA_BRPORT_COST"),
            "priority": found.as_port.get("IFLA_BRPORT_PRIORITY"),
        }
        for found in links.links(talk, links.index(talk, bridge))
    ]


def details(talk: Conversation, interface: str) -> Row:
    """What a TUN, a TAP or a VXLAN has beside what every interface has; nothing for others."""
    found = links.link(talk, interface)
    inner = found.data
    if found.kind == "tun":
        return {
            "type": "tap" if found.get("IFLA_ADDRESS") else "tun",
            "owner": inner.get("IFLA_TUN_OWNER"),
            "group": inner.get("IFLA_TUN_GROUP"),
            "persistent": bool(inner.get("IFLA_TUN_PERSIST")),
            "multi_queue": bool(inner.get("IFLA_TUN_MULTI_QUEUE")),
        }
    if found.kind == "vxlan":
        return {
            "vni": inner.get("IFLA_VXLAN_ID"),
            "remote": inner.get("IFLA_VXLAN_GROUP") or inner.get("IFLA_VXLAN_GROUP6"),
            "local": inner.get("IFLA_VXLAN_LOCAL") or inner.get("IFLA_VXLAN_LOCAL6"),
            "port": inner.get("IFLA_VXLAN_PORT"),
        }
    return {}

"""What the kernel's tables of one namespace hold, over its conversation with rtnetlink, as plain values.

Routes, rules, neighbours; a bridge's settings, ports and forwarding database; what is known of a TUN or VXLAN.
Only what runs without a loop imports this module: its calls wait for the kernel.
"""

from __future__ import annotations

import socket
from typing import Any

from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from tunnel.lab import links, messages
from tunnel.lab.bridges import CLOCK_HZ
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
    found = [m for family in FAMILIES for m in links.decoded(rtmsg, talk.ask(messages.routes_get(family)))]
    rows = [_route(m, known) for m in found if m["type"] == RTN_UNICAST]
    return [row for row in rows if table in (None, row["table"])]


def _route(message: Any, known: dict[int, str]) -> Row:
    anywhere = "::/0" if message["family"] == socket.AF_INET6 else "0.0.0.0/0"
    to = message.get_attr("RTA_DST")
    return {
        "to": f"{to}/{message['dst_len']}" if to else anywhere,
        "via": message.get_attr("RTA_GATEWAY"),
        "interface": known.get(message.get_attr("RTA_OIF")),
        "metric": message.get_attr("RTA_PRIORITY"),
        "table": message.get_attr("RTA_TABLE") or message["table"],
        "source": message.get_attr("RTA_PREFSRC"),
    }


def rules(talk: Conversation) -> list[Row]:
    """All policy routing rules, those of IPv4 before those of IPv6, each in the order in which they apply."""
    rows = [_rule(m) for family in FAMILIES for m in links.decoded(fibmsg, talk.ask(messages.rules_get(family)))]
    return sorted(rows, key=lambda row: (row["family"], row["priority"]))


def _rule(message: Any) -> Row:
    def network(name: str) -> str | None:
        at = message.get_attr(f"FRA_{name.upper()}")
        return f"{at}/{message[f'{name}_len']}" if at else None

    return {
        "priority": message.get_attr("FRA_PRIORITY") or 0,
        "family": FAMILIES[message["family"]],
        "source": network("src"),
        "to": network("dst"),
        "iif": message.get_attr("FRA_IIFNAME"),
        "oif": message.get_attr("FRA_OIFNAME"),
        "fwmark": message.get_attr("FRA_FWMARK"),
        "table": message.get_attr("FRA_TABLE") or message["table"],
    }


def neighbours(talk: Conversation) -> list[Row]:
    """All neighbour entries that have an Ethernet address or are asked for; multicast ones are left out."""
    known = links.names(talk)
    found = links.decoded(ndmsg, talk.ask(messages.neighbours_get()))
    return [
        {
            "address": m.get_attr("NDA_DST"),
            "interface": known.get(m["ifindex"]),
            "mac": m.get_attr("NDA_LLADDR"),
            "state": NEIGHBOUR_STATES.get(m["state"], "none"),
        }
        for m in found
        if m["state"] != messages.NUD_NOARP
    ]


def fdb(talk: Conversation, bridge: str) -> list[Row]:
    """A bridge's forwarding database: which Ethernet address is behind which port, and how it is known."""
    known, number = links.names(talk), links.index(talk, bridge)
    found = links.decoded(ndmsg, talk.ask(messages.fdb_get(number)))
    return [
        {
            "mac": m.get_attr("NDA_LLADDR"),
            "interface": known.get(m["ifindex"]),
            "state": FDB_STATES.get(m["state"], "learnt"),
        }
        for m in found
        if m.get_attr("NDA_MASTER") == number  # the rest are the filters of the cards
    ]


def bridge_settings(talk: Conversation, bridge: str) -> Row:
    """What is set of a bridge."""
    found = links.link(talk, bridge).get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")
    return {
        "stp": bool(found.get_attr("IFLA_BR_STP_STATE")),
        "priority": found.get_attr("IFLA_BR_PRIORITY"),
        "forward_delay_s": found.get_attr("IFLA_BR_FORWARD_DELAY") / CLOCK_HZ,
        "ageing_s": found.get_attr("IFLA_BR_AGEING_TIME") / CLOCK_HZ,
        "snooping": bool(found.get_attr("IFLA_BR_MCAST_SNOOPING")),
        "vlan_filtering": bool(found.get_attr("IFLA_BR_VLAN_FILTERING")),
    }


def ports(talk: Conversation, bridge: str) -> list[Row]:
    """The ports of a bridge: name, what the spanning tree has them do, cost and priority in it."""
    found = links.decoded(ifinfmsg, talk.ask(messages.links_get(links.index(talk, bridge))))
    return [_port(m) for m in found]


def _port(message: Any) -> Row:
    port = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA")
    return {
        "name": message.get_attr("IFLA_IFNAME"),
        "state": PORT_STATES[port.get_attr("IFLA_BRPORT_STATE")],
        "cost": port.get_attr("IFLA_BRPORT_COST"),
        "priority": port.get_attr("IFLA_BRPORT_PRIORITY"),
    }


def details(talk: Conversation, interface: str) -> Row:
    """What a TUN, a TAP or a VXLAN has beside what every interface has; nothing for others."""
    found = links.link(talk, interface)
    kind, inner = (found.get_nested("IFLA_LINKINFO", f"IFLA_INFO_{name}") for name in ("KIND", "DATA"))
    if kind == "tun":
        return {
            "type": "tap" if found.get_attr("IFLA_ADDRESS") else "tun",
            "owner": inner.get_attr("IFLA_TUN_OWNER"),
            "group": inner.get_attr("IFLA_TUN_GROUP"),
            "persistent": bool(inner.get_attr("IFLA_TUN_PERSIST")),
            "multi_queue": bool(inner.get_attr("IFLA_TUN_MULTI_QUEUE")),
        }
    if kind == "vxlan":
        return {
            "vni": inner.get_attr("IFLA_VXLAN_ID"),
            "remote": inner.get_attr("IFLA_VXLAN_GROUP") or inner.get_attr("IFLA_VXLAN_GROUP6"),
            "local": inner.get_attr("IFLA_VXLAN_LOCAL") or inner.get_attr("IFLA_VXLAN_LOCAL6"),
            "port": inner.get_attr("IFLA_VXLAN_PORT"),
        }
    return {}

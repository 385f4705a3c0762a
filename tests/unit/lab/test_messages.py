"""Requests to rtnetlink say what they were asked, read by the classes of pyroute2."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from tunnel.lab import messages
from tunnel.lab.bridges import bridge_attributes, vxlan_attributes

MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
MAKE = messages.REQUEST | messages.ACK | messages.CREATE | messages.EXCLUSIVE
SET = messages.REQUEST | messages.ACK


def read(kind: type, request: bytes) -> Any:
    """The message; its length is all of it."""
    message = kind(request)
    message.decode()
    assert message["header"]["length"] == len(request)
    assert len(request) % 4 == 0
    return message


def flat(message: Any) -> dict[str, Any]:
    """Its attributes by name, nested ones under a path."""
    found: dict[str, Any] = {}
    for name, value in message["attrs"]:
        if isinstance(value, dict) and "attrs" in value:
            found |= {f"{name}/{below}": what for below, what in flat(value).items()}
            found |= {f"{name}.{field}": value[field] for field in ("index", "flags", "change") if field in value}
        else:
            found[name] = value
    return found


def test_a_pair():
    asked = messages.veth(
        "p1", 10_001, "eth0", 5_001, 7, mtu=1400, txqueuelen=10, mac=MAC, peer_mac=OTHER, master=3, up=True
    )
    message = read(ifinfmsg, asked)
    assert (message["header"]["type"], message["header"]["flags"]) == (messages.NEWLINK, MAKE)
    assert (message["index"], message["flags"], message["change"]) == (10_001, 1, 1)
    peer = "IFLA_LINKINFO/IFLA_INFO_DATA/VETH_INFO_PEER"
    assert flat(message) == {
        "IFLA_IFNAME": "p1", "IFLA_MTU": 1400, "IFLA_TXQLEN": 10, "IFLA_ADDRESS": MAC, "IFLA_MASTER": 3,
        "IFLA_LINKINFO/IFLA_INFO_KIND": "veth", f"{peer}.index": 5_001, f"{peer}.flags": 0, f"{peer}.change": 0,
        f"{peer}/IFLA_IFNAME": "eth0", f"{peer}/IFLA_NET_NS_FD": 7, f"{peer}/IFLA_MTU": 1400,
        f"{peer}/IFLA_TXQLEN": 10, f"{peer}/IFLA_ADDRESS": OTHER,
    }  # fmt: skip


def test_a_bridge():
    data = bridge_attributes(
        stp=True, priority=4096, forward_delay_s=4, ageing_s=30, snooping=False, vlan_filtering=True
    )
    below = "IFLA_LINKINFO/IFLA_INFO_DATA"
    wanted = {
        "IFLA_LINKINFO/IFLA_INFO_KIND": "bridge", f"{below}/IFLA_BR_STP_STATE": 1, f"{below}/IFLA_BR_PRIORITY": 4096,
        f"{below}/IFLA_BR_FORWARD_DELAY": 400, f"{below}/IFLA_BR_AGEING_TIME": 3000,
        f"{below}/IFLA_BR_MCAST_SNOOPING": 0, f"{below}/IFLA_BR_VLAN_FILTERING": 1,
    }  # fmt: skip
    made = read(ifinfmsg, messages.link_add("br0", "bridge", index=5, data=data))
    assert flat(made) == {"IFLA_IFNAME": "br0"} | wanted
    assert (made["flags"], made["change"]) == (0, 0)
    found = read(ifinfmsg, messages.bridge_set(5, data))
    assert (found["header"]["flags"], found["index"], flat(found)) == (SET, 5, wanted)


@pytest.mark.parametrize(
    ("remote", "local", "names"),
    [
        ("192.0.2.1", "192.0.2.2", ("IFLA_VXLAN_GROUP", "IFLA_VXLAN_LOCAL")),
        ("2001:db8::1", "2001:db8::2", ("IFLA_VXLAN_GROUP6", "IFLA_VXLAN_LOCAL6")),
    ],
)
def test_a_vxlan(remote, local, names):
    data = vxlan_attributes(42, remote=remote, local=local, port=4790, learning=False)
    found = flat(read(ifinfmsg, messages.link_add("vx0", "vxlan", data=data, parent=9)))
    below = "IFLA_LINKINFO/IFLA_INFO_DATA"
    assert found == {
        "IFLA_IFNAME": "vx0", "IFLA_LINK": 9, "IFLA_LINKINFO/IFLA_INFO_KIND": "vxlan", f"{below}/IFLA_VXLAN_ID": 42,
        f"{below}/{names[0]}": remote, f"{below}/{names[1]}": local, f"{below}/IFLA_VXLAN_PORT": 4790,
        f"{below}/IFLA_VXLAN_LEARNING": 0,
    }  # fmt: skip


def test_settings_of_an_interface():
    found = read(ifinfmsg, messages.link_set(4, up=False, name="eth1", mtu=1280, txqueuelen=0, mac=MAC, netns=8))
    assert (found["index"], found["flags"], found["change"]) == (4, 0, 1)
    assert flat(found) == {
        "IFLA_IFNAME": "eth1", "IFLA_MTU": 1280, "IFLA_TXQLEN": 0, "IFLA_ADDRESS": MAC, "IFLA_NET_NS_FD": 8,
    }  # fmt: skip
    off = read(ifinfmsg, messages.link_set(4, master=0))
    assert (off["flags"], off["change"], flat(off)) == (0, 0, {"IFLA_MASTER": 0})


def test_questions_and_the_end_of_an_interface():
    ended = read(ifinfmsg, messages.link_delete(4))
    assert (ended["header"]["type"], ended["header"]["flags"], ended["index"]) == (messages.DELLINK, SET, 4)
    assert flat(read(ifinfmsg, messages.link_get("eth0"))) == {"IFLA_IFNAME": "eth0"}
    every = read(ifinfmsg, messages.links_get())
    assert (every["header"]["flags"], flat(every)) == (messages.REQUEST | messages.DUMP, {"IFLA_EXT_MASK": 8})
    assert flat(read(ifinfmsg, messages.links_get(master=3)))["IFLA_MASTER"] == 3
    beside = read(ifinfmsg, messages.link_of(4, nsid=2))
    assert (beside["index"], flat(beside)) == (4, {"IFLA_IF_NETNSID": 2})
    assert read(ifaddrmsg, messages.addresses_get())["header"]["type"] == messages.GETADDR
    table = read(ndmsg, messages.fdb_get(3))
    assert (table["family"], flat(table)) == (messages.AF_BRIDGE, {"NDA_MASTER": 3})


@pytest.mark.parametrize(
    ("own", "prefix", "family", "flags"), [("192.0.2.1", 24, 2, {}), ("2001:db8::1", 64, 10, {"IFA_FLAGS": 2})]
)
def test_an_address(own, prefix, family, flags):
    found = read(ifaddrmsg, messages.address(4, own, prefix))
    assert (found["header"]["flags"], found["index"], found["family"], found["prefixlen"]) == (MAKE, 4, family, prefix)
    assert flat(found) == {"IFA_LOCAL": own, "IFA_ADDRESS": own} | flags
    removed = read(ifaddrmsg, messages.address(4, own, prefix, remove=True))
    assert (removed["header"]["type"], flat(removed)) == (messages.DELADDR, {"IFA_LOCAL": own, "IFA_ADDRESS": own})


def test_routes():
    found = read(rtmsg, messages.route("192.0.2.0/24", via="198.51.100.1", oif=4, metric=5, source="198.51.100.2"))
    head = {name: found[name] for name in ("family", "dst_len", "src_len", "tos", "table", "proto", "scope", "type")}
    assert head == {
        "family": 2, "dst_len": 24, "src_len": 0, "tos": 0, "table": 254, "proto": 4, "scope": 0, "type": 1,
    }  # fmt: skip
    assert flat(found) == {
        "RTA_DST": "192.0.2.0", "RTA_GATEWAY": "198.51.100.1", "RTA_OIF": 4, "RTA_PRIORITY": 5,
        "RTA_PREFSRC": "198.51.100.2", "RTA_TABLE": 254,
    }  # fmt: skip
    direct = read(rtmsg, messages.route("::/0", oif=4, table=1000))
    assert (direct["family"], direct["dst_len"], direct["scope"], direct["table"]) == (10, 0, 253, 252)
    assert flat(direct) == {"RTA_OIF": 4, "RTA_TABLE": 1000}
    gone = read(rtmsg, messages.route("192.0.2.0/24", remove=True))
    assert (gone["header"]["type"], gone["scope"], gone["type"]) == (messages.DELROUTE, 255, 0)


def test_a_rule():
    asked = messages.rule(
        100, source="192.0.2.0/24", to="198.51.100.1/32", iif="eth0", oif="eth1", fwmark=3, priority=9
    )
    found = read(fibmsg, asked)
    assert (found["family"], found["src_len"], found["dst_len"], found["action"]) == (2, 24, 32, 1)
    assert flat(found) == {
        "FRA_TABLE": 100, "FRA_PRIORITY": 9, "FRA_FWMARK": 3, "FRA_IIFNAME": "eth0", "FRA_OIFNAME": "eth1",
        "FRA_SRC": "192.0.2.0", "FRA_DST": "198.51.100.1",
    }  # fmt: skip
    assert read(fibmsg, messages.rule(100, family=socket.AF_INET6))["family"] == 10


@pytest.mark.parametrize("at", ["192.0.2.1", "2001:db8::1"])
def test_a_neighbour(at):
    found = read(ndmsg, messages.neighbour(4, at, MAC))
    assert (found["family"], found["ifindex"], found["state"]) == (10 if ":" in at else 2, 4, 0x80)
    assert flat(found) == {"NDA_DST": at, "NDA_LLADDR": MAC}
    gone = read(ndmsg, messages.neighbour_delete(4, at))
    assert (gone["header"]["type"], gone["ifindex"], flat(gone)) == (messages.DELNEIGH, 4, {"NDA_DST": at})


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_questions_for_tables(family):
    assert read(rtmsg, messages.routes_get(family))["family"] == family
    assert read(fibmsg, messages.rules_get(family))["family"] == family
    assert read(ndmsg, messages.neighbours_get())["header"]["type"] == messages.GETNEIGH


def test_an_entry_of_a_forwarding_database():
    found = read(ndmsg, messages.fdb(4, MAC))
    assert (found["family"], found["ifindex"], found["state"], found["flags"]) == (messages.AF_BRIDGE, 4, 0x40, 4)
    assert flat(found) == {"NDA_LLADDR": MAC}
    assert read(ndmsg, messages.fdb(4, MAC, remove=True))["header"]["type"] == messages.DELNEIGH

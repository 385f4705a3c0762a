"""The same verbs in a lab's node, which its holder carries out, and in a namespace that is there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netns.alone import alone, another
from tests.netns.steps import cidrs, source_of_a_datagram
from tunnel.errors import LabError
from tunnel.lab import Lab, Namespace, Node

Place = Node | Namespace
MAC = "02:00:00:00:00:07"


def routes_come_and_go(one: Place) -> None:
    one.address("va", *cidrs(1, 1))
    one.route("10.9.0.0/16", via="10.0.1.2", metric=7)
    one.route("fd09::/64", via="fd00:1::2", table=1000)
    one.route("default", interface="va")
    found = {(row.to, row.via, row.interface, row.metric, row.table) for row in one.routes(None)}
    assert found >= {
        ("10.9.0.0/16", "10.0.1.2", "va", 7, 254),
        ("fd09::/64", "fd00:1::2", "va", 1024, 1000),
        ("0.0.0.0/0", None, "va", None, 254),
        ("10.0.1.0/24", None, "va", None, 254),
    }
    assert "fd09::/64" not in {row.to for row in one.routes()}, "not of the main table"
    assert [row.to for row in one.routes(1000)] == ["fd09::/64"]
    one.remove_route("10.9.0.0/16", metric=7)
    one.remove_route("fd09::/64", table=1000)
    assert not {"10.9.0.0/16", "fd09::/64"} & {row.to for row in one.routes(None)}


def rules_come_and_go(one: Place) -> None:
    before = one.rules()
    one.rule(1000, source="fd00::/64", to="fd09::/16", priority=5)
    one.rule(99, iif="va", fwmark=3, priority=6)
    added = [(row.priority, row.family, row.source, row.to, row.iif, row.fwmark, row.table) for row in one.rules()]
    assert (5, "ipv6", "fd00::/64", "fd09::/16", None, None, 1000) in added
    assert {(6, family, None, None, "va", 3, 99) for family in ("ipv4", "ipv6")} <= set(added)
    one.remove_rule(1000, source="fd00::/64", to="fd09::/16", priority=5)
    one.remove_rule(99, iif="va", fwmark=3, priority=6)
    assert one.rules() == before


def neighbours_come_and_go(one: Place) -> None:
    known = ("10.0.1.9", "fd00:1::9")
    for address in known:
        one.neighbour("va", address, MAC)
    found = {(row.address, row.interface, row.mac, row.state) for row in one.neighbours()}
    assert found >= {(address, "va", MAC, "permanent") for address in known}
    for address in known:
        one.remove_neighbour("va", address)
    assert not set(known) & {row.address for row in one.neighbours()}


def bridges_are_set_and_shown(one: Place) -> None:
    one.bridge("br0", ["va"], stp=True, priority=4096, forward_delay_s=4, ageing_s=30, snooping=False)
    found = one.bridge_settings("br0")
    assert (found.stp, found.priority, found.forward_delay_s, found.ageing_s) == (True, 4096, 4.0, 30.0)
    assert (found.snooping, found.vlan_filtering) == (False, False)
    one.set_bridge("br0", stp=False, ageing_s=0.5)
    one.up("br0", "va", "vb")
    assert [(port.name, port.state) for port in one.ports("br0")] == [("va", "forwarding")]
    one.add_fdb("va", MAC)
    assert (MAC, "va", "static") in {(row.mac, row.interface, row.state) for row in one.fdb("br0")}
    one.remove_fdb("va", MAC)
    assert {row.state for row in one.fdb("br0")} <= {"local", "learnt"}
    one.release("br0", "va")
    assert one.ports("br0") == []
    one.delete("br0")


def devices_are_made_and_shown(one: Place) -> None:
    one.persistent_tun("tap0", tap=True, multi_queue=True, owner=0)
    one.persistent_tun("tun0")
    os.close(one.tun("tun0"))
    assert one.details("tap0") == {
        "type": "tap", "owner": 0, "group": None, "persistent": True, "multi_queue": True
    }  # fmt: skip
    assert one.details("tun0")["persistent"], "a program has come and gone"
    one.vxlan("vx0", 7, remote="fd00:1::9", local="fd00:1::1", port=4790)
    assert one.details("vx0") == {"vni": 7, "remote": "fd00:1::9", "local": "fd00:1::1", "port": 4790}
    assert one.details("va") == {}
    one.set("vx0", name="vx1")
    assert {"tap0", "tun0", "vx1"} <= {found.name for found in one.interfaces()}
    for name in ("tap0", "tun0", "vx1"):
        one.delete(name)


VERBS = (
    routes_come_and_go, rules_come_and_go, neighbours_come_and_go, bridges_are_set_and_shown,
    devices_are_made_and_shown,
)  # fmt: skip


@pytest.mark.parametrize("verbs", VERBS)
def test_a_node(lab: Lab, verbs: Callable[[Place], None]) -> None:
    node = lab.node("node")
    lab.link((node, "va"), (node, "vb"))
    node.up("va", "vb")
    verbs(node)
    assert {found.name for found in node.interfaces()} == {"lo", "va", "vb"}


@alone
def test_a_namespace() -> None:
    with Namespace() as here:
        for verbs in VERBS:
            verbs(here)
        assert {found.name for found in here.interfaces()} == {"lo", "va", "vb"}


@alone
def test_a_group_of_a_large_number() -> None:
    largest = 2**32 - 2
    with Namespace() as here:
        if Path("/proc/self/gid_map").read_text().split()[2] == "1":
            with pytest.raises(LabError, match="this user namespace has no such user or group"):
                here.persistent_tun("tun0", group=largest)
            assert {found.name for found in here.interfaces()} == {"lo", "va", "vb"}
        else:
            here.persistent_tun("tun0", group=largest)
            assert here.details("tun0")["group"] == largest
            here.delete("tun0")


@alone
def test_namespaces_are_linked_and_packets_pass() -> None:
    first, second = another(), another()
    mine, held = os.readlink("/proc/thread-self/ns/net"), len(os.listdir("/proc/self/fd"))
    with Namespace(first) as a, Namespace(f"/proc/self/fd/{second}") as b:
        assert a.veth("x", b) == ("x", "veth0")
        a.link("left", b, "right", mtu=9000)
        assert a.interface("left").mtu == b.interface("right").mtu == 9000
        for number, (one, name) in enumerate(((a, "left"), (b, "right")), 1):
            one.address(name, *cidrs(1, number))
            one.up(name)
        assert a.interface("left").index != b.interface("right").index, "linkwatch takes equal ones for no pair"
        for family, to in ((socket.AF_INET, "10.0.1.2"), (socket.AF_INET6, "fd00:1::2")):
            assert source_of_a_datagram(a, b, family, to) == to.replace("1.2", "1.1").replace("::2", "::1")
        a.move("x", b)
        with pytest.raises(LabError, match=f"namespace {first}, x: look at it: No such device"):
            a.interface("x")
        assert b.interface("x").kind == "veth"
        assert os.readlink("/proc/thread-self/ns/net") == mine
    assert len(os.listdir("/proc/self/fd")) == held, "no descriptor is left"


@alone
def test_a_closed_namespace_and_one_that_is_none() -> None:
    here = Namespace()
    here.close()
    here.close()
    held = len(os.listdir("/proc/self/fd"))
    for place, words in (("/etc/hostname", "this is no network namespace"), ("/nowhere/net", "there is no such")):
        with pytest.raises(LabError, match=f"namespace {place}: .*{words}"):
            Namespace(place)
    assert len(os.listdir("/proc/self/fd")) == held

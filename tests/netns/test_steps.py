"""The walk-through of Linux's virtual networks by commands alone: namespaces on a bridge, a TAP, a TUN."""

from __future__ import annotations

import json
import re

import pytest

from tests.netns.alone import alone
from tests.netns.namespaces import run
from tests.netns.steps import FAMILIES, at, attached, cidrs, echoes, tunnel
from tunnel.lab import Namespace

NAMES = ("red", "blue", "green")
TAP_MAC = "02:00:00:00:00:77"


def build_a_bridge() -> None:
    """Three namespaces on it, each with an address of each family."""
    tunnel("link", "up", "lo")
    tunnel("netns", "add", *NAMES)
    tunnel("bridge", "add", "br0", "--ageing", "60", *(f"--address={text}" for text in cidrs(1, 254)))
    for number, name in enumerate(NAMES, 1):
        assert tunnel("veth", "add", name, "eth0", "--peer-netns", name) == f"{name} eth0\n"
        tunnel("link", "address", "add", "-n", name, "eth0", *cidrs(1, number))
        tunnel("link", "up", "-n", name, "lo", "eth0")
    tunnel("bridge", "port", "add", "br0", *NAMES)
    tunnel("link", "up", "br0", *NAMES)


def ping_each_other() -> None:
    for family in FAMILIES:
        for source, target in (("red", 2), ("blue", 3), ("green", 1)):
            out = tunnel("netns", "exec", source, "ping", "-c1", "-W2", at(family, 1, target))
            assert "1 received" in out
        assert "1 received" in run("ping", "-c1", "-W2", at(family, 1, 1)), "the bridge itself has an address"


def tap_beside_veths() -> None:
    tunnel("tap", "add", "tap0", "--mac", "02:00:00:00:00:01", "--bridge", "br0")
    tunnel("link", "up", "tap0")
    for family in FAMILIES:
        tunnel("link", "neighbour", "add", "-n", "red", "eth0", at(family, 1, 77), TAP_MAC)
    with Namespace() as here, Namespace("red") as red, attached(here, "tap0", tap=True) as device:
        assert all(echoes(red, at(family, 1, 77), family, device, tap=True) for family in FAMILIES)
        known = json.loads(tunnel("bridge", "fdb", "list", "br0", "-j"))
        assert {"mac": TAP_MAC, "interface": "tap0", "state": "learnt"} in known
    assert "tap0" in json.loads(tunnel("bridge", "list", "-j"))[0]["ports"], "it stays without a program"


def tun_is_routed() -> None:
    """Behind red lies a TUN; blue reaches it by red."""
    tunnel("tun", "add", "-n", "red", "tun0", "--mtu", "1400")
    tunnel("link", "address", "add", "-n", "red", "tun0", *cidrs(7, 1))
    tunnel("link", "up", "-n", "red", "tun0")
    assert tunnel("link", "sysctl", "-n", "red", "net.ipv4.ip_forward", "1") == "1\n"
    assert tunnel("link", "sysctl", "-n", "red", "net.ipv6.conf.all.forwarding", "1") == "1\n"
    for family, network in zip(FAMILIES, ("10.0.7.0/24", "fd00:7::/64"), strict=True):
        tunnel("link", "route", "add", "-n", "blue", network, "--via", at(family, 1, 1))
    with Namespace("red") as red, Namespace("blue") as blue, attached(red, "tun0", tap=False) as device:
        assert all(echoes(blue, at(family, 7, 9), family, device, tap=False) for family in FAMILIES)
    assert "never bridged" in tunnel("link", "set", "-n", "red", "tun0", "--bridge", "br0", status=2)


def delete_and_verify() -> None:
    tunnel("tun", "delete", "-n", "red", "tun0")
    tunnel("tap", "delete", "tap0")
    tunnel("veth", "delete", "red")
    with Namespace("red") as red:
        assert [one.name for one in red.interfaces()] == ["lo"], "the far end went with the near one"
    tunnel("link", "delete", "blue", "green")
    tunnel("bridge", "delete", "br0")
    tunnel("netns", "delete", *NAMES)
    left = {one["name"] for one in json.loads(tunnel("link", "list", "-j"))}
    assert left == {"lo", "va", "vb"}
    assert run("ip", "netns", "list") == ""


@alone
def test_the_walk_through() -> None:
    build_a_bridge()
    ping_each_other()
    tap_beside_veths()
    tun_is_routed()
    delete_and_verify()


@alone
def test_each_sees_what_the_other_made() -> None:
    """``ip`` and we."""
    assert tunnel("veth", "add") == "veth0 veth1\n"
    assert tunnel("veth", "add", "--mtu", "9000") == "veth2 veth3\n"
    tunnel("bridge", "add", "br0", "--stp", "--priority", "4096", "--forward-delay", "4", "--port", "veth0")
    seen = json.loads(run("ip", "-d", "-j", "link", "show", "br0"))[0]["linkinfo"]["info_data"]
    assert (seen["stp_state"], seen["priority"], seen["forward_delay"]) == (1, 4096, 400)
    tunnel("bridge", "set", "br0", "--no-stp", "--ageing", "7.5", "--no-snooping")
    seen = json.loads(run("ip", "-d", "-j", "link", "show", "br0"))[0]["linkinfo"]["info_data"]
    assert (seen["stp_state"], seen["ageing_time"], seen["mcast_snooping"]) == (0, 750, 0)
    tunnel("link", "vxlan", "add", "vx0", "--vni", "7", "--remote", "10.9.9.9", "--parent", "veth0")
    words = run("ip", "-d", "link", "show", "vx0")
    assert re.search(r"vxlan id 7 remote 10.9.9.9 dev veth0 .*dstport 4789", words), words
    tunnel("tap", "add", "tap0", "--owner", "0", "--multi-queue")
    assert "persist on user root" in run("ip", "-d", "link", "show", "tap0")
    run("ip", "tuntap", "add", "tun7", "mode", "tun")
    assert "type tun\n" in tunnel("link", "show", "tun7")
    tunnel("link", "set", "veth2", "--mtu", "1280", "--mac", "02:00:00:00:00:aa", "--txqueuelen", "5", "--name", "new")
    seen = json.loads(run("ip", "-j", "link", "show", "new"))[0]
    assert (seen["mtu"], seen["address"], seen["txqlen"]) == (1280, "02:00:00:00:00:aa", 5)
    run("ip", "link", "set", "new", "master", "br0")
    assert [port["name"] for port in json.loads(tunnel("bridge", "show", "br0", "-j"))["ports"]] == ["veth0", "new"]
    tunnel("bridge", "port", "delete", "br0", "new")
    assert "master" not in json.loads(run("ip", "-j", "link", "show", "new"))[0]


@alone
def test_an_interface_moves_there_and_back() -> None:
    tunnel("netns", "add", "red")
    tunnel("link", "move", "vb", "red")
    assert [row["name"] for row in json.loads(tunnel("link", "list", "-n", "red", "-j"))] == ["lo", "vb"]
    tunnel("link", "move", "-n", "red", "vb", "/proc/self/ns/net")
    assert "vb" in tunnel("link", "list")
    tunnel("netns", "delete", "red")


@pytest.mark.parametrize("group", ["bridge", "link", "tap", "tun", "veth"])
def test_every_command_has_help(group: str) -> None:
    listed = tunnel(group, "--help").split("Commands:\n")[1]
    commands = re.findall(r"^  (\S+)  +\S", listed, re.M)  # what is further in goes on with a sentence
    assert "add" in commands or "list" in commands
    for command in commands:
        assert "Usage:" in tunnel(group, command, "--help")

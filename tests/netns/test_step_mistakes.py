"""What each command of links says to a mistake: one line, an exit code, and nothing is left half built."""

from __future__ import annotations

import sys

import pytest

from tests.netns.alone import alone
from tests.netns.namespaces import run
from tests.netns.steps import refused
from tunnel.lab import Namespace


@alone
def test_mistakes_in_the_words() -> None:
    assert "address '10.0.0.300/24'" in refused("link", "address", "add", "va", "10.0.0.300/24", status=1)
    both = refused("link", "address", "add", "va", "10.0.0.300/24", "fd00::g/64", status=1)
    assert both.count("write it like 10.0.0.1/24") == 2
    assert "a name is 1 to 15 " in refused("veth", "add", "sixteen-letters-x", status=1)
    assert "a name is 1 to 15 " in refused("bridge", "add", "a/b", status=1)
    assert "Ethernet address 'x'" in refused("tap", "add", "tap0", "--mac", "x", status=1)
    assert "no such user" in refused("tap", "add", "tap0", "--owner", "nobody-at-all", status=1)
    assert "no such group" in refused("tun", "add", "tun0", "--group", "nothing-at-all", status=1)
    assert "routed, never bridged" in refused("tun", "add", "tun0", "--bridge", "br0", status=1)
    assert "othing to set" in refused("link", "set", "va", status=1)
    assert "othing to set" in refused("bridge", "set", "va", status=1)
    assert "either --bridge or" in refused("link", "set", "va", "--bridge", "x", "--no-bridge", status=1)
    assert "xpected --via" in refused("link", "route", "add", "10.9.0.0/16", status=1)
    assert "has host bits set" in refused("link", "route", "add", "10.9.0.1/16", "--via", "10.0.0.1", status=1)
    assert "net.* only" in refused("link", "sysctl", "kernel.hostname", status=1)
    assert "not in the range" in refused("link", "vxlan", "add", "vx0", "--vni", str(2**24), status=1)
    assert "write it without '%'" in refused("link", "route", "add", "fd09::/64", "--via", "fe80::1%va", status=1)
    assert "write it without '%'" in refused("link", "address", "add", "va", "fe80::5%va/64", status=1)
    assert "namespace '..'" in refused("link", "list", "-n", "..", status=1)


@alone
def test_what_the_kernel_refuses() -> None:
    assert "eth9: set up: No such device" in refused("link", "up", "eth9")
    assert "File exists" in refused("veth", "add", "va")
    assert "File exists" in refused("bridge", "add", "va")
    assert "there is an interface of that name" in refused("tap", "add", "va")
    assert "greater than device maximum" in refused("link", "set", "va", "--mtu", "70000")
    assert "less than device minimum" in refused("link", "set", "va", "--mtu", "20")
    assert "multicast" in refused("link", "set", "va", "--mac", "01:00:00:00:00:00")
    assert "the interface has no such address" in refused("link", "address", "delete", "va", "10.0.0.1/24")
    assert "there is no such route" in refused("link", "route", "delete", "fd09::/64")
    assert "there is no such rule" in refused("link", "rule", "delete", "--table", "77", "--from", "10.0.0.0/8")
    assert "there is no such entry" in refused("link", "neighbour", "delete", "va", "10.0.0.9")
    assert "gateway is in no network" in refused("link", "route", "add", "10.9.0.0/16", "--via", "192.0.2.1")
    assert "no such sysctl" in refused("link", "sysctl", "net.ipv4.nonsense")
    assert "`tunnel netns list`" in refused("link", "list", "-n", "nowhere")
    assert "no network namespace" in refused("link", "list", "-n", "/proc/self/ns/mnt")
    assert "not masqueraded" in refused("link", "masquerade", "delete", "va")


@alone
def test_mistakes_about_bridges() -> None:
    with Namespace() as here:
        here.bridge("br0", ["va"])
        here.persistent_tun("tun0")
        before = here.interfaces()
        assert "routed, never bridged" in refused("bridge", "port", "add", "br0", "tun0")
        assert "routed, never bridged" in refused("bridge", "add", "br1", "--port", "vb", "--port", "tun0")
        assert "only a bridge has ports" in refused("bridge", "port", "add", "va", "vb")
        assert "one of the two is not here" in refused("tap", "add", "tap0", "--bridge", "br9")
        twice = ("--address=10.0.0.1/8", "--address=10.0.0.1/8")
        assert "already assigned" in refused("bridge", "add", "br1", *twice)
        assert "out of range" in refused("bridge", "set", "br0", "--stp", "--forward-delay", "99")
        here.set_bridge("br0", stp=True)
        assert "outside of what" in refused("bridge", "set", "br0", "--forward-delay", "99")
        here.set_bridge("br0", stp=False)
        assert "it is a veth, not a bridge" in refused("bridge", "show", "vb")
        assert "it is a veth, not a bridge" in refused("bridge", "set", "vb", "--stp")
        assert "no port of it: vb; its ports: va" in refused("bridge", "port", "delete", "br0", "vb")
        assert "it is no port of a bridge" in refused("bridge", "fdb", "add", "vb", "02:00:00:00:00:01")
        assert "knows no such address" in refused("bridge", "fdb", "delete", "va", "02:00:00:00:00:01")
        assert here.interfaces() == before, "nothing half built is left"


@alone
def test_only_what_is_of_its_kind_is_deleted() -> None:
    with Namespace() as here:
        here.bridge("br0")
        here.persistent_tun("tun0")
        before = here.interfaces()
    assert "br0: it is a bridge, no veth" in refused("veth", "delete", "br0")
    assert "va: it is a veth, no bridge" in refused("bridge", "delete", "va")
    assert "tun0: it is a tun, no TAP" in refused("tap", "delete", "tun0")
    assert "br0: it is a bridge, no TUN" in refused("tun", "delete", "br0")
    assert "br0: it is a bridge, no VXLAN" in refused("link", "vxlan", "delete", "br0")
    with Namespace() as here:
        assert here.interfaces() == before


def filters_vlans() -> bool:
    """Whether the kernel can: its other door to the same setting."""
    with Namespace() as here:
        here.bridge("probe")
        try:
            set_it = "ip link set probe type bridge vlan_filtering 1; ip -d link show probe"
            return "vlan_filtering 1" in run("sh", "-c", set_it)
        finally:
            here.delete("probe")


@alone
def test_a_kernel_without_vlan_filtering_is_named() -> None:
    if filters_vlans():
        with Namespace() as here:
            here.bridge("br0", vlan_filtering=True)
            assert here.bridge_settings("br0").vlan_filtering
        return
    for words in (("add", "br0"), ("set", "br1")):
        with Namespace() as here:
            here.bridge("br1")
            assert "CONFIG_BRIDGE_VLAN_FILTERING" in refused("bridge", *words, "--vlan-filtering")
            assert [one.name for one in here.interfaces() if one.kind == "bridge"] == ["br1"]
            here.delete("br1")


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--securebits=+noroot,+noroot_locked")


@alone
def test_missing_rights() -> None:
    for words in (("veth", "add"), ("link", "up", "va"), ("bridge", "add", "br0"), ("link", "masquerade", "add", "va")):
        out = run(*WITHOUT_RIGHTS, sys.executable, "-m", "tunnel", *words, status=2)
        assert "Operation not permitted; CAP_NET_ADMIN in this namespace is needed" in out, out
    assert "va" in run(*WITHOUT_RIGHTS, sys.executable, "-m", "tunnel", "link", "list"), "to look takes no rights"
    run("ip", "netns", "add", "red")
    out = run(*WITHOUT_RIGHTS, sys.executable, "-m", "tunnel", "link", "list", "-n", "red", status=2)
    assert "CAP_SYS_ADMIN" in out
    run("ip", "netns", "delete", "red")


@pytest.mark.parametrize("words", [("link", "route"), ("bridge", "fdb"), ("tap", "add")])
def test_an_incomplete_command_says_what_is_missing(words: tuple[str, ...]) -> None:
    assert "--help`" in refused(*words, status=1)

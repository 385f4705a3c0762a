"""What a lab builds is what the kernel then has, and packets pass."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

import pytest

from tunnel.errors import LabError
from tunnel.lab import Lab, Node

BEFORE_A_RETRY_S = 0.9  # a neighbour that did not answer at once is asked again after 1 s
ETH_P_IP = 0x0800
PORT = 4242
FAMILIES = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])


def address(family: int, network: int, host: int) -> str:
    """An address of a numbered network, without its prefix."""
    return f"10.0.{network}.{host}" if family == socket.AF_INET else f"fd00:{network}::{host}"


def give(node: Node, interface: str, network: int, host: int) -> None:
    """One address of each family, and the interface up."""
    for family, prefix in ((socket.AF_INET, 24), (socket.AF_INET6, 64)):
        node.address(interface, f"{address(family, network, host)}/{prefix}")
    node.up(interface)


def reach(source: Node, target: Node, family: int, to: str) -> bool:
    """Whether a datagram arrives before anything would be sent a second time."""
    kind = socket.SOCK_DGRAM
    with target.socket(family, kind) as server, source.socket(family, kind) as client:
        server.bind((to, PORT))
        server.settimeout(BEFORE_A_RETRY_S)
        client.sendto(b"datagram", (to, PORT))
        return server.recv(64) == b"datagram"


def pair(lab: Lab) -> tuple[Node, Node]:
    """Two nodes with a link, eth0 to eth0."""
    a, b = lab.node("a"), lab.node("b")
    lab.link((a, "eth0"), (b, "eth0"))
    return a, b


@FAMILIES
def test_a_link_is_usable_at_once(lab: Lab, family: int) -> None:
    a, b = pair(lab)
    give(a, "eth0", 1, 1)
    give(b, "eth0", 1, 2)
    assert reach(a, b, family, address(family, 1, 2))


@FAMILIES
@pytest.mark.parametrize("number", range(3))
def test_a_bridge_that_comes_up_after_its_ports_is_usable_at_once(lab: Lab, family: int, number: int) -> None:
    """Of a bridge linkwatch tells once a second, so the first may come in time by chance."""
    a, b = pair(lab)
    give(a, "eth0", 1, 1)
    b.bridge(f"br{number}", ["eth0"])
    b.up("eth0")
    give(b, f"br{number}", 1, 2)
    assert reach(a, b, family, address(family, 1, 2))


def test_an_ipv6_address_is_heard_at_once(lab: Lab) -> None:
    a, b = pair(lab)
    a.up("eth0")
    b.up("eth0")
    for number in range(1, 20):
        a.address("eth0", f"fd00::{number:x}/64")
        groups = a.run(["cat", "/proc/net/igmp6"]).stdout
        assert f"ff0200000000000000000001ff{number:06x}" in groups, "the group where neighbours ask (RFC 4291, 2.7.1)"


@FAMILIES
def test_a_router_forwards(lab: Lab, family: int) -> None:
    a, router, b = (lab.node(name) for name in ("a", "router", "b"))
    for number, (end, port) in enumerate(((a, "left"), (b, "right")), 1):
        lab.link((end, "eth0"), (router, port))
        give(end, "eth0", number, 1)
        give(router, port, number, 254)
        for each in (socket.AF_INET, socket.AF_INET6):
            end.route("default", via=address(each, number, 254))
    assert router.sysctl("net.ipv4.ip_forward", 1) == "1"
    assert router.sysctl("net.ipv6.conf.all.forwarding", 1) == "1"
    assert reach(a, b, family, address(family, 2, 1))


@FAMILIES
def test_a_bridge_joins_its_ports(lab: Lab, family: int) -> None:
    a, b, switch = (lab.node(name) for name in ("a", "b", "switch"))
    for number, end in enumerate((a, b), 1):
        lab.link((end, "eth0"), (switch, f"port{number}"))
        give(end, "eth0", 1, number)
    bridge = switch.bridge("br0", ["port1", "port2"])
    switch.up(bridge, "port1", "port2")
    assert reach(a, b, family, address(family, 1, 2))


def test_a_port_leaves_its_bridge(lab: Lab) -> None:
    a, b = pair(lab)
    bridge = a.bridge("br0", ["eth0"])
    assert a.interface("eth0").master == a.interface(bridge).index
    a.enslave(None, "eth0")
    assert a.interface("eth0").master is None
    assert b.interface("eth0").kind == "veth"


def test_what_an_interface_is(lab: Lab) -> None:
    a, b = lab.node("a"), lab.node("b")
    lab.link((a, "eth0"), (b, "far"), mtu=9000, txqueuelen=77)
    for found in (a.interface("eth0"), b.interface("far")):
        assert (found.kind, found.mtu, found.txqueuelen, found.up) == ("veth", 9000, 77, False)
    a.set("eth0", mtu=1280, txqueuelen=5, mac="02:00:00:00:00:AA")
    a.up("eth0")
    b.up("far")
    found = a.interface("eth0")
    assert (found.mtu, found.txqueuelen, found.mac) == (1280, 5, "02:00:00:00:00:aa")
    assert (found.up, found.carrier, found.master) == (True, True, None)
    b.down("far")
    assert (a.interface("eth0").carrier, b.interface("far").up) == (False, False)
    assert (a.interface("lo").kind, a.interface("lo").up) == (None, True)


def test_addresses_come_and_go(lab: Lab) -> None:
    a, _ = pair(lab)
    a.address("eth0", "10.0.0.1/24", "10.0.0.2/32", "fd00::1/64")
    assert set(a.addresses("eth0")) == {"10.0.0.1/24", "10.0.0.2/32", "fd00::1/64"}
    a.remove_address("eth0", "10.0.0.1/24", "fd00::1/64")
    assert a.addresses("eth0") == ["10.0.0.2/32"]


def test_a_neighbour_entry_and_exact_counters(lab: Lab) -> None:
    a, b = pair(lab)
    for node, own in ((a, "10.0.0.1/24"), (b, "10.0.0.2/24")):
        node.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)  # so that nothing but ours is sent
        node.address("eth0", own)
        node.up("eth0")
    a.neighbour("eth0", "10.0.0.77", "02:00:00:00:00:77")
    with b.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)) as frames:
        frames.bind(("eth0", ETH_P_IP))
        frames.settimeout(BEFORE_A_RETRY_S)
        with a.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            sent = [client.sendto(bytes(number), ("10.0.0.77", PORT)) for number in range(10)]
        received = [frames.recv(2048) for _ in sent]
    assert {frame[:6].hex(":") for frame in received} == {"02:00:00:00:00:77"}
    assert [len(frame) for frame in received] == [14 + 20 + 8 + length for length in sent]
    out, arrived = a.statistics("eth0"), b.statistics("eth0")
    assert out["tx_packets"] == arrived["rx_packets"] == 10
    assert out["tx_bytes"] == arrived["rx_bytes"] == sum(map(len, received))
    assert out["tx_dropped"] == arrived["rx_dropped"] == 0


def test_deleting_one_end_takes_the_other(lab: Lab) -> None:
    a, b = pair(lab)
    a.delete("eth0")
    for node in (a, b):
        with pytest.raises(LabError) as raised:
            node.interface("eth0")
        assert raised.value.errno == errno.ENODEV


def test_an_interface_moves(lab: Lab) -> None:
    a, b = pair(lab)
    c = lab.node("c")
    b.move("eth0", c)
    give(a, "eth0", 1, 1)
    give(c, "eth0", 1, 2)
    assert reach(a, c, socket.AF_INET, "10.0.1.2")
    with pytest.raises(LabError, match="node b, eth0"):
        b.interface("eth0")


def test_two_labs_do_not_meet(lab: Lab) -> None:
    with Lab() as other:
        mine, theirs = lab.node("a"), other.node("a")
        assert os.fstat(mine.netns).st_ino != os.fstat(theirs.netns).st_ino
        theirs.bridge("br0")
        with pytest.raises(LabError):
            mine.interface("br0")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda a: a.up("eth9"), "node a, eth9: set up: No such device; .*link"),
        (lambda a: a.address("eth0", "10.0.0.1/24"), "node a, eth0: add address 10.0.0.1/24: .*exists"),
        (lambda a: a.set("eth0", mtu=70_000), "node a, eth0: set mtu 70000: .*maximum"),
        (lambda a: a.route("10.9.0.0/16", via="192.0.2.1"), "node a: route to 10.9.0.0/16 via 192.*: "),
        (lambda a: a.route("10.9.0.0/16", interface="eth9"), "node a: route to 10.9.0.0/16 via eth9: "),
        (lambda a: a.sysctl("net.ipv4.nonsense"), "node a: sysctl net.ipv4.nonsense: .*No such file"),
        (lambda a: a.sysctl("net.ipv4.ip_forward", "x"), "sysctl net.ipv4.ip_forward = x: .*Invalid"),
        (lambda a: a.tun("eth0"), "node a, eth0: open: "),
        (lambda a: a.enslave("lo", "eth0"), "node a, eth0: make it a port of lo: "),
        (lambda a: a.socket(socket.AF_INET, 99), "node a: open a socket .*99.*: "),
    ],
)  # fmt: skip
def test_an_error_names_the_place_and_the_kernel_s_words(
    module_lab: Lab, action: Callable[[Node], object], words: str
) -> None:
    a = module_lab.nodes.get("a") or pair(module_lab)[0]
    if not a.addresses("eth0"):
        a.address("eth0", "10.0.0.1/24")
    with pytest.raises(LabError, match=words):
        action(a)
    assert a.addresses("eth0") == ["10.0.0.1/24"], "the lab goes on"


def test_what_exists_is_not_made_again(lab: Lab) -> None:
    a, b = pair(lab)
    with pytest.raises(LabError, match=r"node a: .*choose another"):
        lab.node("a")
    with pytest.raises(LabError, match="link a eth0 to b x: File exists; "):
        lab.link((a, "eth0"), (b, "x"))

"""More than two hosts: namespaces, address translation, hubs, tunnels within tunnels, policy routing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import permutations

import pytest

from tests.interop.ends import THEIRS, End, ours, peer_section, require, started
from tests.interop.pairs import INNER, Pair, answers, at, bound
from tests.netns.engines import until
from tunnel.lab import Lab, Node
from tunnel.lab.probe import transfer

MASQUERADE = """
table ip nat {
    chain postrouting { type nat hook postrouting priority 100; oifname { "wan", "wg0" } masquerade; }
}
"""
FORGETS_S = 2
IP_RECVERR = 11  # linux/in.h


@pytest.fixture
def moved(lab: Lab, programs: tuple[str, str]) -> Iterator[tuple[End, End]]:
    """Both programs in the node ``middle``, joined by its loopback; each interface in a node of its own."""
    middle = lab.node("middle")
    with ExitStack() as stack:
        ends = [
            stack.enter_context(started(lab, middle, program, f"wg{number}", port=10_000 * (number + 1)))
            for number, program in enumerate(programs)
        ]
        for number, end in enumerate(ends):
            end.move(lab.node(f"host{number}"))
            end.address(f"{INNER[4][number]}/24", f"{INNER[6][number]}/64")
        yield ends[0], ends[1]


def test_sockets_stay_where_the_program_is(moved: tuple[End, End]):
    for address in ("127.0.0.1", "::1"):
        for mine, other, number in ((*moved, 1), (*moved[::-1], 0)):
            allowed = [f"{INNER[4][number]}/32", f"{INNER[6][number]}/128"]
            mine.configure(peer_section(other, allowed, endpoint=at(address, other.port)))
        assert answers(moved[0].home, INNER[4][1], INNER[6][1])
        assert answers(moved[1].home, INNER[4][0], INNER[6][0])
    assert transfer(moved[0].home, moved[1].home, INNER[6][1], seconds=0.2).intact


def test_an_interface_moved_while_it_works(fresh: Pair):
    assert answers(fresh.west.home, INNER[4][1])
    fresh.west.move(fresh.lab.node("elsewhere"))
    fresh.west.address(f"{INNER[4][0]}/24", f"{INNER[6][0]}/64")
    assert answers(fresh.west.home, INNER[4][1], INNER[6][1])
    assert answers(fresh.east.home, INNER[4][0])


def behind_nat(lab: Lab) -> tuple[Node, Node, Node]:
    """A host, the router before it that translates and forgets after two seconds, and a host outside."""
    require("nft")
    inside, router, outside = lab.node("inside"), lab.node("router"), lab.node("outside")
    lab.link((inside, "eth0"), (router, "lan"))
    lab.link((router, "wan"), (outside, "eth0"))
    for node, interface, address in (
        (inside, "eth0", "192.168.1.100/24"), (router, "lan", "192.168.1.1/24"),
        (router, "wan", "192.0.2.1/24"), (outside, "eth0", "192.0.2.2/24"),
    ):  # fmt: skip
        node.address(interface, address)
        node.up(interface)
    inside.route("default", via="192.168.1.1")
    router.sysctl("net.ipv4.ip_forward", 1)
    router.run(["nft", "-f", "-"], text_input=MASQUERADE)
    for name in ("udp_timeout", "udp_timeout_stream"):
        router.sysctl(f"net.netfilter.nf_conntrack_{name}", FORGETS_S)
    return inside, router, outside


def test_a_keepalive_holds_the_way_through_nat_open(lab: Lab, programs: tuple[str, str]):
    with ExitStack() as stack:
        ends = [
            stack.enter_context(started(lab, node, program, f"wg{number}"))
            for number, (node, program) in enumerate(zip(behind_nat(lab)[::2], programs, strict=True))
        ]
        inside, outside = ends
        outside.configure(peer_section(inside, ["10.8.0.1/32"]))
        outside.address("10.8.0.2/24")
        inside.address("10.8.0.1/24")
        inside.configure(peer_section(outside, ["10.8.0.2/32"], endpoint="192.0.2.2:51820", keepalive=1))
        until(lambda: outside.peer(inside).endpoint.startswith("192.0.2.1:"))
        reached = outside.peer(inside)
        until(lambda: outside.peer(inside).rx >= reached.rx + 32 * (FORGETS_S + 1))  # keepalives, each after 1 s
        assert answers(outside.node, "10.8.0.1")
        assert outside.peer(inside).endpoint == reached.endpoint


@pytest.mark.usefixtures("only_ours")
def test_a_host_behind_nat_is_told_that_there_is_no_peer(lab: Lab):
    """The answer is to the router's address, and quotes it: connection tracking puts the host's in both places."""
    inside, router, _ = behind_nat(lab)
    with started(lab, router, ours(), "wg0") as end:
        end.configure()
        end.address("10.8.0.1/24")
        with bound(inside, "192.168.1.100", 0) as sock:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            sock.connect(("10.8.0.99", 9))
            sock.send(b"nobody")
            with pytest.raises(OSError, match="No route to host"):
                sock.recv(100)


@pytest.mark.parametrize("hub", ["ours", "theirs"])
def test_a_hub_with_three_spokes(lab: Lab, hub: str):
    programs = [ours(), THEIRS, ours(), THEIRS] if hub == "ours" else [THEIRS, ours(), THEIRS, ours()]
    middle = lab.node("hub")
    bridge = middle.bridge("br0")
    middle.address(bridge, "192.0.2.1/24")
    middle.up(bridge)
    middle.sysctl("net.ipv4.ip_forward", 1)
    with ExitStack() as stack:
        ends = [stack.enter_context(started(lab, middle, programs[0], "wg0"))]
        for number in (1, 2, 3):
            spoke = lab.node(f"spoke{number}")
            lab.link((spoke, "eth0"), (middle, f"port{number}"))
            middle.enslave(bridge, f"port{number}")
            middle.up(f"port{number}")
            spoke.address("eth0", f"192.0.2.{number + 1}/24")
            spoke.up("eth0")
            ends.append(stack.enter_context(started(lab, spoke, programs[number], f"wg{number}")))
            ends[number].configure(peer_section(ends[0], ["10.8.0.0/24"], endpoint="192.0.2.1:51820"))
            ends[number].address(f"10.8.0.{number + 1}/24")
        ends[0].configure(*(peer_section(ends[number], [f"10.8.0.{number + 1}/32"]) for number in (1, 2, 3)))
        ends[0].address("10.8.0.1/24")
        assert all(answers(ends[number].node, "10.8.0.1") for number in (1, 2, 3))
        for source, target in permutations((1, 2, 3), 2):
            assert answers(ends[source].node, f"10.8.0.{target + 1}")
        assert transfer(ends[1].node, ends[3].node, "10.8.0.4", seconds=0.2).intact


def test_a_tunnel_in_a_tunnel(pair: Pair, programs: tuple[str, str]):
    pair.reset()
    with ExitStack() as stack:
        inner = [
            stack.enter_context(started(pair.lab, end.node, program, f"in{number}", port=1000 + number))
            for number, (end, program) in enumerate(zip(pair.ends, programs[::-1], strict=True))
        ]
        for number, (end, other) in enumerate((inner, inner[::-1])):
            end.configure(peer_section(other, ["10.9.0.0/24"], endpoint=at(INNER[4][1 - number], other.port)))
            end.address(f"10.9.0.{number + 1}/24", mtu=1340)
        assert answers(pair.west.node, "10.9.0.2")
        assert answers(pair.east.node, "10.9.0.1")
        moved = transfer(pair.west.node, pair.east.node, "10.9.0.2", seconds=0.3)
        assert moved.intact and moved.size > 500_000


def test_a_peer_behind_another_peer_of_the_same_interface(fresh: Pair, programs: tuple[str, str]):
    """Onion routing: each packet passes the interface twice, for two peers. Then a layer that is its own endpoint."""
    west, east = fresh.ends
    with started(fresh.lab, east.node, programs[0], "core", port=5) as core:
        core.configure(peer_section(west, ["10.9.0.1/32"]))
        core.address("10.9.0.2/24")
        west.node.address("wg0", "10.9.0.1/24")
        west.set("peer", core.public, "allowed-ips", "10.9.0.2/32", "endpoint", at(INNER[4][1], 5))
        assert answers(west.node, "10.9.0.2")
        assert west.peer(core).endpoint == at(INNER[4][1], 5)
        before = west.peer(east).tx
        assert answers(west.node, "10.9.0.2")
        assert west.peer(east).tx > before
    west.set("peer", core.public, "endpoint", at("10.9.0.2", 5))
    assert not answers(west.node, "10.9.0.2")
    west.set("peer", core.public, "remove")
    assert answers(west.node, INNER[4][1])


def test_all_traffic_goes_through_but_the_tunnels_own(fresh: Pair):
    """As wg-quick arranges it: a default route in a table that what carries the mark does not see."""
    require("ping", "ip")
    west, east = fresh.ends
    east.node.address("lo", "10.99.0.1/32")
    west.set("fwmark", "51820", "peer", east.public, "allowed-ips", "0.0.0.0/0")
    for words in (
        "route add default dev wg0 table 51820",
        "rule add not fwmark 51820 table 51820",
        "rule add table main suppress_prefixlength 0",
    ):
        west.node.run(["ip", *words.split()])
    assert west.show("fwmark") == "0xca6c"
    assert answers(west.node, "10.99.0.1")
    east.node.run(["ip", "route", "add", "10.98.0.0/24", "dev", "wg1"])
    assert west.node.run(["ping", "-n", "-c", "1", "-W", "1", "-I", "wg0", "10.99.0.1"], check=False).returncode == 0
    marked = ["ping", "-n", "-c", "1", "-W", "1", "-m", "51820", "10.99.0.1"]
    assert west.node.run(marked, check=False).returncode != 0
    west.set("fwmark", "0")
    assert west.show("fwmark") == "off"

"""Endpoints follow who is authenticated, and answers leave from the address that was spoken to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.ends import THEIRS, End, fresh_key, public_of
from tests.interop.pairs import INNER, OUTER, Pair, answers, at, bound
from tests.netns.engines import until
from tunnel.lab import Node

OTHER = {4: "192.0.2.77", 6: "2001:db8::77"}
LENGTH = {4: 24, 6: 64}


@pytest.fixture
def met(pair: Pair) -> Iterator[Pair]:
    """A session over IPv4; what a test does to the addresses of the cable is undone afterwards."""
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    yield pair
    for number, end in enumerate(pair.ends):
        for family in (4, 6):
            settle(end.node, f"{OTHER[family]}/{LENGTH[family]}", wanted=False)
            settle(end.node, f"{OUTER[family][number]}/{LENGTH[family]}", wanted=True)


def settle(node: Node, address: str, *, wanted: bool) -> None:
    """An address of the cable is there, or is not."""
    if (address in node.addresses("eth0")) != wanted:
        change = node.address if wanted else node.remove_address
        change("eth0", address)


def replace(pair: Pair, end: End, family: int) -> None:
    """An end's cable address becomes another one."""
    end.node.sysctl("net.ipv4.conf.all.promote_secondaries", 1)
    settle(end.node, f"{OTHER[family]}/{LENGTH[family]}", wanted=True)
    settle(end.node, f"{OUTER[family][pair.ends.index(end)]}/{LENGTH[family]}", wanted=False)


def test_an_end_may_move_to_another_port_and_address(met: Pair):
    replace(met, met.west, 4)
    met.west.set("listen-port", "9999")
    assert answers(met.west.node, INNER[6][1])
    assert met.east.peer(met.west).endpoint == at(OTHER[4], 9999)
    met.west.set("listen-port", "9998", "peer", met.east.public, "endpoint", at(OUTER[6][1], met.east.port))
    assert answers(met.west.node, INNER[4][1])
    assert met.east.peer(met.west).endpoint == at(OUTER[6][0], 9998)
    assert answers(met.east.node, INNER[4][0])


@pytest.mark.usefixtures("only_ours")  # Debian's does not try again where current kernels say ENETUNREACH
@pytest.mark.parametrize("family", [4, 6])
def test_a_local_address_is_replaced(met: Pair, family: int):
    met.reset(family=family)
    mover = next(end for end in met.ends if end.program != THEIRS)
    number = met.ends.index(mover)
    other = met.ends[1 - number]
    assert answers(other.node, INNER[4][number])  # ours has learnt at which address it was spoken to
    replace(met, mover, family)
    assert answers(mover.node, INNER[4][1 - number])
    assert other.peer(mover).endpoint == at(OTHER[family], mover.port)
    assert answers(other.node, INNER[4][number])


@pytest.mark.parametrize("family", [4, 6])
def test_answers_leave_from_the_address_that_was_spoken_to(met: Pair, family: int):
    met.west.node.address("eth0", f"{OTHER[family]}/{LENGTH[family]}")
    for address in (OTHER[family], OUTER[family][0]):
        met.reset(family=family)
        met.east.set("peer", met.west.public, "endpoint", at(address, met.west.port))
        assert answers(met.east.node, INNER[4][0])
        assert met.east.peer(met.west).endpoint == at(address, met.west.port)


def test_an_address_of_another_interface(met: Pair):
    met.west.node.address("lo", "10.50.0.1/32")
    met.east.node.route("10.50.0.0/24", interface="eth0")
    met.reset()
    met.east.set("peer", met.west.public, "endpoint", at("10.50.0.1", met.west.port))
    assert answers(met.east.node, INNER[4][0])
    assert met.east.peer(met.west).endpoint == at("10.50.0.1", met.west.port)
    met.west.node.remove_address("lo", "10.50.0.1/32")


def test_a_better_route_appears(met: Pair):
    """West has two cables; the second one's route to east is better, and appears during a session."""
    met.lab.link((met.west.node, "eth1"), (met.east.node, "eth1"))
    for node, address in ((met.west.node, "198.51.100.1/24"), (met.east.node, "198.51.100.2/24")):
        node.address("eth1", address)
        node.up("eth1")
        node.sysctl("net.ipv4.conf.all.rp_filter", 0)
    assert answers(met.west.node, INNER[4][1])
    met.west.node.route(f"{OUTER[4][1]}/32", via="198.51.100.2")
    before = met.west.node.statistics("eth1")["tx_packets"]

    def taken() -> bool:
        assert answers(met.west.node, INNER[4][1])
        return met.west.node.statistics("eth1")["tx_packets"] > before

    until(taken)
    met.west.node.delete("eth1")
    until(lambda: answers(met.west.node, INNER[4][1]))


def test_a_link_local_endpoint(met: Pair):
    local = next(a for a in met.east.node.addresses("eth0") if a.startswith("fe80")).partition("/")[0]
    met.reset()
    met.west.set("peer", met.east.public, "endpoint", f"[{local}%eth0]:{met.east.port}")
    assert answers(met.west.node, INNER[4][1])
    for end, other in (met.ends, met.ends[::-1]):
        zone = "%eth0" if end.program != THEIRS else ""  # which Debian's does not tell
        shown = end.peer(other).endpoint
        assert shown.startswith("[fe80:") and shown.endswith(f"{zone}]:{other.port}")


def reaches(source: End, target: End) -> bool:
    """Whether a datagram through the tunnel arrives within half a second."""
    with bound(target.node, INNER[4][0], 1111, 0.5) as receiver, bound(source.node, INNER[4][1], 0) as sender:
        sender.sendto(b"X", (INNER[4][0], 1111))
        try:
            return receiver.recv(10) == b"X"
        except TimeoutError:
            return False


def test_a_source_that_is_not_the_peers_is_dropped_yet_the_peer_roams(met: Pair):
    west, east = met.ends
    west.set("peer", east.public, "allowed-ips", "10.8.0.0/24")
    assert reaches(east, west)
    specific = public_of(fresh_key())
    west.set("peer", specific, "allowed-ips", f"{INNER[4][1]}/32")
    east.set("listen-port", "9997")
    assert not reaches(east, west)
    until(lambda: west.peer(east).endpoint == at(OUTER[4][1], 9997))
    west.set("peer", specific, "remove")
    assert reaches(east, west)


def test_a_prefix_moves_to_the_peer_that_is_given_it_last(met: Pair):
    west, east = met.ends
    other = public_of(fresh_key())
    west.set("peer", other, "allowed-ips", f"{INNER[4][1]}/32")
    assert west.peer(other).allowed == (f"{INNER[4][1]}/32",)
    assert west.peer(east).allowed == (f"{INNER[6][1]}/128",)
    assert not reaches(east, west)
    west.set("peer", east.public, "allowed-ips", f"{INNER[4][1]}/32,{INNER[6][1]}/128")
    assert west.peer(other).allowed == ("(none)",)
    assert reaches(east, west)
    west.set("peer", other, "remove")

"""What the outer header says of the inner one, and what an answer tells those who have no peer: ours alone."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from tests.interop.ends import THEIRS, ours, require
from tests.interop.pairs import INNER, Pair, a_pair, answers, bound, capture, payloads
from tests.netns.conftest import a_lab

pytestmark = pytest.mark.usefixtures("only_ours")

NOT_ECT, ECT1, ECT0, CE = range(4)
AF41 = 0x88
MARKING = """
table ip marking {{
    chain incoming {{ type filter hook prerouting priority -300; udp dport {port} ip ecn set {mark}; }}
}}
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Pair]:
    """Ours in the west."""
    with a_lab() as lab, a_pair(lab, (ours(), THEIRS)) as made:
        yield made


@pytest.mark.parametrize(("inner", "outer"), [(NOT_ECT, NOT_ECT), (ECT0, ECT0), (ECT1, ECT1), (CE, ECT0)])
def test_the_mark_on_the_way_out(one: Pair, inner: int, outer: int):
    one.reset()
    with capture(one.east.node, "eth0") as frames, bound(one.west.node, INNER[4][0], 0) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8 | inner)
        with bound(one.east.node, INNER[4][1], 7000) as receiver:
            sender.sendto(b"marked", (INNER[4][1], 7000))
            assert receiver.recv(100) == b"marked"
        kinds = [(message[0], header[1]) for header, message in payloads(frames, one.east.port)]
    assert kinds[0] == (1, AF41)
    assert (4, outer) in kinds


@pytest.mark.parametrize(
    ("inner", "outer", "arrives"),
    [(NOT_ECT, "ce", NOT_ECT), (ECT0, "ce", CE), (ECT1, "ce", CE), (ECT0, "ect1", ECT1), (ECT0, "ect0", ECT0)],
)
def test_the_mark_on_the_way_in(one: Pair, inner: int, outer: str, arrives: int):
    require("nft")
    one.reset()
    assert answers(one.east.node, INNER[4][0])
    one.west.node.run(["nft", "-f", "-"], text_input=MARKING.format(port=one.west.port, mark=outer))
    try:
        with bound(one.west.node, INNER[4][0], 7000) as receiver, bound(one.east.node, INNER[4][1], 0) as sender:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, inner)
            sender.sendto(b"marked", (INNER[4][0], 7000))
            data, ancillary, *_ = receiver.recvmsg(100, 100)
        assert data == b"marked"
        assert ancillary[0][2][0] & 3 == arrives
    finally:
        one.west.node.run(["nft", "delete", "table", "ip", "marking"])


@pytest.mark.parametrize("family", [4, 6])
def test_a_destination_without_a_peer_is_unreachable(one: Pair, family: int):
    one.reset()
    assert told(one, family, {4: "10.8.0.99", 6: "fd08::99"}[family]) == errno.EHOSTUNREACH


@pytest.mark.parametrize("family", [4, 6])
def test_a_peer_without_an_endpoint_is_unreachable(one: Pair, family: int):
    one.reset()
    one.west.set("peer", one.east.public, "remove")
    one.west.set("peer", one.east.public, "allowed-ips", f"{INNER[4][1]}/32,{INNER[6][1]}/128")
    assert told(one, family, INNER[family][1]) == errno.EHOSTUNREACH


def told(one: Pair, family: int, address: str) -> int | None:
    """The error number that a connected socket is told by ICMP, if it wants to know of what may pass."""
    level, wish = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}[family]  # IP_RECVERR, IPV6_RECVERR
    with bound(one.west.node, INNER[family][0], 0) as sock:
        sock.setsockopt(level, wish, 1)
        sock.connect((address, 9))
        sock.send(b"nobody")
        try:
            sock.recv(100)
        except OSError as error:
            return error.errno
    return None

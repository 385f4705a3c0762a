"""Every datagram arrives as it was sent or not at all, and what is missing has a reason.

They leave the sender as super-packets (UDP_SEGMENT), are carried over a line, and are received one by one.
"""

from __future__ import annotations

import hashlib
import random
import socket
import struct
from pathlib import Path

import pytest

from tests.netns.integrity import ADDRESSES, LINES, MTU, OFFLOADS, PATIENCE_S, Pair, counters, engines, hosts
from tunnel.counters import Ledger, drops
from tunnel.lab import Lab, Node

pytestmark = pytest.mark.usefixtures("all_on")  # `sides` chooses

UDP_SEGMENT = 103  # linux/udp.h
PORT = 7000
GROUPS, GROUP = 40, 40  # a group is one send, and waits in the receiver's buffer
SIZE = MTU - 40 - 8  # with the headers of IPv6 and UDP it fills the overlay's MTU
DIGEST = 32
QUIET_S = 0.03  # nothing more comes of a group; far above the line's delay


def datagram(number: int) -> bytes:
    """A number, noise that it determines, and the SHA-256 of both."""
    body = struct.pack("!I", number) + random.Random(number).randbytes(SIZE - 4 - DIGEST)
    return body + hashlib.sha256(body).digest()


def number_of(data: bytes) -> int:
    """The number in a datagram, every byte of which is what was sent."""
    body = data[:-DIGEST]
    assert len(data) == SIZE and hashlib.sha256(body).digest() == data[-DIGEST:]
    return int.from_bytes(body[:4], "big")


def exchanged(nodes: tuple[Node, Node], pair: Pair, address: str, patience_s: float) -> tuple[list[int], list[Ledger]]:
    """West sends ``GROUPS`` super-packets to east; the numbers that arrived, in their order, and both ledgers.

    The next group follows when one is complete, or when nothing came for so long.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    segment = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", SIZE))]
    source, target = nodes
    got = list[int]()
    with target.socket(family, socket.SOCK_DGRAM) as receiver, source.socket(family, socket.SOCK_DGRAM) as sender:
        receiver.bind((address, PORT))
        sender.connect((address, PORT))
        for first in range(0, GROUPS * GROUP, GROUP):
            sender.sendmsg([datagram(number) for number in range(first, first + GROUP)], segment)
            receiver.settimeout(patience_s)
            taken(receiver, got, first + GROUP)
        ledgers = pair.stop()
        receiver.setblocking(False)
        taken(receiver, got, GROUPS * GROUP * 2)
    return got, list(ledgers)


def taken(receiver: socket.socket, got: list[int], most: int) -> None:
    """Until ``got`` has so many, or no more come."""
    try:
        while len(got) < most:
            got.append(number_of(receiver.recv(2 * SIZE)))
    except (TimeoutError, BlockingIOError):
        return


@pytest.fixture(params=["all-on", "all-off"])
def sides(lab: Lab, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[Node, Node]:
    monkeypatch.setenv("TUNNEL_NO_OFFLOAD", OFFLOADS[request.param])
    return hosts(lab)


@pytest.mark.parametrize("family", ADDRESSES)
def test_all_arrive_in_order_over_a_clean_line(sides: tuple[Node, Node], tmp_path: Path, family: int):
    with engines(sides, tmp_path, LINES["clean"]) as pair:
        got, _ = exchanged(sides, pair, ADDRESSES[family].format(2), PATIENCE_S)
    assert got == list(range(GROUPS * GROUP))


def impaired(got: list[int], refused: int) -> None:
    """The line did all that it was asked to; every datagram in ``got`` is intact already."""
    assert refused > GROUPS
    assert GROUPS * GROUP * 3 // 4 < len(set(got)) < GROUPS * GROUP
    assert len(got) > len(set(got)), "the line doubled none"
    assert got != sorted(got), "the line reordered none"


def test_what_arrives_over_a_bad_line_is_intact(sides: tuple[Node, Node], tmp_path: Path):
    with engines(sides, tmp_path, LINES["bad"]) as pair:
        got, _ = exchanged(sides, pair, ADDRESSES[6].format(2), QUIET_S)
    impaired(got, counters(sides[1])["Udp6InCsumErrors"])


def test_what_is_missing_has_a_reason(sides: tuple[Node, Node], tmp_path: Path):
    """IPv4 alone, so that nobody speaks but the test: whatever was sent or doubled is accounted for."""
    for node in sides:
        node.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    with engines(sides, tmp_path, LINES["bad"], families=(4,)) as pair:
        got, ledgers = exchanged(sides, pair, ADDRESSES[4].format(2), QUIET_S)
    kernel = counters(sides[1])
    impaired(got, kernel["Udp.InCsumErrors"])
    assert kernel["Ip.InHdrErrors"] > 0, "no IP header was corrupted"
    assert sum(ledgers[1]["kernel"]["underlay"].values()) == 0
    refused = kernel["Udp.InCsumErrors"] + kernel["Ip.InHdrErrors"] + kernel["Udp.RcvbufErrors"]
    doubled = ledgers[0]["handlers"]["line"]["cloned"]["packets"]
    dropped = sum(sum(drops(ledger).values()) for ledger in ledgers)
    assert GROUPS * GROUP + doubled == len(got) + dropped + refused

"""Our own ping and TCP transfer, against the kernel at both ends of a veth pair."""

from __future__ import annotations

import os
import select
import threading

import pytest

from tests.netns.sites import cabled
from tunnel import IP
from tunnel.errors import LabError
from tunnel.handlers.echo import Echo
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping, transfer
from tunnel.testing import drive


@pytest.fixture
def hosts(lab: Lab) -> tuple[Node, Node]:
    return cabled(lab, "10.0.0.{}/24", "fd00::{}/64")


@pytest.mark.parametrize("address", ["10.0.0.2", "fd00::2"])
def test_every_request_is_answered(hosts: tuple[Node, Node], address: str):
    shares: list[float] = []
    echoes = ping(hosts[0], address, count=5, interval_s=0.05, progress=shares.append)
    assert (echoes.sent, len(echoes.rtts_s), shares[-1]) == (5, 5, 1.0)
    assert 0 < echoes.median_s < 0.05


def test_nobody_answers(hosts: tuple[Node, Node]):
    echoes = ping(hosts[0], "10.0.0.9", count=1, interval_s=0.01)
    assert echoes.rtts_s == ()
    with pytest.raises(LabError, match="none of 1 echo requests was answered"):
        assert echoes.median_s


@pytest.mark.parametrize("address", ["10.0.0.2", "fd00::2"])
def test_a_transfer_arrives_as_it_was_sent(hosts: tuple[Node, Node], address: str):
    moved = transfer(*hosts, address, seconds=0.1)
    assert moved.intact and moved.size > 100_000
    assert moved.bits_s == pytest.approx(8 * moved.size / moved.seconds)


def test_a_transfer_to_nowhere(hosts: tuple[Node, Node]):
    left, right = hosts
    left.sysctl("net.ipv4.neigh.eth0.mcast_solicit", 1)  # asks once for the neighbour, not three times
    right.down("eth0")
    with pytest.raises(LabError, match=r"node west: connect to 10\.0\.0\.2"):
        transfer(left, right, "10.0.0.2", seconds=0.1)


def test_an_answer_counts_however_late_it_comes(lab: Lab):
    node = lab.node("node")
    fd = node.tun("t0")
    node.address("t0", "10.9.0.1/24")
    node.up("t0")
    kept: list[bytes] = []

    def answer_late() -> None:
        """Each request is answered when the next but one has come; the last two at the end."""
        while len(kept) < 5:
            select.select([fd], [], [])
            packet = os.read(fd, 2048)
            if packet[0] >> 4 == 4:  # IPv6 solicits routers as soon as the link is up
                kept.append(packet)
                if len(kept) > 2:
                    os.write(fd, answered(kept[-3]))
        for request in kept[-2:]:
            os.write(fd, answered(request))

    thread = threading.Thread(target=answer_late)
    thread.start()
    echoes = ping(node, "10.9.0.2", count=5, interval_s=0.05)
    thread.join()
    os.close(fd)
    assert len(echoes.rtts_s) == 5
    assert all(rtt > 0.09 for rtt in echoes.rtts_s[:3])


def answered(request: bytes) -> bytes:
    """The reply to an IPv4 echo request."""
    return drive(Echo(), {"port": [request]}, medium=IP).out["port"][0]

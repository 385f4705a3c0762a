"""Our own ping and TCP transfer, against the kernel at both ends of a veth pair."""

from __future__ import annotations

import pytest

from tunnel.errors import LabError
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping, transfer


@pytest.fixture
def hosts(lab: Lab) -> tuple[Node, Node]:
    left, right = lab.node("left"), lab.node("right")
    lab.link((left, "eth0"), (right, "eth0"))
    for number, node in enumerate((left, right), 1):
        node.address("eth0", f"10.0.0.{number}/24", f"fd00::{number}/64")
        node.up("eth0")
    return left, right


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
    right.down("eth0")
    with pytest.raises(LabError, match=r"node left: connect to 10\.0\.0\.2"):
        transfer(left, right, "10.0.0.2", seconds=0.1)

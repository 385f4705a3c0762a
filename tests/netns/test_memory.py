"""An engine with one TUN and one UDP device stays small, however many packets it has carried."""

from __future__ import annotations

import resource
import socket
import subprocess
from pathlib import Path

import pytest

from tests.netns.engines import running
from tunnel.lab import Lab, Node

WORDS = ("udp", "tun0", "--address", "10.8.0.1/24", "--listen", "127.0.0.1:9000", "--peer", "127.0.0.1:9001")
FIRST, LAST = 10_000, 1_000_000
SENDS_MAX = 4 * LAST  # those that find the TUN's queue full are lost before they count
BURST = 2_000
LIMIT = 60_000_000
GROWTH = 1 << 20


def resident(process: subprocess.Popen[str]) -> int:
    """Bytes of memory that the process has in use."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def carry(node: Node, sender: socket.socket, packets: int) -> None:
    """Send until so many packets have reached the TUN since it was made."""
    for _ in range(SENDS_MAX // BURST):
        for _ in range(BURST):
            sender.send(b"x" * 64)
        if node.statistics("tun0")["tx_packets"] >= packets:
            return
    pytest.fail(f"{SENDS_MAX} datagrams sent, fewer than {packets} reached the TUN")


@pytest.mark.slow
def test_a_million_packets(lab: Lab):
    node = lab.node("near")
    node.up("lo")
    with (
        node.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
        node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        running(node, *WORDS) as engine,
    ):
        peer.bind(("127.0.0.1", 9001))
        sender.connect(("10.8.0.2", 9))
        carry(node, sender, FIRST)
        first = resident(engine.process)
        carry(node, sender, LAST)
        last = resident(engine.process)
        ledger = engine.stop()
    assert ledger["devices"]["overlay"]["rx"]["descriptors"] >= LAST
    assert last - first < GROWTH
    assert last < LIMIT

"""An engine with one TUN and one UDP device stays small, however many packets it has carried."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tunnel.lab import Lab, Node
from tunnel.lab.readiness import await_line

FIRST, LAST = 10_000, 1_000_000
SENDS_MAX = 4 * LAST  # those that find the TUN's queue full are lost before they count
BURST = 2_000
LIMIT = 60_000_000
GROWTH = 1 << 20


def resident(process: subprocess.Popen[str]) -> int:
    """Bytes of memory that the process has in use."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def start(node: Node) -> subprocess.Popen[str]:
    """``tunnel udp``, once packets flow."""
    words = ["udp", "tun0", "--address", "10.8.0.1/24", "--listen", "127.0.0.1:9000", "--peer", "127.0.0.1:9001"]
    command = [sys.executable, "-m", "tunnel", *words]
    engine = node.popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    await_line(engine, "running")
    return engine


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
        start(node) as engine,
    ):
        peer.bind(("127.0.0.1", 9001))
        sender.connect(("10.8.0.2", 9))
        carry(node, sender, FIRST)
        first = resident(engine)
        carry(node, sender, LAST)
        assert resident(engine) - first < GROWTH
        assert resident(engine) < LIMIT
        engine.terminate()
        assert engine.wait(timeout=10) == 0

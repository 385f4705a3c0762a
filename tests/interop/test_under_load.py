"""A handshake gets through a flood of strangers by a cookie, whichever end is flooded."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import DEVNULL, PIPE

from bench.handshakes import INITIATION_SIZE, strangers
from bench.tools import tool
from tests.interop.ends import End
from tests.interop.pairs import INNER, Pair, capture, payloads
from tests.netns.engines import until
from tunnel.lab import Node
from tunnel.lab.probe import ping

COOKIE_SIZE = 64
RATE = 50_000


@contextmanager
def flooded(stranger: Node, address: str, end: End) -> Iterator[None]:
    """Initiations with a right first MAC arrive at an end, as long as the block lasts."""
    to = ["-a", address, "-p", f"{end.port}", "-s", f"{INITIATION_SIZE}", "-r", f"{RATE}", "-t", "60"]
    with stranger.popen([tool("tools/flood.c"), *to], stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as program:
        program.stdin.write(strangers(base64.b64decode(end.public), 2048))
        program.stdin.close()
        assert program.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            program.kill()


def test_a_cookie_opens_the_way(fresh: Pair):
    west, east = fresh.ends
    stranger = fresh.lab.node("stranger")
    fresh.lab.link((stranger, "eth0"), (east.node, "eth1"))
    for node, interface, number in ((stranger, "eth0", 2), (east.node, "eth1", 1)):
        node.address(interface, f"198.51.100.{number}/24")
        node.up(interface)
    with capture(stranger, "eth0") as seen, flooded(stranger, "198.51.100.1", east):
        until(lambda: any(message[20 + 14 + 8] == 3 for message in cookies(seen)))
        with capture(west.node, "eth0") as frames:
            ping(west.node, INNER[4][1], count=1, interval_s=0.001)
            until(lambda: west.peer(east).handshake_s > 0)
            came = [message for _, message in payloads(frames, west.port)]
    assert [len(message) for message in came][:2] == [COOKIE_SIZE, 92]
    assert len(ping(west.node, INNER[4][1], count=3, interval_s=0.01).rtts_s) == 3


def cookies(seen: socket.socket) -> list[bytes]:
    """Frames with a cookie reply among the next ones."""
    return [frame for frame in (seen.recv(2048) for _ in range(200)) if len(frame) == 14 + 20 + 8 + COOKIE_SIZE]

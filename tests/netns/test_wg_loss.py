"""``tunnel-wg`` over lines that lose, double and reorder, and through rekeys: what arrives is whole, and comes once."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from tests.netns.integrity import carried
from tests.netns.loads import SIZE, buffer_errors, datagram, lost
from tests.netns.wg_pairs import INNER, Side, sides
from tunnel.lab import Lab

BAD = "loss_pct = 5\nduplicate_pct = 1\ndelay_ms = 1\nreorder_pct = 5\nseed = 5"
LOSSY = "loss_pct = 20\nseed = 6"
SQUEEZED = (
    "rekey_ns=300_000_000, reject_ns=3_000_000_000, retry_ns=100_000_000, keepalive_ns=1_000_000_000, jitter_ns=0"
)
MIB = 1 << 20
STEP = 20  # datagrams sent at a time
QUIET_S = 0.3


class Flow:
    """Numbered datagrams from west to east at a pace; ``got`` are their numbers as they arrived."""

    def __init__(self, west: Side, east: Side) -> None:
        self.west = west
        self.sender = west.node.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver = east.node.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
        self.receiver.bind((INNER.format(2), 7000))
        self.receiver.setblocking(False)
        self.sender.connect((INNER.format(2), 7000))
        self.sent, self.got = 0, list[int]()
        self.handshakes = {west.handshake()}
        self.rate = 0.0  # datagrams a second

    def step(self) -> None:
        """Send a few."""
        for number in range(self.sent, self.sent + STEP):
            self.sender.send(datagram(number))
        self.sent += STEP

    def take(self, until: float) -> None:
        """Receive until a time."""
        while (left := until - monotonic()) > 0 and select.select([self.receiver], [], [], left)[0]:
            data = self.receiver.recv(2 * SIZE)
            number = int.from_bytes(data[:4], "big")
            assert data == datagram(number)
            self.got.append(number)

    def found_rate(self) -> float:
        """Datagrams a second that it carries where the next few go when the last have come."""
        began, before = monotonic(), self.sent
        while monotonic() < began + 0.5:
            self.step()
            while len(self.got) < self.sent:
                self.take(monotonic() + 0.0005)
                assert monotonic() < began + 10, "they do not come"
        return (self.sent - before) / (monotonic() - began)

    def run(self, rate: float, over: Callable[[], bool]) -> None:
        """At so many a second until it is over; then what is still under way."""
        due = look = monotonic()
        while not over():
            self.step()
            due = max(due + STEP / rate, monotonic() - 0.1)  # what was late is not made up for
            self.take(due)
            if monotonic() > look:
                self.handshakes.add(self.west.handshake())
                look = monotonic() + 0.02
        while (before := len(self.got)) < self.sent:
            self.take(monotonic() + QUIET_S)
            if len(self.got) == before:
                return

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@pytest.mark.parametrize("size", [2 * MIB, pytest.param(16 * MIB, marks=pytest.mark.soak)])
def test_tcp_over_a_bad_line(lab: Lab, tmp_path: Path, size: int):
    with sides(lab, tmp_path, BAD) as (west, east):
        before = west.handshake()
        carried(west.node, east.node, INNER.format(2), size)
        assert west.handshake() != before


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_rekeys_over_a_lossy_line(lab: Lab, tmp_path: Path, count: int):
    with sides(lab, tmp_path, LOSSY, SQUEEZED) as (west, east):
        flow = Flow(west, east)
        flow.run(8000, lambda: flow.sent >= count)
        flow.close()
    assert len(set(flow.got)) == len(flow.got), "a datagram came twice"
    assert 0.6 * count < len(flow.got) < 0.85 * count
    assert max(flow.got) > count - 1000, "the session did not survive"
    assert len(flow.handshakes) > 4


def refused(*sides: Side) -> int:
    """What kernels had no room for while a program did not run."""
    return sum(lost(side.node, side.name) + buffer_errors(side.node) for side in sides)


def without_loss(west: Side, east: Side, over: Callable[[Flow], bool]) -> Flow:
    """A flow at half the rate that was found, all of which arrives, once."""
    flow, before = Flow(west, east), refused(west, east)
    flow.run(1000, lambda: flow.sent >= 2 * STEP)
    flow.rate = flow.found_rate() / 2
    flow.run(flow.rate, lambda: over(flow))
    flow.close()
    assert len(set(flow.got)) == len(flow.got), "a datagram came twice"
    assert flow.sent - len(flow.got) == refused(west, east) - before
    return flow


def test_ten_rekeys_lose_nothing(lab: Lab, tmp_path: Path):
    with sides(lab, tmp_path, limits=SQUEEZED) as (west, east):
        flow = without_loss(west, east, lambda flow: len(flow.handshakes) > 12)
    assert flow.sent > 5000


@pytest.mark.soak
def test_two_rekeys_in_their_own_time_lose_nothing(lab: Lab, tmp_path: Path):
    with sides(lab, tmp_path) as (west, east):
        until = monotonic() + 250
        flow = without_loss(west, east, lambda _: monotonic() > until)
    assert len(flow.handshakes) == 4  # none, the first, and two

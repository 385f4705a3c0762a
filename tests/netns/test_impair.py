"""An impaired link as a lab has it: delay, loss and rate as set, changed while packets flow.

Where the kernel has the same impairment it is a twin: measured by the same code, held to the same bounds.
"""

from __future__ import annotations

import math
import select
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from tests.netns.impaired import EAST, Impaired, impaired, plain
from tests.netns.loads import SIZE, Load, load, lost
from tunnel.errors import TunnelError
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping

FRAME = SIZE + 8 + 20 + 14  # bytes that the line is charged for a datagram
RATE_MBIT = 20
SO_TIMESTAMPNS = 35  # asm-generic/socket.h
OFTEN = [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)]
SIGMAS = 4.5


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine's control socket is without root."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def link(lab: Lab, tmp_path: Path) -> Iterator[Impaired]:
    with impaired(lab, tmp_path) as made:
        yield made


def rtt_ms(link: Impaired) -> float:
    """The median; every echo must come back."""
    echoes = ping(link.west, EAST, count=60, interval_s=0.013)
    assert len(echoes.rtts_s) == 60
    return 1000 * echoes.median_s


def test_delay_is_as_set(link: Impaired):
    """At the median within 0.3 ms each way of what is set, beside what the way costs without it."""
    bare = rtt_ms(link)
    link.change(delay_ms=20)
    delayed = rtt_ms(link)
    assert delayed >= 40
    assert delayed - bare == pytest.approx(40, abs=0.6)
    link.change(delay_ms=20, back={"delay_ms": 1})
    assert rtt_ms(link) - bare == pytest.approx(21, abs=0.6)


WIRES = [{"delay_ms": 20}, {"delay_ms": 2}, {}, {"delay_ms": 10, "jitter_ms": 10}, {"rate_mbit": 100}, {"delay_ms": 5}]


def test_changes_lose_reorder_and_double_nothing(link: Impaired):
    """2,000 datagrams a second, and another wire every 50 ms."""
    with load(link.west, link.east, EAST) as traffic, ThreadPoolExecutor(1) as other:
        changes = []
        for number in range(3000):
            if number % 100 == 0:
                changes.append(other.submit(link.change, **WIRES[number // 100 % len(WIRES)]))
            paced(traffic, 0.0005)
        assert len([change.result()["options"] for change in changes]) == 30
        traffic.receive()
        assert traffic.got == list(range(traffic.sent))
    assert link.engine.stop()["handlers"]["line"]["drops"] == {}


def paced(traffic: Load, interval_s: float) -> None:
    """One datagram, and what comes until the next is due."""
    end = monotonic() + interval_s
    traffic.send(1)
    while (left := end - monotonic()) > 0:
        if select.select([traffic.receiver], [], [], left)[0]:
            traffic.await_all(1)


def test_what_is_in_force_is_told_and_mistakes_change_nothing(link: Impaired):
    link.change(delay_ms=1, back={"loss_pct": 100})
    before = link.ask("handlers")
    assert (before["line"]["type"], before["line"]["options"]["delay_ms"]) == ("Impair", 1)
    assert before["line"]["options"]["back"]["loss_pct"] == 100
    for options, text in (({"jitter_ms": 2}, "impair: jitter_ms: at most"), ({"hold_kib": 128}, "hold_kib: 16384 ")):
        with pytest.raises(TunnelError, match=text):
            link.change(**options)
    with pytest.raises(TunnelError, match="no handler 'other', expected line"):
        link.ask("change", {"handler": "other", "options": {}})
    assert link.ask("handlers") == before
    assert link.ask("drops")["account"]["rx"] >= 0


@pytest.mark.parametrize("count", OFTEN)
def test_loss_is_as_set(link: Impaired, count: int):
    link.change(loss_pct=1, seed=count)
    assert loss_pct(link.west, link.east, count) == pytest.approx(1, abs=bound_pct(count))


@pytest.mark.parametrize("count", OFTEN)
def test_loss_s_twin_is_a_rule_of_nftables(lab: Lab, count: int):
    rules = (
        "table inet twin { chain in { type filter hook input priority 0; "
        "udp dport 7000 numgen random mod 100 < 1 drop; }; }"
    )
    with plain(lab) as (west, east):
        east.run(["nft", rules])
        assert loss_pct(west, east, count) == pytest.approx(1, abs=bound_pct(count))


def bound_pct(count: int) -> float:
    """Percentage points: of a million packets 0.1; of fewer what chance allows."""
    return max(0.1, 100 * SIGMAS * math.sqrt(0.01 * 0.99 / count))


def loss_pct(west: Node, east: Node, count: int) -> float:
    """Percent of the datagrams that neither arrived nor were refused by the receiving socket."""
    with load(west, east, EAST, room=1 << 20) as traffic:
        while traffic.sent < count:
            traffic.send(max(200, count // 200))
            traffic.receive()
        assert lost(west, "eth0") == lost(east, "eth0") == 0
        return 100 * (1 - (len(traffic.got) + traffic.refused) / traffic.sent)


def test_rate_is_as_set(link: Impaired):
    link.change(rate_mbit=RATE_MBIT, queue_kib=4096)
    assert rate_mbit(link.west, link.east) == pytest.approx(RATE_MBIT, rel=0.02)


def test_rate_s_twin_is_a_token_bucket(lab: Lab):
    with plain(lab) as (west, east):
        bucket = ["tbf", "burst", "3000", "limit", "4194304", "rate", f"{RATE_MBIT}mbit"]
        west.run(["tc", "qdisc", "add", "dev", "eth0", "root", *bucket])
        assert rate_mbit(west, east) == pytest.approx(RATE_MBIT, rel=0.02)


def rate_mbit(west: Node, east: Node) -> float:
    """Of a line that is given 0.8 s of work at once: the median of stretches of 100 datagrams.

    A bucket's sender waits when its socket is full, so it has a thread of its own; a stretch in which the
    machine kept that from running tells nothing of the line.
    """
    with load(west, east, EAST, room=1 << 20) as traffic, ThreadPoolExecutor(1) as other:
        traffic.receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sending = other.submit(traffic.send, 2000)
        came = [arrival(traffic.receiver)]
        while came[-1][0] < 1999:
            came.append(arrival(traffic.receiver))
        sending.result()
        ends = zip(came[:-100:100], came[100::100], strict=True)
        return 8 * FRAME / 1e6 * median((last - first) / (end_s - start_s) for (first, start_s), (last, end_s) in ends)


def arrival(sock: socket.socket) -> tuple[int, float]:
    """A datagram's number, and when it came, by the kernel's clock."""
    data, ((_, _, stamp),), _, _ = sock.recvmsg(2 * SIZE, 64)
    seconds, nanoseconds = struct.unpack("qq", stamp)
    return int.from_bytes(data[:4], "big"), seconds + nanoseconds / 1e9

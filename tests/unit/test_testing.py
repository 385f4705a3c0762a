"""The test kit itself: what it passes on, and that it finds what is wrong."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

from tests.unit.packets import datagram, frame, numbered
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.hold import Hold
from tunnel.packet import DATAGRAM, HELD, IP
from tunnel.testing import Drive, FakeClock, Pair, drive


class Delay(Handler):
    """Keeps packets for 100 ns and lets all go."""

    def __init__(self) -> None:
        self.store = Hold(1 << 24)

    def process(self, batch: Batch) -> None:
        for number in range(len(batch)):
            self.store.put(batch, number)
            batch[number].egress = HELD
        self.deadline_ns = batch.now_ns + 100

    def tick(self, now_ns: int, batch: Batch) -> int:
        while self.store.release(batch):
            batch[len(batch) - 1].egress = 0
        return 0


class Lying(Handler):
    """Says that it holds what it has let go before."""

    def counts(self) -> Any:
        counts = super().counts()
        counts["rx"]["packets"] += 1
        return counts

    def process(self, batch: Batch) -> None:
        """Drops everything."""


class Tunnel(Handler):
    """Overlay and underlay: bytes of one in datagrams of the other."""

    ports = ("overlay", "underlay")

    def __init__(self, peer: tuple[str, int]) -> None:
        self.peer, self.heard = peer, list[tuple[str, int] | None]()

    def process(self, batch: Batch) -> None:
        for p in list(batch):
            if p.ingress:
                self.heard.append(p.endpoint)
                batch.emit(p.data, egress=0, medium=IP)
            else:
                batch.emit(p.data, egress=1, medium=DATAGRAM, endpoint=self.peer)
            p.drop(reasons.LOST)


def tunnel(peer: tuple[str, int]) -> Drive:
    return Drive(Tunnel(peer), medium={"overlay": IP, "underlay": DATAGRAM})


def test_out_is_by_port_and_since_the_beginning():
    driven = drive(Wire(), {"a": numbered(2)})
    driven.put("a", numbered(2, 2))
    assert driven.out == {"a": [], "b": numbered(4)}
    assert (driven.drops, driven.held) == ({}, 0)


def test_many_at_once():
    assert drive(Wire(), {"a": numbered(20_000)}).out["b"] == numbered(20_000)


def test_more_than_the_queue_behind_it_takes_at_once():
    class Often(Handler):
        def process(self, batch: Batch) -> None:
            for p in list(batch):
                p.egress = 0
                for _ in range(14):
                    batch.clone(p).egress = 0

    sent = [frame(payload=number.to_bytes(4, "big") + bytes(50_000)) for number in range(20)]
    out = drive(Often(), {"port": sent}).out["port"]
    assert sorted(out) == sorted(sent * 15)


def test_drops_of_ports_and_handler_are_told_together():
    class Drops(Handler):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.drop(reasons.LOST)

    assert drive(Drops(), {"port": [b"", frame()]}).drops == {"TRUNCATED": 1, "LOST": 1}


def test_what_a_handler_raises_is_raised():
    class Bad(Handler):
        def process(self, batch: Batch) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(Bad(), {"port": [frame()]})
    assert drive(Bad(), {"port": [frame()] * 300}, strict=False).drops == {"RAISED": 300}


def test_what_does_not_balance_is_found():
    with pytest.raises(AssertionError, match="lost or made up"):
        drive(Lying(), {"port": [frame()]})


def test_the_clock_moves_when_told_and_ticks_on_the_way():
    driven = drive(Delay(), {"port": numbered(3)}, clock=FakeClock(1000))
    assert (driven.held, driven.out["port"]) == (3, [])
    driven.advance(99e-9)
    assert (driven.held, driven.clock.now_ns) == (3, 1099)
    driven.advance(1e-9)
    assert (driven.held, driven.out["port"]) == (0, numbered(3))


def test_a_deadline_that_never_moves_on_is_found():
    class Stuck(Delay):
        def tick(self, now_ns: int, batch: Batch) -> int:
            return now_ns

    driven = drive(Stuck(), {"port": numbered(1)})
    with pytest.raises(AssertionError, match="still over after"):
        driven.advance(1)


def test_opened_and_closed_are_called():
    class Hooks(Wire):
        told: list[str]

        def opened(self, now_ns: int) -> None:
            self.told = [f"opened {now_ns}"]

        def closed(self) -> None:
            self.told.append("closed")

    hooks = Hooks()
    Drive(hooks, clock=FakeClock(7)).close()
    assert hooks.told == ["opened 7", "closed"]


def test_a_drive_that_is_let_go_leaves_no_descriptor():
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        drive(Wire(), {"a": [frame()]})
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_datagrams_have_their_endpoint():
    driven = tunnel(("192.0.2.9", 5))
    driven.put("overlay", [datagram()])
    assert driven.out["underlay"] == [datagram()]
    assert driven.endpoints == {"overlay": [], "underlay": [("192.0.2.9", 5)]}


def test_a_pair_exchanges_until_nothing_moves():
    left, right = tunnel(("192.0.2.2", 9000)), tunnel(("192.0.2.1", 9000))
    pair = Pair(left, right)
    left.put("overlay", [datagram(1), datagram(2)])
    right.put("overlay", [datagram(3)])
    assert pair.exchange() == 3
    assert pair.exchange() == 0
    assert (right.out["overlay"], left.out["overlay"]) == ([datagram(1), datagram(2)], [datagram(3)])
    assert isinstance(right.handler, Tunnel)
    assert right.handler.heard == [("192.0.2.1", 9000)] * 2


def test_a_pair_loses_what_it_is_told_to():
    left, right = tunnel(("192.0.2.2", 9000)), tunnel(("192.0.2.1", 9000))
    pair = Pair(left, right)
    pair.lost = {1}
    left.put("overlay", [datagram(1), datagram(2), datagram(3)])
    assert pair.exchange() == 3
    assert right.out["overlay"] == [datagram(1), datagram(3)]


def test_a_clock_is_in_nanoseconds():
    clock = FakeClock()
    start = clock.now_ns
    assert clock.advance(1.5) == clock.now_ns == start + 1_500_000_000

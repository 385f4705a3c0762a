"""Datagrams over loopback, sent by one Udp and received by another. Time a round is that of 640 datagrams."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel import offloads
from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.packet import DATAGRAM

COUNT = 640


@pytest.mark.parametrize("off", ["", "gso", "gro", "gso,gro", "all"])
@pytest.mark.parametrize("size", [64, 1400])
def test_send_and_receive(
    benchmark: BenchmarkFixture, monkeypatch: pytest.MonkeyPatch, size: int, off: str
) -> None:
    """Runs as long as can be, or none."""
    monkeypatch.setenv(offloads.VARIABLE, off)
    with Udp(listen="127.0.0.1:0") as near, Udp(listen="127.0.0.1:0") as far:
        batch, arrived = Batch(), Batch()
        for _ in range(COUNT):
            batch.emit(bytes(size), medium=DATAGRAM, endpoint=far.address)

        def cross() -> int:
            near.send(batch)
            came = 0
            while far.recv(arrived):
                came += len(arrived)
                arrived.clear()
            return came

        assert benchmark(cross) == COUNT

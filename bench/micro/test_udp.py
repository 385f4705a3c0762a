"""64 datagrams over loopback: sent by one Udp, received by another."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.packet import DATAGRAM

COUNT = 64


def test_send_and_receive(benchmark: BenchmarkFixture) -> None:
    with Udp(listen="127.0.0.1:0") as near, Udp(listen="127.0.0.1:0") as far:
        batch, arrived = Batch(), Batch()
        for _ in range(COUNT):
            batch.emit(bytes(64), medium=DATAGRAM, endpoint=far.address)

        def cross() -> int:
            arrived.clear()
            near.send(batch)
            return far.recv(arrived)

        assert benchmark(cross) == COUNT

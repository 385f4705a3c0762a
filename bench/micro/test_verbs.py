"""Native verbs as Python calls them, on one packet."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP

from tunnel.batch import Batch
from tunnel.packet import IP as MEDIUM_IP

DATAGRAM = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5000, dport=6000) / bytes(64))


def test_reply(benchmark: BenchmarkFixture) -> None:
    packet = Batch.of([DATAGRAM], medium=MEDIUM_IP)[0].reply
    assert benchmark(packet)


def test_set_an_address(benchmark: BenchmarkFixture) -> None:
    batch = Batch.of([DATAGRAM], medium=MEDIUM_IP)
    benchmark(setattr, batch[0], "src", bytes([10, 0, 0, 9]))
    assert batch[0].src == bytes([10, 0, 0, 9])

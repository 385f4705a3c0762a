"""Parsing 256 frames that differ in what lies before the network header."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from tunnel.batch import Batch

INNER = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5000, dport=6000)
FRAMES = {
    "plain": Ether() / INNER,
    "tagged": Ether() / Dot1Q(vlan=5) / INNER,
    "double": Ether(type=0x88A8) / Dot1Q(vlan=5) / Dot1Q(vlan=6) / INNER,
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_parse(benchmark: BenchmarkFixture, kind: str) -> None:
    batch = Batch.of([bytes(FRAMES[kind])] * 256)
    benchmark(batch.parse)
    assert batch[255].dport == 6000

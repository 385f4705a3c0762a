"""Parsing 256 packets that differ in what lies between the network and the transport header."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, TCP, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop

from tunnel.batch import Batch
from tunnel.packet import IP as MEDIUM_IP

LAST = TCP(sport=5000, dport=6000)
PACKETS = {
    "ipv4": IP(src="10.0.0.1", dst="10.0.0.2") / LAST,
    "options": IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_NOP()] * 4) / LAST,
    "ipv6": IPv6(src="fd00::1", dst="fd00::2") / LAST,
    "extensions": IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / LAST,
}


@pytest.mark.parametrize("kind", list(PACKETS))
def test_parse(benchmark: BenchmarkFixture, kind: str) -> None:
    batch = Batch.of([bytes(PACKETS[kind])] * 256, medium=MEDIUM_IP)
    benchmark(batch.parse)
    assert batch[255].dport == 6000

"""256 packets to nowhere, whose sources are told so."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from tunnel.batch import Batch
from tunnel.icmp_error import unreachable
from tunnel.packet import IP as MEDIUM_IP

BODY = UDP(dport=53) / bytes(100)
PACKETS = [
    bytes(IP(src="10.8.0.1", dst="10.8.0.2") / BODY),
    bytes(IPv6(src="fd08::1", dst="fd08::2") / BODY),
] * 128


def test_unreachable(benchmark: BenchmarkFixture) -> None:
    def anew() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(PACKETS, medium=MEDIUM_IP),), {}

    def tell(batch: Batch) -> int:
        return sum([unreachable(batch, number) for number in range(len(PACKETS))])

    told = benchmark.pedantic(tell, setup=anew, rounds=100)  # type: ignore[no-untyped-call]
    assert told == len(PACKETS)

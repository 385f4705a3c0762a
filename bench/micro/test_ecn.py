"""256 packets, both families, out of a tunnel in which half were marked; the faces' cost in it."""

from __future__ import annotations

from itertools import cycle

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from tunnel import ecn
from tunnel.batch import Batch
from tunnel.packet import IP as MEDIUM_IP

ECT0, CE = 2, 3
PACKETS = [bytes(IP(tos=ECT0) / UDP()), bytes(IPv6(tc=ECT0) / UDP())] * 128


def test_decap(benchmark: BenchmarkFixture) -> None:
    def anew() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(PACKETS, medium=MEDIUM_IP),), {}

    def decap(batch: Batch) -> Batch:
        for packet, outer in zip(batch, cycle((CE, CE, 0, 0)), strict=False):
            ecn.decap(packet, outer)
        return batch

    batch = benchmark.pedantic(decap, setup=anew, rounds=100)  # type: ignore[no-untyped-call]
    assert batch[0].data[1] == CE

"""256 ARP requests answered by Echo, the test kit's copies in it."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.l2 import ARP, Ether

from tunnel.handlers.echo import Echo
from tunnel.testing import Drive

ASKED = bytes(Ether(src="02:00:00:00:00:09", dst="ff:ff:ff:ff:ff:ff") / ARP(psrc="10.0.0.9", pdst="10.0.0.1"))


def test_answer(benchmark: BenchmarkFixture) -> None:
    echo = Echo()
    driven = Drive(echo)
    benchmark.pedantic(driven.put, (echo.ports[0], [ASKED] * 256), rounds=30)  # type: ignore[no-untyped-call]
    assert len(driven.out[echo.ports[0]]) == 30 * 256

"""UdpTunnel's way to the underlay for 256 packets, with and without a look at their sizes and SYNs."""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6

from tunnel.batch import Batch
from tunnel.handlers.udp_tunnel import UdpTunnel
from tunnel.packet import IP as MEDIUM_IP

FRAMES = 256
V4, V6 = IP(src="10.8.0.1", dst="10.8.0.2"), IPv6(src="fd08::1", dst="fd08::2")
SYN = TCP(flags="S", options=[("MSS", 1460)])
PACKETS = [bytes(head / load / bytes(size)) for head in (V4, V6) for load in (UDP(), TCP(), SYN) for size in (0, 1200)]


@pytest.mark.parametrize("mtu", [0, 1400])
def test_encap(benchmark: BenchmarkFixture, mtu: int) -> None:
    """Time a round is that of 256 packets from the overlay."""
    handler, order = UdpTunnel(peer="192.0.2.2:9000", mtu=mtu), random.Random(1)

    def laid() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(order.choices(PACKETS, k=FRAMES), medium=MEDIUM_IP),), {}

    benchmark.pedantic(handler.process, setup=laid, rounds=500)  # type: ignore[no-untyped-call]

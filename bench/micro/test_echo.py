"""Echo's pass over 256 requests: half pings, half UDP to reflect, both families."""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from tunnel.batch import Batch
from tunnel.handlers.echo import Echo
from tunnel.packet import IP as MEDIUM_IP

FRAMES = 256
V4, V6 = IP(src="10.8.0.1", dst="10.8.0.2"), IPv6(src="fd08::1", dst="fd08::2")
REQUESTS = [
    bytes(layers / bytes(56))
    for layers in (V4 / ICMP(), V4 / UDP(sport=5000), V6 / ICMPv6EchoRequest(), V6 / UDP(sport=5000))
]


@pytest.mark.parametrize("options", [{}, {"addresses": ["10.8.0.2", "fd08::2"]}, {"rate": 100_000_000}], ids=str)
def test_echo(benchmark: BenchmarkFixture, options: dict[str, object]) -> None:
    """Time a round is that of 256 packets."""
    handler, order = Echo(reflect_udp=True, **options), random.Random(1)

    def laid() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(order.choices(REQUESTS, k=FRAMES), medium=MEDIUM_IP),), {}

    benchmark.pedantic(handler.process, setup=laid, rounds=500)  # type: ignore[no-untyped-call]

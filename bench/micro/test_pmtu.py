"""SYNs whose MSS a tunnel lowers, over Memory devices."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from bench.micro.path import Path
from tunnel.handlers.udp_tunnel import UdpTunnel

SYN = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(flags="S", options=[("MSS", 1460)]))


def test_clamp(benchmark: BenchmarkFixture) -> None:
    tunnel = UdpTunnel(peer="192.0.2.2:9000", medium="ethernet", mtu=1280)
    path = Path(tunnel)
    benchmark.pedantic(path.breathe, setup=lambda: path.laid([SYN] * 256), rounds=30)  # type: ignore[no-untyped-call]
    assert tunnel.counts()["rx"]["packets"] == 30 * 1024

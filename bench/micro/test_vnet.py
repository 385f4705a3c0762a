"""64 super-packets of three datagrams each written to a TUN of a namespace, and counted."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP

from tunnel.batch import Batch
from tunnel.devices.tuntap import Tun
from tunnel.lab import Lab
from tunnel.offload.fit import declare
from tunnel.packet import IP as MEDIUM_IP

DATAGRAMS = bytes(IP(src="10.7.0.2", dst="10.7.0.1") / UDP(sport=5000, dport=6000) / bytes(192))


def test_send(benchmark: BenchmarkFixture) -> None:
    batch = Batch.of([DATAGRAMS] * 64, medium=MEDIUM_IP)
    for packet in batch:
        declare(packet, gso_type=5, gso_size=64, csum_start=20, csum_offset=6)
    with Lab() as lab:
        node = lab.node("a")
        with Tun(fd=node.tun("t0", vnet_hdr=True)) as device:
            node.up("t0")
            assert benchmark(device.send, batch) == 64
        assert device.offloads()["uso"]["used"] % 64 == 0 < device.offloads()["uso"]["used"]

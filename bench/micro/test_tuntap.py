"""64 small packets written to a TUN of a namespace, with and without the virtio header."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP

from tunnel.batch import Batch
from tunnel.devices.tuntap import Tun
from tunnel.lab import Lab
from tunnel.packet import IP as MEDIUM_IP

DATAGRAM = bytes(IP(src="10.7.0.2", dst="10.7.0.1") / UDP(sport=5000, dport=6000) / bytes(64))


@pytest.mark.parametrize("vnet_hdr", [False, True])
def test_send(benchmark: BenchmarkFixture, vnet_hdr: bool) -> None:
    with Lab() as lab:
        node = lab.node("a")
        with Tun(fd=node.tun("t0", vnet_hdr=vnet_hdr)) as device:
            node.up("t0")
            assert benchmark(device.send, Batch.of([DATAGRAM] * 64, medium=MEDIUM_IP)) == 64
        assert device.counts()["drops"] == {}

"""64 small frames sent into a veth of a namespace; as root."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tunnel.batch import Batch
from tunnel.devices.packet_socket import PacketSocket
from tunnel.lab import Lab

FRAME = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP() / UDP() / bytes(64))


def test_send(benchmark: BenchmarkFixture) -> None:
    with Lab() as lab:
        if lab.rootless:
            pytest.skip("run it as root: without, no device can be opened in the namespace of a lab (setns)")
        near, far = lab.node("near"), lab.node("far")
        lab.link((near, "eth0"), (far, "eth0"))
        near.up("eth0")
        far.up("eth0")
        with PacketSocket(interface="eth0", netns=near.netns) as device:
            assert benchmark(device.send, Batch.of([FRAME] * 64)) == 64

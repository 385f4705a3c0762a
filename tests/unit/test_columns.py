"""Addresses and ports of a batch as arrays."""

from __future__ import annotations

import numpy as np
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether

from tunnel import IP as MEDIUM_IP
from tunnel.batch import Batch

PACKETS = [
    IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5, dport=65535),
    IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=80, dport=1024),
    IP(src="1.2.3.4", dst="5.6.7.8") / ICMP(),
]


def test_addresses_and_ports_are_those_of_the_packets():
    batch = Batch.of([bytes(packet) for packet in PACKETS], medium=MEDIUM_IP)
    for packet, src, dst in zip(batch, batch.src.tolist(), batch.dst.tolist(), strict=True):
        assert packet.src is not None and packet.dst is not None
        assert (bytes(src), bytes(dst)) == (packet.src.ljust(16, b"\0"), packet.dst.ljust(16, b"\0"))
    assert batch.sport.tolist() == [5, 80, 0]
    assert batch.dport.tolist() == [65535, 1024, 0]


def test_numpy_wraps_them():
    batch = Batch.of([bytes(packet) for packet in PACKETS], medium=MEDIUM_IP)
    assert np.asarray(batch.src).shape == (3, 16)
    assert (np.asarray(batch.dport) > 1000).tolist() == [True, True, False]


def test_without_ip_there_are_zeros():
    batch = Batch.of([bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ARP())])
    assert (bytes(batch.src), bytes(batch.dst)) == (bytes(16), bytes(16))
    assert (batch.sport.tolist(), batch.dport.tolist()) == ([0], [0])


def test_an_empty_batch_has_empty_columns():
    batch = Batch()
    assert (len(batch.src), len(batch.sport)) == (0, 0)

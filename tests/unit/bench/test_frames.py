"""The mixed frames, against scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from bench.frames import mixed


def test_each_count_has_that_many_and_each_is_another():
    assert len(mixed(256)) == len(set(mixed(256))) == 256


@pytest.mark.parametrize("frame", mixed(12), ids=range(12))
def test_scapy_reads_each(frame):
    packet = Ether(frame)
    assert not packet.haslayer("Raw") or bytes(packet["Raw"]).strip(b"\0") == b""
    if packet.haslayer(IP):
        length, checksum = packet[IP].len, packet[IP].chksum
        del packet[IP].len, packet[IP].chksum
        again = Ether(bytes(packet))
        assert (again[IP].len, again[IP].chksum) == (length, checksum)

"""ECN into a tunnel and out of it: every pair of bits, both families, checksums by scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet

from tunnel import ecn
from tunnel.batch import Batch
from tunnel.packet import ETHERNET
from tunnel.packet import IP as MEDIUM_IP

NOT, ECT1, ECT0, CE = range(4)
DSCPS = [0, 0x88, 0xFC]
# Rows by what was inside, columns by what came outside: RFC 6040, figure 4, with Not-ECT always kept.
OUT = {
    NOT: {NOT: NOT, ECT0: NOT, ECT1: NOT, CE: NOT},
    ECT0: {NOT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT: CE, ECT0: CE, ECT1: CE, CE: CE},
}
PAIRS = [(inner, outer) for inner in range(4) for outer in range(4)]


def header(version: int, tos: int) -> Packet:
    """A packet of this version and ToS, with odd numbers beside it."""
    if version == 4:
        return IP(src="10.8.0.1", dst="10.8.0.2", tos=tos, id=0xFFFE, ttl=3) / UDP(dport=53) / b"what"
    return IPv6(src="fd08::1", dst="fd08::2", tc=tos, fl=0xFFFFF, hlim=3) / UDP(dport=53) / b"what"


def came_out(packet: Packet, outer: int, medium: int) -> bytes:
    """The packet once it is out of a tunnel."""
    batch = Batch.of([bytes(packet)], medium=medium)
    ecn.decap(batch[0], outer)
    return batch[0].data


@pytest.mark.parametrize("dscp", DSCPS)
@pytest.mark.parametrize("inner", range(4))
def test_what_goes_in_shows_its_bits_and_no_more(inner: int, dscp: int):
    assert ecn.encap(dscp | inner) == (ECT0 if inner == CE else inner)


@pytest.mark.parametrize("dscp", DSCPS)
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_what_comes_out(inner: int, outer: int, version: int, dscp: int):
    """Nothing but the two bits and the header's checksum changes; scapy computes that one anew."""
    expected = bytes(header(version, dscp | OUT[inner][outer]))
    for other in (0, 0x88):
        assert came_out(header(version, dscp | inner), other | outer, MEDIUM_IP) == expected


@pytest.mark.parametrize("version", [4, 6])
def test_behind_an_ethernet_header(version: int):
    link = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / Dot1Q(vlan=7)
    assert came_out(link / header(version, ECT0), CE, ETHERNET) == bytes(link / header(version, CE))


@pytest.mark.parametrize("identification", range(0, 0x10000, 257))
def test_the_checksum_at_its_edges(identification: int):
    """Many headers, whose checksums lie all over the 16 bits."""
    packet = IP(src="10.8.0.1", dst="10.8.0.2", id=identification, tos=ECT0) / b""
    expected = IP(src="10.8.0.1", dst="10.8.0.2", id=identification, tos=CE) / b""
    assert came_out(packet, CE, MEDIUM_IP) == bytes(expected)


def test_a_clone_keeps_its_bits():
    batch = Batch.of([bytes(header(4, ECT0))], medium=MEDIUM_IP)
    copy = batch.clone(batch[0])
    ecn.decap(copy, CE)
    assert batch[0].data == bytes(header(4, ECT0))
    assert copy.data == bytes(header(4, CE))


def test_what_is_no_ip_packet():
    batch = Batch.of([bytes(Ether(type=0x88B5)) + bytes(46)])
    with pytest.raises(ValueError, match="not an IP packet"):
        ecn.decap(batch[0], CE)

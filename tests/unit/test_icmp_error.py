"""ICMP errors: what an unreachable destination's looks like, and who is told. Too-big ones: ``test_pmtu``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from tunnel.batch import Batch
from tunnel.icmp_error import unreachable
from tunnel.packet import ETHERNET
from tunnel.packet import IP as MEDIUM_IP

V4, V6 = IP(src="10.8.0.1", dst="10.8.0.2"), IPv6(src="fd08::1", dst="fd08::2")
THERE = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
BACK = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")


def error4(quoted: bytes) -> Packet:
    """What the host at 10.8.0.1 is told."""
    return IP(src="10.8.0.2", dst="10.8.0.1", ttl=64, id=0, tos=0xC0) / ICMP(type=3, code=1) / Raw(quoted[:548])


def error6(quoted: bytes) -> Packet:
    """What the host at fd08::1 is told."""
    return IPv6(src="fd08::2", dst="fd08::1", hlim=64) / ICMPv6DestUnreach(code=3) / Raw(quoted[:1232])


def told(packet: Packet, medium: int = MEDIUM_IP) -> list[bytes]:
    """The errors about one packet."""
    batch = Batch.of([bytes(packet)], medium=medium)
    assert unreachable(batch, 0) == (len(batch) == 2)
    return [p.data for p in batch][1:]


@pytest.mark.parametrize("size", [0, 1, 519, 520, 521, 1203, 1204, 1205, 8000])
@pytest.mark.parametrize(("head", "error"), [(V4, error4), (V6, error6)])
def test_the_source_is_told(head: Packet, error: Callable[[bytes], Packet], size: int):
    packet = head / UDP(sport=1, dport=2) / bytes(number & 255 for number in range(size))
    assert told(packet) == [bytes(error(bytes(packet)))]


@pytest.mark.parametrize("tags", [[], [Dot1Q(vlan=7)]])
@pytest.mark.parametrize(("head", "error"), [(V4, error4), (V6, error6)])
def test_behind_an_ethernet_header(head: Packet, error: Callable[[bytes], Packet], tags: list[Packet]):
    packet = head / TCP(flags="S")
    there, back = THERE, BACK
    for tag in tags:
        there, back = there / tag, back / tag
    assert told(there / packet, ETHERNET) == [bytes(back / error(bytes(packet)))]


def test_what_is_emitted_is_parsed():
    batch = Batch.of([bytes(V4 / UDP())], medium=MEDIUM_IP)
    assert unreachable(batch, 0)
    assert (batch[1].proto, batch[1].src, batch[1].dst) == (1, bytes([10, 8, 0, 2]), bytes([10, 8, 0, 1]))


@pytest.mark.parametrize("packet", [
    V4 / ICMP(type=8), V4 / ICMP(type=0), V6 / ICMPv6EchoRequest(), V4 / TCP(), V4 / Raw(b""),
    IP(src="10.8.0.1", dst="10.8.0.2", flags="MF") / UDP() / bytes(8),
], ids=lambda layers: layers.summary())  # fmt: skip
def test_who_may_be_told(packet: Packet):
    assert len(told(packet)) == 1


@pytest.mark.parametrize("packet", [
    V4 / ICMP(type=3, code=1) / bytes(28), V4 / ICMP(type=11) / bytes(28), V4 / ICMP(type=5) / bytes(28),
    V6 / ICMPv6DestUnreach() / bytes(48),
    IP(src="10.8.0.1", dst="10.8.0.2", frag=100) / bytes(8), V6 / IPv6ExtHdrFragment(offset=100) / bytes(8),
    IP(src="0.0.0.0", dst="10.8.0.2") / UDP(), IP(src="127.0.0.1", dst="10.8.0.2") / UDP(),
    IP(src="224.0.0.1", dst="10.8.0.2") / UDP(), IP(src="10.8.0.1", dst="224.0.0.1") / UDP(),
    IP(src="10.8.0.1", dst="255.255.255.255") / UDP(),
    IPv6(src="::", dst="fd08::2") / UDP(), IPv6(src="fd08::1", dst="ff02::1") / UDP(),
], ids=lambda layers: layers.summary())  # fmt: skip
def test_who_may_not_be_told(packet: Packet):
    assert told(packet) == []


def test_a_broadcast_frame_is_not_answered():
    assert told(Ether(dst="ff:ff:ff:ff:ff:ff") / V4 / UDP(), ETHERNET) == []


def test_what_is_no_ip_packet_is_not_answered():
    """Nor is a header looked for where ``l3`` says that there is none: 65,535 bytes on."""
    batch = Batch.of([bytes(65_535) + bytes(V6 / UDP())], medium=MEDIUM_IP)
    assert not unreachable(batch, 0)
    assert len(batch) == 1


def test_there_is_such_a_packet():
    with pytest.raises(IndexError):
        unreachable(Batch(), 0)

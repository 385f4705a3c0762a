"""The Python face of a packet: what it shows, and that one that is kept stays valid and private."""

from __future__ import annotations

import gc
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet as Layers

from tunnel import reasons
from tunnel.batch import Batch
from tunnel.packet import CONSUMED, DATAGRAM, DROP, ETHERNET, Packet
from tunnel.packet import IP as L3

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
V4 = Ether(**MACS) / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1000, dport=53) / b"question"
V6 = Ether(**MACS) / IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=40000, dport=443) / b"hello"
PLAIN = bytes(V4)


def face(layers: Layers | bytes, medium: int = ETHERNET) -> Packet:
    return Batch.of([bytes(layers)], medium=medium)[0]


def right(data: bytes) -> bool:
    """Scapy, told to make both checksums anew, finds the same."""
    again = Ether(data)
    del again[IP].chksum
    del again[UDP].chksum
    return bytes(again) == data


def test_udp_over_ipv4():
    p = face(V4)
    assert p.five_tuple == (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]), 17, 1000, 53)
    assert (p.src, p.dst, p.proto, p.sport, p.dport) == p.five_tuple
    assert (p.src_ip, p.dst_ip) == (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))
    assert (p.l3, p.l4, p.payload_offset, p.payload) == (14, 34, 42, b"question")
    assert (p.ip_version, p.ethertype, len(p), p.data) == (4, 0x0800, len(PLAIN), PLAIN)


def test_tcp_over_ipv6():
    p = face(V6)
    assert p.src_ip == IPv6Address("2001:db8::1")
    assert (p.proto, p.sport, p.dport, p.payload) == (6, 40000, 443, b"hello")
    assert len(p.dst or b"") == 16


def test_macs_and_vlan():
    p = face(Ether(**MACS) / Dot1Q(vlan=7) / Dot1Q(vlan=9) / IP())
    assert (p.src_mac, p.dst_mac) == (bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2]))
    assert (p.vlan, p.vlan_inner) == (7, 9)


def test_what_is_absent_is_none():
    p = face(Ether(**MACS) / ARP())
    assert (p.src, p.dst, p.src_ip, p.sport, p.dport, p.l4, p.vlan, p.vlan_inner) == (None,) * 8
    ip = face(IP() / ICMP(), L3)
    assert (ip.src_mac, ip.dst_mac, ip.endpoint, ip.sport) == (None,) * 4


@pytest.mark.parametrize("size", range(14))
def test_a_frame_too_short_for_its_macs_has_none(size: int):
    p = face(PLAIN[:size])
    assert (p.dst_mac is None) == (size < 12)
    assert p.data == PLAIN[:size]
    assert p.reason == reasons.TRUNCATED


def test_a_datagram_has_its_endpoint():
    batch = Batch()
    ends = [("192.0.2.7", 9000), ("2001:db8::7", 1), ("fe80::7%3", 65535), None]
    for end in ends:
        batch.emit(b"x", medium=DATAGRAM, endpoint=end)
    assert [p.endpoint for p in batch] == ends
    kept = list(batch)
    batch.clear()
    assert [p.endpoint for p in kept] == ends


def test_setters_mend_the_checksums():
    p = face(V4)
    p.src, p.dst, p.sport, p.dport = bytes([10, 1, 2, 3]), bytes([10, 9, 8, 7]), 5, 65535
    assert p.five_tuple == (bytes([10, 1, 2, 3]), bytes([10, 9, 8, 7]), 17, 5, 65535)
    assert right(p.data)


@pytest.mark.parametrize("address", [b"", bytes(3), bytes(16)])
def test_an_address_of_the_wrong_size_is_refused(address: bytes):
    p = face(V4)
    with pytest.raises(ValueError, match="does not fit IP version 4"):
        p.src = address
    assert p.data == PLAIN


def test_ports_where_there_are_none_are_refused():
    p = face(Ether() / IP() / ICMP())
    with pytest.raises(ValueError, match="protocol 1 has no ports"):
        p.sport = 1


def test_ports_of_sctp_are_read_but_not_set():
    p = face(Ether() / IP(proto=132) / bytes([0, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]))
    before = p.data
    assert (p.sport, p.dport) == (7, 9)
    with pytest.raises(ValueError, match="protocol 132 has no ports that can be set"):
        p.dport = 1
    assert p.data == before


def test_an_address_where_there_is_none_is_refused():
    p = face(Ether() / ARP())
    for address in (bytes(4), bytes(16)):
        with pytest.raises(ValueError, match="does not fit IP version 0"):
            p.dst = address


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int):
    with pytest.raises(OverflowError):
        face(V4).dport = port


def test_echo_and_reply():
    request = Ether(**MACS) / IP(src="192.0.2.1", dst="192.0.2.2") / ICMP(id=5, seq=6) / b"ping"
    p = face(request)
    assert p.echo()
    answer = Ether(p.data)
    assert (answer.src, answer.dst) == (MACS["dst"], MACS["src"])
    assert (answer[IP].src, answer[IP].dst, answer[ICMP].type) == ("192.0.2.2", "192.0.2.1", 0)
    assert not p.echo()
    q = face(V4)
    assert q.reply()
    assert (q.sport, q.dport, q.src_ip) == (53, 1000, IPv4Address("192.0.2.2"))
    assert right(bytes(q.data[:22]) + bytes([64]) + bytes(q.data[23:])) or right(q.data)
    assert not face(Ether(**MACS) / ARP()).reply()


def test_verdicts():
    p = face(V4)
    assert (p.egress, p.reason) == (DROP, reasons.UNCLAIMED)
    p.egress = 3
    assert p.egress == 3
    p.egress = CONSUMED
    assert p.egress == CONSUMED
    p.drop(reasons.STRANGER)
    assert (p.egress, p.reason) == (DROP, reasons.STRANGER)


def test_a_reason_out_of_the_table_is_refused():
    with pytest.raises(ValueError, match="reason 256"):
        face(V4).drop(256)


def test_mark_is_the_users():
    p = face(V4)
    assert p.mark == 0
    p.mark = 0xFFFFFFFF
    assert p.mark == 0xFFFFFFFF
    with pytest.raises(OverflowError):
        p.mark = 1 << 32


def test_both_directions_have_one_flow():
    p = face(V4)
    there = p.flow
    back = Ether() / IP(src="192.0.2.2", dst="192.0.2.1") / UDP(sport=53, dport=1000)
    assert there == face(back).flow != 0


def test_one_made_by_hand_is_an_empty_packet():
    p = Packet()
    assert (p.data, p.payload, len(p), p.src, p.sport, p.dst_mac, p.endpoint) == (b"", b"", 0, None, None, None, None)
    assert "0 bytes" in repr(p)


def test_repr_names_the_ends():
    assert "192.0.2.1 -> 192.0.2.2" in repr(face(V4))


def test_one_kept_beyond_its_batch_is_valid():
    p = Batch.of([PLAIN])[0]
    gc.collect()
    Batch.of([bytes(200)] * 70)
    assert (p.data, p.dport) == (PLAIN, 53)


def test_those_kept_in_a_list_are_all_valid_for_ever():
    frames = [bytes(Ether(**MACS) / IP() / UDP(dport=port) / bytes(port % 90)) for port in range(1, 200)]
    batch = Batch.of(frames)
    kept = list(batch)
    for number in range(20):
        batch.clear()
        batch.emit(bytes([number]) * 1400)
    assert [p.data for p in kept] == frames
    assert [p.dport for p in kept] == list(range(1, 200))


def test_one_kept_is_private():
    batch = Batch.of([PLAIN])
    kept = batch[0]
    batch.clear()
    fresh = batch.emit(PLAIN)
    kept.dport, kept.egress, kept.mark = 99, 7, 8
    kept.view[:1] = b"!"
    assert (fresh.data, fresh.egress, fresh.mark) == (PLAIN, DROP, 0)
    assert (kept.dport, kept.data[:1]) == (99, b"!")


def test_what_is_done_to_one_kept_keeps_its_checksums_right():
    p = Batch.of([PLAIN])[0]
    gc.collect()
    p.own()
    p.src = bytes([10, 0, 0, 1])
    assert right(p.data)


def test_one_kept_owns_the_view_of_its_bytes():
    batch = Batch.of([PLAIN])
    kept = batch[0]
    batch.clear()
    view = kept.view
    del kept, batch
    gc.collect()
    assert bytes(view) == PLAIN


def test_one_kept_in_a_cycle_is_collected():
    class Keeper:
        def __init__(self) -> None:
            self.batch = Batch.of([PLAIN])
            self.packets = list(self.batch)
            self.me = self

    gc.collect()
    for _ in range(50):
        Keeper()
    assert gc.collect() >= 50


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=80))
def test_whatever_its_bytes_it_can_be_read_and_kept(frames: list[bytes]):
    batch = Batch.of(frames)
    kept = list(batch)
    shown = [(p.data, p.five_tuple, p.payload, p.vlan, p.dst_mac, p.flow) for p in kept]
    batch.clear()
    assert shown == [(p.data, p.five_tuple, p.payload, p.vlan, p.dst_mac, p.flow) for p in kept]
    assert [p.data for p in kept] == frames

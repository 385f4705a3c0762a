"""The verbs of a packet against scapy: after each, the checksums are those scapy computes."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLReport2, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from tunnel.batch import Batch
from tunnel.packet import DATAGRAM, ETHERNET
from tunnel.packet import IP as MEDIUM_IP

V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2", id=9), IPv6(src="fd00::1", dst="fd00::2", hlim=9)
PAYLOADS = [TCP(sport=1, dport=2), UDP(sport=1, dport=2), Raw(b"?")]
PACKETS = [head / load / Raw(b"odd") for head in (V4, V6) for load in PAYLOADS] + [
    V4 / ICMP(type=13),
    V6 / ICMPv6MLReport2(),
]


def packet_of(layers, medium=MEDIUM_IP):
    batch = Batch.of([bytes(layers)], medium=medium)
    return batch, batch[0]


def built(layers):
    """The packet with its checksums made anew."""
    layers = layers.copy()
    for layer in (IP, TCP, UDP, ICMP, ICMPv6EchoReply, ICMPv6MLReport2):
        for name in {"chksum", "cksum"} & set(layers[layer].fields if layer in layers else ()):
            layers[layer].delfieldval(name)
    return bytes(layers)


def parsed(data):
    return IP(data) if data[0] >> 4 == 4 else IPv6(data)


@pytest.mark.parametrize("layers", PACKETS, ids=lambda layers: layers.summary())
def test_reply(layers):
    _, packet = packet_of(layers)
    assert packet.reply()
    head = layers.copy()
    head.src, head.dst = layers.dst, layers.src
    head.fields["ttl" if IP in layers else "hlim"] = 64
    if TCP in layers or UDP in layers:
        head.payload.sport, head.payload.dport = layers.dport, layers.sport
    assert packet.data == built(head)


def test_reply_swaps_the_frame_too():
    _, packet = packet_of(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / V4 / UDP(), ETHERNET)
    assert packet.reply()
    assert (packet.src_mac[-1], packet.dst_mac[-1]) == (2, 1)


@pytest.mark.parametrize("layers", [Ether() / ARP(), Ether(type=0x1234) / Raw(bytes(50))])
def test_what_is_not_ip_has_no_reply(layers):
    _, packet = packet_of(layers, ETHERNET)
    before = packet.data
    assert not packet.reply()
    assert not packet.echo()
    assert packet.data == before


def test_a_datagram_goes_back_where_it_came_from():
    batch = Batch()
    assert batch.emit(b"hello", medium=DATAGRAM, endpoint=("192.0.2.1", 9)).reply()
    assert not batch.emit(b"hello", medium=DATAGRAM).reply()


@given(st.binary(max_size=80), st.integers(0, 65535), st.booleans())
def test_echo(data, number, v6):
    if v6:
        ask, reply = ICMPv6EchoRequest(id=number, data=data), ICMPv6EchoReply(id=number, data=data)
    else:
        ask, reply = ICMP(type=8, id=number, seq=1) / data, ICMP(type=0, id=number, seq=1) / data
    _, packet = packet_of((V6 if v6 else V4) / ask)
    back = IPv6(src="fd00::2", dst="fd00::1", hlim=64) if v6 else IP(src="10.0.0.2", dst="10.0.0.1", id=9)
    expected = parsed(bytes(back / reply))
    if not v6 and expected[ICMP].chksum == 0:
        expected[ICMP].chksum = 0xFFFF
    assert packet.echo()
    assert packet.data == bytes(expected)


def test_a_reply_that_is_all_zero_verifies():
    _, packet = packet_of(V4 / ICMP(type=8, id=0, seq=0) / bytes(4))
    assert packet.echo()
    assert packet.data[20:] == bytes.fromhex("0000ffff") + bytes(8)


@pytest.mark.parametrize("layers", [*PACKETS, V4 / ICMP(type=0), V4 / ICMP(type=8, code=1)])
def test_what_is_no_request_has_no_echo(layers):
    _, packet = packet_of(layers)
    assert not packet.echo()
    assert packet.data == bytes(layers)


@pytest.mark.parametrize("layers", PACKETS, ids=lambda layers: layers.summary())
@given(number=st.integers(0, (1 << 128) - 1), destination=st.booleans())
def test_an_address_is_set_with_its_checksums(layers, number, destination):
    _, packet = packet_of(layers)
    address = ipaddress.ip_address(number & 0xFFFFFFFF) if IP in layers else ipaddress.IPv6Address(number)
    setattr(packet, "dst" if destination else "src", address.packed)
    expected = parsed(bytes(layers))
    setattr(expected, "dst" if destination else "src", str(address))
    assert packet.data == built(expected)


@pytest.mark.parametrize("layers", PACKETS[:2] + PACKETS[3:5], ids=lambda layers: layers.summary())
@given(port=st.integers(0, 65535), destination=st.booleans())
def test_a_port_is_set_with_its_checksum(layers, port, destination):
    _, packet = packet_of(layers)
    setattr(packet, "dport" if destination else "sport", port)
    expected = parsed(bytes(layers))
    setattr(expected.payload, "dport" if destination else "sport", port)
    assert packet.data == built(expected)


def test_no_checksum_stays_none():
    layers = V4 / UDP(sport=1, dport=2, chksum=0) / b"data"
    _, packet = packet_of(layers)
    packet.sport, packet.src = 5, bytes(4)
    assert parsed(packet.data)[UDP].chksum == 0


def test_a_shared_packet_is_made_its_own_first():
    batch, packet = packet_of(V4 / ICMP(type=8))
    before = packet.data
    clone = batch.clone(packet)
    assert clone.echo()
    assert packet.data == before != clone.data

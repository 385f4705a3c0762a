"""Sealing: padding, order, and who is told that nobody takes a packet."""

import pytest
from scapy.layers.inet import ICMP, IP, UDP, IPerror
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6

from tests.unit.crypto.aeads import PRESENT
from tests.unit.protocols.wireguard.ends import End, Net, packet


@pytest.mark.parametrize("aead", PRESENT)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1391, 1392])
def test_padding_stays_below_the_mtu(size, aead):
    net = Net(aead=aead)
    sent = net.send(net.a, b"x" * size)
    length = 28 + size
    assert net.b.delivered == [sent]
    assert len(net.seen[-1][1]) == 32 + min(1420, -(-length // 16) * 16)


def test_above_the_mtu_the_last_piece_is_padded():
    net = Net()
    net.a.handler.mtu = 100
    sent = net.send(net.a, b"x" * 102)  # 130 bytes: 30 above
    assert net.b.delivered == [sent]
    assert len(net.seen[-1][1]) == 32 + 130 + 2


def test_many_packets_keep_their_order():
    net = Net()
    net.send(net.a)
    packets = [packet(1, 2, b"%d" % number) for number in range(200)]
    net.a.drive.put("overlay", packets)
    net.settle()
    assert net.b.delivered[1:] == packets


def test_nobodys_destination_is_unreachable():
    net = Net()
    net.a.drive.put("overlay", [packet(1, 9)])
    answer = IP(net.a.delivered[0])
    assert (answer.src, answer.dst, answer[ICMP].type, answer[ICMP].code) == ("10.0.0.9", "10.0.0.1", 3, 1)
    assert answer[IPerror].dst == "10.0.0.9"
    assert net.a.drive.drops == {"NO_ALLOWED_IP": 1}


def test_nobodys_ipv6_destination_is_unreachable():
    net = Net()
    net.a.drive.put("overlay", [bytes(IPv6(src="fd00::1", dst="fd00::9") / UDP() / b"x")])
    answer = IPv6(net.a.delivered[0])
    assert (answer.dst, answer[ICMPv6DestUnreach].code) == ("fd00::1", 3)


def test_a_peer_without_endpoint_is_unreachable_until_it_speaks():
    a, b = End(1), End(2)
    a.know(b, endpoint=False)
    a.drive.put("overlay", [packet(1, 2)])
    assert a.drive.drops == {"NO_ENDPOINT": 1}
    assert IP(a.delivered[0])[ICMP].code == 1
    assert a.fresh() == []

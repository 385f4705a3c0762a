"""WireGuard: what passes between two ends, and what does not; timers are in tests/unit/protocols."""

import pytest
from scapy.layers.inet import ICMP, IP, UDP, IPerror
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6

from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.protocols.wireguard.constants import COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT

SIZES = {INITIATION: 148, RESPONSE: 92}


def test_a_packet_each_way():
    net = Net()
    there = net.send(net.a, b"there")
    back = net.send(net.b, b"back")
    assert (net.b.delivered, net.a.delivered) == ([there], [back])
    assert net.kinds() == [INITIATION, RESPONSE, TRANSPORT, TRANSPORT]
    assert [len(message) for _, message in net.seen[:2]] == [148, 92]


def test_counters_are_bytes_of_messages():
    net = Net()
    for end in (net.a, net.b):
        net.send(end, b"x" * 20)  # 48 bytes of IP
    assert (net.a.peer.tx_bytes, net.a.peer.rx_bytes) == (228, 172)
    assert (net.b.peer.tx_bytes, net.b.peer.rx_bytes) == (172, 228)


@pytest.mark.parametrize("aead", ["ipsec-mb", "libcrypto"])
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


def test_packets_wait_for_the_session_the_oldest_goes_first():
    net = Net(path=lambda *_: [])
    net.a.drive.put("overlay", [packet(1, 2, b"%d" % number) for number in range(130)])
    assert net.a.drive.drops == {"STAGED_FULL": 2}
    net.path = lambda _, message: [message]
    net.run(6)
    assert net.b.delivered == [packet(1, 2, b"%d" % number) for number in range(2, 130)]
    assert net.a.drive.held == 0


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


def test_a_source_that_is_not_the_peers_is_dropped_yet_it_roams():
    net = Net()
    net.send(net.a)
    net.a.drive.put("overlay", [packet(7, 2)])
    for message in net.a.fresh():
        net.b.drive.put("underlay", [(message, ("198.51.100.7", 1234))])
    assert net.b.drive.drops == {"WRONG_SOURCE": 1}
    assert net.b.peer.endpoint == "198.51.100.7:1234"


def test_a_message_is_taken_once():
    net = Net()
    net.send(net.a)
    _, message = net.seen[-1]
    net.b.drive.put("underlay", [(message, net.a.address)] * 3)
    assert net.b.drive.drops == {"REPLAYED": 3}
    assert len(net.b.delivered) == 1


@pytest.mark.parametrize("at", [8, 15, 16, 40, -1])
def test_a_changed_message_is_dropped_and_changes_nothing(at):
    net = Net()
    net.send(net.a)
    net.a.drive.put("overlay", [packet(1, 2, b"next")])
    (message,) = net.a.fresh()
    changed = bytearray(message)
    changed[at] ^= 1
    net.b.drive.put("underlay", [(bytes(changed), ("198.51.100.7", 1))])
    assert net.b.drive.drops == {"BAD_TAG": 1}
    assert net.b.peer.endpoint == "192.0.2.1:51820"
    net.b.drive.put("underlay", [(message, net.a.address)])
    assert net.b.delivered[-1] == packet(1, 2, b"next")


@pytest.mark.parametrize(("message", "reason"), [
    (b"", "BAD_MESSAGE"), (b"\x04", "BAD_MESSAGE"), (b"\x04\0\0\0" + bytes(27), "BAD_MESSAGE"),
    (b"\x04\0\0\1" + bytes(28), "BAD_MESSAGE"), (b"\x04\0\0\0" + bytes(28), "NO_SESSION"),
    (b"\x01\0\0\0" + bytes(144), "BAD_MAC"), (b"\x01\0\0\0" + bytes(145), "BAD_MESSAGE"),
    (b"\x02\0\0\0" + bytes(88), "NO_SESSION"), (b"\x03\0\0\0" + bytes(60), "NO_SESSION"), (b"\x05\0\0\0", "BAD_MESSAGE"),
])
def test_strangers_get_no_answer(message, reason):
    net = Net()
    net.b.drive.put("underlay", [(message, ("198.51.100.7", 1))])
    net.run(1)
    assert net.b.drive.drops == {reason: 1}
    assert net.seen == []


def test_an_unknown_key_gets_no_answer():
    net, stranger = Net(), End(1)
    stranger.handler.private_key = b"\x77" * 32
    stranger.know(net.b)
    stranger.drive.advance(0)
    stranger.drive.put("overlay", [packet(1, 2)])
    stranger.drive.advance(0)
    (message,) = stranger.fresh()
    net.b.drive.put("underlay", [(message, stranger.address)])
    net.run(1)
    assert net.b.drive.drops == {}
    assert net.seen == []


def test_under_load_a_cookie_is_asked_for():
    net = Net(path=lambda *_: [])
    net.send(net.a)
    ((_, initiation),) = net.seen
    net.b.drive.put("underlay", [(initiation, net.a.address)] * 130)
    cookies = [message for message in net.b.fresh() if message[0] == COOKIE_REPLY]
    assert [len(cookie) for cookie in cookies] == [64, 64]
    assert net.b.drive.drops == {"UNDER_LOAD": 2}
    net.a.drive.put("underlay", [(cookies[-1], net.b.address)])
    net.run(5.5)
    (_, retry) = net.seen[-1]
    net.b.drive.put("underlay", [(initiation, net.a.address)] * 128)
    before = net.b.drive.drops["UNDER_LOAD"]
    net.b.drive.put("underlay", [(retry, net.a.address)])
    net.b.drive.advance(0)
    assert any(message[0] == RESPONSE for message in net.b.fresh())
    assert net.b.drive.drops["UNDER_LOAD"] == before


def test_down_drops_all_and_wipes_keys():
    net = Net()
    net.send(net.a)
    net.b.handler.down()
    net.send(net.a)
    assert net.b.drive.drops == {"LINK_DOWN": 1}
    assert not net.b.peer.may_send(net.b.clock.now_ns)
    net.b.handler.up(net.b.clock.now_ns)
    net.run(20)
    assert net.send(net.a, b"again") == net.b.delivered[-1]


def test_another_private_key_ends_the_session():
    net = Net()
    net.send(net.a)
    net.a.handler.private_key = b"\x11" * 32
    net.b.know(net.a)
    net.send(net.a, b"anew")
    assert net.b.delivered[-1] == packet(1, 2, b"anew")
    assert net.kinds(net.a).count(INITIATION) == 2


def test_a_peer_with_our_own_key_is_removed():
    net = Net()
    keys = list(net.a.handler.peers)
    net.a.handler.private_key = net.b.handler.private_key
    assert keys == [net.b.public_key]
    assert net.a.handler.peers == {}


def test_preshared_keys_must_agree():
    net = Net()
    net.a.peer.preshared_key = b"\x05" * 32
    net.send(net.a)
    assert net.b.delivered == []
    net.b.peer.preshared_key = b"\x05" * 32
    net.run(6)
    assert net.b.delivered == [packet(1, 2)]

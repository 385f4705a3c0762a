"""WireGuard: two ends, up and down, with keys that change; what native parts do is in tests/unit/protocols."""

from tests.unit.protocols.wireguard.ends import Net, packet
from tunnel.protocols.wireguard.constants import INITIATION, RESPONSE, TRANSPORT


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

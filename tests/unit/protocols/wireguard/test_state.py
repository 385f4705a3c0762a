"""The tables of an interface."""

from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.protocols.wireguard.interface import Interface


def test_peers_get_slots_of_their_own_again_and_again():
    end = End(1)
    keys = [number.to_bytes(32, "big") for number in range(1, 40)]
    slots = {end.handler.add_peer(key).slot for key in keys}
    assert slots == set(range(39))
    end.handler.remove_peer(keys[3])
    assert end.handler.add_peer(bytes(31) + b"\xff").slot not in slots - {3}
    end.handler.remove_all_peers()
    assert end.handler.add_peer(keys[0]).slot == 0


def test_what_waits_is_given_once():
    net = Net(path=lambda *_: [])
    net.send(net.a)
    ((_, initiation),) = net.seen
    net.b.drive.put("underlay", [(initiation, net.a.address)])
    interface: Interface = net.b.handler.interface
    assert interface.waiting == 1
    entry = interface.pending()
    assert entry is not None
    assert (entry[0], len(entry[1])) == (initiation, 64)
    assert interface.pending() is None


def test_another_key_forgets_what_waits():
    net = Net(path=lambda *_: [])
    net.send(net.a)
    net.b.drive.put("underlay", [(net.seen[0][1], net.a.address)])
    net.b.handler.private_key = b"\x09" * 32
    assert net.b.handler.interface.waiting == 0


def test_what_waits_is_forgotten_where_the_link_goes_down():
    net = Net(path=lambda *_: [])
    net.a.drive.put("overlay", [packet(1, 2)])
    net.a.handler.up(net.a.clock.now_ns)
    net.a.handler.down()
    net.a.drive.advance(0)
    assert net.a.fresh() == []
    net.a.handler.up(net.a.clock.now_ns)
    net.send(net.a)
    ((_, initiation),) = net.seen
    net.b.drive.put("underlay", [(initiation, net.a.address)])
    net.b.handler.down()
    net.b.drive.advance(600)
    assert (net.b.fresh(), net.b.handler.interface.waiting) == ([], 0)
    assert len(net.b.handler.interface.indices) == 0

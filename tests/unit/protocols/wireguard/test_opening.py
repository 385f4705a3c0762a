"""Opening: what a message changes, and what it cannot."""

import pytest

from tests.unit.protocols.wireguard.ends import Net, packet


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

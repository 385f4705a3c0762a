"""Handshake messages: who is answered, and how under load."""

import pytest

from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.protocols.wireguard.constants import COOKIE_REPLY, RESPONSE


@pytest.mark.parametrize(("message", "reason"), [
    (b"", "BAD_MESSAGE"), (b"\x04", "BAD_MESSAGE"), (b"\x04\0\0\0" + bytes(27), "BAD_MESSAGE"),
    (b"\x04\0\0\1" + bytes(28), "BAD_MESSAGE"), (b"\x04\0\0\0" + bytes(28), "NO_SESSION"),
    (b"\x01\0\0\0" + bytes(144), "BAD_MAC"), (b"\x01\0\0\0" + bytes(145), "BAD_MESSAGE"),
    (b"\x02\0\0\0" + bytes(88), "NO_SESSION"), (b"\x03\0\0\0" + bytes(60), "NO_SESSION"),
    (b"\x05\0\0\0", "BAD_MESSAGE"),
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

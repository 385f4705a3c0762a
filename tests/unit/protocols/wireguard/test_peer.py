"""A peer's timers and rotation, of two ends under a fake clock: whitepaper, section 6."""

import pytest

from tests.unit.protocols.wireguard.ends import Net, as_is, packet
from tunnel.protocols.wireguard.constants import INITIATION, RESPONSE, SECOND, TRANSPORT

KEEPALIVE = 32  # bytes


def count(net, sender, kind):
    return net.kinds(sender).count(kind)


def keepalives(net, sender):
    return sum(who is sender and len(message) == KEEPALIVE for who, message in net.seen)


def nothing(_sender, _message):
    return []


def test_data_without_an_answer_is_acknowledged_after_10_seconds():
    net = Net()
    net.send(net.a)
    net.run(9.9)
    assert keepalives(net, net.b) == 0
    net.run(0.2)
    assert keepalives(net, net.b) == 1


def test_an_answer_makes_the_keepalive_needless():
    net = Net()
    net.send(net.a)
    net.run(5)
    net.send(net.b)
    net.run(9)
    assert keepalives(net, net.b) == 0


def test_data_meanwhile_asks_for_one_more_keepalive():
    net = Net()
    net.send(net.a)
    net.run(5)
    net.send(net.a)
    net.run(5.1)
    assert keepalives(net, net.b) == 1
    net.run(10)
    assert keepalives(net, net.b) == 2
    net.run(30)
    assert keepalives(net, net.b) == 2


@pytest.mark.parametrize(("seconds", "again"), [(4.9, 0), (5.4, 1)])
def test_an_unanswered_initiation_is_repeated_after_5_seconds(seconds, again):
    net = Net(path=nothing)
    net.send(net.a)
    net.run(seconds)
    assert count(net, net.a, INITIATION) == 1 + again


def test_silence_for_90_seconds_ends_the_attempts():
    net = Net(path=nothing)
    net.send(net.a)
    net.run(120)
    assert count(net, net.a, INITIATION) == 19
    assert net.a.drive.drops == {"NO_SESSION": 1}
    net.run(600)
    assert count(net, net.a, INITIATION) == 19
    net.send(net.a)
    assert count(net, net.a, INITIATION) == 20


def test_data_without_any_answer_asks_for_a_handshake_after_15_seconds():
    net = Net()
    net.send(net.a)
    net.path = nothing
    net.send(net.a)
    net.run(14.9)
    assert count(net, net.a, INITIATION) == 1
    net.run(0.5)
    assert count(net, net.a, INITIATION) == 2


def test_the_initiator_rekeys_after_120_seconds_the_responder_never():
    net = Net()
    net.send(net.a)
    net.run(121)
    net.send(net.b)
    assert count(net, net.b, INITIATION) == 0
    net.send(net.a)
    assert count(net, net.a, INITIATION) == 2
    assert [len(end.delivered) for end in (net.a, net.b)] == [1, 2]


def test_the_initiator_rekeys_on_receiving_after_165_seconds_once():
    net = Net()
    net.send(net.a)
    net.run(164)
    net.send(net.b)
    assert count(net, net.a, INITIATION) == 1
    net.run(2)
    net.send(net.b)
    assert count(net, net.a, INITIATION) == 2


def test_after_180_seconds_nothing_is_sent_or_taken():
    net = Net()
    net.send(net.a)
    net.path = nothing
    net.b.drive.put("overlay", [packet(2, 1)])
    (message,) = net.b.fresh()
    net.run(180)
    net.a.drive.put("underlay", [(message, net.b.address)])
    assert net.a.delivered == [packet(2, 1)]
    net.run(1)
    net.a.drive.put("underlay", [(message, net.b.address)])
    assert net.a.drive.drops["EXPIRED"] == 1
    assert not net.a.peer.may_send(net.a.clock.now_ns)


def test_all_keys_are_wiped_540_seconds_after_the_last():
    net = Net()
    net.send(net.a)
    assert len(net.a.handler.interface.indices) == 1
    net.run(539)
    assert len(net.a.handler.interface.indices) == 1
    net.run(2)
    assert len(net.a.handler.interface.indices) == 0


@pytest.mark.parametrize("who", ["a", "b"])
def test_a_persistent_keepalive_begins_at_once_and_goes_on(who):
    net = Net()
    end = getattr(net, who)
    end.peer.keepalive_s = 25
    end.handler.configured(end.peer)
    net.run(0)
    assert net.kinds() == [INITIATION, RESPONSE, TRANSPORT]
    net.run(100.5)
    assert keepalives(net, end) == 5


def test_a_lost_response_is_made_up_by_a_retry():
    net = Net(path=lambda sender, message: [] if message[0] == RESPONSE else [message])
    net.send(net.a)
    net.path = as_is
    net.run(6)
    assert net.b.delivered == [packet(1, 2)]


def test_both_begin_at_once():
    net = Net(path=nothing)
    net.send(net.a)
    net.send(net.b)
    crossing = [(sender, message) for sender, message in net.seen]
    net.path = as_is
    for sender, message in crossing:
        receiver = net.b if sender is net.a else net.a
        receiver.drive.put("underlay", [(message, sender.address)])
    net.run(6)
    assert (net.a.delivered, net.b.delivered) == ([packet(2, 1)], [packet(1, 2)])


def test_a_suspended_machine_has_no_old_session():
    net = Net()
    net.send(net.a)
    net.run(1)
    net.a.clock.now_ns += 3600 * SECOND
    net.send(net.a, b"awake")
    assert count(net, net.a, INITIATION) == 2
    assert net.b.delivered[-1] == packet(1, 2, b"awake")


def test_ten_initiations_a_second_apart_by_20_ms():
    net = Net(path=nothing)
    net.send(net.a)
    ((_, first),) = net.seen
    net.run(5.4)
    (_, second) = net.seen[-1]
    net.b.drive.put("underlay", [(first, net.a.address), (second, net.a.address)])
    net.b.drive.advance(0)
    assert [message[0] for message in net.b.fresh()] == [RESPONSE]  # the second came within 20 ms
    net.b.drive.advance(0.1)
    net.b.drive.put("underlay", [(first, net.a.address)])
    net.b.drive.advance(0)
    assert net.b.fresh() == []  # an older timestamp
    net.b.drive.put("underlay", [(second, net.a.address)])
    net.b.drive.advance(0)
    assert [message[0] for message in net.b.fresh()] == [RESPONSE]


def test_a_session_that_is_rotated_out_still_receives():
    net = Net()
    net.send(net.a)
    net.b.drive.put("overlay", [packet(2, 1, b"late")])
    (late,) = net.b.fresh()
    net.run(121)
    net.send(net.a)
    net.a.drive.put("underlay", [(late, net.b.address)])
    assert packet(2, 1, b"late") in net.a.delivered

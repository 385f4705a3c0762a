"""Rotation: previous, current, next, seen by what each of them still opens."""

from tests.unit.protocols.wireguard.ends import Net, packet


def sealed(net, sender, text):
    """A message that has not been sent yet."""
    sender.drive.put("overlay", [packet(sender.number, 3 - sender.number, text)])
    (message,) = sender.fresh()
    return message


def rekey(net):
    """Another session, which the responder confirms."""
    net.run(121)
    net.send(net.a)


def test_the_session_before_still_receives_the_one_before_that_does_not():
    net = Net()
    held = []
    for text in (b"first", b"second"):
        net.send(net.a)
        held.append((sealed(net, net.b, text), net.b.address))
        net.run(16)  # to the initiator this is silence: it begins another session
    net.a.drive.put("underlay", held)
    assert net.a.delivered == [packet(2, 1, b"second")]
    assert net.a.drive.drops == {"NO_SESSION": 1}


def test_the_responder_sends_by_the_old_session_until_the_new_one_is_used():
    net = Net()
    net.send(net.a)
    net.run(121)
    net.path = lambda sender, message: [] if sender is net.a and message[0] == 4 else [message]
    net.send(net.a)  # initiates; its data and its keepalive are lost
    assert net.a.peer.last_handshake > net.b.peer.last_handshake
    net.path = lambda _, message: [message]
    net.send(net.b, b"old")
    assert net.a.delivered[-1] == packet(2, 1, b"old")


def test_a_clock_that_reads_a_little_less_does_not_end_a_session():
    net = Net()
    net.send(net.a)
    for end in (net.a, net.b):
        end.clock.now_ns -= 1_000_000
        assert end.peer.may_send(end.clock.now_ns)
    net.send(net.b, b"before")
    net.send(net.a, b"either way")
    assert (net.a.delivered[-1], net.b.delivered[-1]) == (packet(2, 1, b"before"), packet(1, 2, b"either way"))
    assert net.a.drive.drops == net.b.drive.drops == {}


def test_receiver_indices_are_given_back():
    net = Net()
    for _ in range(6):
        rekey(net)
        assert len(net.a.handler.interface.indices) <= 2
        assert len(net.b.handler.interface.indices) <= 2
    net.a.handler.remove_all_peers()
    assert len(net.a.handler.interface.indices) == 0

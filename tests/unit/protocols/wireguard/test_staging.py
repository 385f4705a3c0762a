"""Packets that wait for a session."""

from tests.unit.protocols.wireguard.ends import Net, packet


def test_packets_wait_for_the_session_the_oldest_goes_first():
    net = Net(path=lambda *_: [])
    net.a.drive.put("overlay", [packet(1, 2, b"%d" % number) for number in range(130)])
    assert net.a.drive.drops == {"STAGED_FULL": 2}
    net.path = lambda _, message: [message]
    net.run(6)
    assert net.b.delivered == [packet(1, 2, b"%d" % number) for number in range(2, 130)]
    assert net.a.drive.held == 0

"""The native part of a peer, by itself."""

import pytest

from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.batch import Batch
from tunnel.protocols.wireguard.constants import ERASE, SECOND
from tunnel.protocols.wireguard.noise import Handshake
from tunnel.protocols.wireguard.peer_state import PeerState


def fresh():
    return PeerState(End(1).handler.interface, 7)


def test_a_slot_is_taken_once():
    end = End(1)
    first = PeerState(end.handler.interface, 7)
    with pytest.raises(ValueError, match="slot 7 is in use"):
        PeerState(end.handler.interface, 7)
    first.leave()
    assert PeerState(end.handler.interface, 7).slot == 7


@pytest.mark.parametrize("slot", [65536, 2**32 - 1])
def test_slots_are_bounded(slot):
    with pytest.raises(OverflowError, match="at most 65536 peers"):
        PeerState(End(1).handler.interface, slot)


def test_timers_expire_once():
    peer = fresh()
    peer.arm(ERASE, 5 * SECOND)
    assert peer.expired(4 * SECOND) == []
    assert peer.expired(5 * SECOND) == [ERASE]
    assert peer.expired(6 * SECOND) == []


def test_there_is_no_timer_of_that_number():
    with pytest.raises(ValueError, match="timer 9"):
        fresh().arm(9, SECOND)


def test_a_handshake_that_is_not_complete_gives_no_session():
    peer = fresh()
    with pytest.raises(ValueError, match="not complete"):
        peer.install(Handshake(bytes(32)), SECOND)


def test_a_handshake_message_is_short():
    net = Net()
    with pytest.raises(ValueError, match="148 bytes at most, not 149"):
        net.a.peer.send(bytes(149), Batch(), 1)


def test_an_endpoint_is_64_bytes():
    peer = fresh()
    assert peer.record is None
    with pytest.raises(ValueError, match="64 bytes"):
        peer.record = b"short"


def test_an_index_is_claimed_once_and_never_0():
    net = Net()
    assert net.a.peer.claim(0) is False
    assert net.a.peer.claim(5) is True
    assert net.a.peer.claim(5) is False
    assert net.a.handler.interface.slot_of(5) == net.a.peer.slot


def test_an_index_is_claimed_for_one_handshake_at_a_time():
    """Whose message could not be made keeps none."""
    interface = End(1).handler.interface
    peer = PeerState(interface, 7)
    assert peer.claim(5)
    assert peer.claim(6)
    assert (interface.slot_of(5), interface.slot_of(6)) == (None, 7)
    peer.disclaim()
    assert (interface.slot_of(6), len(interface.indices)) == (None, 0)


def test_no_index_leads_to_a_peer_that_left():
    interface = End(1).handler.interface
    peer = PeerState(interface, 7)
    assert peer.claim(5)
    peer.leave()
    assert (interface.slot_of(5), len(interface.indices)) == (None, 0)


def test_a_peer_that_leaves_wants_nothing_any_more():
    end, other = End(1), End(2)
    for _ in range(3):
        peer = end.know(other)
        end.drive.put("overlay", [packet(1, 2)])
        end.handler.remove_peer(other.public_key)
        assert peer.public_key not in end.handler.peers
    assert end.handler.interface.wanted == 0
